//! What a machine may refuse: room for files, memory of the device.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use host::ArgDirection::{In, Inout, Out};
use host::ChipWorker;
use platform::sim::MemoryFault;
use platform::{Error, MemoryStats};

use super::footprint::leaves_nothing;
use super::process::FALLBACKS;
use crate::conformance::bench::{Bench, Buffer, of_device, small};
use crate::conformance::script::Step;
use crate::conformance::subject::{Recipe, Subject};

/// When the folder for temporary files is not there, code is staged in another.
pub fn a_folder_that_is_not_there_is_passed_over(subject: &Subject) {
    std::fs::remove_dir_all(std::env::temp_dir()).expect("it is ours");
    leaves_nothing(|| {
        let bench = Bench::new(subject);
        bench.proves_itself(&bench.registered(&Recipe::cpp(&[Inout])));
        bench.ends_clean();
    });
}

/// When no folder has room, the error names each with its reason; when there is room, the same registration runs. In
/// the reference it never does.
pub fn folders_without_room_are_named_and_the_load_can_be_tried_again(subject: &Subject) {
    let objects = subject.objects();
    let bench = Bench::new(subject);
    let good = bench.registered(&Recipe::rust(&[Inout]));
    let mut folders: Vec<PathBuf> = FALLBACKS.map(PathBuf::from).to_vec();
    folders.push(std::env::temp_dir());
    let named = |error: &Error, size: usize| {
        let text = error.to_string();
        for folder in folders.iter().map(|it| it.display()) {
            assert!(text.contains(&format!("{folder}: No space left")), "{text}");
        }
        assert!(text.contains(&format!("{size} bytes")), "{text}");
    };
    let cpp = || bench.program(&Recipe::cpp(&[Inout]));
    let refused = of_device(bench.worker.register(cpp()));
    assert!(matches!(refused, Error::KernelLoad { func_id: 0, .. }));
    named(&refused, objects.vector.len());
    // Its kernels need no file; its orchestration does.
    let recipe = Recipe::rust(&[Inout]);
    let size = objects.orchestration.len();
    let late = subject.program_of(&recipe, &objects.orchestration);
    let late = match bench.worker.register_as(5, late.clone()) {
        Ok(callable) => {
            for _ in 0..2 {
                let error = of_device(bench.run(&callable, vec![], &[], &small()));
                assert!(matches!(error, Error::Orchestration { id: 5, .. }));
                named(&error, size);
                bench.proves_itself(&good);
            }
            bench.expect_loads(2, 1);
            Ok(callable)
        }
        Err(host::Error::Device(error)) => {
            named(&error, size);
            Err(late)
        }
        Err(other) => panic!("{other}"),
    };
    for folder in &folders {
        let left = std::fs::read_dir(folder).expect("it is there").count();
        assert_eq!(left, 0, "what did not fit is removed");
        let umount = Command::new("umount").arg(folder).status();
        assert!(umount.is_ok_and(|status| status.success()));
    }
    let late = late.unwrap_or_else(|program| {
        let again = bench.worker.register_as(5, program);
        again.expect("there is room now")
    });
    bench.proves_itself(&late);
    bench.expect_loads(2, 2);
    bench.proves_itself(&bench.worker.register(cpp()).expect("there is room now"));
    bench.ends_clean();
}

/// Folders from which nothing may be executed are passed over; when there is no other, the error names each.
pub fn folders_that_execute_nothing_are_passed_over(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.program(&Recipe::cpp(&[Inout]));
    for _ in 0..2 {
        let text = of_device(bench.worker.register(program.clone())).to_string();
        for folder in FALLBACKS {
            let reason = format!("{folder}: {folder}/simpler-");
            assert!(text.contains(&reason), "{text}");
        }
        assert!(text.contains("noexec"), "{text}");
    }
    // The system's loader keeps what it could not map to the end.
    let umount = Command::new("umount").args(["-l", FALLBACKS[0]]).status();
    assert!(umount.is_ok_and(|status| status.success()));
    let program = bench.worker.register(program);
    bench.proves_itself(&program.expect("one folder is enough"));
    bench.ends_clean();
    let left = std::fs::read_dir(std::env::temp_dir()).expect("it is there");
    assert_eq!(left.count(), 0, "what could not be loaded is removed");
}

/// Wherever device memory ends, the error says how much was wanted, everything is given back, and the next run works.
pub fn device_memory_may_end_at_every_allocation(subject: &Subject) {
    let Some(device) = subject.platform.faulty else {
        return;
    };
    let fault = Arc::new(MemoryFault::default());
    let bench = Bench {
        subject,
        worker: ChipWorker::new(device(subject.platform.name, &fault)),
    };
    bench.worker.init(0).expect("a fresh worker");
    let program = bench.registered(&Recipe::rust(&[In, Out, Inout]));
    let good = bench.registered(&Recipe::rust(&[Inout]));
    let (input, mut output, mut both) = (vec![1; 100], vec![0; 5000], vec![2; 100_000]);
    leaves_nothing(|| {
        let mut refused = 0;
        for allocations in 0.. {
            bench.worker.finalize().expect("a good end");
            bench
                .worker
                .init(0)
                .expect("finalized workers are like new");
            fault.after(allocations);
            let outcome = bench.worker.malloc(400).and_then(|resident| {
                let buffers = vec![
                    Buffer::In(&input),
                    Buffer::Out(&mut output),
                    Buffer::Out(&mut both),
                    Buffer::Resident(resident, 100),
                ];
                let script = [Step::task(0, 3, 1, 5), Step::task(2, 2, 1, 1)];
                let outcome = bench.run(&program, buffers, &script, &small());
                bench.worker.free(resident).expect("it is ours");
                outcome
            });
            fault.lift();
            match outcome {
                Ok(_) => break,
                Err(host::Error::Device(Error::OutOfMemory { bytes, .. })) => {
                    assert!(bytes >= 400, "{bytes} were wanted");
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
            let stats = bench.worker.memory();
            assert_eq!((stats.allocations, stats.bound_buffers), (0, 0));
            bench.proves_itself(&good);
        }
        assert_eq!(refused, 4, "one of the caller and one per tensor");
    });
    bench.worker.finalize().expect("a good end");
    assert_eq!(bench.worker.memory(), MemoryStats::default());
}
