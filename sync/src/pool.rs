//! A crew of threads that is parked between jobs.
//!
//! The threads live as long as the crew. A job is one closure that every thread runs once with its own
//! number; starting a job wakes the threads, the end of it parks them. A panic in a job is caught, reported as
//! the job's result, and the crew stays usable.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | who starts a job | each thread's `turn`, Release | that thread | Acquire | the job |
//! | each thread | `left` −1, Release | the last thread | Acquire | that the job has been run |
//! | the last thread | `done`, Release | who waits | Acquire | the job's effects |

use core::fmt;
use core::mem;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use crate::cell::{Word32, Word64};
use crate::countdown::Countdown;
use crate::deadline::Deadline;
use crate::doorbell::Doorbell;
use crate::error::Error;
use crate::line::Line;
use crate::spin::{Crowd, Spin};

/// How long dropping a crew waits for its threads.
const PATIENCE: Duration = Duration::from_secs(5);
/// The bit of a turn that tells a thread to end after it.
const END: u64 = 1 << 63;

type Job = Arc<dyn Fn(usize) + Send + Sync>;

/// What one thread watches.
#[derive(Debug, Default)]
struct Seat {
    turn: Word64,
    bell: Doorbell,
}

struct Shared {
    name: String,
    crowd: Arc<Crowd>,
    seats: Box<[Line<Seat>]>,
    job: Mutex<Option<Job>>,
    panic: Mutex<Option<(usize, String)>>,
    left: Countdown,
    done: Word64,
    gone: Word32,
    finished: Doorbell,
}

/// Threads that wait for jobs.
pub struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    turn: Mutex<u64>,
}

/// A job that the crew is at.
#[derive(Debug)]
#[must_use = "the job's panics are reported by `wait`"]
pub struct Running<'crew> {
    crew: &'crew Crew,
    turn: u64,
}

impl Crew {
    /// Starts `threads` threads called `name-0`, `name-1`, …, in a crowd of their own.
    ///
    /// # Errors
    ///
    /// [`Error::Spawn`] if the system refuses a thread; those already started have ended then.
    pub fn new(threads: usize, name: &str) -> Result<Self, Error> {
        Self::in_crowd(threads, name, &Crowd::new())
    }

    /// Starts `threads` threads that count as wanting to run in `crowd` while they are at a job.
    ///
    /// # Errors
    ///
    /// [`Error::Spawn`] if the system refuses a thread; those already started have ended then.
    pub fn in_crowd(threads: usize, name: &str, crowd: &Arc<Crowd>) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            crowd: Arc::clone(crowd),
            seats: (0..threads).map(|_| Line::default()).collect(),
            job: Mutex::new(None),
            panic: Mutex::new(None),
            left: Countdown::new(0),
            done: Word64::new(0),
            gone: Word32::new(0),
            finished: Doorbell::new(),
        });
        let mut crew = Self {
            shared,
            threads: Vec::with_capacity(threads),
            turn: Mutex::new(0),
        };
        for index in 0..threads {
            let shared = Arc::clone(&crew.shared);
            let thread = Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || shared.serve(index))
                .map_err(|source| Error::Spawn {
                    index,
                    wanted: threads,
                    source,
                })?;
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    /// How many threads there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.seats.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wakes every thread to run `job` with its number.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the job before has not ended.
    pub fn start(&self, job: impl Fn(usize) + Send + Sync + 'static) -> Result<Running<'_>, Error> {
        self.start_job(Arc::new(job))
    }

    /// Runs `job` on every thread with its number and returns when all are done.
    ///
    /// There is no deadline: the job borrows from the caller, so nothing but its end can end it. Waits inside
    /// the job have theirs.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the job before has not ended, [`Error::Panicked`] if a thread panicked.
    pub fn run(&self, job: impl Fn(usize) + Send + Sync) -> Result<(), Error> {
        let job: Arc<dyn Fn(usize) + Send + Sync + '_> = Arc::new(job);
        // SAFETY: only the lifetime changes. Every copy of the job is dropped before its turn is done, and we do
        // not return before that: `join` waits without a deadline, and nothing between here and there can
        // unwind.
        let job: Job = unsafe { mem::transmute(job) };
        self.start_job(job)?.join(Deadline::NEVER)
    }

    /// Ends the threads and waits for them until `deadline`.
    ///
    /// # Errors
    ///
    /// [`Error::Stuck`] if some are still at a job then; they end when it does.
    pub fn shut_down(mut self, deadline: Deadline) -> Result<(), Error> {
        self.end(deadline)
    }

    fn start_job(&self, job: Job) -> Result<Running<'_>, Error> {
        let mut turn = lock(&self.turn);
        if self.shared.done.observe() != *turn {
            return Err(Error::Busy {
                busy: self.shared.left.left() as usize,
                threads: self.len(),
            });
        }
        *turn += 1;
        *lock(&self.shared.panic) = None;
        if self.is_empty() {
            self.shared.done.publish(*turn);
        } else {
            *lock(&self.shared.job) = Some(job);
            self.shared.left.start(count(self.len()));
            for seat in &self.shared.seats {
                seat.turn.publish(*turn);
                seat.bell.ring_one();
            }
        }
        Ok(Running {
            crew: self,
            turn: *turn,
        })
    }

    fn end(&mut self, deadline: Deadline) -> Result<(), Error> {
        let started = Instant::now();
        for seat in &self.shared.seats {
            seat.turn.insert(END);
            seat.bell.ring_one();
        }
        let threads = count(self.threads.len());
        let shared = &self.shared;
        let all_gone = || shared.gone.observe() == threads;
        if shared
            .finished
            .wait_until(deadline.instant(), all_gone)
            .is_err()
        {
            self.threads.clear(); // lets them run on: joining would wait for what did not end
            return Err(Error::Stuck {
                crew: shared.name.clone(),
                busy: (threads - shared.gone.observe()) as usize,
                waited: started.elapsed(),
            });
        }
        for thread in self.threads.drain(..) {
            // A job's panic has been caught; a thread itself has nothing that panics.
            let _ = thread.join();
        }
        Ok(())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            // Nobody is left to tell; the threads end with their job.
            let _ = self.end(Deadline::after(PATIENCE));
        }
    }
}

impl Running<'_> {
    /// Whether every thread is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.crew.shared.done.observe() >= self.turn
    }

    /// Waits until every thread is done.
    ///
    /// # Errors
    ///
    /// [`Error::Stuck`] at the deadline (the job goes on, and the crew stays busy until it ends),
    /// [`Error::Panicked`] if a thread panicked.
    pub fn wait(&self, deadline: Deadline) -> Result<(), Error> {
        self.join(deadline)
    }

    fn join(&self, deadline: Deadline) -> Result<(), Error> {
        let started = Instant::now();
        let shared = &self.crew.shared;
        let waited = shared
            .finished
            .wait_until(deadline.instant(), || self.is_done());
        if waited.is_err() {
            return Err(Error::Stuck {
                crew: shared.name.clone(),
                busy: shared.left.left() as usize,
                waited: started.elapsed(),
            });
        }
        match lock(&shared.panic).take() {
            None => Ok(()),
            Some((index, message)) => Err(Error::Panicked {
                crew: shared.name.clone(),
                index,
                message,
            }),
        }
    }
}

impl Shared {
    /// A thread's life.
    fn serve(&self, index: usize) {
        let seat = &self.seats[index];
        let mut spin = Spin::new(&self.crowd);
        let mut last = 0;
        loop {
            // Ends by being told to, so there is no deadline.
            let _ = seat
                .bell
                .wait_spinning(&mut spin, None, || seat.turn.observe() != last);
            let turn = seat.turn.observe();
            if turn & !END != last {
                last = turn & !END;
                self.work(index, last);
            }
            if turn & END != 0 {
                break;
            }
        }
        drop(spin);
        self.gone.add(1);
        self.finished.ring_all();
    }

    fn work(&self, index: usize, turn: u64) {
        let job = lock(&self.job).clone();
        if let Some(job) = &job
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(index)))
        {
            let message = message(&*payload);
            lock(&self.panic).get_or_insert((index, message));
            contain(|| drop(payload));
        }
        contain(|| drop(job));
        if self.left.release(1) {
            let job = lock(&self.job).take();
            contain(|| drop(job));
            self.done.publish(turn);
            self.finished.ring_all();
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("name", &self.shared.name)
            .field("threads", &self.len())
            .field("busy", &self.shared.left.left())
            .finish_non_exhaustive()
    }
}

/// Drops what belongs to a job; a panic in that must not take the thread with it.
fn contain(drop: impl FnOnce()) {
    // The job itself has been run, and there is nobody to tell about its remains.
    let _ = catch_unwind(AssertUnwindSafe(drop));
}

/// What a panic said.
fn message(payload: &(dyn core::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// Locks; what the mutexes here hold is whole at any moment, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(threads: usize) -> u32 {
    u32::try_from(threads).expect("no machine starts 2^32 threads")
}

#[cfg(test)]
mod tests {
    use super::Crew;
    use crate::cell::{Flag, Word32, Word64};
    use crate::deadline::Deadline;
    use crate::doorbell::Doorbell;
    use crate::error::Error;
    use crate::tally::Tally;
    use core::time::Duration;
    use std::sync::Arc;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    #[derive(Debug, Default)]
    struct Gate {
        open: Flag,
        bell: Doorbell,
    }

    impl Gate {
        fn pass(&self) {
            let passed = self
                .bell
                .wait_until(soon().instant(), || self.open.is_set());
            passed.expect("somebody opens the gate");
        }

        fn open(&self) {
            self.open.set();
            self.bell.ring_all();
        }
    }

    #[test]
    fn every_thread_runs_every_job_once_with_its_number() {
        let crew = Crew::new(3, "test").expect("threads");
        let tally = Tally::new(3);
        for round in 1..=200 {
            crew.run(|index| tally.add(index, index as u64 + 1))
                .expect("no panic");
            let parts = [0, 1, 2].map(|part| tally.part(part));
            assert_eq!(parts, [round, 2 * round, 3 * round]);
        }
    }

    #[test]
    fn a_panic_is_reported_and_the_crew_goes_on() {
        let crew = Crew::new(2, "panicky").expect("threads");
        let failed = crew.run(|index| assert!(index != 1, "index {index} is unlucky"));
        let Err(Error::Panicked {
            crew: name,
            index: 1,
            message,
        }) = failed
        else {
            panic!("expected a panic, got {failed:?}");
        };
        assert_eq!(
            (name.as_str(), message.as_str()),
            ("panicky", "index 1 is unlucky")
        );
        let ran = Word32::new(0);
        crew.run(|_| {
            ran.add(1);
        })
        .expect("no panic");
        assert_eq!(ran.observe(), 2);
    }

    /// A value whose drop panics.
    struct Thorn;

    impl Drop for Thorn {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_in_what_a_panic_carries_does_not_end_a_thread() {
        let crew = Crew::new(1, "thorny").expect("threads");
        let running = crew.start(|_| std::panic::panic_any(Thorn)).expect("idle");
        assert!(matches!(running.wait(soon()), Err(Error::Panicked { .. })));
        crew.run(|_| ()).expect("the thread is still there");
    }

    #[test]
    fn a_crew_at_work_refuses_another_job_and_a_wait_ends_at_its_deadline() {
        let crew = Crew::new(2, "busy").expect("threads");
        let gate = Arc::new(Gate::default());
        let running = {
            let gate = Arc::clone(&gate);
            crew.start(move |_| gate.pass()).expect("idle")
        };
        assert!(matches!(
            crew.run(|_| ()),
            Err(Error::Busy {
                busy: 2,
                threads: 2
            })
        ));
        let stuck = running.wait(Deadline::after(Duration::ZERO));
        assert!(matches!(stuck, Err(Error::Stuck { busy: 2, .. })));
        assert!(!running.is_done());
        gate.open();
        running.wait(soon()).expect("the gate is open");
        assert!(running.is_done());
    }

    #[test]
    fn shutting_down_finishes_the_job_and_has_a_deadline() {
        let ran = Arc::new(Word64::new(0));
        let crew = Crew::new(2, "short").expect("threads");
        let count = Arc::clone(&ran);
        let _ = crew.start(move |_| {
            count.add(1);
        });
        crew.shut_down(soon()).expect("the job ends");
        assert_eq!(ran.observe(), 2);

        let gate = Arc::new(Gate::default());
        let crew = Crew::new(1, "long").expect("threads");
        let held = Arc::clone(&gate);
        let _ = crew.start(move |_| held.pass());
        let stuck = crew.shut_down(Deadline::after(Duration::ZERO));
        assert!(matches!(stuck, Err(Error::Stuck { busy: 1, .. })));
        gate.open();
    }

    #[test]
    fn a_crew_of_nobody_does_nothing() {
        let crew = Crew::new(0, "empty").expect("no threads are needed");
        crew.run(|_| panic!("nobody runs it")).expect("no panic");
        assert!(crew.is_empty());
    }
}
