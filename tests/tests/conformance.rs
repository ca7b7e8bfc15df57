//! Every case of the conformance suite on every platform with every runtime.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tests::conformance::{cases, subjects};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for subject in subjects(env!("CARGO_TARGET_TMPDIR")) {
        for case in cases(subject.runtime) {
            let name = format!("{}::{}", subject.name(), case.name);
            trials.push(Trial::test(name, move || {
                (case.run)(&subject);
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
