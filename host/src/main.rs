//! The `simpler` command.

use std::process::ExitCode;

use host::cli;
use host::scene::chip::Chips;

fn main() -> ExitCode {
    env_logger::init();
    cli::main(&Chips)
}
