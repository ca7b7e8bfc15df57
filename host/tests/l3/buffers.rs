//! Buffers: made at any time, reaching every kind of child, alive as long as somebody needs them.

use host::team::{Args, Kind};

use crate::support::{
    Case, EXEC, PROCESSES, chips, config, floats, function, ints, loaded, one, sub_builder, subs,
};

pub(crate) const CASES: &[Case] = &[
    (
        "dropped_buffers_are_unmapped",
        PROCESSES,
        dropped_buffers_are_unmapped,
    ),
    (
        "no_descriptors_in_the_parent",
        EXEC,
        no_descriptors_in_the_parent,
    ),
    (
        "no_descriptors_in_the_child",
        PROCESSES,
        no_descriptors_in_the_child,
    ),
    ("no_memory_left", &[Kind::Thread], no_memory_left),
    (
        "a_full_dev_shm_does_no_harm",
        EXEC,
        a_full_dev_shm_does_no_harm,
    ),
];

pub(crate) fn buffers_made_late_arrive(kind: Kind) {
    let worker = subs(kind, 2);
    let add = function(&worker, "add");
    let mut last = None;
    for round in 0..20 {
        worker
            .run(|graph| {
                let early = ints(&worker, &[round]);
                graph
                    .sub(&add)
                    .args(Args::new().inout(&early).scalar(1))
                    .submit()?;
                // The tensor is dropped before the task is over; its memory is not.
                last = Some(early.clone());
                let gone = ints(&worker, &[1, 2, 3]);
                graph
                    .sub(&add)
                    .args(Args::new().inout(&gone).scalar(1))
                    .submit()?;
                Ok(())
            })
            .expect("it runs");
        assert_eq!(loaded(last.as_ref().expect("just set")), [round + 1]);
    }
}

/// The same for chips: what an upload reads and a download writes was made after `init`.
pub(crate) fn buffers_made_late_reach_chips(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 1)]);
    let sum = worker.named_program("sum").expect("it is registered");
    for round in 0..5_u8 {
        let out = floats(&worker, 0.0, 64);
        worker
            .run(|graph| {
                // The inputs are dropped before the task is over; their memory is not.
                let (a, b) = (floats(&worker, 1.0, 64), floats(&worker, round.into(), 64));
                let args = Args::new().input(&a).input(&b).output_existing(&out);
                graph.submit_next_level(&sum, args, &config())?;
                Ok(())
            })
            .expect("it runs");
        assert_eq!(
            out.load::<f32>().expect("floats"),
            [f32::from(round) + 1.0; 64]
        );
    }
}

/// A child keeps no mapping of memory that nobody has any more.
fn dropped_buffers_are_unmapped(kind: Kind) {
    let worker = subs(kind, 1);
    let process = worker.children()[0].process.expect("it has one");
    let maps = || {
        let text = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("it lives");
        text.lines().filter(|line| line.contains("memfd:")).count()
    };
    one(&worker, "nothing", Args::new()).expect("it works");
    let before = maps();
    for round in 0..50 {
        let tensor = ints(&worker, &[round]);
        one(&worker, "add", Args::new().inout(&tensor).scalar(1)).expect("it runs");
    }
    // Answers come in order, so the last mapping is gone when this one is there.
    for _ in 0..2 {
        one(&worker, "nothing", Args::new()).expect("it works");
    }
    assert!(maps() <= before + 1, "{} mappings, {before} before", maps());
}

/// Lowers the number of descriptors that this process may have while `body` runs.
fn without_descriptors<R>(body: impl FnOnce() -> R) -> R {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(3),
        ..before
    };
    setrlimit(Resource::Nofile, none).expect("lowering is allowed");
    let result = body();
    setrlimit(Resource::Nofile, before).expect("it is below the hard limit");
    result
}

fn no_descriptors_in_the_parent(kind: Kind) {
    let worker = subs(kind, 1);
    let tensor = ints(&worker, &[1]);
    let error = without_descriptors(|| worker.buffer(64).expect_err("a file needs one"));
    assert!(
        error.to_string().contains("cannot open 64 bytes"),
        "{error}"
    );
    one(&worker, "add", Args::new().inout(&tensor).scalar(1)).expect("the worker goes on");
    worker.buffer(64).expect("there are enough now");
}

/// A buffer that a child could not take is refused there, at once and every time; others arrive.
fn no_descriptors_in_the_child(kind: Kind) {
    let worker = sub_builder(kind, 1).functions(["descriptors"]).build();
    let worker = worker.expect("it makes sense");
    worker.init().expect("it starts");
    one(&worker, "descriptors", Args::new().scalar(0)).expect("there are none left");
    let lost = ints(&worker, &[1]);
    for _ in 0..2 {
        let error = one(&worker, "add", Args::new().inout(&lost).scalar(1));
        let text = error.expect_err("it did not arrive").to_string();
        assert!(
            text.contains("sub_worker 0") && text.contains("without a descriptor"),
            "{text}"
        );
    }
    one(&worker, "descriptors", Args::new().scalar(1)).expect("there are some again");
    let tensor = ints(&worker, &[1]);
    one(&worker, "add", Args::new().inout(&tensor).scalar(1)).expect("another arrives");
    assert_eq!(loaded(&tensor), [2]);
}

fn no_memory_left(_: Kind) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let worker = subs(Kind::Thread, 1);
    // Beyond its size limit a memory file cannot grow: what a full memory file system says, made small.
    // SAFETY: the signal is ignored, which touches nothing.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let before = getrlimit(Resource::Fsize);
    let limited = Rlimit {
        current: Some(1 << 20),
        ..before
    };
    setrlimit(Resource::Fsize, limited).expect("lowering is allowed");
    let error = worker
        .buffer(1 << 21)
        .expect_err("there is no room")
        .to_string();
    setrlimit(Resource::Fsize, before).expect("it is below the hard limit");
    assert!(
        error.contains("2097152 bytes of shared memory for a buffer"),
        "{error}"
    );
    one(&worker, "nothing", Args::new()).expect("the worker goes on");
    worker.buffer(1 << 21).expect("there is room now");
    let limited = Rlimit {
        current: Some(1 << 20),
        ..getrlimit(Resource::As)
    };
    let before = getrlimit(Resource::As);
    setrlimit(Resource::As, limited).expect("lowering is allowed");
    let error = worker.buffer(1 << 21).expect_err("there are no addresses");
    setrlimit(Resource::As, before).expect("it is below the hard limit");
    assert!(
        error.to_string().contains("cannot map 2097152 bytes"),
        "{error}"
    );
    one(&worker, "nothing", Args::new()).expect("the worker goes on");
}

/// Gives this process a `/dev/shm` of its own with one page in it, which is taken. Says false if it may not.
fn fill_dev_shm() -> bool {
    const TARGET: &core::ffi::CStr = c"/dev/shm";
    // SAFETY: the case is alone in its process; from here on it has mounts of its own.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return false;
    }
    let (none, flags) = (core::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
    // SAFETY: strings that end with zero; it changes the mounts of this process only.
    let private = unsafe { libc::mount(c"none".as_ptr(), c"/".as_ptr(), none, flags, none.cast()) };
    let options = c"size=4096".as_ptr().cast();
    let tmpfs = c"tmpfs".as_ptr();
    // SAFETY: as above.
    let mounted =
        private == 0 && unsafe { libc::mount(tmpfs, TARGET.as_ptr(), tmpfs, 0, options) } == 0;
    if mounted {
        std::fs::write("/dev/shm/full", [1; 4096]).expect("one page fits");
        std::fs::write("/dev/shm/more", [1; 4096]).expect_err("a second does not");
    }
    mounted
}

/// Nothing of a worker lies there: memory files have no name, so a full folder is nobody's problem.
fn a_full_dev_shm_does_no_harm(kind: Kind) {
    if !fill_dev_shm() {
        eprintln!("l3: NOT RUN: this process may not mount; only the size limit was tried");
        return;
    }
    let count = || std::fs::read_dir("/dev/shm").expect("a folder").count();
    let before = count();
    let worker = chips(kind, &[("a2a3sim", 2)]);
    let comm = worker
        .communicator(&[0, 1], 1 << 16, &[])
        .expect("both join");
    let sum = worker.named_program("sum").expect("it is registered");
    let (a, out) = (floats(&worker, 2.0, 1 << 16), floats(&worker, 0.0, 1 << 16));
    let args = Args::new().input(&a).input(&a).output_existing(&out);
    worker
        .run_program(1, &sum, args, &config())
        .expect("it runs");
    assert_eq!(out.load::<f32>().expect("floats")[9], 4.0);
    assert_eq!(count(), before);
    drop(comm);
}
