//! How long what may take on a real chip.
//!
//! Knows three watchdogs, one behind the other, and that the inner one must bite first: the image's own
//! can say who waited for whom, the outer ones only that somebody did. And how long is waited for cores, which none of
//! the three counts.

use core::time::Duration;

/// Variable with the milliseconds nothing may move in a run.
const SCHEDULER: &str = "SIMPLER_SCHEDULER_TIMEOUT_MS";
/// Variable with the microseconds one operation of the hardware may take.
pub(super) const OPERATION: &str = "SIMPLER_OP_EXECUTE_TIMEOUT_US";
/// Variable with the milliseconds a stream may take.
const STREAM: &str = "SIMPLER_STREAM_SYNC_TIMEOUT_MS";
/// Variable with the milliseconds cores may take to come, to end and to go.
const CORES: &str = "SIMPLER_CORES_TIMEOUT_MS";
/// How much longer a stream must be waited for than the schedulers wait.
const MARGIN: Duration = Duration::from_millis(1500);

/// Which part of an operation's limit is for what nobody has thought of.
const SPARE: u32 = 16;

/// The watchdogs of a run, inner to outer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// Nothing moves in the graph.
    pub scheduler: Duration,
    /// One operation of the hardware runs: a launch, whatever the graph in it does.
    pub operation: Duration,
    /// A stream is not done.
    pub stream: Duration,
    /// Cores do not come to a run, do not end what they run when it is given up, or do not go.
    pub cores: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            scheduler: Duration::from_secs(10),
            operation: Duration::from_secs(45),
            stream: Duration::from_secs(50),
            cores: Duration::from_secs(5),
        }
    }
}

impl TimeLimits {
    /// As the environment says; values that make no sense together are named in a warning and ignored.
    #[must_use]
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let mut limits = Self::default();
        let number = |name: &str| -> Option<u64> {
            let text = lookup(name)?;
            let value = text.trim().parse().ok().filter(|&value| value != 0);
            if value.is_none() {
                log::warn!("{name}={text} is ignored: use a number from 1 on");
            }
            value
        };
        if let Some(millis) = number(SCHEDULER) {
            limits.scheduler = Duration::from_millis(millis);
        }
        if let Some(micros) = number(OPERATION) {
            limits.operation = Duration::from_micros(micros);
        }
        if let Some(millis) = number(STREAM) {
            limits.stream = Duration::from_millis(millis);
        }
        let cores = number(CORES).map_or(limits.cores, Duration::from_millis);
        limits.cores = cores;
        if limits.is_ordered() {
            return limits;
        }
        log::warn!(
            "{SCHEDULER}, {OPERATION} and {STREAM} are ignored: {:?} < {:?} < {:?} does not hold, or the last is \
             not {MARGIN:?} more than the first, or the first leaves no time to give an operation up",
            limits.scheduler,
            limits.operation,
            limits.stream
        );
        Self {
            cores,
            ..Self::default()
        }
    }

    /// How long a run may take as a whole. The image ends one that takes longer: if the hardware ended it, the chip
    /// would be lost with it. What is left of the hardware's limit then is for cores to end what they run, and to go.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.operation - self.operation / SPARE - 2 * self.leave()
    }

    /// How long cores of a run that is given up may take to end what they run, and as long again to go.
    #[must_use]
    pub fn leave(&self) -> Duration {
        self.cores.min(self.operation / 8)
    }

    /// Whether the inner watchdog bites before the outer.
    fn is_ordered(&self) -> bool {
        self.scheduler < self.whole()
            && self.operation < self.stream
            && self.scheduler + MARGIN < self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::{CORES, OPERATION, SCHEDULER, STREAM, TimeLimits};
    use core::time::Duration;

    fn limits(scheduler: &str, operation: &str, stream: &str) -> TimeLimits {
        TimeLimits::from_environment(|name| {
            let value = match name {
                SCHEDULER => scheduler,
                OPERATION => operation,
                STREAM => stream,
                _ => "",
            };
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    #[test]
    fn limits_in_order_are_taken() {
        let taken = limits("2000", "3000000", "4000");
        assert_eq!(taken.scheduler, Duration::from_secs(2));
        assert_eq!(taken.operation, Duration::from_secs(3));
        assert_eq!(taken.stream, Duration::from_secs(4));
    }

    #[test]
    fn limits_out_of_order_or_unreadable_are_not() {
        for (scheduler, operation, stream) in [
            ("5000", "3000000", "9000"),
            ("2900", "3000000", "9000"),
            ("2000", "3000000", "3400"),
            ("", "60000000", ""),
            ("x", "", ""),
        ] {
            assert_eq!(limits(scheduler, operation, stream), TimeLimits::default());
        }
    }

    #[test]
    fn the_limit_of_cores_is_nobody_elses() {
        for others in ["", "1", "x"] {
            let taken = TimeLimits::from_environment(|name| {
                Some(if name == CORES { "700" } else { others }.to_owned())
            });
            let expected = TimeLimits {
                cores: Duration::from_millis(700),
                ..TimeLimits::default()
            };
            assert_eq!(taken, expected);
        }
    }
}
