//! Device memory for tests: addresses that ascend, and books of what is allocated.

use core::cell::RefCell;
use std::collections::BTreeMap;

use aicore_abi::seam::KernelEntry;
use runtime_hbg::HostMemory;

/// A program with a kernel for every function id.
pub(crate) fn kernels() -> Vec<KernelEntry> {
    let kernel = |id| KernelEntry {
        address: 0x1000 + id,
        handle: id,
    };
    (0..1024).map(kernel).collect()
}

/// Device memory that only keeps books.
#[derive(Debug)]
pub(crate) struct Books {
    next: RefCell<u64>,
    live: RefCell<BTreeMap<u64, usize>>,
    freed: RefCell<Vec<u64>>,
    /// What copies answer.
    pub(crate) copy_code: i32,
}

impl Books {
    pub(crate) fn new() -> Self {
        Self {
            next: RefCell::new(0x79_0000_0000),
            live: RefCell::default(),
            freed: RefCell::default(),
            copy_code: 0,
        }
    }

    /// Blocks allocated and not freed.
    pub(crate) fn live(&self) -> usize {
        self.live.borrow().len()
    }

    /// What was freed, in order.
    pub(crate) fn freed(&self) -> Vec<u64> {
        self.freed.borrow().clone()
    }
}

impl HostMemory for Books {
    fn malloc(&self, bytes: usize) -> u64 {
        if bytes == 0 {
            return 0;
        }
        let address = *self.next.borrow();
        *self.next.borrow_mut() += (bytes as u64).next_multiple_of(256);
        self.live.borrow_mut().insert(address, bytes);
        address
    }

    fn free(&self, device: u64) {
        let freed = self.live.borrow_mut().remove(&device);
        assert!(freed.is_some(), "{device:#x} is freed but not allocated");
        self.freed.borrow_mut().push(device);
    }

    unsafe fn copy_to(&self, device: u64, _: *const u8, bytes: usize) -> i32 {
        let live = self.live.borrow();
        let (base, size) = live.range(..=device).next_back().expect("a block");
        assert!(device + bytes as u64 <= base + *size as u64);
        self.copy_code
    }
}
