//! Ranks as threads of this process, and one as a process that dies.

use core::ptr;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::{Communicator, start_of};
use crate::error::Error;

const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(30);

/// A meeting place of this test alone.
fn place(name: &str) -> Vec<u8> {
    format!("{name}-{}", std::process::id()).into_bytes()
}

fn rank(rank: i32, ranks: i32, place: &[u8], patience: Duration) -> Communicator {
    Communicator::new(rank, ranks, place, patience).expect("good numbers")
}

fn text(error: Error) -> String {
    error.to_string()
}

#[test]
fn what_one_rank_writes_the_others_read_after_a_barrier() {
    let place = &place("windows");
    thread::scope(|scope| {
        for own in 0..4_u32 {
            scope.spawn(move || {
                let mut comm = rank(own.cast_signed(), 4, place, PATIENCE);
                let context = *comm.alloc_windows(4096).expect("all come");
                assert_eq!(
                    (context.rank_id, context.rank_num, context.win_size),
                    (own, 4, 4096)
                );
                assert_eq!(context.windows_in, context.windows_out);
                assert_eq!(context.windows_in[4], 0);
                for round in 1..50 {
                    for peer in 0..4_u64 {
                        let window = context.windows_in[usize::try_from(peer).expect("small")];
                        let place = window + 8 * u64::from(own);
                        let place: *mut u64 = ptr::with_exposed_provenance_mut(
                            usize::try_from(place).expect("an address of this process"),
                        );
                        // SAFETY: each rank writes its own word of every window, between barriers.
                        unsafe { place.write(round * 100 + peer) };
                    }
                    comm.barrier().expect("all come");
                    let mine = context.windows_in[own as usize];
                    for peer in 0..4 {
                        let place: *const u64 = ptr::with_exposed_provenance(
                            usize::try_from(mine + 8 * peer).expect("an address of this process"),
                        );
                        // SAFETY: nobody writes between the two barriers.
                        assert_eq!(unsafe { place.read() }, round * 100 + u64::from(own));
                    }
                    comm.barrier().expect("all come");
                }
                comm.destroy().expect("all leave");
            });
        }
    });
    assert!(!std::fs::exists(&rank(0, 4, place, SHORT).path).expect("a folder"));
}

/// In the reference the counters of a dead session make the ranks of the next one run ahead.
#[test]
fn a_new_session_at_the_same_place_starts_from_the_beginning() {
    let place = &place("again");
    for _ in 0..5 {
        thread::scope(|scope| {
            for own in 0..2 {
                scope.spawn(move || {
                    let mut comm = rank(own, 2, place, PATIENCE);
                    comm.alloc_windows(64).expect("all come");
                    comm.barrier().expect("all come");
                    // Gone without leaving, as after a crash.
                });
            }
        });
    }
    let left = rank(0, 2, place, SHORT).path.clone();
    std::fs::remove_file(left).expect("the last session's segment is still there");
}

#[test]
fn a_rank_that_does_not_come_is_missed_in_time() {
    let place = &place("missing");
    let mut alone = rank(0, 2, place, SHORT);
    let error = text(alone.alloc_windows(64).expect_err("nobody else comes"));
    assert!(
        error.contains("rank 0 of 2") && error.contains("arrived 1"),
        "{error}"
    );
    std::fs::remove_file(&alone.path).expect("the segment is still there");
}

#[test]
fn a_rank_that_misses_a_barrier_is_missed_in_time() {
    let place = &place("barrier");
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut comm = rank(1, 2, place, PATIENCE);
            comm.alloc_windows(64).expect("all come");
            comm
        });
        let mut comm = rank(0, 2, place, PATIENCE);
        comm.alloc_windows(64).expect("all come");
        let other = other.join().expect("it arrived");
        comm.patience = SHORT;
        let error = text(comm.barrier().expect_err("the other does not come"));
        assert!(error.contains("at the barrier 1"), "{error}");
        drop(other);
        comm.patience = PATIENCE;
        let error = text(comm.destroy().expect_err("the other has gone"));
        assert!(error.contains("given up"), "{error}");
    });
    std::fs::remove_file(&rank(0, 2, place, SHORT).path).expect("the segment is still there");
}

#[test]
fn ranks_that_disagree_are_told_apart() {
    let place = &place("disagree");
    thread::scope(|scope| {
        let good = scope.spawn(|| {
            let mut comm = rank(0, 2, place, PATIENCE);
            comm.alloc_windows(64)
                .map(|_| ())
                .expect("the good one comes");
            comm.destroy()
        });
        let looking = rank(1, 2, place, PATIENCE);
        let started = Instant::now();
        let has_come = || {
            let segment = looking.open().expect("a folder that can be read");
            segment.is_some_and(|segment| segment.head().ready_count.observe() == 1)
        };
        while !has_come() {
            assert!(started.elapsed() < PATIENCE, "rank 0 comes");
            thread::yield_now();
        }
        let refusal = |own, ranks, bytes| {
            text(
                rank(own, ranks, place, PATIENCE)
                    .alloc_windows(bytes)
                    .expect_err("it disagrees"),
            )
        };
        let error = refusal(1, 2, 65);
        assert!(
            error.contains("windows of 64 bytes") && error.contains("with 65"),
            "{error}"
        );
        assert!(refusal(1, 3, 64).contains("has 2 ranks"));
        assert!(refusal(0, 2, 64).contains("is this rank already"));
        let mut comm = rank(1, 2, place, PATIENCE);
        comm.alloc_windows(64).expect("the good one comes");
        comm.destroy().expect("all leave");
        good.join().expect("no panic").expect("all leave");
    });
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let refusal = |rank, ranks, place: &[u8]| {
        text(Communicator::new(rank, ranks, place, SHORT).expect_err("bad numbers"))
    };
    assert!(refusal(0, 0, b"x").contains("0 ranks are not 1 to 64"));
    assert!(refusal(0, 65, b"x").contains("65 ranks are not 1 to 64"));
    assert!(refusal(2, 2, b"x").contains("rank 2 is not 0 to 1"));
    assert!(refusal(-1, 2, b"x").contains("rank -1 is not 0 to 1"));
    assert!(refusal(0, 1, b"").contains("empty"));
    let error = text(
        rank(0, 1, b"x", SHORT)
            .barrier()
            .expect_err("no windows yet"),
    );
    assert!(error.contains("alloc_windows"), "{error}");
}

#[test]
fn a_process_that_died_is_told_from_one_that_lives() {
    let own = std::process::id();
    assert_eq!(start_of(own), start_of(own));
    assert!(start_of(own).is_some());
    let mut child = std::process::Command::new("true")
        .spawn()
        .expect("a program that ends");
    let pid = child.id();
    child.wait().expect("it ends");
    assert_eq!(start_of(pid), None);
}
