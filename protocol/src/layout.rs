//! Pinning: a shared type's layout is stated in numbers beside it, and the compiler holds it there.
//!
//! Knows how to compare a stated layout with the compiler's and how to digest it. Refuses to know
//! any particular type.
//!
//! Three lines of defence come out of one [`pin_layout!`](crate::pin_layout) block: the compile-time
//! assertions (both builds), the digest that two separately built programs compare before they talk,
//! and the [`Layout`] table with which tests compare the C++ headers.

/// One field of a pinned type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in Rust.
    pub name: &'static str,
    /// Bytes from the start of the type.
    pub offset: usize,
    /// Bytes it covers.
    pub size: usize,
}

/// The pinned layout of one type, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name in Rust.
    pub name: &'static str,
    /// Bytes in all.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// Every field, in order, without gaps.
    pub fields: &'static [Field],
}

impl Layout {
    /// Digest of the names and numbers.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        let mut digest = fold(FNV_BASIS, self.name.as_bytes());
        digest = fold(digest, &self.size.to_le_bytes());
        digest = fold(digest, &self.align.to_le_bytes());
        let mut index = 0;
        while index < self.fields.len() {
            let field = self.fields[index];
            digest = fold(digest, field.name.as_bytes());
            digest = fold(digest, &field.offset.to_le_bytes());
            digest = fold(digest, &field.size.to_le_bytes());
            index += 1;
        }
        digest
    }
}

/// A type whose layout is pinned.
pub trait Pinned {
    /// The layout, checked against the compiler's.
    const LAYOUT: Layout;
}

/// Digest of a whole list of layouts, in order.
#[must_use]
pub const fn digest_of(layouts: &[Layout]) -> u64 {
    let mut digest = FNV_BASIS;
    let mut index = 0;
    while index < layouts.len() {
        digest = fold(digest, &layouts[index].digest().to_le_bytes());
        index += 1;
    }
    digest
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bit, of `bytes`.
#[must_use]
pub const fn fnv1a64(bytes: &[u8]) -> u64 {
    fold(FNV_BASIS, bytes)
}

const fn fold(mut digest: u64, bytes: &[u8]) -> u64 {
    let mut index = 0;
    while index < bytes.len() {
        digest = (digest ^ bytes[index] as u64).wrapping_mul(FNV_PRIME);
        index += 1;
    }
    digest
}

/// Pins a shared type to the offsets its protocol page gives.
///
/// All fields must be listed and neighbours must touch: neither a new field nor padding can slip in
/// unseen.
///
/// ```
/// #[repr(C)]
/// struct Pair {
///     first: u32,
///     second: u32,
/// }
/// protocol::pin_layout!(Pair, 8 bytes, align 4, {
///     0 => first: u32,
///     4 => second: u32,
/// });
/// ```
///
/// A moved field does not compile:
///
/// ```compile_fail
/// #[repr(C)]
/// struct Pair {
///     first: u32,
///     second: u32,
/// }
/// protocol::pin_layout!(Pair, 8 bytes, align 4, {
///     0 => second: u32,
///     4 => first: u32,
/// });
/// ```
///
/// Neither does hidden padding:
///
/// ```compile_fail
/// #[repr(C)]
/// struct Padded {
///     first: u8,
///     second: u32,
/// }
/// protocol::pin_layout!(Padded, 8 bytes, align 4, {
///     0 => first: u8,
///     4 => second: u32,
/// });
/// ```
#[macro_export]
macro_rules! pin_layout {
    ($ty:ident, $size:literal bytes, align $align:literal, {
        $($at:literal => $field:ident: $field_ty:ty),+ $(,)?
    }) => {
        const _: () = {
            use ::core::mem::{align_of, offset_of, size_of};
            let _all_fields_named = |value: &$ty| {
                let $ty { $($field: _),+ } = value;
            };
            assert!(size_of::<$ty>() == $size, concat!(stringify!($ty), " changed size"));
            assert!(align_of::<$ty>() == $align, concat!(stringify!($ty), " changed alignment"));
            let mut end = 0;
            $(
                assert!(
                    offset_of!($ty, $field) == $at,
                    concat!(stringify!($ty), "::", stringify!($field), " moved"),
                );
                assert!(
                    end == $at,
                    concat!("padding before ", stringify!($ty), "::", stringify!($field)),
                );
                end += size_of::<$field_ty>();
            )+
            assert!(end == $size, concat!(stringify!($ty), " ends in padding"));
        };
        impl $crate::layout::Pinned for $ty {
            const LAYOUT: $crate::layout::Layout = $crate::layout::Layout {
                name: stringify!($ty),
                size: $size,
                align: $align,
                fields: &[$(
                    $crate::layout::Field {
                        name: stringify!($field),
                        offset: $at,
                        size: ::core::mem::size_of::<$field_ty>(),
                    }
                ),+],
            };
        }
    };
}
