//! One orchestration, as it is registered and as it is loaded.
//!
//! Knows the symbols of an orchestration image and how its entry is called. Refuses to know what
//! the entry submits.

use core::ffi::{CStr, c_void};
use core::fmt;
use core::panic::AssertUnwindSafe;
use std::ffi::{CString, NulError};
use std::panic::catch_unwind;
use std::sync::Arc;

use aicore_abi::orchestration::trb::{
    BIND_RUNTIME, BindRuntime, Config, DEFAULT_CONFIG, DEFAULT_ENTRY, GUARDED_CALL, Runtime,
};
use protocol::ChipStorageTaskArgs;
use runtime_trb::Orchestrator;

use crate::guarded_call::{self, Entry, Guard, Thrown, panic_text};
use crate::shared_object::{LoadError, SharedObject};

/// An orchestration written in Rust.
pub type Body = dyn Fn(&mut Orchestrator<'_>, &ChipStorageTaskArgs) + Send + Sync;

/// A shared object with an orchestration in it, not loaded yet.
#[derive(Clone, PartialEq, Eq)]
pub struct OrchestrationImage {
    /// The shared object's bytes, shared by all callables that have the same.
    pub bytes: Arc<[u8]>,
    /// Name of the entry.
    pub entry: CString,
    /// Name of the configuration function.
    pub config: CString,
}

impl fmt::Debug for OrchestrationImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrchestrationImage")
            .field("bytes", &self.bytes.len())
            .field("entry", &self.entry)
            .field("config", &self.config)
            .finish()
    }
}

/// What a callable runs to submit its tasks.
#[derive(Clone)]
pub enum Orchestration {
    /// Code in a shared object, loaded at the first run.
    Image(OrchestrationImage),
    /// A function of this process.
    InProcess(Arc<Body>),
}

impl Orchestration {
    /// The bytes of its shared object, if it is one.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Image(image) => Some(&image.bytes),
            Self::InProcess(_) => None,
        }
    }

    /// The same, to be replaced by equal bytes that others share.
    pub const fn bytes_mut(&mut self) -> Option<&mut Arc<[u8]>> {
        match self {
            Self::Image(image) => Some(&mut image.bytes),
            Self::InProcess(_) => None,
        }
    }

    /// A shared object's bytes; an empty name stands for the default one.
    ///
    /// # Errors
    ///
    /// A name has a zero byte in it.
    pub fn image(bytes: impl Into<Arc<[u8]>>, entry: &str, config: &str) -> Result<Self, NulError> {
        let name = |name: &str, default: &CStr| match name {
            "" => Ok(default.to_owned()),
            name => CString::new(name),
        };
        Ok(Self::Image(OrchestrationImage {
            bytes: bytes.into(),
            entry: name(entry, DEFAULT_ENTRY)?,
            config: name(config, DEFAULT_CONFIG)?,
        }))
    }
}

impl fmt::Debug for Orchestration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::InProcess(_) => f.write_str("InProcess"),
        }
    }
}

/// Why an orchestration did not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The orchestration wants more arguments than it got.
    #[error("the orchestration expects at least {expected} arguments, {given} were given")]
    TooFewArguments {
        /// What its configuration function says.
        expected: i32,
        /// Tensors and scalars of the call.
        given: usize,
    },
    /// A C++ exception left it.
    #[error("the orchestration threw: {0}")]
    Threw(#[from] Thrown),
    /// It panicked.
    #[error("the orchestration panicked: {0}")]
    Panicked(String),
}

/// An orchestration that is ready to be called.
pub enum Loaded {
    /// From an image.
    Image {
        /// The entry.
        entry: Entry,
        /// The configuration function, if it has one.
        config: Option<Config>,
        /// Where it wants to be told its runtime, if it does.
        bind: Option<BindRuntime>,
        /// By what its entry is called, if it has that.
        guard: Option<Guard>,
        /// Keeps the addresses above valid.
        code: SharedObject,
    },
    /// From this process.
    InProcess(Arc<Body>),
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { code, .. } => code.fmt(f),
            Self::InProcess(_) => f.write_str("InProcess"),
        }
    }
}

impl Loaded {
    /// Loads `orchestration`; `label` names it in messages.
    pub(super) fn load(orchestration: &Orchestration, label: &str) -> Result<Self, LoadError> {
        let image = match orchestration {
            Orchestration::Image(image) => image,
            Orchestration::InProcess(body) => return Ok(Self::InProcess(Arc::clone(body))),
        };
        // Everything is bound now: a function that turns out to be missing when it is called ends the process.
        // SAFETY: whoever registers an orchestration trusts its code; running it is the purpose.
        let code = unsafe { SharedObject::load(&image.bytes, label) }?;
        let entry = code.require(&image.entry)?;
        let config = code.find(&image.config);
        if config.is_none() {
            log::debug!(
                "{label}: no {:?}, any number of arguments is accepted",
                image.config
            );
        }
        let bind = code.find(BIND_RUNTIME);
        let guard = code.find(GUARDED_CALL);
        Ok(Self::Image {
            // SAFETY: the interface of orchestrations gives the entry this signature.
            entry: unsafe { core::mem::transmute::<*mut c_void, Entry>(entry) },
            // SAFETY: as above, for the configuration function.
            config: config.map(|it| unsafe { core::mem::transmute::<*mut c_void, Config>(it) }),
            // SAFETY: as above, for the binding function.
            bind: bind.map(|it| unsafe { core::mem::transmute::<*mut c_void, BindRuntime>(it) }),
            // SAFETY: as above, for the function that calls the entry.
            guard: guard.map(|it| unsafe { core::mem::transmute::<*mut c_void, Guard>(it) }),
            code,
        })
    }

    /// Checks that `args` are as many as the orchestration wants.
    ///
    /// # Errors
    ///
    /// [`CallError::TooFewArguments`].
    pub fn check(&self, args: &ChipStorageTaskArgs) -> Result<(), CallError> {
        let Self::Image {
            config: Some(config),
            ..
        } = self
        else {
            return Ok(());
        };
        // SAFETY: the function reads the block it is given and nothing else.
        let expected = unsafe { config(args) }.expected_arg_count;
        let given = count(args.tensor_count) + count(args.scalar_count);
        if usize::try_from(expected).is_ok_and(|expected| given < expected) {
            return Err(CallError::TooFewArguments { expected, given });
        }
        Ok(())
    }

    /// Runs the orchestration.
    ///
    /// # Errors
    ///
    /// What it threw or panicked with. What it submitted before stays submitted.
    pub fn call(
        &self,
        orchestrator: &mut Orchestrator<'_>,
        args: &ChipStorageTaskArgs,
    ) -> Result<(), CallError> {
        match self {
            Self::InProcess(body) => catch_unwind(AssertUnwindSafe(|| body(orchestrator, args)))
                .map_err(|panic| CallError::Panicked(panic_text(&*panic))),
            Self::Image {
                entry, bind, guard, ..
            } => {
                let _bound = bind.map(|bind| Bound::new(bind, orchestrator.as_runtime()));
                let args = core::ptr::from_ref(args).cast();
                match guard {
                    // SAFETY: the entry takes a pointer to the argument block, which outlives the call.
                    None => unsafe { guarded_call::call(*entry, args) },
                    // SAFETY: as above; the guard was compiled into the same image.
                    Some(guard) => unsafe { guarded_call::call_by(*guard, *entry, args) },
                }?;
                Ok(())
            }
        }
    }
}

/// While it lives, an image knows its runtime; afterwards it knows none.
struct Bound(BindRuntime);

impl Bound {
    fn new(bind: BindRuntime, runtime: *mut Runtime) -> Self {
        // SAFETY: the function stores the pointer; the guard takes it back before it dangles.
        unsafe { bind(runtime) };
        Self(bind)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // SAFETY: as in `new`; null is what an unbound image holds.
        unsafe { (self.0)(core::ptr::null_mut()) };
    }
}

/// A count of the argument block; the device was given none that is negative.
fn count(wire: i32) -> usize {
    usize::try_from(wire).unwrap_or(0)
}
