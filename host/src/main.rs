//! The `simpler` command.

use std::process::ExitCode;

use host::cli;
use host::scene::chip::Chips;

fn main() -> ExitCode {
    // Workers execute this program as their children: its own, and those of other programs whose chip programs
    // are images.
    if let Some(code) = host::team::child_main(&cli::catalogue()) {
        return code;
    }
    env_logger::init();
    cli::main(&Chips)
}
