//! What one library is for: a platform and a runtime.
//!
//! Knows what a library is made from. Refuses to hold anything.

use core::ffi::CStr;

use protocol::Toolchain;

use super::programs::{DeviceOfPrograms, Ranks};

/// What one library is for.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// Name of the platform.
    pub platform: &'static CStr,
    /// The runtime whose callables it prepares.
    pub runtime: Runtime,
    /// Bytes of the run buffer that callers are told to lend. Nothing is kept in it.
    pub run_buffer: usize,
    /// The compiler it wants for kernels.
    pub kernels: Toolchain,
    /// The compiler it wants for orchestrations.
    pub orchestrations: Toolchain,
    /// Makes a device for callables of that runtime.
    pub device: fn(Runtime) -> DeviceOfPrograms,
    /// Who can be a rank.
    pub ranks: Ranks,
}

/// The runtime that a host runtime library prepares callables for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// The graph is built on the device.
    Trb,
    /// The graph is built on the host.
    Hbg,
}

impl Runtime {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trb => "trb",
            Self::Hbg => "hbg",
        }
    }
}
