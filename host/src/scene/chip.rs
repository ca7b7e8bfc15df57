//! Scenes on the chips of this build.
//!
//! Knows how a scene's words become a worker's. Refuses to know how scenes are read and judged.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use platform::{Program, RunOptions, RunReport};
use protocol::ArgDirection;
use protocol::{ChipStorageTaskArgs, ContinuousTensor, CoreType};

use super::model::{self, Platform, RuntimeKind};
use super::session::{
    BuiltProgram, Machine, Prepared, RunConfig, RunOutcome, Session, SessionError,
};
use super::tensor::{ArgValue, Direction};
use crate::program::ProgramBuilder;
use crate::worker::{Callable, ChipWorker};

/// The chips of this build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chips;

impl Machine for Chips {
    fn open(
        &self,
        platform: Platform,
        runtime: RuntimeKind,
        device: u32,
    ) -> Result<Box<dyn Session>, SessionError> {
        let worker = match platform.is_simulated() {
            true => ChipWorker::on(platform.name())?,
            false => real(platform, runtime)?,
        };
        worker.init(i32::try_from(device).unwrap_or(i32::MAX))?;
        Ok(Box::new(Chip::of(worker)))
    }
}

/// A worker on a real chip.
#[cfg(feature = "onboard")]
fn real(platform: Platform, runtime: RuntimeKind) -> crate::Result<ChipWorker> {
    let device = crate::platforms::real_device(platform.name(), runtime.name())?;
    Ok(ChipWorker::new(device))
}

#[cfg(not(feature = "onboard"))]
fn real(platform: Platform, _: RuntimeKind) -> crate::Result<ChipWorker> {
    // It is none of the platforms there are, which the error lists.
    ChipWorker::on(platform.name())
}

/// Host runtimes that are loaded by path.
#[derive(Clone, Debug)]
pub struct Libraries {
    /// The folder of one, or of several in `<platform>/<runtime>`.
    dir: PathBuf,
}

impl Libraries {
    /// The host runtime in `dir`, or those in the folders below it.
    ///
    /// # Safety
    /// The libraries there are what their names say: opening a device runs their code. While one runs, no
    /// other thread of this process reads the environment, from which the library takes its settings.
    #[must_use]
    pub unsafe fn new(dir: PathBuf) -> Self {
        Self { dir }
    }
}

impl Machine for Libraries {
    fn open(
        &self,
        platform: Platform,
        runtime: RuntimeKind,
        device: u32,
    ) -> Result<Box<dyn Session>, SessionError> {
        let one_of_several = self.dir.join(platform.name()).join(runtime.to_string());
        let dir = match one_of_several.is_dir() {
            true => &one_of_several,
            false => &self.dir,
        };
        // SAFETY: whoever made this has promised it.
        let worker = unsafe { ChipWorker::open(dir) }?;
        let found = worker.device().platform();
        if found != platform.name() {
            return Err(refused(format!(
                "{} is for {found}: use -p {found} instead of -p {platform}",
                dir.display()
            )));
        }
        worker.init(i32::try_from(device).unwrap_or(i32::MAX))?;
        Ok(Box::new(Chip {
            worker,
            library: true,
            prepared: Vec::new(),
        }))
    }
}

/// Variables of the environment with other values for a while.
struct Environment(Vec<(String, Option<OsString>)>);

impl Environment {
    /// # Safety
    /// No other thread reads the environment while it is changed.
    unsafe fn with(values: &BTreeMap<String, String>) -> Self {
        let before = values
            .keys()
            .map(|name| (name.clone(), std::env::var_os(name)));
        let before = Self(before.collect());
        for (name, value) in values {
            // SAFETY: the caller's promise.
            unsafe { std::env::set_var(name, value) };
        }
        before
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        for (name, value) in self.0.drain(..) {
            match value {
                // SAFETY: whoever made this has promised it.
                Some(value) => unsafe { std::env::set_var(name, value) },
                // SAFETY: as above.
                None => unsafe { std::env::remove_var(name) },
            }
        }
    }
}

/// One chip with the programs of a scene.
#[derive(Debug)]
pub struct Chip {
    worker: ChipWorker,
    /// It reads its settings from the environment itself.
    library: bool,
    prepared: Vec<Option<Callable>>,
}

impl Session for Chip {
    fn prepare(&mut self, program: &BuiltProgram) -> Result<Prepared, SessionError> {
        let signature: Vec<ArgDirection> = program.signature.iter().map(direction).collect();
        let mut builder = ProgramBuilder::new().signature(&signature);
        for kernel in &program.kernels {
            let id = i32::try_from(kernel.id).unwrap_or(i32::MAX);
            let core = match kernel.core {
                model::CoreType::Aic => CoreType::Aic,
                model::CoreType::Aiv => CoreType::Aiv,
            };
            builder = builder.kernel_image(id, core, &read(&kernel.library)?);
        }
        let program = with_orchestration(builder, program)?;
        let callable = self.worker.register(program)?;
        let number = u32::try_from(self.prepared.len()).expect("a scene has few programs");
        self.prepared.push(Some(callable));
        Ok(Prepared(number))
    }

    fn run(
        &mut self,
        program: Prepared,
        args: &mut [ArgValue],
        config: &RunConfig,
    ) -> Result<RunOutcome, SessionError> {
        let callable = self.callable(program)?;
        let mut block: Box<ChipStorageTaskArgs> = Box::new(bytemuck::Zeroable::zeroed());
        for value in args {
            match value {
                ArgValue::Tensor(tensor) => {
                    let bytes = tensor.bytes.as_mut_slice();
                    let address = bytes.as_mut_ptr().expose_provenance() as u64;
                    let wire = ContinuousTensor::new(address, &tensor.shape, tensor.dtype)
                        .map_err(crate::Error::from)?;
                    block.push_tensor(wire).map_err(crate::Error::from)?;
                }
                ArgValue::Scalar(scalar) => {
                    block.push_scalar(scalar.word).map_err(crate::Error::from)?;
                }
            }
        }
        let library = self.library;
        // SAFETY: what makes a library's chip promises that no other thread reads the environment.
        let _environment = library.then(|| unsafe { Environment::with(&config.env) });
        let mut options = RunOptions::from_environment(|name| {
            config
                .env
                .get(name)
                .cloned()
                .or_else(|| std::env::var(name).ok())
        });
        if let Some(deadline) = config.deadline {
            options.deadlines.run = deadline;
            options.deadlines.no_progress = options.deadlines.no_progress.min(deadline);
        }
        let config = crate::RunConfig {
            block_dim: config.block_dim,
            aicpu_threads: config.aicpu_threads,
            options,
            diagnostics: config.diagnostics.clone(),
        };
        // SAFETY: every tensor is memory of `args`, which we have exclusively.
        let report = unsafe { self.worker.run_id(callable.id(), &block, &config) }?;
        Ok(RunOutcome {
            // A library that does not count reports nothing at all.
            tasks: (report != RunReport::default()).then_some(report.submitted),
        })
    }

    fn forget(&mut self, program: Prepared) -> Result<(), SessionError> {
        let callable = self.callable(program)?;
        self.prepared[program.0 as usize] = None;
        Ok(self.worker.unregister(&callable)?)
    }
}

impl Chip {
    /// The chip of a worker that is attached to it already.
    #[must_use]
    pub const fn of(worker: ChipWorker) -> Self {
        Self {
            worker,
            library: false,
            prepared: Vec::new(),
        }
    }

    /// Its worker.
    #[must_use]
    pub const fn worker(&self) -> &ChipWorker {
        &self.worker
    }

    fn callable(&self, program: Prepared) -> Result<Callable, SessionError> {
        let known = self.prepared.get(program.0 as usize).cloned().flatten();
        known.ok_or_else(|| refused(format!("program {} is not prepared", program.0)))
    }
}

/// The program with the orchestration of a scene, for the runtime it is built for.
fn with_orchestration(
    builder: ProgramBuilder,
    program: &BuiltProgram,
) -> Result<Program, SessionError> {
    let image = read(&program.orchestration)?;
    match program.runtime {
        #[cfg(feature = "trb")]
        RuntimeKind::Trb => {
            let config = program.config_entry.as_deref().unwrap_or_default();
            Ok(builder.orchestration_image(&image, &program.entry, config)?)
        }
        #[cfg(feature = "hbg")]
        RuntimeKind::Hbg => Ok(builder.graph_image(&image, &program.entry)?),
        #[cfg(not(all(feature = "trb", feature = "hbg")))]
        missing => {
            let _ = (builder, image);
            Err(refused(format!("this build has no runtime {missing}")))
        }
    }
}

const fn direction(direction: &Option<Direction>) -> ArgDirection {
    match direction {
        None => ArgDirection::Scalar,
        Some(Direction::In) => ArgDirection::In,
        Some(Direction::Out) => ArgDirection::Out,
        Some(Direction::InOut) => ArgDirection::Inout,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SessionError> {
    std::fs::read(path).map_err(|error| refused(format!("{}: {error}", path.display())))
}

const fn refused(text: String) -> SessionError {
    SessionError { code: None, text }
}

impl From<crate::Error> for SessionError {
    fn from(error: crate::Error) -> Self {
        Self {
            code: match &error {
                crate::Error::Device(device) => Some(device.code()),
                _ => None,
            },
            text: error.to_string(),
        }
    }
}
