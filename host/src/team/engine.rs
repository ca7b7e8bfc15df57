//! The task engine: one for every level above a chip.
//!
//! Knows tasks, their order, and which child gets what next. Refuses to know threads: whoever holds
//! the engine drives it, a caller that waits or the worker's own driver.
//!
//! All of it is behind one lock and nothing in it waits, so a completion and a submission never meet
//! half-way; the only other party, the child, is behind an exchange. How threads take turns at it, and
//! that nobody sleeps through what another's turn has brought, is [`sync::InTurn`]'s, with a model.
//!
//! Runs follow one another: while the tasks of one are at work the graph of the next may be built,
//! and its tasks start when it is the oldest.

pub(crate) mod heap;
pub(crate) mod keys;
pub(crate) mod port;
pub(crate) mod queues;
pub(crate) mod task;

mod feed;
pub(crate) mod flow;
pub(crate) mod talk;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::channel::Channel;
use super::fault::{Fault, FaultKind, TaskFailure};
use super::frame::{Request, Words};
use super::life::Life;
use heap::{RINGS, Ring};
use keys::Keys;
use port::{Flight, Port};
use queues::Queues;
use talk::Talk;
use task::{Pool, Tasks};

/// Runs whose graphs may exist at once.
pub(crate) const RUNS: usize = 2;

/// One run that is not over.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    /// Its graph is still being built.
    pub(crate) building: bool,
    /// Nobody will ask how it ended.
    pub(crate) abandoned: bool,
    /// Tasks that have not been consumed.
    pub(crate) outstanding: usize,
    pub(crate) failures: Vec<TaskFailure>,
    pub(crate) scopes: Vec<Vec<u32>>,
    pub(crate) keys: Keys,
    pub(crate) queues: Queues,
}

/// What waiters may look at without the lock.
pub(crate) type Watch = Arc<[(Channel, Arc<Life>)]>;

/// The engine of one worker.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) ports: Vec<Port>,
    /// Chips or lower workers come first, then host functions.
    pub(crate) next_count: usize,
    pub(crate) tasks: Tasks,
    pub(crate) runs: VecDeque<Run>,
    pub(crate) rings: [Ring; RINGS],
    pub(crate) watch: Watch,
    pub(crate) talks: Vec<Talk>,
    /// Grows with everything that moves on.
    pub(crate) step: u64,
    last_run: u64,
    /// Runs that are over and that nobody has asked about yet.
    over: HashMap<u64, Vec<TaskFailure>>,
    asks: HashMap<u64, Option<Result<Words, Fault>>>,
    last_ask: u64,
    spare: Vec<(Keys, Queues, Vec<Vec<u32>>)>,
    /// Tasks that are over and whose consumers do not know yet.
    finished: Vec<u32>,
    /// Children that could get more to do.
    hungry: Vec<u32>,
}

impl sync::Steps for Core {
    fn step(&self) -> u64 {
        self.step
    }
}

impl Core {
    pub(crate) fn new(ports: Vec<Port>, next_count: usize, ring_bytes: u64) -> Self {
        let mut core = Self {
            ports,
            next_count,
            tasks: Tasks::default(),
            runs: VecDeque::new(),
            rings: core::array::from_fn(|_| Ring::new(ring_bytes)),
            watch: Arc::new([]),
            talks: Vec::new(),
            step: 0,
            last_run: 0,
            over: HashMap::new(),
            asks: HashMap::new(),
            last_ask: 0,
            spare: Vec::new(),
            finished: Vec::new(),
            hungry: Vec::new(),
        };
        core.renew_watch();
        core
    }

    /// Shows waiters the children there are now.
    pub(crate) fn renew_watch(&mut self) {
        self.watch = self
            .ports
            .iter()
            .filter(|port| port.dead.is_none())
            .map(|port| (port.channel.clone(), Arc::clone(port.child.life())))
            .collect();
        self.step += 1;
    }

    /// The ports of a pool.
    pub(crate) fn pool(&self, pool: Pool) -> core::ops::Range<usize> {
        match pool {
            Pool::Next => 0..self.next_count,
            Pool::Sub => self.next_count..self.ports.len(),
        }
    }

    /// Opens a run, if there are not too many.
    pub(crate) fn begin_run(&mut self) -> Option<u64> {
        if self.runs.len() >= RUNS {
            return None;
        }
        self.last_run += 1;
        let (keys, mut queues, scopes) = self.spare.pop().unwrap_or_default();
        queues.resize(self.ports.len());
        self.runs.push_back(Run {
            id: self.last_run,
            building: true,
            abandoned: false,
            outstanding: 0,
            failures: Vec::new(),
            scopes,
            keys,
            queues,
        });
        self.open_scope(self.last_run);
        Some(self.last_run)
    }

    /// The graph of a run is complete: closes every scope that is open.
    pub(crate) fn end_building(&mut self, run: u64) {
        while self.run(run).is_some_and(|it| !it.scopes.is_empty()) {
            self.close_scope(run);
        }
        if let Some(it) = self.run_mut(run) {
            it.building = false;
        }
        self.retire_runs();
        self.settle();
    }

    pub(crate) fn run(&self, id: u64) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    pub(crate) fn run_mut(&mut self, id: u64) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// Whether a run is over.
    pub(crate) fn is_over(&self, run: u64) -> bool {
        self.over.contains_key(&run)
    }

    /// What failed in a run that is over; asked once.
    pub(crate) fn take_failures(&mut self, run: u64) -> Option<Vec<TaskFailure>> {
        self.over.remove(&run)
    }

    /// Nobody asks about a run any more.
    pub(crate) fn abandon(&mut self, run: u64) {
        if self.over.remove(&run).is_none()
            && let Some(run) = self.run_mut(run)
        {
            run.abandoned = true;
        }
    }

    /// Moves runs that are over out of the way and lets the next one start.
    fn retire_runs(&mut self) {
        while let Some(front) = self.runs.front()
            && !front.building
            && front.outstanding == 0
        {
            let mut run = self.runs.pop_front().expect("it was just seen");
            run.keys.clear();
            debug_assert!(run.queues.is_empty(), "every task of the run was consumed");
            self.spare.push((run.keys, run.queues, run.scopes));
            if !run.abandoned {
                self.over.insert(run.id, run.failures);
            }
            self.step += 1;
            self.hungry.extend((0..).take(self.ports.len()));
        }
    }

    /// Asks a child for something that is no task; the answer is fetched by the number.
    pub(crate) fn ask(
        &mut self,
        port: usize,
        request: Request,
        words: [u64; 4],
        holds: Vec<super::tensor::Hold>,
    ) -> u64 {
        self.last_ask += 1;
        let id = self.last_ask;
        self.asks.insert(id, None);
        self.ports[port].questions.push_back(Flight::Ask {
            id,
            request,
            words,
            holds,
        });
        self.hungry
            .push(u32::try_from(port).expect("children are few"));
        self.settle();
        id
    }

    /// Asks a child for something whose answer nobody waits for.
    pub(crate) fn ask_quietly(&mut self, port: usize, request: Request, words: [u64; 4]) {
        let id = self.ask(port, request, words, Vec::new());
        self.asks.remove(&id);
    }

    /// The answer to a question, once it is there.
    pub(crate) fn take_answer(&mut self, id: u64) -> Option<Result<Words, Fault>> {
        if self.asks.get(&id)?.is_none() {
            return None;
        }
        self.asks.remove(&id)?
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget_ask(&mut self, id: u64) {
        self.asks.remove(&id);
    }

    pub(crate) fn note_answer(&mut self, id: u64, answer: Result<Words, Fault>) {
        if let Some(place) = self.asks.get_mut(&id) {
            *place = Some(answer);
            self.step += 1;
        }
    }

    /// Takes every answer there is and hands out what became possible.
    pub(crate) fn pump(&mut self) {
        loop {
            let mut moved = false;
            for port in 0..self.ports.len() {
                moved |= self.take_answers(port);
                if self.ports[port].dead.is_none() && self.ports[port].child.life().has_ended() {
                    // What it answered before it died counts.
                    self.take_answers(port);
                    self.bury(port);
                    moved = true;
                }
            }
            self.settle();
            if !moved {
                return;
            }
        }
    }

    fn take_answers(&mut self, port: usize) -> bool {
        let mut moved = false;
        while let Some(answer) = self.ports[port].take_answer() {
            moved = true;
            self.step += 1;
            let (flight, result) = match answer {
                Ok(pair) => pair,
                Err(damage) => {
                    self.ports[port].child.kill();
                    log::warn!("{}: {damage}", self.ports[port].label);
                    return moved;
                }
            };
            match flight {
                Flight::Task { index } => self.member_over(index, result.err()),
                Flight::Ask { id, .. } => self.note_answer(id, result),
            }
            self.hungry
                .push(u32::try_from(port).expect("children are few"));
        }
        moved
    }

    /// Fails everything a dead child was to do.
    fn bury(&mut self, port: usize) {
        let it = &mut self.ports[port];
        let ending = it.child.life().ending();
        let text = ending.map_or_else(String::new, |ending| format!(" ({ending})"));
        let kind = if it.stuck {
            FaultKind::Stuck
        } else {
            FaultKind::Died
        };
        let why = if it.stuck {
            "did not answer in time and was ended"
        } else {
            "died"
        };
        let fault = Fault::new(kind, format!("the child {why}{text}")).passed_by(it.label.clone());
        it.dead = Some(fault.clone());
        self.talks.retain(Talk::goes_on);
        self.talks.iter().for_each(|talk| talk.note_death(port));
        let it = &mut self.ports[port];
        self.step += 1;
        let flights: Vec<Flight> = it.flights.drain(..).chain(it.questions.drain(..)).collect();
        it.tasks_in_flight = 0;
        for flight in flights {
            match flight {
                Flight::Task { index } => self.member_over(index, Some(fault.clone())),
                Flight::Ask { id, .. } => self.note_answer(id, Err(fault.clone())),
            }
        }
        self.fail_queued(port, &fault);
        // Its death is no news any more.
        self.renew_watch();
    }

    /// Ends every child that has something to do and has not moved for too long.
    pub(crate) fn end_stuck(&mut self) -> Vec<String> {
        let mut ended = Vec::new();
        for port in &mut self.ports {
            if port.dead.is_none() && !port.flights.is_empty() {
                port.stuck = true;
                port.child.kill();
                ended.push(port.label.clone());
            }
        }
        ended
    }
}
