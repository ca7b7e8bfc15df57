//! Contexts on a simulated chip whose control program is a closure.
//!
//! Here is what all of them use; each file below has a subject.

mod failing;
mod hanging;
mod memory;
mod side_by_side;
mod states;
mod tensors;

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use aicore_abi::seam::Togetherness;
use aicpu::Crew;
use protocol::{A2a3, ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType};

use crate::sim::testing::{Driver, WATCHDOG, closure, compiled};
use crate::sim::{Chip, ChipOptions, RunEnd, RunOrder, SimCores};
use crate::{
    Deadlines, Device, DeviceContext, Kernel, KernelCall, Orchestration, Program, ProgramKernel,
    RunOptions, RunReport, Waits,
};

fn context(options: ChipOptions) -> DeviceContext<A2a3, Chip> {
    DeviceContext::new("testsim", move |device_id| {
        Chip::start::<A2a3>(device_id, &options)
    })
}

fn attached(options: ChipOptions) -> DeviceContext<A2a3, Chip> {
    let device = context(options);
    device.init(0).expect("a fresh context");
    device
}

/// An orchestration that a script takes the place of.
fn nothing() -> Orchestration {
    Orchestration::Trb(aicpu::trb::Orchestration::InProcess(Arc::new(|_, _| {})))
}

/// A good end of a run.
fn good() -> RunEnd {
    RunEnd {
        loaded: false,
        result: Ok(RunReport::default()),
    }
}

/// Runs kernel 0 of the program once per tensor, with the tensor's address and bytes.
fn per_tensor(order: &RunOrder, cores: &SimCores, _: &dyn Crew) -> RunEnd {
    let mut driver = Driver::new(cores);
    for tensor in order.args.used_tensors().expect("checked") {
        let args = [tensor.data, tensor.byte_size().expect("checked")];
        driver.dispatch(0, order.program.entries[0], Togetherness::Alone, &args);
        driver.finish([0]);
    }
    good()
}

fn program(signature: &[ArgDirection], kernel: Kernel) -> Program {
    Program {
        orchestration: nothing(),
        signature: signature.to_vec(),
        kernels: vec![ProgramKernel {
            func_id: 0,
            core: None,
            kernel,
        }],
    }
}

/// The bytes that a call of [`per_tensor`] is about.
fn bytes_of<'a>(call: &KernelCall<'a>) -> &'a mut [u8] {
    let start = core::ptr::with_exposed_provenance_mut(usize_of(call.payload.args[0]));
    // SAFETY: `per_tensor` passes address and length of a bound tensor, to one call at a time.
    unsafe { core::slice::from_raw_parts_mut(start, usize_of(call.payload.args[1])) }
}

fn usize_of(word: u64) -> usize {
    usize::try_from(word).expect("an address or length of this process")
}

fn add_one() -> Kernel {
    closure(Waits::Never, |call| {
        bytes_of(call).iter_mut().for_each(|byte| *byte += 1);
    })
}

fn storing(value: u32) -> Kernel {
    Kernel::Image(compiled(&format!(
        "#include <cstdint>
        extern \"C\" void kernel_entry(int64_t *args) {{ *reinterpret_cast<uint8_t *>(args[0]) = {value}; }}"
    )))
}

fn tensor(bytes: &mut [u8]) -> ContinuousTensor {
    let shape = [u32::try_from(bytes.len()).expect("small")];
    let data = bytes.as_mut_ptr().expose_provenance() as u64;
    ContinuousTensor::new(data, &shape, DataType::Uint8).expect("a good tensor")
}

fn args(tensors: &[ContinuousTensor]) -> ChipStorageTaskArgs {
    let mut args = ChipStorageTaskArgs::default();
    for &tensor in tensors {
        args.push_tensor(tensor).expect("few tensors");
    }
    args
}

fn config() -> CallConfig {
    CallConfig {
        block_dim: 1,
        ..CallConfig::default()
    }
}

fn run(device: &dyn Device, id: i32, tensors: &[ContinuousTensor]) -> crate::Result<RunReport> {
    run_within(device, id, tensors, Deadlines::default())
}

fn run_within(
    device: &dyn Device,
    id: i32,
    tensors: &[ContinuousTensor],
    deadlines: Deadlines,
) -> crate::Result<RunReport> {
    let options = RunOptions {
        deadlines,
        ..RunOptions::default()
    };
    // SAFETY: the tests pass tensors over arrays that outlive the call.
    unsafe { device.run(id, &args(tensors), &config(), &options) }
}

fn short() -> Deadlines {
    Deadlines {
        run: Duration::from_secs(30),
        no_progress: Duration::from_millis(40),
        grace: Duration::from_millis(20),
    }
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < WATCHDOG, "{what}");
        std::thread::yield_now();
    }
}
