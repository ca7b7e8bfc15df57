//! Which children talk to each other, so that the death of one can be told to the others.
//!
//! Knows who is which rank, and where the word is that kernels look at. Refuses to know what they say.

use std::sync::{Arc, Weak};

use sync::Word32;

use crate::team::segment::Segment;
use crate::team::window;

/// One communicator.
#[derive(Debug)]
pub(crate) struct Talk {
    /// The child of each rank.
    ports: Vec<usize>,
    windows: Weak<Segment>,
}

impl Talk {
    pub(crate) fn new(ports: &[usize], windows: &Arc<Segment>) -> Self {
        Self {
            ports: ports.to_vec(),
            windows: Arc::downgrade(windows),
        }
    }

    /// Whether anybody still has the windows.
    pub(crate) fn goes_on(&self) -> bool {
        self.windows.strong_count() != 0
    }

    /// Tells all ranks that the child at `port` is gone, if it was one of them.
    pub(crate) fn note_death(&self, port: usize) {
        let rank = self.ports.iter().position(|&it| it == port);
        let (Some(rank), Some(windows)) = (rank, self.windows.upgrade()) else {
            return;
        };
        let rank = u32::try_from(rank).expect("ranks are few");
        let offset = windows.len() as u64 - window::GONE_BYTES;
        let at = windows.at(offset, 4).expect("it is behind the windows");
        // SAFETY: an aligned word of the mapping, which is accessed as such by all; `windows` holds it.
        let gone = unsafe { Word32::at(at.cast()) };
        // The first one stays.
        let _ = gone.change(0, rank + 1);
    }
}
