//! Writing a run down: what schedulers, the orchestrator and cores put into the region of [`protocol::recording`].
//!
//! Knows where the next record goes and what is counted when there is no room. Refuses to know files, and when
//! a run is written down at all: whoever has no [`Recorder`] writes nothing and pays one test.
//!
//! ```text
//! host ── region, zeroed, with a head ─▶ run ─┬─ role w: call dispatched ──▶ record's address in the payload
//!                                             ├─ core: start and end stamped into the record
//!                                             ├─ role w: end seen, finish stamped
//!                                             └─ orchestrator: edges at submission
//! host ◀─ claimed parts copied back ── run over
//! ```
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | a writer | cursor, AcqRel add | other writers | AcqRel add | nothing: the chunk is untouched |
//! | a writer | its state and records, own | the same writer | own | – |
//! | a core | `start`, `end`, own; then its status word | the scheduler, the host | status word | the stamps |
//!
//! A writer is one thread at a time, as the baton of its role has it; everything lies in words that are accessed
//! whole, so a kernel that does not stop may still stamp while the host copies.

mod contents;

use core::fmt;
use core::mem::offset_of;

use bytemuck::Pod;
use protocol::recording::{
    CHUNK, CURSORS_AT, CallRecord, EdgeRecord, ORCHESTRATOR, PhaseRecord, RECORDING_MAGIC,
    RecordingHead, SCHEDULERS_WORDS, SECTIONS_AT, Section, SectionCursor, SectionPlace,
    TensorRecord, WANT_COUNTERS, WANT_SWIMLANE, WANT_TENSORS, WRITERS, WRITERS_AT, WriterState,
};
use sync::Word64;

pub use contents::contents;

/// Reads the chip's counter.
pub type Clock = extern "C" fn() -> u64;

/// A region that a run is written into.
#[derive(Clone, Copy)]
pub struct Recorder {
    region: u64,
    wanted: u64,
    sections: [SectionPlace; Section::ALL.len()],
    clock: Clock,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("region", &self.region)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

/// The word at an address inside the region.
///
/// # Safety
/// It lies in a region that a recorder was promised, or is the record of a call.
unsafe fn word<'a>(address: u64) -> &'a Word64 {
    let address = usize::try_from(address).expect("an address of this machine");
    // SAFETY: the caller's promise; the region is aligned, and everything in it is accessed by whole words.
    unsafe { Word64::at(core::ptr::with_exposed_provenance_mut(address)) }
}

/// Stamps into the record that a payload names when its kernel starts.
///
/// # Safety
/// `record` was put into a payload of the run that is under way by [`Recorder::call_dispatched`].
pub unsafe fn stamp_start(record: u64, now: u64) {
    // SAFETY: the caller's promise.
    unsafe { word(record + offset_of!(CallRecord, start) as u64) }.set_own(now);
}

/// Stamps into the record that a payload names when its kernel has returned.
///
/// # Safety
/// As [`stamp_start`].
pub unsafe fn stamp_end(record: u64, now: u64) {
    // SAFETY: the caller's promise.
    unsafe { word(record + offset_of!(CallRecord, end) as u64) }.set_own(now);
}

impl Recorder {
    /// The region at `address`; `None` if there is none.
    ///
    /// # Safety
    /// `address` is 0 or that of a region that the host has prepared and keeps until no code of the run can reach it;
    /// it is aligned to 64 bytes.
    #[must_use]
    pub unsafe fn at(address: u64, clock: Clock) -> Option<Self> {
        if address == 0 {
            return None;
        }
        let mut head = <RecordingHead as bytemuck::Zeroable>::zeroed();
        for (index, place) in bytemuck::cast_slice_mut::<_, u64>(core::slice::from_mut(&mut head))
            .iter_mut()
            .enumerate()
        {
            // SAFETY: the caller's promise.
            *place = unsafe { word(address + 8 * index as u64) }.own();
        }
        (head.magic == RECORDING_MAGIC).then_some(Self {
            region: address,
            wanted: head.wanted,
            sections: head.sections,
            clock,
        })
    }

    /// What of the region was written, as address and bytes, for whoever must bring it to where the host reads it.
    pub fn written(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let sections = Section::ALL.into_iter().map(|section| {
            let cursor = CURSORS_AT + (section as usize * size_of::<SectionCursor>()) as u64;
            let at = self.sections[section as usize].at;
            (self.region + at, self.at_offset(cursor).observe())
        });
        core::iter::once((self.region, SECTIONS_AT)).chain(sections)
    }

    /// The chip's counter now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Whether phases and edges are wanted.
    #[inline]
    #[must_use]
    pub const fn wants_swimlane(&self) -> bool {
        self.wanted & WANT_SWIMLANE != 0
    }

    /// Whether calls are wanted.
    #[inline]
    #[must_use]
    pub const fn wants_calls(&self) -> bool {
        self.wanted & (WANT_SWIMLANE | WANT_COUNTERS) != 0
    }

    /// Whether tensors are wanted.
    #[inline]
    #[must_use]
    pub const fn wants_tensors(&self) -> bool {
        self.wanted & WANT_TENSORS != 0
    }

    /// A word at so many bytes from the region's start.
    fn at_offset(&self, offset: u64) -> &Word64 {
        // SAFETY: the region's promise; every offset here is of a state, a cursor or a claimed record.
        unsafe { word(self.region + offset) }
    }

    fn dropped(&self, writer: usize, section: Section) {
        let at = WRITERS_AT
            + (writer * size_of::<WriterState>() + offset_of!(WriterState, dropped)) as u64
            + 8 * section as u64;
        let dropped = self.at_offset(at);
        dropped.set_own(dropped.own() + 1);
    }

    /// Claims up to `wanted` bytes of a section: where they begin, from the region's start.
    fn claim(&self, section: Section, wanted: u64) -> Option<u64> {
        let cursor =
            self.at_offset(CURSORS_AT + (section as usize * size_of::<SectionCursor>()) as u64);
        let place = self.sections[section as usize];
        let mut claimed = cursor.observe();
        loop {
            let at = place.at + claimed;
            if at + wanted > place.end {
                return None;
            }
            match cursor.change(claimed, claimed + wanted) {
                Ok(()) => return Some(at),
                Err(now) => claimed = now,
            }
        }
    }

    /// Writes a record down: where, from the region's start; `None` if there is no room.
    fn append<R: Pod>(&self, writer: usize, section: Section, record: &R) -> Option<u64> {
        let words: &[u64] = bytemuck::cast_slice(core::slice::from_ref(record));
        self.append_words(writer, section, size_of::<R>() as u64, words)
    }

    /// Writes the first words of a record of `size` bytes.
    fn append_words(
        &self,
        writer: usize,
        section: Section,
        size: u64,
        words: &[u64],
    ) -> Option<u64> {
        debug_assert!(writer < WRITERS, "every writer has a state");
        let open = WRITERS_AT
            + (writer * size_of::<WriterState>() + offset_of!(WriterState, open)) as u64
            + 16 * section as u64;
        let (next, end) = (self.at_offset(open), self.at_offset(open + 8));
        if next.own() == end.own() {
            let Some(chunk) = self.claim(section, CHUNK) else {
                self.dropped(writer, section);
                return None;
            };
            next.set_own(chunk);
            end.set_own(chunk + CHUNK);
        }
        let at = next.own();
        next.set_own(at + size);
        for (index, &value) in words.iter().enumerate() {
            self.at_offset(at + 8 * index as u64).set_own(value);
        }
        Some(at)
    }

    /// A call is about to be dispatched: what its payload says, 0 if it is not written down. Stamps the moment.
    #[must_use]
    pub fn call_dispatched(&self, call: CallRecord) -> u64 {
        if !self.wants_calls() {
            return 0;
        }
        let call = CallRecord {
            dispatch: self.now(),
            valid: 1,
            ..call
        };
        let words: &[u64] = bytemuck::cast_slice(core::slice::from_ref(&call));
        // The rest is its core's to write.
        let words = &words[..SCHEDULERS_WORDS];
        let size = size_of::<CallRecord>() as u64;
        self.append_words(usize::from(call.writer), Section::Calls, size, words)
            .map_or(0, |at| self.region + at)
    }

    /// The end of a call was seen; `record` is what its payload says. Stamps the moment.
    pub fn call_finished(&self, record: u64) {
        if let Some(at) = record.checked_sub(self.region + SECTIONS_AT) {
            let finish = SECTIONS_AT + at + offset_of!(CallRecord, finish) as u64;
            self.at_offset(finish).set_own(self.now());
        }
    }

    /// A task that is submitted waits for another.
    pub fn edge(&self, from: u64, to: u64) {
        if self.wants_swimlane() {
            // What is dropped is counted.
            let _ = self.append(ORCHESTRATOR, Section::Edges, &EdgeRecord { from, to });
        }
    }

    /// Somebody did something for a while.
    pub fn phase(&self, phase: &PhaseRecord) {
        if self.wants_swimlane() {
            // What is dropped is counted.
            let _ = self.append(usize::from(phase.writer), Section::Phases, phase);
        }
    }

    /// A tensor at one moment, with its content; `chunks` yields it in order.
    pub fn tensor<'c>(
        &self,
        writer: usize,
        tensor: TensorRecord,
        chunks: impl Iterator<Item = &'c [u8]>,
    ) {
        let place = self.sections[Section::Contents as usize];
        let room = place.end - place.at;
        // One that can never fit is cut, so that others have room too.
        let kept = if tensor.bytes > room {
            room / 2
        } else {
            tensor.bytes
        };
        let content = self.claim(Section::Contents, kept.next_multiple_of(64));
        if let Some(at) = content {
            self.copy(at, kept, chunks);
        } else if kept != 0 {
            self.dropped(writer, Section::Contents);
        }
        let record = TensorRecord {
            content: content.unwrap_or(0),
            kept: content.map_or(0, |_| kept),
            valid: 1,
            ..tensor
        };
        // What is dropped is counted.
        let _ = self.append(writer, Section::Tensors, &record);
    }

    fn copy<'c>(&self, at: u64, kept: u64, chunks: impl Iterator<Item = &'c [u8]>) {
        let mut at = self.region + at;
        let mut left = usize::try_from(kept).unwrap_or(usize::MAX);
        for chunk in chunks {
            let chunk = &chunk[..chunk.len().min(left)];
            let address = usize::try_from(at).expect("an address of this machine");
            let place = core::ptr::with_exposed_provenance_mut::<u8>(address);
            // SAFETY: the bytes were claimed, so they lie in the region and are this thread's alone until the host
            // reads them after the run.
            unsafe { place.copy_from_nonoverlapping(chunk.as_ptr(), chunk.len()) };
            at += chunk.len() as u64;
            left -= chunk.len();
            if left == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::slice;
    use std::thread;
    use std::vec::Vec;

    use bytemuck::{Pod, Zeroable};
    use protocol::recording::{
        CHUNK, CallRecord, RECORDING_MAGIC, RecordingHead, SECTIONS_AT, Section, SectionPlace,
        TensorRecord, WANT_COUNTERS, WANT_SWIMLANE, WANT_TENSORS, WRITERS, WRITERS_AT, WriterState,
    };

    use sync::Word64;

    use super::{Recorder, stamp_end, stamp_start};

    extern "C" fn always_seven() -> u64 {
        7
    }

    /// A region as the host prepares it, of one chunk per section of records and two of contents.
    struct Region(Vec<Word64>);

    impl Region {
        fn new(wanted: u64, chunks: [u64; 5]) -> Self {
            let mut head = RecordingHead {
                magic: RECORDING_MAGIC,
                wanted,
                ..RecordingHead::zeroed()
            };
            let mut end = SECTIONS_AT;
            for (place, chunks) in head.sections.iter_mut().zip(chunks) {
                *place = SectionPlace {
                    at: end,
                    end: end + chunks * CHUNK,
                };
                end = place.end;
            }
            let words = usize::try_from(end).expect("small") / 8;
            let region: Vec<Word64> = (0..words).map(|_| Word64::new(0)).collect();
            let head: &[u64] = bytemuck::cast_slice(slice::from_ref(&head));
            for (place, &word) in region.iter().zip(head) {
                place.set_own(word);
            }
            Self(region)
        }

        fn recorder(&self) -> Recorder {
            let address = self.0.as_ptr().expose_provenance() as u64;
            // SAFETY: the tests keep the region while they record; alignment does not matter to words.
            unsafe { Recorder::at(address, always_seven) }.expect("there is a head")
        }

        fn bytes(&self) -> Vec<u8> {
            self.0
                .iter()
                .flat_map(|it| it.own().to_le_bytes())
                .collect()
        }

        fn records<R: Pod>(&self, at: u64, count: usize) -> Vec<R> {
            let bytes = self.bytes();
            let records = bytes[usize::try_from(at).expect("small")..].chunks_exact(size_of::<R>());
            records
                .take(count)
                .map(bytemuck::pod_read_unaligned)
                .collect()
        }

        fn calls(&self, count: usize) -> Vec<CallRecord> {
            self.records(SECTIONS_AT, count)
        }

        fn dropped(&self, section: Section) -> u64 {
            let states: Vec<WriterState> = self.records(WRITERS_AT, WRITERS);
            states.iter().map(|it| it.dropped[section as usize]).sum()
        }
    }

    fn call(writer: u8, task_id: u64) -> CallRecord {
        CallRecord {
            task_id,
            writer,
            ..CallRecord::zeroed()
        }
    }

    #[test]
    fn memory_without_a_head_is_no_region() {
        let nothing = [0_u64; 16];
        let address = nothing.as_ptr().expose_provenance() as u64;
        // SAFETY: both are there, and no region.
        assert!(unsafe { Recorder::at(address, always_seven) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { Recorder::at(0, always_seven) }.is_none());
    }

    #[test]
    fn a_call_is_stamped_by_all_who_have_it() {
        let region = Region::new(WANT_SWIMLANE, [1, 1, 1, 0, 0]);
        let recorder = region.recorder();
        let record = recorder.call_dispatched(call(3, 42));
        // SAFETY: it was just made.
        unsafe { stamp_start(record, 8) };
        // SAFETY: as above.
        unsafe { stamp_end(record, 9) };
        recorder.call_finished(record);
        let expected = CallRecord {
            dispatch: 7,
            start: 8,
            end: 9,
            finish: 7,
            valid: 1,
            ..call(3, 42)
        };
        assert_eq!(region.calls(2), [expected, CallRecord::zeroed()]);
    }

    #[test]
    fn what_is_not_wanted_is_not_written() {
        let region = Region::new(WANT_TENSORS, [1, 1, 1, 1, 1]);
        let recorder = region.recorder();
        assert_eq!(recorder.call_dispatched(call(0, 1)), 0);
        recorder.edge(1, 2);
        recorder.call_finished(0);
        assert_eq!(region.calls(1), [CallRecord::zeroed()]);
        assert!(!recorder.wants_calls() && recorder.wants_tensors());
    }

    /// Whatever the pressure: what was attempted was either written once or counted as dropped.
    #[test]
    fn records_of_many_writers_are_written_once_or_counted() {
        const ATTEMPTS: u64 = 300;
        for chunks in [0, 1, 3, 40] {
            let region = Region::new(WANT_COUNTERS, [chunks, 0, 0, 0, 0]);
            let recorder = region.recorder();
            thread::scope(|scope| {
                for writer in 0..4 {
                    scope.spawn(move || {
                        for number in 0..ATTEMPTS {
                            let task = u64::from(writer) << 32 | number;
                            recorder.call_finished(recorder.call_dispatched(call(writer, task)));
                        }
                    });
                }
            });
            let room = usize::try_from(chunks * CHUNK).expect("small") / size_of::<CallRecord>();
            let mut calls = region.calls(room);
            calls.retain(|call| call.valid != 0);
            let written = calls.len() as u64;
            assert_eq!(written + region.dropped(Section::Calls), 4 * ATTEMPTS);
            assert!(calls.iter().all(|call| call.finish == 7));
            calls.sort_by_key(|call| call.task_id);
            calls.dedup_by_key(|call| call.task_id);
            assert_eq!(calls.len() as u64, written, "each once");
            assert_eq!(written == 4 * ATTEMPTS, chunks == 40);
        }
    }

    #[test]
    fn contents_are_kept_whole_or_cut_or_lost_and_that_is_said() {
        let region = Region::new(WANT_TENSORS, [0, 0, 0, 1, 1]);
        let recorder = region.recorder();
        let bytes = [5_u8; 6000];
        // One that never fits is cut to half of the room; then two thousand bytes are left.
        for length in [6000, 2000, 100] {
            let tensor = TensorRecord {
                bytes: length as u64,
                ..TensorRecord::zeroed()
            };
            recorder.tensor(1, tensor, bytes[..length].chunks(70));
        }
        let all = region.bytes();
        let records: Vec<TensorRecord> = region.records(SECTIONS_AT, 3);
        let kept: Vec<u64> = records.iter().map(|record| record.kept).collect();
        assert_eq!(kept, [2048, 2000, 0]);
        assert_eq!(records[2].content, 0);
        assert_eq!(region.dropped(Section::Contents), 1);
        for record in &records[..2] {
            let at = usize::try_from(record.content).expect("small");
            let end = at + usize::try_from(record.kept).expect("small");
            assert!(all[at..end].iter().all(|&byte| byte == 5));
        }
    }
}
