//! Runs that do not end: deadlines, and what is left behind.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use aicore_abi::seam::Togetherness;
use sync::{Flag, Word32};

use super::{
    add_one, attached, bytes_of, good, per_tensor, program, run, run_within, short, tensor,
    wait_for,
};
use crate::sim::testing::{Driver, Scripted, WATCHDOG, closure};
use crate::sim::{ChipOptions, RunEnd};
use crate::{Deadlines, Device, Error, Kernel, Waits};

/// Runs a program that stops only when told, and says whether the context stays good.
fn outlives_a_run_that_does_not_stop(
    options: ChipOptions,
    stuck: Kernel,
    stop: &Flag,
    named: &str,
) {
    let device = attached(options);
    device
        .prepare(0, &program(&[], stuck))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    // Large enough to be mappings of their own: touched after they are gone, they end the process.
    let mut host = vec![1_u8; 200_000];
    let mine = device.malloc(200_000).expect("little memory");
    let error = run_within(&device, 0, &[tensor(&mut host)], short()).expect_err("it does not end");
    let stalled = matches!(
        error,
        Error::Deadline {
            missed: "make progress",
            ..
        }
    );
    assert!(stalled, "{error}");
    assert!(error.to_string().contains(named), "{error}");
    assert_eq!(device.memory().bound_buffers, 0);
    // What the stuck code can reach is freed for us and not for it.
    device.free(mine).expect("ours");
    for round in 2..5 {
        run(&device, 1, &[tensor(&mut host)]).expect("the context runs a good program");
        let alone = host.iter().all(|&byte| byte == round);
        assert!(alone, "nobody else writes to it");
    }
    device.unregister(0).expect("attached");
    device
        .finalize()
        .expect("nobody waits for what does not stop");
    stop.set();
}

#[test]
fn a_kernel_that_never_returns_holds_its_chip_threads_and_not_the_context() {
    for waits in [Waits::Never, Waits::Always] {
        let stop = Arc::new(Flag::new());
        let left = Arc::new(Word32::new(0));
        let stuck = {
            let (stop, left) = (Arc::clone(&stop), Arc::clone(&left));
            closure(waits, move |call| {
                let bytes = bytes_of(call);
                let started = Instant::now();
                while !stop.is_set() && started.elapsed() < WATCHDOG {
                    // Its memory must still be there.
                    bytes[0] = bytes[0].wrapping_add(1);
                    std::thread::yield_now();
                }
                left.publish(1);
            })
        };
        outlives_a_run_that_does_not_stop(
            Scripted::chip(per_tensor),
            stuck,
            &stop,
            "core 0 runs kernel func_id 0",
        );
        wait_for("the kernel gets out", || left.observe() == 1);
        wait_for("its program goes", || Arc::strong_count(&left) == 1);
    }
}

#[test]
fn an_orchestration_that_never_returns_holds_its_chip_threads_and_not_the_context() {
    let stop = Arc::new(Flag::new());
    let options = {
        let stop = Arc::clone(&stop);
        Scripted::chip(move |order, cores, crew| {
            let started = Instant::now();
            while order.callable_id == 0 && !stop.is_set() && started.elapsed() < WATCHDOG {
                std::thread::yield_now();
            }
            per_tensor(order, cores, crew)
        })
    };
    outlives_a_run_that_does_not_stop(options, add_one(), &stop, "a script runs");
}

#[test]
fn a_run_has_a_deadline_of_its_own_even_when_it_moves() {
    let device = attached(Scripted::chip(|order, cores, _| {
        let mut driver = Driver::new(cores);
        // Stops when its cores stop: then the calls fail.
        while driver.dispatch(0, order.program.entries[0], Togetherness::Alone, &[]) != 0 {
            if driver.finish([0]) != 0 {
                break;
            }
        }
        good()
    }));
    device
        .prepare(0, &program(&[], closure(Waits::Never, |_| {})))
        .expect("a good program");
    let deadlines = Deadlines {
        run: Duration::from_millis(30),
        no_progress: Duration::from_secs(20),
        grace: Duration::from_secs(20),
    };
    let error = run_within(&device, 0, &[], deadlines).expect_err("it does not end by itself");
    assert!(
        matches!(error, Error::Deadline { missed: "end", .. }),
        "{error}"
    );
}

#[test]
fn a_program_can_be_unregistered_while_it_does_not_stop() {
    let (stop, inside) = (Arc::new(Flag::new()), Arc::new(Flag::new()));
    let options = {
        let (stop, inside) = (Arc::clone(&stop), Arc::clone(&inside));
        Scripted::chip(move |order, cores, crew| {
            if order.callable_id == 0 {
                inside.set();
                wait_for("the test ends", || stop.is_set());
            }
            per_tensor(order, cores, crew)
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("the program runs", || inside.is_set());
            device.unregister(0).expect("attached");
        });
        let error = run_within(&device, 0, &[], short()).expect_err("it does not end");
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
    });
    assert!(matches!(
        run(&device, 0, &[]),
        Err(Error::NotRegistered { id: 0 })
    ));
    run(&device, 1, &[]).expect("a good run");
    stop.set();
}

#[test]
fn what_a_kernel_uses_outlives_the_leader_of_its_run() {
    let (stop, script, code) = (Arc::new(Flag::new()), Arc::new(()), Arc::new(()));
    let inside = Arc::new(Flag::new());
    let options = {
        let (script, inside) = (Arc::clone(&script), Arc::clone(&inside));
        Scripted::chip(move |order, cores, _| {
            let _alive = &script;
            let mut driver = Driver::new(cores);
            driver.dispatch(0, order.program.entries[0], Togetherness::Group, &[]);
            assert!(!driver.has_ended(0), "looking starts it");
            wait_for("it runs", || inside.is_set());
            RunEnd {
                loaded: false,
                result: Err(Error::Orchestration {
                    id: 0,
                    text: "over".to_owned(),
                }),
            }
        })
    };
    let kernel = {
        let (stop, code) = (Arc::clone(&stop), Arc::clone(&code));
        closure(Waits::WithinGroup, move |_| {
            let _alive = &code;
            inside.set();
            wait_for("the test ends", || stop.is_set());
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let error = run_within(&device, 0, &[], short()).expect_err("it says so");
    assert!(error.to_string().contains("over"), "{error}");
    drop(device);
    wait_for("the leader goes", || Arc::strong_count(&script) == 1);
    assert_ne!(Arc::strong_count(&code), 1, "the kernel still runs");
    stop.set();
    wait_for("the kernel goes with the last who uses it", || {
        Arc::strong_count(&code) == 1
    });
}
