//! `trb_dispatch.json`: payloads, handshakes and the token sequence.

use aicore_abi::kernel::{
    AsyncCtx, DeferredCondition, DeferredIngressBuffer, GlobalContext, LocalContext,
};
use aicore_abi::payload::DispatchPayload;
use aicore_abi::registers::{Token, TokenSequence};
use bytemuck::Zeroable;
use protocol::handshake::{Handshake, HandshakeA2a3, HandshakeA5};
use protocol::{A2a3, A5, TaskId};
use serde_json::Value;

use crate::support::{
    flag, hex, list, number, numbers, parse, same, same_bytes, same_layout, same_masked, text,
};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/trb_dispatch.json"))
}

/// The payload of one event, built from what the vector states.
fn payload(dispatch: &Value, event: &Value) -> DispatchPayload {
    let mut payload = DispatchPayload::zeroed();
    let tensors = numbers::<u64>(&dispatch["tensor_addresses"]);
    let scalars = numbers::<u64>(&dispatch["scalars"]);
    payload.function_bin_addr = number(&event["function_bin_addr"]);
    payload.args[..tensors.len()].copy_from_slice(&tensors);
    payload.args[tensors.len()..][..scalars.len()].copy_from_slice(&scalars);
    payload.link_contexts(number(&event["payload_address"]));
    payload.local_context = LocalContext {
        block_idx: number(&event["block"]),
        block_num: number(&dispatch["blocks"]),
        async_ctx: AsyncCtx::new(
            number(&event["deferred_buffer_address"]),
            TaskId::from_raw(number(&dispatch["task_id"])),
        ),
    };
    payload.global_context = GlobalContext {
        sub_block_id: number(&event["seen_by_kernel"]["sub_block_id"]),
    };
    payload
}

#[test]
fn payloads() {
    let file = file();
    let mut events = 0;
    for dispatch in list(&file["dispatches"]) {
        let name = text(&dispatch["name"]);
        for event in list(&dispatch["events"]) {
            let ours = payload(dispatch, event);
            let (bytes, mask) = (&event["payload_bytes"], &event["payload_mask"]);
            same_masked(bytemuck::bytes_of(&ours), bytes, mask, name);
            same(ours.args[48], &event["arg_48_local_context"]);
            same(ours.args[49], &event["arg_49_global_context"]);

            let context = ours.local_context.async_ctx;
            let stated = &event["async_context"];
            same(context.completion_count, &stated["completion_count"]);
            same(
                context.completion_error_code,
                &stated["completion_error_code"],
            );
            same(context.completion_entries, &stated["completion_entries"]);
            same(context.completion_capacity, &stated["completion_capacity"]);
            same(context.task_token.raw(), &stated["task_token"]);
            let fresh = DeferredIngressBuffer::zeroed();
            assert_eq!(
                bytemuck::bytes_of(&fresh)[..8],
                hex(&event["deferred_head_bytes"])
            );

            let token = Token::new(number(&event["token"])).expect("a token was dispatched");
            same(token.buffer(), &event["buffer"]);
            same(token.get(), &event["data_main_base"]);
            events += 1;
        }
    }
    assert_eq!((list(&file["dispatches"]).len(), events), (24, 52));
}

#[test]
fn handshakes() {
    let startup = &file()["startup"]["handshakes"];
    let mut checked = 0;
    for (arch, offsets) in [("a2a3", A2a3::OFFSETS), ("a5", A5::OFFSETS)] {
        for vector in list(&startup[arch]) {
            let bytes = hex(&vector["bytes"]);
            let u32_at =
                |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let task = bytes[offsets.task..offsets.task + 8].try_into();
            let worker: u32 = number(&vector["worker"]);
            same(
                u64::from_le_bytes(task.expect("eight bytes")),
                &vector["task"],
            );
            same(u32_at(offsets.aicpu_ready), &vector["aicpu_ready"]);
            same(
                u32_at(offsets.aicpu_regs_ready),
                &vector["aicpu_regs_ready"],
            );
            assert_eq!(u32_at(offsets.aicore_regs_ready), 1);
            assert_eq!(u32_at(offsets.aicore_done), worker + 1);
            assert_eq!(u32_at(offsets.physical_core_id), worker);
            // Two blocks: cores 0 and 1 are cube cores.
            assert_eq!(u32_at(offsets.core_type), u32::from(worker >= 2));

            let record = |ours: &[u8]| same_bytes(ours, vector, arch);
            match arch {
                "a2a3" => record(bytemuck::bytes_of(&HandshakeA2a3 {
                    aicpu_ready: 1,
                    aicore_done: worker + 1,
                    task: number(&vector["task"]),
                    core_type: i32::from(worker >= 2),
                    physical_core_id: worker,
                    aicpu_regs_ready: 1,
                    aicore_regs_ready: 1,
                    reserved: [0; 32],
                })),
                _ => record(bytemuck::bytes_of(&HandshakeA5 {
                    aicpu_ready: 1,
                    aicore_done: worker + 1,
                    task: number(&vector["task"]),
                    core_type: i32::from(worker >= 2),
                    physical_core_id: worker,
                    aicpu_regs_ready: 1,
                    aicore_regs_ready: 1,
                    ..HandshakeA5::zeroed()
                })),
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 12);
}

#[test]
fn payload_pairs_lie_behind_one_another() {
    let startup = &file()["startup"]["payload_after_init"];
    let mut checked = 0;
    for arch in ["a2a3", "a5"] {
        let vectors = list(&startup[arch]);
        let first: u64 = number(&vectors[0]["address"]);
        for vector in vectors {
            let pair = number::<u64>(&vector["core"]) * 2 + number::<u64>(&vector["buffer"]);
            let expected = first + pair * size_of::<DispatchPayload>() as u64;
            same(expected, &vector["address"]);
            assert!(flag(&vector["rest_zero"]));
            checked += 1;
        }
    }
    assert_eq!(checked, 24);
}

#[test]
fn token_sequence() {
    let file = file();
    let vectors = list(&file["token_sequence"]);
    for vector in vectors {
        let mut sequence = TokenSequence::after(number(&vector["counter_before"]));
        let tokens: Vec<u32> = (0..4).map(|_| sequence.advance().get()).collect();
        assert_eq!(tokens, numbers::<u32>(&vector["tokens"]));
        same(sequence.counter(), &vector["counter_after"]);
    }
    assert_eq!(vectors.len(), 14);
}

#[test]
fn tokens_alternate_the_payload_across_the_reserved_numbers() {
    let mut sequence = TokenSequence::after(0x7fff_ffe0);
    let mut last = sequence.advance();
    for _ in 0..64 {
        let next = sequence.advance();
        assert_ne!(last.buffer(), next.buffer(), "{last:?} then {next:?}");
        last = next;
    }
}

#[test]
fn layouts() {
    let layout = &file()["layout"];
    let mut payload = layout["PTO2DispatchPayload"].clone();
    let members = payload.as_object_mut().expect("a layout");
    let words = members.remove("args_count").expect("stated");
    same(DispatchPayload::zeroed().args.len(), &words);
    let names = [("reserved_payload_abi_pad", "reserved")];
    same_layout::<DispatchPayload>(&payload, &names);
    same_layout::<LocalContext>(&layout["LocalContext"], &[]);
    same_layout::<AsyncCtx>(&layout["AsyncCtx"], &[]);
    same_layout::<GlobalContext>(&layout["GlobalContext"], &[]);
    let ingress = &layout["PTO2DeferredCompletionIngressBuffer"];
    same_layout::<DeferredIngressBuffer>(ingress, &[]);
    same_layout::<DeferredCondition>(&layout["PTO2DeferredCompletionEntry"], &[]);
    same_layout::<HandshakeA2a3>(&layout["Handshake"]["a2a3"], &[]);
    same_layout::<HandshakeA5>(&layout["Handshake"]["a5"], &[]);
    assert_eq!(layout.as_object().map(serde_json::Map::len), Some(7));
}
