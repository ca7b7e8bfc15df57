//! What a host runtime of another build sets before it starts an image.
//!
//! Knows the values, so that whoever asks for one gets it back. Refuses to run with them: they describe a run by
//! records of which an image of this build knows nothing.

use core::ffi::{CStr, c_char, c_int};

use libloading::os::unix::Library;
use sync::{Word32, Word64};

/// The values.
#[derive(Debug)]
pub struct State {
    /// Table of register bases.
    pub regs: Word64,
    /// Table of event register bases.
    pub pmu_regs: Word64,
    /// Shared memory of the tensor dump.
    pub dump_base: Word64,
    /// Shared memory of the swimlanes.
    pub l2_perf_base: Word64,
    /// Shared memory of the event counters.
    pub pmu_base: Word64,
    /// Whether tensors are dumped.
    pub dump_tensor: Word32,
    /// Whether swimlanes are recorded.
    pub l2_swimlane: Word32,
    /// Whether events are counted.
    pub pmu: Word32,
}

/// Those of this image.
pub static STATE: State = State {
    regs: Word64::new(0),
    pmu_regs: Word64::new(0),
    dump_base: Word64::new(0),
    l2_perf_base: Word64::new(0),
    pmu_base: Word64::new(0),
    dump_tensor: Word32::new(0),
    l2_swimlane: Word32::new(0),
    pmu: Word32::new(0),
};

/// Says in the log why this image does not run for others.
pub fn refuse() -> c_int {
    const TEXT: &CStr =
        c"this control program runs for the host runtime that was built with it: load that one";
    type Line = unsafe extern "C" fn(function: *const c_char, format: *const c_char, ...);
    // SAFETY: the log library gives the name this type; it is never unloaded.
    let line = unsafe { Library::this().get::<Line>(b"unified_log_error\0") };
    match line {
        // SAFETY: the format takes nothing.
        Ok(line) => unsafe { line(c"aicpu_execute".as_ptr(), TEXT.as_ptr()) },
        Err(_) => eprintln!("aicpu_execute: {}", TEXT.to_string_lossy()),
    }
    -1
}
