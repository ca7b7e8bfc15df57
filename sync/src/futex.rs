//! A word on which threads sleep until another wakes them.
//!
//! The kernel compares the word and sleeps in one step, so a wake after a change of the word cannot be
//! lost. Under loom a mutex and a condition variable keep the same promise.

use std::time::Instant;

use crate::atomic::AtomicU32;

/// A futex word; `SHARED` says whether other processes sleep on it too.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Futex<const SHARED: bool> {
    pub(crate) word: AtomicU32,
    #[cfg(loom)]
    gate: loom::sync::Mutex<()>,
    #[cfg(loom)]
    sleepers: loom::sync::Condvar,
}

#[cfg(not(loom))]
impl<const SHARED: bool> Futex<SHARED> {
    const FLAGS: rustix::thread::futex::Flags = if SHARED {
        rustix::thread::futex::Flags::empty()
    } else {
        rustix::thread::futex::Flags::PRIVATE
    };

    pub(crate) const fn new() -> Self {
        Self {
            word: AtomicU32::new(0),
        }
    }

    /// Sleeps while the word is `seen`, at most until `deadline`; may return early.
    pub(crate) fn sleep(&self, seen: u32, deadline: Option<Instant>) {
        use rustix::thread::futex;

        let timeout = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            futex::Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        // Every outcome (woken, word changed, interrupted, time over) means the same: look again.
        let _ = futex::wait(&self.word, Self::FLAGS, seen, timeout.as_ref());
    }

    /// Wakes at most `count` sleepers.
    pub(crate) fn wake(&self, count: u32) {
        // The word is mapped and aligned, so waking cannot fail.
        let _ = rustix::thread::futex::wake(&self.word, Self::FLAGS, count);
    }
}

#[cfg(loom)]
impl<const SHARED: bool> Futex<SHARED> {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU32::new(0),
            gate: loom::sync::Mutex::new(()),
            sleepers: loom::sync::Condvar::new(),
        }
    }

    pub(crate) fn sleep(&self, seen: u32, _deadline: Option<Instant>) {
        let gate = self.gate.lock().expect("no model panics while sleeping");
        // The kernel reads the word under its own lock; Relaxed is what it promises us.
        if self.word.load(crate::atomic::Ordering::Relaxed) == seen {
            drop(self.sleepers.wait(gate));
        }
    }

    pub(crate) fn wake(&self, count: u32) {
        let _gate = self.gate.lock().expect("no model panics while waking");
        if count == 1 {
            self.sleepers.notify_one();
        } else {
            self.sleepers.notify_all();
        }
    }
}
