//! Programs as callers hand them in.
//!
//! Knows what a program consists of. Refuses to know whether its code can be loaded: the machine
//! finds out when the program is prepared.

#[cfg(feature = "trb")]
use core::ffi::CStr;
use core::fmt;
use std::sync::Arc;

#[cfg(feature = "trb")]
use aicore_abi::orchestration::trb::{DEFAULT_CONFIG, DEFAULT_ENTRY};
use aicore_abi::payload::DispatchPayload;
#[cfg(any(feature = "trb", feature = "hbg"))]
use protocol::callable::ChipCallable;
use protocol::limits::MAX_FUNC_ID;
use protocol::{ArgDirection, CoreType};

use crate::error::Error;

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

/// What builds a graph, and for which runtime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Orchestration {
    /// For the runtime whose graph is built on the device.
    #[cfg(feature = "trb")]
    Trb(aicpu::trb::Orchestration),
    /// For the runtime whose graph is built on the host.
    #[cfg(feature = "hbg")]
    Hbg(aicpu::hbg::Orchestration),
    /// This build has no runtime, so there is nothing that a program could be for.
    #[cfg(not(any(feature = "trb", feature = "hbg")))]
    ForNoRuntime,
}

impl Orchestration {
    /// The bytes of its shared object, if it is one.
    pub(crate) fn image(&self) -> Option<&Arc<[u8]>> {
        match self {
            #[cfg(feature = "trb")]
            Self::Trb(orchestration) => orchestration.bytes(),
            #[cfg(feature = "hbg")]
            Self::Hbg(orchestration) => orchestration.bytes(),
            #[cfg(not(any(feature = "trb", feature = "hbg")))]
            Self::ForNoRuntime => None,
        }
    }

    /// The same, to be replaced by equal bytes that others share.
    pub(crate) fn image_mut(&mut self) -> Option<&mut Arc<[u8]>> {
        match self {
            #[cfg(feature = "trb")]
            Self::Trb(orchestration) => orchestration.bytes_mut(),
            #[cfg(feature = "hbg")]
            Self::Hbg(orchestration) => orchestration.bytes_mut(),
            #[cfg(not(any(feature = "trb", feature = "hbg")))]
            Self::ForNoRuntime => None,
        }
    }

    /// Whether it gets its tensors in device memory, or moves their data itself.
    pub(crate) const fn is_bound(&self) -> bool {
        match self {
            #[cfg(feature = "trb")]
            Self::Trb(_) => true,
            #[cfg(feature = "hbg")]
            Self::Hbg(aicpu::hbg::Orchestration::Graph(_)) => true,
            #[cfg(feature = "hbg")]
            Self::Hbg(aicpu::hbg::Orchestration::Image(_)) => false,
            #[cfg(not(any(feature = "trb", feature = "hbg")))]
            Self::ForNoRuntime => true,
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

/// A function that computes; the text of an error it returns ends the run.
pub type KernelFn = dyn Fn(&KernelCall<'_>) -> Result<(), String> + Send + Sync;

/// A kernel that is a function of this process.
#[derive(Clone)]
pub struct InProcessKernel {
    /// The function.
    pub run: Arc<KernelFn>,
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
    /// Refuses a program that no machine can run, to be registered under `callable_id`.
    ///
    /// # Errors
    /// It has no orchestration, or a kernel's function id is out of range or taken.
    pub fn check(&self, callable_id: i32) -> crate::Result<()> {
        if self
            .orchestration
            .image()
            .is_some_and(|bytes| bytes.is_empty())
        {
            return Err(Error::EmptyOrchestration { id: callable_id });
        }
        let mut seen = [false; MAX_FUNC_ID];
        for &func_id in self.kernels.iter().map(|kernel| &kernel.func_id) {
            let slot = usize::try_from(func_id)
                .ok()
                .and_then(|index| seen.get_mut(index))
                .ok_or(Error::FuncId { func_id })?;
            if core::mem::replace(slot, true) {
                return Err(Error::DuplicateFuncId { func_id });
            }
        }
        Ok(())
    }

    /// Reads the flattened image of a callable for the device-built runtime.
    ///
    /// # Errors
    /// When the image is malformed.
    #[cfg(feature = "trb")]
    pub fn from_trb_image(image: &[u8]) -> crate::Result<Self> {
        let callable = ChipCallable::read(image)?;
        let named =
            |name: &CStr, default: &CStr| if name.is_empty() { default } else { name }.to_owned();
        let image = aicpu::trb::OrchestrationImage {
            bytes: callable.orchestration().into(),
            entry: named(callable.func_name(), DEFAULT_ENTRY),
            config: named(callable.config_name(), DEFAULT_CONFIG),
        };
        let orchestration = aicpu::trb::Orchestration::Image(image);
        Ok(Self::of_image(&callable, Orchestration::Trb(orchestration)))
    }

    /// Reads the flattened image of a callable for the host-built runtime.
    ///
    /// # Errors
    /// When the image is malformed.
    #[cfg(feature = "hbg")]
    pub fn from_hbg_image(image: &[u8]) -> crate::Result<Self> {
        let callable = ChipCallable::read(image)?;
        let image = aicpu::hbg::OrchestrationImage {
            bytes: callable.orchestration().into(),
            entry: callable.func_name().to_owned(),
        };
        let orchestration = aicpu::hbg::Orchestration::Image(image);
        Ok(Self::of_image(&callable, Orchestration::Hbg(orchestration)))
    }

    #[cfg(any(feature = "trb", feature = "hbg"))]
    fn of_image(callable: &ChipCallable<'_>, orchestration: Orchestration) -> Self {
        Self {
            orchestration,
            signature: callable.signature().collect(),
            kernels: callable
                .children()
                .map(|child| ProgramKernel {
                    func_id: child.func_id,
                    core: None,
                    kernel: Kernel::Image(child.kernel.payload().into()),
                })
                .collect(),
        }
    }
}
