//! Enumerations that cross as bare integers.
//!
//! Knows how a wire integer becomes an enum and back. Refuses to know any particular enum.

/// Declares an enumeration whose wire form is an integer.
///
/// The enum itself never stands in a shared layout: a field is an integer, `from_wire` checks it and
/// names `$field` when it refuses. The strings are the names of the C++ headers.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $wire:ident as $field:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $value:tt => $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Hash,
            ::bytemuck::CheckedBitPattern,
            ::bytemuck::NoUninit,
        )]
        #[repr($wire)]
        pub enum $name {
            $($(#[$variant_meta])* $variant = $value,)+
        }

        ::static_assertions::assert_not_impl_any!($name: ::bytemuck::Pod);

        impl $name {
            /// Every member, in ascending order of wire values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The member a wire integer names.
            ///
            /// # Errors
            /// [`Malformed::UnknownValue`](crate::Malformed::UnknownValue) when it names none.
            pub const fn from_wire(wire: $wire) -> Result<Self, $crate::Malformed> {
                match wire {
                    $($value => Ok(Self::$variant),)+
                    _ => Err($crate::Malformed::UnknownValue {
                        field: $field,
                        value: wire as i64,
                        max: Self::ALL[Self::ALL.len() - 1] as i64,
                    }),
                }
            }

            /// The wire integer.
            #[must_use]
            pub const fn to_wire(self) -> $wire {
                self as $wire
            }

            /// The name in C++ sources, log lines and scene files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl TryFrom<$wire> for $name {
            type Error = $crate::Malformed;

            fn try_from(wire: $wire) -> Result<Self, $crate::Malformed> {
                Self::from_wire(wire)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use wire_enum;
