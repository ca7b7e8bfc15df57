//! What lives longer than a run, and how a run begins.
//!
//! Knows the memory that runs use one after the other. Refuses to know what a run does.
//!
//! Beginning a run writes one counter per join of its graph and a few words per core. Nothing else depends on the
//! graph: queues are empty at the end of a good run and go stale by an epoch after a failed one, and the tasks that wait
//! for nothing are not queued at all but claimed from the graph's own list.

use aicore_abi::in_flight::MAX_PLACES;
use aicore_abi::seam::{CoreId, Cores};
use protocol::{Arch, CoreType};
use sync::{Baton, Countdown};

use crate::error::{Error, Result};
use crate::graph::{GraphView, Join};
use crate::role::Role;
use crate::run::{Run, Setup};
use crate::shared::{MAX_ROLES, Shared};

/// Memory and state that runs use one after the other.
#[derive(Debug)]
pub struct Context {
    shared: Shared,
    /// What joins still wait for.
    joins: Vec<Countdown>,
    roles: [Baton<Role>; MAX_ROLES],
    epoch: u32,
}

impl Context {
    /// A context; memory for joins comes with the graphs that need it.
    ///
    /// # Panics
    ///
    /// Never: the sizes are right.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Shared::new(),
            joins: Vec::new(),
            roles: core::array::from_fn(|number| Baton::new(Role::new(number))),
            epoch: 0,
        }
    }

    /// Bytes the context has for graphs beyond its own size.
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.joins.capacity() * size_of::<Countdown>()
    }

    /// Whether cores did not come back from an earlier run, so that there is no other one.
    #[must_use]
    pub fn has_lost_cores(&self) -> bool {
        self.shared.cores_lost.is_set()
    }

    /// Begins a run of a graph, wherever it lies, on `cores`.
    ///
    /// # Errors
    ///
    /// The set-up does not fit the family, the cores or the graph, or cores of an earlier run were lost.
    pub fn begin<'c, A: Arch, C: Cores>(
        &'c mut self,
        graph: impl Into<GraphView<'c>>,
        setup: Setup<'c>,
        cores: &'c C,
    ) -> Result<Run<'c, A, C>> {
        const {
            assert!(
                A::MAX_AICPU_THREADS as usize <= MAX_ROLES,
                "a role per thread"
            );
            assert!(
                (A::MAX_BLOCK_DIM * A::AIV_PER_BLOCK) as usize <= MAX_PLACES,
                "one role can have all cores"
            );
        }
        if self.shared.cores_lost.is_set() {
            return Err(Error::CoresLost);
        }
        let graph = graph.into();
        check_setup::<A, C>(&graph, &setup, cores)?;
        self.epoch = self.epoch.wrapping_add(1);
        self.shared.begin(self.epoch);
        self.arm_joins(graph.joins);
        let roles = usize::from(setup.threads);
        for role in &mut self.roles[..roles] {
            role.exclusive().begin();
        }
        for kind in CoreType::ALL {
            let (first, count) = match kind {
                CoreType::Aic => (0, setup.clusters),
                CoreType::Aiv => (setup.clusters, 2 * setup.clusters),
            };
            for index in 0..count {
                self.roles[usize::from(index) % roles].exclusive().adopt(
                    *kind,
                    CoreId(first + index),
                    index,
                );
            }
        }
        if graph.task_count() == 0 {
            self.shared.done.set();
        }
        if let Some(recorder) = cores.recorder() {
            crate::recording::began(recorder, &graph);
        }
        Ok(Run::new(
            &self.shared,
            &self.joins,
            &self.roles[..roles],
            graph,
            cores,
            setup,
        ))
    }

    /// Lets every join wait for all its predecessors.
    fn arm_joins(&mut self, joins: &[Join]) {
        if self.joins.len() < joins.len() {
            self.joins.resize_with(joins.len(), Countdown::default);
        }
        for (count, join) in self.joins.iter().zip(joins) {
            count.start(join.fan_in);
        }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

fn check_setup<A: Arch, C: Cores>(
    graph: &GraphView<'_>,
    setup: &Setup<'_>,
    cores: &C,
) -> Result<()> {
    let (clusters, threads) = (setup.clusters, setup.threads);
    if clusters == 0 || u32::from(clusters) > A::MAX_BLOCK_DIM {
        return Err(Error::Clusters {
            clusters,
            max: A::MAX_BLOCK_DIM,
        });
    }
    if threads == 0 || u32::from(threads) > A::MAX_AICPU_THREADS {
        return Err(Error::Threads {
            threads,
            max: A::MAX_AICPU_THREADS,
        });
    }
    let needed = u32::from(clusters) * A::CORES_PER_BLOCK;
    if u32::from(cores.count()) < needed {
        return Err(Error::Cores {
            clusters,
            needed,
            offered: cores.count(),
        });
    }
    let missing = graph.kernels.iter().find(|&&kernel| {
        let entry = setup.kernels.get(kernel as usize);
        entry.is_none_or(|entry| entry.address == 0)
    });
    match missing {
        Some(&func_id) => Err(Error::KernelMissing { func_id }),
        None => Ok(()),
    }
}
