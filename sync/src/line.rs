//! A value alone on its cache line.
//!
//! 64 bytes on every target: layouts that two targets share must not depend on what a library thinks of
//! the target's prefetcher.

use core::ops::{Deref, DerefMut};

use bytemuck::Zeroable;

/// A value that shares its 64-byte cache line with nothing else.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Line<T>(pub T);

// SAFETY: the bytes behind the value are padding, and zero is a value of `T`.
unsafe impl<T: Zeroable> Zeroable for Line<T> {}

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Line<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Line;

    #[test]
    fn neighbours_do_not_share_a_line() {
        let pair = [Line(1_u8), Line(2)];
        let distance = (&raw const pair[1]).addr() - (&raw const pair[0]).addr();
        assert_eq!((distance, (&raw const pair[0]).addr() % 64), (64, 0));
    }
}
