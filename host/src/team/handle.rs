//! What `register` gives out.
//!
//! Knows that each handle belongs to one worker and one kind of callable. Refuses to know what the
//! callable does.
//!
//! What is for a chip cannot be given to a sub worker, nor the other way round:
//!
//! ```compile_fail,E0308
//! # fn f(graph: &mut host::team::Graph<'_>, program: &host::team::ProgramHandle) {
//! graph.sub(program); // a chip program is no host function
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # fn f(graph: &mut host::team::Graph<'_>, function: &host::team::FunctionHandle) {
//! graph.next_level(function); // a host function is nothing for a chip
//! # }
//! ```

use std::sync::Arc;

use sync::Flag;

use super::tensor::OwnerId;
use crate::error::{Error, Result};

/// What all handles have in common.
#[derive(Clone, Debug)]
pub struct Callable(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    serial: u64,
    kind: &'static str,
    owner: OwnerId,
    unregistered: Flag,
}

impl Callable {
    pub(crate) fn new(serial: u64, kind: &'static str, owner: OwnerId) -> Self {
        Self(Arc::new(Inner {
            serial,
            kind,
            owner,
            unregistered: Flag::new(),
        }))
    }

    pub(crate) fn serial(&self) -> u64 {
        self.0.serial
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.0.kind
    }

    pub(crate) fn retire(&self) {
        self.0.unregistered.set();
    }

    /// Refuses what another worker registered, and what is registered no more.
    pub(crate) fn check(&self, owner: &OwnerId) -> Result<()> {
        if self.0.owner != *owner {
            return Err(Error::ForeignHandle);
        }
        if self.0.unregistered.is_set() {
            return Err(Error::refused(
                format!("{} {}", self.0.kind, self.0.serial),
                "it was unregistered: register it again",
            ));
        }
        Ok(())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// Handles of what a chip or a lower worker can be given.
pub trait NextLevel: sealed::Sealed {
    #[doc(hidden)]
    fn callable(&self) -> &Callable;
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub(crate) Callable);

        impl Handle for $name {
            fn get(&self) -> &Callable {
                &self.0
            }
        }

        impl sealed::Sealed for $name {}
    )+};
}

handles! {
    /// A registered chip program.
    ProgramHandle,
    /// A registered host function.
    FunctionHandle,
    /// A registered graph function, for lower workers.
    GraphHandle,
}

/// Any handle.
pub trait Handle: sealed::Sealed {
    #[doc(hidden)]
    fn get(&self) -> &Callable;
}

impl NextLevel for ProgramHandle {
    fn callable(&self) -> &Callable {
        &self.0
    }
}

impl NextLevel for GraphHandle {
    fn callable(&self) -> &Callable {
        &self.0
    }
}
