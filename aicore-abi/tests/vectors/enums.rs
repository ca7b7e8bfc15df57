//! `enums.json`: every number and every enumeration that two programs share.
//!
//! A constant is either compared with ours or stands in a list of those that only one crate above
//! needs; a name that is in neither fails the test.

use aicore_abi::kernel::{CompletionEngine, CompletionType};
use aicore_abi::orchestration::trb::{ActiveMask, ScopeMode, Shape};
use protocol::diagnostics::{
    AICPU_PHASE_MAGIC, AicpuPhaseId, DiagnosticRecords, FREE_QUEUE_SLOTS, PmuEventSet,
    TENSOR_DUMP_MAGIC, TensorDumpRole, TensorDumpStage,
};
use protocol::error_code::RunError;
use protocol::layout::{Layout, Pinned};
use protocol::limits::{self, hbg, trb};
use protocol::mailbox::{
    self, BootstrapFrame, BootstrapState, ControlCommand, ControlWords, MailboxFrame, MailboxState,
};
use protocol::shared_memory::TaskState;
use protocol::{
    A2a3, A5, Arch, ArgDirection, CoreType, DataType, TensorArgType, Toolchain, handshake,
    registers,
};
use serde_json::Value;

use crate::support::{int, list, number, parse, same, text};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/enums.json"))
}

fn wide(number: usize) -> i128 {
    i128::try_from(number).expect("no limit is that large")
}

fn offset(layout: Layout, field: &str) -> i128 {
    let field = layout.fields.iter().find(|it| it.name == field);
    wide(field.expect("the field exists").offset)
}

/// Constants of one crate above, by group: nothing that two programs have to agree on.
const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "hierarchical",
        &[
            "MAX_SCOPE_DEPTH",
            "MAX_RING_DEPTH",
            "INVALID_SLOT",
            "HEAP_ALIGN",
            "DEFAULT_HEAP_RING_SIZE",
            "ALLOC_TIMEOUT_MS",
        ],
    ),
    ("log", &["kDefaultInfoV", "kDefaultThreshold"]),
    (
        "platform",
        &[
            "PLATFORM_OP_EXECUTE_TIMEOUT_US",
            "PLATFORM_STREAM_SYNC_TIMEOUT_MS",
            "PLATFORM_PROF_BUFFERS_PER_CORE",
            "PLATFORM_PROF_BUFFERS_PER_THREAD",
            "PLATFORM_DEINIT_TIMEOUT_TICKS",
            "PLATFORM_PROF_TIMEOUT_SECONDS",
            "PLATFORM_DUMP_BUFFERS_PER_THREAD",
            "PLATFORM_DUMP_AVG_TENSOR_BYTES",
            "PLATFORM_DUMP_TIMEOUT_SECONDS",
            "PLATFORM_PMU_BUFFERS_PER_CORE",
            "PLATFORM_PMU_TIMEOUT_SECONDS",
            "PLATFORM_NUM_DIES",
            "PLATFORM_AICORE_PER_DIE",
        ],
    ),
    (
        "trb",
        &[
            "PTO2_TENSORMAP_POOL_SIZE",
            "PTO2_TENSORMAP_NUM_BUCKETS",
            "PTO2_SCOPE_TASKS_INIT_CAP",
            "PTO2_READY_QUEUE_SIZE",
            "PTO2_WRIRING_QUEUE_SIZE",
            "PTO2_TENSORMAP_CLEANUP_INTERVAL",
            "PTO2_DEP_POOL_CLEANUP_INTERVAL",
            "PTO2_ALLOC_SPIN_LIMIT",
            "PTO2_DEP_POOL_SPIN_LIMIT",
            "RUNTIME_MAX_ORCH_SO_SIZE",
        ],
    ),
];

fn task_interface(name: &str) -> Option<i128> {
    Some(wide(match name {
        "CORE_MAX_TENSOR_ARGS" => limits::CORE_MAX_TENSOR_ARGS,
        "CHIP_MAX_TENSOR_ARGS" => limits::CHIP_MAX_TENSOR_ARGS,
        "CORE_MAX_SCALAR_ARGS" => limits::CORE_MAX_SCALAR_ARGS,
        "CHIP_MAX_SCALAR_ARGS" => limits::CHIP_MAX_SCALAR_ARGS,
        "CALLABLE_ALIGN" => limits::CALLABLE_ALIGN,
        "CALLABLE_FUNC_NAME_MAX" => limits::CALLABLE_NAME_BYTES,
        "MAX_REGISTERED_CALLABLE_IDS" => limits::MAX_REGISTERED_CALLABLE_IDS,
        "TASK_ARGS_BLOB_HEADER_SIZE" => limits::TASK_ARGS_BLOB_HEADER_SIZE,
        "CONTINUOUS_TENSOR_MAX_DIMS" => limits::TENSOR_MAX_DIMS,
        "COMM_MAX_RANK_NUM" => limits::COMM_MAX_RANKS,
        _ => return None,
    }))
}

fn hierarchical(name: &str) -> Option<i128> {
    let frame = |field| offset(MailboxFrame::LAYOUT, field);
    let bootstrap = |field| offset(BootstrapFrame::LAYOUT, field);
    let words = wide(mailbox::CONTROL_OFFSET);
    Some(match name {
        "MAILBOX_SIZE" => wide(MailboxFrame::LAYOUT.size),
        "MAILBOX_ERROR_MSG_SIZE" => wide(mailbox::MAILBOX_ERROR_BYTES),
        "MAILBOX_OFF_STATE" => wide(mailbox::STATE_OFFSET),
        "MAILBOX_OFF_ERROR" => frame("error"),
        "MAILBOX_OFF_CALLABLE" => frame("callable"),
        "MAILBOX_OFF_CONFIG" => frame("config"),
        "MAILBOX_OFF_ARGS" => frame("args"),
        "MAILBOX_OFF_ERROR_MSG" => frame("error_msg"),
        "MAILBOX_ARGS_CAPACITY" => wide(mailbox::MAILBOX_ARGS_CAPACITY),
        "CTRL_MALLOC" => ControlCommand::Malloc.to_wire().into(),
        "CTRL_FREE" => ControlCommand::Free.to_wire().into(),
        "CTRL_COPY_TO" => ControlCommand::CopyTo.to_wire().into(),
        "CTRL_COPY_FROM" => ControlCommand::CopyFrom.to_wire().into(),
        "CTRL_PREPARE" => ControlCommand::Prepare.to_wire().into(),
        "CTRL_OFF_ARG0" => words + offset(ControlWords::LAYOUT, "args"),
        "CTRL_OFF_ARG1" => words + offset(ControlWords::LAYOUT, "args") + 8,
        "CTRL_OFF_ARG2" => words + offset(ControlWords::LAYOUT, "args") + 16,
        "CTRL_OFF_RESULT" => words + offset(ControlWords::LAYOUT, "result"),
        "CHIP_BOOTSTRAP_MAILBOX_SIZE" => wide(BootstrapFrame::LAYOUT.size),
        "CHIP_BOOTSTRAP_HEADER_SIZE" => bootstrap("buffer_ptrs"),
        "CHIP_BOOTSTRAP_ERROR_MSG_SIZE" => wide(mailbox::BOOTSTRAP_ERROR_BYTES),
        "CHIP_BOOTSTRAP_PTR_CAPACITY" => wide(mailbox::BOOTSTRAP_POINTERS),
        "CHIP_BOOTSTRAP_OFF_STATE" => bootstrap("state"),
        "CHIP_BOOTSTRAP_OFF_ERROR_CODE" => bootstrap("error_code"),
        "CHIP_BOOTSTRAP_OFF_BUFFER_COUNT" => bootstrap("buffer_count"),
        "CHIP_BOOTSTRAP_OFF_DEVICE_CTX" => bootstrap("device_ctx"),
        "CHIP_BOOTSTRAP_OFF_LOCAL_WINDOW_BASE" => bootstrap("local_window_base"),
        "CHIP_BOOTSTRAP_OFF_ACTUAL_WINDOW_SIZE" => bootstrap("actual_window_size"),
        "CHIP_BOOTSTRAP_OFF_BUFFER_PTRS" => bootstrap("buffer_ptrs"),
        "CHIP_BOOTSTRAP_OFF_ERROR_MSG" => bootstrap("error_msg"),
        _ => return None,
    })
}

/// Registers and what is written to them.
fn register<A: Arch>(name: &str) -> Option<i128> {
    let indexed = |list: &[u32], prefix: &str, suffix: &str| {
        let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        let index = digits.parse::<usize>().ok()?;
        list.get(index).map(|&offset| i128::from(offset))
    };
    let page = |index: usize| A::SIM_REGISTER_PAGES.get(index);
    Some(match name {
        "REG_SPR_DATA_MAIN_BASE_OFFSET" => A::REGISTERS.data_main_base.into(),
        "REG_SPR_COND_OFFSET" => A::REGISTERS.cond.into(),
        "REG_SPR_CTRL_OFFSET" => A::REGISTERS.ctrl.into(),
        "REG_SPR_FAST_PATH_ENABLE_OFFSET" => A::FAST_PATH?.offset.into(),
        "REG_SPR_FAST_PATH_OPEN" => A::FAST_PATH?.open.into(),
        "REG_SPR_FAST_PATH_CLOSE" => A::FAST_PATH?.close.into(),
        "REG_MMIO_PMU_CTRL_0_OFFSET" => A::PMU.ctrl_0.0.into(),
        "REG_MMIO_PMU_CTRL_0_ENABLE_VAL" => A::PMU.ctrl_0.1.into(),
        "REG_MMIO_PMU_CTRL_1_OFFSET" => A::PMU.ctrl_1?.0.into(),
        "REG_MMIO_PMU_CTRL_1_ENABLE_VAL" => A::PMU.ctrl_1?.1.into(),
        "SIM_REG_BLOCK_SIZE" | "SIM_REG_TOTAL_SIZE" => wide(A::SIM_REGISTER_BLOCK),
        // The reference numbers its pages in another order: 0, then 2 for counters, then 1.
        "SIM_REG_PAGE0_SIZE" => page(0)?.size.into(),
        "SIM_REG_PAGE2_SIZE" => page(1)?.size.into(),
        "SIM_REG_PAGE2_BASE" => page(1)?.start.into(),
        "SIM_REG_PAGE1_SIZE" => page(2)?.size.into(),
        "SIM_REG_PAGE1_BASE" => page(2)?.start.into(),
        "AICORE_EXIT_SIGNAL" => registers::AICORE_EXIT_SIGNAL.into(),
        "AICORE_COREID_MASK" => registers::AICORE_CORE_ID_MASK.into(),
        "TASK_ID_MASK" => registers::TASK_ID_MASK.into(),
        "TASK_STATE_MASK" => registers::TASK_STATE_MASK.into(),
        "TASK_ACK_STATE" => registers::TASK_ACK_STATE.into(),
        "TASK_FIN_STATE" => registers::TASK_FIN_STATE.into(),
        "AICORE_IDLE_VALUE" => registers::AICORE_IDLE_VALUE.into(),
        "AICORE_EXITED_VALUE" => registers::AICORE_EXITED_VALUE.into(),
        "AICORE_IDLE_TASK_ID" => registers::AICORE_IDLE_TASK_ID.into(),
        "AICORE_EXIT_TASK_ID" => registers::AICORE_EXIT_TASK_ID.into(),
        "AICPU_IDLE_TASK_ID" => registers::AICPU_IDLE_TASK_ID.into(),
        "AICPU_TASK_INVALID" => registers::AICPU_TASK_INVALID.into(),
        _ => {
            return indexed(A::PMU.counters, "REG_MMIO_PMU_CNT", "_OFFSET")
                .or_else(|| indexed(A::PMU.selectors, "REG_MMIO_PMU_CNT", "_IDX_OFFSET"))
                .or_else(|| indexed(&A::PMU.total, "REG_MMIO_PMU_CNT_TOTAL", "_OFFSET"))
                .or_else(|| indexed(&A::PMU.start, "REG_MMIO_PMU_START_CYC", "_OFFSET"))
                .or_else(|| indexed(&A::PMU.stop, "REG_MMIO_PMU_STOP_CYC", "_OFFSET"));
        }
    })
}

/// Records of a buffer: what fits between its records and its end.
fn records<B: Pinned>(record: usize, field: &str) -> i128 {
    let field = B::LAYOUT.fields.iter().find(|it| it.name == field);
    wide(field.expect("the field exists").size / record)
}

fn platform<A: Arch + DiagnosticRecords>(name: &str) -> Option<i128> {
    use protocol::diagnostics::{DumpMetaBuffer, L2PerfAicoreRing, L2PerfRecord, TensorDumpRecord};
    let cores = A::WORKER_SLOTS;
    Some(match name {
        "PLATFORM_MAX_BLOCKDIM" | "PLATFORM_MAX_AIC_PER_THREAD" => A::MAX_BLOCK_DIM.into(),
        "PLATFORM_MAX_AIV_PER_THREAD" => (A::MAX_BLOCK_DIM * A::AIV_PER_BLOCK).into(),
        "PLATFORM_CORES_PER_BLOCKDIM" | "PLATFORM_SUB_CORES_PER_AICORE" => {
            A::CORES_PER_BLOCK.into()
        }
        "PLATFORM_AIC_CORES_PER_BLOCKDIM" => A::AIC_PER_BLOCK.into(),
        "PLATFORM_AIV_CORES_PER_BLOCKDIM" => A::AIV_PER_BLOCK.into(),
        "PLATFORM_MAX_AICPU_THREADS" => A::MAX_AICPU_THREADS.into(),
        "PLATFORM_MAX_AICPU_THREADS_JUST_FOR_LAUNCH" => A::LAUNCHED_AICPU_THREADS.into(),
        "PLATFORM_MAX_CORES" | "PLATFORM_MAX_CORES_PER_THREAD" => wide(cores),
        "PLATFORM_MAX_PHYSICAL_CORES" => A::PHYSICAL_CLUSTERS.into(),
        "PLATFORM_PROF_SYS_CNT_FREQ" => A::COUNTER_HZ.into(),
        "PLATFORM_PROF_BUFFER_SIZE" => {
            records::<A::L2PerfBuffer>(size_of::<L2PerfRecord>(), "records")
        }
        "PLATFORM_L2_AICORE_RING_SIZE" => {
            records::<L2PerfAicoreRing>(size_of::<L2PerfRecord>(), "records")
        }
        "PLATFORM_PROF_SLOT_COUNT" | "PLATFORM_DUMP_SLOT_COUNT" | "PLATFORM_PMU_SLOT_COUNT" => {
            wide(FREE_QUEUE_SLOTS)
        }
        "PLATFORM_PROF_READYQUEUE_SIZE" => wide(A::SWIMLANE_READY_ENTRIES),
        "PLATFORM_DUMP_READYQUEUE_SIZE" => wide(A::DUMP_READY_ENTRIES),
        "PLATFORM_PMU_READYQUEUE_SIZE" => wide(A::PMU_READY_ENTRIES),
        "PLATFORM_PHASE_RECORDS_PER_THREAD" => wide(A::PHASE_RECORDS),
        "PLATFORM_DUMP_RECORDS_PER_BUFFER" => {
            records::<DumpMetaBuffer>(size_of::<TensorDumpRecord>(), "records")
        }
        "PLATFORM_PMU_RECORDS_PER_BUFFER" => {
            records::<A::PmuBuffer>(size_of::<A::PmuRecord>(), "records")
        }
        "PLATFORM_DUMP_MAX_DIMS" => wide(limits::TENSOR_MAX_DIMS),
        "PROFILING_FLAG_NONE" => 0,
        "PROFILING_FLAG_DUMP_TENSOR" => handshake::PROFILING_DUMP_TENSOR.into(),
        "PROFILING_FLAG_L2_SWIMLANE" => handshake::PROFILING_SWIMLANE.into(),
        "PROFILING_FLAG_PMU" => handshake::PROFILING_PMU.into(),
        "RUNTIME_MAX_FANOUT" => wide(hbg::MAX_FANOUT),
        "AICPU_PHASE_MAGIC" => AICPU_PHASE_MAGIC.into(),
        "TENSOR_DUMP_MAGIC" => TENSOR_DUMP_MAGIC.into(),
        "PMU_COUNTER_COUNT_A2A3" | "PMU_COUNTER_COUNT_A5" => wide(A::PMU.counters.len()),
        "PMU_EVENT_TYPE_DEFAULT" => PmuEventSet::DEFAULT.to_wire().into(),
        _ => return register::<A>(name),
    })
}

fn run_error(name: &str) -> Option<RunError> {
    Some(match name.strip_prefix("PTO2_ERROR_")? {
        "SCOPE_DEADLOCK" => RunError::ScopeDeadlock,
        "HEAP_RING_DEADLOCK" => RunError::HeapRingDeadlock,
        "FLOW_CONTROL_DEADLOCK" => RunError::FlowControlDeadlock,
        "DEP_POOL_OVERFLOW" => RunError::DepPoolOverflow,
        "INVALID_ARGS" => RunError::InvalidArgs,
        "DEPENDENCY_OVERFLOW" => RunError::DependencyOverflow,
        "REQUIRE_SYNC_START_INVALID" => RunError::RequireSyncStartInvalid,
        "TENSOR_WAIT_TIMEOUT" => RunError::TensorWaitTimeout,
        "EXPLICIT_ORCH_FATAL" => RunError::ExplicitOrchFatal,
        "SCHEDULER_TIMEOUT" => RunError::SchedulerTimeout,
        "ASYNC_COMPLETION_INVALID" => RunError::AsyncCompletionInvalid,
        "ASYNC_WAIT_OVERFLOW" => RunError::AsyncWaitOverflow,
        "ASYNC_REGISTRATION_FAILED" => RunError::AsyncRegistrationFailed,
        _ => return None,
    })
}

fn trb<A: Arch>(name: &str) -> Option<i128> {
    if let Some(error) = run_error(name) {
        return Some(error.code().into());
    }
    Some(match name {
        "PTO2_ERROR_NONE" => 0,
        "PTO2_ALIGN_SIZE" => wide(trb::STRUCTURE_ALIGN),
        "PTO2_PACKED_OUTPUT_ALIGN" => wide(trb::PACKED_OUTPUT_ALIGN),
        "INVALID_KERNEL_ID" => trb::INVALID_KERNEL_ID.into(),
        "PTO2_SUBTASK_SLOT_COUNT" => wide(trb::SUBTASK_SLOTS),
        "PTO2_SUBTASK_MASK_AIC" => ActiveMask::AIC.into(),
        "PTO2_SUBTASK_MASK_AIV0" => ActiveMask::AIV0.into(),
        "PTO2_SUBTASK_MASK_AIV1" => ActiveMask::AIV1.into(),
        "PTO2_SUBTASK_FLAG_SYNC_START" => ActiveMask::SYNC_START.into(),
        "PTO2_NUM_RESOURCE_SHAPES" => wide(Shape::ALL.len()),
        "MAX_TENSOR_ARGS" => wide(trb::MAX_TENSOR_ARGS),
        "MAX_SCALAR_ARGS" => wide(trb::MAX_SCALAR_ARGS),
        "PTO2_MAX_EXPLICIT_DEPS" => wide(trb::MAX_EXPLICIT_DEPS),
        "PTO2_TASK_WINDOW_SIZE" => wide(trb::DEFAULT_TASK_WINDOW),
        "PTO2_MAX_RING_DEPTH" => wide(trb::MAX_RING_DEPTH),
        "PTO2_HEAP_SIZE" => wide(trb::DEFAULT_HEAP_BYTES),
        "PTO2_DEP_LIST_POOL_SIZE" => wide(trb::DEFAULT_DEP_POOL),
        "PTO2_MAX_SCOPE_DEPTH" => wide(trb::MAX_SCOPE_DEPTH),
        "PTO2_FANIN_INLINE_CAP" => wide(trb::FANIN_INLINE),
        "PTO2_TENSOR_DATA_TIMEOUT_CYCLES" => trb::TENSOR_DATA_TIMEOUT_TICKS.into(),
        "RUNTIME_MAX_TENSOR_DIMS" => wide(limits::TENSOR_MAX_DIMS),
        "PTO2_COMPLETION_INGRESS_CAPACITY" => wide(trb::COMPLETION_INGRESS),
        "PTO2_COMPLETION_INGRESS_MASK" => wide(trb::COMPLETION_INGRESS - 1),
        "PTO2_MAX_COMPLETIONS_PER_TASK" => wide(trb::MAX_COMPLETIONS_PER_TASK),
        "PTO2_COMPLETION_ENGINE_SDMA" => CompletionEngine::Sdma as i128,
        "PTO2_COMPLETION_ENGINE_ROCE" => CompletionEngine::Roce as i128,
        "PTO2_COMPLETION_ENGINE_URMA" => CompletionEngine::Urma as i128,
        "PTO2_COMPLETION_ENGINE_CCU" => CompletionEngine::Ccu as i128,
        "PTO2_COMPLETION_TYPE_COUNTER" => CompletionType::Counter as i128,
        "PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD" => CompletionType::SdmaEventRecord as i128,
        "PTO2_DISPATCH_MAX_ARGS" => wide(trb::DISPATCH_ARGS),
        "PTO2_MAX_ASYNC_WAITS" => wide(trb::MAX_ASYNC_WAITS),
        "PTO2_MAX_PENDING_COMPLETIONS" => wide(trb::MAX_PENDING_COMPLETIONS),
        "RUNTIME_MAX_ARGS" => wide(trb::MAX_ARGS),
        "RUNTIME_MAX_WORKER" => wide(A::WORKER_SLOTS),
        "RUNTIME_MAX_TENSOR_PAIRS" => wide(limits::MAX_TENSOR_PAIRS),
        "RUNTIME_MAX_FUNC_ID" => wide(limits::MAX_FUNC_ID),
        "RUNTIME_MAX_ORCH_SYMBOL_NAME" => wide(limits::MAX_ORCH_SYMBOL_NAME),
        "RUNTIME_DEFAULT_READY_QUEUE_SHARDS" => A::DEFAULT_READY_QUEUE_SHARDS.into(),
        "SPMD_LOCAL_CONTEXT_INDEX" | "PAYLOAD_LOCAL_CONTEXT_INDEX" => {
            wide(trb::LOCAL_CONTEXT_INDEX)
        }
        "SPMD_GLOBAL_CONTEXT_INDEX" | "PAYLOAD_GLOBAL_CONTEXT_INDEX" => {
            wide(trb::GLOBAL_CONTEXT_INDEX)
        }
        "PTO2_EXT_PARAMS_COUNT" => wide(trb::DISPATCH_ARGS - trb::LOCAL_CONTEXT_INDEX),
        "MAX_AICPU_THREADS" => A::MAX_AICPU_THREADS.into(),
        "MAX_IDLE_ITERATIONS" => trb::REFERENCE_IDLE_ROUNDS.into(),
        "FATAL_ERROR_CHECK_INTERVAL" => trb::FATAL_CHECK_INTERVAL.into(),
        _ => return None,
    })
}

fn hbg<A: Arch>(name: &str) -> Option<i128> {
    Some(wide(match name {
        "RUNTIME_MAX_TASKS" => hbg::MAX_TASKS,
        "RUNTIME_MAX_ARGS" => hbg::MAX_ARGS,
        "RUNTIME_MAX_FANOUT" => hbg::MAX_FANOUT,
        "RUNTIME_MAX_WORKER" => A::WORKER_SLOTS,
        "RUNTIME_MAX_TENSOR_PAIRS" => limits::MAX_TENSOR_PAIRS,
        "RUNTIME_MAX_FUNC_ID" => limits::MAX_FUNC_ID,
        _ => return None,
    }))
}

fn constant<A: Arch + DiagnosticRecords>(group: &str, name: &str) -> Option<i128> {
    match group {
        "task_interface" => task_interface(name),
        "hierarchical" => hierarchical(name),
        "platform" => platform::<A>(name),
        "trb" => trb::<A>(name),
        "hbg" => hbg::<A>(name),
        _ => None,
    }
}

#[test]
fn constants() {
    let file = file();
    let (mut checked, mut elsewhere) = (0, 0);
    for vector in list(&file["constants"]) {
        let (group, name) = (text(&vector["group"]), text(&vector["name"]));
        let belongs_elsewhere = ELSEWHERE
            .iter()
            .any(|(owner, names)| *owner == group && names.contains(&name));
        let pairs = [
            ("a2a3", constant::<A2a3>(group, name)),
            ("a5", constant::<A5>(group, name)),
        ];
        if belongs_elsewhere {
            elsewhere += 1;
            continue;
        }
        for (arch, ours) in pairs {
            let expected = [&vector["value"], &vector[arch]];
            if let Some(expected) = expected.into_iter().find(|value| !value.is_null()) {
                assert_eq!(ours, Some(int(expected)), "{group} {name} on {arch}");
            }
        }
        checked += 1;
    }
    let listed: usize = ELSEWHERE.iter().map(|(_, names)| names.len()).sum();
    assert_eq!((checked, elsewhere, listed), (195, 31, 31));
}

#[test]
fn python_constants() {
    let file = file();
    let vectors = list(&file["python_only_constants"]);
    for vector in vectors {
        let name = text(&vector["name"]);
        assert_eq!(hierarchical(name), Some(int(&vector["value"])), "{name}");
    }
    assert_eq!(vectors.len(), 9);
}

/// Name and number of every member of one of our enumerations.
macro_rules! members {
    ($name:ty) => {
        <$name>::ALL
            .iter()
            .map(|member| (member.name(), i128::from(member.to_wire())))
            .collect::<Vec<(&str, i128)>>()
    };
}

/// Members of the enumeration with the reference's name, `None` for those of one crate above.
fn members(group: &str, name: &str) -> Option<Vec<(&'static str, i128)>> {
    Some(match (group, name) {
        ("task_interface", "DataType") => members!(DataType),
        ("task_interface", "ArgDirection") => members!(ArgDirection),
        ("task_interface", "TensorArgType") => members!(TensorArgType),
        ("hierarchical", "MailboxState") => members!(MailboxState),
        ("hierarchical", "ChipBootstrapMailboxState") => members!(BootstrapState),
        ("platform", "CoreType") => members!(CoreType),
        ("platform", "TensorDumpRole") => members!(TensorDumpRole),
        ("platform", "TensorDumpStage") => members!(TensorDumpStage),
        ("platform", "AicpuPhaseId") => members!(AicpuPhaseId),
        ("platform", "PmuEventType") => members!(PmuEventSet),
        // Ours are named after the programs.
        ("platform", "ToolchainType") => vec![
            ("CCEC", Toolchain::Ccec.to_wire().into()),
            ("HOST_GXX_15", Toolchain::HostGxx15.to_wire().into()),
            ("HOST_GXX", Toolchain::HostGxx.to_wire().into()),
            ("AARCH64_GXX", Toolchain::Aarch64Gxx.to_wire().into()),
        ],
        ("trb", "PTO2TaskState") => members!(TaskState),
        ("trb", "PTO2AsyncEngine") => vec![
            ("SDMA", CompletionEngine::Sdma as i128),
            ("ROCE", CompletionEngine::Roce as i128),
            ("URMA", CompletionEngine::Urma as i128),
            ("CCU", CompletionEngine::Ccu as i128),
        ],
        // The other type is a constant of one family only.
        ("trb", "PTO2CompletionType") => vec![("COUNTER", CompletionType::Counter as i128)],
        ("trb", "PTO2ScopeMode") => vec![
            ("AUTO", ScopeMode::Auto as i128),
            ("MANUAL", ScopeMode::Manual as i128),
        ],
        ("trb", "PTO2ResourceShape") => vec![
            ("AIC", Shape::Aic as i128),
            ("AIV", Shape::Aiv as i128),
            ("MIX", Shape::Mix as i128),
        ],
        ("trb", "PTO2SubtaskSlot") => [
            ("AIC", ActiveMask::AIC),
            ("AIV0", ActiveMask::AIV0),
            ("AIV1", ActiveMask::AIV1),
        ]
        .map(|(name, bit)| (name, bit.trailing_zeros().into()))
        .to_vec(),
        ("hierarchical", "WorkerType" | "TaskState")
        | ("log", "LogLevel")
        | ("trb", "OverlapStatus" | "PTO2RuntimeMode") => return None,
        // Numbers of registers are compared where the registers are.
        ("platform", "RegId") => return None,
        other => panic!("unknown enumeration {other:?}"),
    })
}

/// Values that count the others.
const COUNTS: [&str; 3] = [
    "DATA_TYPE_NUM",
    "SCHED_PHASE_COUNT",
    "PTO2_NUM_ASYNC_ENGINES",
];

#[test]
fn enumerations() {
    let file = file();
    let mut checked = 0;
    for vector in list(&file["enums"]) {
        let (group, name) = (text(&vector["group"]), text(&vector["name"]));
        let Some(ours) = members(group, name) else {
            continue;
        };
        let theirs: Vec<(&str, i128)> = list(&vector["values"])
            .iter()
            .map(|value| (text(&value["name"]), int(&value["value"])))
            .filter(|(name, _)| !COUNTS.contains(name))
            .collect();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for ((ours, our_number), (theirs, number)) in ours.into_iter().zip(theirs) {
            assert!(theirs.ends_with(ours), "{name}: {ours} or {theirs}");
            assert_eq!(our_number, number, "{name}: {ours}");
        }
        checked += 1;
    }
    assert_eq!((checked, list(&file["enums"]).len()), (17, 24));
}

#[test]
fn element_sizes() {
    let file = file();
    let vector = list(&file["enums"])
        .iter()
        .find(|vector| vector["name"] == "DataType")
        .expect("listed");
    for value in list(&vector["values"]) {
        if let Ok(dtype) = DataType::from_wire(number(&value["value"])) {
            same(dtype.element_size(), &value["element_size"]);
        } else {
            assert!(COUNTS.contains(&text(&value["name"])));
        }
    }
}

fn check_events<A: DiagnosticRecords>(vectors: &Value) {
    assert_eq!(list(vectors).len(), A::PMU_EVENTS.len());
    for (events, vector) in A::PMU_EVENTS.iter().zip(list(vectors)) {
        same(events.set.to_wire(), &vector["event_set"]);
        assert_eq!(events.counters.len(), list(&vector["slots"]).len());
        assert_eq!(events.counters.len(), A::PMU.counters.len());
        for (event, slot) in events.counters.iter().zip(list(&vector["slots"])) {
            same(event.event, &slot["event"]);
            assert_eq!(event.counter, text(&slot["counter"]));
        }
    }
}

#[test]
fn pmu_events() {
    let tables = &file()["pmu_event_tables"];
    check_events::<A2a3>(&tables["a2a3"]);
    check_events::<A5>(&tables["a5"]);
}
