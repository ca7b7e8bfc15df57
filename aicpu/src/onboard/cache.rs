//! Cache maintenance: the two things a chip's control CPU must do by hand.
//!
//! Knows lines and barriers. Refuses to know who writes what; the rule is in the table.
//!
//! | written by | before the control CPU reads |
//! | --- | --- |
//! | host or system DMA | [`invalidate`] |
//! | core, which has cleaned its line | nothing but the barrier after its status was read |
//! | control CPU itself | nothing |
//!
//! Before another agent reads by DMA what a control CPU wrote: [`clean`]. Never invalidate a line that
//! somebody else is writing: its clean half would put our stale bytes over theirs.

/// Forgets what the cache knows of a range, so that what others wrote to memory is seen.
///
/// Dirty lines are written back first: the instruction that would drop them is not for user programs.
pub(super) fn invalidate(start: *const u8, bytes: usize) {
    lines::invalidate(start, bytes);
}

/// Writes a range back to memory, where others see it.
pub(super) fn clean(start: *const u8, bytes: usize) {
    lines::clean(start, bytes);
}

#[cfg(target_arch = "aarch64")]
mod lines {
    use core::arch::asm;

    const LINE: usize = 64;

    fn each(start: *const u8, bytes: usize) -> impl Iterator<Item = usize> {
        let end = start.addr() + bytes;
        (start.addr() & !(LINE - 1)..end).step_by(LINE)
    }

    pub(super) fn invalidate(start: *const u8, bytes: usize) {
        if bytes == 0 {
            return;
        }
        for line in each(start, bytes) {
            // SAFETY: cleaning and dropping a line changes no value this program can read, except
            // to what memory holds.
            unsafe { asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        finish();
    }

    pub(super) fn clean(start: *const u8, bytes: usize) {
        if bytes == 0 {
            return;
        }
        for line in each(start, bytes) {
            // SAFETY: writing a line back changes no value this program can read.
            unsafe { asm!("dc cvac, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        finish();
    }

    fn finish() {
        // SAFETY: barriers change no value.
        unsafe { asm!("dsb sy", "isb", options(nostack, preserves_flags)) };
    }
}

#[cfg(not(target_arch = "aarch64"))]
mod lines {
    /// Another processor's memory is coherent.
    pub(super) fn invalidate(_start: *const u8, _bytes: usize) {}

    /// Another processor's memory is coherent.
    pub(super) fn clean(_start: *const u8, _bytes: usize) {}
}
