//! What a run of a graph writes down, if it is to.
//!
//! Knows which moments of a task count. Refuses to know where records go: that is
//! [`Recorder`]'s. A run that is not written down has none of this: whether it is, is known when its scheduler is
//! compiled.
//!
//! | when | what |
//! | --- | --- |
//! | a run begins | every edge of its graph |
//! | before a token is written | the task's tensors, then the call |
//! | a call's end is seen | the call's finish, then the task's tensors again |
//!
//! A graph does not say which tensors its tasks read and which they write, so all count as both.

use aicore_abi::orchestration::hbg::{TensorAllocationInfo, TensorInfo};
use aicore_abi::recorder::{Recorder, contents};
use aicore_abi::registers::Token;
use aicore_abi::seam::{CoreId, Cores};
use aicore_abi::tensor::Tensor;
use bytemuck::Zeroable;
use protocol::diagnostics::{TensorDumpRole, TensorDumpStage};
use protocol::recording::{CallRecord, TensorRecord};
use protocol::{DataType, TaskId};

use crate::dump::{DumpTables, is_inside};
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
    tensors(
        recorder,
        graph,
        writer,
        task,
        TensorDumpStage::BeforeDispatch,
    );
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

/// Writes down what is known of a task's tensors.
#[cold]
pub(crate) fn tensors(
    recorder: &Recorder,
    graph: &GraphView<'_>,
    writer: usize,
    task: u32,
    stage: TensorDumpStage,
) {
    if !recorder.wants_tensors() {
        return;
    }
    let record = &graph.records[task as usize];
    let words = graph.words_of(task);
    let write = |argument: usize, tensor: &Tensor| {
        // SAFETY: the words of a task are addresses of device memory that its graph was given; nobody writes to what
        // a task reads before it has run, or to what it has written before it is complete.
        let Some((shape, chunks)) = (unsafe { contents(tensor) }) else {
            return;
        };
        let tensor = TensorRecord {
            task_id: id(task),
            func_id: i32::from(record.kernel),
            argument: u32::try_from(argument).unwrap_or(u32::MAX),
            role: TensorDumpRole::Inout as u8,
            stage: stage as u8,
            lane: u8::from(record.core_type != 0),
            ..shape
        };
        recorder.tensor(writer, tensor, chunks);
    };
    for (argument, &word) in words.iter().take(usize::from(record.tensors)).enumerate() {
        let descriptor = core::ptr::with_exposed_provenance::<Tensor>(
            usize::try_from(word).expect("an address of this machine"),
        );
        // SAFETY: these words are addresses of descriptors that live as long as the graph.
        write(argument, unsafe { &*descriptor });
    }
    let Some(dump) = graph.dump else {
        return;
    };
    let infos = &dump.infos()[dump.range(task)];
    for (argument, info) in dump.arguments(task, words).into_iter().flatten().zip(infos) {
        if let Some(tensor) = described(dump, info, words[argument]) {
            write(argument, &tensor);
        }
    }
}

/// The tensor at `address`, if all of it lies in one block of the orchestration's.
fn described(dump: &DumpTables, info: &TensorInfo, address: u64) -> Option<Tensor> {
    let rank = usize::from(info.ndims);
    let raw = info.raw_shapes.get(..rank)?;
    let kind = DataType::from_wire(info.dtype).ok()?;
    let whole = Tensor::external(address, raw, kind, true, 0).ok()?;
    let last = address.checked_add(whole.buffer.size)?.checked_sub(1)?;
    let is_whole = |block: &&TensorAllocationInfo| {
        let block = core::slice::from_ref(*block);
        is_inside(block, address) && is_inside(block, last)
    };
    dump.allocations().iter().find(is_whole)?;
    let (shape, offsets) = (info.shapes.get(..rank)?, info.offsets.get(..rank)?);
    whole.view(shape, offsets, true).ok()
}

/// A task of the graph as all tools name it.
const fn id(task: u32) -> u64 {
    TaskId::new(0, task).raw()
}
