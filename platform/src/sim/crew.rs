//! The helpers of a run: threads that join it only when it has work to share.
//!
//! Knows who is in a run and who sleeps. Refuses to know what helpers do there. A chip that nobody
//! uses costs no wake-up: helpers sleep without deadline.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | who calls, who comes | `called`, under the lock | a sleeping helper | own | nothing: a hint to look under the lock |
//! | the leader | `open`, under the lock | a helper | under the lock | what the helper is to do |
//! | a helper | `inside` −1, under the lock | the leader | under the lock | that it has left |

use core::fmt;
use core::mem;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use aicpu::guarded_call::panic_text;
use sync::{Doorbell, Flag, Word32};

use crate::lock::lock;

/// What helpers are to run, its lifetime erased; the leader waits for them before it ends.
#[derive(Clone, Copy)]
struct Assist(*const (dyn Fn() + Sync + 'static));

// SAFETY: the closure is `Sync`, and `Helpers::together` outlives every use.
unsafe impl Send for Assist {}

#[derive(Default)]
struct Open {
    assist: Option<Assist>,
    inside: usize,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("open", &self.assist.is_some())
            .field("inside", &self.inside)
            .field("threads", &self.threads.len())
            .finish()
    }
}

/// The helpers of one simulated chip.
#[derive(Debug)]
pub(crate) struct Helpers {
    limit: u32,
    bell: Doorbell,
    /// Calls that no helper has taken yet; changed under the lock, so that whoever counts threads to
    /// start neither misses nor doubles one.
    called: Word32,
    /// Helpers that could still be called in this run.
    spare: Word32,
    open: Mutex<Open>,
    left: Doorbell,
    closing: Flag,
}

impl Helpers {
    /// At most `limit` helpers, none started yet.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            bell: Doorbell::new(),
            called: Word32::new(0),
            spare: Word32::new(0),
            open: Mutex::default(),
            left: Doorbell::new(),
            closing: Flag::new(),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Runs `lead` here while called helpers run `assist`; returns when all have left.
    pub(crate) fn together(&self, assist: &(dyn Fn() + Sync), lead: &mut dyn FnMut()) {
        struct Shut<'a>(&'a Helpers);
        impl Drop for Shut<'_> {
            fn drop(&mut self) {
                self.0.shut();
            }
        }
        let assist: *const (dyn Fn() + Sync) = assist;
        // SAFETY: only the lifetime changes; `Shut` takes the pointer back before `assist` can go.
        let assist = unsafe {
            mem::transmute::<*const (dyn Fn() + Sync), *const (dyn Fn() + Sync + 'static)>(assist)
        };
        let mut open = lock(&self.open);
        open.assist = Some(Assist(assist));
        self.called.publish(0);
        drop(open);
        self.spare.publish(self.limit);
        let _shut = Shut(self);
        lead();
    }

    /// Calls one more helper. `me` is what it keeps alive.
    pub(crate) fn call<T: AsRef<Self> + Send + Sync + 'static>(&self, me: &Arc<T>) {
        if self.spare.own() == 0 {
            return;
        }
        self.call_one(me);
    }

    #[cold]
    fn call_one<T: AsRef<Self> + Send + Sync + 'static>(&self, me: &Arc<T>) {
        let spare = self.spare.observe();
        if spare == 0 || self.spare.change(spare, spare - 1).is_err() {
            return;
        }
        let mut open = lock(&self.open);
        let called = self.called.own();
        let busy = open.inside + called as usize;
        if busy >= open.threads.len() {
            let me = Arc::clone(me);
            let thread = Builder::new()
                .name(format!("sim-helper-{}", open.threads.len()))
                .spawn(move || (*me).as_ref().serve());
            match thread {
                Ok(thread) => open.threads.push(thread),
                // The run goes on with the threads it has.
                Err(error) => return log::warn!("cannot start a helper thread: {error}"),
            }
        }
        self.called.publish(called + 1);
        drop(open);
        self.bell.ring_one();
    }

    /// Lets no helper in any more and waits for those inside.
    fn shut(&self) {
        self.spare.publish(0);
        lock(&self.open).assist = None;
        // Helpers leave when the run has ended. If code of the run does not stop, neither may we: they
        // use what is on our stack. Whoever ordered the run has its deadline.
        let left = self.left.wait_until(None, || lock(&self.open).inside == 0);
        debug_assert!(left.is_ok(), "a wait without deadline ends by being woken");
    }

    fn serve(&self) {
        loop {
            let woken = self
                .bell
                .wait_until(None, || self.closing.is_set() || self.called.own() != 0);
            debug_assert!(woken.is_ok(), "a wait without deadline ends by being woken");
            if self.closing.is_set() {
                return;
            }
            let Some(Assist(assist)) = self.enter() else {
                continue;
            };
            {
                let _leave = Leave(self);
                // SAFETY: the leader is in `together` until we have left.
                let assisted = catch_unwind(AssertUnwindSafe(|| unsafe { (*assist)() }));
                if let Err(panic) = assisted {
                    // The leader finds its run unfinished; its deadlines apply.
                    log::error!("a helper panicked: {}", panic_text(&*panic));
                }
            }
        }
    }

    fn enter(&self) -> Option<Assist> {
        let mut open = lock(&self.open);
        let called = self.called.own();
        if called == 0 {
            return None;
        }
        self.called.publish(called - 1);
        let assist = open.assist?;
        open.inside += 1;
        Some(assist)
    }

    /// Tells idle helpers to end and hands over their threads.
    pub(crate) fn close(&self) -> Vec<JoinHandle<()>> {
        self.closing.set();
        self.bell.ring_all();
        mem::take(&mut lock(&self.open).threads)
    }
}

struct Leave<'a>(&'a Helpers);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        lock(&self.0.open).inside -= 1;
        self.0.left.ring_one();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;
    use std::time::Instant;

    use sync::{Doorbell, Word32};

    use super::Helpers;

    struct Only(Helpers);

    impl AsRef<Helpers> for Only {
        fn as_ref(&self) -> &Helpers {
            &self.0
        }
    }

    #[test]
    fn called_helpers_come_once_each_and_leave_before_the_leader() {
        let only = Arc::new(Only(Helpers::new(3)));
        for _ in 0..20 {
            let (inside, done, bell) = (Word32::new(0), Word32::new(0), <Doorbell>::new());
            let deadline = Some(Instant::now() + Duration::from_secs(60));
            let assist = || {
                inside.add(1);
                bell.ring_all();
                bell.wait_until(deadline, || done.observe() == 1)
                    .expect("the leader ends");
                inside.sub(1);
            };
            only.0.together(&assist, &mut || {
                for _ in 0..5 {
                    only.0.call(&only);
                }
                bell.wait_until(deadline, || inside.observe() == 3)
                    .expect("three helpers come");
                done.publish(1);
                bell.ring_all();
            });
            assert_eq!(inside.observe(), 0);
        }
        for thread in only.0.close() {
            thread.join().expect("a helper does not panic");
        }
    }

    #[test]
    fn nobody_comes_when_nobody_calls() {
        let only = Arc::new(Only(Helpers::new(2)));
        only.0.together(&|| panic!("nobody called"), &mut || {});
        only.0.call(&only);
        assert!(only.0.close().is_empty());
    }
}
