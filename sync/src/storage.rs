//! Where a part keeps its slots: a box, a borrow, or a slab of an arena.

/// Owned or exclusively borrowed slots of a part.
///
/// # Safety
///
/// Every call of [`slots`](Storage::slots) returns the same memory, also after the storage itself has moved,
/// and as long as the storage lives nobody reaches that memory but through it.
pub unsafe trait Storage<T> {
    /// The slots.
    fn slots(&self) -> &[T];
}

// SAFETY: a box owns its slots, and moving the box does not move them.
unsafe impl<T> Storage<T> for Box<[T]> {
    #[inline]
    fn slots(&self) -> &[T] {
        self
    }
}

// SAFETY: an exclusive borrow is exclusive, and moving it does not move what it borrows.
unsafe impl<T> Storage<T> for &mut [T] {
    #[inline]
    fn slots(&self) -> &[T] {
        self
    }
}
