//! The image's half: an executor behind functions of C.
//!
//! No panic leaves: one in a thread of the simulator ends the run there.

mod foreign;
mod hbg;
mod trb;

use core::ffi::{CStr, c_void};
use core::fmt::Debug;
use core::panic::AssertUnwindSafe;
use core::slice;
use std::panic::catch_unwind;
use std::sync::OnceLock;

use log::{LevelFilter, Log, Metadata, Record};

use super::{EndRecord, LogLine, OrderRecord, Program, SEAM, put};
use crate::guarded_call::panic_text;

pub use hbg::Hbg;
pub use trb::Trb;

/// A runtime of an image.
pub trait Inside: Debug + Default + Send + Sync + 'static {
    /// Executes one run.
    ///
    /// # Safety
    /// Everything that `order` points to is there until the end.
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord);
    /// A number that changes with everything that happens.
    fn progress(&self) -> u64;
    /// Tells the run to end.
    fn abort(&self);
    /// What the run is doing.
    fn describe(&self) -> String;
    /// Unloads what a callable id has loaded.
    fn forget(&self, callable_id: i32);
}

/// The functions of an image with runtime `R`.
#[must_use]
pub const fn program<R: Inside>(family: &'static CStr, runtime: &'static CStr) -> Program {
    Program {
        seam: SEAM,
        family: family.as_ptr(),
        runtime: runtime.as_ptr(),
        open: open::<R>,
        close: close::<R>,
        run: run::<R>,
        progress: progress::<R>,
        abort: abort::<R>,
        describe: describe::<R>,
        forget: forget::<R>,
    }
}

/// # Safety
/// As all that follow: `instance` comes from `open` and was not closed.
unsafe fn of<'a, R>(instance: *const c_void) -> &'a R {
    // SAFETY: the caller's promise.
    unsafe { &*instance.cast::<R>() }
}

unsafe extern "C" fn open<R: Inside>(line: LogLine) -> *mut c_void {
    install_log(line);
    Box::into_raw(Box::<R>::default()).cast()
}

unsafe extern "C" fn close<R: Inside>(instance: *mut c_void) {
    // SAFETY: the caller gives back what `open` made, once.
    let instance = unsafe { Box::from_raw(instance.cast::<R>()) };
    kept("closing", AssertUnwindSafe(|| drop(instance)));
}

unsafe extern "C" fn run<R: Inside>(
    instance: *const c_void,
    order: *const OrderRecord,
    end: *mut EndRecord,
) {
    // SAFETY: the caller's promise.
    let instance = unsafe { of::<R>(instance) };
    // SAFETY: as above.
    let order = unsafe { &*order };
    // SAFETY: as above; nobody else has it.
    let end = unsafe { &mut *end };
    // SAFETY: passed on.
    let ran = catch_unwind(AssertUnwindSafe(|| unsafe { instance.run(order, end) }));
    if let Err(panic) = ran {
        let text = panic_text(&*panic);
        end.fail(-1, &format!("the control program panicked: {text}"));
    }
}

unsafe extern "C" fn progress<R: Inside>(instance: *const c_void) -> u64 {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.progress()
}

unsafe extern "C" fn abort<R: Inside>(instance: *const c_void) {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.abort();
}

unsafe extern "C" fn describe<R: Inside>(
    instance: *const c_void,
    text: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller promises a writable place.
    let place = unsafe { slice::from_raw_parts_mut(text, capacity) };
    // SAFETY: passed on.
    put(&unsafe { of::<R>(instance) }.describe(), place)
}

unsafe extern "C" fn forget<R: Inside>(instance: *const c_void, callable_id: i32) {
    // SAFETY: passed on.
    unsafe { of::<R>(instance) }.forget(callable_id);
}

/// Runs `body` and logs a panic.
fn kept(what: &str, body: impl FnOnce() + core::panic::UnwindSafe) {
    if let Err(panic) = catch_unwind(body) {
        log::error!("{what} panicked: {}", panic_text(&*panic));
    }
}

/// Log lines of the image, written by the simulator.
struct Lines(LogLine);

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (target, text) = (record.target(), record.args().to_string());
        // SAFETY: both texts are there for the call; the simulator outlives its image.
        unsafe {
            (self.0)(
                record.level() as u32,
                target.as_ptr(),
                target.len(),
                text.as_ptr(),
                text.len(),
            );
        }
    }

    fn flush(&self) {}
}

fn install_log(line: LogLine) {
    static LINES: OnceLock<Lines> = OnceLock::new();
    let lines = LINES.get_or_init(|| Lines(line));
    if log::set_logger(lines).is_ok() {
        // What is kept is the simulator's business.
        log::set_max_level(LevelFilter::Debug);
    }
}

/// What a run does that no runtime knows of yet.
fn loading() -> String {
    "the orchestration is being loaded".to_owned()
}
