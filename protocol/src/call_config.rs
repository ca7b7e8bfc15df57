//! How one run is to be done.
//!
//! Knows the packed record that travels with every call and when it makes sense on any chip.
//! Refuses to know the scheduler's demands on it (divisibility): those are the runtimes'.

use bytemuck::{Pod, Zeroable};

use crate::limits::OUTPUT_PREFIX_BYTES;
use crate::{Arch, Malformed};

/// Settings of one call, sent as they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct CallConfig {
    /// Blocks of cores.
    pub block_dim: i32,
    /// AICPU threads.
    pub aicpu_thread_num: i32,
    /// Non-zero: record when every task ran.
    pub enable_l2_swimlane: i32,
    /// Non-zero: write tensors before and after every task.
    pub enable_dump_tensor: i32,
    /// Above zero: count hardware events, the value names the set.
    pub enable_pmu: i32,
    /// Directory for what the diagnostics write, closed by NUL.
    pub output_prefix: [u8; OUTPUT_PREFIX_BYTES],
}

crate::pin_layout!(CallConfig, 1044 bytes, align 1, {
    0 => block_dim: i32,
    4 => aicpu_thread_num: i32,
    8 => enable_l2_swimlane: i32,
    12 => enable_dump_tensor: i32,
    16 => enable_pmu: i32,
    20 => output_prefix: [u8; OUTPUT_PREFIX_BYTES],
});

impl Default for CallConfig {
    /// The whole of the smaller chip family, three AICPU threads, no diagnostics.
    fn default() -> Self {
        Self {
            block_dim: 24,
            aicpu_thread_num: 3,
            ..Self::zeroed()
        }
    }
}

impl CallConfig {
    /// Reads and validates the record at the start of `bytes`; what follows it is ignored.
    ///
    /// # Errors
    /// When the buffer is too short, or as [`validate`](Self::validate).
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let record = bytes
            .first_chunk::<{ size_of::<Self>() }>()
            .ok_or(Malformed::Truncated {
                field: "call config",
                needed: size_of::<Self>() as u64,
                available: bytes.len() as u64,
            })?;
        let config: Self = bytemuck::must_cast(*record);
        config.validate()?;
        Ok(config)
    }

    /// Checks everything that is wrong on every chip.
    ///
    /// # Errors
    /// When a count is below one, the event set is negative, the directory has no closing NUL, or
    /// a diagnostic is on and there is no directory.
    pub fn validate(&self) -> Result<(), Malformed> {
        in_range("block_dim", self.block_dim, 1, i32::MAX)?;
        in_range("aicpu_thread_num", self.aicpu_thread_num, 1, i32::MAX)?;
        in_range("enable_pmu", self.enable_pmu, 0, i32::MAX)?;
        if self.output_prefix()?.is_empty()
            && let Some((field, value)) = self.diagnostics().into_iter().find(|&(_, on)| on != 0)
        {
            return Err(Malformed::NoOutputPrefix { field, value });
        }
        Ok(())
    }

    /// Checks what [`validate`](Self::validate) checks and the bounds of one chip family.
    ///
    /// # Errors
    /// As there, and when the chip has fewer cores or AICPU threads than asked for.
    pub fn validate_for<A: Arch>(&self) -> Result<(), Malformed> {
        // First, so that the limit in a refusal is the chip's.
        in_range("block_dim", self.block_dim, 1, bound(A::MAX_BLOCK_DIM))?;
        in_range(
            "aicpu_thread_num",
            self.aicpu_thread_num,
            1,
            bound(A::MAX_AICPU_THREADS),
        )?;
        self.validate()
    }

    /// Whether any diagnostic is on.
    #[must_use]
    pub fn any_diagnostic(&self) -> bool {
        self.diagnostics().into_iter().any(|(_, on)| on != 0)
    }

    /// The directory without its closing NUL, empty when none is set.
    ///
    /// # Errors
    /// When there is no NUL.
    pub fn output_prefix(&self) -> Result<&[u8], Malformed> {
        self.output_prefix
            .iter()
            .position(|&byte| byte == 0)
            .map(|length| &self.output_prefix[..length])
            .ok_or(Malformed::BadName {
                field: "output_prefix",
                length: OUTPUT_PREFIX_BYTES as u64 - 1,
            })
    }

    /// Sets the directory.
    ///
    /// # Errors
    /// When it is too long for the record or contains NUL; then the old one stays.
    pub fn set_output_prefix(&mut self, prefix: &[u8]) -> Result<(), Malformed> {
        self.output_prefix = crate::name::to_field("output_prefix", prefix)?;
        Ok(())
    }

    fn diagnostics(&self) -> [(&'static str, i32); 3] {
        [
            ("enable_l2_swimlane", self.enable_l2_swimlane),
            ("enable_dump_tensor", self.enable_dump_tensor),
            ("enable_pmu", self.enable_pmu),
        ]
    }
}

fn bound(limit: u32) -> i32 {
    i32::try_from(limit).expect("chip bounds are small")
}

fn in_range(field: &'static str, value: i32, min: i32, max: i32) -> Result<(), Malformed> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Malformed::OutOfRange {
            field,
            value: i64::from(value),
            min: i64::from(min),
            max: i64::from(max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{A2a3, A5};

    fn config(block_dim: i32, aicpu_thread_num: i32) -> CallConfig {
        CallConfig {
            block_dim,
            aicpu_thread_num,
            ..CallConfig::default()
        }
    }

    #[test]
    fn a_family_bounds_what_it_can_run() {
        assert_eq!(config(24, 4).validate_for::<A2a3>(), Ok(()));
        assert_eq!(config(36, 7).validate_for::<A5>(), Ok(()));
        assert_eq!(
            config(25, 4).validate_for::<A2a3>(),
            Err(Malformed::OutOfRange {
                field: "block_dim",
                value: 25,
                min: 1,
                max: 24
            })
        );
        assert!(config(24, 5).validate_for::<A2a3>().is_err());
        assert!(config(37, 7).validate_for::<A5>().is_err());
        assert!(config(0, 3).validate().is_err());
        assert!(config(1, 0).validate().is_err());
    }

    #[test]
    fn an_open_ended_directory_is_refused() {
        let config = CallConfig {
            output_prefix: [b'p'; OUTPUT_PREFIX_BYTES],
            ..CallConfig::default()
        };
        assert_eq!(
            config.validate(),
            Err(Malformed::BadName {
                field: "output_prefix",
                length: 1023
            })
        );
    }

    #[test]
    fn a_refused_directory_leaves_the_old_one() {
        let mut config = CallConfig::default();
        config.set_output_prefix(b"out").expect("it fits");
        assert!(config.set_output_prefix(&[b'p'; 1024]).is_err());
        assert!(config.set_output_prefix(b"a\0b").is_err());
        assert_eq!(config.output_prefix(), Ok(&b"out"[..]));
    }
}
