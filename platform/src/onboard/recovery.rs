//! What is done with a chip that failed.
//!
//! Knows that nothing of a failed chip may be used again, that a plain reset does not help, and that a
//! reset proves nothing until something works afterwards.

use std::sync::Arc;

use crate::cann::{Code, Driver, Error};

use super::limits::TimeLimits;

/// How often a reset is tried.
const ATTEMPTS: u32 = 3;
/// Bytes the probe allocates.
const PROBE: u64 = 64;

/// Whether the chip that returned this is beyond use.
pub(super) fn is_fatal(code: Code) -> bool {
    code.is_consequence() || matches!(code.0, 507_000..=507_003 | 507_010..=507_057 | 507_900)
}

/// Takes everything of this process off the chip and shows that it works again.
pub(super) fn force_reset(driver: &Arc<Driver>, limits: &TimeLimits) -> Result<(), Error> {
    driver.init_acl()?;
    let mut result = Ok(());
    for attempt in 1..=ATTEMPTS {
        result = attempt_reset(driver, limits);
        match &result {
            Ok(()) => break,
            Err(error) => log::warn!("reset {attempt} of {ATTEMPTS} did not help: {error}"),
        }
    }
    if result.is_err()
        && let Ok(bound) = driver.bind()
        && let Err(error) = bound.reset()
    {
        log::warn!("the device stays bound: {error}");
    }
    result
}

fn attempt_reset(driver: &Driver, limits: &TimeLimits) -> Result<(), Error> {
    let bound = driver.bind()?;
    if let Err(error) = bound.drain(limits.cores) {
        // Work that never ends is why we are here.
        log::debug!("before the reset: {error}");
    }
    bound.reset_force()?;
    let bound = driver.bind()?;
    let stream = bound.stream_create()?;
    bound.stream_destroy(stream)?;
    let memory = bound.malloc(PROBE)?;
    bound.free(memory)
}
