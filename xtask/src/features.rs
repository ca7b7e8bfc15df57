//! Every crate by itself, in every feature set that a user can ask for.
//!
//! A workspace build unifies features, so a missing dependency feature hides until somebody depends
//! on one crate alone.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{cargo, root, run as run_command};
use crate::toolkit::TOOLKIT;

/// One `cargo check` of one package.
struct Build {
    package: String,
    arguments: Vec<String>,
}

/// Checks, or lists, every build.
pub(crate) fn run(list: bool) -> Result<()> {
    let builds = builds()?;
    let count = builds.len();
    for (index, build) in builds.iter().enumerate() {
        println!(
            "[{}/{count}] {} {}",
            index + 1,
            build.package,
            build.arguments.join(" ")
        );
        if !list {
            let mut command = cargo(["check", "--quiet", "--package", &build.package]);
            command.args(&build.arguments);
            command.env("RUSTFLAGS", "-Dwarnings");
            // What `platform/cann-headers` reads; nothing else looks for it at build time.
            command.env("ASCEND_HOME_PATH", root().join(TOOLKIT));
            run_command(&mut command)?;
        }
    }
    Ok(())
}

fn builds() -> Result<Vec<Build>> {
    let output = cargo(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?;
    let mut builds = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has a name")?;
        let features: BTreeMap<String, Value> =
            serde_json::from_value(package["features"].clone())?;
        let mut sets = vec![vec!["--no-default-features".to_owned()]];
        let own = features.keys().filter(|feature| *feature != "default");
        for feature in own.clone() {
            sets.push(vec![
                "--no-default-features".to_owned(),
                format!("--features={feature}"),
            ]);
        }
        if own.count() > 1 {
            sets.push(vec!["--all-features".to_owned()]);
        }
        builds.extend(sets.into_iter().map(|arguments| Build {
            package: name.to_owned(),
            arguments,
        }));
    }
    Ok(builds)
}
