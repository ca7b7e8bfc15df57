//! Code that cannot be loaded.

use host::ArgDirection::Inout;
use host::Program;
use host::scene::chip::Chips;
use host::scene::session::{BuiltProgram, Machine};

use super::footprint::leaves_nothing;
use crate::conformance::bench::{Bench, of_device, small};
use crate::conformance::objects::Objects;
use crate::conformance::subject::{Recipe, Subject};

const ONE: &[host::ArgDirection] = &[Inout];

/// `image` with another byte at `at`.
fn with_byte(image: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut image = image.to_vec();
    image[at] = byte;
    image
}

/// Bytes that are no code, made of `good`, and what is said about each.
fn bad_images(good: &[u8], objects: &Objects) -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (b"#!/bin/sh\n".to_vec(), "not a 64-bit ELF file"),
        (good[..3].to_vec(), "not a 64-bit ELF file"),
        (good[..good.len() / 4].to_vec(), "cut short"),
        // Where the header names the machine, and the type of file.
        (with_byte(good, 18, 0xf3), "ELF machine 243"),
        (with_byte(good, 16, 2), "ELF of type 2"),
        (objects.without_entry.clone(), "does not export"),
        (objects.unresolved.clone(), "nobody_has_this"),
    ]
}

/// Checks that `program` cannot be loaded for a reason that starts and goes on like this, whenever it is asked for,
/// and that the worker goes on.
fn is_refused(subject: &Subject, program: &Program, start: &str, reason: &str) {
    let bench = Bench::new(subject);
    let good = bench.registered(&Recipe::cpp(ONE));
    bench.proves_itself(&good);
    let attempt = || {
        let callable = match bench.worker.register_as(9, program.clone()) {
            Err(error) => return error.to_string(),
            Ok(callable) => callable,
        };
        let error = of_device(bench.run(&callable, vec![], &[], &small()));
        bench
            .worker
            .unregister(&callable)
            .expect("it is registered");
        error.to_string()
    };
    for _ in 0..2 {
        let text = attempt();
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains(reason), "`{reason}` is not in: {text}");
        bench.proves_itself(&good);
    }
    let again = bench
        .worker
        .register_as(9, bench.program(&Recipe::cpp(ONE)));
    bench.proves_itself(&again.expect("the id is free"));
    bench.ends_clean();
}

/// An orchestration that cannot be loaded is refused with the reason.
pub fn orchestrations_that_cannot_be_loaded(subject: &Subject) {
    let objects = subject.objects();
    let images = bad_images(&objects.orchestration, objects);
    leaves_nothing(|| {
        for (image, reason) in &images {
            let recipe = Recipe::cpp(ONE);
            let program = subject.program_of(&recipe, image);
            is_refused(
                subject,
                &program,
                "orchestration of callable_id 9: ",
                reason,
            );
        }
    });
}

/// A kernel that cannot be loaded is refused when its program is registered, with its number and the reason.
pub fn kernels_that_cannot_be_loaded(subject: &Subject) {
    let objects = subject.objects();
    let mut images = bad_images(&objects.vector, objects);
    images.push((Vec::new(), "the image is empty"));
    leaves_nothing(|| {
        for (image, reason) in &images {
            let program = subject.program_with_kernel(ONE, image);
            is_refused(subject, &program, "kernel func_id 0: ", reason);
        }
    });
}

/// Wherever an image ends too early, it is refused, or works because nothing that is needed was cut off.
pub fn every_truncation_of_an_image(subject: &Subject) {
    let objects = subject.objects();
    let bench = Bench::new(subject);
    let good = bench.registered(&Recipe::cpp(ONE));
    bench.proves_itself(&good);
    let mut refused = 0;
    for cut in 1..40 {
        let part = |image: &'static [u8]| &image[..image.len() * cut / 40];
        let recipe = Recipe::cpp(ONE);
        for program in [
            subject.program_with_kernel(ONE, part(&objects.vector)),
            subject.program_of(&recipe, part(&objects.orchestration)),
        ] {
            let Ok(program) = bench.worker.register_as(1, program) else {
                refused += 1;
                continue;
            };
            match bench.run(&program, vec![], &[], &small()) {
                Ok(_) => bench.proves_itself(&program),
                Err(_) => refused += 1,
            }
            bench.worker.unregister(&program).expect("it is registered");
        }
    }
    assert!(refused > 10, "most of the image is needed");
    bench.proves_itself(&good);
    bench.ends_clean();
}

/// A library that a scene names and nobody has is named.
pub fn libraries_that_are_not_there(subject: &Subject) {
    let platform = subject.platform.name.parse();
    let platform = platform.expect("scenes know every platform");
    let runtime = subject.runtime.name().parse();
    let runtime = runtime.expect("scenes know every runtime");
    leaves_nothing(|| {
        let mut session = Chips
            .open(platform, runtime, 0)
            .expect("a chip of this build");
        let error = session
            .prepare(&BuiltProgram {
                name: "nothing".to_owned(),
                platform,
                runtime,
                orchestration: "/nonexistent/graph.so".into(),
                entry: String::new(),
                config_entry: None,
                kernels: Vec::new(),
                signature: Vec::new(),
            })
            .expect_err("it is not there");
        let text = &error.text;
        assert!(
            text.contains("/nonexistent/graph.so: No such file"),
            "{text}"
        );
    });
}
