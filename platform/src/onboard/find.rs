//! Where the programs of a chip are.
//!
//! Knows folders, their order and the names in them. Refuses to know what is in the files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::images::{ImageError, Images};

/// A folder of images that replaces all others.
pub const IMAGES_VARIABLE: &str = "SIMPLER_IMAGES";
/// The image of control CPUs, in the folder of a runtime.
const AICPU_FILE: &str = "libaicpu_kernel.so";
/// The program of cores, in the folder of a family.
const AICORE_FILE: &str = "aicore_kernel.o";

/// Why the programs of a chip are not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// One is nowhere.
    #[error(
        "there is no {}: tried {}: build it with `cargo xtask {job}`, or name the folder of images in \
         {IMAGES_VARIABLE}",
        file.display(),
        list(tried)
    )]
    NotFound {
        /// Its place in a folder of images.
        file: PathBuf,
        /// Folders looked into.
        tried: Vec<PathBuf>,
        /// What builds it.
        job: &'static str,
    },
    /// One cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// They are not for this program.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl Images {
    /// The images of a family and runtime as `cargo xtask image` and `core-program` name them: in `folder`, or
    /// else where [`IMAGES_VARIABLE`] says, or else beside the program and in the build folder.
    ///
    /// # Errors
    /// When one is in none of these places, or is of another build.
    pub fn find(family: &str, runtime: &str, folder: Option<&Path>) -> Result<Self, FindError> {
        let folders = folders(folder);
        let aicpu: PathBuf = [family, runtime, AICPU_FILE].iter().collect();
        let aicore: PathBuf = [family, AICORE_FILE].iter().collect();
        let aicpu = read(&folders, aicpu, "image")?;
        Ok(Self::new(aicpu, read(&folders, aicore, "core-program")?)?)
    }
}

/// Where images are looked for.
fn folders(given: Option<&Path>) -> Vec<PathBuf> {
    let named = env::var_os(IMAGES_VARIABLE).filter(|value| !value.is_empty());
    if let Some(only) = given.map(PathBuf::from).or(named.map(PathBuf::from)) {
        return vec![only];
    }
    let program = env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|it| it.join("images"));
    beside
        .into_iter()
        .chain([PathBuf::from("target/images")])
        .collect()
}

/// What the first folder that has `file` has.
fn read(folders: &[PathBuf], file: PathBuf, job: &'static str) -> Result<Vec<u8>, FindError> {
    let Some(path) = folders
        .iter()
        .map(|folder| folder.join(&file))
        .find(|path| path.exists())
    else {
        let tried = folders.to_vec();
        return Err(FindError::NotFound { file, tried, job });
    };
    fs::read(&path).map_err(|error| FindError::Unreadable {
        path,
        reason: error.to_string(),
    })
}

fn list(folders: &[PathBuf]) -> String {
    let each: Vec<_> = folders.iter().map(|it| it.display().to_string()).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{FindError, Images};
    use std::path::Path;

    #[test]
    fn an_image_that_is_nowhere_is_named_with_the_folder_and_the_job() {
        let folder = Path::new("/nowhere");
        let error = Images::find("a5", "trb", Some(folder)).expect_err("nothing is there");
        assert!(matches!(error, FindError::NotFound { .. }));
        let text = error.to_string();
        for part in [
            "a5/trb/libaicpu_kernel.so",
            "/nowhere",
            "xtask image",
            "SIMPLER_IMAGES",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
