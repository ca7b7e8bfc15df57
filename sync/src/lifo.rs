//! A thread's own small stack of ready work.
//!
//! Last in, first out, because what was pushed last is still in the cache. One thread's memory: no atomics.
//! When it is full the value comes back and the owner puts it into a shared queue.

use core::mem::MaybeUninit;

/// Up to `CAPACITY` values of one thread, last in, first out.
pub struct Lifo<T, const CAPACITY: usize> {
    values: [MaybeUninit<T>; CAPACITY],
    len: usize,
}

impl<T: Copy, const CAPACITY: usize> Lifo<T, CAPACITY> {
    /// An empty stack.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            values: [const { MaybeUninit::uninit() }; CAPACITY],
            len: 0,
        }
    }

    /// How many values are held.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts `value` on top, or gives it back if the stack is full.
    ///
    /// # Errors
    ///
    /// The value itself.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        let Some(place) = self.values.get_mut(self.len) else {
            return Err(value);
        };
        place.write(value);
        self.len += 1;
        Ok(())
    }

    /// Takes the value on top.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let top = *self.as_slice().last()?;
        self.len -= 1;
        Some(top)
    }

    /// The values from the oldest to the newest.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `push` has written everything below `len`.
        unsafe { self.values[..self.len].assume_init_ref() }
    }

    /// Forgets all but the `len` oldest values, after they have been handed on.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets all values, after they have been handed on.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

impl<T: Copy, const CAPACITY: usize> Default for Lifo<T, CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy + core::fmt::Debug, const CAPACITY: usize> core::fmt::Debug for Lifo<T, CAPACITY> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Lifo;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history gives what a vector with a limit would.
        #[test]
        fn behaves_like_a_bounded_stack(steps in proptest::collection::vec(any::<Option<u32>>(), 0..100)) {
            let (mut stack, mut model) = (Lifo::<u32, 6>::new(), Vec::new());
            for step in steps {
                match step {
                    Some(value) if model.len() == 6 => prop_assert_eq!(stack.push(value), Err(value)),
                    Some(value) if value % 16 == 0 => { stack.truncate(2); model.truncate(2); }
                    Some(value) => { prop_assert_eq!(stack.push(value), Ok(())); model.push(value); }
                    None => prop_assert_eq!(stack.pop(), model.pop()),
                }
                prop_assert_eq!(stack.as_slice(), &model[..]);
                prop_assert_eq!((stack.len(), stack.is_empty()), (model.len(), model.is_empty()));
            }
            stack.clear();
            prop_assert_eq!(stack.pop(), None);
        }
    }
}
