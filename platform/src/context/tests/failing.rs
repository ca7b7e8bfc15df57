//! Runs that fail, and what they leave alone.

use std::sync::Arc;

use aicore_abi::seam::Togetherness;
use sync::Flag;

use super::{
    add_one, attached, good, per_tensor, program, run, run_within, short, tensor, wait_for,
};
use crate::sim::testing::{Driver, Scripted, compiled};
use crate::{Device, Error, InProcessKernel, Kernel, Waits};

#[test]
fn a_kernel_that_throws_fails_its_run_and_no_other() {
    let device = attached(Scripted::chip(per_tensor));
    let kernel = Kernel::Image(compiled(
        "#include <cstdint>
        #include <stdexcept>
        extern \"C\" void kernel_entry(int64_t *args) {
            uint8_t *byte = reinterpret_cast<uint8_t *>(args[0]);
            *byte += 1;
            if (*byte == 8) throw std::runtime_error(\"eight\");
        }",
    ));
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let mut host = [7_u8; 1];
    let Err(Error::Kernel {
        func_id: 0,
        core: 0,
        text,
    }) = run(&device, 0, &[tensor(&mut host)])
    else {
        panic!("the kernel's failure is the run's");
    };
    assert_eq!(text, "eight");
    assert_eq!(host, [7], "nothing is copied back from a failed run");
    host = [1];
    run(&device, 0, &[tensor(&mut host)]).expect("a good run");
    assert_eq!(host, [2]);
}

#[test]
fn a_control_program_that_panics_fails_its_run_and_no_other() {
    let device = attached(Scripted::chip(|order, cores, crew| {
        assert_ne!(order.callable_id, 0, "zero");
        per_tensor(order, cores, crew)
    }));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    device
        .prepare(1, &program(&[], add_one()))
        .expect("a good program");
    let error = run(&device, 0, &[]).expect_err("it panics").to_string();
    assert!(error.contains("zero"), "{error}");
    let mut host = [1_u8];
    run(&device, 1, &[tensor(&mut host)]).expect("a good run");
    assert_eq!(host, [2]);
}

#[test]
fn a_kernel_that_fails_is_named_and_not_those_that_wait_for_it() {
    let stop = Arc::new(Flag::new());
    let options = {
        let stop = Arc::clone(&stop);
        Scripted::chip(move |order, cores, _| {
            let mut driver = Driver::new(cores);
            for core in 0..2 {
                driver.dispatch(core, order.program.entries[0], Togetherness::Group, &[]);
            }
            wait_for("the test ends", || {
                driver.has_ended(0) & driver.has_ended(1) || stop.is_set()
            });
            good()
        })
    };
    let device = attached(options);
    let kernel = Kernel::InProcess(InProcessKernel {
        run: {
            let stop = Arc::clone(&stop);
            Arc::new(move |call| {
                if call.core == 1 {
                    return Err("the second one fails".to_owned());
                }
                wait_for("the second one comes", || stop.is_set());
                Ok(())
            })
        },
        waits: Waits::WithinGroup,
    });
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let error = run_within(&device, 0, &[], short()).expect_err("one fails, one waits");
    stop.set();
    let Error::Kernel { core: 1, text, .. } = error else {
        panic!("not the failure: {error}");
    };
    assert_eq!(text, "the second one fails");
}
