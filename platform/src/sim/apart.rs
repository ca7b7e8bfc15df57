//! Calls that leave nothing in the thread that makes them.
//!
//! Knows a thread of the system's that lives for one call. Refuses to be used where time matters.
//!
//! The standard library keeps values with a destructor in every thread that starts another. A shared object with
//! such values cannot be unloaded before the thread ends, and the thread that a host program calls us on may
//! never end. A thread that ends at once does.

use core::ffi::{c_int, c_void};
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::{catch_unwind, resume_unwind};
use std::thread::Result as Caught;

unsafe extern "C" {
    fn simpler_platform_apart(call: unsafe extern "C" fn(*mut c_void), of: *mut c_void) -> c_int;
}

/// A call and what became of it.
struct Call<F, R> {
    body: Option<F>,
    result: Option<Caught<R>>,
}

/// # Safety
/// `of` is a [`Call`] that nobody else uses.
unsafe extern "C" fn run<F: FnOnce() -> R, R>(of: *mut c_void) {
    // SAFETY: the caller's promise.
    let call = unsafe { &mut *of.cast::<Call<F, R>>() };
    let body = call.body.take();
    call.result = body.map(|body| catch_unwind(AssertUnwindSafe(body)));
}

/// Calls `body` on a thread that ends with it.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn apart<R: Send>(body: impl FnOnce() -> R + Send) -> io::Result<R> {
    fn entry<F: FnOnce() -> R, R>(_: &Call<F, R>) -> unsafe extern "C" fn(*mut c_void) {
        run::<F, R>
    }
    let mut call = Call {
        body: Some(body),
        result: None,
    };
    let entry = entry(&call);
    // SAFETY: the call is there until the thread has ended, and only that thread uses it.
    let refused = unsafe { simpler_platform_apart(entry, (&raw mut call).cast()) };
    match call.result {
        Some(Ok(result)) => Ok(result),
        Some(Err(panic)) => resume_unwind(panic),
        None => Err(io::Error::from_raw_os_error(refused)),
    }
}

#[cfg(test)]
mod tests {
    use core::panic::AssertUnwindSafe;
    use std::panic::catch_unwind;
    use std::thread;

    use super::apart;

    #[test]
    fn the_result_and_the_panic_come_back_from_another_thread() {
        let here = thread::current().id();
        let there = apart(|| thread::current().id()).expect("a thread");
        assert_ne!(here, there);
        let panicked = catch_unwind(AssertUnwindSafe(|| apart(|| panic!("on purpose"))));
        let panic = panicked.expect_err("it panics here as well");
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    }
}
