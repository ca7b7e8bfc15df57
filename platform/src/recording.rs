//! The region that a run is written down in, as the host sees it.
//!
//! Knows how much of it there is and how what was written comes back. Refuses to know what becomes of the
//! records: that is for [`crate::diagnostics`].
//!
//! ```text
//! a run wants something written down ─▶ Region::prepare (device memory, head) ─▶ its address in the order of the run
//!   run over ─▶ Region::collect: head's cursors, then only what was claimed ─▶ Recording
//! ```

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use protocol::recording::{
    CHUNK, CURSORS_AT, CallRecord, EdgeRecord, PhaseRecord, RECORDING_MAGIC, RecordingHead,
    SECTIONS, SECTIONS_AT, Section, SectionCursor, SectionPlace, TensorRecord, WANT_COUNTERS,
    WANT_SWIMLANE, WANT_TENSORS, WRITERS, WRITERS_AT, WriterState,
};

use crate::address::DeviceAddress;
use crate::error::Result;
use crate::machine::{DeviceMemory, Machine};
use crate::options::RecordingLimits;
use crate::store::Store;

/// The region of one run.
#[derive(Debug)]
pub(crate) struct Region<M: Machine> {
    memory: Arc<M::Memory>,
    head: RecordingHead,
}

impl<M: Machine> Region<M> {
    /// A region for what is `wanted`, of which nothing is written yet.
    pub(crate) fn prepare(store: &Store<M>, wanted: u64, limits: &RecordingLimits) -> Result<Self> {
        let swimlane = wanted & WANT_SWIMLANE != 0;
        let calls = swimlane || wanted & WANT_COUNTERS != 0;
        let tensors = wanted & WANT_TENSORS != 0;
        let bytes = |on: bool, count: u64, size: usize| {
            let bytes = if on {
                count.saturating_mul(size as u64)
            } else {
                0
            };
            // A limit beyond this is none.
            bytes.min(1 << 40).next_multiple_of(CHUNK)
        };
        let lengths = [
            bytes(calls, limits.calls, size_of::<CallRecord>()),
            bytes(swimlane, limits.edges, size_of::<EdgeRecord>()),
            bytes(swimlane, limits.phases, size_of::<PhaseRecord>()),
            bytes(tensors, limits.tensors, size_of::<TensorRecord>()),
            bytes(tensors, limits.contents, 1),
        ];
        let mut head = RecordingHead {
            magic: RECORDING_MAGIC,
            wanted,
            ..RecordingHead::zeroed()
        };
        let mut end = SECTIONS_AT;
        for (place, length) in head.sections.iter_mut().zip(lengths) {
            *place = SectionPlace {
                at: end,
                end: end + length,
            };
            end += length;
        }
        // Of its own, not from the pool: records start as zeros, and what is untouched costs nothing.
        let memory = Arc::new(store.allocate(end)?);
        let bytes = bytemuck::bytes_of(&head);
        // SAFETY: the region is longer than its head.
        unsafe {
            store
                .machine
                .copy_in(memory.address(), bytes.as_ptr(), bytes.len())?;
        }
        Ok(Self { memory, head })
    }

    /// Where it lies.
    pub(crate) fn address(&self) -> u64 {
        self.memory.address().0
    }

    /// Its memory, to be kept for code that does not stop.
    pub(crate) fn hold(&self) -> Arc<M::Memory> {
        Arc::clone(&self.memory)
    }

    /// What was written.
    pub(crate) fn collect(&self, machine: &M) -> Result<Recording> {
        let mut cursors = [SectionCursor::zeroed(); SECTIONS];
        self.read(machine, CURSORS_AT, &mut cursors)?;
        let mut writers = [WriterState::zeroed(); WRITERS];
        self.read(machine, WRITERS_AT, &mut writers)?;
        let claimed = |section: Section| cursors[section as usize].claimed;
        let contents = self.head.sections[Section::Contents as usize];
        let mut recording = Recording {
            calls: self.section(machine, Section::Calls, claimed(Section::Calls))?,
            edges: self.section(machine, Section::Edges, claimed(Section::Edges))?,
            phases: self.section(machine, Section::Phases, claimed(Section::Phases))?,
            tensors: self.section(machine, Section::Tensors, claimed(Section::Tensors))?,
            contents: self.section(machine, Section::Contents, claimed(Section::Contents))?,
            contents_at: contents.at,
            dropped: Section::ALL.map(|section| {
                let of = writers.iter().map(|it| it.dropped[section as usize]);
                of.fold(0, u64::wrapping_add)
            }),
        };
        recording.calls.retain(|it| it.valid != 0);
        recording.edges.retain(|it| it.from != it.to);
        recording.phases.retain(|it| it.end != 0);
        recording.tensors.retain(|it| it.valid != 0);
        Ok(recording)
    }

    fn section<R: Pod>(&self, machine: &M, section: Section, claimed: u64) -> Result<Vec<R>> {
        let place = self.head.sections[section as usize];
        let bytes = claimed.min(place.end - place.at);
        let count = usize::try_from(bytes).unwrap_or(0) / size_of::<R>();
        let mut records = vec![R::zeroed(); count];
        self.read(machine, place.at, &mut records)?;
        Ok(records)
    }

    fn read<R: Pod>(&self, machine: &M, at: u64, into: &mut [R]) -> Result<()> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(into);
        let from = DeviceAddress(self.memory.address().0 + at);
        // SAFETY: sections lie in the region; what a kernel that does not stop still writes is whole words.
        unsafe { machine.copy_out(bytes.as_mut_ptr(), from, bytes.len()) }
    }
}

/// What was written down of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    /// Kernel calls, in no order.
    pub(crate) calls: Vec<CallRecord>,
    /// Who waited for whom, in the order of submission.
    pub(crate) edges: Vec<EdgeRecord>,
    /// What control CPUs did.
    pub(crate) phases: Vec<PhaseRecord>,
    /// Tensors before and after tasks.
    pub(crate) tensors: Vec<TensorRecord>,
    contents: Vec<u8>,
    contents_at: u64,
    /// Records there was no room for, by section.
    pub(crate) dropped: [u64; SECTIONS],
}

impl Recording {
    /// The content of one of its tensors, as much as was kept.
    #[must_use]
    pub(crate) fn content(&self, tensor: &TensorRecord) -> &[u8] {
        let first = tensor.content.checked_sub(self.contents_at);
        let first = first.and_then(|first| usize::try_from(first).ok());
        let kept = usize::try_from(tensor.kept).ok();
        first
            .zip(kept)
            .and_then(|(first, kept)| self.contents.get(first..first.checked_add(kept)?))
            .unwrap_or_default()
    }

    /// How many records of a section there was no room for.
    #[must_use]
    pub(crate) const fn dropped(&self, section: Section) -> u64 {
        self.dropped[section as usize]
    }
}
