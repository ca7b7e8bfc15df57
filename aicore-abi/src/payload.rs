//! What a core executes: the record a token selects.
//!
//! Knows its bytes, where in it the contexts lie, and where the words of a call are that has too many of them. Refuses
//! to know when it may be rewritten.
//!
//! A call's words lie in the payload's own array up to its context words. A call with more keeps them elsewhere:
//! its counts say that they cannot be in the array, and the array's first word is their address. So whoever
//! calls a kernel passes [`DispatchPayload::words`], and a payload needs no field that a scheduler could forget
//! to reset.

use core::mem::offset_of;
use core::ptr::NonNull;

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
    /// Where the call is written down, 0 for nowhere. Padding to other programs.
    pub record: u64,
    /// Unspecified.
    pub tail: [u8; 16],
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
    488 => record: u64,
    496 => tail: [u8; 16],
});

/// Words of a call that fit into the payload: those before its context words.
pub const INLINE_WORDS: usize = LOCAL_CONTEXT_INDEX;

/// The two payloads of a core, in the order tokens select them.
pub type PayloadPair = [DispatchPayload; 2];

impl DispatchPayload {
    /// Points the two context words at the contexts of the payload that lies at `address`.
    pub const fn link_contexts(&mut self, address: u64) {
        self.args[LOCAL_CONTEXT_INDEX] = address + offset_of!(Self, local_context) as u64;
        self.args[GLOBAL_CONTEXT_INDEX] = address + offset_of!(Self, global_context) as u64;
    }

    /// Says that the call has `scalars` words and no tensor, and that they lie at `address`.
    #[inline]
    pub const fn keep_words_at(&mut self, address: u64, scalars: u32) {
        debug_assert!(
            scalars as usize > INLINE_WORDS,
            "fewer words belong into the payload"
        );
        self.args[0] = address;
        self.tensor_count = 0;
        self.scalar_count = scalars;
    }

    /// Whether the call's words lie elsewhere, at the address in the first word.
    #[inline]
    #[must_use]
    pub const fn keeps_words_elsewhere(&self) -> bool {
        self.tensor_count as usize + self.scalar_count as usize > INLINE_WORDS
    }

    /// Where the call's words lie: what its kernel is called with.
    #[inline]
    #[must_use]
    pub fn words(&self) -> NonNull<u64> {
        if self.keeps_words_elsewhere() {
            let address = usize::try_from(self.args[0]).unwrap_or(0);
            if let Some(words) = NonNull::new(core::ptr::with_exposed_provenance_mut(address)) {
                return words;
            }
        }
        NonNull::from(&self.args).cast()
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::{DispatchPayload, INLINE_WORDS};

    #[test]
    fn words_that_do_not_fit_lie_elsewhere() {
        let mut payload = DispatchPayload::zeroed();
        let own = payload.args.as_ptr().addr();
        payload.scalar_count = 48;
        assert_eq!(payload.words().addr().get(), own);
        let many = [7_u64; INLINE_WORDS + 1];
        payload.keep_words_at(many.as_ptr().expose_provenance() as u64, 49);
        assert_eq!(payload.words().as_ptr().addr(), many.as_ptr().addr());
        payload.tensor_count = 16;
        payload.scalar_count = 32;
        assert_eq!(payload.words().addr().get(), own);
    }
}
