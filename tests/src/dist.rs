//! A distribution built from this source.
//!
//! Knows how to have one built. Refuses to know what is in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::compiler::root;

/// Names the folder of a distribution that another process has had built.
pub const BUILT: &str = "SIMPLER_TESTS_DIST";

/// The folder of the distribution, built below `tmp` when first asked for: as tests are built, so that it costs
/// little.
///
/// # Panics
/// When it cannot be built.
pub fn built(tmp: &str) -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os(BUILT) {
            return PathBuf::from(folder);
        }
        let out = Path::new(tmp).join("dist");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(root())
            .args(["run", "--quiet", "--package", "xtask", "--", "dist"])
            .args(["--profile", "dev", "--out"])
            .arg(&out);
        let output = cargo.output().expect("cargo ran this test too");
        assert!(
            output.status.success(),
            "{cargo:?} ended with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        out
    })
}
