//! A host program in C loads what `cargo xtask dist` writes, walks every guard, runs, and leaves nothing behind.

use core::time::Duration;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use tests::compiler::{Compiler, root, scratch};
use tests::headers::{Family, Kind};

/// How long one program may take; it is killed then.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a command to its end, or kills it and fails.
fn run(command: &mut Command) -> String {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "c_host");
    let output = folder.join(format!("{:?}.log", thread::current().id()));
    // A folder for temporary files of its own: what is left there was left by this program.
    let temporary = folder.join(format!("{:?}.tmp", thread::current().id()));
    std::fs::create_dir_all(&temporary).expect("the build folder is writable");
    command.env("TMPDIR", &temporary);
    let log = || std::fs::File::create(&output).expect("the build folder is writable");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(log()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stderr = child.stderr.take().expect("piped above");
    let errors = thread::spawn(move || std::io::read_to_string(&mut stderr).unwrap_or_default());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break Some(status);
        }
        if started.elapsed() > LIMIT {
            let killed = child.kill();
            assert!(killed.is_ok(), "it is our child");
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let errors = errors.join().expect("reading does not panic");
    let printed = std::fs::read_to_string(&output).unwrap_or_default();
    let tail: Vec<&str> = errors.lines().rev().take(30).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    let good = status.is_some_and(|status| status.success());
    assert!(
        good,
        "{command:?} ended with {status:?}\n{printed}\n{}",
        tail.join("\n")
    );
    printed
}

/// The distribution, built once per test program.
fn dist() -> &'static Path {
    tests::dist::built(env!("CARGO_TARGET_TMPDIR"))
}

/// The program and what it runs on one variant.
fn command(platform: &str, family: Family, runtime: &str, cycles: u32) -> Command {
    let sources = root().join("tests/c-host");
    let work = scratch(
        env!("CARGO_TARGET_TMPDIR"),
        &format!("c_host_{platform}_{runtime}"),
    );
    let program = work.join("host");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o"])
        .arg(&program);
    run(cc.arg(sources.join("host.c")).args(["-ldl", "-lpthread"]));
    let compiler = Compiler::system();
    let build = |kind, source: &Path, name: &str, defines: &[&str]| {
        let object = work.join(name);
        let built = compiler.shared_object(kind, family, source, &object, defines);
        built.unwrap_or_else(|text| panic!("{text}"));
        object
    };
    let objects = if runtime == "trb" {
        let kernel = root().join("tests/scenes/kernels/combine.cpp");
        [
            build(
                Kind::TrbOrchestration,
                &sources.join("orchestration.cpp"),
                "good.so",
                &[],
            ),
            build(
                Kind::TrbOrchestration,
                &sources.join("fails.cpp"),
                "fails.so",
                &[],
            ),
            build(Kind::TrbKernel, &kernel, "kernel.so", &["-D__DAV_VEC__"]),
        ]
    } else {
        let both = build(
            Kind::HbgOrchestration,
            &sources.join("hbg.cpp"),
            "good.so",
            &[],
        );
        let kernel = sources.join("hbg_kernel.cpp");
        [
            both.clone(),
            both,
            build(Kind::HbgKernel, &kernel, "kernel.so", &["-D__DAV_VEC__"]),
        ]
    };
    let mut command = Command::new(program);
    command
        .arg(dist().join("lib"))
        .arg(dist().join(platform).join(runtime));
    command
        .args([platform, runtime])
        .args(objects)
        .arg(cycles.to_string());
    command
}

fn walk(platform: &str, family: Family, runtime: &str) {
    let printed = run(&mut command(platform, family, runtime, 100));
    assert!(printed.ends_with("ok\n"), "{printed}");
}

#[test]
fn a2a3sim_trb() {
    walk("a2a3sim", Family::A2a3, "trb");
}

#[test]
fn a2a3sim_hbg() {
    walk("a2a3sim", Family::A2a3, "hbg");
}

#[test]
fn a5sim_trb() {
    walk("a5sim", Family::A5, "trb");
}

#[test]
fn a5sim_hbg() {
    walk("a5sim", Family::A5, "hbg");
}

#[test]
#[ignore = "needs valgrind, which the deep gate has: it runs this test and fails without"]
fn nothing_leaks_and_nothing_is_read_that_was_not_written() {
    for (platform, family, runtime) in [
        ("a2a3sim", Family::A2a3, "trb"),
        ("a2a3sim", Family::A2a3, "hbg"),
        ("a5sim", Family::A5, "trb"),
        ("a5sim", Family::A5, "hbg"),
    ] {
        let plain = command(platform, family, runtime, 3);
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full"]);
        valgrind
            .arg("--show-leak-kinds=definite,indirect")
            .arg("--errors-for-leak-kinds=definite,indirect");
        valgrind.arg(plain.get_program()).args(plain.get_args());
        run(&mut valgrind);
    }
}
