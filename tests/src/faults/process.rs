//! Processes that carry out one case each.
//!
//! The test program is the process it starts: with `--fault SUBJECT CASE` it is that case.

use core::time::Duration;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use super::{Fault, Needs, faults};
use crate::conformance::objects::COMPILED_OBJECTS;
use crate::conformance::reach::Way;
use crate::conformance::subject::Subject;
use crate::conformance::subjects_by;
use crate::dist;

/// What a case may take; it is ended then.
const WATCHDOG: Duration = Duration::from_secs(240);
/// First argument of a process that is a case.
const FLAG: &str = "--fault";
/// Bytes of each folder for temporary files, where a case wants them full.
const ROOM: &str = "size=4k";
/// Folders for temporary files that are used when the first has no room.
pub(super) const FALLBACKS: [&str; 2] = ["/var/tmp", "/dev/shm"];

/// Carries out the case that this process was started for; whether it was.
///
/// # Panics
/// When there is no such case, or its promise is not kept.
#[must_use]
pub fn is_a_case(scratch: &'static str) -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [flag, subject, case] = words.as_slice() else {
        return false;
    };
    if flag != FLAG {
        return false;
    }
    let (way, subject) = subjects(scratch)
        .find(|(_, it)| it.name() == *subject)
        .expect("a subject of the list");
    let fault = faults(way)
        .find(|it| it.name == case)
        .expect("a case of the list");
    (fault.run)(&subject);
    true
}

/// Whatever faults are for: every subject, embedded and through libraries.
pub fn subjects(scratch: &'static str) -> impl Iterator<Item = (Way, Subject)> {
    [Way::Embedded, Way::Libraries]
        .into_iter()
        .flat_map(move |way| subjects_by(way, scratch).map(move |subject| (way, subject)))
}

/// Whether this machine lets us put a small file system in the place of a folder.
#[must_use]
pub fn folders_can_be_filled() -> bool {
    let mut probe = Command::new("unshare");
    probe.args([
        "-m",
        "mount",
        "-t",
        "tmpfs",
        "-o",
        ROOM,
        "none",
        FALLBACKS[0],
    ]);
    let quiet = probe.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Carries out a case in a process of its own.
///
/// # Errors
/// How it ended and what it said.
pub fn run(way: Way, subject: &Subject, fault: &Fault) -> Result<(), String> {
    let folder = scratch_of(subject, fault);
    let objects = folder.join("objects");
    subject.objects().save(&objects);
    let log = folder.join("log");
    let out = File::create(&log).map_err(text)?;
    let err = out.try_clone().map_err(text)?;
    let mut child = command(subject, fault, &folder)
        .env(COMPILED_OBJECTS, &objects)
        .env("SIMPLER_CACHE_DIR", folder.join("cache"))
        .envs(match way {
            Way::Embedded => None,
            Way::Libraries => Some((dist::BUILT, dist::built(subject.scratch))),
        })
        // One arena of the allocator, so that what is mapped depends on what is used and not on which thread used it.
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "262144")
        // Room that the allocator has from the start and keeps: the limits of a case are for greater things.
        .env("MALLOC_TOP_PAD_", "33554432")
        .env("MALLOC_TRIM_THRESHOLD_", "1073741824")
        // Stacks that are too large to be kept for the next thread: each one is asked for anew.
        .env("RUST_MIN_STACK", "67108864")
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(text)?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(text)? {
            Some(status) => break Some(status),
            None if started.elapsed() > WATCHDOG => break None,
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    if status.is_none() {
        child.kill().map_err(text)?;
        child.wait().map_err(text)?;
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    std::fs::remove_dir_all(&folder).map_err(text)?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{status}\n{said}")),
        None => Err(format!("not over after {WATCHDOG:?}\n{said}")),
    }
}

/// The command that is the case, with a folder for temporary files of its own.
fn command(subject: &Subject, fault: &Fault, folder: &Path) -> Command {
    let program = std::env::current_exe().expect("this program is a file");
    let temporary = folder.join("temporary");
    std::fs::create_dir_all(&temporary).expect("the build folder is writable");
    let options = match fault.needs {
        Needs::Nothing => None,
        Needs::FullFolders => Some(ROOM),
        Needs::NoExec => Some("noexec"),
    };
    let mut command = match options {
        None => Command::new(program),
        Some(options) => {
            let mut script = String::new();
            for folder in ["\"$TMPDIR\"", FALLBACKS[0], FALLBACKS[1]] {
                script += &format!("mount -t tmpfs -o {options} none {folder} && ");
            }
            script += "exec \"$@\"";
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", &script, "sh"]).arg(program);
            command
        }
    };
    command.args([FLAG, &subject.name(), fault.name]);
    command.env("TMPDIR", temporary);
    command
}

fn scratch_of(subject: &Subject, fault: &Fault) -> PathBuf {
    let name = format!("{}-{}", subject.name(), fault.name).replace(['/', ':'], "-");
    let folder = format!("fault-{}-{name}", std::process::id());
    crate::compiler::scratch(subject.scratch, &folder)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn text(error: std::io::Error) -> String {
    error.to_string()
}
