//! How one task of one worker is named.
//!
//! Knows that a place is used again, and the serial is not. Refuses to know what a task is.

/// Names one task of one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskId {
    pub(crate) index: u32,
    pub(crate) serial: u64,
}
