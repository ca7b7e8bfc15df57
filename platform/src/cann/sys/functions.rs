//! CANN's functions, by library.
//!
//! Each library is a table of addresses; an address that was not found is `None`, and whether that
//! matters is decided when the function is needed.

mod acl;
mod hal;
mod hccl;
mod log;
mod runtime;

pub use acl::Acl;
pub use hal::Hal;
pub use hccl::Hccl;
pub use log::Log;
pub use runtime::Runtime;

/// A type that the compiler knows already.
#[cfg(feature = "cann-headers")]
macro_rules! inferred {
    ($argument:ident) => {
        _
    };
}
#[cfg(feature = "cann-headers")]
use inferred;

macro_rules! library {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* fn $function:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $($(#[$what])* pub $function: Option<unsafe extern "C" fn($($argument: $type),*) -> $result>,)*
        }

        $(
            #[cfg(feature = "cann-headers")]
            const _: () = assert!(
                crate::cann::sys::headers::same(
                    <unsafe extern "C" fn($($type),*) -> $result as crate::cann::sys::headers::Function>::PROTOTYPE,
                    crate::cann::sys::headers::prototype(
                        crate::cann::sys::headers::vendor::$function as unsafe extern "C" fn($($crate::cann::sys::functions::inferred!($argument)),*) -> _
                    ),
                ),
                concat!(stringify!($function), " is declared differently in the toolkit's headers")
            );
        )*

        impl $name {
            /// The functions that `find` finds.
            ///
            /// # Safety
            /// Each address found is that of the vendor's function with this name.
            pub unsafe fn probe(find: &dyn Fn(&str) -> Option<*mut core::ffi::c_void>) -> Self {
                Self {
                    $($function: find(stringify!($function)).map(|address| {
                        // SAFETY: the caller says which function this is; the prototype is the
                        // header's.
                        unsafe {
                            core::mem::transmute::<
                                *mut core::ffi::c_void,
                                unsafe extern "C" fn($($argument: $type),*) -> $result,
                            >(address)
                        }
                    }),)*
                }
            }
        }
    };
}
use library;
