//! Reading `l2_perf_records.json`, ours and the reference's.
//!
//! Knows its two versions. Refuses to know what is done with a swimlane.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use platform::diagnostics::{Call, Phase, Swimlane};
use serde::Deserialize;

use super::names;

#[derive(Deserialize)]
struct Records {
    version: u32,
    tasks: Vec<Task>,
    #[serde(default)]
    aicpu_scheduler_phases: Vec<Vec<Recorded>>,
    #[serde(default)]
    aicpu_orchestrator_phases: Vec<Vec<Recorded>>,
    #[serde(default)]
    core_to_thread: Vec<i32>,
}

#[derive(Deserialize)]
struct Task {
    task_id: u64,
    func_id: i32,
    core_id: u32,
    core_type: String,
    start_time_us: f64,
    end_time_us: f64,
    #[serde(default)]
    dispatch_time_us: f64,
    #[serde(default)]
    finish_time_us: f64,
    #[serde(default)]
    fanout: Vec<u64>,
}

#[derive(Deserialize)]
struct Recorded {
    phase: String,
    start_time_us: f64,
    end_time_us: f64,
    #[serde(alias = "loop_iter", alias = "submit_idx", default)]
    index: u64,
    #[serde(alias = "tasks_processed", alias = "task_id", default)]
    subject: u64,
}

impl Recorded {
    fn phase(self) -> Phase {
        let name = self.phase.strip_prefix("orch_");
        Phase {
            name: name.unwrap_or(&self.phase).to_owned(),
            start: nanoseconds(self.start_time_us),
            end: nanoseconds(self.end_time_us),
            index: self.index,
            subject: self.subject,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of range becomes the nearest that is not"
)]
fn nanoseconds(micros: f64) -> u64 {
    (micros * 1000.0).round() as u64
}

/// Reads a file, with the names beside it.
pub(crate) fn read(path: &Path) -> Result<Swimlane, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let records: Records = serde_json::from_reader(BufReader::new(file))
        .map_err(|error| format!("{} is no record of a run: {error}", path.display()))?;
    if !(1..=2).contains(&records.version) {
        return Err(format!(
            "{} has version {}: versions 1 and 2 can be read",
            path.display(),
            records.version
        ));
    }
    let mut edges = Vec::new();
    let call = |task: Task| {
        edges.extend(task.fanout.iter().map(|&to| (task.task_id, to)));
        Call {
            task: task.task_id,
            func_id: task.func_id,
            core: task.core_id,
            vector: task.core_type != "aic",
            dispatch: nanoseconds(task.dispatch_time_us),
            start: nanoseconds(task.start_time_us),
            end: nanoseconds(task.end_time_us),
            finish: nanoseconds(task.finish_time_us),
        }
    };
    let mut calls: Vec<Call> = records.tasks.into_iter().map(call).collect();
    calls.sort_by_key(|call| (call.task, call.dispatch, call.core));
    edges.sort_unstable();
    edges.dedup();
    let lanes = |lanes: Vec<Vec<Recorded>>| {
        let lane = |phases: Vec<Recorded>| phases.into_iter().map(Recorded::phase).collect();
        lanes.into_iter().map(lane).collect()
    };
    Ok(Swimlane {
        calls,
        edges,
        schedulers: lanes(records.aicpu_scheduler_phases),
        orchestrators: lanes(records.aicpu_orchestrator_phases),
        core_to_thread: records.core_to_thread,
        names: path.parent().map(names::of).unwrap_or_default(),
        dropped: 0,
    })
}
