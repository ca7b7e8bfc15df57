//! The heap rings: when they are full, what they say, when room comes back.

use core::time::Duration;

use host::team::{Args, Error, Kind, Limits, Tensor};

use crate::support::{function, impatient, limits, one, sub_builder};

pub(crate) fn a_full_heap_says_why(kind: Kind) {
    let worker = sub_builder(kind, 1)
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let error = worker
        .run(|graph| {
            graph.alloc::<i32>(&[200_000])?;
            graph.alloc::<i32>(&[200_000])?;
            Ok(())
        })
        .expect_err("both do not fit");
    assert!(
        matches!(&error, Error::HeapFull { report, .. } if report.ring == 0),
        "the graph function's error comes back as it was: {error:?}"
    );
    let error = error.to_string();
    for part in [
        "heap ring 0",
        "800768",
        "1048576",
        "heap_ring_bytes",
        "task",
    ] {
        assert!(error.contains(part), "`{part}` is not in `{error}`");
    }
    one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

/// A submit that waits for room waits as long as something moves, however long that takes in all; and a ring
/// that became empty has all of its room, wherever it stood.
pub(crate) fn slow_heaps_are_waited_for(kind: Kind) {
    const TASKS: i32 = 10;
    let worker = sub_builder(kind, 1)
        .limits(Limits {
            heap: Duration::from_secs(2),
            ..limits()
        })
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let store_slowly = function(&worker, "store_slowly");
    worker
        .run(|graph| {
            // Most of a ring, used by one task after the other: each is progress, all of them take longer than the limit,
            // and only the last gives the room back.
            let mut scope = graph.scope()?;
            let taken = scope.alloc::<i32>(&[200_000])?;
            for value in 0..TASKS {
                let args = Args::new().inout(&taken).scalar(value).scalar(300_u64);
                scope.sub(&store_slowly).args(args).submit()?;
            }
            drop(scope);
            graph.scope()?.alloc::<i32>(&[200_000])?;
            Ok(())
        })
        .expect("something always moves");
    worker
        .run(|graph| {
            // Refused after its memory was found: that goes back.
            for _ in 0..10 {
                let unplaced = Tensor::unplaced::<i32>(&[200_000])?;
                let args = Args::new().output(&unplaced).scalar(1).scalar(0_u64);
                let refused = graph.sub(&store_slowly).args(args).on(9).submit();
                let text = refused.expect_err("there is no such child").to_string();
                assert!(text.contains("child 9"), "{text}");
            }
            Ok(())
        })
        .expect("nothing is left of what was refused");
    worker
        .run(|graph| {
            // Uneven first, then all there is: only a ring that starts again at 0 has it in one piece.
            graph.scope()?.alloc::<u8>(&[700 << 10])?;
            graph.scope()?.alloc::<u8>(&[1 << 20])?;
            graph.scope()?.alloc::<u8>(&[1 << 20])?;
            Ok(())
        })
        .expect("an empty ring has all of its room");
}
