//! Every fault on every platform with every runtime, each in a process of its own.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tests::faults::process::{folders_can_be_filled, is_a_case, run, subjects};
use tests::faults::{Needs, faults};

fn main() -> ExitCode {
    let scratch = env!("CARGO_TARGET_TMPDIR");
    if is_a_case(scratch) {
        return ExitCode::SUCCESS;
    }
    let can_fill = folders_can_be_filled();
    if !can_fill {
        eprintln!("no file systems may be mounted here: cases that need one are listed as ignored");
    }
    let mut trials = Vec::new();
    for (way, subject) in subjects(scratch) {
        for fault in faults(way) {
            let name = format!("{}::{}", subject.name(), fault.name);
            let impossible = fault.needs != Needs::Nothing && !can_fill;
            let trial = Trial::test(name, move || Ok(run(way, &subject, fault)?));
            trials.push(trial.with_ignored_flag(impossible));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
