//! What parent and child share: a page of status, the frames, and the parent's doorbell.
//!
//! Knows where each lies in the memory files that both map. Refuses to know what the questions mean.
//!
//! ```text
//! starting ──child──▶ ready ──child──▶ left
//!     └─────child──▶ failed (its report says why)
//! ```

use std::sync::Arc;

use bytemuck::Zeroable;
use sync::{Answerer, Asker, Exchange, Line, SharedDoorbell, Slot, Word32};

use super::fault::Fault;
use super::frame::{FAULT_BYTES, FRAMES, Frame};
use super::segment::{Commit, Segment};
use crate::error::Result;

/// Frames between this process and another.
type Frames = Exchange<Frame, FRAMES, true>;

/// How far a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Ready,
    Failed,
    Left,
}

/// Whether a child is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leave {
    No,
    /// Once it has answered what it was asked.
    WhenDone,
    /// Without looking at what it was asked: nobody waits for that any more.
    AtOnce,
}

/// The contents of a channel's memory file.
#[derive(Debug, Zeroable)]
#[repr(C)]
struct Shared {
    /// Written by the child: a [`Phase`].
    phase: Line<Word32>,
    /// Written by the parent: a [`Leave`].
    leave: Line<Word32>,
    /// Written by the child before it says that it failed.
    report: Slot<[u8; FAULT_BYTES]>,
    frames: Frames,
}

/// A doorbell in a memory file of its own: every child of a worker maps it, and nothing else of the
/// others.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<Segment>);

impl Bell {
    pub(crate) fn new() -> Result<Self> {
        Segment::create("the doorbell", size_of::<SharedDoorbell>(), Commit::Now).map(Self)
    }

    /// The bell in a segment that another process made.
    pub(crate) fn of(segment: Arc<Segment>) -> Option<Self> {
        (segment.len() >= size_of::<SharedDoorbell>()).then_some(Self(segment))
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.0
    }

    pub(crate) fn get(&self) -> &SharedDoorbell {
        // SAFETY: the segment is long enough, aligned to a page, zeroed when new, and accessed as a
        // doorbell by all who map it.
        unsafe { &*self.0.base().cast::<SharedDoorbell>() }
    }
}

/// One channel as either side maps it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    memory: Arc<Segment>,
    parent: Bell,
}

impl Channel {
    /// Bytes of a channel's memory file.
    pub(crate) const BYTES: usize = size_of::<Shared>();

    pub(crate) fn new(parent: &Bell) -> Result<Self> {
        let memory = Segment::create("a channel", Self::BYTES, Commit::Now)?;
        Ok(Self {
            memory,
            parent: parent.clone(),
        })
    }

    /// The channel in a segment that another process made.
    pub(crate) fn of(memory: Arc<Segment>, parent: Bell) -> Option<Self> {
        (memory.len() >= Self::BYTES).then_some(Self { memory, parent })
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.memory
    }

    fn shared(&self) -> &Shared {
        // SAFETY: as for the bell.
        unsafe { &*self.memory.base().cast::<Shared>() }
    }

    /// The doorbell at which the parent sleeps.
    pub(crate) fn parent(&self) -> &SharedDoorbell {
        self.parent.get()
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.shared().phase.0.observe() {
            0 => Phase::Starting,
            1 => Phase::Ready,
            2 => Phase::Failed,
            _ => Phase::Left,
        }
    }

    /// Says how far the child is. For the child.
    pub(crate) fn enter(&self, phase: Phase) {
        let number = match phase {
            Phase::Starting => 0,
            Phase::Ready => 1,
            Phase::Failed => 2,
            Phase::Left => 3,
        };
        self.shared().phase.0.publish(number);
        self.parent().ring_all();
    }

    /// Says why the child did not start. For the child.
    pub(crate) fn fail(&self, fault: &Fault) {
        // SAFETY: the parent reads it only after the phase that follows.
        fault.write(unsafe { self.shared().report.get_mut() });
        self.enter(Phase::Failed);
    }

    /// Why the child did not start, once it said that it failed.
    pub(crate) fn report(&self) -> Fault {
        // SAFETY: written before the phase, and no more after.
        Fault::read(unsafe { self.shared().report.get() })
    }

    /// Tells the child to leave; a word that says less than one before changes nothing.
    pub(crate) fn tell_to_leave(&self, when: Leave) {
        let word = match when {
            Leave::No => 0,
            Leave::WhenDone => 1,
            Leave::AtOnce => 3,
        };
        self.shared().leave.0.insert(word);
        self.bell().ring_all();
    }

    /// Whether the child has been told to leave.
    pub(crate) fn leave(&self) -> Leave {
        match self.shared().leave.0.observe() {
            0 => Leave::No,
            1 => Leave::WhenDone,
            _ => Leave::AtOnce,
        }
    }

    /// The doorbell at which the child sleeps.
    pub(crate) fn bell(&self) -> &SharedDoorbell {
        self.shared().frames.bell()
    }

    /// Whether an answer waits; a hint.
    #[inline]
    pub(crate) fn has_answer(&self) -> bool {
        self.shared().frames.has_answer()
    }

    /// # Safety
    /// As [`Exchange::asker`].
    pub(crate) unsafe fn asker(&self) -> Asker<'_, Frame, FRAMES, true> {
        // SAFETY: the caller's promise.
        unsafe { self.shared().frames.asker() }
    }

    /// # Safety
    /// As [`Exchange::answerer`].
    pub(crate) unsafe fn answerer(&self) -> Answerer<'_, Frame, FRAMES, true> {
        // SAFETY: the caller's promise.
        unsafe { self.shared().frames.answerer() }
    }
}
