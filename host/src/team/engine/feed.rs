//! Who gets what next.
//!
//! Knows the rules of choice. Refuses to know where tasks come from.
//!
//! * A task bound to a child waits for that child only; several may be on their way to it, so the
//!   next is there when one ends. Others go to a child that has nothing to do.
//! * Of two tasks a child could get, the older one goes first.
//! * A group that is the first of its queue reserves its children: they finish what they have and
//!   get nothing else, so it starts as soon as the slowest of them is done.

use super::Core;
use super::task::{Pool, State};
use crate::team::fault::{Fault, FaultKind};

/// Tasks that may be on their way to one child.
const STAGED: usize = 4;

impl Core {
    /// Queues a task that is ready.
    pub(crate) fn enqueue(&mut self, index: u32) {
        let task = &self.tasks[index];
        let (pool, run, width) = (task.pool, task.run, task.width);
        let pin = task.members[0].pin;
        let run = self
            .run_mut(run)
            .expect("its run lasts until it is consumed");
        if width > 1 {
            run.queues.groups(pool).push_back(index);
            self.start_groups(pool);
        } else if let Some(pin) = pin {
            run.queues.target(pin as usize).push_back(index);
            self.hungry.push(pin);
        } else {
            run.queues.any(pool).push_back(index);
            let ports = self.pool(pool);
            let sole = ports.len() == 1;
            let taker = ports.clone().find(|&port| {
                let port = &self.ports[port];
                port.dead.is_none() && port.reserved.is_none() && port.tasks_in_flight == 0
            });
            let taker = taker.or_else(|| sole.then_some(ports.start));
            if let Some(port) = taker {
                self.hungry
                    .push(u32::try_from(port).expect("children are few"));
            } else if ports
                .into_iter()
                .all(|port| self.ports[port].dead.is_some())
            {
                let fault = self.nobody_left(pool);
                self.fail_any(pool, &fault);
            }
        }
    }

    /// Gives a child what it can get.
    pub(crate) fn feed(&mut self, port: usize) {
        if let Some(fault) = self.ports[port].dead.clone() {
            self.fail_queued(port, &fault);
            return;
        }
        while !self.ports[port].questions.is_empty() && self.ports[port].has_room() {
            let it = &mut self.ports[port];
            let question = it.questions.pop_front().expect("it was just seen");
            if let Err(refused) = it.post_question(question)
                && let (super::Flight::Ask { id, .. }, fault) = *refused
            {
                self.note_answer(id, Err(fault));
            }
        }
        if self.ports[port].reserved.is_some() {
            self.start_groups(self.ports[port].pool);
            return;
        }
        let pool = self.ports[port].pool;
        let sole = self.pool(pool).len() == 1;
        loop {
            let it = &self.ports[port];
            if it.reserved.is_some() || it.tasks_in_flight >= STAGED || !it.has_room() {
                return;
            }
            let takes_any = it.tasks_in_flight == 0 || sole;
            let Some(run) = self.runs.front_mut() else {
                return;
            };
            let own = run.queues.target(port).front().copied();
            let any = run.queues.any(pool).front().copied().filter(|_| takes_any);
            let serial = |index: Option<u32>| index.map(|index| self.tasks[index].serial);
            let index = match (serial(own), serial(any)) {
                (None, None) => break,
                (Some(own), Some(any)) if any < own => run.queues.any(pool).pop_front(),
                (Some(_), _) => run.queues.target(port).pop_front(),
                (None, Some(_)) => run.queues.any(pool).pop_front(),
            };
            let index = index.expect("one of them was just seen");
            self.start(index, &[port]);
        }
        if let Some(run) = self.runs.front_mut()
            && !run.queues.groups(pool).is_empty()
        {
            self.start_groups(pool);
        }
    }

    /// Starts a task on the given children, one for each member.
    fn start(&mut self, index: u32, ports: &[usize]) {
        let task = &mut self.tasks[index];
        task.state = State::Running;
        task.members_left = task.width;
        let mut faults = Vec::new();
        let config = task
            .config
            .as_deref()
            .expect("every task that runs has one");
        for (member, &port) in task.used().iter().zip(ports) {
            let posted = self.ports[port].post_task(index, task.callable, config, member);
            faults.extend(posted.err());
        }
        for fault in faults {
            self.member_over(index, Some(fault));
        }
    }

    /// Reserves children for the first group of a pool and starts it once they are idle.
    fn start_groups(&mut self, pool: Pool) {
        loop {
            let Some(run) = self.runs.front_mut() else {
                return;
            };
            let Some(&index) = run.queues.groups(pool).front() else {
                return;
            };
            let targets = match self.reserve(index, pool) {
                Ok(targets) => targets,
                Err(fault) => {
                    let run = self.runs.front_mut().expect("it was just seen");
                    run.queues.groups(pool).pop_front();
                    self.unreserve(index);
                    self.fail_unstarted(index, fault);
                    continue;
                }
            };
            let ready = targets
                .iter()
                .all(|&port| self.ports[port].tasks_in_flight == 0 && self.ports[port].has_room());
            if !ready {
                return;
            }
            let run = self.runs.front_mut().expect("it was just seen");
            run.queues.groups(pool).pop_front();
            self.unreserve(index);
            self.start(index, &targets);
        }
    }

    /// The children of a group, one for each member, chosen when it is first in its queue.
    fn reserve(&mut self, index: u32, pool: Pool) -> Result<Vec<usize>, Fault> {
        let pins: Vec<Option<u32>> = self.tasks[index]
            .used()
            .iter()
            .map(|member| member.pin)
            .collect();
        let held: Vec<usize> = self
            .pool(pool)
            .filter(|&port| self.ports[port].reserved == Some(index))
            .collect();
        for &port in held.iter() {
            if let Some(fault) = &self.ports[port].dead {
                return Err(fault.clone());
            }
        }
        let mut free: Vec<usize> = if held.len() == pins.len() {
            held
        } else {
            let mut alive: Vec<usize> = self
                .pool(pool)
                .filter(|&port| self.ports[port].dead.is_none())
                .collect();
            alive.sort_by_key(|&port| self.ports[port].tasks_in_flight);
            alive
        };
        let mut targets = Vec::with_capacity(pins.len());
        for pin in pins.iter().flatten() {
            let pin = *pin as usize;
            if let Some(fault) = &self.ports[pin].dead {
                return Err(fault.clone());
            }
            free.retain(|&port| port != pin);
        }
        let mut free = free.into_iter();
        for pin in pins {
            let target = match pin {
                Some(pin) => pin as usize,
                None => free.next().ok_or_else(|| self.nobody_left(pool))?,
            };
            targets.push(target);
        }
        for &port in &targets {
            self.ports[port].reserved = Some(index);
        }
        Ok(targets)
    }

    fn unreserve(&mut self, index: u32) {
        for (number, port) in (0..).zip(&mut self.ports) {
            if port.reserved == Some(index) {
                port.reserved = None;
                self.hungry.push(number);
            }
        }
    }

    /// Fails what was queued for a child that is dead, and what nobody else can do.
    pub(crate) fn fail_queued(&mut self, port: usize, fault: &Fault) {
        let pool = self.ports[port].pool;
        for run in &mut self.runs {
            let queued = core::mem::take(run.queues.target(port));
            for index in queued {
                self.tasks[index]
                    .fault
                    .get_or_insert_with(|| fault.clone().into());
                self.finished.push(index);
            }
        }
        if self.pool(pool).all(|port| self.ports[port].dead.is_some()) {
            self.fail_any(pool, fault);
        }
        self.start_groups(pool);
    }

    fn fail_any(&mut self, pool: Pool, fault: &Fault) {
        for run in &mut self.runs {
            for index in core::mem::take(run.queues.any(pool)) {
                self.tasks[index]
                    .fault
                    .get_or_insert_with(|| fault.clone().into());
                self.finished.push(index);
            }
        }
    }

    fn nobody_left(&self, pool: Pool) -> Fault {
        let alive = self
            .pool(pool)
            .filter(|&port| self.ports[port].dead.is_none())
            .count();
        let dead = self
            .pool(pool)
            .find_map(|port| self.ports[port].dead.as_ref());
        let cause = dead.map_or_else(String::new, |fault| format!(": {fault}"));
        Fault::new(
            FaultKind::Died,
            format!(
                "{alive} of {} children are left, which is not enough{cause}",
                self.pool(pool).len()
            ),
        )
    }
}
