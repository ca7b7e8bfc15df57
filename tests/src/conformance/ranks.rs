//! Chips that see each other's memory.

use core::time::Duration;
use std::thread;

use host::ArgDirection::Inout;
use host::{Callable, DeviceAddress, RunConfig, RunOptions};
use platform::ForeignMemory;
use protocol::comm::CommContext;

use super::bench::{Bench, Buffer, of_device, small};
use super::reach::Windows;
use super::script::Step;
use super::subject::{Recipe, Subject};

/// How long a rank waits for the others. Through the C interface, which has no place for it, it is two minutes.
const PATIENCE: Duration = Duration::from_secs(60);
const WINDOW: u64 = 4096;
const WORDS: usize = 8;

/// A path that only ranks of one case name.
fn meeting(subject: &Subject, case: &str) -> Vec<u8> {
    let name = subject.name().replace('/', "-");
    format!("{}/{name}-{case}-{}", subject.scratch, std::process::id()).into_bytes()
}

/// Runs may use windows: each rank promises that those of the others are there.
fn with_windows() -> RunConfig {
    RunConfig {
        options: RunOptions {
            // SAFETY: the ranks of a case leave together, after their last run.
            foreign_memory: unsafe { ForeignMemory::promised() },
            ..RunOptions::default()
        },
        ..small()
    }
}

/// What a kernel is given, read by a kernel.
fn context(bench: &Bench<'_>, program: &Callable, address: DeviceAddress) -> CommContext {
    let mut words = [0; size_of::<CommContext>() / 4];
    let length = words.len();
    let buffers = vec![Buffer::Resident(address, length), Buffer::Out(&mut words)];
    let script = [Step::task(0, 1, 1, 0)];
    bench
        .run(program, buffers, &script, &with_windows())
        .expect("a good run");
    bytemuck::pod_read_unaligned(bytemuck::bytes_of(&words))
}

/// Whether ranks are refused, as the terms say, whatever their numbers.
fn are_refused(bench: &Bench<'_>, meeting: &[u8]) -> bool {
    let Windows::Never { says, because } = bench.subject.terms().windows else {
        return false;
    };
    let joined = bench.worker.device().join(0, 1, meeting, PATIENCE);
    let text = of_device(joined.map_err(Into::into)).to_string();
    assert!(text.contains(says), "{text}, though {because}");
    true
}

/// Kernels of one rank write to the windows of all others, which see it after the barrier and not before; round after
/// round.
pub fn ranks_write_to_each_others_windows(subject: &Subject) {
    const RANKS: u32 = 3;
    let meeting = meeting(subject, "windows");
    let run = |rank: u32| {
        let bench = Bench::detached(subject);
        let number = i32::try_from(rank).expect("few");
        bench.worker.init(number).expect("a fresh worker");
        let recipe = Recipe::cpp(&[Inout, Inout]);
        let program = bench.registered(&recipe);
        if are_refused(&bench, &meeting) {
            return bench.proves_itself_amid_others(&program);
        }
        let device = bench.worker.device();
        let ranks = i32::try_from(RANKS).expect("few");
        let mut comm = device
            .join(number, ranks, &meeting, PATIENCE)
            .expect("good numbers");
        assert_eq!((comm.rank(), comm.ranks()), (rank, RANKS));
        let address = comm.alloc_windows(WINDOW).expect("all ranks come");
        let context = context(&bench, &program, address);
        assert_eq!((context.rank_id, context.rank_num), (rank, RANKS));
        let bytes = match subject.terms().windows {
            Windows::Given { bytes, .. } => bytes,
            Windows::AsAsked | Windows::Never { .. } => WINDOW,
        };
        assert_eq!((context.win_size, comm.window_bytes()), (bytes, bytes));
        let windows = &context.windows_in[..RANKS as usize];
        assert_eq!(windows, &context.windows_out[..RANKS as usize]);
        assert_eq!(windows[rank as usize], comm.window_base().0);
        // Each rank has a place of its own in every window.
        let place = |rank: u32| u64::from(rank) * 4 * WORDS as u64;
        let window = |of: u32, place: u64| {
            let address = DeviceAddress(windows[of as usize]).offset(place);
            Buffer::Resident(address, WORDS)
        };
        let value = |of: u32, round: u32| 1000 * of + round;
        for round in 1..4 {
            for peer in 0..RANKS {
                let mut data = [value(rank, round); WORDS];
                let buffers = vec![Buffer::Out(&mut data), window(peer, place(rank))];
                let script = [Step::task(0, 1, 1, 0)];
                let run = bench.run(&program, buffers, &script, &with_windows());
                run.expect("a good run");
            }
            comm.barrier().expect("all ranks come");
            for peer in 0..RANKS {
                let mut data = [0; WORDS];
                let buffers = vec![window(rank, place(peer)), Buffer::Out(&mut data)];
                let script = [Step::task(0, 1, 1, 0)];
                let run = bench.run(&program, buffers, &script, &with_windows());
                run.expect("a good run");
                assert_eq!(data, [value(peer, round); WORDS], "from rank {peer}");
            }
            comm.barrier().expect("all ranks come");
        }
        comm.destroy().expect("all ranks leave");
        bench.ends_clean();
    };
    thread::scope(|scope| {
        for rank in 0..RANKS {
            let run = &run;
            scope.spawn(move || run(rank));
        }
    });
}

/// Numbers that make no rank are refused with what is wrong, and nobody waits for one.
pub fn ranks_that_cannot_be_are_refused(subject: &Subject) {
    let bench = Bench::new(subject);
    let meeting = meeting(subject, "refused");
    if are_refused(&bench, &meeting) {
        return bench.proves_itself(&bench.registered(&Recipe::rust(&[Inout])));
    }
    let cases: [(i32, i32, &[u8], &str); 6] = [
        (2, 2, &meeting, "rank 2 is not 0 to 1"),
        (-1, 2, &meeting, "rank -1 is not 0 to 1"),
        (0, 0, &meeting, "0 ranks are not 1 to 64"),
        (0, -3, &meeting, "-3 ranks are not 1 to 64"),
        (0, 65, &meeting, "65 ranks are not 1 to 64"),
        (0, 1, b"", "path"),
    ];
    for (rank, ranks, meeting, words) in cases {
        let joined = bench.worker.device().join(rank, ranks, meeting, PATIENCE);
        let error = of_device(joined.map_err(Into::into));
        let text = error.to_string();
        assert_eq!(error.code(), -1, "{text}");
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    // One rank alone is a communicator, too.
    let mut comm = bench
        .worker
        .device()
        .join(0, 1, &meeting, PATIENCE)
        .expect("it is");
    comm.alloc_windows(WINDOW).expect("nobody is missing");
    comm.barrier().expect("nobody is missing");
    comm.destroy().expect("nobody is missing");
    bench.proves_itself(&bench.registered(&Recipe::rust(&[Inout])));
    bench.ends_clean();
}
