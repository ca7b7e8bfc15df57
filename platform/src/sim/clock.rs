//! The system counter of a simulated chip.
//!
//! Knows how a moment becomes ticks: time since the clock's epoch, in the family's frequency. Host and
//! cores use this one function, so their stamps compare.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Arch;

/// The counter of `A` now.
#[must_use]
pub fn ticks<A: Arch>() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    ticks_of::<A>(since)
}

/// The same, for programs that are linked apart.
pub extern "C" fn counter<A: Arch>() -> u64 {
    ticks::<A>()
}

/// Ticks of `A` in a stretch of time.
#[must_use]
pub fn ticks_of<A: Arch>(time: Duration) -> u64 {
    let rest = u64::from(time.subsec_nanos()) * A::COUNTER_HZ / 1_000_000_000;
    time.as_secs()
        .wrapping_mul(A::COUNTER_HZ)
        .wrapping_add(rest)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use protocol::{A2a3, A5};

    use super::ticks_of;

    #[test]
    fn whole_seconds_and_the_rest_each_in_the_frequency() {
        let time = Duration::new(3, 20);
        assert_eq!(ticks_of::<A2a3>(time), 150_000_001);
        assert_eq!(ticks_of::<A5>(time), 3_000_000_020);
    }
}
