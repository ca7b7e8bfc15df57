//! Payloads that one thread writes and others read, by turns that something else decides.
//!
//! A [`Slot`] knows nothing of the turns: a queue, a published word or a countdown hands the right to it from
//! thread to thread. The whole contract is here, once:
//!
//! * **Reading** needs that no thread writes the slot meanwhile, and that the last write happened before
//!   (was published and observed, or done by this thread).
//! * **Writing** needs that no other thread reads or writes the slot meanwhile, and that the last access of
//!   every other thread happened before.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | the slot's owner | plain | whoever was handed the slot | plain | nothing: the hand-over does |

use core::fmt;
use core::marker::PhantomData;

use crate::atomic::UnsafeCell;
use crate::storage::Storage;

/// A value that is handed from thread to thread; see the module for the contract.
#[repr(transparent)]
pub struct Slot<T>(UnsafeCell<T>);

// SAFETY: all access goes through unsafe functions whose contract forbids races; `T: Send` because a writer may
// take the value out, `T: Sync` because several may read at once.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

// SAFETY: a slot is its value.
#[cfg(not(loom))]
unsafe impl<T: bytemuck::Zeroable> bytemuck::Zeroable for Slot<T> {}

impl<T> Slot<T> {
    /// A slot that holds `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value, to read.
    ///
    /// # Safety
    ///
    /// The contract of reading (module) holds for as long as the reference is used.
    #[inline]
    #[must_use]
    pub unsafe fn get(&self) -> &T {
        // SAFETY: the caller's promise: no writer while the reference lives.
        self.0.with(|value| unsafe { &*value })
    }

    /// The value, to write.
    ///
    /// # Safety
    ///
    /// The contract of writing (module) holds for as long as the reference is used.
    #[expect(
        clippy::mut_from_ref,
        reason = "that is what a slot is for; the contract makes it sound"
    )]
    #[inline]
    #[must_use]
    pub unsafe fn get_mut(&self) -> &mut T {
        // SAFETY: the caller's promise: nobody else while the reference lives.
        self.0.with_mut(|value| unsafe { &mut *value })
    }

    /// The value's address, for foreign code and for writing parts of the value.
    #[inline]
    #[must_use]
    pub fn as_ptr(&self) -> *mut T {
        self.0.with(<*const T>::cast_mut)
    }

    /// The value, by exclusive access.
    #[inline]
    #[must_use]
    pub fn exclusive(&mut self) -> &mut T {
        // SAFETY: `&mut self` excludes everyone else.
        unsafe { self.get_mut() }
    }
}

impl<T: Default> Default for Slot<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be another thread's just now.
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// Slots by number.
pub struct SlotVec<T, S = Box<[Slot<T>]>> {
    slots: S,
    values: PhantomData<T>,
}

impl<T> SlotVec<T> {
    /// `len` slots that hold what `value` makes for each number.
    #[must_use]
    pub fn new(len: usize, value: impl FnMut(usize) -> T) -> Self {
        Self::over((0..len).map(value).map(Slot::new).collect())
    }
}

impl<T, S: Storage<Slot<T>>> SlotVec<T, S> {
    /// The given slots.
    pub fn over(slots: S) -> Self {
        Self {
            slots,
            values: PhantomData,
        }
    }

    /// How many slots there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.slots().len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Slot `index`.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    #[inline]
    #[must_use]
    pub fn slot(&self, index: usize) -> &Slot<T> {
        &self.slots.slots()[index]
    }

    /// The value of slot `index`, to read.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    ///
    /// # Safety
    ///
    /// The contract of reading (module) holds for as long as the reference is used.
    #[inline]
    #[must_use]
    pub unsafe fn get(&self, index: usize) -> &T {
        // SAFETY: the caller's promise.
        unsafe { self.slot(index).get() }
    }

    /// The value of slot `index`, to write.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    ///
    /// # Safety
    ///
    /// The contract of writing (module) holds for as long as the reference is used.
    #[expect(
        clippy::mut_from_ref,
        reason = "that is what a slot is for; the contract makes it sound"
    )]
    #[inline]
    #[must_use]
    pub unsafe fn get_mut(&self, index: usize) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { self.slot(index).get_mut() }
    }
}

impl<T, S: Storage<Slot<T>>> fmt::Debug for SlotVec<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotVec")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::SlotVec;
    use crate::cell::Word32;
    use loom::sync::Arc;
    use loom::thread;

    /// The turn goes to and fro by a published word; loom would report any overlap.
    #[test]
    fn a_slot_goes_from_thread_to_thread() {
        loom::model(|| {
            let shared = Arc::new((Word32::new(0), SlotVec::new(1, |_| 0_u32)));
            let other = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    while shared.0.observe() != 1 {
                        thread::yield_now();
                    }
                    // SAFETY: turn 1 is ours.
                    unsafe { *shared.1.get_mut(0) += 1 };
                    shared.0.publish(2);
                })
            };
            // SAFETY: turn 0 is ours.
            unsafe { *shared.1.get_mut(0) = 1 };
            shared.0.publish(1);
            while shared.0.observe() != 2 {
                thread::yield_now();
            }
            // SAFETY: turn 2 is ours.
            assert_eq!(unsafe { *shared.1.get(0) }, 2);
            other.join().expect("the other thread ends");
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Slot, SlotVec};
    use crate::arena::Arena;

    #[test]
    fn slots_keep_their_values_wherever_they_lie() {
        let boxed = SlotVec::new(3, |index| index * 10);
        // SAFETY: one thread.
        assert_eq!(unsafe { *boxed.get(2) }, 20);
        let arena = Arena::reserve(4096).expect("address space");
        let zeroed = SlotVec::over(arena.take::<Slot<u64>>(2).expect("room"));
        // SAFETY: one thread, one reference at a time.
        unsafe { *zeroed.get_mut(1) = 4 };
        // SAFETY: as above.
        let values = [unsafe { *zeroed.get(0) }, unsafe {
            *zeroed.slot(1).as_ptr()
        }];
        assert_eq!(
            (values, zeroed.len(), zeroed.is_empty()),
            ([0, 4], 2, false)
        );
        let mut own = Slot::new(1);
        *own.exclusive() += 1;
        assert_eq!(*own.exclusive(), 2);
    }
}
