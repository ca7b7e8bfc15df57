//! The processes that play control CPUs and cores.
//!
//! Knows how they are started, asked and ended. The packets are those of `device/wire.h`.

use core::time::Duration;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

/// Which program plays the control CPUs.
#[derive(Clone, Debug, Default)]
pub enum Aicpu {
    /// One of this machine's own kind, which loads an image of this machine's kind.
    #[default]
    Native,
    /// An aarch64 program in an emulator, which loads the image that a chip would load.
    Emulated {
        /// The emulator and its arguments.
        emulator: Vec<String>,
        /// The aarch64 build of `device/aicpu.c`.
        program: PathBuf,
    },
}

impl Aicpu {
    fn command(&self) -> Command {
        match self {
            Self::Native => Command::new(concat!(env!("OUT_DIR"), "/virtual-aicpu")),
            Self::Emulated { emulator, program } => {
                let (first, rest) = emulator.split_first().expect("an emulator is a program");
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        }
    }
}

/// A process that plays a part of a device.
#[derive(Debug)]
pub(crate) struct Player {
    child: Child,
    socket: OwnedFd,
}

/// What became of a question.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The player's own code, 0 for success, and its words.
    Code(i32, String),
    /// It is not there any more.
    Gone,
    /// The stop was asked for before it answered.
    Stopped,
}

impl Player {
    pub(crate) fn cpus(aicpu: &Aicpu, memory: &OwnedFd) -> io::Result<Self> {
        Self::start(aicpu.command(), memory)
    }

    pub(crate) fn cores(memory: &OwnedFd) -> io::Result<Self> {
        Self::start(
            Command::new(concat!(env!("OUT_DIR"), "/virtual-aicore")),
            memory,
        )
    }

    fn start(mut command: Command, memory: &OwnedFd) -> io::Result<Self> {
        // One player at a time: another one that inherited this one's end of the socket would keep it open.
        static STARTING: Mutex<()> = Mutex::new(());
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let memory = rustix::io::dup(memory)?;
        for inherited in [&memory, &theirs] {
            let flags = fcntl_getfd(inherited)? - FdFlags::CLOEXEC;
            fcntl_setfd(inherited, flags)?;
        }
        let child = command
            .arg(memory.as_raw_fd().to_string())
            .arg(theirs.as_raw_fd().to_string())
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            socket: ours,
        })
    }

    /// Asks and waits for the answer; gives up when `stop` says so.
    pub(crate) fn ask(&self, question: &[u8], stop: &dyn Fn() -> bool) -> Answer {
        if send(&self.socket, question, SendFlags::NOSIGNAL).is_err() {
            return Answer::Gone;
        }
        loop {
            let mut polled = [PollFd::new(&self.socket, PollFlags::IN)];
            let slice = Timespec {
                tv_sec: 0,
                tv_nsec: 10_000_000,
            };
            match poll(&mut polled, Some(&slice)) {
                Ok(0) if stop() => return Answer::Stopped,
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return Answer::Gone,
            }
            let mut answer = [0_u8; 256];
            return match recv(&self.socket, &mut answer, RecvFlags::empty()) {
                Ok((256, _)) => {
                    let code = i32::from_le_bytes(answer[..4].try_into().expect("four"));
                    let text = answer[8..]
                        .split(|&byte| byte == 0)
                        .next()
                        .unwrap_or_default();
                    Answer::Code(code, String::from_utf8_lossy(text).into_owned())
                }
                _ => Answer::Gone,
            };
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // A player that plays a stuck device does not end by itself.
        if let Err(error) = self.child.kill() {
            eprintln!("virtual ascend: a player could not be ended: {error}");
        }
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            match self.child.try_wait() {
                Ok(Some(_)) | Err(_) => return,
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        eprintln!("virtual ascend: a player did not end");
    }
}
