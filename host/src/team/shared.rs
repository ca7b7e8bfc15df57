//! A worker that has started: its engine, its children, and waiting for them.
//!
//! Knows how a caller waits: it drives the engine while it does. Refuses to know what it waits for.

use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Instant;

use protocol::CallConfig;
use sync::{Crowd, Flag, InTurn, Progress, Spin, Turn};

use super::channel::Bell;
use super::engine::heap::RINGS;
use super::engine::{Core, Watch};
use super::frame::{Request, Words};
use super::nursery::Nursery;
use super::segment::SegmentTable;
use super::spec::Limits;
use super::tensor::{Dropped, Hold, OwnerId};
use crate::error::{Error, Result};

/// How often a waiter looks at the clock while it sleeps.
const LOOK: Duration = Duration::from_millis(100);

/// The engine while one thread has it.
pub(crate) type Locked<'a> = Turn<'a, Core, true>;

/// A worker that has started.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) owner: OwnerId,
    pub(crate) limits: Limits,
    pub(crate) fail_fast: bool,
    core: InTurn<Core>,
    bell: Bell,
    crowd: Arc<Crowd>,
    pub(crate) rings: Vec<Hold>,
    pub(crate) segments: Arc<SegmentTable>,
    pub(crate) dropped: Arc<Dropped>,
    pub(crate) default_config: Arc<CallConfig>,
    pub(crate) nursery: Option<Nursery>,
    /// The thread that builds a graph, so that it is not asked to build another inside.
    builder: Mutex<Option<ThreadId>>,
    builder_left: Condvar,
    driver: Mutex<Option<JoinHandle<()>>>,
    driving: Mutex<Driving>,
    driver_called: Condvar,
    /// The worker closes: nothing is driven any more.
    ends: Flag,
}

/// What the driver is to do.
#[derive(Debug, Default)]
struct Driving {
    /// Runs that go on while nobody waits for them.
    open: usize,
}

/// The permission to build a graph.
#[derive(Debug)]
pub(crate) struct Building<'a>(&'a Shared);

impl Drop for Building<'_> {
    fn drop(&mut self) {
        *self
            .0
            .builder
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.0.builder_left.notify_one();
    }
}

/// What a worker starts with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) owner: OwnerId,
    pub(crate) limits: Limits,
    pub(crate) fail_fast: bool,
    pub(crate) core: Core,
    pub(crate) bell: Bell,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) rings: Vec<Hold>,
    pub(crate) segments: Arc<SegmentTable>,
    pub(crate) dropped: Arc<Dropped>,
    pub(crate) nursery: Option<Nursery>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        debug_assert_eq!(parts.rings.len(), RINGS);
        Self {
            owner: parts.owner,
            limits: parts.limits,
            fail_fast: parts.fail_fast,
            core: InTurn::new(parts.core),
            bell: parts.bell,
            crowd: parts.crowd,
            rings: parts.rings,
            segments: parts.segments,
            dropped: parts.dropped,
            default_config: Arc::new(CallConfig::default()),
            nursery: parts.nursery,
            builder: Mutex::new(None),
            builder_left: Condvar::new(),
            driver: Mutex::new(None),
            driving: Mutex::default(),
            driver_called: Condvar::new(),
            ends: Flag::new(),
        }
    }

    /// The engine, for this thread alone; those who sleep learn whether it moved meanwhile.
    ///
    /// It is whole whenever it is free: a panic inside it is a bug of ours, and what it left is still consistent
    /// enough to be closed.
    pub(crate) fn lock(&self) -> Locked<'_> {
        self.core.turn(self.bell.get())
    }

    pub(crate) fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Moves the engine on if there is something to take, without waiting.
    #[inline]
    pub(crate) fn nudge(&self, core: &mut Core) {
        if has_news(&core.watch) {
            core.pump();
        }
    }

    /// Drives the engine until `done` gives something.
    ///
    /// `limit` is how long nothing at all may move; then `stalled` decides: an error ends the wait, `None`
    /// grants another term.
    pub(crate) fn wait_for<R>(
        &self,
        deadline: Option<Instant>,
        limit: Duration,
        mut done: impl FnMut(&mut Core) -> Option<R>,
        mut stalled: impl FnMut(&mut Core) -> Option<Error>,
    ) -> Result<Option<R>> {
        let mut spin: Option<Spin> = None;
        let mut progress: Option<Progress> = None;
        loop {
            let mut core = self.lock();
            core.pump();
            self.unmap_dropped(&mut core);
            if let Some(result) = done(&mut core) {
                return Ok(Some(result));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            let step = core.step;
            let watch = progress.get_or_insert_with(|| {
                let mut fresh = Progress::new(limit);
                fresh.restart(step);
                fresh
            });
            if watch.check(step).is_err() {
                if let Some(error) = stalled(&mut core) {
                    return Err(error);
                }
                watch.restart(step);
            }
            let watched = Arc::clone(&core.watch);
            let seen = core.end();
            let spin = spin.get_or_insert_with(|| Spin::new(&self.crowd));
            let look = Instant::now() + LOOK.min(limit);
            let until = deadline.map_or(look, |deadline| deadline.min(look));
            self.core
                .sleep(self.bell.get(), spin, seen, Some(until), || {
                    has_news(&watched)
                });
        }
    }

    /// Asks a child for something that is no task and waits for the answer.
    pub(crate) fn ask(
        &self,
        port: usize,
        request: Request,
        words: [u64; 4],
        holds: Vec<Hold>,
    ) -> Result<Words> {
        let limit = self.limits.control;
        let (id, label) = {
            let mut core = self.lock();
            let it = &core.ports[port];
            if let Some(fault) = &it.dead {
                return Err(fault.clone().into());
            }
            let label = it.label.clone();
            (core.ask(port, request, words, holds), label)
        };
        let answer = self.wait_for(
            Instant::now().checked_add(limit),
            limit,
            |core| core.take_answer(id),
            |_| None,
        )?;
        match answer {
            Some(answer) => Ok(answer?),
            None => {
                self.lock().forget_ask(id);
                Err(Error::Timeout {
                    child: label,
                    request: request.verb().to_owned(),
                    waited: limit,
                })
            }
        }
    }

    /// Has children drop the mappings of segments that are no more.
    fn unmap_dropped(&self, core: &mut Core) {
        for id in self.dropped.take() {
            self.segments.remove(id);
            for port in 0..core.ports.len() {
                let it = &core.ports[port];
                if it.dead.is_none() && it.known.contains(&id) {
                    core.ask_quietly(port, Request::Unmap, [id, 0, 0, 0]);
                }
            }
        }
    }

    /// Waits for the permission to build a graph.
    pub(crate) fn begin_building(&self) -> Result<Building<'_>> {
        let me = std::thread::current().id();
        let mut builder = self.builder.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + self.limits.no_progress;
        while let Some(who) = *builder {
            if who == me {
                return Err(Error::refused(
                    "a run inside a graph function",
                    "the worker builds one graph at a time: submit the tasks to the graph that is open",
                ));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::refused(
                    "another run",
                    format!(
                        "the graph function of the run before did not return within {:?}",
                        self.limits.no_progress
                    ),
                ));
            }
            let waited = self.builder_left.wait_timeout(builder, left);
            builder = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *builder = Some(me);
        drop(builder);
        Ok(Building(self))
    }

    /// A run goes on while nobody waits for it: the driver sees to it.
    pub(crate) fn drive(self: &Arc<Self>) -> Result<()> {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        if driver.is_none() {
            let shared = Arc::clone(self);
            let spawned = std::thread::Builder::new()
                .name("driver".to_owned())
                .spawn(move || shared.drive_on())
                .map_err(|source| Error::System {
                    child: "the driver of the worker".to_owned(),
                    step: "start a thread",
                    source,
                })?;
            *driver = Some(spawned);
        }
        drop(driver);
        self.driving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open += 1;
        self.driver_called.notify_one();
        Ok(())
    }

    fn drive_on(&self) {
        let mut driving = self.driving.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.ends.is_set() {
                return;
            }
            if driving.open == 0 {
                driving = self
                    .driver_called
                    .wait(driving)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            driving.open = 0;
            drop(driving);
            let limit = self.limits.no_progress;
            let idle = self.wait_for(
                None,
                limit,
                |core| (core.runs.is_empty() || self.ends.is_set()).then_some(()),
                |core| {
                    core.end_stuck();
                    None
                },
            );
            debug_assert!(idle.is_ok(), "a stall is no error to the driver");
            driving = self.driving.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the driver.
    pub(crate) fn stop_driving(&self) {
        {
            let _driving = self.driving.lock().unwrap_or_else(PoisonError::into_inner);
            self.ends.set();
        }
        self.driver_called.notify_one();
        let driver = self
            .driver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(driver) = driver {
            self.core.announce(self.bell.get());
            // It looks at `ends` whenever it is woken, and never waits for longer than a look.
            let _ = driver.join();
        }
    }
}

#[inline]
fn has_news(watch: &Watch) -> bool {
    watch
        .iter()
        .any(|(channel, life)| channel.has_answer() || life.has_ended())
}
