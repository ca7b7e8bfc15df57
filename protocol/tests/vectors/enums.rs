//! Every number the reference shares between two programs: what it is called here, or why it is not
//! in this crate.

use protocol::diagnostics::{
    AicpuPhaseId, DiagnosticRecords, PmuEventSet, TensorDumpRole, TensorDumpStage,
};
use protocol::error_code::RunError;
use protocol::mailbox::{
    BootstrapFrame, BootstrapState, CONTROL_OFFSET, ControlCommand, ControlWords, MailboxFrame,
    MailboxState,
};
use protocol::registers::Register;
use protocol::shared_memory::TaskState;
use protocol::{
    A2a3, A5, Arch, ArgDirection, CoreType, DataType, Pinned, TensorArgType, Toolchain,
    diagnostics, handshake, limits, mailbox, registers,
};
use serde_json::Value;

use crate::support::{Vectors, int, list, name, same, text};

#[test]
fn every_vector() {
    let mut file = Vectors::parse(include_str!("../../../tests/vectors/enums.json"));
    file.each("enums", enumeration);
    file.each("constants", constant);
    file.each("python_only_constants", |vector| {
        let ours = Here::Both(mailbox_constant(name(vector)));
        assert_eq!(ours, Here::Both(int(&vector["value"])), "{vector}");
    });
    file.members("pmu_event_tables", |family, sets| match family {
        "a2a3" => pmu_events::<A2a3>(sets),
        "a5" => pmu_events::<A5>(sets),
        other => panic!("no check for {other}"),
    });
    file.finish();
}

/// Where a number of the reference stands.
#[derive(Debug, PartialEq, Eq)]
enum Here {
    /// In this crate, the same for both families.
    Both(i128),
    /// In this crate, per family; `None` where the family has no such thing.
    Each(Option<i128>, Option<i128>),
    /// Not here, and why.
    Not(&'static str),
}

/// An index or size of this crate as a number.
fn at(value: usize) -> i128 {
    value as i128
}

macro_rules! members {
    ($ty:ty) => {
        <$ty>::ALL
            .iter()
            .map(|member| (member.name().to_owned(), i128::from(member.to_wire())))
            .collect::<Vec<_>>()
    };
}

fn enumeration(vector: &Value) {
    let stated: Vec<(String, i128)> = list(&vector["values"])
        .iter()
        .map(|member| (name(member).to_owned(), int(&member["value"])))
        .collect();
    let (ours, storage) = match name(vector) {
        "DataType" => {
            for (ours, stated) in DataType::ALL.iter().zip(list(&vector["values"])) {
                same(ours.element_size(), &stated["element_size"]);
            }
            let mut ours = members!(DataType);
            ours.push(("DATA_TYPE_NUM".to_owned(), at(DataType::ALL.len())));
            (ours, "u8")
        }
        "ArgDirection" => (members!(ArgDirection), "i32"),
        "TensorArgType" => (members!(TensorArgType), "i32"),
        "CoreType" => (members!(CoreType), "i32"),
        "MailboxState" => (members!(MailboxState), "i32"),
        "ChipBootstrapMailboxState" => (members!(BootstrapState), "i32"),
        "TensorDumpRole" => (members!(TensorDumpRole), "u8"),
        "TensorDumpStage" => (members!(TensorDumpStage), "u8"),
        "PmuEventType" => (members!(PmuEventSet), "u32"),
        "AicpuPhaseId" => {
            let mut ours = members!(AicpuPhaseId);
            // The reference's number of scheduler phases, kept between the two groups.
            ours.insert(4, ("SCHED_PHASE_COUNT".to_owned(), 4));
            (ours, "u32")
        }
        "RegId" if vector["arch"] == "a2a3" => return register_ids::<A2a3>(&stated),
        "RegId" => return register_ids::<A5>(&stated),
        // The reference's names carry a prefix or are names of programs.
        "PTO2TaskState" => {
            let ours = members!(TaskState)
                .into_iter()
                .map(|(name, value)| (format!("PTO2_TASK_{name}"), value))
                .collect();
            (ours, "u32")
        }
        "ToolchainType" => {
            let ours = members!(Toolchain)
                .into_iter()
                .zip(&stated)
                .map(|((_, value), (name, _))| (name.clone(), value))
                .collect();
            (ours, "u32")
        }
        // Seen by one program only: no wire carries them.
        "WorkerType" | "TaskState" => return,
        // `host` has its own log levels and maps them to the C API's numbers.
        "LogLevel" => return,
        // Seen by orchestrations and kernels: `aicore-abi` has them.
        "PTO2AsyncEngine" | "PTO2CompletionType" | "PTO2ScopeMode" | "PTO2SubtaskSlot"
        | "PTO2ResourceShape" => return,
        // Inside one runtime, `runtime-trb`.
        "OverlapStatus" | "PTO2RuntimeMode" => return,
        other => panic!("no check for {other}"),
    };
    assert_eq!(ours, stated, "{}", name(vector));
    assert_eq!(text(&vector["storage"]), storage, "{}", name(vector));
}

fn register_ids<A: Arch>(stated: &[(String, i128)]) {
    let ours: Vec<(String, i128)> = Register::all::<A>()
        .map(|register| {
            let id = register.id::<A>().expect("the family has it");
            (register_name(register), i128::from(id))
        })
        .collect();
    assert_eq!(ours, stated, "{}", A::NAME);
}

fn register_name(register: Register) -> String {
    match register {
        Register::DataMainBase => "DATA_MAIN_BASE".to_owned(),
        Register::Cond => "COND".to_owned(),
        Register::FastPathEnable => "FAST_PATH_ENABLE".to_owned(),
        Register::Ctrl => "CTRL".to_owned(),
        Register::PmuCtrl0 => "PMU_CTRL_0".to_owned(),
        Register::PmuCtrl1 => "PMU_CTRL_1".to_owned(),
        Register::PmuCounter(index) => format!("PMU_CNT{index}"),
        Register::PmuTotal(half) => format!("PMU_CNT_TOTAL{half}"),
        Register::PmuStart(half) => format!("PMU_START_CYC{half}"),
        Register::PmuStop(half) => format!("PMU_STOP_CYC{half}"),
        Register::PmuSelector(index) => format!("PMU_CNT{index}_IDX"),
    }
}

fn constant(vector: &Value) {
    let stated = if vector["value"].is_null() {
        let of = |family: &str| vector.get(family).map(int);
        Here::Each(of("a2a3"), of("a5"))
    } else {
        Here::Both(int(&vector["value"]))
    };
    let ours = match text(&vector["group"]) {
        "task_interface" => task_interface(name(vector)),
        "hierarchical" => hierarchical(name(vector)),
        "log" => Here::Not("defaults of `host`'s logging, which no other program reads"),
        "platform" => platform(name(vector)),
        "trb" => trb(name(vector)),
        "hbg" => hbg(name(vector)),
        other => panic!("no check for {other}"),
    };
    if !matches!(ours, Here::Not(_)) {
        assert_eq!(ours, stated, "{vector}");
    }
}

fn task_interface(name: &str) -> Here {
    Here::Both(at(match name {
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
        other => panic!("no check for {other}"),
    }))
}

fn hierarchical(name: &str) -> Here {
    match name {
        "MAX_SCOPE_DEPTH"
        | "MAX_RING_DEPTH"
        | "INVALID_SLOT"
        | "HEAP_ALIGN"
        | "DEFAULT_HEAP_RING_SIZE"
        | "ALLOC_TIMEOUT_MS" => Here::Not("inside `host`'s worker, which shares it with nobody"),
        shared => Here::Both(mailbox_constant(shared)),
    }
}

/// Offset of a field, from the pinned layout.
fn field<T: Pinned>(name: &str) -> i128 {
    let field = T::LAYOUT.fields.iter().find(|field| field.name == name);
    at(field.expect("a pinned field").offset)
}

fn mailbox_constant(name: &str) -> i128 {
    let control = |name| at(CONTROL_OFFSET) + field::<ControlWords>(name);
    let argument = |index| control("args") + index * at(size_of::<u64>());
    match name {
        "MAILBOX_SIZE" => at(size_of::<MailboxFrame>()),
        "MAILBOX_ERROR_MSG_SIZE" => at(mailbox::MAILBOX_ERROR_BYTES),
        "MAILBOX_OFF_STATE" => field::<MailboxFrame>("state"),
        "MAILBOX_OFF_ERROR" => field::<MailboxFrame>("error"),
        "MAILBOX_OFF_CALLABLE" => field::<MailboxFrame>("callable"),
        "MAILBOX_OFF_CONFIG" => field::<MailboxFrame>("config"),
        "MAILBOX_OFF_ARGS" => field::<MailboxFrame>("args"),
        "MAILBOX_OFF_ERROR_MSG" => field::<MailboxFrame>("error_msg"),
        "MAILBOX_ARGS_CAPACITY" => at(mailbox::MAILBOX_ARGS_CAPACITY),
        "CTRL_MALLOC" => i128::from(ControlCommand::Malloc.to_wire()),
        "CTRL_FREE" => i128::from(ControlCommand::Free.to_wire()),
        "CTRL_COPY_TO" => i128::from(ControlCommand::CopyTo.to_wire()),
        "CTRL_COPY_FROM" => i128::from(ControlCommand::CopyFrom.to_wire()),
        "CTRL_PREPARE" => i128::from(ControlCommand::Prepare.to_wire()),
        "CTRL_OFF_ARG0" => argument(0),
        "CTRL_OFF_ARG1" => argument(1),
        "CTRL_OFF_ARG2" => argument(2),
        "CTRL_OFF_RESULT" => control("result"),
        "CHIP_BOOTSTRAP_MAILBOX_SIZE" => at(size_of::<BootstrapFrame>()),
        "CHIP_BOOTSTRAP_HEADER_SIZE" | "CHIP_BOOTSTRAP_OFF_BUFFER_PTRS" => {
            field::<BootstrapFrame>("buffer_ptrs")
        }
        "CHIP_BOOTSTRAP_ERROR_MSG_SIZE" => at(mailbox::BOOTSTRAP_ERROR_BYTES),
        "CHIP_BOOTSTRAP_PTR_CAPACITY" => at(mailbox::BOOTSTRAP_POINTERS),
        "CHIP_BOOTSTRAP_OFF_STATE" => field::<BootstrapFrame>("state"),
        "CHIP_BOOTSTRAP_OFF_ERROR_CODE" => field::<BootstrapFrame>("error_code"),
        "CHIP_BOOTSTRAP_OFF_BUFFER_COUNT" => field::<BootstrapFrame>("buffer_count"),
        "CHIP_BOOTSTRAP_OFF_DEVICE_CTX" => field::<BootstrapFrame>("device_ctx"),
        "CHIP_BOOTSTRAP_OFF_LOCAL_WINDOW_BASE" => field::<BootstrapFrame>("local_window_base"),
        "CHIP_BOOTSTRAP_OFF_ACTUAL_WINDOW_SIZE" => field::<BootstrapFrame>("actual_window_size"),
        "CHIP_BOOTSTRAP_OFF_ERROR_MSG" => field::<BootstrapFrame>("error_msg"),
        other => panic!("no check for {other}"),
    }
}

/// Elements of an array field of a pinned type.
fn elements<T: Pinned, Element>(name: &str) -> i128 {
    let field = T::LAYOUT.fields.iter().find(|field| field.name == name);
    at(field.expect("a pinned field").size / size_of::<Element>())
}

fn each<T: TryInto<i128>>(a2a3: T, a5: T) -> Here {
    Here::Each(a2a3.try_into().ok(), a5.try_into().ok())
}

fn platform(name: &str) -> Here {
    if let Some(register) = name
        .strip_prefix("REG_MMIO_")
        .or_else(|| name.strip_prefix("REG_SPR_"))
        .and_then(|name| name.strip_suffix("_OFFSET"))
    {
        return register_offset(register);
    }
    let both = |value: u32| Here::Both(i128::from(value));
    let here = match name {
        "PLATFORM_MAX_BLOCKDIM" => each(A2a3::MAX_BLOCK_DIM, A5::MAX_BLOCK_DIM),
        "PLATFORM_CORES_PER_BLOCKDIM" | "PLATFORM_SUB_CORES_PER_AICORE" => {
            each(A2a3::CORES_PER_BLOCK, A5::CORES_PER_BLOCK)
        }
        "PLATFORM_AIC_CORES_PER_BLOCKDIM" => each(A2a3::AIC_PER_BLOCK, A5::AIC_PER_BLOCK),
        "PLATFORM_AIV_CORES_PER_BLOCKDIM" => each(A2a3::AIV_PER_BLOCK, A5::AIV_PER_BLOCK),
        "PLATFORM_MAX_AICPU_THREADS" => each(A2a3::MAX_AICPU_THREADS, A5::MAX_AICPU_THREADS),
        "PLATFORM_MAX_AICPU_THREADS_JUST_FOR_LAUNCH" => {
            each(A2a3::LAUNCHED_AICPU_THREADS, A5::LAUNCHED_AICPU_THREADS)
        }
        // One thread may have all cores.
        "PLATFORM_MAX_CORES" | "PLATFORM_MAX_CORES_PER_THREAD" => {
            each(at(A2a3::WORKER_SLOTS), at(A5::WORKER_SLOTS))
        }
        "PLATFORM_MAX_AIC_PER_THREAD" => each(
            A2a3::MAX_BLOCK_DIM * A2a3::AIC_PER_BLOCK,
            A5::MAX_BLOCK_DIM * A5::AIC_PER_BLOCK,
        ),
        "PLATFORM_MAX_AIV_PER_THREAD" => each(
            A2a3::MAX_BLOCK_DIM * A2a3::AIV_PER_BLOCK,
            A5::MAX_BLOCK_DIM * A5::AIV_PER_BLOCK,
        ),
        "PLATFORM_MAX_PHYSICAL_CORES" => each(A2a3::PHYSICAL_CLUSTERS, A5::PHYSICAL_CLUSTERS),
        "PLATFORM_PROF_SYS_CNT_FREQ" => each(A2a3::COUNTER_HZ, A5::COUNTER_HZ),
        "RUNTIME_MAX_FANOUT" => Here::Both(at(limits::hbg::MAX_FANOUT)),

        "PROFILING_FLAG_NONE" => Here::Both(0),
        "PROFILING_FLAG_DUMP_TENSOR" => both(handshake::PROFILING_DUMP_TENSOR),
        "PROFILING_FLAG_L2_SWIMLANE" => both(handshake::PROFILING_SWIMLANE),
        "PROFILING_FLAG_PMU" => both(handshake::PROFILING_PMU),

        "REG_SPR_FAST_PATH_OPEN" => fast_path(|switch| switch.open),
        "REG_SPR_FAST_PATH_CLOSE" => fast_path(|switch| switch.close),
        "REG_MMIO_PMU_CTRL_0_ENABLE_VAL" => each(A2a3::PMU.ctrl_0.1, A5::PMU.ctrl_0.1),
        "REG_MMIO_PMU_CTRL_1_ENABLE_VAL" => Here::Each(
            A2a3::PMU.ctrl_1.map(|(_, value)| i128::from(value)),
            A5::PMU.ctrl_1.map(|(_, value)| i128::from(value)),
        ),
        "PMU_COUNTER_COUNT_A2A3" => Here::Each(Some(at(A2a3::PMU.counters.len())), None),
        "PMU_COUNTER_COUNT_A5" => Here::Each(None, Some(at(A5::PMU.counters.len()))),
        "PMU_EVENT_TYPE_DEFAULT" => both(PmuEventSet::DEFAULT.to_wire()),
        "SIM_REG_BLOCK_SIZE" => Here::Each(Some(at(A2a3::SIM_REGISTER_BLOCK)), None),
        "SIM_REG_TOTAL_SIZE" => Here::Each(None, Some(at(A5::SIM_REGISTER_BLOCK))),
        // The reference counts its pages by address in the block, ours by register offset.
        "SIM_REG_PAGE0_SIZE" => a5_page(0, |page| page.size),
        "SIM_REG_PAGE2_BASE" => a5_page(1, |page| page.start),
        "SIM_REG_PAGE2_SIZE" => a5_page(1, |page| page.size),
        "SIM_REG_PAGE1_BASE" => a5_page(2, |page| page.start),
        "SIM_REG_PAGE1_SIZE" => a5_page(2, |page| page.size),

        "AICORE_EXIT_SIGNAL" => both(registers::AICORE_EXIT_SIGNAL),
        "AICORE_COREID_MASK" => both(registers::AICORE_CORE_ID_MASK),
        "TASK_ID_MASK" => both(registers::TASK_ID_MASK),
        "TASK_STATE_MASK" => both(registers::TASK_STATE_MASK),
        "TASK_ACK_STATE" => both(registers::TASK_ACK_STATE),
        "TASK_FIN_STATE" => both(registers::TASK_FIN_STATE),
        "AICORE_IDLE_VALUE" => both(registers::AICORE_IDLE_VALUE),
        "AICORE_EXITED_VALUE" => both(registers::AICORE_EXITED_VALUE),
        "AICORE_IDLE_TASK_ID" => both(registers::AICORE_IDLE_TASK_ID),
        "AICORE_EXIT_TASK_ID" => both(registers::AICORE_EXIT_TASK_ID),
        "AICPU_IDLE_TASK_ID" => both(registers::AICPU_IDLE_TASK_ID),
        "AICPU_TASK_INVALID" => Here::Both(i128::from(registers::AICPU_TASK_INVALID)),

        "AICPU_PHASE_MAGIC" => both(diagnostics::AICPU_PHASE_MAGIC),
        "TENSOR_DUMP_MAGIC" => both(diagnostics::TENSOR_DUMP_MAGIC),
        "PLATFORM_DUMP_MAX_DIMS" => Here::Both(at(limits::TENSOR_MAX_DIMS)),
        "PLATFORM_PROF_SLOT_COUNT" | "PLATFORM_DUMP_SLOT_COUNT" | "PLATFORM_PMU_SLOT_COUNT" => {
            Here::Both(at(diagnostics::FREE_QUEUE_SLOTS))
        }
        "PLATFORM_PROF_BUFFER_SIZE" => each(
            elements::<diagnostics::L2PerfBufferA2a3, diagnostics::L2PerfRecord>("records"),
            elements::<diagnostics::L2PerfBufferA5, diagnostics::L2PerfRecord>("records"),
        ),
        "PLATFORM_L2_AICORE_RING_SIZE" => Here::Each(
            Some(elements::<
                diagnostics::L2PerfAicoreRing,
                diagnostics::L2PerfRecord,
            >("records")),
            None,
        ),
        "PLATFORM_DUMP_RECORDS_PER_BUFFER" => Here::Both(elements::<
            diagnostics::DumpMetaBuffer,
            diagnostics::TensorDumpRecord,
        >("records")),
        "PLATFORM_PMU_RECORDS_PER_BUFFER" => each(
            elements::<diagnostics::PmuBufferA2a3, diagnostics::PmuRecordA2a3>("records"),
            elements::<diagnostics::PmuBufferA5, diagnostics::PmuRecordA5>("records"),
        ),
        "PLATFORM_PROF_READYQUEUE_SIZE" => each(
            at(A2a3::SWIMLANE_READY_ENTRIES),
            at(A5::SWIMLANE_READY_ENTRIES),
        ),
        "PLATFORM_DUMP_READYQUEUE_SIZE" => {
            each(at(A2a3::DUMP_READY_ENTRIES), at(A5::DUMP_READY_ENTRIES))
        }
        "PLATFORM_PMU_READYQUEUE_SIZE" => {
            each(at(A2a3::PMU_READY_ENTRIES), at(A5::PMU_READY_ENTRIES))
        }
        "PLATFORM_PHASE_RECORDS_PER_THREAD" => each(at(A2a3::PHASE_RECORDS), at(A5::PHASE_RECORDS)),

        "PLATFORM_OP_EXECUTE_TIMEOUT_US"
        | "PLATFORM_STREAM_SYNC_TIMEOUT_MS"
        | "PLATFORM_DEINIT_TIMEOUT_TICKS"
        | "PLATFORM_PROF_TIMEOUT_SECONDS"
        | "PLATFORM_DUMP_TIMEOUT_SECONDS"
        | "PLATFORM_PMU_TIMEOUT_SECONDS" => Here::Not("a deadline is its waiter's own"),
        "PLATFORM_PROF_BUFFERS_PER_CORE"
        | "PLATFORM_PROF_BUFFERS_PER_THREAD"
        | "PLATFORM_DUMP_BUFFERS_PER_THREAD"
        | "PLATFORM_DUMP_AVG_TENSOR_BYTES"
        | "PLATFORM_PMU_BUFFERS_PER_CORE" => Here::Not("how much the host allocates"),
        "PLATFORM_NUM_DIES" | "PLATFORM_AICORE_PER_DIE" => {
            Here::Not("topology, which `platform-a5` alone needs")
        }
        other => panic!("no check for {other}"),
    };
    // One value for both families is stated as such.
    match here {
        Here::Each(Some(a2a3), Some(a5)) if a2a3 == a5 => Here::Both(a2a3),
        here => here,
    }
}

fn fast_path(value: fn(protocol::arch::FastPath) -> u32) -> Here {
    let of = |switch: Option<_>| switch.map(value).map(i128::from);
    Here::Each(of(A2a3::FAST_PATH), of(A5::FAST_PATH))
}

fn a5_page(index: usize, value: fn(protocol::arch::RegisterPage) -> u32) -> Here {
    Here::Each(None, Some(i128::from(value(A5::SIM_REGISTER_PAGES[index]))))
}

fn register_offset(name: &str) -> Here {
    fn of<A: Arch>(name: &str) -> Option<i128> {
        let register = Register::all::<A>().find(|&register| register_name(register) == name)?;
        register.offset::<A>().map(i128::from)
    }
    match [of::<A2a3>(name), of::<A5>(name)] {
        [None, None] => panic!("no check for {name}"),
        [Some(a2a3), Some(a5)] if a2a3 == a5 => Here::Both(a2a3),
        [a2a3, a5] => Here::Each(a2a3, a5),
    }
}

fn trb(name: &str) -> Here {
    use limits::trb;

    if let Some(error) = name.strip_prefix("PTO2_ERROR_") {
        return run_error(error);
    }
    Here::Both(at(match name {
        "PTO2_ALIGN_SIZE" => trb::STRUCTURE_ALIGN,
        "PTO2_PACKED_OUTPUT_ALIGN" => trb::PACKED_OUTPUT_ALIGN,
        "INVALID_KERNEL_ID" => return Here::Both(i128::from(trb::INVALID_KERNEL_ID)),
        "PTO2_SUBTASK_SLOT_COUNT" => trb::SUBTASK_SLOTS,
        "MAX_TENSOR_ARGS" => trb::MAX_TENSOR_ARGS,
        "MAX_SCALAR_ARGS" => trb::MAX_SCALAR_ARGS,
        "PTO2_MAX_EXPLICIT_DEPS" => trb::MAX_EXPLICIT_DEPS,
        "PTO2_TASK_WINDOW_SIZE" => trb::DEFAULT_TASK_WINDOW,
        "PTO2_MAX_RING_DEPTH" => trb::MAX_RING_DEPTH,
        "PTO2_HEAP_SIZE" => trb::DEFAULT_HEAP_BYTES,
        "PTO2_DEP_LIST_POOL_SIZE" => trb::DEFAULT_DEP_POOL,
        "PTO2_MAX_SCOPE_DEPTH" => trb::MAX_SCOPE_DEPTH,
        "PTO2_FANIN_INLINE_CAP" => trb::FANIN_INLINE,
        "PTO2_TENSOR_DATA_TIMEOUT_CYCLES" => {
            return Here::Both(i128::from(trb::TENSOR_DATA_TIMEOUT_TICKS));
        }
        "RUNTIME_MAX_TENSOR_DIMS" => limits::TENSOR_MAX_DIMS,
        "PTO2_COMPLETION_INGRESS_CAPACITY" => trb::COMPLETION_INGRESS,
        "PTO2_COMPLETION_INGRESS_MASK" => trb::COMPLETION_INGRESS - 1,
        "PTO2_MAX_COMPLETIONS_PER_TASK" => trb::MAX_COMPLETIONS_PER_TASK,
        "PTO2_DISPATCH_MAX_ARGS" => trb::DISPATCH_ARGS,
        "PTO2_MAX_ASYNC_WAITS" => trb::MAX_ASYNC_WAITS,
        "PTO2_MAX_PENDING_COMPLETIONS" => trb::MAX_PENDING_COMPLETIONS,
        "PTO2_EXT_PARAMS_COUNT" => trb::DISPATCH_ARGS - trb::LOCAL_CONTEXT_INDEX,
        "SPMD_LOCAL_CONTEXT_INDEX" | "PAYLOAD_LOCAL_CONTEXT_INDEX" => trb::LOCAL_CONTEXT_INDEX,
        "SPMD_GLOBAL_CONTEXT_INDEX" | "PAYLOAD_GLOBAL_CONTEXT_INDEX" => trb::GLOBAL_CONTEXT_INDEX,
        "RUNTIME_MAX_ARGS" => trb::MAX_ARGS,
        "MAX_IDLE_ITERATIONS" => return Here::Both(i128::from(trb::REFERENCE_IDLE_ROUNDS)),
        "FATAL_ERROR_CHECK_INTERVAL" => return Here::Both(i128::from(trb::FATAL_CHECK_INTERVAL)),
        "RUNTIME_DEFAULT_READY_QUEUE_SHARDS" => {
            return each(
                A2a3::DEFAULT_READY_QUEUE_SHARDS,
                A5::DEFAULT_READY_QUEUE_SHARDS,
            );
        }
        "MAX_AICPU_THREADS" => return each(A2a3::MAX_AICPU_THREADS, A5::MAX_AICPU_THREADS),
        "RUNTIME_MAX_WORKER" | "RUNTIME_MAX_TENSOR_PAIRS" | "RUNTIME_MAX_FUNC_ID" => {
            return runtime(name);
        }
        "RUNTIME_MAX_ORCH_SYMBOL_NAME" => limits::MAX_ORCH_SYMBOL_NAME,

        "PTO2_SUBTASK_MASK_AIC"
        | "PTO2_SUBTASK_MASK_AIV0"
        | "PTO2_SUBTASK_MASK_AIV1"
        | "PTO2_SUBTASK_FLAG_SYNC_START"
        | "PTO2_NUM_RESOURCE_SHAPES"
        | "PTO2_COMPLETION_ENGINE_SDMA"
        | "PTO2_COMPLETION_ENGINE_ROCE"
        | "PTO2_COMPLETION_ENGINE_URMA"
        | "PTO2_COMPLETION_ENGINE_CCU"
        | "PTO2_COMPLETION_TYPE_COUNTER"
        | "PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD" => {
            return Here::Not("seen by orchestrations and kernels: `aicore-abi` has it");
        }
        "PTO2_TENSORMAP_POOL_SIZE"
        | "PTO2_TENSORMAP_NUM_BUCKETS"
        | "PTO2_SCOPE_TASKS_INIT_CAP"
        | "PTO2_READY_QUEUE_SIZE"
        | "PTO2_WRIRING_QUEUE_SIZE"
        | "PTO2_TENSORMAP_CLEANUP_INTERVAL"
        | "PTO2_DEP_POOL_CLEANUP_INTERVAL"
        | "PTO2_ALLOC_SPIN_LIMIT"
        | "PTO2_DEP_POOL_SPIN_LIMIT" => {
            return Here::Not("inside the reference's runtime; `runtime-trb` sizes its own");
        }
        "RUNTIME_MAX_ORCH_SO_SIZE" => {
            return Here::Not("no boundary carries it: binaries have any size");
        }
        other => panic!("no check for {other}"),
    }))
}

fn run_error(name: &str) -> Here {
    if name == "NONE" {
        return Here::Both(0);
    }
    // Ours are spelled in camel case, as variants are.
    let error = RunError::ALL
        .into_iter()
        .find(|error| format!("{error:?}").to_uppercase() == name.replace('_', ""))
        .unwrap_or_else(|| panic!("no check for {name}"));
    Here::Both(i128::from(error.code()))
}

/// Constants that both runtimes have with the same values.
fn runtime(name: &str) -> Here {
    Here::Both(at(match name {
        "RUNTIME_MAX_WORKER" => return each(at(A2a3::WORKER_SLOTS), at(A5::WORKER_SLOTS)),
        "RUNTIME_MAX_TENSOR_PAIRS" => limits::MAX_TENSOR_PAIRS,
        "RUNTIME_MAX_FUNC_ID" => limits::MAX_FUNC_ID,
        other => panic!("no check for {other}"),
    }))
}

fn hbg(name: &str) -> Here {
    Here::Both(at(match name {
        "RUNTIME_MAX_TASKS" => limits::hbg::MAX_TASKS,
        "RUNTIME_MAX_ARGS" => limits::hbg::MAX_ARGS,
        "RUNTIME_MAX_FANOUT" => limits::hbg::MAX_FANOUT,
        shared => return runtime(shared),
    }))
}

fn pmu_events<A: DiagnosticRecords>(sets: &Value) {
    assert_eq!(A::PMU_EVENTS.len(), list(sets).len());
    for (ours, stated) in A::PMU_EVENTS.iter().zip(list(sets)) {
        same(ours.set.to_wire(), &stated["event_set"]);
        let stated = list(&stated["slots"]);
        assert_eq!(ours.counters.len(), stated.len());
        for (ours, stated) in ours.counters.iter().zip(stated) {
            same(ours.event, &stated["event"]);
            assert_eq!(ours.counter, text(&stated["counter"]));
        }
    }
}
