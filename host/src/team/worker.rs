//! A worker of level 2, 3, 4 or above.
//!
//! Knows its life (built, started, closed), what is registered with it and how to run. Refuses to
//! know how tasks find their children: that is the engine's.
//!
//! ```text
//! built ──init──▶ started ──close──▶ closed ──init──▶ started …
//!   └── a failed init leaves everything as it was
//! ```

mod builder;
mod end;
mod register;
mod services;
mod start;

use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::CallConfig;

use super::catalogue::Catalogue;
use super::failure::Failure;
use super::fault::Fault;
use super::graph::{Graph, OfWorker};
use super::handle::ProgramHandle;
use super::life::Ending;
use super::run::RunHandle;
use super::shared::Shared;
use super::tensor::{Args, Buffer};
use crate::error::{Error, Result};
pub use builder::Builder;
use builder::Plan;
use services::{Services, Settings};

#[derive(Debug)]
enum State {
    Built,
    Started(Arc<Shared>),
    Closed,
}

/// A worker and its children.
///
/// Every call may come from any thread. Dropping the worker closes it.
#[derive(Debug)]
pub struct Worker {
    pub(crate) services: Services,
    plans: Mutex<Vec<Plan>>,
    state: Mutex<State>,
    /// Held while the worker starts or closes.
    changing: Mutex<()>,
}

impl Worker {
    /// A worker of `level` in the making: 2 is one chip, 3 chips and functions, 4 and above lower
    /// workers and functions.
    pub fn builder(level: u32) -> Builder {
        Builder::new(level)
    }

    fn new(settings: Settings, catalogue: Catalogue, plans: Vec<Plan>) -> Self {
        Self {
            services: Services::new(settings, catalogue),
            plans: Mutex::new(plans),
            state: Mutex::new(State::Built),
            changing: Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its level.
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.services.settings.level
    }

    /// The started worker.
    pub(crate) fn shared(&self, what: &str) -> Result<Arc<Shared>> {
        match &*self.state() {
            State::Started(shared) => Ok(Arc::clone(shared)),
            State::Built => Err(Error::refused(
                what,
                "the worker is not started: call `init`",
            )),
            State::Closed => Err(Error::refused(
                what,
                "the worker is closed: call `init` again",
            )),
        }
    }

    /// Starts every child and waits until all are ready; undoes everything if one is not.
    ///
    /// # Errors
    /// The worker is started already; a child did not start in time, with its own message; the
    /// system has no memory, descriptors or threads left.
    pub fn init(&self) -> Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*self.state(), State::Started(_)) {
            return Err(Error::refused(
                "init",
                "the worker is already initialized: close it first",
            ));
        }
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = start::start(&self.services, &mut plans)?;
        *self.state() = State::Started(shared);
        Ok(())
    }

    /// Ends every child: asks it, waits, kills it. Closing a worker that is not started does nothing.
    ///
    /// # Errors
    /// Which children did not leave by themselves; they are gone all the same.
    pub fn close(&self) -> Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let started = core::mem::replace(&mut *self.state(), State::Closed);
        match started {
            State::Started(shared) => end::end(&shared),
            State::Built => {
                *self.state() = State::Built;
                Ok(())
            }
            State::Closed => Ok(()),
        }
    }

    /// Closes the worker unless it has been closed, or started again, since it was started as `started`.
    pub(crate) fn close_start(&self, started: &Arc<Shared>) -> Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this =
            |state: &State| matches!(state, State::Started(now) if Arc::ptr_eq(now, started));
        if !is_this(&self.state()) {
            return Ok(());
        }
        *self.state() = State::Closed;
        end::end(started)
    }

    /// A new buffer, at any time: every child, of whatever kind, can reach it.
    ///
    /// # Errors
    /// The system has no memory left.
    pub fn buffer(&self, bytes: usize) -> Result<Buffer> {
        self.services.buffer(bytes)
    }

    /// Builds a graph and runs it to its end.
    ///
    /// # Errors
    /// The tasks that failed, all of them, the first one first; or what the graph function returned.
    pub fn run(&self, build: impl FnOnce(&mut Graph<'_>) -> Result<(), Failure>) -> Result<()> {
        let (handle, panic) = self.build_run("run", build)?;
        let result = handle.result();
        match panic {
            Some(payload) => resume_unwind(payload),
            None => result,
        }
    }

    /// Builds a graph now and lets it run; two runs can be open at once, and their tasks follow one
    /// another.
    ///
    /// # Errors
    /// What the graph function returned; the failures of tasks are the handle's.
    pub fn submit_run(
        &self,
        build: impl FnOnce(&mut Graph<'_>) -> Result<(), Failure>,
    ) -> Result<RunHandle> {
        let (handle, panic) = self.build_run("submit_run", build)?;
        if let Some(payload) = panic {
            let _ = handle.result();
            resume_unwind(payload);
        }
        if handle.graph_failed() {
            handle.result()?;
            return Err(Error::refused("submit_run", "the graph function failed"));
        }
        handle.drive()?;
        Ok(handle)
    }

    fn build_run(
        &self,
        what: &str,
        build: impl FnOnce(&mut Graph<'_>) -> Result<(), Failure>,
    ) -> Result<(RunHandle, Option<Box<dyn core::any::Any + Send>>)> {
        let shared = self.shared(what)?;
        let building = shared.begin_building()?;
        let begun = shared.lock().begin_run();
        let run = match begun {
            Some(run) => run,
            None => shared
                .wait_for(
                    None,
                    shared.limits.no_progress,
                    super::engine::Core::begin_run,
                    |core| {
                        core.end_stuck();
                        None
                    },
                )?
                .expect("there is no deadline"),
        };
        let mut graph = Graph::new(&self.services, &shared, run);
        let built = catch_unwind(AssertUnwindSafe(|| build(&mut graph)));
        shared.lock().end_building(run);
        drop(building);
        let (failure, panic) = match built {
            Ok(Ok(())) => (None, None),
            Ok(Err(failure)) => (Some(failure), None),
            Err(payload) => (
                Some(Failure::of_fault(Fault::of_panic(&*payload))),
                Some(payload),
            ),
        };
        Ok((RunHandle::new(shared, run, failure), panic))
    }

    /// Runs one chip program on chip `child`: the whole of a run at level 2.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_program(
        &self,
        child: usize,
        program: &ProgramHandle,
        args: Args,
        config: &CallConfig,
    ) -> Result<()> {
        self.run(|graph| {
            graph
                .next_level(program)
                .on(child)
                .args(args)
                .config(config)
                .submit()?;
            Ok(())
        })
    }

    /// Starts child `child` of the next level anew, with everything that is registered; its device
    /// memory is lost, and tensors in it are refused from then on.
    ///
    /// # Errors
    /// There is no such child, it cannot be made twice, or it does not start.
    pub fn restart_next_level(&self, child: usize) -> Result<()> {
        let shared = self.shared("restart")?;
        let count = shared.lock().next_count;
        self.restart(&shared, child, 0..count)
    }

    /// Starts sub worker `child` anew, with everything that is registered.
    ///
    /// # Errors
    /// There is no such child, or it does not start.
    pub fn restart_sub(&self, child: usize) -> Result<()> {
        let shared = self.shared("restart")?;
        let range = {
            let core = shared.lock();
            core.next_count..core.ports.len()
        };
        self.restart(&shared, child, range)
    }

    fn restart(
        &self,
        shared: &Arc<Shared>,
        child: usize,
        range: core::ops::Range<usize>,
    ) -> Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let port = range.clone().nth(child).ok_or_else(|| {
            Error::refused(
                format!("child {child}"),
                format!("the worker has {}", range.len()),
            )
        })?;
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        start::restart(&self.services, shared, &mut plans, port)
    }

    /// How the children are: label, process number if it has one, and how it ended if it did.
    #[must_use]
    pub fn children(&self) -> Vec<ChildStatus> {
        let Ok(shared) = self.shared("children") else {
            return Vec::new();
        };
        let core = shared.lock();
        core.ports
            .iter()
            .map(|port| ChildStatus {
                label: port.label.clone(),
                process: port.child.process(),
                ending: port.child.life().ending(),
            })
            .collect()
    }
}

/// How a child is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildStatus {
    /// What messages call it.
    pub label: String,
    /// Its process, if it has one of its own.
    pub process: Option<u32>,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            log::warn!("worker of level {}: close on drop: {error}", self.level());
        }
    }
}
