//! What a worker has whether it is started or not.
//!
//! Knows what is registered, and gives out buffers. Refuses to know children.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::team::catalogue::Catalogue;
use crate::team::child::Helper;
use crate::team::engine::task::Pool;
use crate::team::frame::Request;
use crate::team::graph::OfWorker;
use crate::team::handle::Callable;
use crate::team::segment::{Commit, Segment};
use crate::team::shared::Shared;
use crate::team::spec::{Kind, Limits};
use crate::team::supply::Registry;
use crate::team::tensor::{Buffer, Dropped, Hold, OwnerId};

/// What a started worker needs to know of how it was built.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) level: u32,
    pub(crate) heap_ring_bytes: u64,
    pub(crate) limits: Limits,
    pub(crate) fail_fast: bool,
    pub(crate) next_count: usize,
    pub(crate) next_kind: Kind,
    pub(crate) sub_kind: Kind,
    pub(crate) helper: Option<Helper>,
}

/// What a worker has whether it is started or not.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) owner: OwnerId,
    pub(crate) registry: Arc<Registry>,
    pub(crate) dropped: Arc<Dropped>,
    registered: Mutex<Register>,
    pub(crate) settings: Settings,
    pub(crate) catalogue: Catalogue,
}

/// Everything that is registered.
#[derive(Debug, Default)]
pub(super) struct Register {
    pub(super) last: u64,
    pub(super) entries: Vec<Registered>,
    pub(super) names: HashMap<(String, &'static str), Callable>,
}

impl Services {
    /// With nothing registered.
    pub(super) fn new(settings: Settings, catalogue: Catalogue) -> Self {
        Self {
            owner: OwnerId::new(),
            registry: Arc::default(),
            dropped: Arc::default(),
            registered: Mutex::default(),
            settings,
            catalogue,
        }
    }

    pub(super) fn register(&self) -> MutexGuard<'_, Register> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is registered, in order.
    pub(crate) fn all_registered(&self) -> Vec<Registered> {
        self.register().entries.clone()
    }
}

impl OfWorker for Services {
    fn buffer(&self, bytes: usize) -> Result<Buffer> {
        let segment = Segment::create("a buffer", bytes, Commit::Now)?;
        Ok(Buffer::new(Hold::new(segment, &self.dropped)))
    }

    fn named(&self, name: &str, kind: &'static str) -> Result<Callable> {
        let found = self.register().names.get(&(name.to_owned(), kind)).cloned();
        found.ok_or_else(|| {
            Error::refused(
                format!("{kind} `{name}`"),
                "nothing is registered under that name",
            )
        })
    }
}

/// One thing that is registered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) callable: Callable,
    pub(crate) pool: Pool,
    /// What another process is sent, and how much of it.
    pub(crate) description: Option<(Hold, u64)>,
}

impl Registered {
    /// Gets a child ready for it.
    pub(crate) fn prepare(&self, shared: &Shared, port: usize) -> Result<()> {
        let (words, holds) = match &self.description {
            Some((hold, bytes)) => {
                let segment = hold.segment().id().0;
                (
                    [self.callable.serial(), segment, *bytes, 0],
                    vec![hold.clone()],
                )
            }
            None => ([self.callable.serial(), 0, 0, 0], Vec::new()),
        };
        shared.ask(port, Request::Prepare, words, holds).map(drop)
    }
}
