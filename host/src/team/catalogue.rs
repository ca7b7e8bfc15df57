//! What a child in another process can be asked for by name.
//!
//! Knows functions, graph functions, programs and platforms of the embedding program. Refuses to
//! know which worker uses them.
//!
//! A child process cannot receive a closure. It runs the same program, so it has the same catalogue:
//! the parent says a name, the child looks it up.

use core::fmt;
use std::collections::HashMap;
use std::sync::Arc;

use platform::{Device, Program};

use super::call::Call;
use super::failure::Failure;
use super::graph::Graph;
use crate::error::Result;
use crate::platforms;

/// A host function.
pub(crate) type Function = dyn Fn(&Call<'_>) -> Result<(), Failure> + Send + Sync;
/// A function that submits tasks to a lower worker.
pub(crate) type GraphFunction =
    dyn Fn(&mut Graph<'_>, &Call<'_>) -> Result<(), Failure> + Send + Sync;
type MakeProgram = dyn Fn() -> Program + Send + Sync;
type MakeDevice = dyn Fn() -> Box<dyn Device> + Send + Sync;

/// Names and what they stand for, the same in parent and child.
#[derive(Clone, Default)]
pub struct Catalogue {
    functions: HashMap<String, Arc<Function>>,
    graphs: HashMap<String, Arc<GraphFunction>>,
    programs: HashMap<String, Arc<MakeProgram>>,
    platforms: HashMap<String, Arc<MakeDevice>>,
}

impl Catalogue {
    /// The platforms of this build and nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A host function under a name.
    #[must_use]
    pub fn function(
        mut self,
        name: &str,
        function: impl Fn(&Call<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.functions.insert(name.to_owned(), Arc::new(function));
        self
    }

    /// A graph function under a name: what a lower worker can be asked to run.
    #[must_use]
    pub fn graph(
        mut self,
        name: &str,
        function: impl Fn(&mut Graph<'_>, &Call<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.graphs.insert(name.to_owned(), Arc::new(function));
        self
    }

    /// A chip program under a name, for programs that are functions of this process.
    #[must_use]
    pub fn program(
        mut self,
        name: &str,
        make: impl Fn() -> Program + Send + Sync + 'static,
    ) -> Self {
        self.programs.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// A platform under a name, beside those of this build.
    #[must_use]
    pub fn platform(
        mut self,
        name: &str,
        make: impl Fn() -> Box<dyn Device> + Send + Sync + 'static,
    ) -> Self {
        self.platforms.insert(name.to_owned(), Arc::new(make));
        self
    }

    pub(crate) fn find_function(&self, name: &str) -> Option<Arc<Function>> {
        self.functions.get(name).cloned()
    }

    pub(crate) fn find_graph(&self, name: &str) -> Option<Arc<GraphFunction>> {
        self.graphs.get(name).cloned()
    }

    pub(crate) fn find_program(&self, name: &str) -> Option<Program> {
        self.programs.get(name).map(|make| make())
    }

    /// A device of the platform called `name`, not attached yet.
    pub(crate) fn device(&self, name: &str) -> Result<Box<dyn Device>> {
        match self.platforms.get(name) {
            Some(make) => Ok(make()),
            None => platforms::device(name),
        }
    }

    /// Refuses the name of a platform that is not there, without making a device of one that is.
    pub(crate) fn check_platform(&self, name: &str) -> Result<()> {
        if self.platforms.contains_key(name) {
            return Ok(());
        }
        platforms::device(name).map(drop)
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("functions", &self.functions.keys())
            .field("graphs", &self.graphs.keys())
            .field("programs", &self.programs.keys())
            .field("platforms", &self.platforms.keys())
            .finish()
    }
}
