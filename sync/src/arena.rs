//! Memory that costs nothing until it is touched.
//!
//! An [`Arena`] reserves address space; the system commits a page when it is first written, zeroed. Parts of it are
//! taken as [`Slab`]s and never given back one by one: an arena lives as long as its slabs. Nothing is ever
//! cleared between uses (an epoch makes the old content stale); [`Slab::trim`] returns the pages to the system, after
//! which they read as zero again.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | whoever takes | `taken`, Relaxed CAS | whoever takes | Relaxed | nothing: it decides who owns which bytes |

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut, Range};
use core::ptr::{self, NonNull};
use std::io;
use std::sync::Arc;

use bytemuck::Zeroable;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::param::page_size;

use crate::atomic::{AtomicU64, Ordering};
use crate::error::Error;
use crate::storage::Storage;

/// Slabs start on a cache line of their own.
const LINE: usize = 64;
/// Slabs of at least this size start on a boundary of it: the page of most systems. Where pages are larger, trimming
/// gives back those that lie whole in a slab.
const PAGE: usize = 4096;

/// Reserved address space.
struct Reservation {
    base: NonNull<u8>,
    bytes: usize,
    taken: AtomicU64,
    /// Whether we mapped it.
    mapped: bool,
}

// SAFETY: the reservation is only an address range; slabs own disjoint parts of it.
unsafe impl Send for Reservation {}
// SAFETY: as above; `taken` is atomic.
unsafe impl Sync for Reservation {}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.mapped {
            return;
        }
        // SAFETY: we mapped these bytes, and every slab that points into them held us alive.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can be unmapped");
    }
}

/// Address space for the life of its owner, committed by first touch.
#[derive(Clone)]
pub struct Arena(Arc<Reservation>);

impl Arena {
    /// Reserves `bytes` of address space, rounded up to whole pages.
    ///
    /// # Errors
    ///
    /// [`Error::Reserve`] if the system refuses.
    pub fn reserve(bytes: usize) -> Result<Self, Error> {
        let refuse = |source| Error::Reserve { bytes, source };
        let rounded = bytes
            .max(1)
            .checked_next_multiple_of(PAGE)
            .ok_or_else(|| refuse(io::ErrorKind::OutOfMemory.into()))?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new anonymous mapping at an address the system chooses touches nothing that exists.
        let mapped = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                rounded,
                ProtFlags::READ | ProtFlags::WRITE,
                flags,
            )
        };
        let base = mapped.map_err(|errno| refuse(errno.into()))?;
        let base = NonNull::new(base.cast::<u8>())
            .ok_or_else(|| refuse(io::ErrorKind::OutOfMemory.into()))?;
        Ok(Self(Arc::new(Reservation {
            base,
            bytes: rounded,
            taken: AtomicU64::new(0),
            mapped: true,
        })))
    }

    /// An arena in memory that somebody else keeps, such as a device's.
    ///
    /// Its pages are not this process's to give back: trimming a slab of it writes zeros.
    ///
    /// # Safety
    ///
    /// The range is zeroed, starts on a page, is readable and writable, and is nobody else's to touch for as
    /// long as the arena or a slab of it lives.
    #[must_use]
    pub unsafe fn adopt(base: NonNull<u8>, bytes: usize) -> Self {
        Self(Arc::new(Reservation {
            base,
            bytes,
            taken: AtomicU64::new(0),
            mapped: false,
        }))
    }

    /// The bytes reserved.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.bytes
    }

    /// The bytes taken so far, padding included.
    #[must_use]
    pub fn taken(&self) -> usize {
        to_usize(self.0.taken.load(Ordering::Relaxed))
    }

    /// Takes `len` zero values of `T`.
    ///
    /// # Errors
    ///
    /// [`Error::ArenaFull`] if the reservation has not enough left, [`Error::TooLarge`] if no reservation could.
    pub fn take<T: Zeroable>(&self, len: usize) -> Result<Slab<T>, Error> {
        const {
            assert!(
                !core::mem::needs_drop::<T>(),
                "slabs are never dropped value by value"
            );
            assert!(
                align_of::<T>() <= PAGE,
                "no value needs more than page alignment"
            );
        }
        let size = size_of::<T>();
        let wanted = len
            .checked_mul(size)
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or(Error::TooLarge { len, size })?;
        let align = if wanted >= PAGE {
            PAGE
        } else {
            LINE.max(align_of::<T>())
        };
        let mut taken = self.0.taken.load(Ordering::Relaxed);
        let start = loop {
            let full = || Error::ArenaFull {
                wanted,
                left: self.0.bytes - to_usize(taken),
                reserved: self.0.bytes,
            };
            let start = to_usize(taken)
                .checked_next_multiple_of(align)
                .ok_or_else(full)?;
            let end = start
                .checked_add(wanted)
                .filter(|&end| end <= self.0.bytes)
                .ok_or_else(full)?;
            match self.0.taken.compare_exchange_weak(
                taken,
                end as u64,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => break start,
                Err(now) => taken = now,
            }
        };
        // SAFETY: `start` is within the reservation.
        let first = unsafe { self.0.base.add(start) };
        Ok(Slab {
            first: first.cast(),
            len,
            arena: self.clone(),
            values: PhantomData,
        })
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("reserved", &self.reserved())
            .field("taken", &self.taken())
            .finish()
    }
}

/// Values in an arena, zero until written; keeps the arena alive.
pub struct Slab<T> {
    first: NonNull<T>,
    len: usize,
    arena: Arena,
    values: PhantomData<T>,
}

// SAFETY: a slab owns its values, like a box.
unsafe impl<T: Send> Send for Slab<T> {}
// SAFETY: a slab owns its values, like a box.
unsafe impl<T: Sync> Sync for Slab<T> {}

// SAFETY: the slab owns its part of the arena, which stays where it is when the slab moves.
unsafe impl<T> Storage<T> for Slab<T> {
    #[inline]
    fn slots(&self) -> &[T] {
        self
    }
}

impl<T> Slab<T> {
    /// The arena the slab lies in.
    #[must_use]
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// The address of the first value, for foreign code.
    #[inline]
    #[must_use]
    pub fn as_ptr(&self) -> *mut T {
        self.first.as_ptr()
    }

    /// The byte range in the arena.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        let start = self.first.addr().get() - self.arena.0.base.addr().get();
        start..start + self.len * size_of::<T>()
    }

    /// Makes all values zero by giving their pages back to the system.
    ///
    /// # Errors
    ///
    /// [`Error::Trim`] if the system refuses; some values may be zero then.
    pub fn trim(&mut self) -> Result<(), Error> {
        // SAFETY: nobody else can reach the values while we have them exclusively.
        unsafe { self.trim_shared() }
    }

    /// Makes all values zero by giving their pages back, for owners that cannot lend the slab mutably.
    ///
    /// # Errors
    ///
    /// [`Error::Trim`] if the system refuses; some values may be zero then.
    ///
    /// # Safety
    ///
    /// No other thread may access the values at the same time, and no reference to a value that is not an
    /// atomic or a [`Slot`](crate::Slot) may live across the call.
    pub unsafe fn trim_shared(&self) -> Result<(), Error> {
        let bytes = self.len * size_of::<T>();
        let start = self.first.cast::<u8>().as_ptr();
        let whole = if self.arena.0.mapped {
            whole_pages(start.addr(), bytes, page_size())
        } else {
            0..0
        };
        if !whole.is_empty() {
            // SAFETY: the range is part of the slab.
            let pages = unsafe { start.add(whole.start) };
            // SAFETY: whole pages of our own mapping in which only this slab lies, and the caller keeps everyone out.
            unsafe { madvise(pages.cast(), whole.len(), Advice::LinuxDontNeed) }.map_err(
                |errno| Error::Trim {
                    bytes: whole.len(),
                    source: errno.into(),
                },
            )?;
        }
        for rest in [0..whole.start, whole.end..bytes] {
            // SAFETY: the range is part of the slab.
            let part = unsafe { start.add(rest.start) };
            // SAFETY: the part is ours, and zero is a value of `T` (only `Zeroable` values are taken).
            unsafe { part.write_bytes(0, rest.len()) };
        }
        Ok(())
    }
}

impl<T> Deref for Slab<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `take` gave us `len` aligned values of zeroed memory, and zero is a value of `T`.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Slab<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` excludes everyone else.
        unsafe { core::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slab")
            .field("len", &self.len)
            .field("span", &self.span())
            .finish()
    }
}

/// Which of the `bytes` from address `start` on are whole pages of `page` bytes; `0..0` if none are.
const fn whole_pages(start: usize, bytes: usize, page: usize) -> Range<usize> {
    let head = start.next_multiple_of(page) - start;
    if head >= bytes {
        return 0..0;
    }
    let end = bytes - (start + bytes) % page;
    if end <= head { 0..0 } else { head..end }
}

#[expect(clippy::cast_possible_truncation, reason = "it was made from a usize")]
const fn to_usize(bytes: u64) -> usize {
    bytes as usize
}

#[cfg(test)]
mod tests {
    use super::{Arena, PAGE, whole_pages};
    use crate::cell::Word64;
    use crate::error::Error;
    use core::ptr::NonNull;
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
    use std::thread;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]
        /// Slabs do not overlap, lie on lines or pages, are zero, and the accounts add up.
        #[test]
        fn slabs_are_disjoint_zero_and_accounted(lens in proptest::collection::vec(0_usize..2000, 0..40)) {
            let arena = Arena::reserve(1 << 18).expect("address space");
            let mut end = 0;
            let mut slabs = Vec::new();
            for (number, len) in lens.into_iter().enumerate() {
                match arena.take::<u64>(len) {
                    Ok(mut slab) => {
                        let span = slab.span();
                        prop_assert!(span.start >= end && span.len() == len * 8);
                        prop_assert_eq!(span.start % if len * 8 >= PAGE { PAGE } else { 64 }, 0);
                        end = span.end;
                        prop_assert!(slab.iter().all(|&value| value == 0));
                        slab.fill(number as u64 + 1);
                        slabs.push((number, slab));
                    }
                    Err(Error::ArenaFull { wanted, left, reserved }) => {
                        prop_assert_eq!((wanted, left, reserved), (len * 8, (1 << 18) - end, 1 << 18));
                        prop_assert!(wanted + PAGE > left);
                    }
                    Err(error) => prop_assert!(false, "{error}"),
                }
                prop_assert_eq!(arena.taken(), end);
            }
            for (number, slab) in &slabs {
                prop_assert!(slab.iter().all(|&value| value == *number as u64 + 1));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]
        /// Only pages that lie whole in the range are given back, and all of them, whatever the size of a page.
        #[test]
        fn whole_pages_lie_inside(start in 0_usize..1 << 18, bytes in 0_usize..1 << 18, larger in 0_u32..5) {
            let page = PAGE << larger;
            let mut inside = (0..=start + bytes)
                .step_by(page)
                .filter(|&at| at >= start && at + page <= start + bytes);
            let first = inside.next();
            let last = inside.last().or(first);
            let expected = match (first, last) {
                (Some(first), Some(last)) => first - start..last + page - start,
                _ => 0..0,
            };
            prop_assert_eq!(whole_pages(start, bytes, page), expected);
        }
    }

    #[test]
    fn trimming_makes_whole_and_partial_pages_zero_and_leaves_neighbours_alone() {
        let arena = Arena::reserve(1 << 20).expect("address space");
        for len in [1, 100, 512, 513, 2000] {
            let mut before = arena.take::<u64>(1).expect("room");
            let mut slab = arena.take::<u64>(len).expect("room");
            let mut behind = arena.take::<u64>(1).expect("room");
            before[0] = 1;
            behind[0] = 2;
            slab.fill(u64::MAX);
            slab.trim().expect("the system takes pages back");
            assert!(slab.iter().all(|&value| value == 0), "{len} values");
            assert_eq!((before[0], behind[0]), (1, 2));
            slab[len - 1] = 3;
            assert_eq!(slab[len - 1], 3);
        }
    }

    #[test]
    fn a_slab_outlives_the_handle_of_its_arena() {
        let slab = Arena::reserve(PAGE)
            .and_then(|arena| arena.take::<Word64>(8))
            .expect("room");
        slab[7].publish(5);
        assert_eq!((slab[7].own(), slab.arena().reserved()), (5, PAGE));
    }

    #[test]
    fn adopted_memory_is_used_cleared_and_left_to_its_owner() {
        let owner = Arena::reserve(4 * PAGE).expect("address space");
        let memory = owner.take::<u64>(2 * PAGE / 8).expect("room");
        let base = NonNull::new(memory.as_ptr().cast::<u8>()).expect("taken");
        // SAFETY: a slab of whole pages, zero, which nobody else touches while the arena lives.
        let arena = unsafe { Arena::adopt(base, 2 * PAGE) };
        let mut slab = arena.take::<u64>(PAGE / 8).expect("room");
        slab.fill(7);
        slab.trim().expect("nothing is asked of the system");
        assert!(slab.iter().all(|&value| value == 0));
        assert!(arena.take::<u64>(PAGE).is_err());
        slab[1] = 9;
        drop((slab, arena));
        assert_eq!(memory[1], 9);
    }

    #[test]
    fn a_large_reservation_costs_nothing_and_too_large_ones_are_errors() {
        let arena = Arena::reserve(1 << 36).expect("address space is plentiful");
        let mut slab = arena.take::<u8>(1 << 35).expect("room");
        slab[(1 << 35) - 1] = 1;
        assert!(matches!(
            Arena::reserve(usize::MAX),
            Err(Error::Reserve {
                bytes: usize::MAX,
                ..
            })
        ));
        assert!(matches!(
            Arena::reserve(1 << 60),
            Err(Error::Reserve { .. })
        ));
        assert!(matches!(
            arena.take::<u64>(usize::MAX),
            Err(Error::TooLarge { size: 8, .. })
        ));
    }

    #[test]
    fn threads_take_disjoint_slabs() {
        let arena = Arena::reserve(64 * 400).expect("address space");
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let arena = arena.clone();
                thread::spawn(move || {
                    (0..100)
                        .map(|_| arena.take::<u64>(8).expect("room"))
                        .collect()
                })
            })
            .collect();
        let slabs: Vec<Vec<super::Slab<u64>>> = takers
            .into_iter()
            .map(|taker| taker.join().expect("the taker ends"))
            .collect();
        let mut starts: Vec<_> = slabs
            .iter()
            .flatten()
            .map(|slab| slab.span().start)
            .collect();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!((starts.len(), arena.taken()), (400, 64 * 400));
    }
}
