//! A value that belongs to whoever holds its baton.
//!
//! Knows who may touch the value now. Refuses to know what it is. Nobody ever waits for a baton: who does not get it does
//! something else.

use core::ops::{Deref, DerefMut};

use sync::{Flag, Slot};

/// A value for one thread at a time, without waiting.
pub(crate) struct Baton<T> {
    taken: Flag,
    value: Slot<T>,
}

/// The right to the value, given back when dropped.
pub(crate) struct Held<'a, T>(&'a Baton<T>);

impl<T: Send + Sync> Baton<T> {
    /// Nobody holds it.
    pub(crate) fn new(value: T) -> Self {
        Self {
            taken: Flag::new(),
            value: Slot::new(value),
        }
    }

    /// Takes the baton, unless somebody holds it. What the last holder wrote is visible.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<Held<'_, T>> {
        (!self.taken.is_set() && self.taken.set()).then(|| Held(self))
    }

    /// The value, by exclusive access.
    pub(crate) fn exclusive(&mut self) -> &mut T {
        self.value.exclusive()
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the flag admits one holder at a time, and we are it.
        unsafe { self.0.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the flag admits one holder at a time, and we are it.
        unsafe { self.0.value.get_mut() }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.clear();
    }
}

impl<T> core::fmt::Debug for Baton<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Baton")
            .field("taken", &self.taken.is_set())
            .finish_non_exhaustive()
    }
}
