//! The `simpler` command.

use std::process::ExitCode;

use host::cli;

fn main() -> ExitCode {
    env_logger::init();
    cli::main(&cli::NoMachine)
}
