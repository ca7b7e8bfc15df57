//! Windows through which several simulated chips see each other's memory.
//!
//! Knows how ranks meet in one shared segment, and how they notice that one of them is gone. Refuses to
//! know what kernels do with the windows.
//!
//! The segment appears under its name complete: it is made under another name, initialised, and linked.
//! A segment whose ranks have all arrived, or of which a process has died, belongs to another session and
//! is replaced by whoever finds it, under a lock on the old file.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | a rank | its claim | all | observe | whose process it is |
//! | a rank that arrives | `ready_count` +1 | waiting ranks | observe | that its window may be used |
//! | a rank at a barrier | `barrier_count` +1 | the last one | AcqRel | everything before the barrier |
//! | the last one | count 0, then `barrier_phase` +1 | waiting ranks | observe | everything before the barrier |
//! | a rank that leaves | `destroy_count` +1 | waiting ranks | observe | that it needs the windows no more |
//!
//! All wait at one doorbell in the segment and sleep; they only wake by themselves to see whether the
//! others still live.

mod segment;
#[cfg(test)]
mod tests;

use core::ptr::{self, NonNull};
use core::time::Duration;
use std::os::fd::OwnedFd;
use std::os::unix::process::parent_id;

use protocol::comm::{CommContext, SimSegmentHeader, sim_segment_name, sim_window_offset};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use sync::Deadline;

use self::segment::{Segment, start_of};
use crate::comm;
use crate::error::{Error, Result};

/// How often a waiting rank looks whether the others live.
const GLANCE: Duration = Duration::from_millis(200);
/// Bytes before the first window.
const HEAD: u64 = size_of::<SimSegmentHeader>() as u64;

/// One rank of a communicator.
///
/// Ranks are children of one parent process, or threads of one process, that name the same path.
#[derive(Debug)]
pub struct Communicator {
    rank: u32,
    ranks: u32,
    patience: Duration,
    path: String,
    segment: Option<Segment>,
    context: Box<CommContext>,
}

impl Communicator {
    /// Rank `rank` of the `ranks` that meet at `rootinfo_path`; none of them is waited for yet.
    ///
    /// # Errors
    /// When the numbers make no sense or the path is empty.
    pub fn new(rank: i32, ranks: i32, rootinfo_path: &[u8], patience: Duration) -> Result<Self> {
        let (own, count) = comm::place(rank, ranks, rootinfo_path)?;
        let mut path = String::from("/dev/shm");
        path.push_str(&String::from_utf8_lossy(&sim_segment_name(
            parent_id(),
            rootinfo_path,
        )));
        Ok(Self {
            rank: own,
            ranks: count,
            patience,
            path,
            segment: None,
            context: Box::new(bytemuck::Zeroable::zeroed()),
        })
    }

    /// Own rank.
    #[must_use]
    pub const fn rank(&self) -> u32 {
        self.rank
    }

    /// How many ranks there are.
    #[must_use]
    pub const fn ranks(&self) -> u32 {
        self.ranks
    }

    /// Makes the windows and waits until every rank has them. Windows start as zeros.
    ///
    /// The context is what kernels are given by address; it lives as long as the communicator.
    ///
    /// # Errors
    /// When there is no memory, ranks disagree about the session, one dies, or one does not come in time.
    pub fn alloc_windows(&mut self, window_bytes: u64) -> Result<&CommContext> {
        if self.segment.is_some() {
            return Err(self.refuse("its windows are there already: destroy it first"));
        }
        let deadline = Deadline::after(self.patience);
        let segment = self.enter(window_bytes, deadline)?;
        let head = segment.head();
        head.ready_count.add(1);
        head.bell.ring_all();
        let arrived = self.wait(&segment, deadline, "arrive", || {
            head.ready_count.observe() >= self.ranks
        });
        let first = segment.address() + HEAD;
        if let Err(error) = arrived {
            head.dead.set();
            head.bell.ring_all();
            return Err(error);
        }
        *self.context = CommContext::of_segment(self.rank, self.ranks, window_bytes, first)
            .ok_or_else(|| self.refuse("its windows exceed the address space"))?;
        self.segment = Some(segment);
        Ok(&self.context)
    }

    /// What kernels are given; zeros before there are windows.
    #[must_use]
    pub fn context(&self) -> &CommContext {
        &self.context
    }

    /// Waits until every rank is here.
    ///
    /// # Errors
    /// When there are no windows, a rank dies, or one does not come in time.
    pub fn barrier(&self) -> Result<()> {
        let segment = self.windows()?;
        let head = segment.head();
        // The phase is read before the rank counts itself: then the next barrier may begin at once.
        let phase = head.barrier_phase.observe();
        if head.barrier_count.add(1) + 1 == self.ranks {
            head.barrier_count.publish(0);
            head.barrier_phase.add(1);
            head.bell.ring_all();
            return Ok(());
        }
        self.wait(
            segment,
            Deadline::after(self.patience),
            "reach the barrier",
            || head.barrier_phase.observe() != phase,
        )
    }

    /// Leaves, and waits until every rank has: then nobody uses this rank's window any more. The windows
    /// are gone in any case.
    ///
    /// # Errors
    /// When a rank dies or does not leave in time.
    pub fn destroy(mut self) -> Result<()> {
        let Some(segment) = self.segment.take() else {
            return Ok(());
        };
        let head = segment.head();
        head.claims[self.rank as usize].left.publish(1);
        if head.destroy_count.add(1) + 1 == self.ranks {
            let removed = rustix::fs::unlink(self.path.as_str());
            head.bell.ring_all();
            return removed
                .map_err(|errno| self.refuse(&format!("cannot remove {}: {errno}", self.path)));
        }
        self.wait(&segment, Deadline::after(self.patience), "leave", || {
            head.destroy_count.observe() >= self.ranks
        })
    }

    fn windows(&self) -> Result<&Segment> {
        self.segment
            .as_ref()
            .ok_or_else(|| self.refuse("it has no windows yet: call alloc_windows first"))
    }

    fn refuse(&self, text: &str) -> Error {
        Error::Comm {
            rank: self.rank,
            ranks: self.ranks,
            text: text.to_owned(),
        }
    }

    fn failed(&self, what: &str, errno: Errno) -> Error {
        self.refuse(&format!("cannot {what} {}: {errno}", self.path))
    }

    /// Waits for the other ranks as long as all live.
    fn wait(
        &self,
        segment: &Segment,
        deadline: Deadline,
        act: &str,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let head = segment.head();
        loop {
            let glance = Deadline::after(GLANCE).instant();
            let next = [deadline.instant(), glance].into_iter().flatten().min();
            let over = head.bell.wait_until(next, || ready() || head.dead.is_set());
            if ready() {
                return Ok(());
            }
            if let Some((rank, pid)) = segment.dead_rank(self.ranks) {
                head.dead.set();
                head.bell.ring_all();
                return Err(self.refuse(&format!("the process {pid} of rank {rank} died")));
            }
            if over.is_ok() {
                return Err(self.refuse("another rank has given up"));
            }
            if deadline.has_passed() {
                let counts = format!(
                    "arrived {}, at the barrier {}, left {}",
                    head.ready_count.observe(),
                    head.barrier_count.observe(),
                    head.destroy_count.observe()
                );
                return Err(self.refuse(&format!(
                    "not all ranks did {act} within {:?} ({counts}): start them all, or wait longer",
                    self.patience
                )));
            }
        }
    }

    /// The segment of the session, with this rank's claim in it.
    fn enter(&self, window_bytes: u64, deadline: Deadline) -> Result<Segment> {
        let bytes = sim_window_offset(self.ranks, window_bytes)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| self.refuse("its windows exceed the address space"))?;
        loop {
            if let Some(segment) = self.open()? {
                let head = segment.head();
                if segment.is_over() || segment.dead_rank(self.ranks).is_some() {
                    self.discard(&segment)?;
                    continue;
                }
                let (ranks, size) = (head.nranks.observe(), head.per_rank_win_size.observe());
                if (ranks, size) != (self.ranks, window_bytes) {
                    return Err(self.refuse(&format!(
                        "the session has {ranks} ranks with windows of {size} bytes, this rank wants {} with {window_bytes}",
                        self.ranks
                    )));
                }
                return self.claim(segment);
            }
            if let Some(segment) = self.create(bytes, window_bytes)? {
                return self.claim(segment);
            }
            if deadline.has_passed() {
                return Err(self.refuse("the session changes again and again"));
            }
        }
    }

    fn claim(&self, segment: Segment) -> Result<Segment> {
        let claim = &segment.head().claims[self.rank as usize];
        let pid = std::process::id();
        match claim.pid.change(0, pid) {
            Ok(()) => {
                claim.started.publish(start_of(pid).unwrap_or(0));
                Ok(segment)
            }
            Err(other) => Err(self.refuse(&format!(
                "process {other} is this rank already: give every rank a number of its own"
            ))),
        }
    }

    fn open(&self) -> Result<Option<Segment>> {
        let file = match rustix::fs::open(
            self.path.as_str(),
            OFlags::RDWR | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.failed("open", errno)),
        };
        let bytes = rustix::fs::fstat(&file)
            .map_err(|errno| self.failed("look at", errno))?
            .st_size;
        match usize::try_from(bytes) {
            Ok(bytes) if bytes as u64 >= HEAD => self.map(file, bytes).map(Some),
            _ => Err(self.refuse(&format!("{} is no segment of ours: remove it", self.path))),
        }
    }

    /// Makes the segment; `None` if another rank was faster.
    fn create(&self, bytes: usize, window_bytes: u64) -> Result<Option<Segment>> {
        let private = format!("{}.{}.{}", self.path, std::process::id(), self.rank);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // A file of this name is a leftover of a process with our number that died right here.
        let _ = rustix::fs::unlink(private.as_str());
        let file = rustix::fs::open(private.as_str(), flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| self.failed("create", errno))?;
        let made = rustix::fs::ftruncate(&file, bytes as u64)
            .map_err(|errno| self.failed("size", errno))
            .and_then(|()| self.map(file, bytes));
        let linked = made.and_then(|segment| {
            let head = segment.head();
            head.nranks.publish(self.ranks);
            head.per_rank_win_size.publish(window_bytes);
            head.alloc_done.publish(1);
            match rustix::fs::linkat(
                CWD,
                private.as_str(),
                CWD,
                self.path.as_str(),
                AtFlags::empty(),
            ) {
                Ok(()) => Ok(Some(segment)),
                Err(Errno::EXIST) => Ok(None),
                Err(errno) => Err(self.failed("link", errno)),
            }
        });
        let _ = rustix::fs::unlink(private.as_str());
        linked
    }

    /// Removes a dead session's name, unless somebody else has.
    fn discard(&self, dead: &Segment) -> Result<()> {
        dead.head().dead.set();
        dead.head().bell.ring_all();
        rustix::fs::flock(&dead.file, FlockOperation::LockExclusive)
            .map_err(|errno| self.failed("lock", errno))?;
        let named = rustix::fs::stat(self.path.as_str());
        let ours = rustix::fs::fstat(&dead.file).map_err(|errno| self.failed("look at", errno))?;
        if named.is_ok_and(|named| named.st_ino == ours.st_ino) {
            rustix::fs::unlink(self.path.as_str()).map_err(|errno| self.failed("remove", errno))?;
        }
        Ok(())
    }

    fn map(&self, file: OwnedFd, bytes: usize) -> Result<Segment> {
        // SAFETY: a new mapping at an address the system chooses touches nothing that exists.
        let base = unsafe {
            rustix::mm::mmap(
                ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        }
        .map_err(|errno| self.failed("map", errno))?;
        let base =
            NonNull::new(base.cast()).ok_or_else(|| self.refuse("the system mapped address 0"))?;
        Ok(Segment { file, base, bytes })
    }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        if let Some(segment) = &self.segment {
            // Gone without `destroy`: the others shall not wait for this rank.
            segment.head().dead.set();
            segment.head().bell.ring_all();
        }
    }
}
