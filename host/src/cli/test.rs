//! `simpler test`.
//!
//! Knows how jobs are spread over devices. Refuses to know what happens inside one.

use core::num::NonZero;
use core::time::Duration;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::child::{self, Ending, Finished};
use super::jobs::{self, Job};
use super::progress::Progress;
use super::{FAILED, TestArgs};
use crate::scene::discover;

/// Devices without `-j`.
const MAX_DEFAULT_DEVICES: usize = 8;

/// A job, or a scene that cannot be read.
enum Entry {
    Job(Job),
    Unreadable(PathBuf, String),
}

/// Runs the command.
pub(super) fn test(args: &TestArgs) -> Result<u8, String> {
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => Some(PathBuf::from("tests/scenes"))
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(|| PathBuf::from(".")),
    };
    let mut entries = VecDeque::new();
    for file in discover::scenes(&folder).map_err(|error| error.to_string())? {
        match jobs::of_scene(file.clone(), args) {
            Ok(jobs) => entries.extend(jobs.into_iter().map(Entry::Job)),
            Err(problem) if jobs::fits(&folder_name(&file), &args.filter) => {
                entries.push_back(Entry::Unreadable(file, problem));
            }
            Err(_) => {}
        }
    }
    if entries.is_empty() {
        return Err(format!(
            "no scene below {} fits; look without filters, or name a folder with --dir",
            folder.display()
        ));
    }
    let (passed, failed) = run_all(entries, args);
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { 0 } else { FAILED })
}

fn folder_name(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    folder.to_string_lossy().into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_all(entries: VecDeque<Entry>, args: &TestArgs) -> (usize, usize) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let real = args.platform.is_some_and(|it| !it.is_simulated());
    let usual = if real {
        1
    } else {
        cores.min(MAX_DEFAULT_DEVICES)
    };
    let count = args.devices.map_or(usual, |devices| {
        usize::try_from(devices).unwrap_or(usize::MAX)
    });
    let mut devices = args.device.clone();
    if devices.is_empty() {
        let count = u32::try_from(count.min(entries.len())).unwrap_or(u32::MAX);
        devices.extend(0..count);
    }
    let progress = Mutex::new(Progress::new(entries.len()));
    let queue = Mutex::new(entries);
    let limit = Duration::from_secs(args.timeout);
    thread::scope(|scope| {
        for device in devices {
            let (queue, progress) = (&queue, &progress);
            scope.spawn(move || {
                // The lock ends before the entry is run.
                let next = || lock(queue).pop_front();
                while let Some(entry) = next() {
                    run_one(entry, device, limit, progress);
                }
            });
        }
    });
    lock(&progress).counts()
}

fn run_one(entry: Entry, device: u32, limit: Duration, progress: &Mutex<Progress>) {
    let mut job = match entry {
        Entry::Job(job) => job,
        Entry::Unreadable(file, problem) => {
            let label = folder_name(&file);
            lock(progress).finish(device, &label, Err(problem), Duration::ZERO, "");
            return;
        }
    };
    job.device = device;
    let label = job.label();
    lock(progress).start(&label);
    let (verdict, time, output) = match child::watch(&job, limit) {
        Err(problem) => (Err(problem), Duration::ZERO, String::new()),
        Ok(Finished {
            ending,
            time,
            output,
        }) => {
            let verdict = match ending {
                Ending::Passed => Ok(()),
                Ending::Failed => Err(format!(
                    "again: simpler run {} -p {} -r {}",
                    job.scene.display(),
                    job.platform,
                    job.runtime
                )),
                Ending::Died(how) => Err(format!("the process died: {how}")),
                Ending::TimedOut => Err(format!(
                    "killed after {} s without an end; raise --timeout if it needs longer",
                    limit.as_secs()
                )),
            };
            (verdict, time, output)
        }
    };
    lock(progress).finish(device, &label, verdict, time, &output);
}
