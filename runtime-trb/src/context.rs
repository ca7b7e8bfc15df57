//! What lives longer than a run: memory, queues, roles.
//!
//! Knows how much is reserved and how a run begins. Refuses to know what a run does.
//!
//! Address space is reserved once and committed by first touch. Beginning a run writes a few counters, so an empty run
//! costs the same whatever the capacities: slots are written when tasks are made, map buckets carry the run's number,
//! and queues are empty at the end of a good run.

use aicore_abi::seam::{CoreId, Cores};
use protocol::Arch;
use sync::{Arena, Slab};

use crate::baton::Baton;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::limits::{Limits, RINGS};
use crate::record::{GRANULE, Granule, Records};
use crate::role::{Core, Role};
use crate::run::{Run, Setup};
use crate::shared::{self, MAX_ROLES, Shared};

/// Memory and state that runs use one after the other.
#[derive(Debug)]
pub struct Context {
    limits: Limits,
    arena: Arena,
    heap: Slab<Granule>,
    shared: Shared,
    graph: Graph,
    roles: [Baton<Role>; MAX_ROLES],
    run: u32,
    reserved: usize,
}

impl Context {
    /// Reserves address space for runs of up to `limits`.
    ///
    /// # Errors
    /// When a limit is out of range or the system refuses.
    pub fn new(limits: &Limits) -> Result<Self> {
        Self::in_arena(limits, Arena::reserve(Self::arena_bytes(limits)?)?)
    }

    /// Bytes of memory that runs of up to `limits` need.
    ///
    /// # Errors
    /// When a limit is out of range.
    pub fn arena_bytes(limits: &Limits) -> Result<usize> {
        limits.validate()?;
        let heap = heap_granules(limits)? * GRANULE;
        Ok(shared::bytes(limits) + heap + GRANULE * 64)
    }

    /// Takes the memory for runs of up to `limits` from `arena`, which cores can reach.
    ///
    /// # Errors
    /// When a limit is out of range or the arena has not enough.
    pub fn in_arena(limits: &Limits, arena: Arena) -> Result<Self> {
        limits.validate()?;
        let granules = limits.record_granules();
        let heap = arena.take(heap_granules(limits)?)?;
        let (records, key) = Records::reserve(&arena, to_usize(granules) * RINGS)?;
        let shared = Shared::new(&arena, limits, records)?;
        Ok(Self {
            limits: *limits,
            reserved: arena.reserved(),
            arena,
            heap,
            shared,
            graph: Graph::new(key, granules),
            roles: core::array::from_fn(|number| Baton::new(Role::new(number))),
            run: 0,
        })
    }

    /// The capacities the context was made for.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether cores of an earlier run did not end, so that no further run can begin.
    #[must_use]
    pub fn has_lost_cores(&self) -> bool {
        self.shared.cores_lost.is_set()
    }

    /// Bytes of address space reserved.
    #[must_use]
    pub const fn reserved_bytes(&self) -> usize {
        self.reserved
    }

    /// Bytes of memory that were ever handed out for tasks, outputs and map entries: an upper bound of what is
    /// committed for them.
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.graph.touched_bytes()
    }

    /// Address of the output memory of ring 0; the other rings' lies behind it.
    #[must_use]
    pub fn heap_base(&self) -> u64 {
        self.heap.as_ptr().expose_provenance() as u64
    }

    /// Begins a run on `cores`.
    ///
    /// # Errors
    /// When the set-up does not fit the family, the context or the cores, or cores of an earlier run were lost.
    pub fn begin<'c, A: Arch, C: Cores>(
        &'c mut self,
        setup: Setup<'c>,
        cores: &'c C,
    ) -> Result<Run<'c, A, C>> {
        if self.shared.cores_lost.is_set() {
            return Err(Error::CoresLost);
        }
        let limits = setup.limits.unwrap_or(self.limits);
        self.limits.admits(&limits)?;
        check_setup::<A, C>(&setup, cores)?;
        let heap_base = self.heap_base();
        self.run = self.run.wrapping_add(1);
        self.shared.begin(self.run);
        self.graph.begin(&limits, 0);

        let schedulers = usize::from(setup.threads).saturating_sub(1).max(1);
        let joins = setup.orch_to_sched && setup.threads > 1;
        let roles = schedulers + usize::from(joins);
        for role in &mut self.roles[..roles] {
            role.exclusive().begin();
        }
        for cluster in 0..setup.clusters {
            let role = usize::from(cluster) % schedulers;
            let lanes = [
                cluster,
                setup.clusters + 2 * cluster,
                setup.clusters + 2 * cluster + 1,
            ];
            self.roles[role]
                .exclusive()
                .adopt(lanes.map(|core| Core::new(CoreId(core))));
        }
        Ok(Run::new(
            &self.shared,
            &mut self.graph,
            &self.roles[..roles],
            cores,
            setup,
            heap_base,
            joins,
        ))
    }

    /// The arena everything lies in.
    #[must_use]
    pub const fn arena(&self) -> &Arena {
        &self.arena
    }
}

fn heap_granules(limits: &Limits) -> Result<usize> {
    let bytes = to_usize(limits.heap_bytes).checked_mul(RINGS);
    let bytes = bytes.ok_or(Error::BadLimit {
        what: "the heap",
        value: limits.heap_bytes,
        min: 1024,
        max: 1 << 40,
    })?;
    Ok(bytes / GRANULE)
}

fn check_setup<A: Arch, C: Cores>(setup: &Setup<'_>, cores: &C) -> Result<()> {
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
    Ok(())
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("this crate is for 64-bit machines")
}
