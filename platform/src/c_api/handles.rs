//! Opaque pointers that can be checked.
//!
//! Knows which of the pointers it gave out still stand for something. Refuses to dereference any.

use core::ffi::c_void;
use core::hash::BuildHasher;
use core::ptr;
use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, OnceLock};

use super::guard::CallError;
use crate::lock::lock;

/// From one handle to the next: they look like addresses of something aligned.
const STEP: usize = 64;
/// Bits of an address that a program can have, without the first and last ones.
const ADDRESSES: usize = 0x3fff_ffff_ff00;

/// What the pointers given out stand for.
#[derive(Debug)]
pub(super) struct Handles<T> {
    what: &'static str,
    /// Where this table begins to count: another copy of the library begins elsewhere, so that its
    /// handles are foreign here.
    first: OnceLock<usize>,
    live: Mutex<Live<T>>,
}

#[derive(Debug)]
struct Live<T> {
    made: usize,
    by_number: BTreeMap<usize, Arc<T>>,
}

impl<T> Handles<T> {
    /// A table of handles that messages call `what`.
    pub(super) const fn new(what: &'static str) -> Self {
        Self {
            what,
            first: OnceLock::new(),
            live: Mutex::new(Live {
                made: 0,
                by_number: BTreeMap::new(),
            }),
        }
    }

    /// A handle for `value`, different from all that were.
    pub(super) fn insert(&self, value: T) -> *mut c_void {
        let mut live = lock(&self.live);
        live.made += 1;
        let first = *self.first.get_or_init(|| {
            let random = RandomState::new().hash_one(self.what);
            usize::try_from(random >> 1).unwrap_or(0) & ADDRESSES
        });
        let number = first + live.made * STEP;
        live.by_number.insert(number, Arc::new(value));
        ptr::without_provenance_mut(number)
    }

    /// What `handle` stands for.
    pub(super) fn get(&self, handle: *mut c_void) -> Result<Arc<T>, CallError> {
        let found = lock(&self.live).by_number.get(&handle.addr()).cloned();
        found.ok_or_else(|| self.unknown(handle))
    }

    /// The same, and from now on `handle` stands for nothing.
    pub(super) fn remove(&self, handle: *mut c_void) -> Result<Arc<T>, CallError> {
        let found = lock(&self.live).by_number.remove(&handle.addr());
        found.ok_or_else(|| self.unknown(handle))
    }

    /// Everything that handles stand for now.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        lock(&self.live).by_number.values().cloned().collect()
    }

    fn unknown(&self, handle: *mut c_void) -> CallError {
        if handle.is_null() {
            CallError::Null { what: self.what }
        } else {
            CallError::UnknownHandle {
                what: self.what,
                handle: handle.addr(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::ptr;

    use super::Handles;

    #[test]
    fn only_live_handles_of_this_table_stand_for_something() {
        let (table, other) = (Handles::new("thing"), Handles::new("thing"));
        let (first, second) = (table.insert(1), table.insert(2));
        assert_eq!(table.get(first).map(|it| *it).ok(), Some(1));
        assert_eq!(table.remove(second).map(|it| *it).ok(), Some(2));
        let gone = table.get(second).expect_err("it was removed").to_string();
        assert!(gone.contains("was destroyed"), "{gone}");
        let null = table.get(ptr::null_mut()).expect_err("null").to_string();
        assert_eq!(null, "the thing is null");
        other.insert(3);
        other.get(first).expect_err("it is of another table");
        assert_ne!(table.insert(4), second, "a handle is never given out twice");
    }
}
