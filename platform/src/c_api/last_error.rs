//! The words of a call that went wrong, for the thread that made it.
//!
//! Knows the last call of each thread. Refuses to keep more: whoever wants the words asks before the next call.
//!
//! A result of the interface is one number, and communicators come without a context that could keep more; so
//! the words are with the thread, as the C library's own are. They need no destructor: one would keep the shared
//! object loaded for as long as a thread lives that ever called it.

use core::cell::{Cell, RefCell};

/// Most bytes that are kept.
const CAPACITY: usize = 4096;

struct Words {
    bytes: Cell<usize>,
    text: RefCell<[u8; CAPACITY]>,
}

thread_local! {
    static LAST: Words = const {
        Words {
            bytes: Cell::new(0),
            text: RefCell::new([0; CAPACITY]),
        }
    };
}

/// The calling thread's call has begun.
pub(super) fn clear() {
    LAST.with(|last| last.bytes.set(0));
}

/// The calling thread's call went wrong.
pub(super) fn set(words: &str) {
    LAST.with(|last| {
        let fits = words.floor_char_boundary(CAPACITY);
        last.text.borrow_mut()[..fits].copy_from_slice(&words.as_bytes()[..fits]);
        last.bytes.set(fits);
    });
}

/// Copies as many of the words as fit into `place`, and says how many there are.
pub(super) fn copy_to(place: &mut [u8]) -> usize {
    LAST.with(|last| {
        let bytes = last.bytes.get();
        let fits = bytes.min(place.len());
        place[..fits].copy_from_slice(&last.text.borrow()[..fits]);
        bytes
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{CAPACITY, clear, copy_to, set};

    fn last() -> String {
        let mut place = [0; CAPACITY];
        let bytes = copy_to(&mut place);
        String::from_utf8(place[..bytes].to_vec()).expect("cut between characters")
    }

    #[test]
    fn each_thread_has_its_own_words_until_its_next_call() {
        set("first");
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(last(), "");
                set("theirs");
            });
        });
        assert_eq!(last(), "first");
        let mut little = [0; 2];
        assert_eq!((copy_to(&mut little), &little), (5, b"fi"));
        clear();
        assert_eq!(last(), "");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        set(&"ä".repeat(CAPACITY));
        assert_eq!(last().len(), CAPACITY);
        set(&format!("x{}", "ä".repeat(CAPACITY)));
        assert_eq!(last().len(), CAPACITY - 1);
    }
}
