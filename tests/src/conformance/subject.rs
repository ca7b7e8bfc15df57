//! What the suite is about: a platform with a runtime, reached in some way.
//!
//! Knows what a runtime has to bring so that the suite can be run on it. Refuses to know any.

use core::fmt;
use std::sync::Arc;

use host::{ArgDirection, ChipWorker, Device, Program};
use platform::sim::MemoryFault;
use protocol::{A2a3, A5, Arch};

use super::objects::Objects;
use super::reach::{Devices, Reach, Terms};
use crate::headers::Family;

/// Makes a device of the platform with this name, whose allocations fail when they are told to.
pub type MakeFaulty = fn(&'static str, &Arc<MemoryFault>) -> Box<dyn Device>;

/// A platform.
#[derive(Clone, Copy)]
pub struct Platform {
    /// Its name.
    pub name: &'static str,
    /// Its chip family.
    pub family: Family,
    /// Most clusters of a run.
    pub clusters: u32,
    /// Most control CPUs that a run may ask for.
    pub threads: u32,
    /// Most control CPUs that a run gets: what it may ask for beyond them is not there.
    pub processors: u32,
    /// A device of it with allocations that can be made to fail; `None` where they cannot.
    pub faulty: Option<MakeFaulty>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Platform {
    /// A platform with all that chips of family `A` have.
    #[must_use]
    pub const fn of<A: Arch>(name: &'static str, family: Family) -> Self {
        Self {
            name,
            family,
            clusters: A::MAX_BLOCK_DIM,
            threads: A::MAX_AICPU_THREADS,
            processors: A::MAX_AICPU_THREADS,
            faulty: None,
        }
    }

    const fn simulated<A: Arch>(name: &'static str, family: Family) -> Self {
        Self {
            faulty: Some(faulty::<A>),
            ..Self::of::<A>(name, family)
        }
    }
}

fn faulty<A: Arch>(name: &'static str, fault: &Arc<MemoryFault>) -> Box<dyn Device> {
    let fault = Some(Arc::clone(fault));
    platform::sim::device_with::<A>(name, |options| options.memory_fault = fault)
}

/// The simulated platforms.
pub const PLATFORMS: &[Platform] = &[
    Platform::simulated::<A2a3>("a2a3sim", Family::A2a3),
    Platform::simulated::<A5>("a5sim", Family::A5),
];

/// Which counter an orchestration's loading shows in, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// On the device, at the first run of a registration.
    AtFirstRun,
    /// On the host, when it is registered.
    AtRegistration,
}

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Closures of this process.
    Rust,
    /// Shared objects.
    Cpp,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rust, Self::Cpp];
}

/// A program to be made.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// What it is written in.
    pub language: Language,
    /// Directions of its tensors.
    pub signature: &'a [ArgDirection],
    /// What its kernels add to every element besides: 0 or [`BIAS`].
    pub bias: u32,
}

/// The other bias that a kernel may have.
pub const BIAS: u32 = 100;

impl<'a> Recipe<'a> {
    /// Unbiased, in Rust.
    #[must_use]
    pub const fn rust(signature: &'a [ArgDirection]) -> Self {
        Self {
            language: Language::Rust,
            signature,
            bias: 0,
        }
    }

    /// Unbiased, in C++.
    #[must_use]
    pub const fn cpp(signature: &'a [ArgDirection]) -> Self {
        Self {
            language: Language::Cpp,
            ..Self::rust(signature)
        }
    }

    /// The same with other kernels.
    #[must_use]
    pub const fn biased(self) -> Self {
        Self { bias: BIAS, ..self }
    }
}

/// What programs are made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// What kernels are written in.
    pub kernels: Language,
    /// The runtime's own objects.
    pub objects: &'static Objects,
    /// Objects whose kernels take descriptors of tensors, whatever the runtime's own take.
    pub described: &'static Objects,
}

/// For programs that are closures.
static NONE: Objects = Objects::NONE;

impl Parts {
    /// Closures of this process alone.
    pub const RUST: Self = Self {
        kernels: Language::Rust,
        objects: &NONE,
        described: &NONE,
    };
}

/// What a runtime brings to the suite.
pub trait Runtime: fmt::Debug + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// When and where its orchestrations are loaded.
    fn loads(&self) -> Loads;

    /// A program that carries out the script of each run.
    fn program(&self, recipe: &Recipe<'_>, parts: &Parts) -> Program;

    /// A program whose orchestration is `image`, with the kernels of `recipe`.
    fn program_of(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program;

    /// A program whose vector kernel is `image`, with an orchestration that calls it as it wants to be called; where
    /// there is one in Rust that does, in the language of `recipe`.
    fn program_with_kernel(&self, recipe: &Recipe<'_>, parts: &Parts, image: &[u8]) -> Program;

    /// The code of a run whose orchestration reported `code` itself.
    fn reported(&self, code: i32) -> i32;

    /// The code of a run whose orchestration asked for something that is not there.
    fn invalid(&self) -> i32;

    /// Whether tasks can have blocks, deferred completion and scopes.
    fn has_blocks(&self) -> bool;
}

/// A platform with a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The platform.
    pub platform: &'static Platform,
    /// The runtime.
    pub runtime: &'static dyn Runtime,
    /// How it is reached.
    pub reach: &'static dyn Reach,
    /// Where the suite compiles its C++ and has libraries built.
    pub scratch: &'static str,
}

impl Subject {
    /// Name in the list of tests.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!("{}/{}", self.platform.name, self.runtime.name());
        match self.reach.name() {
            None => name,
            Some(way) => format!("{way}/{name}"),
        }
    }

    /// A worker that is not attached.
    #[must_use]
    pub fn worker(&self) -> ChipWorker {
        self.reach.worker(self)
    }

    /// What is different there.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.reach.terms(self)
    }

    /// The device of the worker with this number of a case: every two share one where workers can.
    ///
    /// # Panics
    /// When there are more workers than numbers of devices.
    #[must_use]
    pub fn device_of(&self, worker: u32) -> i32 {
        let device = match self.terms().devices {
            Devices::Shared => worker / 2,
            Devices::OneWorkerEach { .. } => worker,
        };
        i32::try_from(device).expect("few workers")
    }

    /// What orchestrations can be written in.
    #[must_use]
    pub fn languages(&self) -> &'static [Language] {
        self.reach.orchestrations(self.runtime)
    }

    /// The recipe in a language that programs can be written in, and what it is made of.
    fn spoken<'a>(&self, recipe: &Recipe<'a>) -> (Recipe<'a>, Parts) {
        let known = self.languages().contains(&recipe.language);
        let language = if known {
            recipe.language
        } else {
            Language::Cpp
        };
        let kernels = match language {
            Language::Rust => self.reach.kernels(),
            Language::Cpp => Language::Cpp,
        };
        let recipe = Recipe {
            language,
            ..*recipe
        };
        (recipe, self.parts(language, kernels))
    }

    fn parts(&self, orchestration: Language, kernels: Language) -> Parts {
        match (orchestration, kernels) {
            (Language::Rust, Language::Rust) => Parts::RUST,
            (Language::Rust, Language::Cpp) => Parts {
                kernels,
                objects: self.objects(),
                described: self.objects_of(super::trb::Trb.name()),
            },
            (Language::Cpp, _) => Parts {
                kernels,
                objects: self.objects(),
                ..Parts::RUST
            },
        }
    }

    /// A program that carries out scripts, in the language of `recipe` and with kernels in this one, whether or not that
    /// is possible there.
    #[must_use]
    pub fn program_in(&self, recipe: &Recipe<'_>, kernels: Language) -> Program {
        let parts = self.parts(recipe.language, kernels);
        self.runtime.program(recipe, &parts)
    }

    /// A program whose orchestration is `image`, with the kernels of `recipe`.
    #[must_use]
    pub fn program_of(&self, recipe: &Recipe<'_>, image: &[u8]) -> Program {
        let (recipe, parts) = self.spoken(recipe);
        self.runtime.program_of(&recipe, &parts, image)
    }

    /// A program whose vector kernel is `image`, with an orchestration that calls it as it wants to be called.
    #[must_use]
    pub fn program_with_kernel(&self, signature: &[ArgDirection], image: &[u8]) -> Program {
        let (recipe, parts) = self.spoken(&Recipe::rust(signature));
        let objects = self.objects();
        self.runtime
            .program_with_kernel(&recipe, &Parts { objects, ..parts }, image)
    }

    /// The C++ side, compiled once.
    #[must_use]
    pub fn objects(&self) -> &'static Objects {
        self.objects_of(self.runtime.name())
    }

    fn objects_of(&self, runtime: &'static str) -> &'static Objects {
        Objects::of(self.reach, runtime, self.platform.family, self.scratch)
    }

    /// A program that carries out scripts.
    #[must_use]
    pub fn program(&self, recipe: &Recipe<'_>) -> Program {
        let (recipe, parts) = self.spoken(recipe);
        self.runtime.program(&recipe, &parts)
    }
}
