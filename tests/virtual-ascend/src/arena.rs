//! Device memory.
//!
//! Knows one memory file, mapped at one address in every process, and who has allocated what of it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};

/// Where device memory is in every process; `device/wire.h` has the same numbers.
pub(crate) const BASE: u64 = 0x1200_0000_0000;
const BYTES: u64 = 0x40_0000_0000;
/// Address space of one device.
const DEVICE: u64 = 0x10_0000_0000;
/// Where in it the registers are.
const REGISTERS: u64 = 0xc_0000_0000;
/// Devices there is address space for.
pub(crate) const DEVICES: i32 = 4;
/// What a fresh allocation is filled with, and what a freed one; `device/wire.h` has the same numbers.
const FRESH: u8 = 0xa5;
const FREED: u8 = 0xdd;
/// Longest stretch at either end of an allocation that is filled.
const FILL: u64 = 1 << 20;
const ALIGN: u64 = 512;

/// All devices' memory.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) file: OwnedFd,
    alias: *mut u8,
}

// SAFETY: the alias is memory that several threads may reach; accesses are guarded by the world's lock.
unsafe impl Send for Arena {}

impl Arena {
    pub(crate) fn new() -> io::Result<Self> {
        let file = memfd_create("virtual-ascend", MemfdFlags::empty())?;
        ftruncate(&file, BYTES)?;
        let bytes = usize::try_from(BYTES).expect("64-bit addresses");
        let base = usize::try_from(BASE).expect("64-bit addresses");
        // SAFETY: a new mapping at an address that nothing else has.
        unsafe {
            mmap_anonymous(
                core::ptr::without_provenance_mut(base),
                bytes,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED_NOREPLACE,
            )
        }?;
        // SAFETY: a new mapping at an address the system chooses.
        let alias = unsafe {
            mmap(
                core::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
                &file,
                0,
            )
        }?;
        Ok(Self {
            file,
            alias: alias.cast(),
        })
    }

    /// The test process's own view of a device address.
    pub(crate) fn view(&self, address: u64) -> *mut u8 {
        assert!(
            (BASE..BASE + BYTES).contains(&address),
            "{address:#x} is no device address"
        );
        let offset = usize::try_from(address - BASE).expect("64-bit addresses");
        self.alias.wrapping_add(offset)
    }

    /// Gives the memory of a device back to the system; it reads as zero again.
    pub(crate) fn wipe(&self, device: i32) {
        let start = start_of(device) - BASE;
        let mode = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&self.file, mode, start, DEVICE).expect("memory files have holes");
    }

    pub(crate) fn fill(&self, address: u64, byte: u8, bytes: u64) {
        if byte == 0 && bytes >= FILL {
            return self.punch(address, bytes);
        }
        let bytes = usize::try_from(bytes).expect("64-bit addresses");
        // SAFETY: the caller has checked that the range lies in device memory.
        unsafe { self.view(address).write_bytes(byte, bytes) };
    }

    /// Zeros without touching pages.
    fn punch(&self, address: u64, bytes: u64) {
        let mode = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&self.file, mode, address - BASE, bytes)
            .expect("memory files have holes");
    }
}

/// First address of a device.
pub(crate) fn start_of(device: i32) -> u64 {
    BASE + u64::from(device.unsigned_abs()) * DEVICE
}

/// First register of a device.
pub(crate) fn registers_of(device: i32) -> u64 {
    start_of(device) + REGISTERS
}

/// What of a device's memory is allocated.
#[derive(Debug)]
pub(crate) struct Allocations {
    start: u64,
    limit: u64,
    live: BTreeMap<u64, u64>,
}

impl Allocations {
    pub(crate) const fn new(start: u64, limit: u64) -> Self {
        Self {
            // Address 0 of a device is never an allocation.
            start: start + 4096,
            limit,
            live: BTreeMap::new(),
        }
    }

    /// The first gap that fits.
    pub(crate) fn allocate(&mut self, arena: &Arena, bytes: u64) -> Option<u64> {
        let used: u64 = self.live.values().sum();
        if bytes == 0 || used.checked_add(bytes)? > self.limit {
            return None;
        }
        // A guard between neighbours: a copy that leaves its allocation by little is in none.
        let taken = bytes.next_multiple_of(ALIGN) + ALIGN;
        let mut at = self.start;
        for (&start, &length) in &self.live {
            if start - at >= taken {
                break;
            }
            at = start + length;
        }
        self.live.insert(at, taken);
        arena.fill(at, FRESH, bytes.min(FILL));
        if bytes > FILL {
            arena.fill(at + bytes - FILL, FRESH, FILL);
        }
        Some(at)
    }

    /// Frees what starts at `address`.
    pub(crate) fn free(&mut self, arena: &Arena, address: u64) -> bool {
        let Some(bytes) = self.live.remove(&address) else {
            return false;
        };
        arena.fill(address, FREED, bytes.min(4096));
        true
    }

    /// Whether one allocation holds all `bytes` at `address`.
    pub(crate) fn holds(&self, address: u64, bytes: u64) -> bool {
        self.live
            .range(..=address)
            .next_back()
            .is_some_and(|(&start, &length)| {
                address
                    .checked_add(bytes)
                    .is_some_and(|end| end <= start + length - ALIGN)
            })
    }

    pub(crate) fn live(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn clear(&mut self) {
        self.live.clear();
    }
}
