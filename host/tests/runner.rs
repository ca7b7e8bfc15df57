//! The test runner with a device that behaves as each scene's entry says.
//!
//! The program is its own child: with arguments that are no filter it is the `simpler` command, with
//! a machine of this file behind it.

use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};
use std::thread;
use std::time::Instant;

use host::cli;
use host::scene::model::{Platform, RuntimeKind};
use host::scene::session::{
    BuiltProgram, Machine, Prepared, RunConfig, RunOutcome, Session, SessionError,
};
use host::scene::tensor::ArgValue;

/// Opens devices that do what the entry's name says.
struct Actors;

/// Plays the program it was given.
struct Actor {
    role: String,
}

impl Machine for Actors {
    fn open(
        &self,
        _: Platform,
        _: RuntimeKind,
        device: u32,
    ) -> Result<Box<dyn Session>, SessionError> {
        println!("opened device {device}");
        Ok(Box::new(Actor {
            role: String::new(),
        }))
    }
}

impl Session for Actor {
    fn prepare(&mut self, program: &BuiltProgram) -> Result<Prepared, SessionError> {
        self.role.clone_from(&program.entry);
        Ok(Prepared(0))
    }

    fn run(
        &mut self,
        _: Prepared,
        args: &mut [ArgValue],
        config: &RunConfig,
    ) -> Result<RunOutcome, SessionError> {
        match self.role.as_str() {
            "hang" => {
                // A grandchild in the group must not outlive the time limit either.
                let mut sleeper = Command::new("sleep")
                    .arg("600")
                    .spawn()
                    .expect("sleep exists");
                println!("sleeper {}", sleeper.id());
                sleeper.wait().expect("it can be waited for");
            }
            "crash" => std::process::abort(),
            "refuse" => {
                return Err(SessionError {
                    code: Some(-9),
                    text: "fatal code 9".to_owned(),
                });
            }
            _ => {
                for arg in args {
                    if let ArgValue::Tensor(tensor) = arg {
                        tensor.bytes.as_mut_slice()[0] +=
                            u8::try_from(config.block_dim).unwrap_or(0);
                    }
                }
            }
        }
        Ok(RunOutcome { tasks: Some(3) })
    }

    fn forget(&mut self, _: Prepared) -> Result<(), SessionError> {
        Ok(())
    }
}

/// A folder with scenes, removed at the end.
struct Scenes(PathBuf);

impl Scenes {
    fn new(name: &str, roles: &[(&str, &str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("runner-{name}-{}", std::process::id()));
        for (scene, role, expect) in roles {
            let text = format!(
                "name = \"{scene}\"\nplatforms = [\"a2a3sim\"]\nruntimes = [\"trb\"]\n\
                 orchestration = {{ library = \"none.so\", entry = \"{role}\" }}\n\
                 arg = [{{ name = \"x\", dtype = \"u8\", shape = [\"n\"], direction = \"inout\", init = \"i\" }}]\n\
                 params = {{ n = 2 }}\nblock_dim = 1\nexpect = {{ {expect} }}\n"
            );
            let folder = root.join(scene);
            fs::create_dir_all(&folder).expect("a temporary folder");
            fs::write(folder.join("scene.toml"), text).expect("a small file");
        }
        Self(root)
    }

    fn file(&self, scene: &str) -> String {
        self.0.join(scene).display().to_string()
    }
}

impl Drop for Scenes {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn simpler(words: &[&str]) -> Output {
    let program = std::env::current_exe().expect("this program is a file");
    Command::new(program)
        .args(words)
        .output()
        .expect("it starts")
}

fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[track_caller]
fn check(output: &Output, code: i32, parts: &[&str]) -> String {
    let text = text(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    text
}

const GOOD: &str = "x = \"where(i == 0, x + 1, x)\"";

fn passing_scenes_pass() {
    let scenes = Scenes::new("pass", &[("one", "add", GOOD), ("two", "add", GOOD)]);
    let output = simpler(&["test", "--dir", &scenes.0.display().to_string(), "-j", "2"]);
    let text = check(
        &output,
        0,
        &["PASS: one@a2a3sim/trb (", "PASS: two@a2a3sim/trb ("],
    );
    assert!(text.ends_with("2 passed, 0 failed\n"), "{text}");
    for part in ["[1/2] PASS", "[2/2] PASS", "[dev0] "] {
        assert!(text.contains(part), "{text}");
    }
    // What a passing scene prints is nobody's business.
    assert!(!text.contains("opened device"), "{text}");
    let output = simpler(&["test", "--dir", &scenes.0.display().to_string(), "two"]);
    check(&output, 0, &["[1/1] PASS: two@", "1 passed, 0 failed"]);
}

fn every_kind_of_failure_is_reported_and_none_stops_the_rest() {
    let scenes = Scenes::new(
        "fail",
        &[
            ("bad-crash", "crash", GOOD),
            ("bad-refuse", "refuse", GOOD),
            ("bad-value", "add", "x = \"x\""),
            ("good", "add", GOOD),
            (
                "good-error",
                "refuse",
                "error = { code = -9, text = \"fatal\" }",
            ),
        ],
    );
    fs::create_dir_all(scenes.0.join("typo")).expect("a folder");
    fs::write(scenes.0.join("typo/scene.toml"), "nmae = \"x\"").expect("a file");
    let output = simpler(&["test", "--dir", &scenes.0.display().to_string(), "-j", "3"]);
    let text = check(
        &output,
        1,
        &[
            "FAIL: bad-crash@",
            "the process died: signal: 6",
            "FAIL: bad-refuse@",
            "failed with code -9: fatal code 9",
            "FAIL: bad-value@",
            "x[0]: got 1, want 0",
            "again: simpler run",
            "PASS: good@",
            "PASS: good-error@",
            "FAIL: typo (0.0s)",
        ],
    );
    assert!(text.ends_with("2 passed, 4 failed\n"), "{text}");
}

fn a_hang_ends_with_all_its_children() {
    let scenes = Scenes::new("hang", &[("stuck", "hang", GOOD), ("fine", "add", GOOD)]);
    let dir = scenes.0.display().to_string();
    let output = simpler(&["test", "--dir", &dir, "--timeout", "1", "-j", "2"]);
    let text = check(
        &output,
        1,
        &[
            "FAIL: stuck@",
            "killed after 1 s",
            "PASS: fine@",
            "1 passed, 1 failed",
        ],
    );
    let sleeper = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("sleeper "))
        .expect("its number was captured");
    let alive = || {
        let state = fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
        !(state.is_empty() || state.contains(") Z "))
    };
    let watchdog = Instant::now() + Duration::from_secs(20);
    while alive() {
        assert!(
            Instant::now() < watchdog,
            "process {sleeper} outlived its group"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

fn run_prints_a_verdict_and_an_object() {
    let scenes = Scenes::new("run", &[("one", "add", GOOD)]);
    let file = scenes.file("one");
    check(
        &simpler(&["run", &file]),
        0,
        &["PASS one [default] on a2a3sim with trb", "3 tasks"],
    );
    let output = simpler(&["run", &file, "-n", "4", "--json", "--set", "n=5"]);
    let text = check(&output, 0, &[]);
    let last: serde_json::Value =
        serde_json::from_str(text.lines().last().expect("a line")).expect("an object");
    assert_eq!(
        (&last["pass"], &last["runs"], &last["tasks"]),
        (&true.into(), &4.into(), &3.into())
    );
    let output = simpler(&["run", &file, "--set", "block_dim=2"]);
    check(&output, 1, &["FAIL one", "x[0]: got 2, want 1"]);
}

fn wrong_questions_get_answers() {
    let scenes = Scenes::new("wrong", &[("one", "add", GOOD)]);
    let file = scenes.file("one");
    for (words, part) in [
        (
            &["run", &file, "--set", "m=1"][..],
            "no parameter named `m`",
        ),
        (
            &["run", &file, "--set", "n"],
            "is not of the form key=value",
        ),
        (
            &["run", &file, "--case", "defalt"],
            "did you mean `default`?",
        ),
        (&["run", &file, "-p", "a2a4sim"], "did you mean `a2a3sim`?"),
        (
            &["run", &file, "-p", "a2a3"],
            "is for a2a3sim, not for a2a3",
        ),
        (&["run", &file, "-r", "hbg"], "it is for trb"),
        (
            &["run", "/nonexistent/scene.toml"],
            "cannot read /nonexistent/scene.toml",
        ),
        (
            &["test", "--dir", "/nonexistent"],
            "cannot read /nonexistent",
        ),
        (&["inspect", "/nonexistent"], "cannot read /nonexistent"),
        (&["frobnicate"], "frobnicate"),
    ] {
        check(&simpler(words), 2, &[part]);
    }
    check(&simpler(&["--help"]), 0, &["Examples:", "simpler doctor"]);
}

const TESTS: &[(&str, fn())] = &[
    ("passing_scenes_pass", passing_scenes_pass),
    (
        "every_kind_of_failure_is_reported_and_none_stops_the_rest",
        every_kind_of_failure_is_reported_and_none_stops_the_rest,
    ),
    (
        "a_hang_ends_with_all_its_children",
        a_hang_ends_with_all_its_children,
    ),
    (
        "run_prints_a_verdict_and_an_object",
        run_prints_a_verdict_and_an_object,
    ),
    ("wrong_questions_get_answers", wrong_questions_get_answers),
];

/// Words that begin a `simpler` command line and no test's name.
const COMMANDS: [&str; 7] = [
    "run",
    "test",
    "inspect",
    "doctor",
    "run-job",
    "--help",
    "frobnicate",
];

fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    if COMMANDS.contains(&first.as_str()) {
        return cli::main(&Actors);
    }
    let listing = std::env::args().any(|word| word == "--list");
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    for (name, body) in TESTS {
        let asked = filters.is_empty() || filters.iter().any(|filter| name.contains(filter));
        if listing {
            println!("{name}: test");
        } else if asked {
            body();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}
