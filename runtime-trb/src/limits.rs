//! How much a context can hold.
//!
//! Knows the capacities and what values they may have. Refuses to know who reads them from where (the host
//! parses `PTO2_RING_*` and passes numbers).

use protocol::limits::trb::{DEFAULT_HEAP_BYTES, DEFAULT_TASK_WINDOW, MAX_RING_DEPTH};

use crate::error::{Error, Result};

/// Rings of a context.
pub(crate) const RINGS: usize = MAX_RING_DEPTH;

/// Capacities per ring, and of the tensor map all rings share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Task slots per ring, a power of two from 4 to 2^22.
    pub task_window: u32,
    /// Bytes of output memory per ring, a power of two from 1024 to 2^40.
    pub heap_bytes: u64,
    /// Entries of the tensor map, from 4 to 2^24.
    pub map_entries: u32,
}

impl Default for Limits {
    #[expect(clippy::cast_possible_truncation, reason = "16384")]
    fn default() -> Self {
        Self {
            task_window: DEFAULT_TASK_WINDOW as u32,
            heap_bytes: DEFAULT_HEAP_BYTES as u64,
            map_entries: 65_536,
        }
    }
}

impl Limits {
    const WINDOW: (u64, u64) = (4, 1 << 22);
    const HEAP: (u64, u64) = (1024, 1 << 40);
    const MAP: (u64, u64) = (4, 1 << 24);

    /// Checks every capacity by itself.
    ///
    /// # Errors
    /// [`Error::BadLimit`] with the value and the range.
    pub fn validate(&self) -> Result<()> {
        check(
            "the task window",
            u64::from(self.task_window),
            Self::WINDOW,
            true,
        )?;
        check("the heap", self.heap_bytes, Self::HEAP, true)?;
        check(
            "the tensor map",
            u64::from(self.map_entries),
            Self::MAP,
            false,
        )
    }

    /// Checks that a context made for `self` can serve a run with `wanted`.
    pub(crate) fn admits(&self, wanted: &Self) -> Result<()> {
        wanted.validate()?;
        for (what, wanted, available) in [
            (
                "a task window of",
                u64::from(wanted.task_window),
                u64::from(self.task_window),
            ),
            ("a heap of", wanted.heap_bytes, self.heap_bytes),
            (
                "tensor-map entries:",
                u64::from(wanted.map_entries),
                u64::from(self.map_entries),
            ),
        ] {
            if wanted > available {
                return Err(Error::BeyondContext {
                    what,
                    wanted,
                    available,
                });
            }
        }
        Ok(())
    }

    /// 64-byte granules of record memory per ring.
    ///
    /// A record with all its tensors and scalars takes 2560 bytes; the rest is for edges, which can be as many
    /// as there are live tasks.
    pub(crate) const fn record_granules(&self) -> u64 {
        self.task_window as u64 * 64 + 4096
    }
}

fn check(what: &'static str, value: u64, (min, max): (u64, u64), power: bool) -> Result<()> {
    if value < min || value > max || (power && !value.is_power_of_two()) {
        return Err(Error::BadLimit {
            what,
            value,
            min,
            max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn limits_are_powers_of_two_in_range() {
        let good = Limits::default();
        assert!(good.validate().is_ok());
        for task_window in [0, 2, 3, 1000, 1 << 23] {
            assert!(
                Limits {
                    task_window,
                    ..good
                }
                .validate()
                .is_err()
            );
        }
        for heap_bytes in [0, 512, 2_621_440, 1 << 41] {
            assert!(Limits { heap_bytes, ..good }.validate().is_err());
        }
        for map_entries in [0, 3, 1 << 25] {
            assert!(
                Limits {
                    map_entries,
                    ..good
                }
                .validate()
                .is_err()
            );
        }
    }

    #[test]
    fn a_run_fits_its_context() {
        let context = Limits {
            task_window: 64,
            ..Limits::default()
        };
        let larger = Limits {
            task_window: 128,
            ..context
        };
        assert!(context.admits(&context).is_ok());
        assert!(larger.admits(&context).is_ok());
        assert!(context.admits(&larger).is_err());
    }
}
