//! The chip's system counter, as its control CPUs read it.
//!
//! Knows one register. Refuses to know what is counted by it. On a machine of another kind, where an image is only
//! tried, the host's clock in the family's frequency takes its place.

use protocol::Arch;

/// The counter of `A` now.
#[cfg(target_arch = "aarch64")]
pub(super) extern "C" fn counter<A: Arch>() -> u64 {
    let ticks: u64;
    // SAFETY: user programs may read the counter; nothing is changed.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags));
    }
    ticks
}

/// The counter of `A` now.
#[cfg(not(target_arch = "aarch64"))]
pub(super) extern "C" fn counter<A: Arch>() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};

    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let rest = u64::from(since.subsec_nanos()) * A::COUNTER_HZ / 1_000_000_000;
    since
        .as_secs()
        .wrapping_mul(A::COUNTER_HZ)
        .wrapping_add(rest)
}
