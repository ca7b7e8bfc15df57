//! What a run of a graph writes down, if it is to.
//!
//! Knows which moments of a task count. Refuses to know where records go: that is
//! [`Recorder`]'s. A run that is not written down has none of this: whether it is, is known when its scheduler is
//! compiled.
//!
//! | when | what |
//! | --- | --- |
//! | a run begins | every edge of its graph |
//! | before a token is written | the call |
//! | a call's end is seen | the call's finish |

use aicore_abi::recorder::Recorder;
use aicore_abi::registers::Token;
use aicore_abi::seam::{CoreId, Cores};
use bytemuck::Zeroable;
use protocol::TaskId;
use protocol::recording::CallRecord;

use crate::graph::{GraphView, Target};

/// A run begins: who waits for whom.
#[cold]
pub(crate) fn began(recorder: &Recorder, graph: &GraphView<'_>) {
    for (from, record) in (0..).zip(graph.records) {
        for edge in graph.successors_of(record) {
            let to = match edge.target() {
                Target::Task(task) => task,
                Target::Join(join) => graph.joins[join as usize].task,
            };
            recorder.edge(id(from), id(to));
        }
    }
}

/// A call is about to be dispatched: what its payload is to say.
#[cold]
pub(crate) fn dispatched(
    recorder: &Recorder,
    graph: &GraphView<'_>,
    writer: usize,
    core: CoreId,
    task: u32,
) -> u64 {
    let record = &graph.records[task as usize];
    #[expect(clippy::cast_possible_truncation, reason = "few roles; 0 or 1")]
    recorder.call_dispatched(CallRecord {
        task_id: id(task),
        func_id: i32::from(record.kernel),
        core: core.0,
        core_type: record.core_type as u8,
        lane: record.core_type as u8,
        writer: writer as u8,
        ..CallRecord::zeroed()
    })
}

/// The ends of calls were seen; `before` are those that were on the core.
#[cold]
pub(crate) fn finished<C: Cores>(
    recorder: &Recorder,
    cores: &C,
    core: CoreId,
    before: [Option<(Token, u32)>; 2],
    finished: [Option<u32>; 2],
) {
    for ((token, _), _) in before
        .into_iter()
        .zip(finished)
        .filter_map(|(call, end)| call.zip(end))
    {
        let payload = cores.payload(core, token.get());
        // SAFETY: the seam keeps the payload valid, and it is this call's until another has its token's parity.
        recorder.call_finished(unsafe { payload.as_ref() }.record);
    }
}

/// A task of the graph as all tools name it.
const fn id(task: u32) -> u64 {
    TaskId::new(0, task).raw()
}
