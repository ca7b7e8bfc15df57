//! A child as its parent holds it: alive or not, reached and ended.
//!
//! Knows how an end is noted and who is woken. Refuses to know kinds of children.

use core::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use sync::Flag;

use super::channel::Bell;
use super::segment::Segment;
use crate::error::Result;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It left by itself, with this exit code.
    Exited(i32),
    /// A signal killed it.
    Killed(i32),
    /// A thread that did not come back was left behind.
    LeftBehind,
}

impl core::fmt::Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Killed(signal) => write!(f, "signal {signal}"),
            Self::LeftBehind => f.write_str("it never came back and was left behind"),
        }
    }
}

/// Whether a child still lives.
#[derive(Debug)]
pub(crate) struct Life {
    ended: Flag,
    ending: Mutex<Option<Ending>>,
    bell: Bell,
}

impl Life {
    pub(crate) fn new(bell: &Bell) -> Arc<Self> {
        Arc::new(Self {
            ended: Flag::new(),
            ending: Mutex::new(None),
            bell: bell.clone(),
        })
    }

    /// Notes the ending, if it is the first, and wakes whoever waits for the child.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(ending);
        self.ended.set();
        self.bell.get().ring_all();
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_set()
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child as its parent holds it.
pub(crate) trait Child: Debug + Send + Sync {
    /// Whether it lives.
    fn life(&self) -> &Arc<Life>;

    /// Its process, if it has one of its own.
    fn process(&self) -> Option<u32>;

    /// Makes a segment known to it, before the first question that names it.
    ///
    /// # Errors
    /// When the system refuses.
    fn share(&self, segment: &Arc<Segment>) -> Result<()>;

    /// Ends it at once; its life tells when it is over.
    fn kill(&self);
}
