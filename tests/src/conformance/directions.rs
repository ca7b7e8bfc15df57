//! Tensors go the ways their program's signature says.

use host::ArgDirection::{In, Inout, Out};
use host::{ArgDirection, Error};
use platform::Error as Refusal;

use super::bench::{Bench, Buffer, refused, small};
use super::script::{Mode, Op, Step};
use super::subject::{Recipe, Subject};

fn recipes<'a>(
    subject: &Subject,
    signature: &'a [ArgDirection],
) -> impl Iterator<Item = Recipe<'a>> {
    subject.languages().iter().map(move |&language| Recipe {
        language,
        ..Recipe::rust(signature)
    })
}

/// An `IN` tensor never comes back, though kernels wrote to it; an `OUT` tensor starts as zeros, though the caller
/// had something else there; an `INOUT` tensor goes both ways. In the reference all go both ways.
pub fn each_direction_is_kept(subject: &Subject) {
    for recipe in recipes(subject, &[In, Out, Inout]) {
        let bench = Bench::new(subject);
        let program = bench.registered(&recipe);
        for _ in 0..2 {
            let (mut input, mut output, mut both) = ([1_u32; 5], [2_u32; 6], [3_u32; 7]);
            let report = bench
                .run(
                    &program,
                    vec![
                        Buffer::Out(&mut input),
                        Buffer::Out(&mut output),
                        Buffer::Out(&mut both),
                    ],
                    &[
                        Step::task(0, 0, 1, 10),
                        Step::task(1, 1, 1, 20),
                        Step::task(2, 2, 1, 30),
                    ],
                    &small(),
                )
                .expect("a good run");
            assert_eq!((input, output, both), ([1; 5], [20; 6], [33; 7]));
            assert_eq!((report.copied_in, report.copied_out), (4 * 12, 4 * 13));
        }
    }
}

/// A tensor that the signature does not cover goes both ways.
pub fn tensors_beyond_the_signature_go_both_ways(subject: &Subject) {
    for signature in [&[][..], &[In]] {
        for recipe in recipes(subject, signature) {
            let bench = Bench::new(subject);
            let program = bench.registered(&recipe);
            let (mut first, mut second) = ([1_u32; 4], [2_u32; 4]);
            bench
                .run(
                    &program,
                    vec![Buffer::Out(&mut first), Buffer::Out(&mut second)],
                    &[Step::task(0, 0, 1, 10), Step::task(1, 1, 1, 20)],
                    &small(),
                )
                .expect("a good run");
            let kept = if signature.is_empty() { 11 } else { 1 };
            assert_eq!((first, second), ([kept; 4], [22; 4]));
        }
    }
}

/// A signature may say more than a run passes, and nothing is made of it.
pub fn a_signature_may_be_longer_than_the_arguments(subject: &Subject) {
    for recipe in recipes(subject, &[Inout, Out, In, Out]) {
        let bench = Bench::new(subject);
        bench.proves_itself(&bench.registered(&recipe));
    }
}

/// Memory lent for reading is refused where the program writes, before anything happens.
pub fn memory_lent_for_reading_is_never_written(subject: &Subject) {
    let bench = Bench::new(subject);
    for (signature, direction) in [
        (&[Out][..], Some(Out)),
        (&[Inout], Some(Inout)),
        (&[], None),
    ] {
        let program = bench.registered(&Recipe::rust(signature));
        let run = bench.run(&program, vec![Buffer::In(&[1, 2])], &[], &small());
        let Err(Error::SharedButWritten {
            argument: 0,
            direction: found,
        }) = run
        else {
            panic!("{run:?}");
        };
        assert_eq!(found, direction);
    }
    let program = bench.registered(&Recipe::rust(&[In, Out]));
    let (input, mut output) = ([1_u32, 2, 3], [0_u32; 3]);
    bench
        .run(
            &program,
            vec![Buffer::In(&input), Buffer::Out(&mut output)],
            &[Step::task(0, 0, 1, 1), Step::task(0, 1, 2, 0)],
            &small(),
        )
        .expect("a good run");
    assert_eq!((input, output), ([1, 2, 3], [4, 6, 8]));
}

/// A kernel that writes past the end of a tensor fails its run, by the tensor's number; nothing comes back.
pub fn damage_behind_a_tensor_is_named(subject: &Subject) {
    for recipe in recipes(subject, &[Inout, Inout]) {
        let bench = Bench::new(subject);
        let program = bench.registered(&recipe);
        // Sizes at which a buffer has room to spare, and at which it has not.
        for elements in [1, 48, 63, 64, 100, 1008, 40_000] {
            let (mut first, mut second) = ([1_u32; 3], vec![1_u32; elements]);
            let run = bench.run(
                &program,
                vec![Buffer::Out(&mut first), Buffer::Out(&mut second)],
                &[
                    Step::task(0, 0, 5, 5),
                    Step::task(1, 1, 5, 5).with(Mode::Beyond, 0),
                ],
                &small(),
            );
            refused(
                run,
                &Refusal::GuardDamaged {
                    argument: 1,
                    bytes: 4 * elements as u64,
                    offset: 0,
                },
            );
            assert_eq!((first[0], second[elements - 1]), (1, 1));
            bench.proves_itself(&program);
        }
    }
}

/// Nothing comes back from a run that failed, whatever its tasks had written.
pub fn nothing_comes_back_from_a_failed_run(subject: &Subject) {
    for recipe in recipes(subject, &[Out, Inout]) {
        let bench = Bench::new(subject);
        let program = bench.registered(&recipe);
        let (mut output, mut both) = ([1_u32; 4], [2_u32; 4]);
        bench
            .run(
                &program,
                vec![Buffer::Out(&mut output), Buffer::Out(&mut both)],
                &[
                    Step::task(0, 0, 1, 9),
                    Step::task(1, 1, 1, 9),
                    Step::plain(Op::Fatal, 77, 0),
                ],
                &small(),
            )
            .expect_err("the script says so");
        assert_eq!((output, both), ([1; 4], [2; 4]));
        bench.proves_itself(&bench.registered(&Recipe::rust(&[Inout])));
    }
}
