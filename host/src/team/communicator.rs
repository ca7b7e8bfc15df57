//! Several chips that see each other's memory.
//!
//! Knows windows, their named buffers and their epochs, from the host's side. Refuses to know what
//! kernels do with them.
//!
//! The windows lie in one memory file that every rank maps, so nothing has a name, no rank can meet
//! the wrong others, and nothing is left when a process dies. All ranks have joined when the
//! communicator is there: that is the barrier at its start.
//!
//! When a rank dies the others are told, in a word behind the windows: their kernels that wait for it in
//! [`Windows::wait`](super::Windows::wait) fail at once instead of waiting in vain. The communicator is of
//! no use then; once the child is restarted, make another.

use std::sync::Arc;

use aicore_abi::call::Element;
use protocol::DataType;
use protocol::limits::COMM_MAX_RANKS;

use super::engine::talk::Talk;
use super::frame::Request;
use super::segment::{Commit, Segment};
use super::shared::Shared;
use super::tensor::{DeviceBuffer, Hold, Tensor};
use super::window;
use super::worker::Worker;
use crate::error::{Error, Result};

/// One rank.
#[derive(Clone, Debug)]
struct Rank {
    port: usize,
    generation: u32,
    context: u64,
    window: u64,
}

/// A named part of every window.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    offset: u64,
    bytes: u64,
}

/// A communicator over some chips of a worker; dropping it ends it.
#[derive(Debug)]
pub struct Communicator {
    shared: Arc<Shared>,
    windows: Hold,
    window_bytes: u64,
    ranks: Vec<Rank>,
    parts: Vec<Part>,
    epoch: u32,
}

impl Worker {
    /// A communicator over the given chips, whose ranks are their positions in the list; every rank has a
    /// window of `window_bytes` zeroed bytes with the named buffers one behind the other at its start.
    ///
    /// # Errors
    /// The buffers do not fit, a chip is named twice or does not exist, there are too many, or a chip
    /// cannot join; then no chip has.
    pub fn communicator(
        &self,
        chips: &[usize],
        window_bytes: u64,
        buffers: &[(&str, u64)],
    ) -> Result<Communicator> {
        let shared = self.shared("communicator")?;
        let parts = layout(window_bytes, buffers)?;
        check(&shared, chips)?;
        let gone = window::gone_offset(window_bytes, chips.len() as u64);
        let all = gone
            .and_then(|gone| usize::try_from(gone + window::GONE_BYTES).ok())
            .unwrap_or(usize::MAX);
        let segment = Segment::create("windows", all, Commit::Now)?;
        // Before any rank joins: who dies from now on is gone for the others.
        shared.lock().talks.push(Talk::new(chips, &segment));
        let mut communicator = Communicator {
            windows: Hold::new(segment, &shared.dropped),
            shared,
            window_bytes,
            ranks: Vec::new(),
            parts,
            epoch: 1,
        };
        for (rank, &port) in chips.iter().enumerate() {
            communicator.join(rank, port, chips.len())?;
        }
        Ok(communicator)
    }
}

fn layout(window_bytes: u64, buffers: &[(&str, u64)]) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::with_capacity(buffers.len());
    let mut end = 0_u64;
    for &(name, bytes) in buffers {
        if parts.iter().any(|part| part.name == name) {
            return Err(Error::refused(
                format!("two buffers called `{name}`"),
                "names are unique",
            ));
        }
        let offset = end;
        end = end
            .checked_add(bytes)
            .filter(|&end| end <= window_bytes)
            .ok_or_else(|| {
                Error::refused(
                    format!("buffer `{name}` of {bytes} bytes at byte {offset}"),
                    format!("the window has {window_bytes} bytes: make it larger"),
                )
            })?;
        parts.push(Part {
            name: name.to_owned(),
            offset,
            bytes,
        });
    }
    Ok(parts)
}

fn check(shared: &Shared, chips: &[usize]) -> Result<()> {
    let count = shared.lock().next_count;
    if chips.is_empty() || chips.len() > COMM_MAX_RANKS {
        return Err(Error::refused(
            format!("a communicator of {} ranks", chips.len()),
            format!("it has 1 to {COMM_MAX_RANKS}"),
        ));
    }
    for (rank, chip) in chips.iter().enumerate() {
        if *chip >= count {
            return Err(Error::refused(
                format!("chip {chip} in a communicator"),
                format!("the worker has {count}, numbered from 0"),
            ));
        }
        if chips[..rank].contains(chip) {
            return Err(Error::refused(
                format!("chip {chip} twice in a communicator"),
                "each is one rank",
            ));
        }
    }
    Ok(())
}

impl Communicator {
    fn join(&mut self, rank: usize, port: usize, ranks: usize) -> Result<()> {
        let generation = self.shared.lock().ports[port].generation;
        let segment = self.windows.segment().id().0;
        let words = [segment, rank as u64, ranks as u64, self.window_bytes];
        let [context, window] =
            self.shared
                .ask(port, Request::Attach, words, vec![self.windows.clone()])?;
        self.ranks.push(Rank {
            port,
            generation,
            context,
            window,
        });
        Ok(())
    }

    /// How many ranks there are.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.ranks.len()
    }

    /// Bytes of a window.
    #[must_use]
    pub const fn window_bytes(&self) -> u64 {
        self.window_bytes
    }

    /// The chip that is `rank`.
    ///
    /// # Errors
    /// There is no such rank.
    pub fn chip(&self, rank: usize) -> Result<usize> {
        Ok(self.rank(rank)?.port)
    }

    /// Address of the context that kernels of `rank` get as a scalar; it means something there only.
    ///
    /// # Errors
    /// There is no such rank.
    pub fn context(&self, rank: usize) -> Result<u64> {
        Ok(self.rank(rank)?.context)
    }

    /// Named buffer `name` in the window of `rank`, as device memory of its chip.
    ///
    /// # Errors
    /// There is no such rank or buffer.
    pub fn buffer(&self, rank: usize, name: &str) -> Result<DeviceBuffer> {
        let (at, part) = (self.rank(rank)?, self.part(name)?);
        Ok(DeviceBuffer {
            port: u32::try_from(at.port).expect("children are few"),
            generation: at.generation,
            owner: self.shared.owner.clone(),
            address: at.window + part.offset,
            bytes: part.bytes,
        })
    }

    /// A tensor over named buffer `name` in the window of `rank`, for tasks on its chip.
    ///
    /// # Errors
    /// As [`buffer`](Self::buffer), and a tensor that ends beyond it.
    pub fn tensor<T: Element>(&self, rank: usize, name: &str, shape: &[u32]) -> Result<Tensor> {
        self.buffer(rank, name)?.tensor::<T>(shape)
    }

    /// Named buffer `name` of `rank` as the host sees it, for staging: runs that use it must be over.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn host_tensor<T: Element>(
        &self,
        rank: usize,
        name: &str,
        shape: &[u32],
    ) -> Result<Tensor> {
        self.rank(rank)?;
        let part = self.part(name)?;
        let dtype: DataType = T::DATA_TYPE;
        let offset = self.window_bytes * rank as u64 + part.offset;
        let tensor =
            super::tensor::Buffer::new(self.windows.clone()).tensor_at(offset, shape, dtype)?;
        if tensor.bytes() > part.bytes {
            return Err(Error::refused(
                format!("a tensor of {} bytes", tensor.bytes()),
                format!("buffer `{name}` has {}", part.bytes),
            ));
        }
        Ok(tensor)
    }

    /// The number of this use of the windows: kernels count to multiples of it. It starts at 1.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Goes on to the next use of the windows, as they are.
    pub const fn next_epoch(&mut self) -> u32 {
        self.epoch += 1;
        self.epoch
    }

    /// Clears all windows and starts at epoch 1 again. No run is open meanwhile: that is the barrier
    /// before and after.
    ///
    /// # Errors
    /// A run is open.
    pub fn reset(&mut self) -> Result<()> {
        let core = self.shared.lock();
        if !core.runs.is_empty() {
            return Err(Error::refused(
                "clearing windows",
                "a run is open: wait for its result first",
            ));
        }
        let segment = self.windows.segment();
        // What is behind the windows stays: a rank that is gone is gone.
        let windows = segment.len() - usize::try_from(window::GONE_BYTES).expect("a line");
        // SAFETY: inside the mapping; no run is open and none can begin while the engine is locked.
        unsafe { core::ptr::write_bytes(segment.base(), 0, windows) };
        drop(core);
        self.epoch = 1;
        Ok(())
    }

    fn rank(&self, rank: usize) -> Result<&Rank> {
        self.ranks.get(rank).ok_or_else(|| {
            Error::refused(
                format!("rank {rank}"),
                format!("there are {}", self.ranks.len()),
            )
        })
    }

    fn part(&self, name: &str) -> Result<&Part> {
        let part = self.parts.iter().find(|part| part.name == name);
        part.ok_or_else(|| {
            Error::refused(
                format!("buffer `{name}`"),
                "the windows have none of that name",
            )
        })
    }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        let mut core = self.shared.lock();
        for rank in &self.ranks {
            let alive = core
                .ports
                .get(rank.port)
                .is_some_and(|port| port.dead.is_none() && port.generation == rank.generation);
            if alive {
                // After everything it was asked before, so no kernel uses the windows any more.
                core.ask_quietly(
                    rank.port,
                    Request::Detach,
                    [self.windows.segment().id().0, 0, 0, 0],
                );
            }
        }
    }
}
