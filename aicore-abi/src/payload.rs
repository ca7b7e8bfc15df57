//! What a core executes: the record a token selects.
//!
//! Knows its bytes and where in it the contexts lie. Refuses to know when it may be rewritten.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};
use protocol::limits::trb::DISPATCH_ARGS;

use crate::kernel::{GLOBAL_CONTEXT_INDEX, GlobalContext, LOCAL_CONTEXT_INDEX, LocalContext};

/// One kernel call. A core has two of them; the token's parity selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct DispatchPayload {
    /// Address of the kernel, 0 to call nothing.
    pub function_bin_addr: u64,
    /// The kernel's argument array.
    pub args: [u64; DISPATCH_ARGS],
    /// Rewritten for every dispatch.
    pub local_context: LocalContext,
    /// Written once per run.
    pub global_context: GlobalContext,
    /// Reserved.
    pub reserved: [u8; 8],
    /// Unspecified.
    pub pad: [u8; 4],
    /// The platform's own name for the kernel, 0 for none. Padding to other programs.
    pub kernel_handle: u64,
    /// Leading words of `args` that are tensor descriptor addresses. Padding to other programs.
    pub tensor_count: u32,
    /// Words behind them that are scalars. Padding to other programs.
    pub scalar_count: u32,
    /// Unspecified.
    pub tail: [u8; 24],
}

protocol::pin_layout!(DispatchPayload, 512 bytes, align 64, {
    0 => function_bin_addr: u64,
    8 => args: [u64; DISPATCH_ARGS],
    408 => local_context: LocalContext,
    456 => global_context: GlobalContext,
    460 => reserved: [u8; 8],
    468 => pad: [u8; 4],
    472 => kernel_handle: u64,
    480 => tensor_count: u32,
    484 => scalar_count: u32,
    488 => tail: [u8; 24],
});

/// The two payloads of a core, in the order tokens select them.
pub type PayloadPair = [DispatchPayload; 2];

impl DispatchPayload {
    /// Points the two context words at the contexts of the payload that lies at `address`.
    pub const fn link_contexts(&mut self, address: u64) {
        self.args[LOCAL_CONTEXT_INDEX] = address + offset_of!(Self, local_context) as u64;
        self.args[GLOBAL_CONTEXT_INDEX] = address + offset_of!(Self, global_context) as u64;
    }
}
