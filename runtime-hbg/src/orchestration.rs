//! One orchestration on the host: what its calls come to.
//!
//! Knows the graph, device memory and copies it asked for. Refuses to know where the orchestration is from: in Rust it
//! uses the methods here, from a shared object the table in [`operations`](crate::operations).
//!
//! ```text
//! Orchestration ──orchestrate──▶ (calls) ──seal──▶ Built: graph, copies back, dump tables, buffers
//! ```
//!
//! Whatever happens, what was allocated is freed once: by the drop of whichever of the two still has it.

use core::fmt;

use aicore_abi::orchestration::hbg::{TensorAllocationInfo, TensorInfo};
use aicore_abi::seam::KernelEntry;

use crate::builder::GraphBuilder;
use crate::dump::{Described, DumpTables};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::memory::{Buffers, HostMemory};
use crate::run::RunReport;

/// Device memory that is copied to the host after a good run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyBack {
    /// Where to.
    pub host: u64,
    /// Where from.
    pub device: u64,
    /// How many bytes.
    pub bytes: usize,
}

/// Most tensor descriptors of one task: their count crosses as 16 bits.
pub const MAX_TENSOR_INFOS: usize = u16::MAX as usize;

/// An orchestration under way.
pub struct Orchestration<'m> {
    /// Tasks and edges.
    pub graph: GraphBuilder,
    described: Described,
    copies: Vec<CopyBack>,
    pub(crate) buffers: Buffers<'m>,
}

/// What an orchestration left behind: everything a run needs, any number of times.
#[derive(Debug)]
pub struct Built<'m> {
    /// The graph.
    pub graph: Graph,
    copies: Vec<CopyBack>,
    /// What the tensor dump needs to know.
    pub dump: DumpTables,
    /// The device memory, freed when dropped.
    pub buffers: Buffers<'m>,
}

impl Built<'_> {
    /// The graph, what is to be copied back and what the dump needs; the memory is left to whoever it comes from,
    /// unfreed.
    #[must_use]
    pub fn leave_memory(self) -> (Graph, Vec<CopyBack>, DumpTables) {
        self.buffers.leave();
        (self.graph, self.copies, self.dump)
    }

    /// What is to be copied to the host after a run that ended like this: nothing of a failed one.
    ///
    /// # Errors
    ///
    /// The run's own.
    pub fn copies_after(&self, outcome: Result<RunReport>) -> Result<&[CopyBack]> {
        outcome.map(|_| self.copies.as_slice())
    }
}

impl<'m> Orchestration<'m> {
    /// An empty graph, nothing allocated.
    #[must_use]
    pub fn new(memory: &'m dyn HostMemory) -> Self {
        Self {
            graph: GraphBuilder::new(),
            described: Described::default(),
            copies: Vec::new(),
            buffers: Buffers::new(memory),
        }
    }

    /// Tells the memory's owner that the orchestration gets on.
    #[inline]
    pub(crate) fn stepped(&self) {
        self.buffers.memory().stepped();
    }

    /// Allocates device memory until the end of the run; 0 if there is not enough.
    pub fn device_malloc(&mut self, bytes: usize) -> u64 {
        self.buffers.malloc(bytes)
    }

    /// Frees device memory before the end of the run. A zero frees nothing.
    ///
    /// # Errors
    ///
    /// The address is not of this orchestration's memory, or is to be copied back; the graph keeps the error and the
    /// memory stays.
    pub fn device_free(&mut self, device: u64) -> Result<()> {
        if device == 0 {
            return Ok(());
        }
        let error = match self.buffers.block(device) {
            None => Error::ForeignFree { address: device },
            Some(block) => {
                let block = [block];
                let copied = |copy: &&CopyBack| crate::dump::is_inside(&block, copy.device);
                match self.copies.iter().find(copied) {
                    Some(copy) => Error::FreedCopyBack {
                        address: copy.device,
                    },
                    None => {
                        self.buffers.free(device);
                        return Ok(());
                    }
                }
            }
        };
        self.graph.fail(error.clone());
        Err(error)
    }

    /// Copies host memory to the device; 0 or the platform's error, which the graph keeps.
    ///
    /// # Safety
    ///
    /// As for [`HostMemory::copy_to`].
    pub unsafe fn copy_to_device(&mut self, device: u64, host: *const u8, bytes: usize) -> i32 {
        // SAFETY: the caller's promise.
        let code = unsafe { self.buffers.memory().copy_to(device, host, bytes) };
        if code != 0 {
            self.graph.fail(Error::CopyToDevice {
                device,
                bytes,
                code,
            });
        }
        code
    }

    /// Has device memory copied to the host after the run.
    ///
    /// # Errors
    ///
    /// An address is 0 though there is something to copy; the graph keeps the error.
    pub fn copy_back(&mut self, host: u64, device: u64, bytes: usize) -> Result<()> {
        if bytes != 0 && (host == 0 || device == 0) {
            let error = Error::NullCopyBack {
                host,
                device,
                bytes,
            };
            self.graph.fail(error.clone());
            return Err(error);
        }
        self.copies.push(CopyBack {
            host,
            device,
            bytes,
        });
        Ok(())
    }

    /// Describes the tensors of a task for the dump, instead of what was said before; says whether that was
    /// possible. Which words they are is left to be found out.
    pub fn describe(&mut self, task: u32, infos: &[TensorInfo]) -> bool {
        self.describe_each(task, infos.iter().map(|&info| (None, info)))
    }

    /// Describes tensors of a task for the dump, each with the index of its word; says whether that was possible.
    pub fn describe_arguments(&mut self, task: u32, infos: &[(u32, TensorInfo)]) -> bool {
        let words = self.graph.words_of(task).map_or(0, <[u64]>::len);
        infos
            .iter()
            .all(|&(argument, _)| (argument as usize) < words)
            && self.describe_each(
                task,
                infos.iter().map(|&(argument, info)| (Some(argument), info)),
            )
    }

    fn describe_each(
        &mut self,
        task: u32,
        infos: impl ExactSizeIterator<Item = (Option<u32>, TensorInfo)>,
    ) -> bool {
        let possible = (task as usize) < self.graph.task_count() && infos.len() <= MAX_TENSOR_INFOS;
        if possible && infos.len() != 0 {
            self.described.describe(task, infos);
        }
        possible
    }

    /// What is to be copied back so far.
    #[must_use]
    pub fn copies(&self) -> &[CopyBack] {
        &self.copies
    }

    /// Checks and packs everything, for a program with these kernels.
    ///
    /// # Errors
    ///
    /// As for [`GraphBuilder::seal`]; all memory is freed then.
    pub fn seal(self, kernels: &[KernelEntry]) -> Result<Built<'m>> {
        let graph = self.graph.seal(kernels)?;
        let blocks = self.buffers.blocks();
        let allocations: Vec<TensorAllocationInfo> =
            blocks.filter(|block| block.size_bytes != 0).collect();
        Ok(Built {
            graph,
            copies: self.copies,
            dump: self.described.pack(allocations),
            buffers: self.buffers,
        })
    }
}

impl fmt::Debug for Orchestration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orchestration")
            .field("tasks", &self.graph.task_count())
            .field("edges", &self.graph.edge_count())
            .field("copies", &self.copies)
            .field("buffers", &self.buffers)
            .finish_non_exhaustive()
    }
}
