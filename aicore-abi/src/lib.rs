//! What kernels and orchestrations see.
//!
//! Knows the payload a core executes, the words it answers through, the argument objects an
//! orchestration builds, and the C++ headers of both. Refuses to know who schedules a core.
//!
//! | question | file |
//! | --- | --- |
//! | what is a tensor, and how is one made of another? | [`tensor`] |
//! | what does an orchestration call? | [`orchestration`] |
//! | what is a kernel called with? | [`kernel`] |
//! | how does a kernel in Rust use it? | [`call`] |
//! | what does a token select? | [`payload`] |
//! | where are a task's arguments kept? | [`task_payload`] |
//! | what does a status word mean? | [`registers`] |
//! | how does a scheduler reach its cores? | [`seam`] |
//! | what does a scheduler remember about its cores? | [`in_flight`] |
//! | how is a run written down? | `recorder`, a feature |
//! | why was an argument refused? | [`error`] |
#![no_std]

pub mod call;
pub mod error;
pub mod in_flight;
pub mod kernel;
pub mod orchestration;
pub mod payload;
#[cfg(feature = "recorder")]
pub mod recorder;
pub mod registers;
pub mod seam;
pub mod task_payload;
pub mod tensor;

use protocol::layout::{Layout, Pinned, digest_of, fnv1a64};

pub use error::{Error, Result};

/// Every pinned layout of this crate, sorted by module.
pub const ALL_LAYOUTS: &[Layout] = &[
    <kernel::LocalContext as Pinned>::LAYOUT,
    <kernel::AsyncCtx as Pinned>::LAYOUT,
    <kernel::GlobalContext as Pinned>::LAYOUT,
    <kernel::DeferredCondition as Pinned>::LAYOUT,
    <kernel::DeferredIngressBuffer as Pinned>::LAYOUT,
    <kernel::SdmaEventRecord as Pinned>::LAYOUT,
    <orchestration::hbg::OrchestrationRuntime as Pinned>::LAYOUT,
    <orchestration::hbg::Operations as Pinned>::LAYOUT,
    <orchestration::hbg::TensorInfo as Pinned>::LAYOUT,
    <orchestration::hbg::TensorAllocationInfo as Pinned>::LAYOUT,
    <orchestration::trb::Runtime as Pinned>::LAYOUT,
    <orchestration::trb::Operations as Pinned>::LAYOUT,
    <orchestration::trb::TaskOutputTensors as Pinned>::LAYOUT,
    <orchestration::trb::OrchestrationConfig as Pinned>::LAYOUT,
    <orchestration::trb::ExplicitDeps as Pinned>::LAYOUT,
    <orchestration::trb::Arg as Pinned>::LAYOUT,
    <orchestration::trb::MixedKernels as Pinned>::LAYOUT,
    <orchestration::trb::LaunchSpec as Pinned>::LAYOUT,
    <payload::DispatchPayload as Pinned>::LAYOUT,
    <task_payload::TaskPayload as Pinned>::LAYOUT,
    <tensor::BufferHandle as Pinned>::LAYOUT,
    <tensor::Tensor as Pinned>::LAYOUT,
    <tensor::TensorCreateInfo as Pinned>::LAYOUT,
];

/// Digest of everything pinned here and in [`protocol`]: two programs compare it before they talk,
/// and two builds that disagree about a single offset refuse each other.
pub const ABI_DIGEST: u64 = {
    let ours = digest_of(ALL_LAYOUTS).to_le_bytes();
    let theirs = protocol::PROTOCOL_DIGEST.to_le_bytes();
    let mut both = [0; 16];
    let mut index = 0;
    while index < 8 {
        both[index] = theirs[index];
        both[index + 8] = ours[index];
        index += 1;
    }
    fnv1a64(&both)
};
