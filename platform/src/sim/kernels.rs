//! Kernels as simulated cores call them.
//!
//! Knows how code is loaded and called, whether it may wait for other kernels, and how long it
//! usually takes. Refuses to know when it runs and on which thread.

use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;

use aicore_abi::kernel::KERNEL_ENTRY;
use aicore_abi::seam::KernelEntry;
use aicpu::guarded_call::{self, Entry, panic_text};
use aicpu::shared_object::{LoadError, SharedObject};
use protocol::CoreType;
use sync::{Flag, Line, Word32};

use crate::error::{Error, Result};
use crate::machine::LoadedKernel;
use crate::program::{InProcessKernel, Kernel, KernelCall, Waits};

use super::hooks::{self, Running, Scope};

/// A kernel that takes longer is worth another thread.
const LONG: u32 = 10_000;
/// A kernel that was long and takes less than this is short again.
const SHORT: u32 = 5_000;
/// Nanoseconds that one call counts at most, so that a thread that lost its core once does not make a
/// short kernel long.
const CLAMP: u32 = 4 * LONG;
/// Bytes of the text of what a kernel throws.
const THROWN: usize = 1024;
/// Calls of a kernel that are always timed.
const FIRST_CALLS: u32 = 4;

/// Runs one kernel for a core: its entry, its arguments, and where to put the text of what it throws.
pub(crate) type CoreCall = unsafe extern "C" fn(Entry, *const c_void, *mut c_char, usize) -> bool;

/// The code of a kernel.
#[derive(Debug)]
pub struct SimCode {
    call: Call,
    waits: Waits,
}

#[derive(Debug)]
enum Call {
    Image {
        entry: Entry,
        scope: Scope,
        #[expect(dead_code, reason = "keeps the entry's code loaded")]
        object: SharedObject,
    },
    InProcess(InProcessKernel),
}

impl SimCode {
    /// Loads the code of a kernel.
    ///
    /// # Errors
    /// What the loader says.
    pub(crate) fn load(func_id: i32, kernel: &Kernel) -> Result<Self> {
        match kernel {
            Kernel::Image(bytes) => Self::load_image(func_id, bytes)
                .map_err(|source| Error::KernelLoad { func_id, source }),
            Kernel::InProcess(kernel) => Ok(Self {
                waits: kernel.waits,
                call: Call::InProcess(kernel.clone()),
            }),
        }
    }

    fn load_image(func_id: i32, bytes: &[u8]) -> Result<Self, LoadError> {
        let scope = hooks::install().map_err(LoadError::Loader)?;
        // SAFETY: whoever registers a kernel trusts its code; running it is the purpose.
        let object = unsafe { SharedObject::load(bytes, &format!("kernel_{func_id}")) }?;
        let entry = object.require(KERNEL_ENTRY)?;
        if let Some(register) = object.find(hooks::REGISTER_HOOKS) {
            // SAFETY: the interface of kernels gives this export this type.
            let register =
                unsafe { core::mem::transmute::<*mut c_void, hooks::RegisterHooks>(register) };
            let (subblock_id, pipe_shared_state) = scope.registered();
            // SAFETY: these are the two functions the export asks for, in its order.
            unsafe { register(subblock_id, pipe_shared_state) };
        }
        let waits = if hooks::WAITING.iter().any(|name| mentions(bytes, name)) {
            Waits::Always
        } else {
            Waits::WithinGroup
        };
        Ok(Self {
            call: Call::Image {
                // SAFETY: the interface of kernels gives the entry this type.
                entry: unsafe { core::mem::transmute::<*mut c_void, Entry>(entry) },
                scope,
                object,
            },
            waits,
        })
    }

    fn address(&self) -> u64 {
        match &self.call {
            Call::Image { entry, .. } => (*entry as *const ()).expose_provenance() as u64,
            Call::InProcess(kernel) => {
                Arc::as_ptr(&kernel.run).cast::<()>().expose_provenance() as u64
            }
        }
    }
}

/// Calls a kernel through the program of the cores.
///
/// # Safety
/// `entry` may be called with `args`.
unsafe fn call_through(program: CoreCall, entry: Entry, args: *const c_void) -> Result<(), String> {
    let mut text = [MaybeUninit::<c_char>::uninit(); THROWN];
    let place = text.as_mut_ptr().cast();
    // SAFETY: the caller's promise; the text is writable.
    if unsafe { program(entry, args, place, THROWN) } {
        return Ok(());
    }
    // SAFETY: a call that failed has written a text, closed by NUL, into it.
    let thrown = unsafe { CStr::from_ptr(place) };
    Err(thrown.to_string_lossy().into_owned())
}

/// Whether `bytes` contain `name`.
fn mentions(bytes: &[u8], name: &[u8]) -> bool {
    let Some((&first, _)) = name.split_first() else {
        return true;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(name) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// One kernel of one program.
#[derive(Debug)]
pub struct SimKernel(Arc<Record>);

impl SimKernel {
    pub(crate) fn new(func_id: i32, core: Option<CoreType>, code: Arc<SimCode>) -> Self {
        Self(Arc::new(Record {
            func_id,
            core,
            code,
            shares: Flag::new(),
            known: Flag::new(),
            long: Flag::new(),
            history: Line::default(),
        }))
    }
}

impl LoadedKernel for SimKernel {
    fn entry(&self) -> KernelEntry {
        KernelEntry {
            // An address may be reused by the next closure; the handle is what cores go by.
            address: self.0.code.address().max(1),
            handle: Arc::as_ptr(&self.0).expose_provenance() as u64,
        }
    }
}

/// What a dispatch's kernel handle points to.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) func_id: i32,
    pub(crate) core: Option<CoreType>,
    code: Arc<SimCode>,
    /// It was seen to ask for storage that it shares with others.
    shares: Flag,
    /// Enough is known about its run time.
    known: Flag,
    /// A call is worth another thread.
    long: Flag,
    history: Line<History>,
}

/// What is written for many calls, apart from what is read for all.
#[derive(Debug, Default)]
struct History {
    /// Moving average of the run time.
    nanoseconds: Word32,
    /// Calls in it, as far as that matters.
    timed: Word32,
}

impl Record {
    /// The record that a handle means.
    ///
    /// # Safety
    /// `handle` is 0 or comes from the entry of a [`SimKernel`] that outlives `'a`.
    pub(crate) unsafe fn of<'a>(handle: u64) -> Option<&'a Self> {
        let address = usize::try_from(handle).ok()?;
        let record: *const Self = core::ptr::with_exposed_provenance(address);
        // SAFETY: the caller's promise.
        unsafe { record.as_ref() }
    }

    /// Whether it waits for other kernels.
    #[inline]
    pub(crate) fn waits(&self) -> Waits {
        if self.shares.is_set() {
            Waits::Always
        } else {
            self.code.waits
        }
    }

    /// Takes note that it shares storage with other kernels.
    pub(crate) fn note_sharing(&self) {
        // A kernel of this process has said itself whether it waits.
        if matches!(self.code.call, Call::Image { .. }) && !self.shares.is_set() {
            self.shares.set();
        }
    }

    /// Whether a call is worth another thread.
    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        self.long.is_set()
    }

    /// Whether too little is known about its run time.
    #[inline]
    pub(crate) fn is_new(&self) -> bool {
        !self.known.is_set()
    }

    /// Takes note of the run time of one call.
    pub(crate) fn note_time(&self, time: Duration) {
        let sample = u32::try_from(time.as_nanos())
            .unwrap_or(u32::MAX)
            .min(CLAMP);
        let timed = self.history.timed.own();
        let average = if timed == 0 {
            sample
        } else {
            let average = self.history.nanoseconds.own();
            average - average / 8 + sample / 8
        };
        // Two threads that note at once lose one sample: it is a guess either way.
        self.history.nanoseconds.set_own(average);
        if timed < FIRST_CALLS {
            self.history.timed.set_own(timed + 1);
        } else if !self.known.is_set() {
            self.known.set();
        }
        if average > LONG && !self.long.is_set() {
            self.long.set();
        } else if average < SHORT && self.long.is_set() {
            self.long.clear();
        }
    }

    /// Calls the kernel, as part of `running`, through the program of the cores if that is an image.
    ///
    /// # Errors
    /// The text of what it threw or panicked with.
    #[inline]
    pub(crate) fn call(
        &self,
        call: &KernelCall<'_>,
        running: &Running<'_>,
        program: Option<CoreCall>,
    ) -> Result<(), String> {
        match &self.code.call {
            Call::Image { entry, scope, .. } => {
                let args = call.payload.words().as_ptr().cast();
                scope.during(running, || match program {
                    // SAFETY: the entry takes the words of a dispatch.
                    None => unsafe { guarded_call::call(*entry, args) }
                        .map_err(|thrown| thrown.to_string()),
                    // SAFETY: as above.
                    Some(program) => unsafe { call_through(program, *entry, args) },
                })
            }
            Call::InProcess(kernel) => catch_unwind(AssertUnwindSafe(|| (kernel.run)(call)))
                .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(&*panic)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use super::{Record, SimCode, SimKernel, mentions};
    use crate::machine::LoadedKernel;
    use crate::program::{InProcessKernel, Kernel, Waits};

    fn kernel() -> SimKernel {
        let kernel = Kernel::InProcess(InProcessKernel {
            run: Arc::new(|_| Ok(())),
            waits: Waits::Never,
        });
        SimKernel::new(
            3,
            None,
            Arc::new(SimCode::load(3, &kernel).expect("nothing to load")),
        )
    }

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        assert!(mentions(b"xxpto_xpto_simy", b"pto_sim"));
        assert!(mentions(b"pto_sim", b"pto_sim"));
        assert!(!mentions(b"pto_si", b"pto_sim"));
        assert!(!mentions(b"", b"pto_sim"));
    }

    #[test]
    fn a_handle_means_its_kernel() {
        let kernel = kernel();
        let entry = kernel.entry();
        assert_ne!(entry.address, 0);
        // SAFETY: the kernel lives until the end of the test.
        let record = unsafe { Record::of(entry.handle) }.expect("a kernel");
        assert_eq!(record.func_id, 3);
        // SAFETY: 0 is no handle.
        assert!(unsafe { Record::of(0) }.is_none());
    }

    #[test]
    fn a_kernel_is_long_by_its_average_and_not_by_one_call() {
        let SimKernel(record) = kernel();
        let micros = |micros| record.note_time(Duration::from_micros(micros));
        for _ in 0..10 {
            micros(1);
        }
        micros(4000);
        assert!(!record.is_long(), "one slow call may have lost its core");
        for _ in 0..10 {
            micros(1000);
        }
        assert!(record.is_long());
        for _ in 0..30 {
            micros(1);
        }
        assert!(!record.is_long());
    }
}
