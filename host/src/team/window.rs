//! What a kernel in Rust does with the windows of its communicator.
//!
//! Knows how an address in the own window becomes one in a peer's, and how to put, notify and wait.
//! Refuses to know who runs the peers.
//!
//! A window has the same layout on every rank, so an object's place in a peer's window is its place
//! in the own one. A counter has one meaning per epoch: it only grows, and whoever waits names the
//! value of its epoch, so a window can be used again and again without being cleared.

use core::time::Duration;
use std::time::Instant;

use aicore_abi::call::{Call, CallError, Condition, Element};
use protocol::comm::CommContext;
use sync::Word32;

use super::copies::{Copy, CopyEngine};

const OUTSIDE: CallError =
    CallError::Kernel("that is not inside the window of such a rank, or not aligned");

/// How often a waiting kernel looks before it lets others run.
const LOOKS: u32 = 64;

/// Bytes behind the windows: a word that says whether a rank is gone, alone in its line.
pub(crate) const GONE_BYTES: u64 = 64;

/// Where that word is, from the start of the first window.
pub(crate) const fn gone_offset(window_bytes: u64, ranks: u64) -> Option<u64> {
    match window_bytes.checked_mul(ranks) {
        Some(end) if end <= u64::MAX / 2 => Some(end.next_multiple_of(GONE_BYTES)),
        _ => None,
    }
}

/// What the address that kernels of a rank get leads to; kernels in C see the first part only.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RankContext {
    pub(crate) comm: CommContext,
    pub(crate) copies: CopyEngine,
}

/// The windows of a communicator, as one rank's kernels see them.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'call>(&'call RankContext);

impl<'call> Windows<'call> {
    /// The windows whose context address is scalar `index` of a call.
    ///
    /// # Errors
    /// There is no such scalar, or it is zero.
    ///
    /// # Safety
    /// The scalar is [`Communicator::context`](super::Communicator::context) of the rank that the
    /// call runs on, and that communicator lives.
    pub unsafe fn of(call: &Call<'call>, index: usize) -> Result<Self, CallError> {
        let address: u64 = call.scalar(index)?;
        let address: *const RankContext = pointer(address);
        // SAFETY: the caller's promise.
        let context = unsafe { address.as_ref() };
        context
            .map(Self)
            .ok_or(CallError::Kernel("the context of the communicator is null"))
    }

    /// Where tensor `index` of a call starts: the local address of what lies there.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn local(call: &Call<'_>, index: usize) -> Result<u64, CallError> {
        let address = call.descriptor(index)?.element_address();
        address.map_err(|_| CallError::Kernel("the tensor lies nowhere"))
    }

    /// Own rank.
    #[must_use]
    pub const fn rank(&self) -> u32 {
        self.0.comm.rank_id
    }

    /// Ranks.
    #[must_use]
    pub const fn ranks(&self) -> u32 {
        self.0.comm.rank_num
    }

    /// Where `peer` has what lies at `local` in the own window; `None` if `bytes` bytes from there on
    /// are not inside, or there is no such peer.
    #[must_use]
    pub fn remote(&self, peer: u32, local: u64, bytes: u64) -> Option<u64> {
        let own = self.0.comm.windows_in[self.rank() as usize];
        let offset = local.checked_sub(own)?;
        let end = offset.checked_add(bytes)?;
        if peer >= self.ranks() || end > self.0.comm.win_size {
            return None;
        }
        Some(self.0.comm.windows_in[peer as usize] + offset)
    }

    /// Writes `values` to where `peer` has what lies at `local` in the own window.
    ///
    /// # Errors
    /// That is not inside the windows.
    pub fn put<T: Element>(&self, peer: u32, local: u64, values: &[T]) -> Result<(), CallError> {
        let to = self
            .remote(peer, local, size_of_val(values) as u64)
            .ok_or(OUTSIDE)?;
        let to: *mut u8 = core::ptr::with_exposed_provenance_mut(usize_of(to));
        // SAFETY: inside the peer's window, which is mapped here; what else goes on there is settled
        // by counters.
        unsafe { core::ptr::copy(values.as_ptr().cast(), to, size_of_val(values)) };
        Ok(())
    }

    /// Reads what `peer` has where `local` is in the own window.
    ///
    /// # Errors
    /// That is not inside the windows.
    pub fn get<T: Element>(&self, peer: u32, local: u64, into: &mut [T]) -> Result<(), CallError> {
        let from = self
            .remote(peer, local, size_of_val(into) as u64)
            .ok_or(OUTSIDE)?;
        let from: *const u8 = pointer(from);
        // SAFETY: inside the peer's window, which is mapped here; what else goes on there is settled
        // by counters.
        unsafe { core::ptr::copy(from, into.as_mut_ptr().cast(), size_of_val(into)) };
        Ok(())
    }

    /// Adds `by` to the counter that `peer` has where `local` is in the own window; everything put before is
    /// visible to whoever sees it.
    ///
    /// # Errors
    /// That is not inside the windows, or not aligned.
    pub fn notify(&self, peer: u32, local: u64, by: u32) -> Result<(), CallError> {
        self.counter(peer, local)?.add(by);
        Ok(())
    }

    /// The rank that is gone, if one is: its process died, so nothing comes from it any more.
    #[must_use]
    pub fn gone(&self) -> Option<u32> {
        let offset = gone_offset(self.0.comm.win_size, self.ranks().into())?;
        let word =
            core::ptr::with_exposed_provenance_mut(usize_of(self.0.comm.windows_in[0] + offset));
        // SAFETY: an aligned word behind the windows, which the communicator has there and which is
        // mapped with them.
        let gone: &Word32 = unsafe { Word32::at(word) };
        gone.observe().checked_sub(1)
    }

    /// Waits until the own counter at `local` is at least `value`, at most for `limit`.
    ///
    /// The kernel occupies its core meanwhile; [`defer_until`](Self::defer_until) does not.
    ///
    /// # Errors
    /// That is not inside the window, a rank is gone, or the time is over.
    pub fn wait(&self, local: u64, value: u32, limit: Duration) -> Result<(), CallError> {
        let counter = self.counter(self.rank(), local)?;
        let start = Instant::now();
        let mut looks = 0_u32;
        while counter.observe() < value {
            looks += 1;
            if looks.is_multiple_of(LOOKS) {
                if self.gone().is_some() {
                    return Err(CallError::Kernel(
                        "a rank of the communicator is gone: restart its child and make another communicator",
                    ));
                }
                if start.elapsed() > limit {
                    return Err(CallError::Kernel(
                        "a counter did not get there in time: look at the rank that should notify",
                    ));
                }
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Makes the task of `call` complete when the own counter at `local` is at least `value`: the kernel
    /// returns, its core is free, and the task's consumers start when the condition holds. If the rank that should
    /// notify dies, the run ends when it has stood still for [`Limits::chip`](super::Limits).
    ///
    /// # Errors
    /// That is not inside the window, or the task has no room for another condition.
    pub fn defer_until(&self, call: &Call<'_>, local: u64, value: u32) -> Result<(), CallError> {
        let counter = self.counter(self.rank(), local)?;
        let condition = Condition::Counter {
            address: core::ptr::from_ref(counter).expose_provenance() as u64,
            value,
        };
        // SAFETY: it lies in a window, which is mapped as long as the communicator lives.
        unsafe { call.complete_when(condition) }
    }

    /// Starts copying `bytes` bytes, from where `peer` has what lies at `from` in the own window, to `to` in the own
    /// window. The kernel returns meanwhile; the task of `call` is complete when they are there.
    ///
    /// # Errors
    /// That is not inside the windows, the task cannot be deferred, or the engine cannot start.
    pub fn start_get(
        &self,
        call: &Call<'_>,
        peer: u32,
        from: u64,
        to: u64,
        bytes: u64,
    ) -> Result<(), CallError> {
        let from = self.remote(peer, from, bytes).ok_or(OUTSIDE)?;
        let to = self.remote(self.rank(), to, bytes).ok_or(OUTSIDE)?;
        self.start_copy(call, from, to, bytes)
    }

    /// Starts copying `bytes` bytes, from `from` in the own window to where `peer` has what lies at `to` in it. The
    /// kernel returns meanwhile; the task of `call` is complete when they are there.
    ///
    /// # Errors
    /// As [`start_get`](Self::start_get).
    pub fn start_put(
        &self,
        call: &Call<'_>,
        peer: u32,
        from: u64,
        to: u64,
        bytes: u64,
    ) -> Result<(), CallError> {
        let from = self.remote(self.rank(), from, bytes).ok_or(OUTSIDE)?;
        let to = self.remote(peer, to, bytes).ok_or(OUTSIDE)?;
        self.start_copy(call, from, to, bytes)
    }

    fn start_copy(&self, call: &Call<'_>, from: u64, to: u64, bytes: u64) -> Result<(), CallError> {
        let copy = Copy {
            from,
            to,
            bytes: usize_of(bytes),
        };
        let wait = |address, value| {
            // SAFETY: the counter is the engine's, which lasts as long as the rank is in the communicator.
            unsafe { call.complete_when(Condition::Counter { address, value }) }
        };
        let refused =
            || CallError::Kernel("the chip's copy engine cannot start, or has counted to its end");
        // SAFETY: both ranges are inside windows, which are mapped as long as the engine lives.
        unsafe { self.0.copies.start(copy, wait, refused) }
    }

    fn counter(&self, peer: u32, local: u64) -> Result<&'call Word32, CallError> {
        let address = self
            .remote(peer, local, 4)
            .filter(|address| address % 4 == 0);
        let address = address.ok_or(OUTSIDE)?;
        // SAFETY: an aligned word inside a window that is mapped as long as the communicator lives;
        // counters are only accessed as such.
        Ok(unsafe { Word32::at(core::ptr::with_exposed_provenance_mut(usize_of(address))) })
    }
}

const fn pointer<T>(address: u64) -> *const T {
    core::ptr::with_exposed_provenance(usize_of(address))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses of this process fit"
)]
const fn usize_of(address: u64) -> usize {
    address as usize
}
