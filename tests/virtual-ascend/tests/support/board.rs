//! The conformance suite's way to played chips, and what is different there.
//!
//! Knows what a real chip keeps differently and why. Refuses to know what is played about it: all reasons are the
//! hardware's or the vendor's.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use host::ChipWorker;
use platform::Error;
use platform::cann::{Library, OVERRIDE_VARIABLE};
use platform::onboard::TimeLimits;
use tests::conformance::hbg::Hbg;
use tests::conformance::reach::{Devices, Loss, Memory, Part, Reach, Terms, Way, Windows};
use tests::conformance::subject::{Language, Loads, Platform, Runtime, Subject};
use tests::conformance::trb::Trb;
use tests::headers;
use virtual_ascend::{Config, Family, Session, code_for_virtual_cores};

use super::device::{device_on, library, limits};
use super::images::{Runtime as Image, aicpu_image};
use super::library::folder;

/// The platforms of real chips; both have six control CPUs for kernels.
const PLATFORMS: &[Platform; 2] = &[
    Platform::of::<protocol::A2a3>("a2a3", headers::Family::A2a3),
    Platform {
        processors: 6,
        ..Platform::of::<protocol::A5>("a5", headers::Family::A5)
    },
];

/// Bytes of a played chip: most of what a run takes is never touched.
const MEMORY: u64 = 8 << 30;

static LIBRARY: OnceLock<Arc<Library>> = OnceLock::new();

/// How long cores are waited for.
const CORES: Duration = Duration::from_secs(10);
/// The same in cases in which some do not come back.
const LOST_CORES: Duration = Duration::from_secs(2);
/// The same behind the C interface, where the environment says it once for all cases.
const ANY_CORES: Duration = Duration::from_secs(3);

/// Says to host runtimes where the played libraries are, and how long to wait for cores.
///
/// # Safety
/// There is no other thread.
pub(crate) unsafe fn announce() {
    let session = Session::begin(&Config::new(Family::A2a3));
    // SAFETY: passed on from the caller.
    unsafe { std::env::set_var(OVERRIDE_VARIABLE, session.libraries()) };
    let millis = ANY_CORES.as_millis().to_string();
    // SAFETY: as above.
    unsafe { std::env::set_var("SIMPLER_CORES_TIMEOUT_MS", millis) };
}

/// Begins the session of a trial, with as many devices as a case has workers at once.
pub(crate) fn begin(subject: &Subject) -> Session {
    let session = Session::begin(&Config {
        devices: 4,
        memory: MEMORY,
        ..Config::new(family(subject))
    });
    LIBRARY.get_or_init(|| library(&session));
    session
}

const fn family(subject: &Subject) -> Family {
    match subject.platform.family {
        headers::Family::A2a3 => Family::A2a3,
        headers::Family::A5 => Family::A5,
    }
}

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    /// The platform is linked into this program.
    Linked,
    /// The host runtime is a shared object, of which only its C interface is known.
    Library,
}

impl Board {
    /// A worker that waits so long for cores, if anybody can tell it.
    fn waiting(self, subject: &Subject, cores: Duration) -> ChipWorker {
        let family = family(subject);
        let runtime = match subject.runtime.name() {
            "trb" => Image::Trb,
            _ => Image::Hbg,
        };
        match self {
            Self::Linked => {
                let image = aicpu_image(family, runtime, "native");
                let limits = TimeLimits { cores, ..limits() };
                let library = LIBRARY.get().expect("a trial has a session");
                ChipWorker::new(device_on(Arc::clone(library), family, &image, limits))
            }
            Self::Library => {
                // SAFETY: this program has just written the folder.
                unsafe { ChipWorker::open(&folder(family, runtime)) }.expect("a complete folder")
            }
        }
    }
}

/// All subjects: both families with both runtimes, and through the C interface each family and each runtime once.
pub(crate) fn subjects() -> impl Iterator<Item = Subject> {
    let [a2a3, a5] = PLATFORMS;
    let [trb, hbg] = [&Trb as &dyn Runtime, &Hbg];
    let linked = [(a2a3, trb), (a2a3, hbg), (a5, trb), (a5, hbg)].map(|it| (it, &Board::Linked));
    let library = [(a2a3, trb), (a5, hbg)].map(|it| (it, &Board::Library));
    let all = linked.into_iter().chain(library);
    all.map(|((platform, runtime), reach)| Subject {
        platform,
        runtime,
        reach,
        scratch: env!("CARGO_TARGET_TMPDIR"),
    })
}

impl Reach for Board {
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::Linked => None,
            Self::Library => Some("libraries"),
        }
    }

    fn worker(&self, subject: &Subject) -> ChipWorker {
        self.waiting(subject, CORES)
    }

    fn impatient_worker(&self, subject: &Subject) -> ChipWorker {
        self.waiting(subject, LOST_CORES)
    }

    // What runs on the chip goes there as an image; an orchestration that runs on the host may be a closure.
    fn orchestrations(&self, runtime: &dyn Runtime) -> &'static [Language] {
        match (self, runtime.loads()) {
            (Self::Linked, Loads::AtRegistration) => &Language::ALL,
            _ => &[Language::Cpp],
        }
    }

    fn kernels(&self) -> Language {
        Language::Cpp
    }

    fn code(&self, object: Vec<u8>) -> Vec<u8> {
        code_for_virtual_cores(&object)
    }

    fn refusal(&self, subject: &Subject, part: Part) -> Option<Error> {
        if *self == Self::Library {
            return Way::Libraries.refusal(subject, part);
        }
        let (what, instead) = match (part, subject.runtime.loads()) {
            (Part::Orchestration, Loads::AtRegistration) => return None,
            (Part::Orchestration, Loads::AtFirstRun) => (
                "a graph that a function of this process builds task by task",
                "a shared object built for the chip's control CPUs",
            ),
            (Part::Kernel, _) => (
                "a kernel that is a function of this process",
                "an object file built by ccec, or its .text",
            ),
        };
        Some(Error::Unsupported {
            what,
            machine: subject.platform.name,
            instead,
        })
    }

    fn terms(&self, subject: &Subject) -> Terms {
        Terms {
            memory: Memory::OfTheChip {
                because: "an address of this process means nothing to the chip",
            },
            devices: Devices::OneWorkerEach {
                because: "the vendor loads one image per process and device, which serves one host",
            },
            windows: match family(subject) {
                Family::A2a3 => Windows::Given {
                    bytes: Config::new(Family::A2a3).window,
                    because: "HCCL makes them, as large as HCCL_BUFFSIZE says",
                },
                Family::A5 => Windows::Never {
                    says: "a communicator cannot run on a5",
                    because: "nobody has shown HCCL's windows on this family",
                },
            },
            kernel_that_throws: Loss::Chip {
                says: "507015",
                because: "an exception of a core ends in the driver, which serves nobody any more until the reset",
            },
            kernel_that_stays: Loss::Chip {
                says: "cores did not leave",
                because: "nobody can stop a core but a reset",
            },
            orchestration_that_stays: match subject.runtime.loads() {
                Loads::AtRegistration => Loss::Run,
                Loads::AtFirstRun => Loss::Chip {
                    says: "the orchestration has not returned",
                    because: "a control CPU that is in it does not come back, and nobody can stop it but a reset",
                },
            },
        }
    }
}
