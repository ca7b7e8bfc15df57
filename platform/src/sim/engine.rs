//! The threads of one simulated chip and how they do a run.
//!
//! Knows who leads a run, who waits for it and what happens when it does not end. Refuses to know
//! what a run does.
//!
//! The thread that orders a run never executes code of the program: it hands the run to the chip's
//! own *leader* and waits with a deadline. So a program that does not stop holds the leader, not the
//! application: the engine, and everything the program can reach, is left behind as it is, and goes when
//! the program's code returns; the chip builds another engine.
//!
//! ```text
//! caller ── order ──▶ leader: Executor::run ──▶ calls helpers ──▶ end ──▶ caller
//!   └─ deadline passed: stop ─▶ grace ─▶ still running: left behind
//! ```
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | caller | `order` under its lock; `posted`, publish | leader | observe | the order |
//! | leader | `begun`, publish | caller | observe | nothing: from now on the run has to get on |
//! | leader | `end` under its lock; `ended`, publish | caller | observe | the end and all effects of the run |

use core::any::Any;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use aicpu::Crew;
use aicpu::guarded_call::panic_text;
use sync::{Crowd, Deadline, Doorbell, Flag, Patience, Progress, Spin, Word64};

use crate::error::{Error, Result};
use crate::launch::Outcome;
use crate::lock::lock;
use crate::options::Deadlines;

use super::cores::SimCores;
use super::crew::Helpers;
use super::executor::{Executor, RunEnd, RunOrder};
use super::news::News;

/// How often per limit the caller looks whether anything moves.
const LOOKS: u32 = 4;

/// The threads, cores and control program of one simulated chip.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    leader: Option<JoinHandle<()>>,
    left_behind: Flag,
}

#[derive(Debug)]
struct Shared {
    executor: Box<dyn Executor>,
    cores: Arc<SimCores>,
    crowd: Arc<Crowd>,
    /// What callers of earlier runs have learned about waiting.
    patience: Mutex<Patience>,
    helpers: Helpers,
    order: Mutex<Option<RunOrder>>,
    end: Mutex<Option<RunEnd>>,
    posted: Word64,
    post: Doorbell,
    begun: Word64,
    ended: Word64,
    finished: Doorbell,
    closing: Flag,
}

impl Engine {
    /// An engine with its leader, which sleeps until the first run.
    pub(crate) fn start(
        executor: Box<dyn Executor>,
        cores: Arc<SimCores>,
        helpers: Option<u32>,
    ) -> Result<Self> {
        let crowd = Crowd::new();
        let helpers = helpers.unwrap_or(crowd.cores() - 1);
        let shared = Arc::new(Shared {
            executor,
            cores,
            helpers: Helpers::new(helpers),
            crowd,
            patience: Mutex::default(),
            order: Mutex::default(),
            end: Mutex::default(),
            posted: Word64::new(0),
            post: Doorbell::new(),
            begun: Word64::new(0),
            ended: Word64::new(0),
            finished: Doorbell::new(),
            closing: Flag::new(),
        });
        let leader = {
            let shared = Arc::clone(&shared);
            Builder::new()
                .name("sim-leader".to_owned())
                .spawn(move || shared.lead())
                .map_err(|source| sync::Error::Spawn {
                    index: 0,
                    wanted: 1,
                    source,
                })?
        };
        Ok(Self {
            shared,
            leader: Some(leader),
            left_behind: Flag::new(),
        })
    }

    pub(crate) fn cores(&self) -> &SimCores {
        &self.shared.cores
    }

    pub(crate) fn forget(&self, callable_id: i32) {
        self.shared.executor.forget(callable_id);
    }

    /// Does one run. `hold` yields everything its code can reach.
    pub(crate) fn run(&self, order: RunOrder, hold: &dyn Fn() -> Box<dyn Any + Send>) -> Outcome {
        let shared = &self.shared;
        let deadlines = order.options.deadlines;
        shared.cores.begin(order.clusters);
        *lock(&shared.order) = Some(order);
        let number = shared.posted.own() + 1;
        shared.posted.publish(number);
        shared.post.ring_one();
        let missed = self.watch(number, &deadlines).err();
        if missed.is_some() {
            shared.executor.abort();
            shared.cores.stop();
            let grace = Deadline::after(deadlines.grace);
            // Whether it ended in time is asked below.
            let _ = shared
                .finished
                .wait_until(grace.instant(), || shared.ended.observe() == number);
        }
        let end = lock(&shared.end).take();
        let (loaded, result) = end.map_or((false, None), |end| (end.loaded, Some(end.result)));
        let result = match (missed, shared.cores.take_failure(), result) {
            // A kernel that failed is why others waited for it.
            (missed, Some(failure), _) => {
                if let Some(missed) = missed {
                    log::warn!("{missed}");
                }
                Err(failure)
            }
            (Some(missed), None, _) => Err(missed),
            (None, None, Some(result)) => result,
            (None, None, None) => unreachable!("a run that ended has an end"),
        };
        let stopped =
            shared.ended.observe() == number && (result.is_ok() || self.settle(&deadlines));
        if !stopped {
            // Every thread that may still execute code of the run keeps the cores alive.
            shared.cores.keep(hold());
            self.left_behind.set();
        }
        Outcome {
            loaded,
            left_behind: !stopped,
            result,
        }
    }

    /// Waits for the end of run `number` as long as it may take.
    fn watch(&self, number: u64, deadlines: &Deadlines) -> Result<()> {
        let shared = &self.shared;
        let ended = || shared.ended.observe() == number;
        let moved = || {
            shared
                .executor
                .progress()
                .wrapping_add(shared.cores.ended())
        };
        let mut spin = Spin::with_patience(&shared.crowd, *lock(&shared.patience));
        let started = Instant::now();
        let last = Deadline::after(deadlines.run).instant();
        let mut progress = Progress::new(deadlines.no_progress);
        let at_start = moved();
        progress.restart(at_start);
        loop {
            let look = Deadline::after(deadlines.no_progress / LOOKS).instant();
            let next = [last, look].into_iter().flatten().min();
            if shared
                .finished
                .wait_spinning(&mut spin, next, ended)
                .is_ok()
            {
                *lock(&shared.patience) = spin.patience();
                return Ok(());
            }
            let step = moved();
            let has_begun = shared.begun.observe() == number;
            if !has_begun {
                // The leader waits for a host core; that is no failure of the program's.
                progress.restart(step);
            }
            let miss = |missed, limit| Error::Deadline {
                missed,
                limit,
                progress: step.wrapping_sub(at_start),
                waiting: if has_begun {
                    let (program, cores) = (shared.executor.describe(), shared.cores.describe());
                    format!("{program}; {cores}")
                } else {
                    "the host has not let the chip's leading thread run".to_owned()
                },
            };
            if started.elapsed() >= deadlines.run {
                return Err(miss("end", deadlines.run));
            }
            if progress.check(step).is_err() {
                return Err(miss("make progress", deadlines.no_progress));
            }
        }
    }

    /// Waits until no kernel of a failed run that has ended is running; whether that came true in time.
    fn settle(&self, deadlines: &Deadlines) -> bool {
        let cores = &self.shared.cores;
        cores.stop();
        cores.take_back();
        let grace = Deadline::after(deadlines.grace);
        let quiet = Doorbell::<false>::new();
        cores.with_news(&|_| quiet.ring_all(), || {
            quiet
                .wait_until(grace.instant(), || !cores.any_apart())
                .is_ok()
        })
    }

    /// Whether code of a run still executes here, so that no other run may.
    pub(crate) fn is_left_behind(&self) -> bool {
        self.left_behind.is_set()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let shared = &self.shared;
        shared.closing.set();
        shared.post.ring_all();
        let helpers = shared.helpers.close();
        shared.cores.close();
        if self.left_behind.is_set() {
            // Some thread is inside code that does not stop. Each thread keeps alive what it uses and
            // ends when it gets out.
            return;
        }
        for thread in self.leader.take().into_iter().chain(helpers) {
            if thread.join().is_err() {
                log::error!("a thread of the simulated chip panicked");
            }
        }
    }
}

impl Shared {
    /// The leader's life.
    fn lead(self: &Arc<Self>) {
        let mut spin = Spin::new(&self.crowd);
        let mut done = 0;
        loop {
            let woken = self.post.wait_spinning(&mut spin, None, || {
                self.posted.observe() != done || self.closing.is_set()
            });
            debug_assert!(woken.is_ok(), "a wait without deadline ends by being woken");
            if self.closing.is_set() {
                return;
            }
            done = self.posted.observe();
            self.begun.publish(done);
            let order = lock(&self.order).take();
            if let Some(order) = order {
                let id = order.callable_id;
                let run = || self.executor.run(&order, &self.cores, &InRun(self));
                // The run counts this thread itself while it wants to run.
                let run = || spin.present().away(run);
                let end = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| RunEnd {
                    loaded: false,
                    result: Err(Error::Orchestration {
                        id,
                        text: format!("the control program panicked: {}", panic_text(&*panic)),
                    }),
                });
                *lock(&self.end) = Some(end);
            }
            self.ended.publish(done);
            self.finished.ring_all();
        }
    }
}

impl AsRef<Helpers> for Shared {
    fn as_ref(&self) -> &Helpers {
        &self.helpers
    }
}

/// The crew as a run sees it.
struct InRun<'a>(&'a Arc<Shared>);

impl Crew for InRun<'_> {
    fn helpers(&self) -> usize {
        self.0.helpers.limit()
    }

    fn together(
        &self,
        news: &(dyn Fn() + Sync),
        assist: &(dyn Fn() + Sync),
        lead: &mut dyn FnMut(),
    ) {
        let news = |kind| {
            if kind == News::Work {
                self.call();
            }
            news();
        };
        self.0
            .cores
            .with_news(&news, || self.0.helpers.together(assist, lead));
    }

    fn call(&self) {
        self.0.helpers.call(self.0);
    }

    fn crowd(&self) -> &Arc<Crowd> {
        &self.0.crowd
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use protocol::A2a3;

    use super::Engine;
    use crate::error::Error;
    use crate::options::Deadlines;
    use crate::sim::cores::SimCores;
    use crate::sim::family::Family;
    use crate::sim::testing::{Script, Scripted};

    /// A machine with too much to do must not look like a program that hangs.
    #[test]
    fn a_run_that_the_host_has_not_let_begin_misses_only_its_end() {
        let script: Arc<Script> = Arc::new(|_, _, _| unreachable!("nobody ordered a run"));
        let cores = SimCores::new(Family::of::<A2a3>(), 0, 0, &Arc::default());
        let cores = cores.expect("address space");
        let engine = Engine::start(Box::new(Scripted::new(&script)), cores, Some(0));
        let engine = engine.expect("few threads");
        let deadlines = Deadlines {
            run: Duration::from_millis(40),
            no_progress: Duration::from_millis(1),
            grace: Duration::ZERO,
        };
        // Nobody has posted it, so the leader does not begin it.
        let missed = engine.watch(1, &deadlines).expect_err("it cannot end");
        let Error::Deadline {
            missed, waiting, ..
        } = missed
        else {
            panic!("another error: {missed}");
        };
        assert_eq!(missed, "end");
        assert!(waiting.contains("leading thread"), "{waiting}");
    }
}
