//! Children: how each kind is started, reached and ended.
//!
//! Knows threads, executed helpers and forks. Refuses to know what they are asked.
//!
//! | kind | for | a crash | receives |
//! | --- | --- | --- | --- |
//! | thread | functions, simulated chips | takes the process | closures |
//! | exec | chips, untrusted functions | stays in the child | names and images |
//! | early fork | programs with one thread | stays in the child | closures that were there before, then names and images |

use core::fmt::Debug;
use core::time::Duration;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use platform::Device;
use serde::{Deserialize, Serialize};
use sync::{Crowd, Flag};

use super::catalogue::Catalogue;
use super::channel::{Bell, Channel, Leave, Phase};
use super::fault::Fault;
use super::hands::{Chip, Functions, Hands};
use super::lower::Lower;
use super::segment::{Segment, SegmentTable};
use super::serve::serve;
use super::supply::{InProcess, Registry, Supply, send_segment};
use super::worker::Spec;
use crate::error::{Error, Result};
use crate::worker::ChipWorker;

mod exec;
mod fork;

pub(crate) use exec::{Helper, REFUSED, run_if_child};
pub(crate) use fork::{Siblings, fork};

/// How a child runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// As a thread of this process.
    ///
    /// A thread cannot be ended from outside: what never returns is left behind, and what it writes later goes to
    /// the tensors it was given, whoever has them by then.
    Thread,
    /// As a process that executes a helper program.
    Exec,
    /// As a process forked while this one has a single thread.
    EarlyFork,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It left by itself, with this exit code.
    Exited(i32),
    /// A signal killed it.
    Killed(i32),
    /// A thread that did not come back was left behind.
    LeftBehind,
}

impl core::fmt::Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Killed(signal) => write!(f, "signal {signal}"),
            Self::LeftBehind => f.write_str("it never came back and was left behind"),
        }
    }
}

/// Whether a child still lives.
#[derive(Debug)]
pub(crate) struct Life {
    ended: Flag,
    ending: Mutex<Option<Ending>>,
    bell: Bell,
}

impl Life {
    pub(crate) fn new(bell: &Bell) -> Arc<Self> {
        Arc::new(Self {
            ended: Flag::new(),
            ending: Mutex::new(None),
            bell: bell.clone(),
        })
    }

    /// Notes the ending, if it is the first, and wakes whoever waits for the child.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(ending);
        self.ended.set();
        self.bell.get().ring_all();
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_set()
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the device of a chip comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChipSource {
    /// A platform of this build or of the catalogue, by name.
    Platform(String),
    /// The host runtime in a folder. Whoever named it promised that its libraries are what their names say.
    Library(PathBuf),
}

impl ChipSource {
    fn device(&self, catalogue: &Catalogue) -> Result<Box<dyn Device>> {
        match self {
            Self::Platform(name) => catalogue.device(name),
            // SAFETY: promised to `Builder::chips_in`, the only one who makes this.
            Self::Library(dir) => Ok(unsafe { ChipWorker::open(dir) }?.into_device()),
        }
    }
}

impl core::fmt::Display for ChipSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Platform(name) => f.write_str(name),
            Self::Library(dir) => write!(f, "{}", dir.display()),
        }
    }
}

/// What a child is for, as far as it can be said to another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Host functions.
    Functions,
    /// One chip.
    Chip {
        source: ChipSource,
        device: i32,
        /// How long a run may stand still.
        patience: Duration,
    },
    /// A lower worker.
    Lower(Box<Spec>),
}

impl Work {
    /// The hands for it.
    pub(crate) fn hands(&self, catalogue: &Catalogue) -> Result<Box<dyn Hands>, Fault> {
        match self {
            Self::Functions => Ok(Box::new(Functions)),
            Self::Chip {
                source,
                device,
                patience,
            } => {
                let made = source.device(catalogue).map_err(Error::into_fault)?;
                Ok(Box::new(Chip::attach(made, *device, *patience)?))
            }
            Self::Lower(spec) => {
                let worker = spec.build(catalogue).map_err(Error::into_fault)?;
                Ok(Box::new(Lower::start(Arc::new(worker))?))
            }
        }
    }
}

/// A child as its parent holds it.
pub(crate) trait Child: Debug + Send + Sync {
    /// Whether it lives.
    fn life(&self) -> &Arc<Life>;

    /// Its process, if it has one of its own.
    fn process(&self) -> Option<u32>;

    /// Makes a segment known to it, before the first question that names it.
    ///
    /// # Errors
    /// When the system refuses.
    fn share(&self, segment: &Arc<Segment>) -> Result<()>;

    /// Ends it at once; its life tells when it is over.
    fn kill(&self);
}

/// A child that is a thread.
#[derive(Debug)]
pub(crate) struct ThreadChild {
    life: Arc<Life>,
    channel: Channel,
    segments: Arc<SegmentTable>,
}

impl ThreadChild {
    /// Starts a thread that makes its hands and serves.
    pub(crate) fn start(
        label: &str,
        channel: &Channel,
        bell: &Bell,
        tables: (&Arc<Registry>, &Arc<SegmentTable>),
        crowd: &Arc<Crowd>,
        hands: impl FnOnce() -> Result<Box<dyn Hands>, Fault> + Send + 'static,
    ) -> Result<Self> {
        let life = Life::new(bell);
        let ours = channel.clone();
        let (channel, crowd) = (channel.clone(), Arc::clone(crowd));
        let supply = InProcess::new(Arc::clone(tables.0), Arc::clone(tables.1));
        let (origin, ends) = (label.to_owned(), Arc::clone(&life));
        let spawned = std::thread::Builder::new()
            .name(label.to_owned())
            .spawn(move || {
                let ending = End(&ends);
                // SAFETY: the channel is this thread's.
                unsafe { live(&channel, &origin, supply, &crowd, hands) };
                drop(ending);
            });
        spawned.map_err(|source| Error::System {
            child: label.to_owned(),
            step: "start a thread",
            source,
        })?;
        Ok(Self {
            life,
            channel: ours,
            segments: Arc::clone(tables.1),
        })
    }
}

/// Notes that a thread has ended, however.
struct End<'a>(&'a Life);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0
            .end(Ending::Exited(i32::from(std::thread::panicking())));
    }
}

impl Child for ThreadChild {
    fn life(&self) -> &Arc<Life> {
        &self.life
    }

    fn process(&self) -> Option<u32> {
        None
    }

    fn share(&self, segment: &Arc<Segment>) -> Result<()> {
        self.segments.insert(segment);
        Ok(())
    }

    fn kill(&self) {
        // A thread cannot be ended from outside: it goes on with what it does, but nobody waits for it any
        // more, and it does nothing else. What it has mapped is kept for it.
        self.channel.tell_to_leave(Leave::AtOnce);
        self.life.end(Ending::LeftBehind);
    }
}

/// The life of a child from start to end, whatever its kind. Nothing unwinds out of it.
///
/// # Safety
/// Nobody else answers in `channel`.
unsafe fn live(
    channel: &Channel,
    origin: &str,
    mut supply: impl Supply,
    crowd: &Arc<Crowd>,
    hands: impl FnOnce() -> Result<Box<dyn Hands>, Fault>,
) {
    let made = std::panic::catch_unwind(core::panic::AssertUnwindSafe(hands))
        .unwrap_or_else(|payload| Err(Fault::of_panic(&*payload)));
    match made {
        Err(fault) => channel.fail(&fault),
        Ok(mut hands) => {
            // SAFETY: passed on from the caller.
            unsafe { serve(channel, origin, &mut *hands, &mut supply, crowd) };
            let dropped = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| drop(hands)));
            if let Err(payload) = dropped {
                log::warn!("{origin}: while leaving: {}", Fault::of_panic(&*payload));
            }
            channel.enter(Phase::Left);
        }
    }
}

/// A child that is a process of its own, executed or forked.
#[derive(Debug)]
pub(crate) struct ProcessChild {
    label: String,
    life: Arc<Life>,
    pid: u32,
    handle: Arc<OwnedFd>,
    socket: OwnedFd,
}

impl Child for ProcessChild {
    fn life(&self) -> &Arc<Life> {
        &self.life
    }

    fn process(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn share(&self, segment: &Arc<Segment>) -> Result<()> {
        send_segment(&self.socket, segment).map_err(|source| Error::System {
            child: self.label.clone(),
            step: "pass a descriptor to it",
            source: source.into(),
        })
    }

    fn kill(&self) {
        use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};
        if self.life.has_ended() {
            return;
        }
        // It leads a group of its own, so what it has started goes with it. Either may be gone already.
        if let Some(pid) = Pid::from_raw(self.pid.cast_signed()) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }
}
