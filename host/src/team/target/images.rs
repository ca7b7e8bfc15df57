//! Orchestrations that are shared objects, for each runtime of this build.
//!
//! Knows what each runtime calls the parts of one. Refuses to know what is in them.

use platform::Orchestration;

/// The parts of an orchestration that is a shared object.
#[derive(Debug)]
pub(super) struct ImageRef<'a> {
    /// The runtime it is for.
    pub(super) runtime: &'static str,
    pub(super) bytes: &'a [u8],
    pub(super) entry: &'a core::ffi::CStr,
    /// Name of its configuration function, for a runtime that has them.
    pub(super) config: &'a core::ffi::CStr,
}

/// How one runtime's orchestrations are taken apart and put together.
struct Runtime {
    name: &'static str,
    take: fn(&Orchestration) -> Option<ImageRef<'_>>,
    make: fn(&[u8], &str, &str) -> Result<Orchestration, String>,
}

/// The runtimes of this build.
const RUNTIMES: &[Runtime] = &[
    #[cfg(feature = "trb")]
    trb::RUNTIME,
    #[cfg(feature = "hbg")]
    hbg::RUNTIME,
];

/// The parts of an orchestration; `None` for a function of this process.
pub(super) fn image_of(orchestration: &Orchestration) -> Option<ImageRef<'_>> {
    RUNTIMES
        .iter()
        .find_map(|runtime| (runtime.take)(orchestration))
}

/// An orchestration put together again.
///
/// # Errors
/// This build has no such runtime, or a name cannot be one.
pub(super) fn orchestration_of(
    runtime: &str,
    bytes: &[u8],
    entry: &str,
    config: &str,
) -> Result<Orchestration, String> {
    let known = RUNTIMES.iter().find(|known| known.name == runtime);
    let known = known.ok_or_else(|| {
        format!("is for the runtime `{runtime}`, which the child's build does not have")
    })?;
    (known.make)(bytes, entry, config)
}

/// The runtimes of this build, by name.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RUNTIMES.iter().map(|runtime| runtime.name)
}

#[cfg(any(feature = "trb", feature = "hbg"))]
fn bad_name(error: impl core::fmt::Display) -> String {
    format!("names no orchestration: {error}")
}

/// The graph is built on the device.
#[cfg(feature = "trb")]
mod trb {
    use aicpu::trb::Orchestration as Trb;

    use super::{ImageRef, Orchestration, Runtime, bad_name};

    const NAME: &str = "trb";

    pub(super) const RUNTIME: Runtime = Runtime {
        name: NAME,
        take,
        make,
    };

    fn take(orchestration: &Orchestration) -> Option<ImageRef<'_>> {
        let Orchestration::Trb(Trb::Image(image)) = orchestration else {
            return None;
        };
        Some(ImageRef {
            runtime: NAME,
            bytes: &image.bytes,
            entry: &image.entry,
            config: &image.config,
        })
    }

    fn make(bytes: &[u8], entry: &str, config: &str) -> Result<Orchestration, String> {
        let image = Trb::image(bytes, entry, config).map_err(bad_name)?;
        Ok(Orchestration::Trb(image))
    }
}

/// The graph is built on the host: in the child, which is the host of its chip.
#[cfg(feature = "hbg")]
mod hbg {
    use aicpu::hbg::Orchestration as Hbg;

    use super::{ImageRef, Orchestration, Runtime, bad_name};

    const NAME: &str = "hbg";

    pub(super) const RUNTIME: Runtime = Runtime {
        name: NAME,
        take,
        make,
    };

    fn take(orchestration: &Orchestration) -> Option<ImageRef<'_>> {
        let Orchestration::Hbg(Hbg::Image(image)) = orchestration else {
            return None;
        };
        Some(ImageRef {
            runtime: NAME,
            bytes: &image.bytes,
            entry: &image.entry,
            config: c"",
        })
    }

    fn make(bytes: &[u8], entry: &str, _: &str) -> Result<Orchestration, String> {
        let image = Hbg::image(bytes, entry).map_err(bad_name)?;
        Ok(Orchestration::Hbg(image))
    }
}
