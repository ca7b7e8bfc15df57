//! The golden vectors of the reference, as far as they speak about this crate.
//!
//! Knows what the reference did with the same inputs. Refuses to know how either does it: where we mean to differ, the
//! test names the vector and says why.
//!
//! Not checked here: `sequences` of `trb_args.json` and all of `trb_tensors.json` (crate `aicore-abi` does), `startup` and
//! `token_sequence` of `trb_dispatch.json` (crate `aicore-abi` has the tokens, the platforms the handshake).

mod overlap;
mod submissions;

use core::ptr::NonNull;

use aicore_abi::kernel::DeferredIngressBuffer;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use aicore_abi::tensor::{BufferHandle, Tensor};
use bytemuck::Zeroable;
use protocol::{A5, DataType, TaskId, TensorArgType};
use serde_json::Value;

use crate::record::TaskRef;
use crate::{Context, Deadlines, Limits, NoHelp, Orchestrator, Run, RunStatus, Setup};

/// The parsed vector file.
fn file(text: &str) -> Value {
    serde_json::from_str(text).expect("the vectors are well formed")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is a text"))
}

fn number(value: &Value, key: &str) -> i64 {
    value[key]
        .as_i64()
        .unwrap_or_else(|| panic!("{key} is a number"))
}

fn word(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a word")
}

fn tag(name: &str) -> TensorArgType {
    TensorArgType::ALL
        .iter()
        .copied()
        .find(|tag| tag.name() == name)
        .unwrap_or_else(|| panic!("{name} is a tag"))
}

fn extents(value: &Value, key: &str) -> [u32; 5] {
    let mut extents = [0; 5];
    for (place, extent) in extents.iter_mut().zip(list(value, key)) {
        *place = u32::try_from(extent.as_u64().expect("an extent")).expect("32 bits");
    }
    extents
}

/// The tensor that a region of the vectors describes.
fn tensor(region: &Value) -> Tensor {
    Tensor {
        buffer: BufferHandle {
            addr: word(text(region, "addr")),
            size: 1 << 40,
        },
        owner_task_id: TaskId::INVALID,
        version: i32::try_from(number(region, "version")).expect("32 bits"),
        ndims: u32::try_from(list(region, "shape").len()).expect("few"),
        dtype: DataType::Float32.to_wire(),
        is_all_offset_zero: u8::from(region["zero_offset"] == true),
        is_raw_eq_shapes: u8::from(region["raw_equals_shape"] == true),
        shapes: extents(region, "shape"),
        raw_shapes: extents(region, "raw_shape"),
        offsets: extents(region, "offset"),
        ..Tensor::zeroed()
    }
}

/// Cores that nobody drives.
struct Unused(u16);

// SAFETY: no pointer is ever given out.
unsafe impl Cores for Unused {
    fn count(&self) -> u16 {
        self.0
    }
    fn payload(&self, _core: CoreId, _token: u32) -> NonNull<DispatchPayload> {
        unreachable!("nothing is dispatched")
    }
    fn deferred(&self, _core: CoreId, _token: u32) -> NonNull<DeferredIngressBuffer> {
        unreachable!("nothing is dispatched")
    }
    fn dispatch(&self, _core: CoreId, _token: u32, _togetherness: Togetherness) {
        unreachable!("nothing is dispatched")
    }
    fn status(&self, _core: CoreId) -> u32 {
        unreachable!("nothing is dispatched")
    }
}

/// Runs an orchestration none of whose tasks is ever run; yields what it yields and the codes.
fn unscheduled<R>(body: impl FnOnce(&mut Orchestrator<'_>) -> R) -> (R, RunStatus) {
    unscheduled_within(
        &Limits {
            task_window: 1024,
            heap_bytes: 1 << 20,
            map_entries: 4096,
        },
        |orch, _| body(orch),
    )
}

/// As [`unscheduled`], with these limits; the orchestration is told where the heap begins.
fn unscheduled_within<R>(
    limits: &Limits,
    body: impl FnOnce(&mut Orchestrator<'_>, u64) -> R,
) -> (R, RunStatus) {
    let kernels = [KernelEntry {
        address: 1,
        handle: 0,
    }; protocol::limits::MAX_FUNC_ID];
    let mut context = Context::new(limits).expect("good limits");
    let heap = context.heap_base();
    let cores = Unused(72);
    let run: Run<'_, A5, _> = context
        .begin(
            Setup {
                kernels: &kernels,
                clusters: 24,
                threads: 2,
                orch_to_sched: false,
                limits: None,
                deadlines: Deadlines::default(),
                log: log::logger(),
            },
            &cores,
        )
        .expect("a good set-up");
    let result = run
        .orchestrate(&NoHelp, |orch| body(orch, heap))
        .expect("orchestrated once");
    (result, run.status())
}

/// The producers a task waits for, in the order they are kept.
fn producers(orch: &Orchestrator<'_>, task: TaskId) -> Vec<TaskId> {
    let records = &orch.around.shared.records;
    let record = found(orch, task);
    records
        .producers(records.descriptor(record))
        .map(|producer| records.descriptor(producer).id)
        .collect()
}

fn found(orch: &Orchestrator<'_>, task: TaskId) -> TaskRef {
    orch.graph.find(task).expect("nothing retires")
}
