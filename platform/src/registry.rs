//! Which program stands under which callable id.
//!
//! Knows the 64 entries and the orchestration images they share. Refuses to know what a machine has
//! loaded: each registration has a number of its own, by which a machine tells a new program under an
//! old id from the one it has loaded.
//!
//! Images are shared when their content id *and* their bytes are equal: a build id names a link, not
//! its bytes, and two links may carry the same one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use protocol::content_id;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;

use crate::error::{Error, Result};
use crate::launch::Prepared;
use crate::machine::Machine;

/// The index of a callable id.
pub(crate) fn index(id: i32) -> Result<usize> {
    usize::try_from(id)
        .ok()
        .filter(|&index| index < MAX_REGISTERED_CALLABLE_IDS)
        .ok_or(Error::CallableId { id })
}

/// One registered program.
#[derive(Debug)]
struct Entry<M: Machine> {
    program: Arc<Prepared<M::Kernel>>,
    registration: u64,
}

/// The programs of one context.
#[derive(Debug)]
pub(crate) struct Registry<M: Machine> {
    entries: [Option<Entry<M>>; MAX_REGISTERED_CALLABLE_IDS],
    images: Images,
    registrations: u64,
    loads: u64,
    host_loads: u64,
}

impl<M: Machine> Registry<M> {
    pub(crate) fn new() -> Self {
        Self {
            entries: [const { None }; MAX_REGISTERED_CALLABLE_IDS],
            images: Images::default(),
            registrations: 0,
            loads: 0,
            host_loads: 0,
        }
    }

    /// Orchestrations loaded by runs; only grows.
    pub(crate) fn loads(&self) -> u64 {
        self.loads
    }

    /// Orchestrations loaded when they were registered; only grows.
    pub(crate) fn host_loads(&self) -> u64 {
        self.host_loads
    }

    /// Refuses an id that is out of range or taken.
    pub(crate) fn vacant(&self, id: i32) -> Result<()> {
        match self.entries[index(id)?] {
            None => Ok(()),
            Some(_) => Err(Error::AlreadyRegistered { id }),
        }
    }

    /// The shared copy of an orchestration's bytes.
    pub(crate) fn share(&mut self, bytes: &Arc<[u8]>) -> Arc<[u8]> {
        self.images.share(bytes)
    }

    /// Registers a program; `on_host` says that its orchestration was loaded for that.
    pub(crate) fn insert(
        &mut self,
        id: i32,
        program: Arc<Prepared<M::Kernel>>,
        on_host: bool,
    ) -> Result<()> {
        self.vacant(id)?;
        self.registrations += 1;
        self.host_loads += u64::from(on_host);
        self.entries[index(id)?] = Some(Entry {
            program,
            registration: self.registrations,
        });
        Ok(())
    }

    /// The program under `id` and the number of its registration.
    pub(crate) fn find(&self, id: i32) -> Result<(Arc<Prepared<M::Kernel>>, u64)> {
        let entry = self.entries[index(id)?]
            .as_ref()
            .ok_or(Error::NotRegistered { id })?;
        Ok((Arc::clone(&entry.program), entry.registration))
    }

    /// Counts an orchestration that a run has loaded.
    pub(crate) fn count_load(&mut self) {
        self.loads += 1;
    }

    /// Unregisters; an id with nothing behind it is none of a caller's worries.
    pub(crate) fn remove(&mut self, id: i32) -> Option<Arc<Prepared<M::Kernel>>> {
        let entry = self.entries[index(id).ok()?].take()?;
        Some(entry.program)
    }
}

/// Bytes that several programs share, each kept as long as a program uses it.
#[derive(Debug, Default)]
struct Images {
    by_id: HashMap<u64, Vec<Weak<[u8]>>>,
}

impl Images {
    fn share(&mut self, bytes: &Arc<[u8]>) -> Arc<[u8]> {
        self.by_id.retain(|_, images| {
            images.retain(|image| image.strong_count() > 0);
            !images.is_empty()
        });
        let images = self.by_id.entry(content_id(bytes)).or_default();
        let known = images
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| **known == **bytes);
        known.unwrap_or_else(|| {
            images.push(Arc::downgrade(bytes));
            Arc::clone(bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Images;

    /// Bytes of a 64-bit ELF file whose only content is a build id.
    fn with_build_id(id: [u8; 8], tail: &[u8]) -> Arc<[u8]> {
        let mut file = vec![0; 64 + 56];
        file[..5].copy_from_slice(b"\x7fELF\x02");
        file[32] = 64; // where the program headers are
        file[54] = 56; // how long one is
        file[56] = 1; // how many there are
        file[64] = 4; // a note segment
        file[64 + 8] = 120; // where it starts
        file[64 + 32] = 24; // how long it is
        for word in [4_u32, 8, 3] {
            file.extend(word.to_le_bytes());
        }
        file.extend(b"GNU\0");
        file.extend(id);
        file.extend(tail);
        file.into()
    }

    #[test]
    fn equal_bytes_are_kept_once_and_only_while_used() {
        let mut images = Images::default();
        let first = images.share(&Arc::from(*b"graph"));
        let second = images.share(&Arc::from(*b"graph"));
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        images.share(&Arc::from(*b"other"));
        images.share(&Arc::from(*b"third"));
        assert_eq!(images.by_id.len(), 1, "what nobody uses is forgotten");
    }

    /// Hazard 20: the reference gives the second program the first one's code.
    #[test]
    fn equal_build_ids_with_different_bytes_are_two_images() {
        let (a, b) = (with_build_id([7; 8], b"a"), with_build_id([7; 8], b"b"));
        assert_eq!(protocol::content_id(&a), protocol::content_id(&b));
        let mut images = Images::default();
        let (first, second) = (images.share(&a), images.share(&b));
        assert_eq!((first.last(), second.last()), (Some(&b'a'), Some(&b'b')));
    }
}
