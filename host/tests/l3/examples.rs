//! Every example prints what its first lines say.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};

/// One trial for each example.
pub(crate) fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let mut sources: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    sources.retain(|path| path.extension().is_some_and(|it| it == "rs"));
    sources.sort();
    let trial = |source: PathBuf| {
        let name = source
            .file_stem()
            .expect("it has a name")
            .to_string_lossy()
            .into_owned();
        Trial::test(format!("example::{name}"), move || compare(&source, &name))
    };
    let demo = Trial::test("example::simpler_demo_of_chips", demonstrate);
    sources.into_iter().map(trial).chain([demo]).collect()
}

/// The command shows several chips, one of which dies.
fn demonstrate() -> Result<(), Failed> {
    let program = env!("CARGO_BIN_EXE_simpler");
    let output = Command::new(program)
        .args(["demo", "--chips", "3"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let right = said.matches("equal to a plain loop's").count() == 2
        && said.contains("chip_process 1 dev=1: the child died (signal 9)");
    if output.status.success() && right {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}{errors}", output.status).into())
}

fn compare(source: &Path, name: &str) -> Result<(), Failed> {
    let text = std::fs::read_to_string(source)?;
    let block = text
        .lines()
        .skip_while(|line| *line != "//! ```text")
        .skip(1);
    let expected: Vec<&str> = block
        .take_while(|line| *line != "//! ```")
        .map(|line| line.strip_prefix("//! ").unwrap_or(""))
        .collect();
    if expected.is_empty() {
        return Err("its first lines do not say what it prints".into());
    }
    // Tests lie in `deps`, examples beside it.
    let program = std::env::current_exe()?;
    let folder = program
        .parent()
        .and_then(Path::parent)
        .ok_or("a program lies in a folder")?;
    let program = folder.join("examples").join(name);
    let output = Command::new(&program).output().map_err(|error| {
        format!(
            "{}: {error}: `cargo build -p host --examples` makes it",
            program.display()
        )
    })?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || printed.lines().ne(expected.iter().copied()) {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{}\nit says:\n{}\nit printed:\n{printed}{errors}",
            output.status,
            expected.join("\n")
        )
        .into());
    }
    Ok(())
}
