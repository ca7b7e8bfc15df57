//! Every case of the conformance suite on every platform with every runtime: linked into this program, and once more
//! through the C interface of the libraries that `cargo xtask dist` builds. Both find the same errors in the same words.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tests::conformance::reach::Way;
use tests::conformance::{cases, subjects_by};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let scratch = env!("CARGO_TARGET_TMPDIR");
    for subject in subjects_by(Way::Embedded, scratch).chain(subjects_by(Way::Libraries, scratch)) {
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
