use core::time::Duration;
use std::path::Path;

use super::{Runs, run_case, select};
use crate::scene::load;
use crate::scene::model::{Platform, RuntimeKind, Scene};
use crate::scene::report::CaseReport;
use crate::scene::report::median;
use crate::scene::resolve::Overrides;
use crate::scene::session::{BuiltProgram, Prepared, RunConfig, RunOutcome, Session, SessionError};
use crate::scene::tensor::ArgValue;

/// A device that adds one to every float of its first argument, or fails from some run on.
#[derive(Default)]
struct AddOne {
    calls: Vec<&'static str>,
    wrong_from: Option<usize>,
    fails: Option<SessionError>,
    runs: usize,
}

impl Session for AddOne {
    fn prepare(&mut self, _: &BuiltProgram) -> Result<Prepared, SessionError> {
        self.calls.push("prepare");
        Ok(Prepared(7))
    }

    fn run(
        &mut self,
        program: Prepared,
        args: &mut [ArgValue],
        _: &RunConfig,
    ) -> Result<RunOutcome, SessionError> {
        assert_eq!(program, Prepared(7));
        self.calls.push("run");
        self.runs += 1;
        if let Some(error) = &self.fails {
            return Err(error.clone());
        }
        let ArgValue::Tensor(tensor) = &mut args[0] else {
            panic!("a tensor comes first");
        };
        let step = match self.wrong_from {
            Some(run) if self.runs >= run => 2.0f32,
            _ => 1.0,
        };
        for bytes in tensor.bytes.as_mut_slice().as_chunks_mut::<4>().0 {
            *bytes = (f32::from_le_bytes(*bytes) + step).to_le_bytes();
        }
        Ok(RunOutcome { tasks: Some(5) })
    }

    fn forget(&mut self, program: Prepared) -> Result<(), SessionError> {
        assert_eq!(program, Prepared(7));
        self.calls.push("forget");
        Ok(())
    }
}

const SCENE: &str = r#"
name = "plus"
platforms = ["a2a3sim", "a5sim"]
runtimes = ["trb"]
orchestration = { library = "o.so", entry = "build" }
params = { n = 4 }
arg = [{ name = "x", dtype = "f32", shape = ["n"], direction = "inout", init = "i" }]
[expect]
x = "x + 1"
[[case]]
name = "first"
[[case]]
name = "only-a5"
platforms = ["a5sim"]
[[case]]
name = "by-hand"
manual = true
[[case]]
name = "fails"
expect = { error = { code = -9, text = "fatal" } }
"#;

fn scene() -> Scene {
    load::parse(Path::new("scene.toml"), SCENE).expect("a good scene")
}

fn run(device: &mut AddOne, case: &str, runs: usize) -> CaseReport {
    let scene = scene();
    let program = BuiltProgram {
        name: scene.name.clone(),
        platform: Platform::A2a3sim,
        runtime: RuntimeKind::Trb,
        orchestration: "o.so".into(),
        entry: "build".to_owned(),
        config_entry: None,
        kernels: vec![],
        signature: vec![],
    };
    let case = scene
        .cases
        .iter()
        .find(|known| known.name == case)
        .expect("a case of the scene");
    let runs = Runs::times(runs);
    run_case(device, &program, &scene, case, &Overrides::default(), runs).expect("a good case")
}

#[test]
fn every_run_starts_afresh_and_is_judged() {
    let mut device = AddOne::default();
    let report = run(&mut device, "first", 3);
    assert!(report.pass(), "{:?}", report.problems);
    assert_eq!(
        (report.runs.len(), report.tasks, report.checked),
        (3, Some(5), 1)
    );
    assert_eq!(device.calls, ["prepare", "run", "run", "run", "forget"]);

    let mut device = AddOne {
        wrong_from: Some(2),
        ..AddOne::default()
    };
    let report = run(&mut device, "first", 3);
    assert!(!report.pass());
    assert!(
        report.problems[0].contains("x[0]: got 2, want 1"),
        "{:?}",
        report.problems
    );
    assert_eq!(report.problems[1], "that was run 2");
    assert_eq!(device.calls, ["prepare", "run", "run", "forget"]);
}

#[test]
fn an_expected_failure_is_a_pass_only_if_it_is_the_expected_one() {
    let error = |code, text: &str| {
        Some(SessionError {
            code: Some(code),
            text: text.to_owned(),
        })
    };
    for (fails, pass) in [
        (error(-9, "a fatal error"), true),
        (error(-8, "a fatal error"), false),
        (error(-9, "another"), false),
        (None, false),
    ] {
        let mut device = AddOne {
            fails: fails.clone(),
            ..AddOne::default()
        };
        let report = run(&mut device, "fails", 1);
        assert_eq!(report.pass(), pass, "{fails:?}: {:?}", report.problems);
        assert_eq!(device.calls, ["prepare", "run", "forget"]);
    }
    let mut device = AddOne {
        fails: error(-3, "window exhausted"),
        ..AddOne::default()
    };
    let report = run(&mut device, "first", 2);
    assert_eq!(report.problems, ["failed with code -3: window exhausted"]);
}

#[test]
fn cases_are_picked_by_name_and_place() {
    let scene = scene();
    let names = |platform, name| {
        select(&scene, platform, RuntimeKind::Trb, name)
            .map(|cases| {
                cases
                    .iter()
                    .map(|case| case.name.as_str())
                    .collect::<Vec<_>>()
            })
            .map_err(|error| error.to_string())
    };
    assert_eq!(names(Platform::A2a3sim, None), Ok(vec!["first", "fails"]));
    assert_eq!(
        names(Platform::A5sim, None),
        Ok(vec!["first", "only-a5", "fails"])
    );
    assert_eq!(
        names(Platform::A2a3sim, Some("by-hand")),
        Ok(vec!["by-hand"])
    );
    let error = names(Platform::A2a3sim, Some("frist")).expect_err("a slip");
    assert!(error.ends_with("did you mean `first`?"), "{error}");
    let error = names(Platform::A2a3sim, Some("only-a5")).expect_err("elsewhere");
    assert!(error.ends_with("it is not for a2a3sim with trb"), "{error}");
}

#[test]
fn the_median_is_the_middle() {
    let times = |all: &[u64]| {
        median(
            &all.iter()
                .map(|&t| Duration::from_secs(t))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(times(&[]), None);
    assert_eq!(times(&[3]), Some(Duration::from_secs(3)));
    assert_eq!(times(&[9, 1, 5]), Some(Duration::from_secs(5)));
    assert_eq!(times(&[9, 1, 5, 7]), Some(Duration::from_secs(5)));
}
