//! Programs as callers hand them in.
//!
//! Knows what a program consists of. Refuses to know whether its code can be loaded: the machine
//! finds out when the program is prepared.

use core::fmt;
use std::sync::Arc;

use aicore_abi::payload::DispatchPayload;
use protocol::callable::ChipCallable;
use protocol::{ArgDirection, CoreType};

use crate::error::Result;

/// An orchestration with its kernels.
#[derive(Clone, Debug)]
pub struct Program {
    /// What builds the graph.
    pub orchestration: Orchestration,
    /// Direction of every argument; arguments beyond it go both ways.
    pub signature: Vec<ArgDirection>,
    /// The kernels it may submit.
    pub kernels: Vec<ProgramKernel>,
}

/// A kernel under the number an orchestration submits it by.
#[derive(Clone, Debug)]
pub struct ProgramKernel {
    /// The number.
    pub func_id: i32,
    /// The kind of core it is for; `None` where an image does not say.
    pub core: Option<CoreType>,
    /// Its code.
    pub kernel: Kernel,
}

/// What builds a graph.
#[derive(Clone)]
#[non_exhaustive]
pub enum Orchestration {
    /// A shared object.
    Image {
        /// Its bytes.
        bytes: Arc<[u8]>,
        /// Symbol of its entry; empty stands for the runtime's default.
        entry: String,
        /// Symbol of its configuration; empty stands for the runtime's default.
        config: String,
    },
    /// Something of this process that the runtime knows how to call.
    InProcess(Arc<dyn core::any::Any + Send + Sync>),
}

impl fmt::Debug for Orchestration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { bytes, entry, .. } => {
                write!(f, "Image({} bytes, entry `{entry}`)", bytes.len())
            }
            Self::InProcess(_) => f.write_str("InProcess"),
        }
    }
}

/// The code of a kernel.
#[derive(Clone)]
#[non_exhaustive]
pub enum Kernel {
    /// A shared object with a `kernel_entry`.
    Image(Arc<[u8]>),
    /// A function of this process.
    InProcess(InProcessKernel),
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(bytes) => write!(f, "Image({} bytes)", bytes.len()),
            Self::InProcess(kernel) => kernel.fmt(f),
        }
    }
}

/// A kernel that is a function of this process.
#[derive(Clone)]
pub struct InProcessKernel {
    /// The function.
    pub run: Arc<dyn Fn(&KernelCall<'_>) + Send + Sync>,
    /// Whether it waits for other kernels.
    pub waits: Waits,
}

impl fmt::Debug for InProcessKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InProcess({:?})", self.waits)
    }
}

/// Whether a kernel waits for something that another kernel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waits {
    /// Never: it always runs to its end by itself.
    Never,
    /// Only for kernels of its own group: a mixed task, a synchronous start.
    #[default]
    WithinGroup,
    /// For any other kernel.
    Always,
}

/// One call of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelCall<'a> {
    /// The arguments and the place among the task's blocks.
    pub payload: &'a DispatchPayload,
    /// The core it runs on.
    pub core: u16,
    /// The core's cluster.
    pub cluster: u16,
    /// The core's lane in its cluster.
    pub sub_block: u16,
}

impl Program {
    /// Reads the flattened image of a callable.
    ///
    /// # Errors
    /// When the image is malformed.
    pub fn from_callable_image(image: &[u8]) -> Result<Self> {
        let callable = ChipCallable::read(image)?;
        let name = |name: &core::ffi::CStr| name.to_string_lossy().into_owned();
        Ok(Self {
            orchestration: Orchestration::Image {
                bytes: callable.orchestration().into(),
                entry: name(callable.func_name()),
                config: name(callable.config_name()),
            },
            signature: callable.signature().collect(),
            kernels: callable
                .children()
                .map(|child| ProgramKernel {
                    func_id: child.func_id,
                    core: None,
                    kernel: Kernel::Image(child.kernel.payload().into()),
                })
                .collect(),
        })
    }
}
