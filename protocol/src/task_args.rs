//! Arguments of a task, from the caller to the orchestration.
//!
//! Knows the tags of arguments, the scalar slot and the forms a whole argument list takes: borrowed
//! ([`TaskArgsView`]), as a byte blob between processes, as the fixed block an orchestration is
//! called with ([`ChipStorageTaskArgs`]) and, with feature `alloc`, growing (`TaskArgs`). Refuses
//! to know what an argument means to its kernel.
//!
//! ```text
//! TaskArgs ──view()──▶ TaskArgsView ──write_blob()──▶ bytes ──read_blob()──▶ TaskArgsView
//!  tags stay here            └──────── ChipStorageTaskArgs::from_view() ◀────────┘
//! ```

mod scalar;
mod storage;
#[cfg(feature = "alloc")]
mod tagged;
mod view;

pub use scalar::Scalar;
pub use storage::ChipStorageTaskArgs;
#[cfg(feature = "alloc")]
pub use tagged::TaskArgs;
pub use view::TaskArgsView;

use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a kernel or an orchestration does with an argument, as its signature states.
    pub enum ArgDirection: i32 as "signature" {
        /// A scalar, read only.
        Scalar = 0 => "SCALAR",
        /// A tensor that is read.
        In = 1 => "IN",
        /// A tensor that is written.
        Out = 2 => "OUT",
        /// A tensor that is read and written.
        Inout = 3 => "INOUT",
    }
}

wire_enum! {
    /// How a task uses one of its tensors, from which its dependencies follow.
    pub enum TensorArgType: i32 as "tag" {
        /// Read: waits for the writers.
        Input = 0 => "INPUT",
        /// Created by the task.
        Output = 1 => "OUTPUT",
        /// Read and written: waits for the writers and becomes one.
        Inout = 2 => "INOUT",
        /// Written, already there: becomes a writer.
        OutputExisting = 3 => "OUTPUT_EXISTING",
        /// Passed without tracking.
        NoDep = 4 => "NO_DEP",
    }
}

wire_enum! {
    /// Kind of an AICore.
    pub enum CoreType: i32 as "core_type" {
        /// Cube core: matrices.
        Aic = 0 => "AIC",
        /// Vector core.
        Aiv = 1 => "AIV",
    }
}
