//! Telling whoever drives a run that a look at the cores may show something new.

use core::fmt;
use core::mem;
use std::sync::Mutex;

use crate::lock::lock;

/// Why it may be worth to look at the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A call waits for a thread that has nothing else to do.
    Work,
    /// A call ended, or the cores were stopped.
    Ended,
}

type Tell<'a> = *const (dyn Fn(News) + Sync + 'a);

/// Whom to tell, its lifetime erased.
#[derive(Clone, Copy)]
struct Erased(Tell<'static>);

// SAFETY: the closure is `Sync`, and `Listener::during` outlives every use.
unsafe impl Send for Erased {}

/// Who listens at the moment, if anybody does.
#[derive(Default)]
pub(super) struct Listener(Mutex<Option<Erased>>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Listener {
    /// Tells `listen` the news as long as `body` runs.
    pub(super) fn during<R>(&self, listen: &(dyn Fn(News) + Sync), body: impl FnOnce() -> R) -> R {
        struct Unset<'a>(&'a Listener);
        impl Drop for Unset<'_> {
            fn drop(&mut self) {
                // Whoever tells holds the lock, so nobody is told after this.
                *lock(&self.0.0) = None;
            }
        }
        let listen: Tell<'_> = listen;
        // SAFETY: only the lifetime changes; `Unset` takes the pointer back before `listen` can go.
        let listen = unsafe { mem::transmute::<Tell<'_>, Tell<'static>>(listen) };
        *lock(&self.0) = Some(Erased(listen));
        let _unset = Unset(self);
        body()
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, news: News) {
        if let Some(Erased(listen)) = *lock(&self.0) {
            // SAFETY: `during` unsets it, under the lock we hold, before the closure goes.
            unsafe { (*listen)(news) };
        }
    }
}
