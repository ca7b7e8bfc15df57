//! What a process may be refused: address space, and with it threads and rings; files.

use std::os::fd::AsRawFd;

use host::ArgDirection::Inout;
use host::{Callable, RunReport};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::footprint::{Footprint, pages};
use crate::conformance::bench::{Bench, Buffer, small};
use crate::conformance::script::{Lanes, Step};
use crate::conformance::subject::{Recipe, Subject};

const ONE: &[host::ArgDirection] = &[Inout];

/// A limit of this process, lifted on drop.
struct Limited {
    resource: Resource,
    before: Option<u64>,
}

impl Limited {
    fn to(resource: Resource, most: u64) -> Self {
        let before = getrlimit(resource).current;
        let limited = Self { resource, before };
        limited.set(Some(most));
        limited
    }

    fn set(&self, current: Option<u64>) {
        let maximum = getrlimit(self.resource).maximum;
        let limit = Rlimit { current, maximum };
        setrlimit(self.resource, limit).expect("not above the hard limit");
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.set(self.before);
    }
}

/// Bytes of address space in use.
fn in_use() -> u64 {
    (pages() * rustix::param::page_size()) as u64
}

/// The number that the next opened file gets; the limit is on numbers.
fn next_file() -> u64 {
    let next = std::fs::File::open("/dev/null").expect("every system has it");
    u64::from(next.as_raw_fd().unsigned_abs())
}

/// Everything that a worker does from its start, with whatever there is.
fn everything(bench: &Bench<'_>) -> host::Result<RunReport> {
    bench.worker.init(0)?;
    let programs = [
        bench.worker.register(bench.program(&Recipe::rust(ONE)))?,
        bench.worker.register(bench.program(&Recipe::cpp(ONE)))?,
    ];
    let run = |program: &Callable| {
        let mut data = vec![1; 1 << 18];
        let script = [
            Step::task(0, 0, 1, 1),
            Step::task(0, 0, 1, 1).on(Lanes::Cube),
        ];
        let report = bench.run(program, vec![Buffer::Out(&mut data)], &script, &small())?;
        assert_eq!(data[7], 3);
        Ok::<_, host::Error>(report)
    };
    run(&programs[0])?;
    run(&programs[1])
}

/// Does everything with each of the limits, then without: it works or says what is missing; afterwards it works.
fn sweep(subject: &Subject, resource: Resource, slacks: impl Iterator<Item = u64>) -> Vec<String> {
    let warm = || {
        let bench = Bench::detached(subject);
        everything(&bench).expect("nothing is missing");
        bench.ends_clean();
    };
    for _ in 0..3 {
        warm();
    }
    let before = Footprint::at_rest();
    let mut refusals = Vec::new();
    for slack in slacks {
        let bench = Bench::detached(subject);
        let used = match resource {
            Resource::As => in_use(),
            _ => next_file(),
        };
        let limited = Limited::to(resource, used + slack);
        let outcome = everything(&bench);
        drop(limited);
        match outcome {
            Ok(_) => {}
            Err(host::Error::Device(error)) => refusals.push(error.to_string()),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(bench.worker.memory().bound_buffers, 0);
        for id in 0..2 {
            // Those that were registered before something was missing.
            let _ = bench.worker.unregister_id(id);
        }
        everything(&bench).expect("nothing is missing");
        bench.ends_clean();
        drop(bench);
        warm();
        before.returns();
    }
    refusals
}

/// Wherever address space ends, be it for a thread, the rings, a library or a tensor: an error says so, and the same
/// worker works when there is more.
pub fn address_space_may_end_anywhere(subject: &Subject) {
    const KIB: u64 = 1 << 10;
    let slacks = (1..=12).flat_map(|power| [(256 * KIB) << power, (384 * KIB) << power]);
    let refusals = sweep(subject, Resource::As, slacks);
    let any = |part: &str| refusals.iter().any(|text| text.contains(part));
    assert!(any("thread"), "a thread was refused: {refusals:?}");
    assert!(any("bytes"), "memory was refused: {refusals:?}");
}

/// Wherever open files end: an error says so, and the same worker works when there are more.
pub fn files_may_end_anywhere(subject: &Subject) {
    let refusals = sweep(subject, Resource::Nofile, 0..4);
    let any = |part: &str| refusals.iter().any(|text| text.contains(part));
    assert!(any("Too many open files"), "{refusals:?}");
}
