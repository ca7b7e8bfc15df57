//! How the suite reaches a chip, and what is different there.
//!
//! Knows the two ways to a simulated chip. Others are added by whoever has them, with an implementation of [`Reach`]: what
//! their chips keep differently is data, [`Terms`], and each difference comes with its reason. Cases check what the terms
//! say instead of leaving it out.

use core::fmt;

use host::ChipWorker;
use platform::Error;

use super::subject::{Language, Runtime, Subject};
use crate::dist;

/// A way to chips.
pub trait Reach: fmt::Debug + Sync {
    /// What stands before the names of its subjects; nothing if their platform says it all.
    fn name(&self) -> Option<&'static str>;

    /// A worker for a subject, not attached.
    fn worker(&self, subject: &Subject) -> ChipWorker;

    /// The same for a case in which code does not end: a chip that waits for such code does so for less time.
    fn impatient_worker(&self, subject: &Subject) -> ChipWorker {
        self.worker(subject)
    }

    /// What orchestrations can be written in.
    fn orchestrations(&self, runtime: &dyn Runtime) -> &'static [Language];

    /// What kernels of orchestrations in Rust are written in.
    fn kernels(&self) -> Language;

    /// What cores there take for the kernel in a shared object.
    fn code(&self, object: Vec<u8>) -> Vec<u8> {
        object
    }

    /// How a program is refused in which this part is a function of this process; nothing if it is not.
    fn refusal(&self, subject: &Subject, part: Part) -> Option<Error>;

    /// What is different for a subject.
    fn terms(&self, _: &Subject) -> Terms {
        Terms::SIMULATED
    }
}

/// A part of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What makes its graph.
    Orchestration,
    /// What its tasks call.
    Kernel,
}

/// What chips keep.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whose memory code on the chip can reach.
    pub memory: Memory,
    /// How workers have devices.
    pub devices: Devices,
    /// Which windows ranks get.
    pub windows: Windows,
    /// What a kernel that throws costs.
    pub kernel_that_throws: Loss,
    /// What a kernel that does not return costs.
    pub kernel_that_stays: Loss,
    /// What an orchestration that does not return costs.
    pub orchestration_that_stays: Loss,
}

impl Terms {
    /// Those of simulated chips.
    pub const SIMULATED: Self = Self {
        memory: Memory::Common,
        devices: Devices::Shared,
        windows: Windows::AsAsked,
        kernel_that_throws: Loss::Run,
        kernel_that_stays: Loss::Run,
        orchestration_that_stays: Loss::Run,
    };
}

/// Whose memory code on a chip can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// This process's.
    Common,
    /// The chip's only.
    OfTheChip {
        /// Why.
        because: &'static str,
    },
}

/// How workers have devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// Any number of workers can have one, and each has it for itself.
    Shared,
    /// One worker of a process has one; another one is refused.
    OneWorkerEach {
        /// Why.
        because: &'static str,
    },
}

/// Which windows ranks get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// As large as they ask for.
    AsAsked,
    /// As large as the chip makes them.
    Given {
        /// How large.
        bytes: u64,
        /// Why.
        because: &'static str,
    },
    /// None: joining is refused.
    Never {
        /// In which words.
        says: &'static str,
        /// Why.
        because: &'static str,
    },
}

/// What code that goes wrong costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its run.
    Run,
    /// The chip, until it is finalized and initialised again; code that was left behind ends with it.
    Chip {
        /// What the run's error says of it.
        says: &'static str,
        /// Why.
        because: &'static str,
    },
}

/// A way to a simulated chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything is linked into this program.
    Embedded,
    /// The libraries of a distribution, through their C interface.
    Libraries,
}

impl Way {
    /// The way as subjects have it.
    #[must_use]
    pub fn reach(self) -> &'static dyn Reach {
        match self {
            Self::Embedded => &Self::Embedded,
            Self::Libraries => &Self::Libraries,
        }
    }
}

impl Reach for Way {
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::Embedded => None,
            Self::Libraries => Some("libraries"),
        }
    }

    fn worker(&self, subject: &Subject) -> ChipWorker {
        let platform = subject.platform.name;
        match self {
            Self::Embedded => ChipWorker::on(platform).expect("a platform of this build"),
            Self::Libraries => {
                let folder = dist::built(subject.scratch);
                let folder = folder.join(platform).join(subject.runtime.name());
                // SAFETY: the folder is of a distribution that was built from this source.
                unsafe { ChipWorker::open(&folder) }.expect("the distribution is whole")
            }
        }
    }

    // The C interface takes images of shared objects: a closure of this process has no bytes to send.
    fn orchestrations(&self, _: &dyn Runtime) -> &'static [Language] {
        match self {
            Self::Embedded => &Language::ALL,
            Self::Libraries => &[Language::Cpp],
        }
    }

    fn kernels(&self) -> Language {
        match self {
            Self::Embedded => Language::Rust,
            Self::Libraries => Language::Cpp,
        }
    }

    fn refusal(&self, _: &Subject, part: Part) -> Option<Error> {
        let what = match part {
            Part::Orchestration => "an orchestration that is a function of this process",
            Part::Kernel => "a kernel that is a function of this process",
        };
        match self {
            Self::Embedded => None,
            Self::Libraries => Some(Error::Unsupported {
                what,
                machine: "a runtime that was loaded by path",
                instead: "give it as a shared object",
            }),
        }
    }
}
