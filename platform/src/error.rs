//! What can go wrong here that a caller can act on.

use core::time::Duration;
use std::path::PathBuf;

use protocol::Malformed;
use protocol::error_code::{RunError, run_status};
use protocol::limits::{MAX_FUNC_ID, MAX_REGISTERED_CALLABLE_IDS};

use crate::address::DeviceAddress;

/// Why a device refused or failed.
///
/// A refusal comes before anything was changed. After a failed run the device is as it was before
/// the run and runs the next one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device was not initialised, or finalized since.
    #[error("{operation} needs an initialised device: call init first")]
    NotAttached {
        /// What was asked for.
        operation: &'static str,
    },
    /// No chip has this number.
    #[error("device id {device_id} is invalid: use 0 or more")]
    InvalidDevice {
        /// The number given.
        device_id: i32,
    },
    /// The context belongs to another chip.
    #[error(
        "this context is attached to device {attached}: finalize it before using device {requested}"
    )]
    OtherDevice {
        /// The chip it belongs to.
        attached: i32,
        /// The chip asked for.
        requested: i32,
    },
    /// Device memory is exhausted.
    #[error("cannot allocate {bytes} bytes of device memory ({in_use} are in use): {reason}")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
        /// Bytes in use on the device.
        in_use: u64,
        /// What the machine said.
        reason: String,
    },
    /// What a run is written down in cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Diagnostics {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address is not that of a live allocation.
    #[error("{operation}: {address} is in no allocation of this device; was it freed before?")]
    UnknownAddress {
        /// What was asked for.
        operation: &'static str,
        /// The address given.
        address: DeviceAddress,
    },
    /// An address lies inside an allocation where its start is needed.
    #[error("free: {address} lies inside the allocation at {start}: free that address")]
    InteriorAddress {
        /// The address given.
        address: DeviceAddress,
        /// Start of the allocation it lies in.
        start: DeviceAddress,
    },
    /// A range leaves its allocation.
    #[error(
        "{operation} of {bytes} bytes at {address} leaves its allocation of {size} bytes at {start}"
    )]
    OutOfBounds {
        /// What was asked for.
        operation: &'static str,
        /// Start of the range.
        address: DeviceAddress,
        /// Length of the range.
        bytes: u64,
        /// Start of the allocation.
        start: DeviceAddress,
        /// Length of the allocation.
        size: u64,
    },
    /// Arguments, a configuration or an image break the wire format or its limits.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A callable id is out of range.
    #[error("callable_id {id} is out of range: use 0 to {}", MAX_REGISTERED_CALLABLE_IDS - 1)]
    CallableId {
        /// The id given.
        id: i32,
    },
    /// A callable id is taken.
    #[error("callable_id {id} is already registered: unregister it first or use another")]
    AlreadyRegistered {
        /// The id given.
        id: i32,
    },
    /// A callable id has nothing behind it.
    #[error("callable_id {id} is not registered: prepare a program under it first")]
    NotRegistered {
        /// The id given.
        id: i32,
    },
    /// A program has no orchestration.
    #[error("the orchestration of callable_id {id} is empty: give it a shared object")]
    EmptyOrchestration {
        /// The id it was to be prepared under.
        id: i32,
    },
    /// A function id is out of range.
    #[error("func_id {func_id} is out of range: use 0 to {}", MAX_FUNC_ID - 1)]
    FuncId {
        /// The id given.
        func_id: i32,
    },
    /// Two kernels of one program have the same function id.
    #[error("func_id {func_id} names two kernels of one program: give each its own")]
    DuplicateFuncId {
        /// The id given twice.
        func_id: i32,
    },
    /// A tensor with bytes has no address.
    #[error("tensor argument {argument} has {bytes} bytes and a null address")]
    NullTensor {
        /// Index of the argument.
        argument: usize,
        /// Bytes it should have.
        bytes: u64,
    },
    /// A kernel could not be loaded.
    #[error("kernel func_id {func_id}: {source}")]
    KernelLoad {
        /// Its function id.
        func_id: i32,
        /// What the loader said.
        source: aicpu::shared_object::LoadError,
    },
    /// This machine cannot run this kind of kernel or orchestration.
    #[error("{what} cannot run on {machine}: {instead}")]
    Unsupported {
        /// What was given.
        what: &'static str,
        /// Where it was to run.
        machine: &'static str,
        /// What to give instead.
        instead: &'static str,
    },
    /// The machine could not be brought up.
    #[error("cannot start the machine: {reason}")]
    Start {
        /// What failed.
        reason: String,
    },
    /// A program of a simulated chip cannot be used.
    #[error("the image {program}: {reason}")]
    SimImage {
        /// Which program.
        program: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The program of a simulated chip's control CPUs ended a run.
    #[error("{text}")]
    ControlProgram {
        /// The code, never 0.
        code: i32,
        /// What the program says.
        text: String,
    },
    /// A library behind the C interface refused or failed.
    #[error(
        "{}",
        words.clone().unwrap_or_else(|| {
            format!("{function} failed with code {code}; the log of its library says why")
        })
    )]
    Library {
        /// The function.
        function: &'static str,
        /// The code, never 0.
        code: i32,
        /// What the library says, if it is one that says more than a code.
        words: Option<String>,
    },
    /// A kernel threw or panicked.
    #[error("kernel func_id {func_id} on core {core} failed: {text}")]
    Kernel {
        /// Its function id.
        func_id: i32,
        /// The core that ran it.
        core: u16,
        /// What it threw.
        text: String,
    },
    /// The orchestration of a program could not be loaded on the host.
    #[error("orchestration of callable_id {id}: {source}")]
    OrchestrationLoad {
        /// The id it was to be prepared under.
        id: i32,
        /// What the loader said.
        source: aicpu::shared_object::LoadError,
    },
    /// The orchestration could not be loaded, threw or panicked.
    #[error("orchestration of callable_id {id}: {text}")]
    Orchestration {
        /// The callable.
        id: i32,
        /// What happened.
        text: String,
    },
    /// The runtime ended the run with an error code.
    #[error("the run failed with code {}: {text}", run_status(*orchestrator, *scheduler))]
    Runtime {
        /// Code of the graph builder, 0 for none.
        orchestrator: i32,
        /// Code of the scheduler, 0 for none.
        scheduler: i32,
        /// What is known about it.
        text: String,
    },
    /// Something wrote behind the end of a tensor.
    #[error(
        "something wrote {offset} bytes behind the end of tensor argument {argument} ({bytes} bytes): \
         check the extents its kernels use"
    )]
    GuardDamaged {
        /// Index of the argument.
        argument: usize,
        /// Bytes of the tensor.
        bytes: u64,
        /// First damaged byte, counted from the end of the tensor.
        offset: usize,
    },
    /// Something wrote behind the end of memory that an orchestration on the host allocated.
    #[error(
        "something wrote {offset} bytes behind the end of the {bytes} bytes that the orchestration allocated at \
         {address}: check the extents its kernels use"
    )]
    BlockDamaged {
        /// Where the memory begins.
        address: DeviceAddress,
        /// Bytes it was allocated with.
        bytes: u64,
        /// First damaged byte, counted from its end.
        offset: usize,
    },
    /// A run did not end in time.
    #[error(
        "the run did not {missed} within {limit:?} (tasks done: {progress}); {waiting}: fix the program or \
         raise the deadline"
    )]
    Deadline {
        /// What it should have done.
        missed: &'static str,
        /// The deadline that passed.
        limit: Duration,
        /// What had been done until then.
        progress: u64,
        /// Who waited for whom.
        waiting: String,
    },
    /// The device-built runtime could not begin the run.
    #[cfg(feature = "trb")]
    #[error(transparent)]
    Trb(#[from] runtime_trb::Error),
    /// The host-built runtime refused a graph, or its run failed.
    #[cfg(feature = "hbg")]
    #[error(transparent)]
    Hbg(#[from] runtime_hbg::Error),
    /// The vendor's driver cannot be used, or refused.
    #[cfg(feature = "onboard")]
    #[error(transparent)]
    Cann(#[from] crate::cann::Error),
    /// The programs of a real chip cannot be used.
    #[cfg(feature = "onboard")]
    #[error(transparent)]
    Image(#[from] crate::onboard::ImageError),
    /// A kernel is no code for a real core.
    #[cfg(feature = "onboard")]
    #[error("kernel func_id {func_id}: {source}")]
    KernelText {
        /// Its function id.
        func_id: i32,
        /// What is wrong with it.
        source: crate::onboard::TextError,
    },
    /// The chip has fewer clusters that work.
    #[error(
        "the run wants {clusters} clusters of cores, {working} of this chip work: lower block_dim"
    )]
    Clusters {
        /// Clusters wanted.
        clusters: u32,
        /// Clusters that work.
        working: u32,
    },
    /// A real chip failed before, so nothing on it can be trusted.
    #[error(
        "device {device} is unusable: {reason}; finalize it, which resets the chip, and initialise it again"
    )]
    Unusable {
        /// The chip.
        device: i32,
        /// What happened to it.
        reason: String,
    },
    /// Ranks of a communicator did not come in time or disagree.
    #[error("communicator rank {rank} of {ranks}: {text}")]
    Comm {
        /// The rank that failed.
        rank: u32,
        /// How many there are.
        ranks: u32,
        /// What happened.
        text: String,
    },
    /// The operating system refused a part of the machine.
    #[error(transparent)]
    Sync(#[from] sync::Error),
}

/// The result of what a device does.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// The code that stands for this error in C.
    ///
    /// A run that failed with a code of its own gives that code, negative, and one that did not end in
    /// time the code of a scheduler's timeout; all else is −1.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match *self {
            Self::Runtime {
                orchestrator,
                scheduler,
                ..
            } => match run_status(orchestrator, scheduler) {
                0 => -1,
                code => code,
            },
            Self::ControlProgram { code, .. } | Self::Library { code, .. } => code,
            Self::Deadline { .. } => -RunError::SchedulerTimeout.code(),
            #[cfg(feature = "hbg")]
            Self::Hbg(ref error) => error.code(),
            #[cfg(feature = "onboard")]
            Self::Cann(ref error) => match error.code() {
                Some(code) => code.0,
                None => -1,
            },
            _ => -1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_run_has_its_own_code_and_all_else_is_minus_one() {
        let run = |orchestrator, scheduler| {
            Error::Runtime {
                orchestrator,
                scheduler,
                text: String::new(),
            }
            .code()
        };
        assert_eq!(run(3, 0), -3);
        assert_eq!(run(3, 101), -3);
        assert_eq!(run(0, 101), -101);
        assert_eq!(run(-42, 0), -42);
        assert_eq!(run(0, 0), -1);
        assert_eq!(Error::CallableId { id: 64 }.code(), -1);
    }

    #[test]
    fn messages_name_value_and_limit() {
        assert_eq!(
            Error::CallableId { id: 64 }.to_string(),
            "callable_id 64 is out of range: use 0 to 63"
        );
        assert_eq!(
            Error::FuncId { func_id: -1 }.to_string(),
            "func_id -1 is out of range: use 0 to 1023"
        );
    }
}
