//! Tasks flow from submission to completion, on one thread and on several.

use crate::cores::{FakeCores, Pace, Unannounced, context, kernels, setup};
use aicore_abi::orchestration::trb::{MixedKernels, ScopeMode};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::{A2a3, DataType};
use runtime_trb::{Args, NoHelp, Run};
use std::sync::Mutex;
use sync::{Crowd, Spin, Word64};

const AIV: MixedKernels = MixedKernels::from_lanes([-1, 0, -1]);

fn external(address: u64) -> Tensor {
    Tensor::external(address, &[16], DataType::Float32, false, 0).expect("a valid shape")
}

#[test]
fn a_chain_runs_in_order_on_one_thread() {
    let order = Mutex::new(Vec::new());
    let cores = FakeCores::new(2, Pace::Stepwise, |call| {
        order.lock().expect("no panic").push(call.payload.args[1]);
    });
    let mut context = context(16, 1 << 16);
    let kernels = kernels(1);
    let run: Run<'_, A2a3, _> = context
        .begin(setup(&kernels, 2, 1), &cores)
        .expect("a good set-up");
    let x = external(0x1000);
    run.orchestrate(&run, |orch| {
        for step in 0..1000 {
            orch.scope(ScopeMode::Auto, |orch| {
                orch.submit(&AIV, Args::new().inout(&x).scalar(step))
                    .expect("room comes");
            })
            .expect("open");
        }
    });
    run.drive(0, &mut Spin::new(&Crowd::new()));
    assert!(run.status().is_good());
    assert_eq!(run.report().completed, 1000);
    assert_eq!(
        *order.lock().expect("no panic"),
        (0..1000).collect::<Vec<_>>()
    );
}

#[test]
fn independent_tasks_run_with_a_driver_beside() {
    let cores = FakeCores::new(3, Pace::Inline, |_| {});
    let mut context = context(64, 1 << 16);
    let kernels = kernels(1);
    for _ in 0..20 {
        let run: Run<'_, A2a3, _> = context
            .begin(setup(&kernels, 3, 3), &cores)
            .expect("a good set-up");
        let crowd = Crowd::new();
        std::thread::scope(|scope| {
            scope.spawn(|| run.drive(0, &mut Spin::new(&crowd)));
            run.orchestrate(&NoHelp, |orch| {
                for _ in 0..500 {
                    orch.scope(ScopeMode::Auto, |orch| {
                        let info = TensorCreateInfo::new(&[16], DataType::Float32, false)
                            .expect("a valid shape");
                        orch.submit(&AIV, Args::new().output(&info))
                            .expect("room comes");
                    })
                    .expect("open");
                }
            });
        });
        assert!(run.status().is_good());
        assert_eq!(run.report().completed, 500);
    }
}

/// On a chip nobody says that a core has finished: a thread that waits for one looks at it all the time.
#[test]
fn cores_that_tell_nobody_are_looked_at_while_a_thread_waits() {
    const LOOKS: u64 = 100_000;
    let cores = Unannounced {
        cores: FakeCores::new(1, Pace::Inline, |_| {}),
        patience: LOOKS,
        looks: Word64::new(0),
        rounds: Word64::new(0),
    };
    let mut context = context(16, 1 << 16);
    let kernels = kernels(1);
    let run: Run<'_, A2a3, _> = context
        .begin(setup(&kernels, 1, 1), &cores)
        .expect("a good set-up");
    let x = external(0x1000);
    run.orchestrate(&NoHelp, |orch| {
        orch.submit(&AIV, Args::new().inout(&x))
            .expect("there is room");
    });
    run.drive(0, &mut Spin::new(&Crowd::on_cores_of_their_own()));
    assert_eq!(run.report().completed, 1);
    let rounds = cores.rounds.own();
    assert!(rounds < LOOKS / 10, "{rounds} waits for {LOOKS} looks");
}
