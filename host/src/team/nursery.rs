//! The thread that executes child processes and learns of their deaths.
//!
//! Knows processes by their handles. Refuses to know what they do. It sleeps until a process ends
//! or it is asked something, so it costs nothing.
//!
//! Processes are executed from here and not from the thread that asks, because the kernel ties the
//! parent-death signal to the *thread* that made the child: this one lives as long as the worker.

use core::fmt;
use core::time::Duration;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use sync::Deadline;

use super::life::{Ending, Life};
use crate::error::{Error, Result};

/// How long the system gets to let go of killed processes.
const LAST_RITES: Duration = Duration::from_secs(5);
/// How often the nursery looks at the clock while it ends.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A process that was started: its number and its handle.
pub(crate) type Born = (u32, Arc<OwnedFd>);

enum Order {
    /// Execute a command; its death is its life's.
    Execute(Box<Command>, Arc<Life>, Sender<std::io::Result<Born>>),
    /// Watch a process that was forked.
    Watch(u32, Arc<OwnedFd>, Arc<Life>),
    /// End every process that is left, and then itself.
    End,
}

/// The thread's other end.
pub(crate) struct Nursery {
    orders: Mutex<Sender<Order>>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Nursery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nursery").finish_non_exhaustive()
    }
}

fn refused(step: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::System {
        child: "the nursery of the worker".to_owned(),
        step,
        source,
    }
}

impl Nursery {
    pub(crate) fn start() -> Result<Self> {
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| refused("open an event descriptor")(error.into()))?;
        let wake = Arc::new(wake);
        let (orders, taken) = channel();
        let woken = Arc::clone(&wake);
        let thread = std::thread::Builder::new()
            .name("nursery".to_owned())
            .spawn(move || watch(&taken, &woken))
            .map_err(refused("start a thread"))?;
        Ok(Self {
            orders: Mutex::new(orders),
            wake,
            thread: Some(thread),
        })
    }

    /// Executes a command and watches the process.
    pub(crate) fn execute(&self, command: Command, life: &Arc<Life>) -> std::io::Result<Born> {
        let (answer, born) = channel();
        self.order(Order::Execute(Box::new(command), Arc::clone(life), answer));
        let gone = |_| std::io::Error::other("the nursery has ended");
        born.recv().map_err(gone)?
    }

    /// Watches a process that was forked.
    pub(crate) fn watch(&self, (pid, handle): Born, life: &Arc<Life>) {
        self.order(Order::Watch(pid, handle, Arc::clone(life)));
    }

    fn order(&self, order: Order) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // It ends only with us.
        let _ = orders.send(order);
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            // It kills what is left and gives the system a bounded time to let go of it.
            let _ = thread.join();
        }
    }
}

struct Watched {
    pid: u32,
    handle: Arc<OwnedFd>,
    life: Arc<Life>,
}

fn watch(orders: &Receiver<Order>, wake: &OwnedFd) {
    let mut watched: Vec<Watched> = Vec::new();
    let mut ending: Option<Deadline> = None;
    while !ending.is_some_and(|deadline| watched.is_empty() || deadline.has_passed()) {
        let mut polled = vec![PollFd::new(wake, PollFlags::IN)];
        polled.extend(
            watched
                .iter()
                .map(|it| PollFd::new(&it.handle, PollFlags::IN)),
        );
        // Interrupted or not: look.
        let _ = rustix::event::poll(&mut polled, ending.map(|_| &GLANCE));
        let ended: Vec<bool> = polled[1..]
            .iter()
            .map(|it| !it.revents().is_empty())
            .collect();
        let mut index = 0;
        watched.retain(|it| {
            let over = ended[index];
            index += 1;
            !(over && reap(it))
        });
        let _ = rustix::io::read(wake, &mut [0_u8; 8]);
        for order in orders.try_iter() {
            match order {
                Order::Execute(command, life, answer) => {
                    let born = execute(*command);
                    if let Ok((pid, handle)) = &born {
                        watched.push(Watched {
                            pid: *pid,
                            handle: Arc::clone(handle),
                            life,
                        });
                    }
                    // Whoever asked waits for it.
                    let _ = answer.send(born);
                }
                Order::Watch(pid, handle, life) => watched.push(Watched { pid, handle, life }),
                Order::End => {
                    ending = Some(Deadline::after(LAST_RITES));
                    for it in &watched {
                        // It may be gone already.
                        let _ = rustix::process::pidfd_send_signal(&it.handle, Signal::KILL);
                    }
                }
            }
        }
    }
}

fn execute(mut command: Command) -> std::io::Result<Born> {
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => Ok((child.id(), Arc::new(handle))),
        Err(error) => {
            // Without a handle it cannot be watched: it must not live on.
            let _ = child.kill();
            let _ = child.wait();
            Err(error.into())
        }
    }
}

/// Takes note of an ending and the process off the system; false if it lives after all.
fn reap(it: &Watched) -> bool {
    let status = rustix::process::waitid(
        WaitId::PidFd(it.handle.as_fd()),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
    );
    match status {
        Ok(None) | Err(rustix::io::Errno::INTR) => false,
        Ok(Some(status)) => {
            let signal = status.terminating_signal();
            let exit = Ending::Exited(status.exit_status().unwrap_or(-1));
            it.life.end(signal.map_or(exit, Ending::Killed));
            true
        }
        Err(error) => {
            log::warn!("process {}: cannot learn how it ended: {error}", it.pid);
            it.life.end(Ending::Exited(-1));
            true
        }
    }
}
