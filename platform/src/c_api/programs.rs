//! The programs of a chip, which callers of the C interface bring to each call.
//!
//! Knows when they come. Refuses to know what they are: that is the machine's.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::Arc;

use crate::comm::Comm;
use crate::device::Device;
use crate::error::Result;

/// What one context's callers bring for its machine.
pub trait Programs: Debug + Send + Sync {
    /// Looks at the programs that a registration comes with; empty ones come with a run.
    ///
    /// # Errors
    /// When runs would refuse them.
    fn foresee(&self, control: &[u8], cores: &[u8]) -> Result<()>;

    /// Takes the programs that a run brings.
    fn bring(&self, control: &[u8], cores: &[u8]);

    /// Forgets all of them.
    fn clear(&self);

    /// Takes the log level that the next attachment is made with.
    fn set_log_level(&self, level: i32);
}

/// A device that is not attached yet, and what takes its programs.
pub type DeviceOfPrograms = (Box<dyn Device>, Arc<dyn Programs>);

/// Makes one rank of a communicator.
pub type Join = fn(i32, i32, &[u8], Duration) -> Result<Box<dyn Comm>>;

/// Who can be a rank of a communicator.
#[derive(Clone, Copy, Debug)]
pub enum Ranks {
    /// Anybody, without a chip; windows are memory of this process.
    Anybody(Join),
    /// A chip, which the stream stands for; windows are its memory.
    Chips,
    /// Nobody.
    Nobody,
}
