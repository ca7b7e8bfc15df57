//! The `simpler` command.

use std::process::ExitCode;

use host::cli;
use host::scene::chip::Chips;
use host::team::{self, Catalogue};

fn main() -> ExitCode {
    // Workers of other programs may execute this one as their children, for chip programs that are images.
    if let Some(code) = team::child_main(&Catalogue::new()) {
        return code;
    }
    env_logger::init();
    cli::main(&Chips)
}
