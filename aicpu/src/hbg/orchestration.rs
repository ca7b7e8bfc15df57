//! What builds the graph of a callable, as it is registered and as it is loaded.
//!
//! Knows the one symbol of an orchestration image and the graph that a closure built last. Refuses to know what
//! is done with a graph.

use core::ffi::c_void;
use core::fmt;
use std::ffi::{CString, NulError};
use std::sync::{Arc, Mutex};

use protocol::ChipStorageTaskArgs;
use runtime_hbg::{Blueprint, Plan};

use crate::guarded_call::BuildEntry;
use crate::shared_object::{LoadError, SharedObject};
use crate::under_way::lock;

/// A graph described in Rust: what it comes to for arguments of these shapes.
pub type Body =
    dyn Fn(&mut Blueprint, &ChipStorageTaskArgs) -> runtime_hbg::Result<()> + Send + Sync;

/// A shared object with an orchestration in it, not loaded yet.
#[derive(Clone, PartialEq, Eq)]
pub struct OrchestrationImage {
    /// The shared object's bytes, shared by all callables that have the same.
    pub bytes: Arc<[u8]>,
    /// Name of the entry.
    pub entry: CString,
}

impl fmt::Debug for OrchestrationImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrchestrationImage")
            .field("bytes", &self.bytes.len())
            .field("entry", &self.entry)
            .finish()
    }
}

/// What builds the graph of a callable.
#[derive(Clone)]
pub enum Orchestration {
    /// Code in a shared object: it gets the arguments as they are and moves data itself, anew in each run.
    Image(OrchestrationImage),
    /// A function of this process: its arguments are bound to device memory, and its graph is used again for
    /// arguments of the same shapes.
    Graph(Arc<Body>),
}

impl Orchestration {
    /// The bytes of its shared object, if it is one.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Image(image) => Some(&image.bytes),
            Self::Graph(_) => None,
        }
    }

    /// The same, to be replaced by equal bytes that others share.
    pub const fn bytes_mut(&mut self) -> Option<&mut Arc<[u8]>> {
        match self {
            Self::Image(image) => Some(&mut image.bytes),
            Self::Graph(_) => None,
        }
    }

    /// A shared object's bytes and the name of its entry.
    ///
    /// # Errors
    ///
    /// The name has a zero byte in it.
    pub fn image(bytes: impl Into<Arc<[u8]>>, entry: &str) -> Result<Self, NulError> {
        Ok(Self::Image(OrchestrationImage {
            bytes: bytes.into(),
            entry: CString::new(entry)?,
        }))
    }

    /// Loads it; `label` names it in messages.
    ///
    /// # Errors
    ///
    /// The image is no shared object that this process can load, or has no such entry.
    pub fn load(&self, label: &str) -> Result<Loaded, LoadError> {
        let image = match self {
            Self::Image(image) => image,
            Self::Graph(body) => {
                return Ok(Loaded(What::Graph(Arc::clone(body), Mutex::default())));
            }
        };
        if image.entry.is_empty() {
            return Err(LoadError::MissingSymbol(String::new()));
        }
        // SAFETY: whoever registers an orchestration trusts its code; running it is the purpose.
        let code = unsafe { SharedObject::load(&image.bytes, label) }?;
        let entry = code.require(&image.entry)?;
        // SAFETY: the interface of orchestrations gives the entry this signature, a reference being a pointer.
        let entry = unsafe { core::mem::transmute::<*mut c_void, BuildEntry>(entry) };
        Ok(Loaded(What::Image {
            entry,
            code: Some(code),
        }))
    }
}

impl fmt::Debug for Orchestration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::Graph(_) => f.write_str("Graph"),
        }
    }
}

/// An orchestration that is ready to build graphs; dropping it unloads its code.
pub struct Loaded(pub(super) What);

pub(super) enum What {
    Image {
        entry: BuildEntry,
        /// Keeps the address above valid, unless somebody else does.
        code: Option<SharedObject>,
    },
    /// The function, and the graph it built last.
    Graph(Arc<Body>, Last),
}

/// A graph that waits for the next run that it fits.
pub(super) type Last = Mutex<Option<Box<Plan>>>;

impl Loaded {
    /// An entry whose code somebody else keeps loaded.
    #[must_use]
    pub const fn elsewhere(entry: BuildEntry) -> Self {
        Self(What::Image { entry, code: None })
    }

    /// The entry, if it is of an image.
    #[must_use]
    pub const fn entry(&self) -> Option<BuildEntry> {
        match &self.0 {
            What::Image { entry, .. } => Some(*entry),
            What::Graph(..) => None,
        }
    }

    /// The graph that was built last, if it is one for these arguments.
    pub(super) fn plan(last: &Last, args: &ChipStorageTaskArgs) -> Option<Box<Plan>> {
        lock(last).take().filter(|plan| plan.fits(args))
    }

    /// Whether there is a graph for these arguments already, so that nothing of the program is called to build it.
    #[must_use]
    pub fn has_graph_for(&self, args: &ChipStorageTaskArgs) -> bool {
        match &self.0 {
            What::Graph(_, last) => lock(last).as_ref().is_some_and(|plan| plan.fits(args)),
            What::Image { .. } => false,
        }
    }

    /// Keeps a graph of its function for the next run.
    pub(super) fn keep(&self, plan: Box<Plan>) {
        if let What::Graph(_, last) = &self.0 {
            *lock(last) = Some(plan);
        }
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Image { code, .. } => code.fmt(f),
            What::Graph(..) => f.write_str("Graph"),
        }
    }
}
