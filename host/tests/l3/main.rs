//! Workers of level 3 and above, from outside: every kind of child, every way to fail.
//!
//! The program is its own helper: children execute it, so it has no test harness of the compiler's.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of the cases are small"
)]

mod basics;
mod examples;
mod faults;
mod graphs;
mod support;
mod windows;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = host::team::child_main(&support::catalogue()) {
        return code;
    }
    if let Some(code) = support::run_if_case() {
        return code;
    }
    let mut trials = examples::trials();
    for (name, kinds, case) in cases() {
        for &kind in kinds {
            let title = format!("{name}::{}", support::kind_name(kind));
            trials.push(Trial::test(title, move || {
                support::run_case(name, kind, case)
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Every case, for the kinds of children it makes sense for.
fn cases() -> Vec<support::Case> {
    let mut cases = Vec::new();
    cases.extend(basics::CASES);
    cases.extend(faults::CASES);
    cases.extend(graphs::CASES);
    cases.extend(windows::CASES);
    cases
}
