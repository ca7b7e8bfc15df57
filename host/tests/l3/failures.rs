//! Tasks that fail, or never end, in children that live.

use core::time::Duration;

use host::team::{Args, Error, Kind, Limits};

use crate::support::{ALL, Case, function, impatient, ints, limits, one, sub_builder, subs};

pub(crate) const CASES: &[Case] = &[
    (
        "errors_name_type_and_place",
        ALL,
        errors_name_type_and_place,
    ),
    (
        "never_returning_functions_are_left",
        ALL,
        never_returning_functions_are_left,
    ),
    ("close_ends_what_hangs", ALL, close_ends_what_hangs),
];

fn errors_name_type_and_place(kind: Kind) {
    let worker = subs(kind, 2);
    let error = one(&worker, "fail", Args::new())
        .expect_err("it fails")
        .to_string();
    for part in ["sub_worker", "ParseIntError", "invalid digit"] {
        assert!(error.contains(part), "{error}");
    }
    let error = one(&worker, "panic", Args::new())
        .expect_err("it panics")
        .to_string();
    assert!(
        error.contains("sub_worker") && error.contains("the roof is on fire"),
        "{error}"
    );
    one(&worker, "nothing", Args::new()).expect("the next run is clean");
}

/// The rest of the graph finishes, and the next run is clean.
pub(crate) fn failing_producers_skip_their_consumers(kind: Kind) {
    let worker = sub_builder(kind, 2)
        .fail_fast(false)
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let (bad, good) = (ints(&worker, &[1]), ints(&worker, &[1]));
    let (add, fail) = (function(&worker, "add"), function(&worker, "fail"));
    let error = worker
        .run(|graph| {
            graph.sub(&fail).args(Args::new().inout(&bad)).submit()?;
            for _ in 0..3 {
                graph
                    .sub(&add)
                    .args(Args::new().inout(&bad).scalar(1))
                    .submit()?;
                graph
                    .sub(&add)
                    .args(Args::new().inout(&good).scalar(1))
                    .submit()?;
            }
            Ok(())
        })
        .expect_err("a task fails");
    let Error::Run { failures, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(failures.len(), 4, "{failures:?}");
    assert!(
        failures[0].fault.message.contains("invalid digit"),
        "{failures:?}"
    );
    let root = format!("skipped because task {} failed", failures[0].task);
    assert!(
        failures[1..]
            .iter()
            .all(|it| it.fault.message.contains(&root)),
        "{failures:?}"
    );
    assert_eq!(bad.load::<i32>().expect("integers"), [1]);
    assert_eq!(good.load::<i32>().expect("integers"), [4]);
    one(&worker, "add", Args::new().inout(&bad).scalar(1)).expect("the next run is clean");
}

fn never_returning_functions_are_left(kind: Kind) {
    let worker = sub_builder(kind, 2)
        .limits(impatient())
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let error = one(&worker, "forever", Args::new().scalar(10_u64))
        .expect_err("it never ends")
        .to_string();
    assert!(error.contains("did not answer in time"), "{error}");
    one(&worker, "nothing", Args::new()).expect("the other child is left");
}

fn close_ends_what_hangs(kind: Kind) {
    let limits = Limits {
        close: Duration::from_millis(200),
        ..limits()
    };
    let worker = sub_builder(kind, 1)
        .limits(limits)
        .build()
        .expect("it makes sense");
    worker.init().expect("it starts");
    let forever = function(&worker, "forever");
    let handle = worker
        .submit_run(|graph| {
            graph
                .sub(&forever)
                .args(Args::new().scalar(5_u64))
                .submit()
                .map(drop)
                .map_err(Into::into)
        })
        .expect("it is built");
    let closed = worker.close();
    assert!(
        closed
            .expect_err("it hangs")
            .to_string()
            .contains("sub_worker 0")
    );
    assert!(handle.result().is_err());
}
