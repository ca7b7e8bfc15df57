//! The table of loaded orchestrations, one place per callable id.
//!
//! Knows which registration an id has loaded. Refuses to know when ids are registered.
//!
//! A registration is loaded at its first run and stays until the id is registered anew or the table
//! goes. A load that fails leaves the place empty, so that the next run tries again.

use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;

use super::orchestration::{Loaded, Orchestration};
use crate::shared_object::LoadError;

/// One act of registering a callable id: the same id gets a new one each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registration(pub u64);

/// Why an id has no loaded orchestration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The id is outside the table.
    #[error("callable id {id} is outside 0..{MAX_REGISTERED_CALLABLE_IDS}")]
    IdOutOfRange {
        /// The id.
        id: i32,
    },
    /// Its orchestration could not be loaded.
    #[error("callable id {id}: {source}")]
    Load {
        /// The id.
        id: i32,
        /// Why.
        source: LoadError,
    },
}

/// The loaded orchestrations of one device.
#[derive(Debug)]
pub struct Table {
    places: [Option<(Registration, Loaded)>; MAX_REGISTERED_CALLABLE_IDS],
    loads: u64,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            places: [const { None }; MAX_REGISTERED_CALLABLE_IDS],
            loads: 0,
        }
    }
}

impl Table {
    /// The orchestration of `id`, loaded now if this registration has not run before.
    ///
    /// # Errors
    ///
    /// The id is out of range, or its image cannot be loaded.
    pub fn ready(
        &mut self,
        id: i32,
        registration: Registration,
        orchestration: &Orchestration,
    ) -> Result<&Loaded, TableError> {
        let place = usize::try_from(id)
            .ok()
            .and_then(|index| self.places.get_mut(index))
            .ok_or(TableError::IdOutOfRange { id })?;
        if place
            .as_ref()
            .is_none_or(|(loaded, _)| *loaded != registration)
        {
            *place = None;
            let loaded = Loaded::load(orchestration, &format!("orchestration-{id}"))
                .map_err(|source| TableError::Load { id, source })?;
            self.loads += 1;
            *place = Some((registration, loaded));
        }
        let (_, loaded) = place.as_ref().expect("filled above");
        Ok(loaded)
    }

    /// Unloads whatever `id` has loaded.
    pub fn forget(&mut self, id: i32) {
        if let Some(place) = usize::try_from(id)
            .ok()
            .and_then(|index| self.places.get_mut(index))
        {
            *place = None;
        }
    }

    /// How many loads have succeeded.
    #[must_use]
    pub const fn loads(&self) -> u64 {
        self.loads
    }
}
