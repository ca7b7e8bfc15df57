//! A job in a process of its own, seen from both sides.
//!
//! Knows how a child is started, watched, read and ended. Refuses to know how many there are.
//!
//! A child leads a process group, so that ending it ends its compilers too, and asks the kernel to
//! be killed when its parent dies: nothing outlives the runner.

use core::time::Duration;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::FAILED;
use super::jobs::Job;
use super::record::RecordArgs;
use super::run::{Order, cases};
use crate::scene::chip::Libraries;
use crate::scene::load;
use crate::scene::report::CaseReport;
use crate::scene::resolve::Overrides;
use crate::scene::session::Machine;

/// Hidden command that a child is started with.
pub(super) const COMMAND: &str = "run-job";
/// Output kept from one child.
const MAX_OUTPUT: usize = 1 << 20;
/// How long the rest of a finished child's output may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a child ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// Well.
    Passed,
    /// By a failed case or a mistake in the scene.
    Failed,
    /// By a signal or an exit code no child uses.
    Died(String),
    /// By its time limit.
    TimedOut,
}

/// A finished child.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ending: Ending,
    pub(super) time: Duration,
    pub(super) output: String,
}

/// Runs the job a parent handed over.
pub(super) fn run(machine: &dyn Machine, job: &str) -> Result<u8, String> {
    // A parent that is already gone needs no result; the death signal covers the rest.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot follow the parent: {error}"))?;
    let job: Job = serde_json::from_str(job).map_err(|error| format!("bad job: {error}"))?;
    let scene = load::load(&job.scene).map_err(|error| error.to_string())?;
    let order = Order {
        scene: &scene,
        platform: job.platform,
        runtime: job.runtime,
        case: None,
        repeats: 1,
        overrides: &Overrides::default(),
        device: job.device,
        record: &RecordArgs::default(),
    };
    let libraries = job.runtime_dir.map(|dir| {
        // SAFETY: whoever names a folder wants its code to run, and this thread is the only one.
        unsafe { Libraries::new(dir) }
    });
    let machine: &dyn Machine = libraries.as_ref().map_or(machine, |libraries| libraries);
    let reports = cases(machine, &order, &mut |report, _| {
        println!("{}", report.text())
    })?;
    let pass = reports.iter().all(CaseReport::pass);
    Ok(if pass { 0 } else { FAILED })
}

/// Starts a child for `job` and waits until it ends or `limit` passes.
pub(super) fn watch(job: &Job, limit: Duration) -> Result<Finished, String> {
    let start = Instant::now();
    let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
    let words = serde_json::to_string(job).map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args([COMMAND, &words])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start a process: {error}"))?;
    let pid = Pid::from_child(&child);
    let output = Output::follow(&mut child);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        // Looking without reaping keeps the group's number taken until it was killed.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options)
        {
        }
        // Nobody listens after a time-out.
        let _ = ended.send(());
    });
    let in_time = end.recv_timeout(limit).is_ok();
    // The group may be empty already.
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    let status = child
        .wait()
        .map_err(|e| format!("cannot wait for a process: {e}"))?;
    let ending = match (in_time, status.code()) {
        (false, _) => Ending::TimedOut,
        (true, Some(0)) => Ending::Passed,
        (true, Some(code)) if code <= i32::from(super::WRONG) => Ending::Failed,
        (true, _) => Ending::Died(status.to_string()),
    };
    Ok(Finished {
        ending,
        time: start.elapsed(),
        output: output.collect(),
    })
}

/// What a child prints, both streams in the order they arrive.
struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    closed: mpsc::Receiver<()>,
    streams: usize,
}

impl Output {
    fn follow(child: &mut Child) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (closing, closed) = mpsc::channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        let mut count = 0;
        for mut stream in streams.into_iter().flatten() {
            count += 1;
            let text = Arc::clone(&text);
            let closing = closing.clone();
            thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(len @ 1..) = stream.read(&mut buffer) {
                    let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = MAX_OUTPUT.saturating_sub(text.len());
                    text.extend_from_slice(&buffer[..len.min(room)]);
                }
                let _ = closing.send(());
            });
        }
        Self {
            text,
            closed,
            streams: count,
        }
    }

    /// Everything printed. A process that left the group may keep a stream open for ever; it is not
    /// waited for.
    fn collect(self) -> String {
        let deadline = Instant::now() + LAST_WORDS;
        for _ in 0..self.streams {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.closed.recv_timeout(left).is_err() {
                break;
            }
        }
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}
