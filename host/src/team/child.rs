//! Children: how each kind is started, reached and ended.
//!
//! Knows threads, executed helpers and forks. Refuses to know what they are asked, and whose
//! hands do it.
//!
//! | kind | for | a crash | receives |
//! | --- | --- | --- | --- |
//! | thread | functions, simulated chips | takes the process | closures |
//! | exec | chips, untrusted functions | stays in the child | names and images |
//! | early fork | programs with one thread | stays in the child | closures that were there before, then names and images |

mod exec;
mod fork;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use sync::Crowd;

use super::channel::{Bell, Channel, Leave, Phase};
use super::fault::Fault;
use super::hands::Hands;
use super::life::{Child, Ending, Life};
use super::segment::{Segment, SegmentTable};
use super::serve::serve;
use super::supply::{InProcess, Registry, Supply, send_segment};
use crate::error::{Error, Result};

pub(crate) use exec::{Helper, REFUSED, run_if_child};
pub(crate) use fork::{Siblings, fork};

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
