//! Registering callables, before the worker starts and after.
//!
//! Knows which children a callable is for and which of them can receive it. Refuses to know what it
//! does.

use std::sync::Arc;

use platform::Program;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;

use super::Worker;
use super::services::Registered;
use crate::error::{Error, Result};
use crate::team::call::Call;
use crate::team::catalogue::{Function, GraphFunction};
use crate::team::engine::task::Pool;
use crate::team::failure::Failure;
use crate::team::frame::Request;
use crate::team::graph::{Graph, OfWorker};
use crate::team::handle::{Callable, FunctionHandle, GraphHandle, Handle, ProgramHandle};
use crate::team::segment::{Commit, Segment};
use crate::team::shared::Shared;
use crate::team::spec::Kind;
use crate::team::target::{Target, describe_images, describe_named};
use crate::team::tensor::Hold;

impl Worker {
    /// Registers a chip program; at any time.
    ///
    /// # Errors
    /// There are too many, a child cannot receive it, or a chip refuses it; then it is registered
    /// nowhere.
    pub fn register_program(&self, program: Program) -> Result<ProgramHandle> {
        self.add(Target::Program(Arc::new(program)), None)
            .map(ProgramHandle)
    }

    /// Registers a host function; at any time that its children can receive it.
    ///
    /// # Errors
    /// A child cannot receive a closure.
    pub fn register_function(
        &self,
        function: impl Fn(&Call<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Result<FunctionHandle> {
        let function: Arc<Function> = Arc::new(function);
        self.add(Target::Function(function), None)
            .map(FunctionHandle)
    }

    /// Registers a graph function for lower workers; at any time that they can receive it.
    ///
    /// # Errors
    /// A child cannot receive a closure.
    pub fn register_graph(
        &self,
        function: impl Fn(&mut Graph<'_>, &Call<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Result<GraphHandle> {
        let function: Arc<GraphFunction> = Arc::new(function);
        self.add(Target::Graph(function), None).map(GraphHandle)
    }

    /// Registers a function of the catalogue, which every kind of child can receive.
    ///
    /// # Errors
    /// The catalogue has none of that name.
    pub fn register_named_function(&self, name: &str) -> Result<FunctionHandle> {
        let function = self.services.catalogue.find_function(name);
        let target = function
            .map(Target::Function)
            .ok_or_else(|| not_listed("function", name))?;
        self.add(target, Some(name)).map(FunctionHandle)
    }

    /// Registers a graph function of the catalogue, which every kind of child can receive.
    ///
    /// # Errors
    /// The catalogue has none of that name.
    pub fn register_named_graph(&self, name: &str) -> Result<GraphHandle> {
        let function = self.services.catalogue.find_graph(name);
        let target = function
            .map(Target::Graph)
            .ok_or_else(|| not_listed("graph function", name))?;
        self.add(target, Some(name)).map(GraphHandle)
    }

    /// Registers a program of the catalogue, which every kind of child can receive.
    ///
    /// # Errors
    /// The catalogue has none of that name; otherwise as [`register_program`](Self::register_program).
    pub fn register_named_program(&self, name: &str) -> Result<ProgramHandle> {
        let program = self.services.catalogue.find_program(name);
        let target = program
            .map(|program| Target::Program(Arc::new(program)))
            .ok_or_else(|| not_listed("program", name))?;
        self.add(target, Some(name)).map(ProgramHandle)
    }

    /// The function registered under `name`.
    ///
    /// # Errors
    /// There is none.
    pub fn named_function(&self, name: &str) -> Result<FunctionHandle> {
        self.services
            .named(name, "host function")
            .map(FunctionHandle)
    }

    /// The graph function registered under `name`.
    ///
    /// # Errors
    /// There is none.
    pub fn named_graph(&self, name: &str) -> Result<GraphHandle> {
        self.services.named(name, "graph function").map(GraphHandle)
    }

    /// The chip program registered under `name`.
    ///
    /// # Errors
    /// There is none.
    pub fn named_program(&self, name: &str) -> Result<ProgramHandle> {
        self.services.named(name, "chip program").map(ProgramHandle)
    }

    /// Unregisters anything; its place, if it had one on a chip, is free again.
    ///
    /// # Errors
    /// The handle is another worker's or was unregistered before.
    pub fn unregister(&self, handle: &impl Handle) -> Result<()> {
        let callable = handle.get();
        callable.check(&self.services.owner)?;
        let _changing = self.lock_changing();
        let mut register = self.services.register();
        let place = register
            .entries
            .iter()
            .position(|it| it.callable.serial() == callable.serial());
        let entry = place.map(|place| register.entries.remove(place));
        register
            .names
            .retain(|_, named| named.serial() != callable.serial());
        drop(register);
        callable.retire();
        if let (Some(entry), Ok(shared)) = (entry, self.shared("unregister")) {
            for port in live_ports(&shared, entry.pool) {
                shared.ask(
                    port,
                    Request::Forget,
                    [callable.serial(), 0, 0, 0],
                    Vec::new(),
                )?;
            }
        }
        self.services.registry.remove(callable.serial());
        Ok(())
    }

    fn lock_changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn add(&self, target: Target, name: Option<&str>) -> Result<Callable> {
        let _changing = self.lock_changing();
        let settings = &self.services.settings;
        let (pool, kind, is_program) = match &target {
            Target::Function(_) => (Pool::Sub, settings.sub_kind, false),
            Target::Graph(_) => (Pool::Next, settings.next_kind, false),
            Target::Program(_) => (Pool::Next, settings.next_kind, true),
        };
        let shared = self.shared("register").ok();
        if is_program {
            let register = self.services.register();
            let kind = target.kind();
            let count = register
                .entries
                .iter()
                .filter(|it| it.callable.kind() == kind)
                .count();
            if count >= MAX_REGISTERED_CALLABLE_IDS {
                return Err(Error::NoFreeId);
            }
        }
        let description = self.describe(&target, name, kind, pool, shared.is_some())?;
        let serial = {
            let mut register = self.services.register();
            register.last += 1;
            register.last
        };
        let target_kind = target.kind();
        let entry = Registered {
            callable: Callable::new(serial, target_kind, self.services.owner.clone()),
            pool,
            description,
        };
        self.services.registry.insert(serial, target);
        if let Some(shared) = &shared
            && let Err(error) = prepare_everywhere(shared, &entry)
        {
            self.services.registry.remove(serial);
            return Err(error);
        }
        let mut register = self.services.register();
        register.entries.push(entry.clone());
        if let Some(name) = name {
            register
                .names
                .insert((name.to_owned(), target_kind), entry.callable.clone());
        }
        Ok(entry.callable)
    }

    /// What children in other processes are sent; refuses what they cannot receive.
    fn describe(
        &self,
        target: &Target,
        name: Option<&str>,
        kind: Kind,
        pool: Pool,
        started: bool,
    ) -> Result<Option<(Hold, u64)>> {
        let has_children = match pool {
            Pool::Next => self.services.settings.next_count > 0,
            Pool::Sub => true,
        };
        if kind == Kind::Thread || !has_children {
            return Ok(None);
        }
        let described = match (target, name) {
            (target, Some(name)) => Some(describe_named(target, name)),
            (Target::Program(program), None) => describe_images(program),
            (_, None) => None,
        };
        let Some(described) = described else {
            return match kind {
                Kind::EarlyFork if !started => Ok(None),
                Kind::EarlyFork => Err(Error::refused(
                    format!("a {} of this process after init", target.kind()),
                    "the children were forked before it existed: register it before init, or by a name of the catalogue",
                )),
                _ => Err(Error::refused(
                    format!("a {} of this process", target.kind()),
                    "its children are processes of their own, which cannot receive it: register it by a name of the catalogue, or choose `Kind::Thread` for them",
                )),
            };
        };
        let segment = Segment::create("a description", described.len(), Commit::Now)?;
        // SAFETY: a new segment of that length, which nobody else has yet.
        unsafe {
            core::ptr::copy_nonoverlapping(described.as_ptr(), segment.base(), described.len())
        };
        Ok(Some((
            Hold::new(segment, &self.services.dropped),
            described.len() as u64,
        )))
    }
}

fn live_ports(shared: &Shared, pool: Pool) -> Vec<usize> {
    let core = shared.lock();
    core.pool(pool)
        .filter(|&port| core.ports[port].dead.is_none())
        .collect()
}

/// Gets every child ready, or none.
fn prepare_everywhere(shared: &Shared, entry: &Registered) -> Result<()> {
    let mut done = Vec::new();
    for port in live_ports(shared, entry.pool) {
        if let Err(error) = entry.prepare(shared, port) {
            for port in done {
                let undone = shared.ask(
                    port,
                    Request::Forget,
                    [entry.callable.serial(), 0, 0, 0],
                    Vec::new(),
                );
                if let Err(error) = undone {
                    log::warn!("taking a registration back: {error}");
                }
            }
            return Err(error);
        }
        done.push(port);
    }
    Ok(())
}

fn not_listed(kind: &str, name: &str) -> Error {
    Error::refused(
        format!("{kind} `{name}`"),
        "the catalogue has none of that name",
    )
}
