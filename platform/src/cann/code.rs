//! What the numbers mean that CANN's functions return.
//!
//! Knows names, meanings and what to do about them. Refuses to know which of several errors was the
//! first: whoever reports one does so at the call that returned it.

use core::fmt;

/// What a CANN function returned instead of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub i32);

impl Code {
    /// ACL is initialised already, which is as good as success.
    pub const ALREADY_INITIALISED: Self = Self(100_002);
    /// No device is bound to the calling thread.
    pub const NO_CONTEXT: Self = Self(107_002);
    /// A stream still has work.
    pub const STREAM_NOT_COMPLETE: Self = Self(507_004);
    /// An AICPU kernel failed.
    pub const AICPU_EXCEPTION: Self = Self(507_018);
    /// The stream was not done in time.
    pub const STREAM_TIMEOUT: Self = Self(507_046);
    /// Device memory is exhausted, or code could not be loaded.
    pub const NO_MEMORY: Self = Self(207_001);
    /// The feature is not there.
    pub const NOT_SUPPORTED: Self = Self(207_000);

    /// What the code says, and what to do about it.
    #[must_use]
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            3 | 8 => "invalid argument",
            4 => "the device is not open: bind a device before asking for its registers",
            62 => "no such process: the chip was left in a bad state by an earlier run; reset it",
            0xfffe => "not supported by this driver or in a virtual device",
            100_000 => "invalid argument",
            100_001 => "ACL is not initialised",
            100_002 => "ACL is initialised already",
            100_037 => "ACL was finalised already",
            107_000 => "invalid argument",
            107_001 => "no such device: look at ASCEND_RT_VISIBLE_DEVICES",
            107_002 => "no device is bound to the calling thread",
            107_003 => "the stream belongs to another device or context",
            107_017 => "invalid handle",
            107_019 | 107_020 => "a wait of the runtime timed out",
            107_022 => "the device is aborting: look for the first error before this one",
            207_000 => "this feature is not supported here",
            207_001 => "out of device memory, or code could not be loaded onto the chip",
            207_008 => "no stream is left",
            507_000 => {
                "the runtime failed internally: an operation was killed, or too many AICPU threads were launched"
            }
            507_004 => "the stream still has work",
            507_007 => "the device was reset already",
            507_010 => "the device's heartbeat is lost",
            507_011 => "executing failed",
            507_012 => "a report of the device timed out",
            507_013 => "a system DMA transfer failed",
            507_014 => {
                "an AICore operation ran longer than the hardware allows: raise SIMPLER_OP_EXECUTE_TIMEOUT_US"
            }
            507_015 => "a cube core raised an exception: look at the device log",
            507_017 => "an AICPU kernel ran longer than allowed",
            507_018 => "an AICPU kernel failed or crashed: look at the device log",
            507_035 => "a vector core raised an exception: look at the device log",
            507_046 => {
                "the stream was not done in time: raise SIMPLER_STREAM_SYNC_TIMEOUT_MS if the work is that long"
            }
            507_053..=507_057 => "the device's memory or links are defective",
            507_899 => {
                "the driver failed internally: look for the first error on this chip before this one"
            }
            507_900 => "the AICPU failed internally",
            507_901 => {
                "the connection to the device is gone: look for the first error before this one"
            }
            _ => return None,
        })
    }

    /// Whether the code only tells that something failed before.
    #[must_use]
    pub const fn is_consequence(self) -> bool {
        matches!(self.0, 107_022 | 507_899 | 507_901)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} ({meaning})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn a_code_says_what_it_means_and_an_unknown_one_at_least_its_number() {
        assert!(
            Code(507_018)
                .to_string()
                .starts_with("507018 (an AICPU kernel")
        );
        assert_eq!(Code(424_242).to_string(), "424242");
        assert!(Code(507_899).is_consequence() && !Code(507_018).is_consequence());
    }
}
