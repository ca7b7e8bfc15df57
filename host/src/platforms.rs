//! The platforms of this build, by name.

use platform::Device;

use crate::error::{Error, Result};

/// Name of a platform and how to make a device of it.
type Entry = (&'static str, fn() -> Box<dyn Device>);

/// What this build can run on.
const PLATFORMS: &[Entry] = &[
    #[cfg(all(
        feature = "a2a3",
        feature = "sim",
        any(feature = "trb", feature = "hbg")
    ))]
    (platform_a2a3::SIM, platform_a2a3::sim),
    #[cfg(all(feature = "a5", feature = "sim", any(feature = "trb", feature = "hbg")))]
    (platform_a5::SIM, platform_a5::sim),
];

/// A family, and how to make a device of it.
#[cfg(feature = "onboard")]
type Chip = (
    platform::onboard::Family,
    fn(platform::onboard::ChipOptions) -> Box<dyn Device>,
);

/// Real chips of this build.
#[cfg(feature = "onboard")]
const CHIPS: &[Chip] = &[
    #[cfg(feature = "a2a3")]
    (platform_a2a3::FAMILY, platform_a2a3::onboard),
    #[cfg(feature = "a5")]
    (platform_a5::FAMILY, platform_a5::onboard),
];

/// A real chip of the family called `name`, for programs of `runtime` (`trb` or `hbg`); not attached yet.
///
/// CANN is looked for where [`Search::from_environment`](platform::cann::Search::from_environment) says, images where
/// [`Images::find`](platform::onboard::Images::find) does.
///
/// # Errors
/// This build has no such family, or one of these is not there.
#[cfg(feature = "onboard")]
pub fn real_device(name: &str, runtime: &str) -> Result<Box<dyn Device>> {
    use platform::cann::Library;
    use platform::onboard::{ChipOptions, Images, TimeLimits};

    let found = CHIPS.iter().find(|(family, _)| family.platform == name);
    let (family, make) = found.ok_or_else(|| Error::UnknownPlatform {
        name: name.to_owned(),
        known: CHIPS
            .iter()
            .map(|(family, _)| family.platform)
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    let library = Library::shared().map_err(platform::Error::from)?;
    Ok(make(ChipOptions {
        library,
        family: *family,
        images: Some(Images::find(name, runtime, None)?),
        limits: TimeLimits::from_environment(|name| std::env::var(name).ok()),
        log_level: None,
    }))
}

/// The names of those that need no chip, in a fixed order.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLATFORMS.iter().map(|(name, _)| *name)
}

/// A device of the platform called `name`, not attached yet.
///
/// # Errors
///
/// This build has none of that name; the error lists those it has.
pub fn device(name: &str) -> Result<Box<dyn Device>> {
    let entry = PLATFORMS.iter().find(|(known, _)| *known == name);
    let (_, make) = entry.ok_or_else(|| Error::UnknownPlatform {
        name: name.to_owned(),
        known: names().collect::<Vec<_>>().join(", "),
    })?;
    Ok(make())
}
