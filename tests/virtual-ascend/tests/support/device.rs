//! A real chip's device on played libraries.

use std::sync::{Arc, OnceLock};

use platform::Device;
use platform::cann::{Library, Search};
use platform::onboard::{ChipOptions, Images, TimeLimits};
use virtual_ascend::{Family, Session};

use super::images::core_program;

/// Limits that a test can wait for.
pub(crate) fn limits() -> TimeLimits {
    TimeLimits {
        scheduler: core::time::Duration::from_secs(5),
        operation: core::time::Duration::from_secs(20),
        stream: core::time::Duration::from_secs(30),
        cores: core::time::Duration::from_secs(3),
    }
}

/// The played libraries, which a process opens once.
pub(crate) fn library(session: &Session) -> Arc<Library> {
    static LIBRARY: OnceLock<Arc<Library>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        Arc::new(Library::open(&Search::only(session.libraries())).expect("played libraries"))
    });
    Arc::clone(library)
}

/// A device on played libraries, not attached yet.
pub(crate) fn device(
    session: &Session,
    family: Family,
    aicpu: &[u8],
    limits: TimeLimits,
) -> Box<dyn Device> {
    device_on(library(session), family, aicpu, limits)
}

/// The same for whoever has the libraries, but not the session.
pub(crate) fn device_on(
    library: Arc<Library>,
    family: Family,
    aicpu: &[u8],
    limits: TimeLimits,
) -> Box<dyn Device> {
    let options = ChipOptions {
        library,
        family: match family {
            Family::A2a3 => platform_a2a3::FAMILY,
            Family::A5 => platform_a5::FAMILY,
        },
        images: Some(Images::new(aicpu, core_program()).expect("an image of this build")),
        limits,
        log_level: Some(2),
    };
    match family {
        Family::A2a3 => platform_a2a3::onboard(options),
        Family::A5 => platform_a5::onboard(options),
    }
}
