//! Where CANN's libraries may be.
//!
//! Knows folders and their order. Refuses to open anything.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A folder that replaces all others: nothing outside of it is opened.
pub const OVERRIDE_VARIABLE: &str = "SIMPLER_CANN_LIBRARIES";
/// The toolkit's folder, which the toolkit's own `set_env.sh` sets.
pub const TOOLKIT_VARIABLE: &str = "ASCEND_HOME_PATH";
/// Where the driver package puts its library.
pub const DRIVER_DIRECTORY: &str = "/usr/local/Ascend/driver/lib64/driver";
/// Where a toolkit is if nobody says otherwise.
const DEFAULT_TOOLKITS: [&str; 2] = [
    "/usr/local/Ascend/ascend-toolkit/latest",
    "/usr/local/Ascend/latest",
];

/// Whose library it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    /// The toolkit's.
    Toolkit,
    /// The driver package's: the toolkit has stubs of the same name that do nothing.
    Driver,
}

/// Folders in which to look for CANN.
#[derive(Clone, Debug)]
pub struct Search {
    toolkit: Vec<PathBuf>,
    driver: Vec<PathBuf>,
    /// Whether the system's loader may look where it likes.
    system: bool,
}

impl Search {
    /// Only in this folder.
    #[must_use]
    pub fn only(directory: &Path) -> Self {
        Self {
            toolkit: vec![directory.to_owned()],
            driver: vec![directory.to_owned()],
            system: false,
        }
    }

    /// As the environment says, then in the usual places.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(env::var_os)
    }

    fn from_variables(variable: impl Fn(&'static str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(directory) = set(OVERRIDE_VARIABLE) {
            return Self::only(Path::new(&directory));
        }
        let toolkits = set(TOOLKIT_VARIABLE)
            .map(PathBuf::from)
            .into_iter()
            .chain(DEFAULT_TOOLKITS.map(PathBuf::from));
        Self {
            toolkit: toolkits
                .flat_map(|toolkit| [toolkit.join("lib64"), toolkit.join("runtime/lib64")])
                .collect(),
            driver: vec![PathBuf::from(DRIVER_DIRECTORY)],
            system: true,
        }
    }

    /// What to hand to the loader for the library `name`, in order.
    pub(crate) fn candidates(&self, package: Package, name: &str) -> Vec<PathBuf> {
        let directories = match package {
            Package::Toolkit => &self.toolkit,
            Package::Driver => &self.driver,
        };
        let absolute = directories.iter().map(|directory| directory.join(name));
        let system = self.system.then(|| PathBuf::from(name));
        match package {
            // `set_env.sh` extends the loader's own path by the toolkit that was chosen.
            Package::Toolkit => system.into_iter().chain(absolute).collect(),
            // That path may lead to a stub of the driver.
            Package::Driver => absolute.chain(system).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OVERRIDE_VARIABLE, Package, Search, TOOLKIT_VARIABLE};
    use std::path::PathBuf;

    #[test]
    fn the_override_replaces_everything() {
        let search = Search::from_variables(|name| match name {
            OVERRIDE_VARIABLE => Some("/fake".into()),
            _ => Some("/real".into()),
        });
        for package in [Package::Toolkit, Package::Driver] {
            assert_eq!(
                search.candidates(package, "libx.so"),
                [PathBuf::from("/fake/libx.so")]
            );
        }
    }

    #[test]
    fn the_driver_is_never_taken_from_a_toolkit() {
        let search = Search::from_variables(|name| {
            (name == TOOLKIT_VARIABLE).then(|| "/opt/toolkit".into())
        });
        let toolkit = search.candidates(Package::Toolkit, "libruntime.so");
        assert_eq!(toolkit[0], PathBuf::from("libruntime.so"));
        assert_eq!(
            toolkit[1],
            PathBuf::from("/opt/toolkit/lib64/libruntime.so")
        );
        let driver = search.candidates(Package::Driver, "libascend_hal.so");
        assert!(driver.iter().all(|path| !path.starts_with("/opt/toolkit")));
        assert!(driver[0].is_absolute() && driver.len() == 2);
    }
}
