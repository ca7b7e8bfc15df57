//! What host, AICPU and AICore agree on, byte for byte.
//!
//! Knows every layout, constant, limit, enum, error code and wire format that two programs share.
//! Refuses to know behaviour: nothing here allocates, waits, opens or prints.
//!
//! | question | file |
//! | --- | --- |
//! | how much of something may there be? | [`limits`] |
//! | which numbers differ between the chip families? | [`arch`] |
//! | which element types are there? | [`data_type`] |
//! | how do arguments travel, what are their tags? | [`task_args`] |
//! | how is a run configured? | [`call_config`] |
//! | what does an image of code look like? | [`callable`] |
//! | when do two binaries count as the same? | [`content_id`](mod@content_id) |
//! | which compiler does a platform want? | [`toolchain`] |
//! | how does a call name a tensor? | [`tensor`] |
//! | how is a task named? | [`task_id`] |
//! | how do ranks see each other? | [`comm`] |
//! | what do diagnostics record? | [`diagnostics`] |
//! | why did a run fail? | [`error_code`] |
//! | what does our host runtime say beyond the shared interface? | [`extension`] |
//! | how do core and AICPU find each other? | [`handshake`] |
//! | what is handed to the device images? | [`kernel_args`] |
//! | how does a parent process ask a child? | [`mailbox`] |
//! | where is a run written down? | [`recording`] |
//! | which registers does a core have? | [`registers`] |
//! | what is a run? | [`run_descriptor`] |
//! | what do orchestrator and schedulers share? | [`shared_memory`] |
//! | why were bytes refused? | [`malformed`] |
//! | how is a layout held in place? | [`layout`] |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod arch;
pub mod call_config;
pub mod callable;
pub mod comm;
pub mod content_id;
pub mod data_type;
pub mod diagnostics;
pub mod error_code;
pub mod extension;
pub mod handshake;
pub mod kernel_args;
pub mod layout;
pub mod limits;
pub mod mailbox;
pub mod malformed;
mod name;
pub mod recording;
pub mod registers;
pub mod run_descriptor;
pub mod shared_memory;
pub mod task_args;
pub mod task_id;
pub mod tensor;
pub mod toolchain;
mod wire_enum;

pub use arch::{A2a3, A5, Arch};
pub use call_config::CallConfig;
pub use callable::{ChipCallable, ChipCallableHeader, CoreCallable, CoreCallableHeader};
#[cfg(feature = "alloc")]
pub use callable::{ChipCallableBuilder, core_callable_image};
pub use content_id::content_id;
pub use data_type::DataType;
pub use layout::{Layout, Pinned};
pub use malformed::Malformed;
#[cfg(feature = "alloc")]
pub use task_args::TaskArgs;
pub use task_args::{
    ArgDirection, ChipStorageTaskArgs, CoreType, Scalar, TaskArgsView, TensorArgType,
};
pub use task_id::TaskId;
pub use tensor::ContinuousTensor;
pub use toolchain::Toolchain;

/// Raised whenever a layout, the meaning of a field or an order of messages changes.
pub const PROTOCOL_VERSION: u32 = 1;

/// Every pinned layout of this crate, sorted by module.
#[rustfmt::skip] // One entry per line.
pub const ALL_LAYOUTS: &[Layout] = &[
    <call_config::CallConfig as Pinned>::LAYOUT,
    <callable::ChipCallableHeader as Pinned>::LAYOUT,
    <callable::CoreCallableHeader as Pinned>::LAYOUT,
    <comm::CommContext as Pinned>::LAYOUT,
    <comm::SimSegmentHeader as Pinned>::LAYOUT,
    <diagnostics::FreeQueue as Pinned>::LAYOUT,
    <diagnostics::ReadyQueueEntry as Pinned>::LAYOUT,
    <diagnostics::TensorDumpRecord as Pinned>::LAYOUT,
    <diagnostics::DumpMetaBuffer as Pinned>::LAYOUT,
    <diagnostics::DumpBufferState as Pinned>::LAYOUT,
    <diagnostics::DumpDataHeaderA2a3 as Pinned>::LAYOUT,
    <diagnostics::DumpDataHeaderA5 as Pinned>::LAYOUT,
    <diagnostics::PmuRecordA2a3 as Pinned>::LAYOUT,
    <diagnostics::PmuRecordA5 as Pinned>::LAYOUT,
    <diagnostics::PmuBufferA2a3 as Pinned>::LAYOUT,
    <diagnostics::PmuBufferA5 as Pinned>::LAYOUT,
    <diagnostics::PmuBufferState as Pinned>::LAYOUT,
    <diagnostics::PmuDataHeaderA2a3 as Pinned>::LAYOUT,
    <diagnostics::PmuDataHeaderA5 as Pinned>::LAYOUT,
    <diagnostics::L2PerfRecord as Pinned>::LAYOUT,
    <diagnostics::L2PerfAicoreRing as Pinned>::LAYOUT,
    <diagnostics::L2PerfBufferA2a3 as Pinned>::LAYOUT,
    <diagnostics::L2PerfBufferA5 as Pinned>::LAYOUT,
    <diagnostics::L2PerfBufferStateA2a3 as Pinned>::LAYOUT,
    <diagnostics::L2PerfBufferStateA5 as Pinned>::LAYOUT,
    <diagnostics::L2PerfDataHeaderA2a3 as Pinned>::LAYOUT,
    <diagnostics::L2PerfDataHeaderA5 as Pinned>::LAYOUT,
    <diagnostics::AicpuPhaseRecord as Pinned>::LAYOUT,
    <diagnostics::AicpuOrchSummary as Pinned>::LAYOUT,
    <diagnostics::AicpuPhaseHeaderA2a3 as Pinned>::LAYOUT,
    <diagnostics::AicpuPhaseHeaderA5 as Pinned>::LAYOUT,
    <diagnostics::PhaseBufferA2a3 as Pinned>::LAYOUT,
    <diagnostics::PhaseBufferA5 as Pinned>::LAYOUT,
    <extension::RunSettings as Pinned>::LAYOUT,
    <extension::RunRecord as Pinned>::LAYOUT,
    <extension::Holdings as Pinned>::LAYOUT,
    <handshake::HandshakeA2a3 as Pinned>::LAYOUT,
    <handshake::HandshakeA5 as Pinned>::LAYOUT,
    <kernel_args::KernelArgsA2a3 as Pinned>::LAYOUT,
    <kernel_args::KernelArgsA5 as Pinned>::LAYOUT,
    <kernel_args::DeviceArgs as Pinned>::LAYOUT,
    <kernel_args::AicpuLaunchA2a3 as Pinned>::LAYOUT,
    <kernel_args::AicpuLaunchA5 as Pinned>::LAYOUT,
    <mailbox::MailboxFrame as Pinned>::LAYOUT,
    <mailbox::ControlWords as Pinned>::LAYOUT,
    <mailbox::BootstrapFrame as Pinned>::LAYOUT,
    <recording::SectionPlace as Pinned>::LAYOUT,
    <recording::RecordingHead as Pinned>::LAYOUT,
    <recording::SectionCursor as Pinned>::LAYOUT,
    <recording::WriterState as Pinned>::LAYOUT,
    <recording::CallRecord as Pinned>::LAYOUT,
    <recording::EdgeRecord as Pinned>::LAYOUT,
    <recording::PhaseRecord as Pinned>::LAYOUT,
    <recording::TensorRecord as Pinned>::LAYOUT,
    <run_descriptor::TensorPair as Pinned>::LAYOUT,
    <run_descriptor::HostApi as Pinned>::LAYOUT,
    <run_descriptor::TrbRunDescriptorA2a3 as Pinned>::LAYOUT,
    <run_descriptor::TrbRunDescriptorA5 as Pinned>::LAYOUT,
    <run_descriptor::HbgRunDescriptorA2a3 as Pinned>::LAYOUT,
    <run_descriptor::HbgRunDescriptorA5 as Pinned>::LAYOUT,
    <run_descriptor::TrbBody as Pinned>::LAYOUT,
    <run_descriptor::Task as Pinned>::LAYOUT,
    <run_descriptor::HbgBody as Pinned>::LAYOUT,
    <shared_memory::SharedMemoryHeader as Pinned>::LAYOUT,
    <shared_memory::RingHeader as Pinned>::LAYOUT,
    <shared_memory::RingFlowControl as Pinned>::LAYOUT,
    <shared_memory::TaskDescriptor as Pinned>::LAYOUT,
    <shared_memory::TaskSlotState as Pinned>::LAYOUT,
    <shared_memory::CompletionIngressQueue as Pinned>::LAYOUT,
    <shared_memory::CompletionIngressEntry as Pinned>::LAYOUT,
    <task_args::ChipStorageTaskArgs as Pinned>::LAYOUT,
    <tensor::ContinuousTensor as Pinned>::LAYOUT,
];

/// Digest of everything pinned: two programs compare it before they talk, and two builds that
/// disagree about a single offset refuse each other.
pub const PROTOCOL_DIGEST: u64 = layout::digest_of(ALL_LAYOUTS);

const _: () = assert!(
    cfg!(target_endian = "little"),
    "every layout here is little-endian by decree"
);
