//! The trace, held against what its viewer demands; records, written and read again.

use std::collections::{BTreeMap, HashMap};

use platform::diagnostics::{Call, Swimlane, trace};
use serde_json::Value;

use super::measures::tests::diamond;
use super::records;

/// A trace whose slices and arrows are as the viewer needs them.
pub(crate) struct Checked {
    /// Names of slices by process.
    slices: BTreeMap<u64, Vec<String>>,
    /// Names of arrows.
    arrows: Vec<String>,
}

fn nanoseconds(event: &Value, key: &str) -> u64 {
    let micros = event[key].as_f64().expect("a number");
    assert!(micros >= 0.0, "{event}");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above; traces of tests are short"
    )]
    let nanoseconds = (micros * 1000.0).round() as u64;
    nanoseconds
}

fn text(event: &Value, key: &str) -> String {
    event[key].as_str().expect("a text").to_owned()
}

fn thread(event: &Value) -> (u64, u64) {
    let number = |key| event[key].as_u64().expect("a number");
    (number("pid"), number("tid"))
}

/// Reads a trace and holds every rule of the viewer against it.
fn check(swimlane: &Swimlane) -> Checked {
    let mut bytes = Vec::new();
    trace::write(swimlane, &mut bytes).expect("memory takes everything");
    let trace: Value = serde_json::from_slice(&bytes).expect("a trace is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let of_kind = |kind: &'static str| events.iter().filter(move |event| event["ph"] == kind);

    let mut threads: HashMap<(u64, u64), Vec<(u64, u64)>> = HashMap::new();
    let mut slices: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for slice in of_kind("X") {
        let start = nanoseconds(slice, "ts");
        let end = start + nanoseconds(slice, "dur");
        assert!(start < end, "{slice}");
        threads.entry(thread(slice)).or_default().push((start, end));
        let (pid, _) = thread(slice);
        slices.entry(pid).or_default().push(text(slice, "name"));
    }
    let mut owners: HashMap<u64, u64> = HashMap::new();
    for (&(pid, tid), slots) in &mut threads {
        assert_eq!(*owners.entry(tid).or_insert(pid), pid, "thread {tid}");
        slots.sort_unstable();
        for pair in slots.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "thread {tid}: {pair:?} overlap");
        }
    }
    let mut ends: HashMap<u64, [u32; 2]> = HashMap::new();
    let mut arrows = Vec::new();
    for (index, kind) in ["s", "f"].into_iter().enumerate() {
        for point in of_kind(kind) {
            let at = nanoseconds(point, "ts");
            let slots = &threads[&thread(point)];
            let inside = slots.iter().filter(|slot| slot.0 <= at && at < slot.1);
            assert_eq!(inside.count(), 1, "{point}");
            let id = point["id"].as_u64().expect("a number");
            ends.entry(id).or_default()[index] += 1;
            if kind == "s" {
                arrows.push(text(point, "name"));
            }
        }
    }
    assert!(
        ends.values().all(|ends| *ends == [1, 1]),
        "one arrow per id"
    );
    let named = of_kind("M").filter(|event| event["name"] == "thread_name");
    assert_eq!(named.count(), threads.len(), "every thread has a name");
    Checked { slices, arrows }
}

fn count(arrows: &[String], name: &str) -> usize {
    arrows.iter().filter(|arrow| *arrow == name).count()
}

#[test]
fn the_worked_example_has_its_slices_and_arrows() {
    let checked = check(&diamond());
    let slices: Vec<usize> = checked.slices.values().map(Vec::len).collect();
    assert_eq!(slices, [4, 4, 8], "cores, view, schedulers");
    assert_eq!(count(&checked.arrows, "dependency"), 8);
    assert_eq!(count(&checked.arrows, "dispatch"), 8);
    assert_eq!(checked.arrows.len(), 16);
    assert_eq!(checked.slices[&1][3], "func_2_c(r1t3)");
}

#[test]
fn arrows_against_time_are_called_so() {
    let mut swimlane = diamond();
    swimlane.calls[3].start = 20_000;
    let checked = check(&swimlane);
    assert_eq!(count(&checked.arrows, "hb_violation"), 2);
}

fn call(task: u64, core: u32, times: [u64; 4]) -> Call {
    let [dispatch, start, end, finish] = times;
    Call {
        task,
        core,
        dispatch,
        start,
        end,
        finish,
        ..Call::default()
    }
}

#[test]
fn no_swimlane_makes_a_bad_trace() {
    check(&Swimlane::default());
    // Calls without a length at one moment, dispatched on top of each other; one that did not start, one that did
    // not end, one that nobody saw end; an edge from and to nowhere; a huge task id.
    let swimlane = Swimlane {
        calls: vec![
            call(0, 0, [5, 20, 20, 40]),
            call(1, 0, [6, 20, 20, 41]),
            call(2, 0, [7, 20, 20, 42]),
            call(3, 0, [8, 20, 30, 43]),
            call(4, 1, [9, 0, 0, 0]),
            call(5, 1, [9, 50, 0, 0]),
            call(6, 2, [9, 50, 60, 0]),
            call(u64::MAX - 1, 2, [0, 70, 80, 0]),
        ],
        edges: vec![(0, 3), (1, 2), (3, 99), (77, 3)],
        core_to_thread: vec![0, -1],
        ..Swimlane::default()
    };
    let checked = check(&swimlane);
    let unfinished = |pid: u64| {
        let names = checked.slices[&pid].iter();
        names.filter(|name| name.ends_with(" unfinished")).count()
    };
    assert_eq!((checked.slices[&1].len(), unfinished(1)), (7, 1));
    assert_eq!((checked.slices[&2].len(), unfinished(2)), (7, 3));
    assert_eq!(count(&checked.arrows, "dependency"), 4);
}

#[test]
fn all_calls_of_a_mixed_task_are_connected_and_blocks_by_one() {
    let blocks = |task: u64, number: u32, at: u64| {
        (0..number).map(move |core| call(task, core, [at, at + 1, at + 5, at + 6]))
    };
    let few: Vec<Call> = blocks(0, 3, 10).chain(blocks(1, 2, 30)).collect();
    let many: Vec<Call> = blocks(0, 24, 10).chain(blocks(1, 24, 30)).collect();
    for (calls, arrows) in [(few, 6), (many, 1)] {
        let swimlane = Swimlane {
            calls,
            edges: vec![(0, 1)],
            ..Swimlane::default()
        };
        let checked = check(&swimlane);
        assert_eq!(count(&checked.arrows, "dependency"), 2 * arrows);
    }
}

#[test]
fn records_come_back_as_they_were_written() {
    let folder = std::env::temp_dir().join(format!("records-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a temporary folder");
    let file = folder.join("l2_perf_records.json");
    for swimlane in [
        diamond(),
        Swimlane {
            calls: vec![call(3, 1, [1, 2, 3, 0])],
            ..Swimlane::default()
        },
    ] {
        platform::diagnostics::file(&file, |to| swimlane.write_records(to)).expect("room");
        let read = records::read(&file);
        let expected = Swimlane {
            orchestrators: Vec::new(),
            ..swimlane
        };
        assert_eq!(read.as_ref(), Ok(&expected));
    }
    for (bad, reason) in [
        (r#"{"version": 3, "tasks": []}"#, "versions 1 and 2"),
        (r#"{"tasks": []}"#, "version"),
        ("[", "no record of a run"),
    ] {
        std::fs::write(&file, bad).expect("room");
        let error = records::read(&file).expect_err("it is bad");
        assert!(error.contains(reason), "{error}");
    }
    std::fs::remove_dir_all(&folder).expect("ours");
}
