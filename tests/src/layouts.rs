//! Which Rust layout stands for which C++ type.
//!
//! Knows names on both sides. Refuses to know numbers: those come from the compilers.

use aicore_abi::orchestration::{hbg, trb};
use aicore_abi::{kernel, payload, tensor};
use protocol::layout::{Layout, Pinned};

use crate::headers::{Family, Kind};

/// Headers that together declare every shared type of the trb side.
pub const TRB_HEADERS: [&str; 5] = [
    "pto_orchestration_api.h",
    "pto2_dispatch_payload.h",
    "callable.h",
    "call_config.h",
    "platform_comm/comm_context.h",
];
/// The same for the hbg side.
pub const HBG_HEADERS: [&str; 1] = ["orchestration_api.h"];

/// A Rust layout and the C++ type that must have it.
#[derive(Clone, Copy, Debug)]
pub struct Counterpart {
    /// The Rust side.
    pub layout: Layout,
    /// Whose headers declare the C++ type.
    pub kind: Kind,
    /// The C++ type.
    pub cpp: &'static str,
    /// Fields with another name in C++; without one, the bytes are padding there.
    renamed: &'static [(&'static str, Option<&'static str>)],
}

impl Counterpart {
    const fn of<T: Pinned>(kind: Kind, cpp: &'static str) -> Self {
        let (layout, renamed) = (T::LAYOUT, &[]);
        Self {
            layout,
            kind,
            cpp,
            renamed,
        }
    }

    const fn trb<T: Pinned>(cpp: &'static str) -> Self {
        Self::of::<T>(Kind::TrbOrchestration, cpp)
    }

    const fn hbg<T: Pinned>(cpp: &'static str) -> Self {
        Self::of::<T>(Kind::HbgOrchestration, cpp)
    }

    const fn renamed(mut self, list: &'static [(&'static str, Option<&'static str>)]) -> Self {
        self.renamed = list;
        self
    }

    /// The C++ member for a Rust field; none where C++ has padding.
    #[must_use]
    pub fn member(&self, field: &'static str, family: Family) -> Option<&'static str> {
        let renamed = self.renamed.iter().find(|(rust, _)| *rust == field);
        let member = renamed.map_or(Some(field), |(_, member)| *member);
        match (member, family) {
            (Some("block_idx"), Family::A5) => Some("s_block_idx"),
            (Some("block_num"), Family::A5) => Some("s_block_num"),
            _ => member,
        }
    }
}

/// Every Rust layout that user-visible C++ has too.
#[rustfmt::skip] // One member per column is easier to compare with the headers.
pub const COUNTERPARTS: &[Counterpart] = &[
    Counterpart::trb::<kernel::LocalContext>("LocalContext"),
    Counterpart::trb::<kernel::AsyncCtx>("AsyncCtx").renamed(&[("reserved", None)]),
    Counterpart::trb::<kernel::GlobalContext>("GlobalContext"),
    Counterpart::trb::<kernel::DeferredCondition>("PTO2DeferredCompletionEntry").renamed(&[("pad", Some("_pad"))]),
    Counterpart::trb::<kernel::DeferredIngressBuffer>("PTO2DeferredCompletionIngressBuffer").renamed(&[("pad", None)]),
    Counterpart::hbg::<hbg::OrchestrationRuntime>("OrchestrationRuntime"),
    Counterpart::hbg::<hbg::Operations>("OrchestrationRuntimeOps"),
    Counterpart::hbg::<hbg::TensorInfo>("TensorInfo"),
    Counterpart::hbg::<hbg::TensorAllocationInfo>("TensorAllocationInfo"),
    Counterpart::trb::<trb::Runtime>("PTO2Runtime").renamed(&[("reserved", None)]),
    Counterpart::trb::<trb::Operations>("PTO2RuntimeOps"),
    Counterpart::trb::<trb::TaskOutputTensors>("TaskOutputTensors").renamed(&[
        ("task_id", Some("task_id_")), ("output_count", Some("output_count_")), ("reserved", None),
        ("tensors", Some("tensors_")),
    ]),
    Counterpart::trb::<trb::OrchestrationConfig>("PTO2OrchestrationConfig"),
    Counterpart::trb::<trb::ExplicitDeps>("Arg::ExplicitDeps").renamed(&[("pad", None)]),
    Counterpart::trb::<trb::Arg>("Arg").renamed(&[
        ("tags", Some("tags_")), ("tensors", Some("tensors_")), ("scalars", Some("scalars_")),
        ("tensor_count", Some("tensor_count_")), ("scalar_count", Some("scalar_count_")),
        ("pad", None), ("launch_pad", None), ("explicit_deps", Some("explicit_deps_")),
    ]),
    Counterpart::trb::<trb::MixedKernels>("MixedKernels"),
    Counterpart::trb::<trb::LaunchSpec>("PTO2LaunchSpec").renamed(&[
        ("block_num", Some("count_")), ("require_sync_start", Some("require_sync_start_")), ("pad", None),
    ]),
    Counterpart::trb::<payload::DispatchPayload>("PTO2DispatchPayload").renamed(&[
        ("reserved", Some("reserved_payload_abi_pad")), ("pad", None),
        // Ours alone, in what C++ leaves over at the end.
        ("kernel_handle", None), ("tensor_count", None), ("scalar_count", None), ("record", None),
        ("tail", None),
    ]),
    Counterpart::trb::<tensor::BufferHandle>("PTOBufferHandle"),
    Counterpart::trb::<tensor::Tensor>("Tensor").renamed(&[("reserved", Some("_pad_cl2"))]),
    Counterpart::trb::<tensor::TensorCreateInfo>("TensorCreateInfo").renamed(&[
        ("pad", Some("reserved_flags_")), ("owner_place", Some("reserved_owner_")),
        ("start_place", Some("reserved_start_")),
    ]),
    Counterpart::trb::<protocol::CallConfig>("CallConfig"),
    Counterpart::trb::<protocol::ChipCallableHeader>("ChipCallable").renamed(&[
        ("signature", Some("signature_")), ("sig_count", Some("sig_count_")),
        ("binary_size", Some("binary_size_")), ("func_name", Some("func_name_")),
        ("func_name_len", Some("func_name_len_")), ("child_func_ids", Some("child_func_ids_")),
        ("child_offsets", Some("child_offsets_")), ("child_count", Some("child_count_")),
        ("config_name", Some("config_name_")), ("config_name_len", Some("config_name_len_")),
    ]),
    Counterpart::trb::<protocol::CoreCallableHeader>("CoreCallable").renamed(&[
        ("signature", Some("signature_")), ("sig_count", Some("sig_count_")),
        ("binary_size", Some("binary_size_")), ("resolved_addr", Some("resolved_addr_")),
    ]),
    Counterpart::trb::<protocol::comm::CommContext>("CommContext").renamed(&[
        ("work_space", Some("workSpace")), ("work_space_size", Some("workSpaceSize")),
        ("rank_id", Some("rankId")), ("rank_num", Some("rankNum")), ("win_size", Some("winSize")),
        ("windows_in", Some("windowsIn")), ("windows_out", Some("windowsOut")),
    ]),
    Counterpart::trb::<protocol::ChipStorageTaskArgs>("ChipStorageTaskArgs").renamed(&[
        ("tensors", Some("tensors_")), ("scalars", Some("scalars_")),
        ("tensor_count", Some("tensor_count_")), ("scalar_count", Some("scalar_count_")),
    ]),
    Counterpart::trb::<protocol::ContinuousTensor>("ContinuousTensor").renamed(&[("pad", None)]),
];

/// Why the other Rust layouts have no C++ type.
#[rustfmt::skip] // One group of types per entry.
pub const WITHOUT_COUNTERPART: &[(&str, &[&str])] = &[
    ("records of the diagnostics: device programs write them, the host reads them", &[
        "FreeQueue", "ReadyQueueEntry", "TensorDumpRecord", "DumpMetaBuffer", "DumpBufferState",
        "DumpDataHeaderA2a3", "DumpDataHeaderA5", "PmuRecordA2a3", "PmuRecordA5", "PmuBufferA2a3",
        "PmuBufferA5", "PmuBufferState", "PmuDataHeaderA2a3", "PmuDataHeaderA5", "L2PerfRecord",
        "L2PerfAicoreRing", "L2PerfBufferA2a3", "L2PerfBufferA5", "L2PerfBufferStateA2a3",
        "L2PerfBufferStateA5", "L2PerfDataHeaderA2a3", "L2PerfDataHeaderA5", "AicpuPhaseRecord",
        "AicpuOrchSummary", "AicpuPhaseHeaderA2a3", "AicpuPhaseHeaderA5", "PhaseBufferA2a3",
        "PhaseBufferA5",
    ]),
    ("start of a run: written by the host, read by the two images", &[
        "HandshakeA2a3", "HandshakeA5", "KernelArgsA2a3", "KernelArgsA5", "DeviceArgs",
        "AicpuLaunchA2a3", "AicpuLaunchA5", "TensorPair", "HostApi", "TrbRunDescriptorA2a3",
        "TrbRunDescriptorA5", "HbgRunDescriptorA2a3", "HbgRunDescriptorA5", "TrbBody", "Task", "HbgBody",
    ]),
    ("what a run is written down in: ours alone, from our device programs to our host", &[
        "RecordingHead", "SectionPlace", "SectionCursor", "WriterState", "CallRecord", "EdgeRecord",
        "PhaseRecord", "TensorRecord",
    ]),
    ("what our libraries say to our host beyond the interface", &["RunSettings", "RunRecord", "Holdings"]),
    ("between processes of the host", &[
        "MailboxFrame", "ControlWords", "BootstrapFrame", "SimSegmentHeader",
    ]),
    ("memory of the scheduler: no orchestration and no kernel holds an address in it", &[
        "SharedMemoryHeader", "RingHeader", "RingFlowControl", "TaskDescriptor", "TaskSlotState",
        "CompletionIngressQueue", "CompletionIngressEntry", "TaskPayload",
    ]),
    ("PTO-ISA's type: a kernel only passes its address on", &["SdmaEventRecord"]),
];
