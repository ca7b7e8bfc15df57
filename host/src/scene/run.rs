//! Running a built scene case by case, and judging it.
//!
//! Knows the order prepare, run, compare, run again, forget, and what is timed. Refuses to know
//! which device answers and how the verdict is printed.

use std::time::Instant;

use super::compare::{self, Mismatch};
use super::dtype;
use super::model::{Case, ExpectedError, Platform, RuntimeKind, Scene};
use super::report::CaseReport;
use super::resolve::{self, Overrides, ReadyCase, Wanted, WantedTensor};
use super::session::{BuiltProgram, RunOutcome, Session, SessionError};
use super::tensor::ArgValue;
use super::{Result, SceneError, nearest};
use crate::diagnostics::Diagnostics;

/// Picks the cases of `scene` for a platform and runtime: the one called `name`, or all that are
/// not manual.
pub fn select<'s>(
    scene: &'s Scene,
    platform: Platform,
    runtime: RuntimeKind,
    name: Option<&str>,
) -> Result<Vec<&'s Case>> {
    let fits = |case: &&Case| {
        let on = case.platforms.as_ref().unwrap_or(&scene.platforms);
        let with = case.runtimes.as_ref().unwrap_or(&scene.runtimes);
        on.contains(&platform) && with.contains(&runtime)
    };
    let Some(name) = name else {
        let all = scene.cases.iter().filter(fits);
        return Ok(all.filter(|case| !case.manual).collect());
    };
    let not_found = |hint| SceneError::NotFound {
        what: "case",
        name: name.to_owned(),
        scene: scene.name.clone(),
        hint,
    };
    let Some(case) = scene.cases.iter().find(|case| case.name == name) else {
        let known = scene.cases.iter().map(|case| case.name.as_str());
        return Err(not_found(nearest::hint(name, known)));
    };
    if fits(&case) {
        Ok(vec![case])
    } else {
        Err(not_found(format!(
            "it is not for {platform} with {runtime}"
        )))
    }
}

/// How often a case runs.
#[derive(Clone, Copy, Debug)]
pub struct Runs<'a> {
    /// How often.
    pub count: usize,
    /// What is written down of the last run, which the others have warmed up for.
    pub last: &'a Diagnostics,
}

impl Runs<'static> {
    /// So many runs of which nothing is written down.
    #[must_use]
    pub const fn times(count: usize) -> Self {
        static NOTHING: Diagnostics = Diagnostics::NONE;
        Self {
            count,
            last: &NOTHING,
        }
    }
}

/// Runs one case on `session`; the arguments start afresh every time, and every run is
/// judged.
///
/// An error means that the case itself is wrong; a device that fails is a verdict.
pub fn run_case(
    session: &mut dyn Session,
    program: &BuiltProgram,
    scene: &Scene,
    case: &Case,
    overrides: &Overrides,
    runs: Runs<'_>,
) -> Result<CaseReport> {
    let mut ready = resolve::resolve(scene, case, overrides)?;
    let mut report = CaseReport::new(&scene.name, program.platform, program.runtime, &case.name);
    let start = Instant::now();
    let prepared = match session.prepare(program) {
        Ok(prepared) => prepared,
        Err(error) => {
            judge_failure(&ready.wanted, &error, &mut report);
            return Ok(report);
        }
    };
    report.prepare = start.elapsed();
    for number in 1..=runs.count {
        if number == runs.count {
            ready.config.diagnostics = runs.last.clone();
        }
        let mut args = ready.args.clone();
        let start = Instant::now();
        let outcome = session.run(prepared, &mut args, &ready.config);
        report.runs.push(start.elapsed());
        if !judge(&ready, outcome, &args, &mut report) {
            break;
        }
    }
    if let Err(error) = session.forget(prepared) {
        report
            .problems
            .push(format!("forgetting the program failed: {error}"));
    }
    Ok(report)
}

/// Adds what is wrong with one run; true if nothing is.
fn judge(
    ready: &ReadyCase,
    outcome: Result<RunOutcome, SessionError>,
    args: &[ArgValue],
    report: &mut CaseReport,
) -> bool {
    let before = report.problems.len();
    match (outcome, &ready.wanted) {
        (Err(error), wanted) => judge_failure(wanted, &error, report),
        (Ok(_), Wanted::Error(wanted)) => report.problems.push(format!(
            "the run succeeded; it should have failed with {}",
            describe(wanted)
        )),
        (Ok(outcome), Wanted::Tensors(wanted)) => {
            report.tasks = outcome.tasks;
            report.checked = wanted.len();
            let mismatches = wanted.iter().filter_map(|wanted| mismatch(wanted, args));
            report
                .problems
                .extend(mismatches.map(|mismatch| mismatch.to_string()));
        }
    }
    let fine = report.problems.len() == before;
    if !fine && report.runs.len() > 1 {
        report
            .problems
            .push(format!("that was run {}", report.runs.len()));
    }
    fine
}

fn judge_failure(wanted: &Wanted, error: &SessionError, report: &mut CaseReport) {
    let Wanted::Error(wanted) = wanted else {
        report.problems.push(shown(error));
        return;
    };
    report.checked = 1;
    let code_fits = wanted.code.is_none_or(|code| error.code == Some(code));
    let text_fits = wanted
        .text
        .as_ref()
        .is_none_or(|text| error.text.contains(text));
    if !(code_fits && text_fits) {
        report.problems.push(format!(
            "{}; it should have failed with {}",
            shown(error),
            describe(wanted)
        ));
    }
}

fn shown(error: &SessionError) -> String {
    match error.code {
        Some(code) => format!("failed with code {code}: {}", error.text),
        None => format!("failed: {}", error.text),
    }
}

fn describe(wanted: &ExpectedError) -> String {
    match (wanted.code, &wanted.text) {
        (Some(code), Some(text)) => format!("code {code} and \"{text}\""),
        (Some(code), None) => format!("code {code}"),
        (None, Some(text)) => format!("\"{text}\""),
        (None, None) => "any error".to_owned(),
    }
}

fn mismatch(wanted: &WantedTensor, args: &[ArgValue]) -> Option<Mismatch> {
    let ArgValue::Tensor(tensor) = &args[wanted.position] else {
        return None;
    };
    let shape: Vec<usize> = tensor.shape.iter().map(|&extent| extent as usize).collect();
    compare::compare(
        &tensor.name,
        &shape,
        &dtype::load(tensor.dtype, tensor.bytes.as_slice()),
        &wanted.values,
        (wanted.relative, wanted.absolute),
    )
}

#[cfg(test)]
mod tests;
