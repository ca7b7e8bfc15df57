//! Starts that fail: helpers that are none, chips that are broken, machines that are full.

use core::time::Duration;

use host::team::{Kind, Limits, Worker};

use crate::support::{Case, EXEC, catalogue, limits, one, sub_builder};

pub(crate) const CASES: &[Case] = &[
    (
        "failing_starts_are_undone",
        &[Kind::Thread, Kind::Exec],
        failing_starts_are_undone,
    ),
    ("children_inherit_nothing", EXEC, children_inherit_nothing),
    (
        "no_descriptors_to_start_with",
        EXEC,
        no_descriptors_to_start_with,
    ),
    (
        "forks_do_not_reach_each_other",
        &[Kind::EarlyFork],
        forks_do_not_reach_each_other,
    ),
    (
        "forks_need_one_thread",
        &[Kind::EarlyFork],
        forks_need_one_thread,
    ),
];

pub(crate) fn never_ready(_: Kind) {
    let script = std::env::temp_dir().join(format!("l3-helper-{}", std::process::id()));
    let build = |helper: &std::path::Path| {
        Worker::builder(3)
            .subs(2)
            .sub_kind(Kind::Exec)
            .helper(helper)
            .limits(Limits {
                start: Duration::from_millis(300),
                close: Duration::from_millis(300),
                ..limits()
            })
            .build()
            .expect("it makes sense")
    };
    for (body, parts) in [
        (
            "#!/bin/sh\nsleep 100\n",
            ["sub_worker 0, sub_worker 1 did not answer", "get ready"],
        ),
        ("#!/bin/sh\nexit 5\n", ["did not start", "exit code 5"]),
        (
            "#!/no/such/interpreter\n",
            ["sub_worker 0: cannot execute the helper", "os error 2"],
        ),
    ] {
        std::fs::write(&script, body).expect("the folder is there");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&script, mode).expect("it is ours");
        let worker = build(&script);
        let error = worker.init().expect_err("that is no helper").to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in `{error}`");
        }
        worker.close().expect("there is nothing to close");
    }
    std::fs::remove_file(&script).expect("it is ours");
}

fn failing_starts_are_undone(kind: Kind) {
    let broken = catalogue().platform("brokensim", || panic!("no such chip in the box"));
    if kind == Kind::Exec {
        let worker = Worker::builder(3)
            .chips("a2a3sim", [0])
            .chips("brokensim", [1])
            .next_level_kind(Kind::Exec)
            .catalogue(&broken)
            .limits(limits())
            .build()
            .expect("it makes sense");
        // The child's catalogue is this program's, which does not have that platform.
        let error = worker.init().expect_err("a chip is broken").to_string();
        assert!(
            error.contains("chip_process 1 dev=1 did not start"),
            "{error}"
        );
        assert!(error.contains("brokensim"), "{error}");
    } else {
        let worker = Worker::builder(3)
            .chips("a2a3sim", [0])
            .chips("brokensim", [1])
            .next_level_kind(kind)
            .subs(1)
            .catalogue(&broken)
            .limits(limits())
            .build();
        // Building only asks whether the platform is there.
        let worker = worker.expect("it makes sense");
        let error = worker.init().expect_err("a chip is broken").to_string();
        assert!(error.contains("no such chip in the box"), "{error}");
        worker.close().expect("it is as it was");
    }
}

fn no_descriptors_to_start_with(_: Kind) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").expect("a list").count() as u64;
    let limited = Rlimit {
        current: Some(open + 6),
        ..before
    };
    let worker = sub_builder(Kind::Exec, 8).build().expect("it makes sense");
    setrlimit(Resource::Nofile, limited).expect("lowering is allowed");
    let error = worker.init().expect_err("there are too few").to_string();
    setrlimit(Resource::Nofile, before).expect("it is below the hard limit");
    assert!(
        error.contains("os error 24") || error.contains("Too many open files"),
        "{error}"
    );
    worker.init().expect("there are enough now");
    one(&worker, "nothing", host::team::Args::new()).expect("it works");
}

fn forks_need_one_thread(kind: Kind) {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || ended.recv());
    let worker = sub_builder(kind, 1).build().expect("it makes sense");
    let error = worker
        .init()
        .expect_err("there is another thread")
        .to_string();
    assert!(error.contains("this one has 2"), "{error}");
    drop(end);
    let _ = thread.join().expect("no panic");
}

/// A file that this process keeps open for whoever it executes is not the children's.
fn children_inherit_nothing(kind: Kind) {
    let (kept, _other) = std::os::unix::net::UnixStream::pair().expect("there are descriptors");
    let inherited = rustix::io::FdFlags::empty();
    rustix::io::fcntl_setfd(&kept, inherited).expect("it is open");
    let worker = crate::support::subs(kind, 1);
    let process = worker.children()[0].process.expect("it has one");
    let folder = std::fs::read_dir(format!("/proc/{process}/fd")).expect("it lives");
    let links: Vec<String> = folder
        .flatten()
        .filter_map(|it| Some(std::fs::read_link(it.path()).ok()?.display().to_string()))
        .collect();
    let ours = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&kept));
    let ours = std::fs::read_link(ours)
        .expect("it is open")
        .display()
        .to_string();
    assert!(!links.contains(&ours), "{links:?} with {ours}");
}

/// A forked child has what this process had, but not the ways to the children that were forked before it.
fn forks_do_not_reach_each_other(kind: Kind) {
    let worker = crate::support::subs(kind, 3);
    let open = |process: u32| -> Vec<String> {
        let folder = std::fs::read_dir(format!("/proc/{process}/fd")).expect("it lives");
        let links = folder
            .flatten()
            .filter_map(|it| std::fs::read_link(it.path()).ok());
        links
            .map(|link| link.display().to_string())
            .filter(|link| link.starts_with("socket:") || link.contains("pidfd"))
            .collect()
    };
    for child in worker.children() {
        let open = open(child.process.expect("it has one"));
        assert_eq!(open.len(), 1, "{}: {open:?}", child.label);
    }
}
