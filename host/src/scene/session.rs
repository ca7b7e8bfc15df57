//! What a scene needs of a device.
//!
//! Knows the calls and the plain data that goes into them. Refuses to know who answers: the
//! command line brings a simulated chip, tests bring their own.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::model::{CoreType, Platform, RuntimeKind};
use super::tensor::{ArgValue, Direction};
use crate::diagnostics::Diagnostics;

/// A program whose sources have been compiled.
#[derive(Clone, Debug)]
pub struct BuiltProgram {
    /// Name of the scene.
    pub name: String,
    /// Chip it is for.
    pub platform: Platform,
    /// Runtime it is for.
    pub runtime: RuntimeKind,
    /// Shared object with the orchestration.
    pub orchestration: PathBuf,
    /// Symbol that builds the graph.
    pub entry: String,
    /// Symbol that says what the orchestration expects, if the scene names one.
    pub config_entry: Option<String>,
    /// Kernels by function id.
    pub kernels: Vec<BuiltKernel>,
    /// Direction of each argument in call order; scalars are `None`.
    pub signature: Vec<Option<Direction>>,
}

/// A kernel whose source has been compiled.
#[derive(Clone, Debug)]
pub struct BuiltKernel {
    /// Function id that tasks name it by.
    pub id: u32,
    /// Core type it runs on.
    pub core: CoreType,
    /// Its shared object.
    pub library: PathBuf,
}

/// A program the device has taken, until it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prepared(pub u32);

/// Settings of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunConfig {
    /// AICPU threads, the orchestrator's among them.
    pub aicpu_threads: u32,
    /// Clusters the run may use.
    pub block_dim: u32,
    /// Environment the runtime sees during this run.
    pub env: BTreeMap<String, String>,
    /// How long the run may take; `None` leaves it to the device.
    pub deadline: Option<Duration>,
    /// What is written down of it.
    pub diagnostics: Diagnostics,
}

/// What a successful run has to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOutcome {
    /// Tasks that were submitted, if the device counts them.
    pub tasks: Option<u64>,
}

/// A refusal or failure of the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SessionError {
    /// Code of the C interface, if the failure has one.
    pub code: Option<i32>,
    /// The device's own words.
    pub text: String,
}

/// A device that runs programs, and lives until it is dropped.
pub trait Session {
    /// Takes a program in; its files may be deleted afterwards.
    fn prepare(&mut self, program: &BuiltProgram) -> Result<Prepared, SessionError>;

    /// Runs a program; tensors that come back are changed in place.
    fn run(
        &mut self,
        program: Prepared,
        args: &mut [ArgValue],
        config: &RunConfig,
    ) -> Result<RunOutcome, SessionError>;

    /// Forgets a program and everything it holds.
    fn forget(&mut self, program: Prepared) -> Result<(), SessionError>;
}

/// Whoever can open devices.
pub trait Machine: Sync {
    /// Opens device number `device` of `platform` with `runtime`.
    fn open(
        &self,
        platform: Platform,
        runtime: RuntimeKind,
        device: u32,
    ) -> Result<Box<dyn Session>, SessionError>;
}
