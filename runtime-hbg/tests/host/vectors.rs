//! `hbg.json`: what the reference's builder does, call by call.
//!
//! The reference's limits are minimums here and what it drops silently is an error here, so a few calls answer
//! otherwise; each is named where it is expected.

use core::ptr::{null, null_mut};

use aicore_abi::orchestration::hbg::{
    Operations, OrchestrationRuntime, TensorAllocationInfo, TensorInfo,
};
use bytemuck::Zeroable;
use protocol::run_descriptor::Task;
use runtime_hbg::dump::{addresses, is_inside};
use runtime_hbg::{Built, CopyBack, Error, GraphBuilder, Orchestration};
use serde_json::Value;

use crate::memory::{Books, kernels};

fn file() -> Value {
    let text = include_str!("../../../tests/vectors/hbg.json");
    serde_json::from_str(text).expect("vector files are JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> u64 {
    match value {
        Value::String(digits) => {
            u64::from_str_radix(digits.strip_prefix("0x").expect("hex"), 16).expect("hex")
        }
        plain => plain.as_u64().expect("a number"),
    }
}

fn int(value: &Value) -> i32 {
    i32::try_from(value.as_i64().expect("an integer")).expect("a C integer")
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hex");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
        .collect()
}

fn pointer(value: &Value) -> *mut core::ffi::c_void {
    let address = usize::try_from(number(value)).expect("an address");
    core::ptr::with_exposed_provenance_mut(address)
}

/// Makes one call through the table; what it answered, if it answers.
fn call(handle: *mut OrchestrationRuntime, vector: &Value) -> Option<i64> {
    // SAFETY: the handle is an orchestration's.
    let table = unsafe { (*handle).ops };
    // SAFETY: its table is static.
    let operations: &Operations = unsafe { &*table };
    match vector["call"].as_str().expect("a name") {
        "add_task" => {
            let mut args: Vec<u64> = list(&vector["args"]).iter().map(number).collect();
            let args = if vector["null_args"] == true {
                null_mut()
            } else {
                args.as_mut_ptr()
            };
            let [count, func, core] =
                ["num_args", "func_id", "core_type"].map(|key| int(&vector[key]));
            // SAFETY: as many words as counted, or none.
            Some(unsafe { (operations.add_task)(handle, args, count, func, core) }.into())
        }
        "add_successor" => {
            let [from, to] = ["from", "to"].map(|key| int(&vector[key]));
            // SAFETY: the handle is an orchestration's.
            unsafe { (operations.add_successor)(handle, from, to) };
            None
        }
        "record_tensor_pair" => {
            let bytes = usize::try_from(number(&vector["size"])).expect("a size");
            let (host, device) = (pointer(&vector["host"]), pointer(&vector["device"]));
            // SAFETY: the handle is an orchestration's.
            unsafe { (operations.record_tensor_pair)(handle, host, device, bytes) };
            None
        }
        // SAFETY: the handle is an orchestration's.
        "get_task_count" => Some(unsafe { (operations.get_task_count)(handle) }.into()),
        "device_malloc" => {
            let bytes = usize::try_from(number(&vector["size"])).expect("a size");
            // SAFETY: the handle is an orchestration's.
            let device = unsafe { (operations.device_malloc)(handle, bytes) };
            Some(i64::try_from(device.addr()).expect("a low address"))
        }
        "device_free" => {
            // SAFETY: the handle is an orchestration's.
            unsafe { (operations.device_free)(handle, pointer(&vector["pointer"])) };
            None
        }
        "set_tensor_info_to_task" => {
            let infos: Vec<TensorInfo> = list(&vector["descriptors"])
                .iter()
                .map(|info| bytemuck::pod_read_unaligned(&hex(&info["bytes"])))
                .collect();
            let infos = if vector["null_pointer"] == true {
                null()
            } else {
                infos.as_ptr()
            };
            let [task, count] = ["task", "count"].map(|key| int(&vector[key]));
            // SAFETY: as many records as counted, or none.
            let answer =
                unsafe { (operations.set_tensor_info_to_task)(handle, task, infos, count) };
            Some(answer.into())
        }
        other => panic!("no call {other}"),
    }
}

/// What the vector says a call answers.
fn expected(vector: &Value) -> Option<i64> {
    match &vector["returns"] {
        Value::Null => None,
        Value::String(_) => Some(i64::try_from(number(&vector["returns"])).expect("low")),
        plain => plain.as_i64(),
    }
}

/// A task as the reference keeps it.
fn entry(graph: &GraphBuilder, number: u32) -> Task {
    let draft = graph.tasks()[number as usize];
    let mut task = Task {
        task_id: number.cast_signed(),
        func_id: draft.func_id,
        num_args: draft.word_count.cast_signed(),
        core_type: draft.core_type,
        fanin: draft.fan_in.cast_signed(),
        fanout_count: draft.fan_out.cast_signed(),
        ..Task::zeroed()
    };
    let words = graph.words_of(number).expect("it exists");
    task.args[..words.len()].copy_from_slice(words);
    let leaving = graph.edges().iter().filter(|edge| edge.from == number);
    for (place, edge) in task.fanout.iter_mut().zip(leaving) {
        *place = edge.to.cast_signed();
    }
    task
}

/// Where we differ on purpose, by build.
fn differs(name: &str) -> Option<&'static str> {
    match name {
        "seventeen_arguments_refused" => Some("17 words are taken: 16 is a minimum"),
        "negative_argument_count_is_stored" => Some("a negative count is refused"),
        "successor_limit_128" => Some("all successors are kept: 128 is a minimum"),
        "pairs_limit_64" => Some("all copies are kept: 64 is a minimum"),
        _ => None,
    }
}

#[test]
fn builds() {
    let file = file();
    let vectors = list(&file["builds"]);
    for vector in vectors {
        let name = vector["name"].as_str().expect("a name");
        let memory = Books::new();
        let mut orchestration = Orchestration::new(&memory);
        let mut answers = Vec::new();
        let result = orchestration.orchestrate(|handle| {
            answers = list(&vector["calls"])
                .iter()
                .map(|step| call(handle, step))
                .collect();
            int(&vector["returns"])
        });
        match int(&vector["returns"]) {
            0 => assert_eq!(result, Ok(()), "{name}"),
            code => assert_eq!(result.expect_err("it gave up").code(), code, "{name}"),
        }
        match differs(name) {
            None => same_build(name, vector, &answers, &orchestration),
            Some(why) => {
                assert_ne!(
                    kept(&orchestration),
                    reference_kept(vector),
                    "{name}: {why}"
                );
                checked_apart(name, &answers, &orchestration);
            }
        }
        if int(&vector["returns"]) == 0 {
            sealed(name, vector, orchestration);
        } else {
            // What gives up leaves nothing behind: its copies are never made.
            assert_eq!(list(&vector["tensor_pairs"]), &[] as &[Value]);
            drop(orchestration);
        }
        assert_eq!(memory.live(), 0, "{name}");
    }
    assert_eq!(vectors.len(), 22);
}

/// Tasks, words, edges and copies that were kept.
fn kept(orchestration: &Orchestration<'_>) -> [usize; 4] {
    let graph = &orchestration.graph;
    let words = graph.tasks().iter().map(|task| task.word_count as usize);
    [
        graph.task_count(),
        words.sum(),
        graph.edge_count(),
        orchestration.copies().len(),
    ]
}

fn reference_kept(vector: &Value) -> [usize; 4] {
    let sum = |key: &str| -> i64 {
        list(&vector["entries"])
            .iter()
            .map(|entry| entry[key].as_i64().unwrap_or(0))
            .sum()
    };
    let size = |sum: i64| usize::try_from(sum).unwrap_or(usize::MAX);
    [
        usize::try_from(number(&vector["task_count"])).expect("a count"),
        size(sum("num_args")),
        size(sum("fanout_count")),
        list(&vector["tensor_pairs"]).len(),
    ]
}

fn same_build(name: &str, vector: &Value, answers: &[Option<i64>], built: &Orchestration<'_>) {
    for (step, answer) in list(&vector["calls"]).iter().zip(answers) {
        if step["call"] == "set_tensor_info_to_task" && step["count"] == 17 {
            assert_eq!(*answer, Some(0), "16 descriptors are a minimum");
            continue;
        }
        assert_eq!(*answer, expected(step), "{name}: {step}");
    }
    let graph = &built.graph;
    assert_eq!(
        graph.task_count() as u64,
        number(&vector["task_count"]),
        "{name}"
    );
    for vector in list(&vector["entries"]) {
        let task = u32::try_from(number(&vector["task"])).expect("a task");
        let ours = entry(graph, task);
        let (bytes, mask) = (hex(&vector["bytes"]), hex(&vector["mask"]));
        let ours = bytemuck::bytes_of(&ours);
        assert_eq!(ours.len(), bytes.len());
        for at in 0..bytes.len() {
            assert_eq!(
                ours[at] & mask[at],
                bytes[at] & mask[at],
                "{name}: byte {at} of task {task}"
            );
        }
    }
    let ready = (0_u64..)
        .zip(graph.tasks())
        .filter(|(_, task)| task.fan_in == 0);
    let ready: Vec<u64> = ready.map(|(number, _)| number).collect();
    let stated: Vec<u64> = list(&vector["initially_ready"])
        .iter()
        .map(number)
        .collect();
    assert_eq!(ready, stated, "{name}");
    if int(&vector["returns"]) == 0 {
        let stated: Vec<CopyBack> = list(&vector["tensor_pairs"]).iter().map(pair).collect();
        assert_eq!(built.copies(), stated, "{name}");
    }
}

fn pair(vector: &Value) -> CopyBack {
    CopyBack {
        host: number(&vector["host"]),
        device: number(&vector["device"]),
        bytes: usize::try_from(number(&vector["size"])).expect("a size"),
    }
}

fn checked_apart(name: &str, answers: &[Option<i64>], built: &Orchestration<'_>) {
    match name {
        "seventeen_arguments_refused" => assert_eq!(answers, [Some(0), Some(1), Some(2)]),
        "negative_argument_count_is_stored" => {
            assert_eq!(answers, [Some(-1)]);
            let refused = Error::ArgumentCount { task: 0, count: -2 };
            assert_eq!(built.graph.error(), Some(&refused));
        }
        "successor_limit_128" => assert_eq!(built.graph.tasks()[0].fan_out, 130),
        "pairs_limit_64" => assert_eq!(built.copies().len(), 65),
        other => panic!("nothing is said about {other}"),
    }
}

/// Whether the graph can be sealed, and what the dump learns then.
fn sealed(name: &str, vector: &Value, orchestration: Orchestration<'_>) {
    let sealed = orchestration.seal(&kernels());
    let refused = match name {
        "negative_argument_count_is_stored" => "task 0 was to have -2 argument words",
        "unchecked_func_id_and_core_type" => "task 0 names function id -7",
        "sixteen_bit_and_large_values" => "task 0 names function id 2147483647",
        "self_edge_not_refused" => "tasks wait for each other in a circle: 0 -> 0;",
        "cycle_not_detected" => "tasks wait for each other in a circle: 0 -> 1 -> 0;",
        "edges_with_unknown_ids_ignored" => "the edge from task 0 to task 1 needs tasks that exist",
        _ => {
            dumped(name, vector, &sealed.expect("nothing is wrong"));
            return;
        }
    };
    let error = sealed.expect_err("something is wrong");
    assert!(error.to_string().starts_with(refused), "{name}: {error}");
    assert_ne!(error.code(), 0);
}

fn dumped(name: &str, vector: &Value, built: &Built<'_>) {
    let info = &vector["tensor_info"];
    let bytes: &[u8] = bytemuck::cast_slice(built.dump.infos());
    assert_eq!(bytes.len() as u64, number(&info["storage_size"]), "{name}");
    if !bytes.is_empty() {
        assert_eq!(bytes, hex(&info["storage_bytes"]), "{name}");
    }
    for range in list(&info["ranges"]) {
        let task = u32::try_from(number(&range["task"])).expect("a task");
        let ours = built.dump.range(task);
        assert_eq!(
            ours.len() as u64,
            number(&range["count"]),
            "{name}: task {task}"
        );
        if !ours.is_empty() {
            assert_eq!(
                ours.start as u64,
                number(&range["first"]),
                "{name}: task {task}"
            );
        }
    }
    let allocations = &vector["allocations"];
    let blocks = built.dump.allocations();
    assert_eq!(blocks.len() as u64, number(&allocations["count"]), "{name}");
    if !blocks.is_empty() {
        let bytes: &[u8] = bytemuck::cast_slice(blocks);
        assert_eq!(bytes, hex(&allocations["storage_bytes"]), "{name}");
    }
}

/// The reference takes 131072 tasks; we take those and more.
#[test]
fn task_limit() {
    let limit = &file()["task_limit"];
    let mut graph = GraphBuilder::new();
    for number in 0..u32::try_from(number(&limit["accepted"])).expect("a count") {
        assert_eq!(graph.add_task(0, 1, &[]), Ok(number));
    }
    assert_eq!(limit["next_call_returns"], -1);
    assert_eq!(graph.add_task(0, 1, &[]), Ok(131_072));
}

#[test]
fn allocation_lookup() {
    let file = file();
    let vectors = list(&file["allocation_lookup"]);
    for vector in vectors {
        let block = TensorAllocationInfo {
            base_addr: number(&vector["base"]),
            size_bytes: number(&vector["size"]),
        };
        assert_eq!(
            is_inside(&[block], number(&vector["address"])),
            vector["inside"] == true
        );
    }
    assert_eq!(vectors.len(), 5);
}

/// Which words the reference takes for tensors; the blocks are two of 256 bytes.
#[test]
fn addresses_recognised_as_tensors() {
    let file = file();
    let vectors = list(&file["dump_records"]);
    let block = |base_addr| TensorAllocationInfo {
        base_addr,
        size_bytes: 256,
    };
    let blocks = [block(0x79_0000_0000), block(0x79_0000_0100)];
    for vector in vectors {
        let words: Vec<u64> = list(&vector["args"]).iter().map(number).collect();
        let found = addresses(&blocks, &words);
        let found: Vec<u64> = found.into_iter().map(|index| words[index]).collect();
        let stated = list(&vector["addresses_recognised_as_tensors"])
            .iter()
            .map(number);
        assert!(stated.eq(found), "{}", vector["name"]);
    }
    assert_eq!(vectors.len(), 13);
}
