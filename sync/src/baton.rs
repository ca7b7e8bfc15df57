//! A value that belongs to whoever holds its baton.
//!
//! Nobody ever waits for a baton: who does not get it does something else.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | the holder, letting go | `taken` free, Release | the next holder | AcqRel CAS | what the holder did to the value |

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::cell::Word32;
use crate::slots::Slot;

const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// A value for one thread at a time, without waiting.
pub struct Baton<T> {
    taken: Word32,
    value: Slot<T>,
}

// SAFETY: the word lends the value to one thread at a time and hands it over with what was written, so threads
// never share a reference to it: `T: Send` is enough.
unsafe impl<T: Send> Sync for Baton<T> {}

/// The right to the value, given back when dropped.
#[must_use]
pub struct Held<'a, T> {
    baton: &'a Baton<T>,
    /// It is shared between threads only if the value may be: a baton by itself asks less of `T`.
    value: PhantomData<&'a mut T>,
}

impl<T: Send> Baton<T> {
    /// Nobody holds it.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            taken: Word32::new(FREE),
            value: Slot::new(value),
        }
    }

    /// Takes the baton, unless somebody holds it. What the last holder wrote is visible.
    #[inline]
    pub fn try_take(&self) -> Option<Held<'_, T>> {
        // Looking first keeps the line shared while somebody else is at work; a swap would write it also in vain.
        let is_ours = self.taken.own() == FREE && self.taken.change(FREE, TAKEN).is_ok();
        // Made only if it is ours: dropping it gives the baton away.
        is_ours.then(|| Held {
            baton: self,
            value: PhantomData,
        })
    }

    /// The value, by exclusive access.
    pub fn exclusive(&mut self) -> &mut T {
        self.value.exclusive()
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the word admits one holder at a time, and we are it.
        unsafe { self.baton.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the word admits one holder at a time, and we are it.
        unsafe { self.baton.value.get_mut() }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.baton.taken.publish(FREE);
    }
}

impl<T> fmt::Debug for Baton<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baton")
            .field("taken", &(self.taken.own() == TAKEN))
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Held<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::Baton;
    use loom::sync::Arc;
    use loom::thread;

    /// Who gets the baton sees what the holder before wrote; loom would report any overlap.
    #[test]
    fn the_value_goes_from_holder_to_holder() {
        loom::model(|| {
            let baton = Arc::new(Baton::new(0_u32));
            let threads = [0, 1].map(|_| {
                let baton = Arc::clone(&baton);
                thread::spawn(move || {
                    let Some(mut held) = baton.try_take() else {
                        return 0;
                    };
                    *held += 1;
                    1
                })
            });
            let taken: u32 = threads
                .map(|thread| thread.join().expect("it ends"))
                .iter()
                .sum();
            let held = baton.try_take().expect("nobody holds it");
            assert_eq!(*held, taken);
            assert!(baton.try_take().is_none());
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Baton, Held};
    use core::cell::Cell;
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    assert_impl_all!(Baton<Cell<u32>>: Send, Sync);
    assert_impl_all!(Held<'static, Cell<u32>>: Send);
    assert_not_impl_any!(Held<'static, Cell<u32>>: Sync);

    #[test]
    fn one_holder_at_a_time() {
        let mut baton = Baton::new(1);
        let mut held = baton.try_take().expect("nobody holds it");
        for _ in 0..2 {
            assert!(baton.try_take().is_none());
        }
        *held += 1;
        drop(held);
        assert_eq!(baton.try_take().map(|held| *held), Some(2));
        assert_eq!(*baton.exclusive(), 2);
    }
}
