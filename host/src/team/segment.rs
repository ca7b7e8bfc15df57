//! Memory that processes share: files without a name.
//!
//! Knows how a memory file is made, mapped and handed on by descriptor. Refuses to know what lies in
//! it. Such a file ends with its last descriptor and mapping, so a crash leaves nothing behind.

use core::fmt;
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::mm::{MapFlags, ProtFlags};

use crate::error::{Error, Result};

/// Names one segment, in every process that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SegmentId(pub(crate) u64);

impl SegmentId {
    /// No segment: the tensor lies in a device's memory.
    pub(crate) const NONE: u64 = 0;
}

/// Whether the pages of a new segment are claimed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// All of them: a full machine is an error now, not a fault signal later.
    Now,
    /// Each when it is first touched: for large address ranges of which little is used.
    OnTouch,
}

/// From this size on a segment is compared with the memory there is: the system would hand out more, and end
/// some process for it later.
const LARGE: usize = 64 << 20;

/// What the system says it could hand out, in the words of `/proc/meminfo`.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// A memory file and this process's mapping of it.
pub(crate) struct Segment {
    id: SegmentId,
    len: usize,
    base: *mut u8,
    file: OwnedFd,
}

// SAFETY: the mapping is plain memory that lives as long as the value; who may access what is settled
// by those who hand out parts of it.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Segment {
    /// A new segment of `len` bytes, zeroed.
    ///
    /// # Errors
    /// When the system has not enough memory, descriptors or address space.
    pub(crate) fn create(what: &'static str, len: usize, commit: Commit) -> Result<Arc<Self>> {
        let failed = |step| {
            move |source: rustix::io::Errno| Error::Memory {
                what,
                bytes: len as u64,
                step,
                source: source.into(),
            }
        };
        if commit == Commit::Now && len >= LARGE {
            let available = std::fs::read_to_string("/proc/meminfo")
                .ok()
                .and_then(|text| available_bytes(&text));
            if available.is_some_and(|available| len as u64 > available) {
                return Err(failed("reserve")(rustix::io::Errno::NOMEM));
            }
        }
        let file = rustix::fs::memfd_create(what, MemfdFlags::CLOEXEC).map_err(failed("open"))?;
        // A file of no bytes cannot be mapped.
        let size = len.max(1);
        rustix::fs::ftruncate(&file, size as u64).map_err(failed("size"))?;
        if commit == Commit::Now {
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size as u64)
                .map_err(failed("reserve"))?;
        }
        let mut id = [0; 8];
        let mut filled = 0;
        while filled < id.len() {
            filled +=
                rustix::rand::getrandom(&mut id[filled..], rustix::rand::GetRandomFlags::empty())
                    .map_err(failed("name"))?;
        }
        // Zero says "no segment".
        let id = SegmentId(u64::from_le_bytes(id) | 1);
        Self::map(what, id, len, file)
    }

    /// The mapping of a segment that another process made.
    ///
    /// # Errors
    /// When the system has no address space, or the file is shorter than it should be.
    pub(crate) fn import(id: SegmentId, len: usize, file: OwnedFd) -> Result<Arc<Self>> {
        let size = rustix::fs::fstat(&file).map_or(0, |stat| stat.st_size);
        if u64::try_from(size).unwrap_or(0) < len as u64 {
            return Err(Error::Damaged {
                text: format!("a segment of {len} bytes came with a file of {size}"),
            });
        }
        Self::map("a received segment", id, len, file)
    }

    fn map(what: &'static str, id: SegmentId, len: usize, file: OwnedFd) -> Result<Arc<Self>> {
        // SAFETY: a new mapping at an address of the system's choice touches nothing of ours.
        let base = unsafe {
            rustix::mm::mmap(
                core::ptr::null_mut(),
                len.max(1),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        let base = base.map_err(|source| Error::Memory {
            what,
            bytes: len as u64,
            step: "map",
            source: source.into(),
        })?;
        Ok(Arc::new(Self {
            id,
            len,
            base: base.cast(),
            file,
        }))
    }

    pub(crate) const fn id(&self) -> SegmentId {
        self.id
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Where it starts in this process; aligned to a page.
    pub(crate) const fn base(&self) -> *mut u8 {
        self.base
    }

    /// The address of byte `offset`, if `bytes` bytes from there on lie inside.
    pub(crate) fn at(&self, offset: u64, bytes: u64) -> Option<*mut u8> {
        let end = offset.checked_add(bytes)?;
        if end > self.len as u64 {
            return None;
        }
        Some(self.base.wrapping_add(usize::try_from(offset).ok()?))
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({:#x}, {} bytes)", self.id.0, self.len)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: our own mapping, and whoever uses an address of it holds the segment.
        let unmapped = unsafe { rustix::mm::munmap(self.base.cast(), self.len.max(1)) };
        debug_assert!(unmapped.is_ok(), "the mapping was ours");
    }
}

/// The segments of one worker, by id: where children in the same process find them.
#[derive(Debug, Default)]
pub(crate) struct SegmentTable(Mutex<HashMap<u64, Weak<Segment>>>);

impl SegmentTable {
    pub(crate) fn insert(&self, segment: &Arc<Segment>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(segment.id.0, Arc::downgrade(segment));
    }

    pub(crate) fn remove(&self, id: u64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&id);
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Segment>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&id)?.upgrade()
    }
}

#[cfg(test)]
mod tests {
    use super::{Commit, Segment, SegmentTable, available_bytes};

    #[test]
    fn the_available_memory_is_read() {
        let text = "MemTotal:  100 kB\nMemAvailable:   23 kB\n";
        assert_eq!(available_bytes(text), Some(23 * 1024));
        assert_eq!(available_bytes("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn two_mappings_show_the_same_bytes() {
        let one = Segment::create("test", 8192, Commit::Now).expect("there is memory");
        let file = one.file().try_clone_to_owned().expect("a descriptor");
        let two = Segment::import(one.id(), 8192, file).expect("it is as long as it says");
        assert_ne!(one.base(), two.base());
        // SAFETY: both mappings are 8192 bytes long.
        let [here, there] = [&one, &two].map(|segment| unsafe { segment.base().add(5000) });
        // SAFETY: inside the mapping, and no other thread looks.
        unsafe { here.write(7) };
        // SAFETY: as above.
        assert_eq!(unsafe { there.read() }, 7);
    }

    #[test]
    fn a_range_is_inside_or_refused() {
        let segment = Segment::create("test", 100, Commit::OnTouch).expect("there is memory");
        assert!(segment.at(0, 100).is_some() && segment.at(100, 0).is_some());
        for (offset, bytes) in [(0, 101), (100, 1), (101, 0), (u64::MAX, 2)] {
            assert!(segment.at(offset, bytes).is_none(), "{offset} {bytes}");
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_refused() {
        let one = Segment::create("test", 10, Commit::Now).expect("there is memory");
        let file = one.file().try_clone_to_owned().expect("a descriptor");
        assert!(Segment::import(one.id(), 11, file).is_err());
    }

    #[test]
    fn a_table_keeps_nothing_alive() {
        let table = SegmentTable::default();
        let segment = Segment::create("test", 10, Commit::OnTouch).expect("there is memory");
        let id = segment.id().0;
        table.insert(&segment);
        assert!(table.get(id).is_some());
        drop(segment);
        assert!(table.get(id).is_none());
    }
}
