//! What this process holds of its system.

use core::time::Duration;
use std::fs;
use std::thread;
use std::time::Instant;

/// How long threads that have ended may still be listed.
const WATCHDOG: Duration = Duration::from_secs(20);

/// What this process holds of its system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Open files.
    pub files: usize,
    /// Threads.
    pub threads: usize,
    /// Parts of files that are mapped: code above all.
    pub mapped_files: usize,
    /// Pages of address space. Not how many mappings they are: neighbours become one by chance.
    pub pages: usize,
}

impl Footprint {
    /// What it holds now.
    ///
    /// # Panics
    /// When the system does not say.
    #[must_use]
    pub fn now() -> Self {
        let entries = |folder| fs::read_dir(folder).expect("Linux lists them").count();
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux lists them");
        Self {
            files: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            mapped_files: maps.lines().filter(|line| line.contains(" /")).count(),
            pages: pages(),
        }
    }

    /// What it holds when all its other threads sleep: one that was just started has not yet all that it will have.
    ///
    /// # Panics
    /// When one does not come to rest.
    #[must_use]
    pub fn at_rest() -> Self {
        let started = Instant::now();
        give_back_stacks();
        while !others_sleep() {
            assert!(started.elapsed() < WATCHDOG, "a thread does not sleep");
            thread::sleep(Duration::from_millis(1));
        }
        Self::now()
    }

    /// Waits until the process holds no more than this again.
    ///
    /// # Panics
    /// When that does not come true.
    #[track_caller]
    pub fn returns(&self) {
        let started = Instant::now();
        loop {
            give_back_stacks();
            let now = Self::now();
            if now.files <= self.files
                && now.threads <= self.threads
                && now.mapped_files <= self.mapped_files
                && now.pages <= self.pages
            {
                return;
            }
            assert!(
                started.elapsed() < WATCHDOG,
                "before: {self:?}, after: {now:?}\n{}",
                fs::read_to_string("/proc/self/maps").unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Makes the system's library give back the stack of a thread that ended by itself: it does so when another is joined.
fn give_back_stacks() {
    let ended = thread::spawn(|| {}).join();
    ended.expect("a thread that does nothing");
}

/// Whether no thread but the calling one runs or wants to.
fn others_sleep() -> bool {
    let running = |task: std::io::Result<fs::DirEntry>| {
        let file = task.expect("a thread").path().join("stat");
        // One that has just ended has no file any more.
        let stat = fs::read_to_string(file).unwrap_or_default();
        let state = stat.rsplit(')').next().map(str::trim_start);
        state.is_some_and(|state| state.starts_with(['R', 'D']))
    };
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists them");
    // The calling one runs.
    tasks.map(running).filter(|&running| running).count() <= 1
}

/// Pages of address space in use.
pub(super) fn pages() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux says it");
    let pages = statm.split(' ').next().and_then(|it| it.parse().ok());
    pages.expect("a number is the first of several")
}

/// Waits until this process has no more than `threads` threads.
///
/// # Panics
/// When that does not come true.
#[track_caller]
pub fn threads_return(threads: usize) {
    let started = Instant::now();
    while Footprint::now().threads > threads {
        assert!(started.elapsed() < WATCHDOG, "a thread does not end");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Does `round` again and again and checks that after the first times the process holds no more than before.
///
/// # Panics
/// When it does.
#[track_caller]
pub fn leaves_nothing(mut round: impl FnMut()) {
    // What a process needs once: buffers of its allocator, stacks that are kept for coming threads.
    for _ in 0..3 {
        round();
    }
    let before = Footprint::at_rest();
    for _ in 0..4 {
        round();
    }
    before.returns();
}
