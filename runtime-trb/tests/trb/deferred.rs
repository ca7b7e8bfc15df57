//! Kernels that return before their effect is complete.

use core::time::Duration;

use aicore_abi::kernel::{CompletionType, DeferredCondition, SdmaEventRecord};
use aicore_abi::orchestration::trb::MixedKernels;
use protocol::error_code::RunError;
use protocol::{A2a3, A5, Arch};
use runtime_trb::{Args, Run, RunReport, Step};
use sync::{Word32, Word64};

use crate::cores::{Call, FakeCores, Pace, context, kernels, setup};

const AIV: MixedKernels = MixedKernels::from_lanes([-1, 0, -1]);

fn counter(word: &Word32, expected_value: u32) -> DeferredCondition {
    DeferredCondition {
        addr: core::ptr::from_ref(word).expose_provenance() as u64,
        expected_value,
        engine: 0,
        completion_type: CompletionType::Counter as i32,
        pad: 0,
    }
}

/// Runs `tasks` independent tasks whose kernel is `kernel`, calling `between` after each round of steps.
fn run<A: Arch>(
    tasks: u32,
    blocks: u32,
    kernel: impl Fn(Call<'_>) + Sync,
    mut between: impl FnMut(&RunReport),
) -> RunReport {
    let cores = FakeCores::new(2, Pace::Inline, kernel);
    let mut context = context(256, 1 << 16);
    let kernels = kernels(1);
    let mut setup = setup(&kernels, 2, 1);
    setup.deadlines.no_progress = Duration::from_millis(200);
    let run: Run<'_, A, _> = context.begin(setup, &cores).expect("a good set-up");
    run.orchestrate(&run, |orch| {
        for task in 0..tasks {
            let mut args = Args::new();
            args.scalar(u64::from(task)).blocks(blocks);
            orch.submit(&AIV, &args).expect("there is room");
        }
    });
    let mut watch = sync::Progress::new(Duration::from_millis(200));
    while run.step(0) != Step::Done {
        between(&run.report());
        run.check_stalled(&mut watch);
    }
    run.report()
}

#[test]
fn a_condition_that_holds_already_costs_nothing() {
    let flag = Word32::new(7);
    let report = run::<A5>(
        3,
        1,
        |call| {
            call.ingress.entries[0] = counter(&flag, 7);
            call.ingress.count = 1;
        },
        |_| {},
    );
    assert!(report.status.is_good());
    assert_eq!(report.completed, 3);
}

#[test]
fn a_task_completes_when_the_last_of_its_conditions_holds() {
    let flags = [Word32::new(0), Word32::new(0)];
    let rounds = Word64::new(0);
    let report = run::<A2a3>(
        1,
        4,
        |call| {
            call.ingress.entries[0] = counter(&flags[0], 1);
            call.ingress.entries[1] = counter(&flags[1], 5);
            call.ingress.count = 2;
        },
        |report| match rounds.add(1) {
            10 => flags[0].publish(1),
            20 => {
                assert_eq!(report.completed, 0);
                flags[1].publish(4);
            }
            30 => {
                assert_eq!(report.completed, 0);
                flags[1].publish(6);
            }
            _ => {}
        },
    );
    assert!(report.status.is_good());
    assert_eq!(report.completed, 1);
    assert!(rounds.own() > 30);
}

#[test]
fn an_event_record_is_acknowledged_when_it_is_seen() {
    let channel = Word64::new(0);
    let mut record = SdmaEventRecord {
        flag: 1,
        sq_tail: 9,
        channel_info: core::ptr::from_ref(&channel).expose_provenance() as u64,
    };
    let address = (&raw mut record).expose_provenance() as u64;
    let report = run::<A2a3>(
        1,
        1,
        |call| {
            call.ingress.entries[0] = DeferredCondition {
                addr: address,
                expected_value: 0,
                engine: 0,
                completion_type: CompletionType::SdmaEventRecord as i32,
                pad: 0,
            };
            call.ingress.count = 1;
        },
        |_| {},
    );
    assert!(report.status.is_good());
    assert_eq!(channel.own(), 9 << 32 | 9);
    // SAFETY: the run is over.
    assert_eq!(unsafe { (&raw const record).read_volatile() }.flag, 0);
}

fn code_of(kernel: impl Fn(Call<'_>) + Sync, tasks: u32, blocks: u32) -> i32 {
    run::<A2a3>(tasks, blocks, kernel, |_| {})
        .status
        .scheduler_code
}

#[test]
fn conditions_that_cannot_be_tested_end_the_run() {
    let flag = Word32::new(0);
    let invalid = RunError::AsyncCompletionInvalid.code();
    let null = DeferredCondition {
        addr: 0,
        ..counter(&flag, 1)
    };
    let unknown = DeferredCondition {
        completion_type: 7,
        ..counter(&flag, 1)
    };
    for condition in [null, unknown] {
        let code = code_of(
            |call| {
                call.ingress.entries[0] = condition;
                call.ingress.count = 1;
            },
            1,
            1,
        );
        assert_eq!(code, invalid);
    }
}

#[test]
fn what_a_kernel_reports_is_the_run_s_code() {
    let code = code_of(|call| call.ingress.error_code = 102, 1, 1);
    assert_eq!(code, RunError::AsyncWaitOverflow.code());
}

#[test]
fn too_many_conditions_or_waiting_tasks_end_the_run() {
    let flag = Word32::new(0);
    let one = |call: Call<'_>| {
        call.ingress.entries[0] = counter(&flag, 1);
        call.ingress.count = 1;
    };
    assert_eq!(
        code_of(|call| call.ingress.count = 65, 1, 1),
        RunError::AsyncRegistrationFailed.code()
    );
    assert_eq!(
        code_of(one, 1, 65),
        RunError::AsyncRegistrationFailed.code()
    );
    assert_eq!(code_of(one, 65, 1), RunError::AsyncWaitOverflow.code());
    // As many as there may be wait until nothing has moved for too long.
    assert_eq!(code_of(one, 64, 1), RunError::SchedulerTimeout.code());
}
