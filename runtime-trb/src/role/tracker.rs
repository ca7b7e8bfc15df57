//! Which cores of a role are free.
//!
//! Knows two bits per core, one word per lane, one bit per cluster. Refuses to know what runs where.
//!
//! | | idle | pending place free | may take |
//! | --- | --- | --- | --- |
//! | free core | yes | yes | a task, to run |
//! | started core | no | yes | a second task, to run next |
//! | loaded core, or one that has not acknowledged | no | no | nothing |

use aicore_abi::orchestration::trb::Shape;
use protocol::limits::trb::SUBTASK_SLOTS;

/// A lane of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Lane {
    Aic = 0,
    Aiv0 = 1,
    Aiv1 = 2,
}

impl Lane {
    pub(crate) const ALL: [Self; SUBTASK_SLOTS] = [Self::Aic, Self::Aiv0, Self::Aiv1];
}

/// Where tasks are dispatched to: free cores, or behind what a core runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Pending,
}

/// One place a block can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) cluster: usize,
    /// The lane of a single-core task; a mixed task takes the cluster.
    pub(crate) lane: Lane,
}

/// Most clusters of a role: one bit each.
pub(crate) const MAX_CLUSTERS: usize = 64;

/// The state of up to 64 clusters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracker {
    owned: u64,
    idle: [u64; SUBTASK_SLOTS],
    /// A token was written that was not acknowledged, or a second task is loaded.
    occupied: [u64; SUBTASK_SLOTS],
}

impl Tracker {
    /// Adds a cluster; what `runs` is not idle, and what is `occupied` takes nothing.
    pub(crate) fn adopt(
        &mut self,
        cluster: usize,
        runs: [bool; SUBTASK_SLOTS],
        occupied: [bool; SUBTASK_SLOTS],
    ) {
        debug_assert!(cluster < MAX_CLUSTERS, "a family has fewer clusters");
        let bit = 1 << cluster;
        self.owned |= bit;
        for lane in Lane::ALL {
            if !runs[lane as usize] {
                self.idle[lane as usize] |= bit;
            }
            if occupied[lane as usize] {
                self.occupied[lane as usize] |= bit;
            }
        }
    }

    /// The cores of a lane that run something.
    #[inline]
    pub(crate) const fn running(&self, lane: Lane) -> u64 {
        self.owned & !self.idle[lane as usize]
    }

    /// Whether the core is idle.
    #[inline]
    pub(crate) const fn is_idle(&self, lane: Lane, cluster: usize) -> bool {
        self.idle[lane as usize] >> cluster & 1 != 0
    }

    /// A token was written: the core is not idle and takes nothing until it acknowledges.
    #[inline]
    pub(crate) const fn set_dispatched(&mut self, lane: Lane, cluster: usize) {
        self.idle[lane as usize] &= !(1 << cluster);
        self.occupied[lane as usize] |= 1 << cluster;
    }

    /// The core acknowledged what it runs and has nothing loaded.
    #[inline]
    pub(crate) const fn set_started(&mut self, lane: Lane, cluster: usize) {
        self.occupied[lane as usize] &= !(1 << cluster);
    }

    /// The core finished everything.
    #[inline]
    pub(crate) const fn set_idle(&mut self, lane: Lane, cluster: usize) {
        self.idle[lane as usize] |= 1 << cluster;
        self.occupied[lane as usize] &= !(1 << cluster);
    }

    /// How many blocks of `shape` could be dispatched in `phase`.
    #[inline]
    pub(crate) const fn units(&self, shape: Shape, phase: Phase) -> u32 {
        match shape {
            Shape::Aic => self.free(Lane::Aic, phase).count_ones(),
            Shape::Aiv => {
                self.free(Lane::Aiv0, phase).count_ones()
                    + self.free(Lane::Aiv1, phase).count_ones()
            }
            Shape::Mix => self.free_clusters(phase).count_ones(),
        }
    }

    /// Whether a block of `shape` could be dispatched in `phase`.
    #[inline]
    pub(crate) const fn has_unit(&self, shape: Shape, phase: Phase) -> bool {
        self.pick(shape, phase).is_some()
    }

    /// A place for a block of `shape`, if there is one.
    #[inline]
    pub(crate) const fn pick(&self, shape: Shape, phase: Phase) -> Option<Unit> {
        let (mask, lane) = match shape {
            Shape::Aic => (self.free(Lane::Aic, phase), Lane::Aic),
            Shape::Aiv => match self.free(Lane::Aiv0, phase) {
                0 => (self.free(Lane::Aiv1, phase), Lane::Aiv1),
                mask => (mask, Lane::Aiv0),
            },
            Shape::Mix => (self.free_clusters(phase), Lane::Aic),
        };
        if mask == 0 {
            None
        } else {
            Some(Unit {
                cluster: mask.trailing_zeros() as usize,
                lane,
            })
        }
    }

    #[inline]
    const fn free(&self, lane: Lane, phase: Phase) -> u64 {
        let lane = lane as usize;
        let free = self.owned & !self.occupied[lane];
        match phase {
            Phase::Idle => free & self.idle[lane],
            Phase::Pending => free & !self.idle[lane],
        }
    }

    #[inline]
    const fn free_clusters(&self, phase: Phase) -> u64 {
        let all_idle = self.idle[0] & self.idle[1] & self.idle[2];
        let none_occupied = self.owned & !(self.occupied[0] | self.occupied[1] | self.occupied[2]);
        match phase {
            Phase::Idle => all_idle & none_occupied,
            Phase::Pending => !all_idle & none_occupied,
        }
    }
}

#[cfg(test)]
mod tests {
    use aicore_abi::orchestration::trb::Shape;

    use super::{Lane, Phase, Tracker, Unit};

    fn idle(clusters: usize) -> Tracker {
        let mut tracker = Tracker::default();
        for cluster in 0..clusters {
            tracker.adopt(cluster, [false; 3], [false; 3]);
        }
        tracker
    }

    /// trb.md 9.4 and abi.md 7.6 hazard 4: 21 clusters per thread were the limit.
    #[test]
    fn hazard_more_than_21_clusters_per_role() {
        let tracker = idle(36);
        assert_eq!(tracker.units(Shape::Aic, Phase::Idle), 36);
        assert_eq!(tracker.units(Shape::Aiv, Phase::Idle), 72);
        assert_eq!(tracker.units(Shape::Mix, Phase::Idle), 36);
    }

    #[test]
    fn a_started_core_takes_a_second_task_and_an_unacknowledged_one_does_not() {
        let mut tracker = idle(1);
        tracker.set_dispatched(Lane::Aic, 0);
        assert_eq!(tracker.pick(Shape::Aic, Phase::Idle), None);
        assert_eq!(tracker.pick(Shape::Aic, Phase::Pending), None);
        tracker.set_started(Lane::Aic, 0);
        let unit = Unit {
            cluster: 0,
            lane: Lane::Aic,
        };
        assert_eq!(tracker.pick(Shape::Aic, Phase::Pending), Some(unit));
        assert_eq!(tracker.pick(Shape::Mix, Phase::Idle), None);
        assert_eq!(tracker.pick(Shape::Mix, Phase::Pending), Some(unit));
        tracker.set_dispatched(Lane::Aic, 0);
        assert_eq!(tracker.pick(Shape::Mix, Phase::Pending), None);
        tracker.set_idle(Lane::Aic, 0);
        assert!(Lane::ALL.iter().all(|&lane| tracker.running(lane) == 0));
        assert_eq!(tracker.pick(Shape::Mix, Phase::Pending), None);
        assert_eq!(tracker.pick(Shape::Mix, Phase::Idle), Some(unit));
    }
}
