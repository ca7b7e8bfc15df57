//! Runs on a played chip that are written down.

mod support;

use std::path::Path;

use platform::{RecordingLimits, RunOptions};
use protocol::CallConfig;
use serde_json::Value;
use support::{
    Compiler, Runtime, aicpu_image, device, expected, limits, options, run_sums, run_sums_as, sums,
};
use virtual_ascend::{Config, Family, Session};

fn recorded(family: Family, runtime: Runtime) {
    const LINKS: u64 = 12;
    let image = aicpu_image(family, runtime, "native");
    let program = sums(family, runtime, &Compiler::native());
    let session = Session::begin(&Config::new(family));
    let device = device(&session, family, &image, limits());
    device.init(0).expect("a played device");
    device.prepare(0, &program).expect("a good program");

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!("recorded-{family:?}-{}", runtime.name()));
    let mut config = CallConfig {
        block_dim: 2,
        aicpu_thread_num: 3,
        enable_l2_swimlane: 1,
        ..CallConfig::default()
    };
    let prefix = folder.to_str().expect("a plain name");
    config
        .set_output_prefix(prefix.as_bytes())
        .expect("short enough");
    // Played memory is real memory.
    let options = RunOptions {
        recording: RecordingLimits {
            calls: 1000,
            edges: 1000,
            phases: 1000,
            ..RecordingLimits::default()
        },
        ..options()
    };
    let (out, _) = run_sums_as(&*device, 0, LINKS, &config, &options).expect("it runs");
    assert_eq!(out, expected(LINKS));
    // The region is gone: a run that is not written down must not write there.
    let (out, _) = run_sums(&*device, 0, LINKS, (2, 3)).expect("it runs");
    assert_eq!(out, expected(LINKS));
    device.finalize().expect("a played device");
    assert_eq!(session.complaints(), Vec::<String>::new());

    let text = std::fs::read_to_string(folder.join("l2_perf_records.json")).expect("it is there");
    let records: Value = serde_json::from_str(&text).expect("JSON");
    let tasks = records["tasks"].as_array().expect("a list");
    assert_eq!(tasks.len() as u64, LINKS + 1);
    let mut edges = 0;
    for task in tasks {
        // The control CPU's line and the core's tell of one call.
        let stamps = ["dispatch", "start", "end", "finish"]
            .map(|it| task[format!("{it}_time_us")].as_f64().expect("a number"));
        assert!(stamps[0] > 0.0 && stamps.is_sorted(), "{task}");
        edges += task["fanout_count"].as_u64().expect("a number");
    }
    assert_eq!(edges, LINKS, "a chain");
    std::fs::remove_dir_all(folder).expect("ours");
}

#[test]
fn calls_on_a2a3_are_stamped_by_control_cpu_and_core() {
    recorded(Family::A2a3, Runtime::Trb);
}

#[test]
fn calls_of_a_sent_graph_on_a5_are_stamped_by_control_cpu_and_core() {
    recorded(Family::A5, Runtime::Hbg);
}
