//! Threads for kernels that wait for one another.
//!
//! Knows how many calls run at once and keeps a parked thread for each that did. Refuses to know what
//! they run: a call is a pair of numbers for whoever has the [`Calls`].
//!
//! A place is *reserved* when a call is dispatched and *started* when its core is first looked at.
//! By then all calls of a group have their places, so none starts unless all can.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | who starts a call | `work`, publish | the thread | observe | the core and the token |
//! | the thread | `work` zero, publish | who starts the next call | under the lock | that the seat is free |

use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use sync::{Doorbell, Word64};

use crate::lock::lock;

/// Tells a thread to end.
const END: u64 = u64::MAX;

/// Who runs the calls that get a thread here.
pub(crate) trait Calls: Send + Sync {
    /// Runs a call on the calling thread. `ending` comes before the end is seen.
    fn run(&self, core: u16, token: u32, ending: &mut dyn FnMut());

    /// The threads.
    fn groups(&self) -> &Groups;
}

/// What one thread watches: 0, or a call, or the end.
#[derive(Debug, Default)]
struct Seat {
    work: Word64,
    bell: Doorbell,
}

#[derive(Debug, Default)]
struct Places {
    idle: Vec<Arc<Seat>>,
    threads: Vec<(Arc<Seat>, JoinHandle<()>)>,
    taken: usize,
}

/// The threads of one simulated chip.
#[derive(Debug)]
pub(crate) struct Groups {
    places: Mutex<Places>,
    limit: usize,
}

impl Groups {
    /// No threads yet, and never more than `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            places: Mutex::default(),
            limit,
        }
    }

    /// Makes sure that one more call can start at once.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(crate) fn reserve(&self, calls: Arc<dyn Calls>) -> Result<(), sync::Error> {
        let mut places = lock(&self.places);
        if places.taken == places.threads.len() {
            let index = places.threads.len();
            let refuse = |source| sync::Error::Spawn {
                index,
                wanted: index + 1,
                source,
            };
            if index == self.limit {
                return Err(refuse(std::io::ErrorKind::QuotaExceeded.into()));
            }
            let seat = Arc::new(Seat::default());
            let thread = {
                let seat = Arc::clone(&seat);
                Builder::new()
                    .name(format!("sim-core-{index}"))
                    .spawn(move || serve(&*calls, &seat))
                    .map_err(refuse)?
            };
            places.idle.push(Arc::clone(&seat));
            places.threads.push((seat, thread));
        }
        places.taken += 1;
        Ok(())
    }

    /// Starts a call for which a place was reserved.
    pub(crate) fn start(&self, core: u16, token: u32) {
        let seat = lock(&self.places)
            .idle
            .pop()
            .expect("a place was reserved and every place has a thread");
        seat.work.publish(call(core, token));
        seat.bell.ring_one();
    }

    /// Gives back a place that was reserved and will not be started.
    pub(crate) fn cancel(&self) {
        lock(&self.places).taken -= 1;
    }

    /// Gives back all places that were reserved, while no call runs.
    pub(crate) fn cancel_all(&self) {
        lock(&self.places).taken = 0;
    }

    /// How many threads there are.
    #[cfg(test)]
    pub(crate) fn threads(&self) -> usize {
        lock(&self.places).threads.len()
    }

    /// Ends the threads; those that are in a call end after it and are not waited for.
    pub(crate) fn close(&self) {
        let threads = {
            let mut places = lock(&self.places);
            places.idle.clear();
            core::mem::take(&mut places.threads)
        };
        let mut ended = Vec::new();
        for (seat, thread) in threads {
            // A thread at work finds the word changed when it is done.
            let idle = seat.work.replace(END) == 0;
            seat.bell.ring_one();
            if idle && thread.thread().id() != std::thread::current().id() {
                ended.push(thread);
            }
        }
        for thread in ended {
            // A panic outside of a kernel is a bug that has been printed.
            let _ = thread.join();
        }
    }

    fn done(&self, seat: &Arc<Seat>, work: u64) {
        let mut places = lock(&self.places);
        places.taken -= 1;
        if seat.work.change(work, 0).is_ok() {
            places.idle.push(Arc::clone(seat));
        }
    }
}

fn serve(calls: &dyn Calls, seat: &Arc<Seat>) {
    loop {
        // Nobody knows when the next group comes: the thread sleeps until then or until the end.
        let woken = seat.bell.wait_until(None, || seat.work.observe() != 0);
        debug_assert!(woken.is_ok(), "a wait without deadline ends by being woken");
        let work = seat.work.observe();
        if work == END {
            return;
        }
        let (core, token) = parts(work);
        // The place is free before the end of the call can be seen, so that whoever sees it and starts
        // the next call needs no further thread.
        calls.run(core, token, &mut || calls.groups().done(seat, work));
    }
}

/// A call as one word that is neither 0 nor the end.
const fn call(core: u16, token: u32) -> u64 {
    1 << 63 | (core as u64) << 32 | token as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of what `call` packed"
)]
const fn parts(work: u64) -> (u16, u32) {
    ((work >> 32) as u16 & 0x7fff, work as u32)
}

#[cfg(test)]
mod tests {
    use super::{END, call, parts};

    #[test]
    fn a_call_is_one_word() {
        for (core, token) in [(0, 0), (107, 0x7fff_ffef)] {
            assert_eq!(parts(call(core, token)), (core, token));
            assert!(call(core, token) != 0 && call(core, token) != END);
        }
    }
}
