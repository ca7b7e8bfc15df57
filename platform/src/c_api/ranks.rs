//! Ranks: who can be one, and how they meet, wait and leave.
//!
//! Knows whom the coming and going of ranks concerns. Refuses to know what is behind a rank: that is `comm`.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::time::Duration;

use super::comm::Rank;
use super::guard::{CallError, code, guard};
use super::library::Library;
use super::logging;
use super::pointers::non_null;
use super::programs::Ranks;
use crate::error::Error;

/// How long a rank waits for the others, each time.
const PATIENCE: Duration = Duration::from_secs(120);

impl Library {
    /// Says whether a chip can be a rank; whatever that takes is made ready when it becomes one.
    pub fn ensure_acl_ready(&self, context: *mut c_void, device_id: c_int) -> c_int {
        code("ensure_acl_ready_ctx", || {
            let device = self.contexts.get(context)?;
            if !matches!(self.backend.ranks, Ranks::Chips) {
                return Ok(());
            }
            if device_id < 0 {
                return Err(Error::InvalidDevice { device_id }.into());
            }
            let operation = "ensure_acl_ready";
            let attached = device.device_id().ok_or(Error::NotAttached { operation })?;
            if attached != device_id {
                let requested = device_id;
                return Err(Error::OtherDevice {
                    attached,
                    requested,
                }
                .into());
            }
            Ok(())
        })
    }

    /// What stands for a chip that is to be a rank; null where ranks are no chips.
    pub fn create_comm_stream(&self, context: *mut c_void) -> *mut c_void {
        guard(
            "create_comm_stream_ctx",
            |_| core::ptr::null_mut(),
            || {
                let device = self.contexts.get(context)?;
                Ok(match self.backend.ranks {
                    Ranks::Chips => self.streams.insert(device),
                    Ranks::Anybody(_) | Ranks::Nobody => core::ptr::null_mut(),
                })
            },
        )
    }

    /// Gives it back; null is fine.
    pub fn destroy_comm_stream(&self, context: *mut c_void, stream: *mut c_void) -> c_int {
        code("destroy_comm_stream_ctx", || {
            self.contexts.get(context)?;
            if !stream.is_null() && matches!(self.backend.ranks, Ranks::Chips) {
                self.streams.remove(stream)?;
            }
            Ok(())
        })
    }

    /// A rank, or null. From now on kernels of this library may wait for what others do.
    ///
    /// # Safety
    /// `meeting` is null or a string.
    pub unsafe fn comm_init(
        &self,
        rank: c_int,
        ranks: c_int,
        stream: *mut c_void,
        meeting: *const c_char,
    ) -> *mut c_void {
        logging::install();
        guard(
            "comm_init",
            |_| core::ptr::null_mut(),
            || {
                non_null("root info path", meeting)?;
                // SAFETY: the caller's promise.
                let meeting = unsafe { CStr::from_ptr(meeting) }.to_bytes();
                let member = match self.backend.ranks {
                    Ranks::Anybody(join) => Rank::here(join(rank, ranks, meeting, PATIENCE)?),
                    Ranks::Chips => {
                        let chip = self.streams.get(stream)?;
                        Rank::on_chip(chip.join(rank, ranks, meeting, PATIENCE)?)
                    }
                    Ranks::Nobody => {
                        return Err(Error::Unsupported {
                            what: "a communicator",
                            machine: self.backend.platform.to_str().unwrap_or("this platform"),
                            instead: "use one chip per program, or the simulated platform",
                        }
                        .into());
                    }
                };
                let handle = self.ranks.insert(member);
                self.say_talking();
                Ok(handle)
            },
        )
    }

    /// Makes the windows.
    ///
    /// # Safety
    /// `context_out` is null or writable.
    pub unsafe fn comm_alloc_windows(
        &self,
        rank: *mut c_void,
        bytes: usize,
        context_out: *mut u64,
    ) -> c_int {
        code("comm_alloc_windows", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the context", context_out)?;
            let context = rank.alloc_windows(bytes as u64)?;
            // SAFETY: the caller's promise.
            unsafe { context_out.write(context) };
            Ok(())
        })
    }

    /// Own window.
    ///
    /// # Safety
    /// `base_out` is null or writable.
    pub unsafe fn comm_window_base(&self, rank: *mut c_void, base_out: *mut u64) -> c_int {
        code("comm_get_local_window_base", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the base", base_out)?;
            let base = rank.ask(|comm| Ok(comm.window_base().0))?;
            // SAFETY: the caller's promise.
            unsafe { base_out.write(base) };
            Ok(())
        })
    }

    /// Bytes of a window.
    ///
    /// # Safety
    /// `size_out` is null or writable.
    pub unsafe fn comm_window_size(&self, rank: *mut c_void, size_out: *mut usize) -> c_int {
        code("comm_get_window_size", || {
            let rank = self.ranks.get(rank)?;
            non_null("place for the size", size_out)?;
            let bytes = rank.ask(|comm| Ok(comm.window_bytes()))?;
            let what = "window";
            let size = usize::try_from(bytes).map_err(|_| CallError::TooLarge { what, bytes })?;
            // SAFETY: the caller's promise.
            unsafe { size_out.write(size) };
            Ok(())
        })
    }

    /// Waits until every rank is here.
    pub fn comm_barrier(&self, rank: *mut c_void) -> c_int {
        code("comm_barrier", || {
            self.ranks.get(rank)?.ask(|comm| Ok(comm.barrier()?))
        })
    }

    /// Leaves together with the other ranks.
    pub fn comm_destroy(&self, rank: *mut c_void) -> c_int {
        code("comm_destroy", || {
            let left = self.ranks.remove(rank)?.destroy();
            self.say_talking();
            left
        })
    }

    /// Tells every attached chip whether its kernels may wait for what other chips do. Handles of ranks
    /// say nothing about the chip they belong to, so all are told.
    fn say_talking(&self) {
        let ranks = self.has_ranks();
        for device in self.contexts.all() {
            let talking = ranks || device.extra.talking();
            if device.device_id().is_some() && device.set_talking(talking).is_err() {
                log::debug!("a context was finalized while ranks came or went");
            }
        }
    }
}
