//! Device memory of a simulated chip: memory of this process.
//!
//! Knows how to get zeroed memory cheaply at any size, and when the simulated chip has none left.
//! Refuses to know who uses it.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc_zeroed, dealloc};
use std::sync::Arc;

use sync::{Arena, Slab, Word64};

use crate::address::DeviceAddress;
use crate::machine::DeviceMemory;

/// Alignment of every allocation.
const ALIGN: usize = 64;
/// From here on an allocation is a mapping of its own, committed by first touch.
const MAPPED: usize = 128 << 10;

/// Makes allocations fail on purpose: for tests of what an application does then.
#[derive(Debug, Default)]
pub struct MemoryFault {
    /// 0: none fails; else one more than how many succeed until then.
    left: Word64,
}

impl MemoryFault {
    /// After `good` more allocations, all fail.
    pub fn after(&self, good: u64) {
        self.left.publish(good + 1);
    }

    /// None fails any more.
    pub fn lift(&self) {
        self.left.publish(0);
    }

    fn check(&self) -> Result<(), String> {
        match self.left.observe() {
            0 => Ok(()),
            1 => Err("made to fail on purpose".to_owned()),
            left => {
                // Of two threads that come at once, one may get a success too many.
                self.left.publish(left - 1);
                Ok(())
            }
        }
    }
}

/// The memory that a simulated chip has.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: Word64,
    fault: Option<Arc<MemoryFault>>,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Self::with_fault(limit, None)
    }

    pub(crate) fn with_fault(limit: u64, fault: Option<Arc<MemoryFault>>) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: Word64::new(0),
            fault,
        })
    }

    fn take(&self, bytes: u64) -> Result<(), String> {
        self.fault.as_ref().map_or(Ok(()), |fault| fault.check())?;
        let mut used = self.used.observe();
        loop {
            let sum = used
                .checked_add(bytes)
                .filter(|&sum| sum <= self.limit)
                .ok_or_else(|| format!("the chip has {} bytes, {used} are taken", self.limit))?;
            match self.used.change(used, sum) {
                Ok(()) => return Ok(()),
                Err(now) => used = now,
            }
        }
    }
}

/// One allocation.
#[derive(Debug)]
pub struct SimMemory {
    first: NonNull<u8>,
    bytes: u64,
    home: Home,
    budget: Arc<Budget>,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Home {
    Heap(Layout),
    Mapping(#[expect(dead_code, reason = "keeps the mapping")] Slab<u8>),
}

// SAFETY: an allocation is plain memory that its owner may hand to any thread; who accesses it when
// is settled by whoever hands out its address.
unsafe impl Send for SimMemory {}
// SAFETY: as above; shared, it only tells its address and size.
unsafe impl Sync for SimMemory {}

impl SimMemory {
    pub(crate) fn allocate(bytes: u64, budget: &Arc<Budget>) -> Result<Self, String> {
        let size = usize::try_from(bytes)
            .ok()
            .filter(|&size| size < isize::MAX.unsigned_abs() - ALIGN)
            .ok_or("it exceeds the address space")?;
        budget.take(bytes)?;
        let home = if size < MAPPED {
            heap(size)
        } else {
            mapping(size)
        };
        match home {
            Ok((first, home)) => Ok(Self {
                first,
                bytes,
                home,
                budget: Arc::clone(budget),
            }),
            Err(reason) => {
                budget.used.sub(bytes);
                Err(reason)
            }
        }
    }
}

fn heap(size: usize) -> Result<(NonNull<u8>, Home), String> {
    let layout =
        Layout::from_size_align(size.max(ALIGN), ALIGN).map_err(|error| error.to_string())?;
    // SAFETY: the layout is not empty.
    let first = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or("the heap is exhausted")?;
    Ok((first, Home::Heap(layout)))
}

fn mapping(size: usize) -> Result<(NonNull<u8>, Home), String> {
    let slab = Arena::reserve(size)
        .and_then(|arena| arena.take::<u8>(size))
        .map_err(|error| error.to_string())?;
    let first = NonNull::new(slab.as_ptr()).ok_or("the system mapped address 0")?;
    Ok((first, Home::Mapping(slab)))
}

impl DeviceMemory for SimMemory {
    fn address(&self) -> DeviceAddress {
        DeviceAddress(self.first.expose_provenance().get() as u64)
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for SimMemory {
    fn drop(&mut self) {
        if let Home::Heap(layout) = self.home {
            // SAFETY: `heap` allocated it with this layout, and we are its owner.
            unsafe { dealloc(self.first.as_ptr(), layout) };
        }
        self.budget.used.sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, MAPPED, SimMemory};
    use crate::machine::DeviceMemory;

    #[test]
    fn memory_is_aligned_zeroed_and_counted() {
        let budget = Budget::new(u64::MAX);
        for bytes in [0, 1, 64, 4000, MAPPED as u64 - 1, MAPPED as u64, 3 << 20] {
            let memory = SimMemory::allocate(bytes, &budget).expect("there is enough");
            assert_eq!(memory.address().0 % 64, 0);
            assert_eq!(budget.used.observe(), bytes);
            let last = usize::try_from(bytes.saturating_sub(1)).expect("small");
            // SAFETY: at least one byte is there.
            let last = unsafe { memory.first.add(last) };
            // SAFETY: as above.
            assert_eq!(unsafe { last.read() }, 0);
        }
        assert_eq!(budget.used.observe(), 0);
    }

    #[test]
    fn a_chip_has_no_more_than_it_has() {
        let budget = Budget::new(1000);
        let first = SimMemory::allocate(600, &budget).expect("within the limit");
        let refused = SimMemory::allocate(401, &budget).expect_err("beyond the limit");
        assert_eq!(refused, "the chip has 1000 bytes, 600 are taken");
        drop(first);
        SimMemory::allocate(1000, &budget).expect("all of it");
        SimMemory::allocate(u64::MAX, &Budget::new(u64::MAX)).expect_err("no machine has so much");
        let most = Budget::new(u64::MAX);
        SimMemory::allocate(1 << 61, &most).expect_err("no system maps so much");
        assert_eq!(most.used.observe(), 0);
    }
}
