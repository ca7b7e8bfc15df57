//! Children that execute a helper program.
//!
//! Knows the helper's command line and the first message. Refuses to know what follows.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, OnceLock};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use sync::Crowd;

use super::{ProcessChild, live};
use crate::error::{Error, Result};
use crate::team::catalogue::Catalogue;
use crate::team::channel::{Bell, Channel};
use crate::team::fault::Fault;
use crate::team::hands::Hands;
use crate::team::life::{Child, Life};
use crate::team::nursery::Nursery;
use crate::team::spec::Work;
use crate::team::supply::{ThroughSocket, receive, receive_segment, send_segment};

/// First argument of a process that is to be a child; the second is the socket's number.
const COMMAND: &str = "team-child";
/// Bytes of the first message.
const HELLO_BYTES: usize = 1 << 16;
/// Exit code of a helper that cannot serve; it wrote why to standard error.
pub(crate) const REFUSED: u8 = 3;

/// Set when this program has said that it can be a child.
static CAN_BE_CHILD: OnceLock<()> = OnceLock::new();

/// The program that children execute.
#[derive(Clone, Debug)]
pub(crate) struct Helper(pub(crate) PathBuf);

impl Helper {
    /// This program, if it calls the hook; running its `main` otherwise would do anything.
    pub(crate) fn this_program() -> Result<Self> {
        if CAN_BE_CHILD.get().is_none() {
            return Err(Error::refused(
                "executing this program as a child",
                "it has not called `host::team::child_main`: call it first thing in `main`, name another program with `helper`, or choose `Kind::Thread` with `next_level_kind` and `sub_kind`",
            ));
        }
        std::env::current_exe()
            .map(Self)
            .map_err(|source| Error::System {
                child: "the helper".to_owned(),
                step: "find this program",
                source,
            })
    }
}

/// What both sides must have been built from alike: the channel has no version of its own.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Build {
    version: String,
    channel_bytes: usize,
}

impl Build {
    fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            channel_bytes: Channel::BYTES,
        }
    }
}

/// What the parent says first.
#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    build: Build,
    label: String,
    work: Work,
    parent: u32,
}

impl ProcessChild {
    /// Executes the helper and tells it who it is.
    pub(crate) fn execute(
        label: &str,
        work: &Work,
        helper: &Helper,
        channel: &Channel,
        bell: &Bell,
        nursery: &Nursery,
    ) -> Result<Self> {
        let refused = |step| {
            move |source: std::io::Error| Error::System {
                child: label.to_owned(),
                step,
                source,
            }
        };
        let (socket, theirs) = pair().map_err(refused("open a socket"))?;
        let life = Life::new(bell);
        let mut command = Command::new(&helper.0);
        let number = theirs.as_raw_fd();
        command
            .arg(COMMAND)
            .arg(number.to_string())
            .stdin(Stdio::null())
            .process_group(0);
        let parent = rustix::process::getpid();
        let inherited = theirs;
        let prepare = move || {
            // What else this process has open is none of the child's business. An old kernel knows no such call;
            // then the child has what every program gets that is executed from here.
            // SAFETY: it only marks descriptors to be closed when the helper is executed.
            unsafe {
                libc::syscall(
                    libc::SYS_close_range,
                    3,
                    u32::MAX,
                    libc::CLOSE_RANGE_CLOEXEC,
                )
            };
            rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty())?;
            follow(parent)
        };
        // SAFETY: the closure makes system calls only and allocates nothing.
        unsafe { command.pre_exec(prepare) };
        let (pid, handle) = nursery
            .execute(command, &life)
            .map_err(refused("execute the helper"))?;
        let child = Self {
            label: label.to_owned(),
            life,
            pid,
            handle,
            socket,
        };
        let hello = Hello {
            build: Build::this(),
            label: label.to_owned(),
            work: work.clone(),
            parent: parent.as_raw_nonzero().get().unsigned_abs(),
        };
        let greeted = child.greet(&hello, channel, bell);
        if let Err(source) = greeted {
            child.kill();
            // A helper that has gone already says more by its exit code, which whoever waits for it gets.
            let gone = [
                std::io::ErrorKind::BrokenPipe,
                std::io::ErrorKind::ConnectionReset,
            ];
            if !gone.contains(&source.kind()) {
                return Err(refused("greet it")(source));
            }
        }
        Ok(child)
    }

    fn greet(&self, hello: &Hello, channel: &Channel, bell: &Bell) -> std::io::Result<()> {
        let text = serde_json::to_vec(hello)?;
        rustix::net::send(&self.socket, &text, rustix::net::SendFlags::NOSIGNAL)?;
        send_segment(&self.socket, bell.segment())?;
        send_segment(&self.socket, channel.segment())?;
        Ok(())
    }
}

/// A pair of sockets that keep messages apart.
pub(super) fn pair() -> std::io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Asks the kernel to end this process with its parent, and ends it if that has happened already.
pub(super) fn follow(parent: rustix::process::Pid) -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Some(parent) {
        return Err(std::io::Error::from_raw_os_error(
            rustix::io::Errno::SRCH.raw_os_error(),
        ));
    }
    Ok(())
}

/// Finds those who do a child's work.
type MakeHands = fn(&Work, &Catalogue) -> Result<Box<dyn Hands>, Fault>;

/// Serves a parent if this process was started as a child; says with what code to exit then.
pub(crate) fn run_if_child(catalogue: &Catalogue, hands: MakeHands) -> Option<ExitCode> {
    // Set once, the same every time.
    let _ = CAN_BE_CHILD.set(());
    let mut words = std::env::args_os().skip(1);
    if words.next()? != COMMAND {
        return None;
    }
    let number: RawFd = words.next()?.to_str()?.parse().ok()?;
    // SAFETY: the parent left this descriptor open for us, and nobody else knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    Some(match be_child(socket, catalogue, hands) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("child process: {text}");
            ExitCode::from(REFUSED)
        }
    })
}

fn be_child(socket: OwnedFd, catalogue: &Catalogue, hands: MakeHands) -> Result<(), String> {
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)
        .map_err(|error| format!("there is no socket to a parent: {error}"))?;
    let mut text = vec![0; HELLO_BYTES];
    let (len, _) = receive(&socket, &mut text)?;
    let another = "helper and parent were not built from the same version";
    let hello: Hello =
        serde_json::from_slice(&text[..len]).map_err(|error| format!("{another}: {error}"))?;
    let here = Build::this();
    if hello.build != here {
        return Err(format!("{another}: {here:?} here, {:?} there", hello.build));
    }
    let why = |(_, text): (Option<u64>, String)| text;
    let bell =
        Bell::of(receive_segment(&socket).map_err(why)?).ok_or("the doorbell is too short")?;
    let channel = Channel::of(receive_segment(&socket).map_err(why)?, bell)
        .ok_or("the channel is too short")?;
    let supply = ThroughSocket {
        socket,
        catalogue: catalogue.clone(),
        inherited: None,
        mapped: HashMap::new(),
        lost: HashMap::new(),
    };
    let work = hello.work;
    // SAFETY: the parent made this channel for us alone.
    unsafe {
        live(&channel, &hello.label, supply, &Crowd::new(), || {
            hands(&work, catalogue)
        });
    }
    Ok(())
}

/// The crowd of a process that was just born.
pub(super) fn own_crowd() -> Arc<Crowd> {
    Crowd::new()
}
