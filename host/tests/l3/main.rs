//! Workers of level 3 and above, from outside: every kind of child, every way to fail.
//!
//! The program is its own helper: children execute it, so it has no test harness of the compiler's.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of the cases are small"
)]

mod buffers;
mod catalogue;
mod chips;
mod conformance;
mod deaths;
mod examples;
mod experts;
mod failures;
mod graphs;
mod heap;
mod idle;
mod levels;
mod mortal;
mod order;
mod runs;
mod starts;
mod submits;
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
    for (name, kinds, _) in cases() {
        for &kind in kinds {
            let title = format!("{name}::{}", support::kind_name(kind));
            trials.push(Trial::test(title, move || support::run_case(name, kind)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Every case, for the kinds of children it makes sense for.
fn cases() -> Vec<support::Case> {
    let mut cases = Vec::new();
    let lists = [
        conformance::CASES,
        runs::CASES,
        submits::CASES,
        order::CASES,
        failures::CASES,
        deaths::CASES,
        starts::CASES,
        buffers::CASES,
        chips::CASES,
        levels::CASES,
        windows::CASES,
    ];
    lists.iter().for_each(|list| cases.extend(*list));
    cases
}
