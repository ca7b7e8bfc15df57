//! Windows through which real chips see each other's memory.
//!
//! ```text
//! meet (files) ─▶ HCCL makes the communicator ─▶ HCCL makes the windows ─▶ their addresses are read
//!     ─▶ own window cleared ─▶ what kernels read is written to the chip ─▶ all are ready
//! ```
//!
//! Knows how HCCL writes down where windows are. Refuses to know how ranks find each other: that is `meeting`.
//! HCCL decides how large windows are (`HCCL_BUFFSIZE`); one that is smaller than asked for is refused.

use std::sync::{Arc, Mutex};

use bytemuck::Zeroable;
use core::mem::offset_of;
use protocol::comm::CommContext;

use crate::address::DeviceAddress;
use crate::cann::sys::ROOT_INFO_BYTES as ROOT_INFO;
use crate::cann::{Buffer, Driver, Handed, RingResource, Stream, StreamKind};
use crate::comm::Comm;
use crate::error::Result;
use crate::lock::lock;

use super::meeting::Meeting;

/// Bytes in front of the addresses of windows.
const HEAD: usize = offset_of!(CommContext, windows_in);

/// The windows of a chip's ranks: memory that HCCL has and the chip reaches.
#[derive(Debug, Default)]
pub(super) struct Windows(Mutex<Vec<(u64, u64)>>);

impl Windows {
    /// Whether one window holds all `bytes` at `address`.
    pub(super) fn hold(&self, address: u64, bytes: u64) -> bool {
        lock(&self.0).iter().any(|&(start, length)| {
            address
                .checked_sub(start)
                .and_then(|offset| offset.checked_add(bytes))
                .is_some_and(|end| end <= length)
        })
    }
}

/// One rank that is a chip.
#[derive(Debug)]
pub(super) struct Rank {
    driver: Arc<Driver>,
    meeting: Meeting,
    windows: Arc<Windows>,
    made: Option<Made>,
}

/// What a rank has once all have met. Given back in this order.
#[derive(Debug)]
struct Made {
    context: CommContext,
    /// The same, on the chip.
    on_chip: Buffer,
    comm: Joined,
    stream: Stream,
}

/// A communicator of HCCL's, left when dropped.
#[derive(Debug)]
struct Joined {
    driver: Arc<Driver>,
    handle: u64,
}

impl Drop for Joined {
    fn drop(&mut self) {
        if self.driver.is_lost() {
            return;
        }
        let left = self
            .driver
            .bind()
            .and_then(|bound| bound.comm_destroy(self.handle));
        if let Err(error) = left {
            log::warn!("a communicator stays: {error}");
        }
    }
}

impl Rank {
    pub(super) fn new(driver: &Arc<Driver>, meeting: Meeting, windows: &Arc<Windows>) -> Self {
        Self {
            driver: Arc::clone(driver),
            meeting,
            windows: Arc::clone(windows),
            made: None,
        }
    }

    fn made(&self) -> Result<&Made> {
        let without = || {
            self.meeting
                .error("it has no windows: call alloc_windows first".to_owned())
        };
        let made = self.made.as_ref().ok_or_else(without)?;
        if self.driver.is_lost() {
            let text = "its chip was given back: leave before finalizing".to_owned();
            return Err(self.meeting.error(text));
        }
        Ok(made)
    }

    fn make(&mut self, bytes: u64) -> Result<Made> {
        let driver = Arc::clone(&self.driver);
        driver.init_acl()?;
        let (rank, ranks) = (self.meeting.rank, self.meeting.ranks);
        let root = self
            .meeting
            .root(ROOT_INFO, || Ok(driver.bind()?.root_info()?))?;
        let comm = Joined {
            handle: driver.bind()?.comm_init(rank, ranks, &root)?,
            driver: Arc::clone(&driver),
        };
        let stream = Stream::create(&driver, StreamKind::Comm)?;
        self.meeting.gather("hccl_init")?;
        let handed = driver.bind()?.comm_windows(comm.handle, stream.handle())?;
        let context = self.read(handed)?;
        if bytes > context.win_size {
            return Err(self.meeting.error(format!(
                "a window of {bytes} bytes was asked for and HCCL makes {}: raise HCCL_BUFFSIZE, which counts MiB",
                context.win_size
            )));
        }
        let own = context.windows_in[rank as usize];
        driver.bind()?.fill(own, 0, context.win_size)?;
        let on_chip = Buffer::upload(&driver, bytemuck::bytes_of(&context))?;
        // Nobody writes to a window that is still to be cleared.
        self.meeting.gather("windows")?;
        Ok(Made {
            context,
            on_chip,
            comm,
            stream,
        })
    }

    /// What HCCL wrote down, in the form that kernels read.
    fn read(&self, handed: Handed) -> Result<CommContext> {
        let mut context = CommContext::zeroed();
        let ranks = self.meeting.ranks as usize;
        let bound = self.driver.bind()?;
        let copy = |into: &mut [u8], from: u64| {
            // SAFETY: the slice is writable for its length.
            unsafe { bound.copy_out(into.as_mut_ptr(), from, into.len() as u64) }
        };
        let (Handed::Mesh(at) | Handed::Ring(at)) = handed;
        let head = &mut bytemuck::bytes_of_mut(&mut context)[..HEAD];
        copy(head, at)?;
        if (context.rank_id, context.rank_num) != (self.meeting.rank, self.meeting.ranks) {
            return Err(self.meeting.error(format!(
                "HCCL calls it rank {} of {}: this version writes down something else",
                context.rank_id, context.rank_num
            )));
        }
        match handed {
            Handed::Mesh(at) => {
                let windows = &mut context.windows_in[..ranks];
                copy(bytemuck::cast_slice_mut(windows), at + HEAD as u64)?;
            }
            Handed::Ring(at) => {
                let mut own = [0_u64; 1];
                copy(bytemuck::cast_slice_mut(&mut own), at + HEAD as u64)?;
                let mut pairs = vec![[0_u64; 2]; ranks];
                debug_assert_eq!(size_of::<[u64; 2]>(), RingResource::PAIR);
                copy(
                    bytemuck::cast_slice_mut(&mut pairs),
                    at + RingResource::RANKS,
                )?;
                for (rank, [_, on_device]) in pairs.into_iter().enumerate() {
                    if rank == self.meeting.rank as usize {
                        context.windows_in[rank] = own[0];
                        continue;
                    }
                    if on_device == 0 {
                        let text = format!("HCCL has no window of rank {rank}");
                        return Err(self.meeting.error(text));
                    }
                    let mut window = [0_u64; 1];
                    let place = on_device + RingResource::WINDOW_IN;
                    copy(bytemuck::cast_slice_mut(&mut window), place)?;
                    context.windows_in[rank] = window[0];
                }
            }
        }
        if let Some(rank) = context.windows_in[..ranks].iter().position(|&it| it == 0) {
            let text = format!("HCCL has no window of rank {rank}");
            return Err(self.meeting.error(text));
        }
        context.windows_out = context.windows_in;
        Ok(context)
    }

    /// What ranks have left in the folder where they met.
    fn clean(&self) {
        if self.meeting.rank == 0 {
            self.meeting.clean();
        }
    }

    fn forget_window(&self) {
        if let Some(made) = &self.made {
            let own = made.context.windows_in[self.meeting.rank as usize];
            lock(&self.windows.0).retain(|&(start, _)| start != own);
        }
    }
}

impl Comm for Rank {
    fn rank(&self) -> u32 {
        self.meeting.rank
    }

    fn ranks(&self) -> u32 {
        self.meeting.ranks
    }

    fn alloc_windows(&mut self, bytes: u64) -> Result<DeviceAddress> {
        if self.made.is_some() {
            let text = "it has its windows already".to_owned();
            return Err(self.meeting.error(text));
        }
        let made = self.make(bytes).inspect_err(|_| self.clean())?;
        let address = DeviceAddress(made.on_chip.address());
        let own = made.context.windows_in[self.meeting.rank as usize];
        lock(&self.windows.0).push((own, made.context.win_size));
        self.made = Some(made);
        Ok(address)
    }

    fn window_base(&self) -> DeviceAddress {
        let own = self.meeting.rank as usize;
        let made = self.made.as_ref();
        DeviceAddress(made.map_or(0, |made| made.context.windows_in[own]))
    }

    fn window_bytes(&self) -> u64 {
        self.made.as_ref().map_or(0, |made| made.context.win_size)
    }

    fn barrier(&self) -> Result<()> {
        let made = self.made()?;
        let bound = self.driver.bind()?;
        Ok(bound.comm_barrier(made.comm.handle, made.stream.handle())?)
    }

    fn destroy(mut self: Box<Self>) -> Result<()> {
        if self.made.is_none() {
            return Ok(());
        }
        // However the others do: what is ours is given back.
        let left = self.meeting.leave();
        self.forget_window();
        self.made = None;
        left
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        self.forget_window();
        if self.made.is_some() {
            self.clean();
        }
    }
}
