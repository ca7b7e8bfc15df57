//! One scene on one chip with one runtime: the unit the test runner counts.
//!
//! Knows how jobs are named, filtered and handed to a child. Refuses to run them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::TestArgs;
use crate::scene::load;
use crate::scene::model::{Platform, RuntimeKind};

/// Everything a child needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) scene: PathBuf,
    pub(super) name: String,
    pub(super) platform: Platform,
    pub(super) runtime: RuntimeKind,
    pub(super) device: u32,
    /// The host runtime to run on, or a folder of several; `None` for the chips of this program.
    pub(super) runtime_dir: Option<PathBuf>,
}

impl Job {
    /// `vector@a2a3sim/trb`.
    pub(super) fn label(&self) -> String {
        format!("{}@{}/{}", self.name, self.platform, self.runtime)
    }
}

/// The jobs a scene makes, or why it cannot be read.
pub(super) fn of_scene(file: PathBuf, args: &TestArgs) -> Result<Vec<Job>, String> {
    let scene = load::load(&file).map_err(|error| error.to_string())?;
    let mut jobs = Vec::new();
    // A real chip is used if it is asked for.
    let usable = |it: &&Platform| it.is_simulated() || args.platform == Some(**it);
    for &platform in scene.platforms.iter().filter(usable) {
        for &runtime in &scene.runtimes {
            let job = Job {
                scene: file.clone(),
                name: scene.name.clone(),
                platform,
                runtime,
                device: 0,
                runtime_dir: args.runtime_dir.clone(),
            };
            let asked = args.platform.is_none_or(|own| own == platform)
                && args.runtime.is_none_or(|own| own == runtime)
                && fits(&job.label(), &args.filter);
            let cases = crate::scene::run::select(&scene, platform, runtime, None);
            if asked && cases.is_ok_and(|cases| !cases.is_empty()) {
                jobs.push(job);
            }
        }
    }
    Ok(jobs)
}

/// True if no filter was given or one of them occurs in `label`.
pub(super) fn fits(label: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| label.contains(filter.as_str()))
}
