//! Proof that `protocol` and `aicore-abi` need no std.
//!
//! A program has one panic handler. This library brings its own, so if anything below pulled in std,
//! which brings another, the compiler would refuse to build it. No bare-metal target is needed.
#![no_std]

#[cfg(feature = "with-std")]
extern crate std;

/// A number that follows from the layouts of both crates, so that both are linked.
#[unsafe(no_mangle)]
pub extern "C" fn no_std_proof() -> u64 {
    aicore_abi::ABI_DIGEST ^ protocol::PROTOCOL_DIGEST
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
