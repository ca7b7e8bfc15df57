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

/// The names, in a fixed order.
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
