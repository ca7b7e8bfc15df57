//! Children that are forks of this process.
//!
//! Knows the one moment at which that is sound: while the process has a single thread. Refuses all
//! others.

use core::panic::AssertUnwindSafe;
use std::collections::HashMap;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::catch_unwind;
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags};

use super::exec::{follow, own_crowd, pair};
use super::{ProcessChild, live};
use crate::error::{Error, Result};
use crate::team::catalogue::Catalogue;
use crate::team::channel::{Bell, Channel};
use crate::team::fault::Fault;
use crate::team::hands::Hands;
use crate::team::life::Life;
use crate::team::nursery::Born;
use crate::team::supply::{Registry, ThroughSocket};

/// Threads of this process.
fn threads() -> std::io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// Makes the copy of a process one of its own: a group, and signals that do what they do by default.
fn settle_down() {
    // A new group of our own number cannot be refused to a process that was just born.
    let _ = rustix::process::setpgid(None, None);
    for signal in 1..=libc::SIGSYS {
        // SAFETY: it replaces handlers of the parent's, which are about its state, by the default.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// What a process has open for children that it forked before: none of the next one's business.
#[derive(Debug, Default)]
pub(crate) struct Siblings(Vec<RawFd>);

impl Siblings {
    /// In the child, where nothing of them is used or dropped.
    fn close(&self) {
        for &descriptor in &self.0 {
            // SAFETY: this process has a copy of each and never uses it, not even to close it.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Forks a child. Its death is nobody's business until a nursery watches it.
pub(crate) fn fork(
    siblings: &mut Siblings,
    label: &str,
    channel: &Channel,
    bell: &Bell,
    catalogue: &Catalogue,
    registry: &Arc<Registry>,
    hands: impl FnOnce() -> Result<Box<dyn Hands>, Fault>,
) -> Result<(ProcessChild, Born)> {
    let refused = |step| {
        move |source: std::io::Error| Error::System {
            child: label.to_owned(),
            step,
            source,
        }
    };
    let threads = threads().map_err(refused("count the threads of this process"))?;
    if threads != 1 {
        return Err(Error::ThreadsExist { threads });
    }
    let (socket, theirs) = pair().map_err(refused("open a socket"))?;
    let parent = rustix::process::getpid();
    // SAFETY: this is the only thread, so the child's memory is whole: no lock is held by another.
    match unsafe { libc::fork() } {
        -1 => Err(refused("fork")(std::io::Error::last_os_error())),
        0 => {
            drop(socket);
            let life = AssertUnwindSafe(|| {
                follow(parent).expect("the parent lives and the kernel knows the signal");
                settle_down();
                siblings.close();
                let supply = ThroughSocket {
                    socket: theirs,
                    catalogue: catalogue.clone(),
                    inherited: Some(Arc::clone(registry)),
                    mapped: HashMap::new(),
                    lost: HashMap::new(),
                };
                // SAFETY: the parent made this channel for us alone.
                unsafe { live(channel, label, supply, &own_crowd(), hands) };
            });
            let code = i32::from(catch_unwind(life).is_err());
            // Not `exit`: what the parent's memory would do at its end is not ours to do.
            // SAFETY: it ends this process and touches nothing.
            unsafe { libc::_exit(code) }
        }
        number => {
            drop(theirs);
            let pid = Pid::from_raw(number).expect("a child's number is positive");
            let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())
                .map_err(|error| refused("watch it")(error.into()))?;
            let handle = Arc::new(handle);
            siblings.0.extend([socket.as_raw_fd(), handle.as_raw_fd()]);
            let child = ProcessChild {
                label: label.to_owned(),
                life: Life::new(bell),
                pid: number.unsigned_abs(),
                handle: Arc::clone(&handle),
                socket,
            };
            Ok((child, (number.unsigned_abs(), handle)))
        }
    }
}
