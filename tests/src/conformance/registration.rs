//! Which programs, ids and handles are accepted, and when.

use host::ArgDirection::Inout;
use host::Error;
use platform::Error as Refusal;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;

use super::bench::{Bench, of_device, refused, small};
use super::reach::Part;
use super::subject::{Language, Recipe, Subject};

const ONE: &[host::ArgDirection] = &[Inout];

/// Programs may come before the chip and after it.
pub fn programs_are_registered_before_and_after_init(subject: &Subject) {
    let bench = Bench::detached(subject);
    let early = bench.registered(&Recipe::rust(ONE));
    refused(
        bench.run(&early, vec![], &[], &small()),
        &Refusal::NotAttached { operation: "run" },
    );
    bench.worker.init(0).expect("a fresh worker");
    let late = bench.registered(&Recipe::rust(ONE));
    bench.proves_itself(&late);
    bench.proves_itself(&early);
    bench.worker.init(0).expect("again changes nothing");
    bench.proves_itself(&early);
    refused(
        bench.worker.init(1),
        &Refusal::OtherDevice {
            attached: 0,
            requested: 1,
        },
    );
    bench.proves_itself(&late);
}

/// Programs that are functions of this process, or one part of which is, run on chips that are part of it. Elsewhere goes
/// an image, which a function does not have: it is refused by name.
pub fn functions_of_this_process_run_where_there_is_no_interface(subject: &Subject) {
    let bench = Bench::new(subject);
    let refusal = |part| subject.reach.refusal(subject, part);
    for (orchestration, kernels) in [
        (Language::Rust, Language::Rust),
        (Language::Rust, Language::Cpp),
        (Language::Cpp, Language::Rust),
    ] {
        let recipe = Recipe {
            language: orchestration,
            ..Recipe::rust(ONE)
        };
        let program = subject.program_in(&recipe, kernels);
        let expected = [
            (orchestration, Part::Orchestration),
            (kernels, Part::Kernel),
        ]
        .into_iter()
        .filter(|(language, _)| *language == Language::Rust)
        .find_map(|(_, part)| refusal(part));
        let registered = bench.worker.register(program);
        match expected {
            None => bench.proves_itself(&registered.expect("a good program")),
            Some(refusal) => refused(registered, &refusal),
        }
    }
    bench.proves_itself(&bench.registered(&Recipe::rust(ONE)));
}

/// A program that cannot be prepared makes `init` fail by its id, and nothing else: the chip is free again.
pub fn a_bad_program_registered_early_is_named_by_init(subject: &Subject) {
    let bench = Bench::detached(subject);
    let good = bench.registered(&Recipe::rust(ONE));
    let bad = bench
        .worker
        .register(subject.program_with_kernel(ONE, b"\x7fELF, and no more"))
        .expect("nobody has looked at it yet");
    let also_good = bench.registered(&Recipe::rust(ONE));
    for _ in 0..2 {
        let error = bench.worker.init(0).expect_err("one cannot be prepared");
        assert!(matches!(error, Error::EarlyRegistration { id: 1, .. }));
        let text = error.to_string();
        assert!(text.contains("callable_id 1"), "{text}");
        assert!(text.contains("kernel func_id 0: "), "{text}");
        let device = bench.worker.device();
        assert_eq!((device.device_id(), device.loaded_kernels()), (None, 0));
    }
    bench.worker.unregister(&bad).expect("it is registered");
    bench.worker.init(0).expect("nothing is wrong any more");
    bench.proves_itself(&good);
    bench.proves_itself(&also_good);
    bench.ends_clean();
}

/// There are 64 places; every one works, and a free one is found again.
pub fn sixty_four_programs_and_not_one_more(subject: &Subject) {
    let bench = Bench::new(subject);
    let programs: Vec<_> = (0..MAX_REGISTERED_CALLABLE_IDS)
        .map(|_| bench.registered(&Recipe::rust(ONE)))
        .collect();
    for (id, program) in (0..).zip(&programs) {
        assert_eq!(program.id(), id);
        bench.proves_itself(program);
    }
    bench.expect_loads(64, 64);
    let one_more = bench.worker.register(bench.program(&Recipe::rust(ONE)));
    let error = one_more.expect_err("all ids are taken");
    assert!(matches!(error, Error::NoFreeId));
    assert!(error.to_string().starts_with("64 programs"), "{error}");
    bench
        .worker
        .unregister(&programs[17])
        .expect("it is registered");
    assert_eq!(bench.registered(&Recipe::rust(ONE)).id(), 17);
    bench.ends_clean();
}

/// Ids outside 0..64 and ids without a program are refused with the id.
pub fn ids_out_of_range_or_without_program_are_refused(subject: &Subject) {
    let bench = Bench::new(subject);
    let args = protocol::ChipStorageTaskArgs::default();
    for id in [-1, 64, i32::MAX, i32::MIN] {
        let expected = Refusal::CallableId { id };
        let program = bench.program(&Recipe::rust(ONE));
        refused(bench.worker.register_as(id, program), &expected);
        refused(bench.worker.unregister_id(id), &expected);
        // SAFETY: there are no tensors.
        let run = unsafe { bench.worker.run_id(id, &args, &small()) };
        refused(run, &expected);
    }
    for id in [0, 63] {
        let expected = Refusal::NotRegistered { id };
        refused(bench.worker.unregister_id(id), &expected);
        // SAFETY: there are no tensors.
        let run = unsafe { bench.worker.run_id(id, &args, &small()) };
        refused(run, &expected);
    }
    let last = bench
        .worker
        .register_as(63, bench.program(&Recipe::rust(ONE)))
        .expect("the last id");
    bench.proves_itself(&last);
    bench.worker.unregister_id(63).expect("it is registered");
}

/// A handle belongs to one registration of one worker.
pub fn foreign_and_stale_handles_are_refused(subject: &Subject) {
    let here = Bench::new(subject);
    let there = here.beside();
    let ours = here.registered(&Recipe::rust(ONE));
    let theirs = there.registered(&Recipe::rust(ONE));
    assert_eq!(ours.id(), theirs.id());
    let run = here.run(&theirs, vec![], &[], &small());
    assert!(matches!(run, Err(Error::ForeignHandle)));
    assert!(matches!(
        here.worker.unregister(&theirs),
        Err(Error::ForeignHandle)
    ));
    let copy = ours.clone();
    here.worker.unregister(&ours).expect("it is registered");
    let again = here.registered(&Recipe::rust(ONE));
    assert_eq!(again.id(), copy.id());
    for stale in [&ours, &copy] {
        let expected = Refusal::NotRegistered { id: 0 };
        refused(here.run(stale, vec![], &[], &small()), &expected);
        refused(here.worker.unregister(stale), &expected);
    }
    here.proves_itself(&again);
    there.proves_itself(&theirs);
}

/// Programs that no chip can run are refused when they are registered, with what is wrong.
pub fn programs_that_cannot_run_are_refused(subject: &Subject) {
    let bench = Bench::new(subject);
    let good = bench.program(&Recipe::rust(ONE));
    let refusal = |ids: [i32; 2]| {
        let mut program = good.clone();
        for (kernel, id) in program.kernels.iter_mut().zip(ids) {
            kernel.func_id = id;
        }
        of_device(bench.worker.register(program)).to_string()
    };
    for id in [-1, 1024] {
        assert_eq!(
            refusal([0, id]),
            format!("func_id {id} is out of range: use 0 to 1023")
        );
    }
    assert_eq!(
        refusal([9, 9]),
        "func_id 9 names two kernels of one program: give each its own"
    );
    let empty = subject.program_of(&Recipe::rust(ONE), &[]);
    let error = of_device(bench.worker.register(empty)).to_string();
    assert!(error.contains("empty"), "{error}");
    bench.expect_loads(0, 0);
    bench.proves_itself(&bench.registered(&Recipe::rust(ONE)));
}
