use platform::diagnostics::{Call, Phase, Swimlane};

use super::Measures;
use super::spread::percentile;

/// Four tasks of a diamond on three cores, with one dispatch phase per call.
pub(crate) fn diamond() -> Swimlane {
    let task = |number: u64| 1 << 32 | number;
    let call = |number, func_id, core, times: [u64; 4]| {
        let [dispatch, start, end, finish] = times;
        Call {
            task: task(number),
            func_id,
            core,
            vector: core != 0,
            dispatch,
            start,
            end,
            finish,
        }
    };
    let calls = vec![
        call(0, 0, 0, [1000, 2000, 12_000, 13_000]),
        call(1, 1, 1, [13_200, 14_000, 18_000, 18_600]),
        call(2, 1, 2, [13_400, 14_500, 20_500, 21_000]),
        call(3, 2, 0, [21_200, 22_000, 27_000, 27_400]),
    ];
    let phase = |name: &str, start, end| Phase {
        name: name.to_owned(),
        start,
        end,
        index: 0,
        subject: 1,
    };
    let phases = vec![
        phase("dispatch", 900, 1100),
        phase("complete", 12_900, 13_100),
        phase("dispatch", 13_100, 13_300),
        phase("dispatch", 13_300, 13_500),
        phase("complete", 18_500, 18_700),
        phase("complete", 20_900, 21_100),
        phase("dispatch", 21_100, 21_300),
        phase("complete", 27_300, 27_500),
    ];
    Swimlane {
        calls,
        edges: [(0, 1), (0, 2), (1, 3), (2, 3)]
            .map(|(from, to)| (task(from), task(to)))
            .to_vec(),
        schedulers: vec![phases, Vec::new(), Vec::new(), Vec::new()],
        core_to_thread: vec![0; 3],
        ..Swimlane::default()
    }
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.005
}

#[test]
fn the_worked_example_comes_out_to_the_digit() {
    let measures = Measures::of(&diamond()).expect("it has calls");
    assert_eq!(
        (measures.makespan, measures.scheduler_span),
        (25_000, 26_400)
    );
    assert_eq!((measures.tasks, measures.cores, measures.peak), (4, 3, 2));
    assert_eq!(measures.busy, 25_000);
    assert!(close(measures.utilisation, 1.0 / 3.0));
    assert!(close(measures.concurrency, 1.0));
    assert!(close(measures.imbalance, 1.8));
    assert_eq!(measures.head.total, 3_700);
    assert_eq!(measures.tail.total, 2_500);
    assert_eq!(measures.switch.count, 0);
    // Nearest rank: the second of four; the reference's rule yields the third, 600.
    assert_eq!((measures.tail.p50, measures.tail.p90), (500, 1_000));
    assert_eq!(measures.static_path, 21_000);
    let path = &measures.observed;
    assert_eq!((path.compute, path.data_wait), (21_000, 4_000));
    assert_eq!((path.core_wait, path.front), (0, 0));
    let waits: Vec<u64> = path.steps.iter().map(|step| step.wait).collect();
    assert_eq!(waits, [0, 2_500, 1_500]);
    assert_eq!(path.compute + path.data_wait, measures.makespan);
    assert_eq!(measures.queue_wait.total, 1_200 + 1_400 + 700);

    let expected = [
        (0, 1, 10_000.0, 12_000.0, 1_000.0, 1_000.0),
        (1, 2, 5_000.0, 6_500.0, 950.0, 550.0),
        (2, 1, 5_000.0, 6_200.0, 800.0, 400.0),
    ];
    let mut functions = measures.functions.clone();
    functions.sort_by_key(|it| it.func_id);
    for (function, (id, count, exec, latency, head, tail)) in functions.iter().zip(expected) {
        assert_eq!((function.func_id, function.exec.count), (id, count));
        for (found, wanted) in [
            (function.exec.mean, exec),
            (function.latency.mean, latency),
            (function.head.mean, head),
            (function.tail.mean, tail),
        ] {
            assert!(close(found, wanted), "func {id}: {found}, not {wanted}");
        }
    }
}

#[test]
fn a_call_dispatched_early_has_a_switch_and_no_head() {
    let call = |task, dispatch, start, end| Call {
        task,
        dispatch,
        start,
        end,
        finish: end,
        ..Call::default()
    };
    let swimlane = Swimlane {
        calls: vec![call(0, 10, 20, 50), call(1, 30, 60, 90)],
        ..Swimlane::default()
    };
    let measures = Measures::of(&swimlane).expect("it has calls");
    assert_eq!((measures.head.count, measures.head.total), (1, 10));
    assert_eq!((measures.switch.count, measures.switch.total), (1, 10));
    assert_eq!(measures.observed.core_wait, 10);
}

#[test]
fn what_is_missing_is_left_out() {
    assert_eq!(Measures::of(&Swimlane::default()), None);
    let mut swimlane = diamond();
    swimlane.calls[3].end = 0;
    swimlane.calls[2].dispatch = 0;
    swimlane.calls[1].start = swimlane.calls[1].end;
    swimlane.edges.push((7, 9));
    let measures = Measures::of(&swimlane).expect("three calls came to their end");
    assert_eq!((measures.calls, measures.unfinished), (4, 1));
    assert_eq!(measures.head.count, 2);
    let path = &measures.observed;
    let all = path.compute + path.data_wait + path.core_wait + path.front;
    assert_eq!(all, measures.makespan);
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    let all = [1, 10, 11, 50, 90, 99, 100].map(|percent| percentile(&values, percent));
    assert_eq!(all, [1, 1, 2, 5, 9, 10, 10]);
    assert_eq!(percentile(&[], 50), 0);
}
