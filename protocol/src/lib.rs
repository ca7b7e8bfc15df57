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
//! | why were bytes refused? | [`malformed`] |
//! | how is a layout held in place? | [`layout`] |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod arch;
pub mod call_config;
pub mod callable;
pub mod content_id;
pub mod data_type;
pub mod layout;
pub mod limits;
pub mod malformed;
mod name;
pub mod registers;
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
    <CallConfig as Pinned>::LAYOUT,
    <ChipCallableHeader as Pinned>::LAYOUT,
    <CoreCallableHeader as Pinned>::LAYOUT,
    <ChipStorageTaskArgs as Pinned>::LAYOUT,
    <ContinuousTensor as Pinned>::LAYOUT,
];

/// Digest of everything pinned: two programs compare it before they talk, and two builds that
/// disagree about a single offset refuse each other.
pub const PROTOCOL_DIGEST: u64 = layout::digest_of(ALL_LAYOUTS);

const _: () = assert!(
    cfg!(target_endian = "little"),
    "every layout here is little-endian by decree"
);
