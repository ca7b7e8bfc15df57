//! The AICPU program of a simulated chip as a shared object of its own.
//!
//! Knows what the simulator and such an image say to each other: records and functions of C, for the two are
//! linked apart. Refuses to know what either does with it: `inside` is the image's half, the other is the
//! simulator's.
//!
//! ```text
//! simulator ─ load bytes ─▶ compare simpler_protocol_digest ─▶ simpler_aicpu_image() ─▶ Program
//!           ─ open ─▶ instance ─ run, run, … ─▶ close ─▶ unload
//! ```

mod exports;
mod inside;
mod state;

use core::ffi::{CStr, c_char, c_int, c_void};

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::recorder::Clock;
use aicore_abi::seam::KernelEntry;
use protocol::ChipStorageTaskArgs;
use protocol::error_code::run_status;

use crate::guarded_call::BuildEntry;

pub use inside::{Hbg, Inside, Trb, program};
pub use state::{STATE, State, refuse};

/// Symbol of the digest of what both sides were built with, a 64-bit number.
pub const DIGEST_SYMBOL: &CStr = c"simpler_protocol_digest";
/// Symbol of the function that yields the [`Program`].
pub const PROGRAM_SYMBOL: &CStr = c"simpler_aicpu_image";

/// What the records of this file and of the kernel interface were when a side was built.
pub const SEAM: u64 = aicore_abi::ABI_DIGEST
    ^ ((size_of::<Program>() as u64) << 48)
    ^ ((size_of::<OrderRecord>() as u64) << 32)
    ^ ((size_of::<CoresTable>() as u64) << 24)
    ^ ((size_of::<CrewTable>() as u64) << 16)
    ^ size_of::<EndRecord>() as u64;

/// Longest text that crosses.
pub const TEXT: usize = 2048;

/// A function without arguments, and what it works on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Callback {
    /// The function.
    pub call: unsafe extern "C" fn(*const c_void),
    /// Its argument.
    pub of: *const c_void,
}

/// [`Cores`](aicore_abi::seam::Cores) as functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each is the method of its name")]
pub struct CoresTable {
    pub count: unsafe extern "C" fn(*const c_void) -> u16,
    pub payload: unsafe extern "C" fn(*const c_void, u16, u32) -> *mut DispatchPayload,
    pub deferred: unsafe extern "C" fn(*const c_void, u16, u32) -> *mut DeferredIngressBuffer,
    pub dispatch: unsafe extern "C" fn(*const c_void, u16, u32, bool),
    pub status: unsafe extern "C" fn(*const c_void, u16) -> u32,
    pub help: unsafe extern "C" fn(*const c_void) -> bool,
}

/// [`Crew`](crate::Crew) as functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each is the method of its name")]
pub struct CrewTable {
    pub helpers: unsafe extern "C" fn(*const c_void) -> usize,
    /// News, assist, lead.
    pub together: unsafe extern "C" fn(*const c_void, Callback, Callback, Callback),
    pub call: unsafe extern "C" fn(*const c_void),
}

/// Device memory for an orchestration that runs on the host, as functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[expect(missing_docs, reason = "each is the method of its name")]
pub struct MemoryTable {
    pub malloc: unsafe extern "C" fn(*const c_void, usize) -> u64,
    pub free: unsafe extern "C" fn(*const c_void, u64),
    pub copy_to: unsafe extern "C" fn(*const c_void, u64, *const u8, usize) -> c_int,
    pub complete: unsafe extern "C" fn(*const c_void),
    /// What is to be copied to the host: host, device, bytes.
    pub copy_back: unsafe extern "C" fn(*const c_void, u64, u64, usize),
}

/// One run, as it is ordered.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct OrderRecord {
    /// The id the program is registered under.
    pub callable_id: i32,
    /// Clusters that take part.
    pub clusters: u16,
    /// Control CPUs that take part.
    pub threads: u8,
    /// The orchestrating one becomes a scheduler afterwards.
    pub orch_to_sched: u8,
    /// Which act of registering the program it is.
    pub registration: u64,
    /// A device-built graph's orchestration, to be loaded at its first run.
    pub orchestration: *const u8,
    /// How long it is.
    pub orchestration_bytes: usize,
    /// Its entry.
    pub entry: *const c_char,
    /// Its configuration function.
    pub config: *const c_char,
    /// A host-built graph's orchestration, loaded by the host.
    pub build: Option<BuildEntry>,
    /// The kernels by function id.
    pub kernels: *const KernelEntry,
    /// How many.
    pub kernel_count: usize,
    /// The arguments.
    pub args: *const ChipStorageTaskArgs,
    /// Task slots per ring, 0 for the default.
    pub task_window: u64,
    /// Heap bytes per ring, 0 for the default.
    pub heap_bytes: u64,
    /// Nanoseconds in which something must move.
    pub no_progress: u64,
    /// Nanoseconds from the order to stop until cores are left behind.
    pub wind_down: u64,
    /// The cores.
    pub cores: *const c_void,
    /// What can be done with them.
    pub cores_table: *const CoresTable,
    /// The threads.
    pub crew: *const c_void,
    /// What can be done with them.
    pub crew_table: *const CrewTable,
    /// Device memory.
    pub memory: *const c_void,
    /// What can be done with it.
    pub memory_table: *const MemoryTable,
    /// Address of the region that the run is written down in, 0 for none.
    pub recording: u64,
    /// The chip's counter.
    pub clock: Clock,
}

/// Kind of a failure: the whole message is in the text.
pub const WHOLE: u32 = 0;
/// Kind of a failure: the runtime ended the run, with the two codes of its parts.
pub const RUNTIME: u32 = 1;
/// Kind of a failure: the orchestration could not be loaded, threw or panicked.
pub const ORCHESTRATION: u32 = 2;

/// How a run ended.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EndRecord {
    /// 0, or the code of the failure.
    pub code: i32,
    /// What kind of failure it is: [`WHOLE`], [`RUNTIME`] or [`ORCHESTRATION`].
    pub kind: u32,
    /// Code of the graph builder, 0 for none.
    pub orchestrator: i32,
    /// Code of the scheduler, 0 for none.
    pub scheduler: i32,
    /// The orchestration was loaded during this run.
    pub loaded: u32,
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks completed.
    pub completed: u64,
    /// Bytes of the text.
    pub text_bytes: usize,
    /// Why it failed.
    pub text: [u8; TEXT],
}

impl Default for EndRecord {
    fn default() -> Self {
        Self {
            code: 0,
            kind: WHOLE,
            orchestrator: 0,
            scheduler: 0,
            loaded: 0,
            submitted: 0,
            completed: 0,
            text_bytes: 0,
            text: [0; TEXT],
        }
    }
}

impl EndRecord {
    /// A failure that `text` tells whole; a failure has a code.
    pub fn fail(&mut self, code: i32, text: &str) {
        self.code = if code == 0 { -1 } else { code };
        self.kind = WHOLE;
        self.text_bytes = put(text, &mut self.text);
    }

    /// A failure with the codes of the runtime's two parts.
    pub fn fail_with(&mut self, orchestrator: i32, scheduler: i32, text: &str) {
        self.fail(run_status(orchestrator, scheduler), text);
        self.kind = RUNTIME;
        self.orchestrator = orchestrator;
        self.scheduler = scheduler;
    }

    /// A failure of the orchestration itself.
    pub fn fail_orchestration(&mut self, text: &str) {
        self.fail(-1, text);
        self.kind = ORCHESTRATION;
    }

    /// The text of a failure.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.text.get(..self.text_bytes).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Copies as much of `text` as fits and says how much that was.
fn put(text: &str, place: &mut [u8]) -> usize {
    let bytes = text.floor_char_boundary(place.len());
    place[..bytes].copy_from_slice(&text.as_bytes()[..bytes]);
    bytes
}

/// Writes one line of a log: level from 1 for errors to 5, target and text with their lengths.
pub type LogLine = unsafe extern "C" fn(u32, *const u8, usize, *const u8, usize);

/// What an image can be asked to do. Instances are used by one run at a time; `progress`, `abort` and
/// `describe` may be called at any time.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Program {
    /// [`SEAM`] of the image's build.
    pub seam: u64,
    /// Name of the chip family.
    pub family: *const c_char,
    /// Name of the runtime.
    pub runtime: *const c_char,
    /// Makes an instance whose log lines go there.
    pub open: unsafe extern "C" fn(LogLine) -> *mut c_void,
    /// Gives one back.
    pub close: unsafe extern "C" fn(*mut c_void),
    /// Executes one run to its end.
    pub run: unsafe extern "C" fn(*const c_void, *const OrderRecord, *mut EndRecord),
    /// A number that changes with everything that happens.
    pub progress: unsafe extern "C" fn(*const c_void) -> u64,
    /// Tells the run to end.
    pub abort: unsafe extern "C" fn(*const c_void),
    /// What the run is doing: text, capacity, result bytes.
    pub describe: unsafe extern "C" fn(*const c_void, *mut u8, usize) -> usize,
    /// Unloads what a callable id has loaded.
    pub forget: unsafe extern "C" fn(*const c_void, i32),
}

// SAFETY: two of its fields are names of the image that nobody changes.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}
