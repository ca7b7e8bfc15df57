//! What a run of this runtime writes down, if it is to.
//!
//! Knows which moments of a task count and what is said of them. Refuses to know where records go: that is
//! [`Recorder`]'s. Everything here is off the path of a run that is not written down, which pays one test per call
//! dispatched, per call finished and per task submitted and completed.
//!
//! | who | when | what |
//! | --- | --- | --- |
//! | orchestrator | a task is published | one edge per producer, finished or not |
//! | orchestrator | a task is submitted | how long each step took |
//! | role | before a token is written | the call; before a task's first one, what it reads |
//! | role | a call's end is seen | the call's finish |
//! | role | a task is complete | what it has written |
//! | role | a round got anywhere | how long completing and dispatching took |

use aicore_abi::recorder::{Recorder, contents};
use aicore_abi::tensor::Tensor;
use protocol::diagnostics::{AicpuPhaseId, TensorDumpRole, TensorDumpStage};
use protocol::recording::{CallRecord, ORCHESTRATOR, PhaseRecord, TensorRecord};
use protocol::{CoreType, TaskId, TensorArgType};

use crate::record::{Descriptor, Records, TaskRef};
use crate::role::Lane;

/// Bits per tensor in [`Descriptor::roles`].
const ROLE_BITS: usize = 2;

/// What a task does with its tensors, for [`Descriptor::roles`].
#[cold]
pub(crate) fn roles(tags: &[i32]) -> u32 {
    tags.iter().enumerate().fold(0, |roles, (index, &tag)| {
        let role = match TensorArgType::from_wire(tag) {
            Ok(TensorArgType::Input) => TensorDumpRole::Input,
            Ok(TensorArgType::Output | TensorArgType::OutputExisting) => TensorDumpRole::Output,
            // Without a dependency it may be either.
            _ => TensorDumpRole::Inout,
        };
        roles | u32::from(role as u8) << (ROLE_BITS * index)
    })
}

/// A call is about to be dispatched: what its payload is to say.
#[cold]
pub(crate) fn dispatched(
    recorder: &Recorder,
    records: &Records,
    task: TaskRef,
    call: CallRecord,
    lane: Lane,
) -> u64 {
    let descriptor = records.descriptor(task);
    if recorder.wants_tensors() && call.block == 0 && first_lane(descriptor) == call.lane {
        let before = TensorDumpStage::BeforeDispatch;
        tensors(recorder, usize::from(call.writer), records, task, before);
    }
    let core_type = match lane {
        Lane::Aic => CoreType::Aic,
        Lane::Aiv0 | Lane::Aiv1 => CoreType::Aiv,
    };
    recorder.call_dispatched(CallRecord {
        core_type: core_type as u8,
        ..call
    })
}

/// A task is complete.
#[cold]
pub(crate) fn completed(recorder: &Recorder, writer: usize, records: &Records, task: TaskRef) {
    if recorder.wants_tensors() {
        let after = TensorDumpStage::AfterCompletion;
        tensors(recorder, writer, records, task, after);
    }
}

/// A scheduler did something from `start` until now.
#[cold]
pub(crate) fn worked(
    recorder: &Recorder,
    writer: usize,
    round: u32,
    phase: AicpuPhaseId,
    start: u64,
    tasks: u64,
) -> u64 {
    let end = recorder.now();
    #[expect(clippy::cast_possible_truncation, reason = "few writers, small codes")]
    recorder.phase(&PhaseRecord {
        start,
        end,
        index: round,
        phase: phase as u16,
        writer: writer as u16,
        subject: tasks,
    });
    end
}

fn first_lane(descriptor: &Descriptor) -> u8 {
    let lane = Lane::ALL
        .into_iter()
        .find(|&lane| descriptor.mask.has_lane(lane as usize));
    lane.map_or(0, |lane| lane as u8)
}

/// Writes down the tensors of a task that count at this moment.
fn tensors(
    recorder: &Recorder,
    writer: usize,
    records: &Records,
    task: TaskRef,
    stage: TensorDumpStage,
) {
    let descriptor = records.descriptor(task);
    let lane = first_lane(descriptor);
    for index in 0..usize::from(descriptor.tensors) {
        let role = (descriptor.roles.own() >> (ROLE_BITS * index) & 3) as u8;
        let counts = match stage {
            TensorDumpStage::BeforeDispatch => role != TensorDumpRole::Output as u8,
            TensorDumpStage::AfterCompletion => role != TensorDumpRole::Input as u8,
        };
        if !counts {
            continue;
        }
        // SAFETY: written before the task was published, and its record lives until the task has given itself back.
        let tensor: &Tensor = unsafe { records.tensor(task, index).as_ref() };
        // SAFETY: the task's tensors lie in memory of the device that the submission promised, and nobody writes to
        // what a task reads before it runs, or to what it has written before it gives it back.
        let Some((record, chunks)) = (unsafe { contents(tensor) }) else {
            continue;
        };
        let record = TensorRecord {
            task_id: descriptor.id.raw(),
            func_id: descriptor.kernels[usize::from(lane)],
            argument: u32::try_from(index).expect("a task has few tensors"),
            role,
            stage: stage as u8,
            lane,
            ..record
        };
        recorder.tensor(writer, record, chunks);
    }
}

/// Steps of a submission, in their order.
const STEPS: [AicpuPhaseId; 6] = [
    AicpuPhaseId::OrchLookup,
    AicpuPhaseId::OrchAlloc,
    AicpuPhaseId::OrchParams,
    AicpuPhaseId::OrchFanin,
    AicpuPhaseId::OrchInsert,
    AicpuPhaseId::OrchSync,
];

/// Notices when the steps of a submission end.
pub(crate) trait Watch<'r> {
    /// Where the submission is written down, if it is.
    fn recorder(&self) -> Option<&'r Recorder>;
    /// A step has ended.
    fn step(&mut self);
    /// The last step has ended; `number` counts submissions.
    fn end(self, task: TaskId, number: u64);
}

/// Notices nothing.
pub(crate) struct Unwatched;

impl<'r> Watch<'r> for Unwatched {
    #[inline]
    fn recorder(&self) -> Option<&'r Recorder> {
        None
    }
    #[inline]
    fn step(&mut self) {}
    #[inline]
    fn end(self, _: TaskId, _: u64) {}
}

/// Writes the steps down.
pub(crate) struct Stopwatch<'r> {
    recorder: &'r Recorder,
    moments: [u64; STEPS.len() + 1],
    next: usize,
}

impl<'r> Stopwatch<'r> {
    pub(crate) fn new(recorder: &'r Recorder) -> Self {
        let mut moments = [0; STEPS.len() + 1];
        moments[0] = recorder.now();
        Self {
            recorder,
            moments,
            next: 1,
        }
    }
}

impl<'r> Watch<'r> for Stopwatch<'r> {
    fn recorder(&self) -> Option<&'r Recorder> {
        Some(self.recorder)
    }

    fn step(&mut self) {
        self.moments[self.next] = self.recorder.now();
        self.next += 1;
    }

    fn end(self, task: TaskId, number: u64) {
        for (step, moments) in STEPS.into_iter().zip(self.moments.windows(2)) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "small codes; counts may wrap"
            )]
            self.recorder.phase(&PhaseRecord {
                start: moments[0],
                end: moments[1],
                index: number as u32,
                phase: step as u16,
                writer: ORCHESTRATOR as u16,
                subject: task.raw(),
            });
        }
    }
}
