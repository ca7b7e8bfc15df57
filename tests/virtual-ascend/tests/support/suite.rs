//! Every scene on every chip that it names.
//!
//! One after the other: a process has one set of played libraries, and what is played takes all of this machine.

use core::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use host::scene::model::Scene;
use host::scene::{discover, load};
use libtest_mimic::{Arguments, Failed, Trial};
use virtual_ascend::Family;

use super::images::{Runtime, name, root};
use super::lab::{Lab, Play, kind};

/// A lab and what it is for.
type Kept = Option<((Family, Runtime), Lab)>;

thread_local! {
    /// The chip that the next scene finds, as it was left by the one before. All scenes run on one thread.
    static KEPT: RefCell<Kept> = const { RefCell::new(None) };
}

/// Runs all scenes.
pub(crate) fn run(play: &Play) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    let scenes = scenes(&root().join("tests/scenes"));
    for family in [Family::A2a3, Family::A5] {
        for runtime in Runtime::ALL {
            for scene in &scenes {
                if scene.runtimes.contains(&kind(runtime)) {
                    trials.push(trial(play, family, runtime, scene));
                }
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(KEPT.take());
    conclusion.exit_code()
}

fn scenes(folder: &Path) -> Vec<Arc<Scene>> {
    let files = discover::scenes(folder).expect("the scenes are part of the repository");
    let scenes = files.iter().map(|file| load::load(file).map(Arc::new));
    scenes.collect::<Result<_, _>>().expect("good scenes")
}

fn trial(play: &Play, family: Family, runtime: Runtime, scene: &Arc<Scene>) -> Trial {
    let title = format!("{}::{}::{}", name(family), runtime.name(), scene.name);
    let (play, scene) = (play.clone(), Arc::clone(scene));
    let work = move || {
        let key = (family, runtime);
        // The old chip is given back before there is another one, also if this scene panics.
        let same = KEPT.take().filter(|(of, _)| *of == key);
        let (_, mut lab) = same.unwrap_or_else(|| (key, Lab::new(family, runtime, &play)));
        let result = lab.run(&scene, kind(runtime));
        KEPT.set(Some((key, lab)));
        result.map_err(Failed::from)
    };
    Trial::test(title, work)
}
