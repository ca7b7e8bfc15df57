//! What the suite is about: a platform with a runtime.
//!
//! Knows what a runtime has to bring so that the suite can be run on it. Refuses to know any.

use core::fmt;
use std::sync::Arc;

use host::{ArgDirection, ChipWorker, Device, Program};
use platform::sim::MemoryFault;
use protocol::{A2a3, A5, Arch};

use super::objects::Objects;
use crate::dist;
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
    /// Most control CPUs of a run.
    pub threads: u32,
    /// A device of it, not attached.
    pub device: fn(&'static str) -> Box<dyn Device>,
    /// The same, with allocations that can be made to fail; `None` where they cannot.
    pub faulty: Option<MakeFaulty>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Platform {
    const fn of<A: Arch>(
        name: &'static str,
        family: Family,
        device: fn(&'static str) -> Box<dyn Device>,
    ) -> Self {
        Self {
            name,
            family,
            clusters: A::MAX_BLOCK_DIM,
            threads: A::MAX_AICPU_THREADS,
            device,
            faulty: None,
        }
    }

    const fn embedded<A: Arch>(name: &'static str, family: Family) -> Self {
        Self {
            faulty: Some(faulty::<A>),
            ..Self::of::<A>(name, family, embedded)
        }
    }
}

fn embedded(name: &'static str) -> Box<dyn Device> {
    host::platforms::device(name).expect("a platform of this build")
}

fn faulty<A: Arch>(name: &'static str, fault: &Arc<MemoryFault>) -> Box<dyn Device> {
    let fault = Some(Arc::clone(fault));
    platform::sim::device_with::<A>(name, |options| options.memory_fault = fault)
}

/// The platforms that the suite is run on.
pub const PLATFORMS: &[Platform] = &[
    Platform::embedded::<A2a3>("a2a3sim", Family::A2a3),
    Platform::embedded::<A5>("a5sim", Family::A5),
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

/// What a runtime brings to the suite.
pub trait Runtime: fmt::Debug + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// When and where its orchestrations are loaded.
    fn loads(&self) -> Loads;

    /// A program that carries out the script of each run.
    fn program(&self, recipe: &Recipe<'_>, objects: &Objects) -> Program;

    /// A program whose orchestration is `image`, with the kernels of `recipe`.
    fn program_of(&self, recipe: &Recipe<'_>, objects: &Objects, image: &[u8]) -> Program;

    /// A program whose vector kernel is `image`, with an orchestration that calls it as it wants to be called; where
    /// there is one in Rust that does, in the language of `recipe`.
    fn program_with_kernel(&self, recipe: &Recipe<'_>, objects: &Objects, image: &[u8]) -> Program;

    /// The code of a run whose orchestration reported `code` itself.
    fn reported(&self, code: i32) -> i32;

    /// The code of a run whose orchestration asked for something that is not there.
    fn invalid(&self) -> i32;

    /// Whether tasks can have blocks, deferred completion and scopes.
    fn has_blocks(&self) -> bool;
}

/// How the suite reaches a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything is linked into this program.
    Embedded,
    /// The libraries of a distribution, through their C interface.
    Libraries,
}

/// A platform with a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The platform.
    pub platform: &'static Platform,
    /// The runtime.
    pub runtime: &'static dyn Runtime,
    /// How it is reached.
    pub way: Way,
    /// Where the suite compiles its C++ and has libraries built.
    pub scratch: &'static str,
}

/// For programs that are closures.
static NONE: Objects = Objects::NONE;

impl Subject {
    /// Name in the list of tests.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!("{}/{}", self.platform.name, self.runtime.name());
        match self.way {
            Way::Embedded => name,
            Way::Libraries => format!("libraries/{name}"),
        }
    }

    /// A worker that is not attached.
    ///
    /// # Panics
    /// When the libraries cannot be opened.
    #[must_use]
    pub fn worker(&self) -> ChipWorker {
        match self.way {
            Way::Embedded => ChipWorker::new((self.platform.device)(self.platform.name)),
            Way::Libraries => {
                let folder = dist::built(self.scratch);
                let folder = folder.join(self.platform.name).join(self.runtime.name());
                // SAFETY: the folder is of a distribution that was built from this source.
                unsafe { ChipWorker::open(&folder) }.expect("the distribution is whole")
            }
        }
    }

    /// What programs can be written in. The C interface takes images of shared objects: a closure of this process has
    /// no bytes to send, so all programs are shared objects there.
    #[must_use]
    pub const fn languages(&self) -> &'static [Language] {
        match self.way {
            Way::Embedded => &Language::ALL,
            Way::Libraries => &[Language::Cpp],
        }
    }

    /// The recipe in a language that programs can be written in.
    fn spoken<'a>(&self, recipe: &Recipe<'a>) -> Recipe<'a> {
        let known = self.languages().contains(&recipe.language);
        Recipe {
            language: if known {
                recipe.language
            } else {
                Language::Cpp
            },
            ..*recipe
        }
    }

    fn objects_for(&self, language: Language) -> &'static Objects {
        match language {
            Language::Rust => &NONE,
            Language::Cpp => self.objects(),
        }
    }

    /// A program whose orchestration is `image`, with the kernels of `recipe`.
    #[must_use]
    pub fn program_of(&self, recipe: &Recipe<'_>, image: &[u8]) -> Program {
        let recipe = self.spoken(recipe);
        let objects = self.objects_for(recipe.language);
        self.runtime.program_of(&recipe, objects, image)
    }

    /// A program whose vector kernel is `image`, with an orchestration that calls it as it wants to be called.
    #[must_use]
    pub fn program_with_kernel(&self, signature: &[ArgDirection], image: &[u8]) -> Program {
        let recipe = self.spoken(&Recipe::rust(signature));
        self.runtime
            .program_with_kernel(&recipe, self.objects(), image)
    }

    /// The C++ side, compiled once.
    #[must_use]
    pub fn objects(&self) -> &'static Objects {
        Objects::of(self.runtime.name(), self.platform.family, self.scratch)
    }

    /// A program that carries out scripts.
    #[must_use]
    pub fn program(&self, recipe: &Recipe<'_>) -> Program {
        let recipe = self.spoken(recipe);
        let objects = self.objects_for(recipe.language);
        self.runtime.program(&recipe, objects)
    }
}
