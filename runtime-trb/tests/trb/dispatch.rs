//! `trb_dispatch.json`: what a core finds in its payload.
//!
//! Which core a block goes to is the scheduler's business; the vectors chose one. What the payload says for that block and
//! kernel is the contract.

use std::sync::Mutex;

use aicore_abi::kernel::{AsyncCtx, LocalContext};
use aicore_abi::orchestration::trb::MixedKernels;
use aicore_abi::seam::KernelEntry;
use aicore_abi::tensor::Tensor;
use protocol::A5;
use protocol::limits::trb::{GLOBAL_CONTEXT_INDEX, LOCAL_CONTEXT_INDEX};
use runtime_trb::{Args, Run};
use serde_json::Value;
use sync::{Crowd, Spin};

use crate::cores::{Call, FakeCores, Pace, context, setup, tensors};

const FILE: &str = include_str!("../../../tests/vectors/trb_dispatch.json");
const CLUSTERS: u16 = 2;

struct Seen {
    core: u16,
    function: u64,
    tensors: Vec<Tensor>,
    scalars: Vec<u64>,
    local: LocalContext,
    sub_block_id: i32,
    contexts_linked: bool,
    ingress: u64,
    ingress_head: (u32, i32),
}

fn word(value: &Value) -> u64 {
    let text = value.as_str().expect("a word");
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a word")
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a count")).expect("small")
}

fn bytes(value: &Value) -> Vec<u8> {
    let hex = value.as_str().expect("bytes");
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).expect("hex"))
        .collect()
}

fn look(call: &Call<'_>, tensor_count: usize, scalar_count: usize) -> Seen {
    let payload = call.payload;
    let address = |object: *const u8| object.addr() as u64;
    Seen {
        core: call.core.0,
        function: payload.function_bin_addr,
        // SAFETY: the task was submitted with that many tensors.
        tensors: unsafe { tensors(call, tensor_count) }
            .into_iter()
            .copied()
            .collect(),
        scalars: payload.args[tensor_count..tensor_count + scalar_count].to_vec(),
        local: payload.local_context,
        sub_block_id: payload.global_context.sub_block_id,
        contexts_linked: payload.args[LOCAL_CONTEXT_INDEX]
            == address((&raw const payload.local_context).cast())
            && payload.args[GLOBAL_CONTEXT_INDEX]
                == address((&raw const payload.global_context).cast()),
        ingress: address((&raw const *call.ingress).cast()),
        ingress_head: (call.ingress.count, call.ingress.error_code),
    }
}

#[test]
fn every_dispatch_shows_the_core_what_the_reference_shows() {
    let file: Value = serde_json::from_str(FILE).expect("well formed");
    let dispatches = file["dispatches"].as_array().expect("a list");
    for dispatch in dispatches {
        check(dispatch);
    }
    assert_eq!(dispatches.len(), 24);
}

fn check(dispatch: &Value) {
    let name = dispatch["name"].as_str().expect("a name");
    let (tensor_count, scalar_count) = (
        count(&dispatch["tensor_count"]),
        count(&dispatch["scalar_count"]),
    );
    let seen = Mutex::new(Vec::new());
    let cores = FakeCores::new(CLUSTERS, Pace::Stepwise, |call: Call<'_>| {
        let look = look(&call, tensor_count, scalar_count);
        seen.lock().expect("no panic").push(look);
    });
    let kernels: Vec<KernelEntry> = (0..16)
        .map(|number| KernelEntry {
            address: 0xc0de_0000 + number * 0x100,
            handle: 0,
        })
        .collect();
    let mut stored: Vec<(Tensor, Vec<u8>)> = dispatch["tensors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tensor| {
            let tensor_bytes = bytes(&tensor["bytes"]);
            (
                bytemuck::pod_read_unaligned(&tensor_bytes),
                bytes(&tensor["mask"]),
            )
        })
        .collect();
    // Of many tensors the vector lists the first; the others are any.
    let last = stored.last().map(|(tensor, _)| (*tensor, Vec::new()));
    stored.extend(core::iter::repeat_n(last, tensor_count - stored.len()).flatten());
    let lanes: Vec<i32> = dispatch["kernels"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|id| i32::try_from(id.as_i64().expect("an id")).expect("small"))
        .collect();
    let blocks = u32::try_from(count(&dispatch["blocks"])).expect("small");
    let mut context = context(16, 1 << 16);
    let run: Run<'_, A5, _> = context
        .begin(setup(&kernels, CLUSTERS, 3), &cores)
        .expect("a good set-up");
    let submitted = run.orchestrate(&run, |orch| {
        let mut args = Args::new();
        args.blocks(blocks);
        for (tensor, _) in &stored {
            args.no_dep(tensor);
        }
        for scalar in dispatch["scalars"].as_array().expect("a list") {
            args.scalar(word(scalar));
        }
        let kernels = MixedKernels::from_lanes([lanes[0], lanes[1], lanes[2]]);
        orch.submit(&kernels, &args).expect("there is room").task()
    });
    run.drive(0, &mut Spin::new(&Crowd::new()));

    let mut seen = seen.into_inner().expect("no panic");
    for event in dispatch["events"].as_array().expect("a list") {
        let block = i32::try_from(count(&event["block"])).expect("small");
        let function = word(&event["function_bin_addr"]);
        let index = seen
            .iter()
            .position(|seen| seen.function == function && seen.local.block_idx == block)
            .unwrap_or_else(|| panic!("{name}: block {block} of {function:#x} never ran"));
        let seen = seen.swap_remove(index);
        for ((ours, (theirs, mask)), at) in seen.tensors.iter().zip(&stored).zip(0..) {
            let pairs = bytemuck::bytes_of(ours)
                .iter()
                .zip(bytemuck::bytes_of(theirs));
            for ((ours, theirs), mask) in pairs.zip(mask) {
                assert_eq!(ours & mask, theirs & mask, "{name}: tensor {at}");
            }
        }
        let scalars: Vec<u64> = dispatch["scalars"]
            .as_array()
            .expect("a list")
            .iter()
            .map(word)
            .collect();
        assert_eq!(seen.scalars, scalars, "{name}");
        let by_kernel = &event["seen_by_kernel"];
        assert_eq!(
            i64::from(seen.local.block_num),
            by_kernel["block_num"].as_i64().expect("a count")
        );
        // The lane belongs to the core: vector cores are numbered in pairs behind the cube cores.
        let lane_of = |core: usize| {
            core.checked_sub(usize::from(CLUSTERS))
                .map_or(0, |vector| vector % 2)
        };
        assert_eq!(
            by_kernel["sub_block_id"].as_u64(),
            Some(lane_of(count(&event["core"])) as u64),
            "{name}: the rule holds for the reference"
        );
        let lane = i32::try_from(lane_of(usize::from(seen.core))).expect("small");
        assert_eq!(seen.sub_block_id, lane, "{name}");
        assert!(seen.contexts_linked, "{name}");
        // The vectors' tasks have numbers of their own; the token is the task's, whichever it is.
        assert_eq!(
            event["async_context"]["task_token"], dispatch["task_id"],
            "{name}"
        );
        let wanted = AsyncCtx::new(seen.ingress, submitted.expect("orchestrated once"));
        assert_eq!(seen.local.async_ctx, wanted, "{name}");
        assert_eq!(
            u64::from(seen.local.async_ctx.completion_capacity),
            event["async_context"]["completion_capacity"]
                .as_u64()
                .expect("a count")
        );
        assert_eq!(bytes(&event["deferred_head_bytes"]), [0; 8]);
        assert_eq!(seen.ingress_head, (0, 0), "{name}");
    }
    assert!(seen.is_empty(), "{name}: more ran than was dispatched");
}
