//! Every case of the conformance suite on played chips of both families with both runtimes, through the path of a real
//! chip, linked into this program or behind the C interface; control CPUs are of this machine's kind.
//!
//! One after the other, each with devices of its own: a process has one set of played libraries. After each one nothing
//! may have happened that a real chip would suffer from silently.

#[path = "support/board.rs"]
mod board;
#[expect(dead_code, reason = "workers of a case are made without the session")]
#[path = "support/device.rs"]
mod device;
#[path = "support/images.rs"]
mod images;
#[path = "support/library.rs"]
mod library;

use std::process::ExitCode;

use board::subjects;
use libtest_mimic::{Arguments, Failed, Trial};
use tests::conformance::subject::Subject;
use tests::conformance::{Case, cases};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // SAFETY: nothing else has begun.
    unsafe { board::announce() };
    let mut trials = Vec::new();
    for subject in subjects() {
        for case in cases(subject.runtime) {
            let name = format!("{}::{}", subject.name(), case.name);
            trials.push(Trial::test(name, move || played(&subject, case)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Carries a case out; what chips would have suffered from.
fn played(subject: &Subject, case: &Case) -> Result<(), Failed> {
    let session = board::begin(subject);
    (case.run)(subject);
    let complaints = session.complaints();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(complaints.join("\n").into()),
    }
}
