//! The operations table, called as a C++ orchestration calls it.

use std::sync::Mutex;

use aicore_abi::orchestration::trb::{Arg, MixedKernels, Operations, Runtime, ScopeMode};
use aicore_abi::tensor::{Tensor, TensorCreateInfo};
use protocol::{A5, DataType, TaskId};
use runtime_trb::{Run, RunReport};
use sync::{Crowd, Spin};

use crate::cores::{Call, FakeCores, Pace, context, kernels, setup};

const AIV: MixedKernels = MixedKernels::from_lanes([-1, 0, -1]);

/// Keeps every line.
#[derive(Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<(log::Level, String)>>);

impl log::Log for Lines {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = (record.level(), record.args().to_string());
        self.0.lock().expect("no panic").push(line);
    }

    fn flush(&self) {}
}

/// Runs `body` with what a bound orchestration knows: a runtime pointer and through it the table.
fn orchestrate(
    kernel: impl Fn(Call<'_>) + Sync,
    body: impl FnOnce(*mut Runtime, Operations),
) -> (RunReport, Vec<(log::Level, String)>) {
    let lines = Lines::default();
    let cores = FakeCores::new(2, Pace::Inline, kernel);
    let kernels = kernels(1);
    let mut context = context(16, 1 << 16);
    let report = {
        let mut setup = setup(&kernels, 2, 1);
        setup.log = &lines;
        let run: Run<'_, A5, _> = context.begin(setup, &cores).expect("a good set-up");
        run.orchestrate(&run, |orch| {
            let runtime = orch.as_runtime();
            // SAFETY: the orchestrator begins with the runtime object.
            let operations = unsafe { (*runtime).ops };
            // SAFETY: the table is there for good.
            body(runtime, unsafe { operations.read() });
        });
        run.drive(0, &mut Spin::new(&Crowd::new()));
        run.report()
    };
    (report, lines.0.into_inner().expect("no panic"))
}

fn begin(runtime: *mut Runtime, table: &Operations, mode: ScopeMode) {
    // SAFETY: as the header's wrapper does it.
    unsafe { (*runtime).pending_scope_mode = mode as u8 };
    // SAFETY: the runtime is bound.
    unsafe { (table.scope_begin)(runtime) };
}

#[test]
fn a_program_runs_through_the_table() {
    let seen = Mutex::new(Vec::new());
    let kernel = |call: Call<'_>| seen.lock().expect("no panic").push(call.payload.args[2]);
    let (report, lines) = orchestrate(kernel, |runtime, table| {
        let info = TensorCreateInfo::new(&[4], DataType::Uint32, false)
            .expect("a valid shape")
            .with_initial_value(7);
        let mut arg = Arg::new();
        arg.add_output(&[&info]).expect("room");
        // SAFETY: the objects are there.
        let made = unsafe { (table.alloc_tensors)(runtime, &arg) };
        assert_eq!((made.task_id, made.output_count()), (TaskId::new(0, 0), 1));
        let tensor = made.get(0).expect("one");

        begin(runtime, &table, ScopeMode::Manual);
        // SAFETY: the runtime object is there.
        let pending = unsafe { (*runtime).pending_scope_mode };
        assert_eq!(pending, ScopeMode::Auto as u8, "taken and reset");
        let mut last = TaskId::INVALID;
        for number in 0..3 {
            let mut arg = Arg::new();
            arg.add_inout(&[tensor]).expect("room");
            arg.add_input(&[tensor]).expect("room");
            arg.add_scalars(&[number]).expect("room");
            if last.is_valid() {
                arg.add_dep(&[last]).expect("room");
            }
            // SAFETY: the objects are there.
            last = unsafe { (table.submit_task)(runtime, &AIV, &arg) }.task_id;
        }
        assert_eq!(last, TaskId::new(1, 2));
        // SAFETY: the runtime is bound.
        unsafe { (table.scope_end)(runtime) };

        let index = 3_u32;
        // SAFETY: the tensor lies in this run's heap.
        unsafe { (table.set_tensor_data)(runtime, tensor, 1, &index, 41) };
        // SAFETY: as above.
        let value = unsafe { (table.get_tensor_data)(runtime, tensor, 1, &index) };
        // SAFETY: as above.
        let first = unsafe { (table.get_tensor_data)(runtime, tensor, 0, core::ptr::null()) };
        assert_eq!((value, first), (41, 7));
        // SAFETY: the runtime is bound.
        assert!(!unsafe { (table.is_fatal)(runtime) });
        // SAFETY: as above.
        unsafe { (table.orchestration_done)(runtime) };
        // SAFETY: formats and values agree.
        unsafe {
            (table.log_info_v)(
                c"entry".as_ptr(),
                7,
                c"%d of %s".as_ptr(),
                3_i32,
                c"x".as_ptr(),
            )
        };
        // SAFETY: as above.
        unsafe { (table.log_info_v)(c"entry".as_ptr(), 0, c"quiet".as_ptr()) };
        // SAFETY: as above.
        unsafe { (table.log_warn)(c"entry".as_ptr(), c"careful".as_ptr()) };
    });
    assert!(report.status.is_good());
    assert_eq!(seen.into_inner().expect("no panic"), [0, 1, 2]);
    assert_eq!(
        lines,
        [
            (log::Level::Info, "entry: 3 of x".to_owned()),
            (log::Level::Debug, "entry: quiet".to_owned()),
            (log::Level::Warn, "entry: careful".to_owned()),
        ]
    );
}

#[test]
fn after_a_fatal_report_every_entry_does_nothing() {
    let (report, lines) = orchestrate(
        |_| {},
        |runtime, table| {
            // SAFETY: formats and values agree.
            unsafe { (table.report_fatal)(runtime, 9, c"f".as_ptr(), c"x=%d".as_ptr(), 5_i32) };
            // SAFETY: the runtime is bound.
            assert!(unsafe { (table.is_fatal)(runtime) });
            // SAFETY: a second report is logged and not latched.
            unsafe { (table.report_fatal)(runtime, 4, c"f".as_ptr(), core::ptr::null()) };
            let arg = Arg::new();
            // SAFETY: the objects are there.
            let result = unsafe { (table.submit_task)(runtime, &AIV, &arg) };
            assert_eq!(
                (result.task_id, result.output_count()),
                (TaskId::INVALID, 0)
            );
            // SAFETY: the objects are there.
            let result = unsafe { (table.alloc_tensors)(runtime, &arg) };
            assert_eq!(
                (result.task_id, result.output_count()),
                (TaskId::INVALID, 0)
            );
            begin(runtime, &table, ScopeMode::Auto);
            // SAFETY: the runtime is bound.
            unsafe { (table.scope_end)(runtime) };
            let tensor = Tensor::external(8, &[1], DataType::Uint8, false, 0).expect("valid");
            // SAFETY: nothing is accessed any more.
            let value = unsafe { (table.get_tensor_data)(runtime, &tensor, 0, core::ptr::null()) };
            assert_eq!(value, 0);
            // SAFETY: nothing is accessed any more.
            unsafe { (table.set_tensor_data)(runtime, &tensor, 0, core::ptr::null(), 1) };
        },
    );
    assert_eq!(report.status.value(), -9);
    let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["FATAL(code=9): x=5", "FATAL(code=4, latched=9)"]);
}

#[test]
fn null_pointers_and_bad_modes_are_refused() {
    let refused: [fn(*mut Runtime, &Operations); 4] = [
        // SAFETY: null is refused.
        |runtime, table| unsafe {
            (table.submit_task)(runtime, core::ptr::null(), &Arg::new());
        },
        // SAFETY: null is refused.
        |runtime, table| unsafe {
            (table.alloc_tensors)(runtime, core::ptr::null());
        },
        // SAFETY: null is refused.
        |runtime, table| unsafe {
            (table.get_tensor_data)(runtime, core::ptr::null(), 0, core::ptr::null());
        },
        |runtime, table| {
            // SAFETY: the runtime object is there.
            unsafe { (*runtime).pending_scope_mode = 7 };
            // SAFETY: the runtime is bound.
            unsafe { (table.scope_begin)(runtime) };
        },
    ];
    for refused in refused {
        let (report, _) = orchestrate(|_| {}, |runtime, table| refused(runtime, &table));
        assert_eq!(report.status.value(), -5);
    }
}

/// Other programs' objects may be aligned to 16 bytes only (abi.md 7.6 hazard 9).
#[test]
fn hazard_objects_at_any_address_are_taken() {
    let seen = Mutex::new(0);
    let kernel = |call: Call<'_>| *seen.lock().expect("no panic") = call.payload.args[1];
    let (report, _) = orchestrate(kernel, |runtime, table| {
        let tensor = Tensor::external(0x1000, &[4], DataType::Uint32, false, 0).expect("valid");
        let mut memory = [0_u8; 256];
        let shift = 16 + memory.as_ptr().align_offset(64);
        let bytes = bytemuck::bytes_of(&tensor);
        memory[shift..shift + bytes.len()].copy_from_slice(bytes);
        let mut arg = Arg::new();
        arg.add_input(&[memory[shift..].as_ptr().cast()])
            .expect("room");
        arg.add_scalars(&[77]).expect("room");
        // SAFETY: the objects are there.
        let result = unsafe { (table.submit_task)(runtime, &AIV, &arg) };
        assert!(result.task_id.is_valid());
    });
    assert!(report.status.is_good());
    assert_eq!(seen.into_inner().expect("no panic"), 77);
}
