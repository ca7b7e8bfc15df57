//! The device-side seam: what a scheduler may do with the compute cores.
//!
//! Knows cores by index, tokens and status words. Refuses to know tasks, graphs, and whether a core
//! is silicon, a thread, or run by whoever looks at it.
//!
//! One dispatch, in order; each step has one writer:
//!
//! | step | who | where |
//! | --- | --- | --- |
//! | fill the payload of the token's parity (address, handle, argument words and their counts, contexts) | scheduler | [`Cores::payload`] |
//! | [`Cores::dispatch`]: everything before is visible to the core, then the token | scheduler | dispatch register |
//! | ACK, run the kernel, FIN | core | status register |
//! | [`Cores::status`]: a FIN seen makes everything the kernel wrote visible | scheduler | status register |

use core::ptr::NonNull;

use crate::kernel::DeferredIngressBuffer;
use crate::payload::DispatchPayload;
#[cfg(feature = "recorder")]
use crate::recorder::Recorder;

/// Index of a core within a run: `0..clusters` are AIC, `clusters..3 * clusters` are AIV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoreId(pub u16);

/// What the scheduler knows about a dispatch that the core's host may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Togetherness {
    /// The kernel runs by itself.
    Alone,
    /// The kernel may wait for kernels dispatched along with it (a mixed task, a synchronous start):
    /// all of them must be able to make progress at once.
    Group,
}

/// The cores of one run.
///
/// # Contract
///
/// * A core is touched by one scheduler at a time.
/// * At most one token may be written that the core has not acknowledged yet; the payload of a
///   parity is rewritten only after the token that used it was acknowledged *and* a later one too,
///   or finished.
/// * Everything written before [`dispatch`](Self::dispatch) is visible to the kernel; everything the
///   kernel wrote is visible once [`status`](Self::status) has returned its FIN.
/// * No call blocks for longer than a kernel runs, and [`dispatch`](Self::dispatch) never runs one.
///
/// # Safety
///
/// The pointers returned by [`payload`](Self::payload) and [`deferred`](Self::deferred) are valid,
/// aligned and writable for the life of `self`, distinct per core and parity.
pub unsafe trait Cores: Sync {
    /// Whether somebody tells when a status has changed. If not, whoever waits for cores looks again soon.
    const TELL: bool = true;

    /// How many cores there are.
    fn count(&self) -> u16;

    /// The payload that `token` makes `core` look at (one per parity).
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload>;

    /// Where a kernel run for `token` on `core` leaves its completion conditions.
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer>;

    /// Writes `token` to the dispatch register of `core`.
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness);

    /// Reads the status register of `core`.
    ///
    /// A simulated core that needs no thread of its own runs its kernel here.
    fn status(&self, core: CoreId) -> u32;

    /// Does work of the machine itself, such as running a kernel that waits for a host thread.
    /// Returns whether there was any. Called by a thread that found nothing else to do.
    fn help(&self) -> bool {
        false
    }

    /// Where the run on these cores is written down, if it is. Cores that never are cost nothing: the answer is known
    /// when their scheduler is compiled.
    #[cfg(feature = "recorder")]
    #[inline]
    fn recorder(&self) -> Option<&Recorder> {
        None
    }
}

/// Cores whose run is written down.
#[cfg(feature = "recorder")]
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'c, C> {
    /// The cores.
    pub cores: &'c C,
    /// Where.
    pub recorder: &'c Recorder,
}

// SAFETY: the pointers are those of cores that keep the contract.
#[cfg(feature = "recorder")]
unsafe impl<C: Cores> Cores for Recorded<'_, C> {
    const TELL: bool = C::TELL;

    fn count(&self) -> u16 {
        self.cores.count()
    }

    #[inline]
    fn payload(&self, core: CoreId, token: u32) -> NonNull<DispatchPayload> {
        self.cores.payload(core, token)
    }

    #[inline]
    fn deferred(&self, core: CoreId, token: u32) -> NonNull<DeferredIngressBuffer> {
        self.cores.deferred(core, token)
    }

    #[inline]
    fn dispatch(&self, core: CoreId, token: u32, togetherness: Togetherness) {
        self.cores.dispatch(core, token, togetherness);
    }

    #[inline]
    fn status(&self, core: CoreId) -> u32 {
        self.cores.status(core)
    }

    fn help(&self) -> bool {
        self.cores.help()
    }

    #[inline]
    fn recorder(&self) -> Option<&Recorder> {
        Some(self.recorder)
    }
}

/// How to call one kernel of a prepared program; the runtime hands it to the core unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct KernelEntry {
    /// Address of the kernel's code as the core knows it; 0 means "no such kernel".
    pub address: u64,
    /// The platform's own name for the kernel, copied into the payload beside the address.
    pub handle: u64,
}
