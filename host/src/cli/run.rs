//! `simpler run`.
//!
//! Knows how one scene becomes a verdict on standard output. Refuses to know what a case does.

use super::record::{self, RecordArgs};
use super::{FAILED, RunArgs};
use crate::scene::build::Builder;
use crate::scene::model::{Platform, RuntimeKind, Scene};
use crate::scene::report::{CaseReport, JsonReport, join};
use crate::scene::resolve::Overrides;
use crate::scene::session::Machine;
use crate::scene::{load, run};

/// What to run, after all defaults.
pub(super) struct Order<'a> {
    pub(super) scene: &'a Scene,
    pub(super) platform: Platform,
    pub(super) runtime: RuntimeKind,
    pub(super) case: Option<&'a str>,
    pub(super) repeats: u32,
    pub(super) overrides: &'a Overrides,
    pub(super) device: u32,
    pub(super) record: &'a RecordArgs,
}

/// Runs the command.
pub(super) fn run(machine: &dyn Machine, args: &RunArgs) -> Result<u8, String> {
    let scene = load::load(&args.scene).map_err(|error| error.to_string())?;
    let overrides = Overrides::new(args.set.iter().map(String::as_str))?;
    let platform = match args.platform {
        Some(platform) => platform,
        None => *scene
            .platforms
            .iter()
            .find(|platform| platform.is_simulated())
            .ok_or_else(|| format!("scene `{}` is for real chips only", scene.name))?,
    };
    if !scene.platforms.contains(&platform) {
        return Err(format!(
            "scene `{}` is for {}, not for {platform}",
            scene.name,
            join(&scene.platforms)
        ));
    }
    let runtime = args.runtime.unwrap_or(scene.runtimes[0]);
    if !scene.runtimes.contains(&runtime) {
        return Err(format!(
            "scene `{}` cannot run with {runtime}; it is for {}",
            scene.name,
            join(&scene.runtimes)
        ));
    }
    let order = Order {
        scene: &scene,
        platform,
        runtime,
        case: args.case.as_deref(),
        repeats: args.repeats,
        overrides: &overrides,
        device: args.device,
        record: &args.record,
    };
    let reports = cases(machine, &order, &mut |report, files| {
        if !args.json {
            println!("{}", report.text());
            if !files.is_empty() {
                println!("{files}");
            }
        } else if let Ok(line) = serde_json::to_string(&report.json()) {
            println!("{line}");
        }
    })?;
    if let (true, Some(all)) = (args.json && reports.len() > 1, JsonReport::over(&reports)) {
        let line = serde_json::to_string(&all).map_err(|error| error.to_string())?;
        println!("{line}");
    }
    let pass = reports.iter().all(CaseReport::pass);
    Ok(if pass { 0 } else { FAILED })
}

/// Runs the cases of an order on one device; `each` sees every report as it comes, and where its files are.
pub(super) fn cases(
    machine: &dyn Machine,
    order: &Order<'_>,
    each: &mut dyn FnMut(&CaseReport, &str),
) -> Result<Vec<CaseReport>, String> {
    let Order {
        scene,
        platform,
        runtime,
        ..
    } = *order;
    let cases = run::select(scene, platform, runtime, order.case).map_err(|e| e.to_string())?;
    if cases.is_empty() {
        return Err(format!(
            "scene `{}` has no case for {platform} with {runtime}; name a manual one with --case",
            scene.name
        ));
    }
    let program = Builder::from_environment()
        .build(scene, platform, runtime)
        .map_err(|error| error.to_string())?;
    let mut session = machine
        .open(platform, runtime, order.device)
        .map_err(|error| error.to_string())?;
    let repeats = usize::try_from(order.repeats).unwrap_or(usize::MAX);
    let mut reports = Vec::new();
    let several = cases.len() > 1;
    for case in cases {
        let recorded = order.record.of(&scene.name, &case.name, several);
        let runs = run::Runs {
            count: repeats,
            last: &recorded,
        };
        let report = run::run_case(&mut *session, &program, scene, case, order.overrides, runs)
            .map_err(|error| error.to_string())?;
        each(&report, &record::finish(scene, &case.name, &recorded)?);
        reports.push(report);
    }
    Ok(reports)
}
