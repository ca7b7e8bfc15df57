//! Calling user code that was written in C++ and may throw.
//!
//! Knows how to keep an exception out of Rust frames. Refuses to know what the called code does.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;

/// What user code threw instead of returning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Thrown(pub String);

/// A C function of one pointer, such as a kernel or the entry of an orchestration.
pub type Entry = unsafe extern "C" fn(*const c_void);

/// A C function that calls another, and says whether it returned; if it threw, the text is written down.
pub type Guard = unsafe extern "C" fn(Entry, *const c_void, *mut c_char, usize) -> bool;

/// A C function that builds a graph: the graph, the arguments, and what it returns.
pub type BuildEntry = unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int;

const TEXT: usize = 1024;
/// Not cleared: kernels are called by the million and almost never throw.
const UNWRITTEN: [MaybeUninit<c_char>; TEXT] = [MaybeUninit::uninit(); TEXT];

unsafe extern "C" {
    fn simpler_guarded_call(
        function: Entry,
        argument: *const c_void,
        text: *mut c_char,
        capacity: usize,
    ) -> bool;
    fn simpler_guarded_build(
        function: BuildEntry,
        graph: *mut c_void,
        argument: *const c_void,
        result: *mut c_int,
        text: *mut c_char,
        capacity: usize,
    ) -> bool;
}

/// Calls `function` with `argument`.
///
/// # Errors
///
/// The text of the exception that left it.
///
/// # Safety
///
/// `function` may be called with `argument`.
pub unsafe fn call(function: Entry, argument: *const c_void) -> Result<(), Thrown> {
    // SAFETY: the call is the caller's promise; the guard is this crate's own.
    unsafe { call_by(simpler_guarded_call, function, argument) }
}

/// Calls `function` with `argument` by `guard`, for which what the function throws is no stranger.
///
/// # Errors
///
/// The text of the exception that left it.
///
/// # Safety
///
/// `function` may be called with `argument`, and `guard` does what its type says.
pub unsafe fn call_by(
    guard: Guard,
    function: Entry,
    argument: *const c_void,
) -> Result<(), Thrown> {
    let mut text = UNWRITTEN;
    // SAFETY: the call is the caller's promise; `text` is writable for the stated capacity.
    if unsafe { guard(function, argument, text.as_mut_ptr().cast(), TEXT) } {
        Ok(())
    } else {
        Err(thrown(&text))
    }
}

/// Calls `function` with `graph` and `argument` and returns what it returned.
///
/// # Errors
///
/// The text of the exception that left it.
///
/// # Safety
///
/// `function` may be called with `graph` and `argument`.
pub unsafe fn build(
    function: BuildEntry,
    graph: *mut c_void,
    argument: *const c_void,
) -> Result<i32, Thrown> {
    let mut text = UNWRITTEN;
    let mut result = 0;
    // SAFETY: the call is the caller's promise; `result` and `text` are writable.
    let returned = unsafe {
        simpler_guarded_build(
            function,
            graph,
            argument,
            &raw mut result,
            text.as_mut_ptr().cast(),
            TEXT,
        )
    };
    if returned {
        Ok(result)
    } else {
        Err(thrown(&text))
    }
}

fn thrown(text: &[MaybeUninit<c_char>; TEXT]) -> Thrown {
    // SAFETY: a call that failed has written a text, closed by NUL, into it.
    let text = unsafe { CStr::from_ptr(text.as_ptr().cast()) };
    Thrown(text.to_string_lossy().into_owned())
}

/// The message of a panic.
#[must_use]
pub fn panic_text(panic: &(dyn core::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
