//! What the suite is about: a platform with a runtime.
//!
//! Knows what a runtime has to bring so that the suite can be run on it. Refuses to know any.

use core::fmt;
use std::sync::Arc;

use host::{ArgDirection, ChipWorker, Device, Program};
use platform::sim::MemoryFault;
use protocol::{A2a3, A5, Arch};

use super::objects::Objects;
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

    /// A program whose vector kernel is `image`, with an orchestration that calls it as it wants to be called.
    fn program_with_kernel(
        &self,
        signature: &[ArgDirection],
        objects: &Objects,
        image: &[u8],
    ) -> Program;

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
    /// Where the suite compiles its C++.
    pub scratch: &'static str,
}

impl Subject {
    /// Name in the list of tests.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.platform.name, self.runtime.name())
    }

    /// A worker that is not attached.
    #[must_use]
    pub fn worker(&self) -> ChipWorker {
        ChipWorker::new((self.platform.device)(self.platform.name))
    }

    /// The C++ side, compiled once.
    #[must_use]
    pub fn objects(&self) -> &'static Objects {
        Objects::of(self.runtime.name(), self.platform.family, self.scratch)
    }

    /// A program that carries out scripts.
    #[must_use]
    pub fn program(&self, recipe: &Recipe<'_>) -> Program {
        let objects = match recipe.language {
            Language::Rust => &Objects::NONE,
            Language::Cpp => self.objects(),
        };
        self.runtime.program(recipe, objects)
    }
}
