//! Scenes on a played chip, through the path of a real one.
//!
//! Knows how a scene's pieces become a chip's: the orchestration is compiled for whoever runs it, and a kernel's shared
//! object takes the place of a core's code. Refuses to know which scenes there are.
//!
//! One chip serves one scene after the other, as an application's does. One that was condemned by a scene is given back
//! and another one attached, which shows that the reset works.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::scene::build::Builder;
use host::scene::chip::Chip;
use host::scene::load;
use host::scene::model::{Platform, RuntimeKind, Scene};
use host::scene::resolve::Overrides;
use host::scene::run::{Runs, run_case, select};
use host::scene::session::{
    BuiltProgram, Prepared, RunConfig, RunOutcome, Session as SceneSession, SessionError,
};
use host::scene::tensor::ArgValue;
use host::{ChipWorker, Diagnostics};
use platform::onboard::TimeLimits;
use virtual_ascend::{Aicpu, Config, Family, Session, code_for_virtual_cores};

use super::device::{device, limits};
use super::images::{Runtime, aicpu_image, root};

/// Played memory is real memory, so that rings are small where a scene does not say otherwise.
const RINGS: [(&str, &str); 2] = [
    ("PTO2_RING_TASK_WINDOW", "4096"),
    ("PTO2_RING_HEAP", "16777216"),
];
/// Scenes with a little of everything, for each runtime.
const FIRST: [&str; Runtime::ALL.len()] = [
    "trb/vector_example/scene.toml",
    "hbg/vector_example/scene.toml",
];
/// Bytes of a played chip.
const MEMORY: u64 = 512 << 20;

/// What plays control CPUs, and what compiles for them.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    /// Target of the image.
    pub(crate) target: &'static str,
    pub(crate) aicpu: Aicpu,
    /// Compiler of orchestrations that run on the chip; nothing for this machine's own.
    pub(crate) compiler: Option<String>,
    /// How often each case is run, one time after the other.
    pub(crate) runs: usize,
}

/// A chip with one image, and what builds programs for it.
pub(crate) struct Lab {
    family: Family,
    image: Arc<[u8]>,
    chip: Option<Chip>,
    /// The program of the case that is being run, and under which number the chip has it.
    program: Option<(BuiltProgram, Prepared)>,
    runs: usize,
    kernels: Builder,
    orchestrations: Builder,
    /// What a fresh chip does first: an emulator translates whatever it runs for the first time, and scenes say how long
    /// a chip may take that need not.
    first: Option<(Arc<Scene>, BuiltProgram)>,
    // Last: the chip is given back before its world goes.
    session: Session,
}

impl Lab {
    pub(crate) fn new(family: Family, runtime: Runtime, play: &Play) -> Self {
        let mut kernels = Builder::from_environment();
        kernels.cache.folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scenes");
        let mut orchestrations = kernels.clone();
        if runtime == Runtime::Trb && play.compiler.is_some() {
            orchestrations.environment.cxx.clone_from(&play.compiler);
        }
        let mut lab = Self {
            family,
            image: aicpu_image(family, runtime, play.target),
            chip: None,
            program: None,
            runs: play.runs,
            kernels,
            orchestrations,
            first: None,
            session: Session::begin(&Config {
                aicpu: play.aicpu.clone(),
                memory: MEMORY,
                ..Config::new(family)
            }),
        };
        if play.target != "native" {
            let scene = root().join("tests/scenes").join(FIRST[runtime as usize]);
            let scene = load::load(&scene).expect("a good scene");
            let program = lab.build(&scene, lab.platform(), kind(runtime));
            lab.first = Some((Arc::new(scene), program.expect("a good scene")));
        }
        lab
    }

    /// What is simulated there runs here: nobody builds for cores without the vendor's compiler.
    const fn platform(&self) -> Platform {
        match self.family {
            Family::A2a3 => Platform::A2a3sim,
            Family::A5 => Platform::A5sim,
        }
    }

    /// Runs the cases of a scene; what is wrong.
    pub(crate) fn run(&mut self, scene: &Scene, runtime: RuntimeKind) -> Result<(), String> {
        let platform = self.platform();
        let mut problems = Vec::new();
        let cases = select(scene, platform, runtime, None).map_err(|error| error.to_string())?;
        let program = self
            .build(scene, platform, runtime)
            .map_err(|error| error.to_string())?;
        for case in cases {
            let runs = Runs {
                count: self.runs,
                last: &Diagnostics::default(),
            };
            let report = run_case(self, &program, scene, case, &Overrides::default(), runs)
                .map_err(|error| error.to_string())?;
            let named = |problem| format!("{}: {problem}", case.name);
            problems.extend(report.problems.into_iter().map(named));
        }
        problems.extend(self.session.complaints());
        self.session.forget_calls();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems.join("\n")),
        }
    }

    fn build(
        &self,
        scene: &Scene,
        platform: Platform,
        runtime: RuntimeKind,
    ) -> host::scene::Result<BuiltProgram> {
        let mut program = self.kernels.build(scene, platform, runtime)?;
        if self.orchestrations.environment.cxx != self.kernels.environment.cxx {
            let mut alone = scene.clone();
            alone.kernels.clear();
            let theirs = self.orchestrations.build(&alone, platform, runtime)?;
            program.orchestration = theirs.orchestration;
        }
        for kernel in &mut program.kernels {
            kernel.library = for_played_cores(&kernel.library);
        }
        Ok(program)
    }

    /// Whether a scene before has left the chip beyond use, or there was none.
    fn is_beyond_use(&self) -> bool {
        let usable = |chip: &Chip| {
            let probe = chip.worker().malloc(64);
            probe.and_then(|probe| chip.worker().free(probe)).is_ok()
        };
        !self.chip.as_ref().is_some_and(usable)
    }

    /// Gives the chip back, which resets it, and attaches to it again.
    fn renew(&mut self) {
        self.chip = None;
        // Some scenes wait for all of this, more than once.
        let seconds = if self.first.is_some() { 2 } else { 1 };
        let limits = TimeLimits {
            cores: Duration::from_secs(seconds),
            ..limits()
        };
        let device = device(&self.session, self.family, &self.image, limits);
        let worker = ChipWorker::new(device);
        worker.init(0).expect("a played device");
        self.chip = Some(Chip::of(worker));
        if let Some((scene, program)) = self.first.clone() {
            let interrupted = self.program.take();
            let runs = Runs {
                count: 1,
                last: &Diagnostics::default(),
            };
            let cases = select(&scene, self.platform(), scene.runtimes[0], None);
            let case = cases.expect("a good scene")[0];
            let report = run_case(self, &program, &scene, case, &Overrides::default(), runs);
            assert_eq!(report.expect("a good scene").problems, Vec::<String>::new());
            self.program = interrupted;
        }
    }

    fn chip(&mut self) -> &mut Chip {
        self.chip.as_mut().expect("a program was prepared on it")
    }
}

impl SceneSession for Lab {
    fn prepare(&mut self, program: &BuiltProgram) -> Result<Prepared, SessionError> {
        if self.is_beyond_use() {
            self.renew();
        }
        let prepared = self.chip().prepare(program)?;
        self.program = Some((program.clone(), prepared));
        Ok(prepared)
    }

    fn run(
        &mut self,
        _: Prepared,
        args: &mut [ArgValue],
        config: &RunConfig,
    ) -> Result<RunOutcome, SessionError> {
        let (program, mut prepared) = self.program.clone().expect("it was prepared");
        if self.is_beyond_use() {
            prepared = self.prepare(&program)?;
        }
        let config = RunConfig {
            env: environment(&config.env),
            ..config.clone()
        };
        self.chip().run(prepared, args, &config)
    }

    fn forget(&mut self, _: Prepared) -> Result<(), SessionError> {
        let (_, prepared) = self.program.take().expect("it was prepared");
        self.chip().forget(prepared)
    }
}

/// What a scene says, and small rings where it says nothing, or what is refused.
fn environment(scene: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut environment = scene.clone();
    for (name, small) in RINGS {
        let said = environment.get(name).and_then(|text| text.parse().ok());
        if !said.is_some_and(u64::is_power_of_two) {
            environment.insert(name.to_owned(), small.to_owned());
        }
    }
    environment
}

/// What played cores take for the code of a kernel, beside its shared object.
fn for_played_cores(library: &Path) -> PathBuf {
    let code = library.with_extension("virtual");
    if !code.exists() {
        let bytes = std::fs::read(library).expect("just built");
        let unfinished = library.with_extension(format!("virtual.{}", std::process::id()));
        std::fs::write(&unfinished, code_for_virtual_cores(&bytes)).expect("the folder is ours");
        std::fs::rename(unfinished, &code).expect("the folder is ours");
    }
    code
}

/// The runtime as scenes name it.
pub(crate) const fn kind(runtime: Runtime) -> RuntimeKind {
    match runtime {
        Runtime::Trb => RuntimeKind::Trb,
        Runtime::Hbg => RuntimeKind::Hbg,
    }
}
