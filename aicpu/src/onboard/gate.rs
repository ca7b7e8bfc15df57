//! Which of the launched threads stay.
//!
//! Knows processors and arrivals. Refuses to know what a thread that stays does.
//!
//! The cores of a cluster of four control CPUs share a cache, so the threads of a run should be in one
//! cluster; the launcher only says how many threads there are. So more are launched than stay.
//! All report where they are, and the verdict falls when all have, or when they are too late: two
//! threads on one processor run one after the other, and the second would never come.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Control CPUs that share a cache.
const CLUSTER: u32 = 4;

/// What a thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Stay.
    Stay {
        /// The last number leads.
        number: usize,
        /// All that stay have processors of their own.
        apart: bool,
    },
    /// Return.
    Leave,
}

/// Where a thread of a launch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// The processor it is on.
    pub(super) processor: u32,
    /// It may run on no other. The vendor's threads are so, and nothing else runs where they are.
    pub(super) pinned: bool,
}

/// Where the threads of a launch meet.
#[derive(Debug)]
pub(super) struct Gate {
    launch: Mutex<Launch>,
    changed: Condvar,
}

#[derive(Debug)]
struct Launch {
    /// The run the launch is for: a launch that was cut short leaves nothing to the next.
    run: u64,
    arrived: Vec<Arrival>,
    verdict: Option<Vec<Place>>,
}

impl Gate {
    pub(super) const fn new() -> Self {
        Self {
            launch: Mutex::new(Launch {
                run: 0,
                arrived: Vec::new(),
                verdict: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// What the calling thread, which has come as `arrival` says, is to do in run `run`, for which `launched`
    /// threads were launched and `wanted` are needed.
    pub(super) fn pass(
        &self,
        run: u64,
        arrival: Arrival,
        (launched, wanted): (usize, usize),
        patience: Duration,
    ) -> Place {
        let mut launch = self.lock();
        if launch.run != run {
            *launch = Launch {
                run,
                arrived: Vec::with_capacity(launched),
                verdict: None,
            };
        }
        let index = launch.arrived.len();
        launch.arrived.push(arrival);
        if launch.arrived.len() >= launched && launch.verdict.is_none() {
            launch.verdict = Some(choose(&launch.arrived, wanted));
            self.changed.notify_all();
        }
        let deadline = Instant::now() + patience;
        loop {
            if launch.run != run {
                return Place::Leave;
            }
            if let Some(verdict) = &launch.verdict {
                return verdict.get(index).copied().unwrap_or(Place::Leave);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // With too few threads there is nothing to decide yet, however late it is.
            if left.is_zero() && launch.arrived.len() >= wanted {
                log::warn!(
                    "{} of {launched} threads came within {patience:?}; the run goes on with {wanted} of them",
                    launch.arrived.len()
                );
                launch.verdict = Some(choose(&launch.arrived, wanted));
                self.changed.notify_all();
                continue;
            }
            let nap = left.max(Duration::from_millis(1));
            (launch, _) = self
                .changed
                .wait_timeout(launch, nap)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Launch> {
        self.launch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `wanted` of the threads that have come so: those of the cluster with most of them first.
fn choose(arrived: &[Arrival], wanted: usize) -> Vec<Place> {
    let cluster = |index: usize| arrived[index].processor % 8 / CLUSTER;
    let in_second = (0..arrived.len())
        .filter(|&index| cluster(index) == 1)
        .count();
    let majority = u32::from(in_second * 2 > arrived.len());
    let mut order: Vec<usize> = (0..arrived.len()).collect();
    order.sort_by_key(|&index| cluster(index) != majority);
    order.truncate(wanted);
    let stay = || order.iter().map(|&index| arrived[index]);
    let processors: BTreeSet<_> = stay().map(|it| it.processor).collect();
    let apart = processors.len() == order.len() && stay().all(|it| it.pinned);
    let mut places = vec![Place::Leave; arrived.len()];
    for (number, index) in order.into_iter().enumerate() {
        places[index] = Place::Stay { number, apart };
    }
    places
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Gate, Place};
    use core::time::Duration;

    const HERE: Arrival = Arrival {
        processor: 0,
        pinned: true,
    };

    /// What becomes of threads that are pinned to these processors.
    fn choose(processors: &[u32], wanted: usize) -> Vec<Place> {
        let arrived = processors
            .iter()
            .map(|&processor| Arrival { processor, ..HERE });
        super::choose(&arrived.collect::<Vec<_>>(), wanted)
    }

    const FIRST: Place = Place::Stay {
        number: 0,
        apart: true,
    };

    #[test]
    fn the_larger_cluster_stays() {
        let places = choose(&[2, 4, 3, 5, 6, 7], 4);
        assert_eq!(places[0], Place::Leave);
        assert_eq!(places[2], Place::Leave);
        assert_eq!(places.iter().filter(|it| **it != Place::Leave).count(), 4);
    }

    #[test]
    fn a_cluster_that_is_too_small_is_filled_up() {
        let places = choose(&[0, 4, 1], 3);
        let stay = |number| Place::Stay {
            number,
            apart: true,
        };
        assert_eq!(places, [stay(0), stay(2), stay(1)]);
    }

    #[test]
    fn threads_that_share_a_processor_are_not_apart() {
        let shared = |processors| {
            let places = choose(processors, 2);
            places.contains(&Place::Stay {
                number: 0,
                apart: false,
            })
        };
        assert!(shared(&[1, 1]));
        assert!(shared(&[4, 1, 4]));
        assert!(!shared(&[1, 2]));
        // Whoever leaves does not matter.
        assert!(!shared(&[1, 2, 2]));
    }

    #[test]
    fn a_thread_that_never_comes_holds_nobody_up() {
        let gate = Gate::new();
        let place = gate.pass(1, HERE, (2, 1), Duration::from_millis(1));
        assert_eq!(place, FIRST);
        assert_eq!(
            gate.pass(1, HERE, (2, 1), Duration::from_secs(10)),
            Place::Leave
        );
    }

    #[test]
    fn a_launch_that_was_cut_short_leaves_nothing_behind() {
        let gate = Gate::new();
        let first = gate.pass(1, HERE, (2, 1), Duration::from_millis(1));
        assert_eq!(first, FIRST);
        assert_eq!(gate.pass(2, HERE, (1, 1), Duration::from_secs(10)), FIRST);
    }

    #[test]
    fn threads_that_may_go_elsewhere_have_no_processor_of_their_own() {
        let free = Arrival {
            processor: 1,
            pinned: false,
        };
        let apart = |arrived: &[Arrival], wanted| {
            let first = super::choose(arrived, wanted)[0];
            matches!(first, Place::Stay { apart: true, .. })
        };
        assert!(!apart(&[HERE, free], 2));
        // Whoever leaves does not matter.
        assert!(apart(&[HERE, free], 1));
    }
}
