//! Device memory: who has it, how much of it, and what may be done with an address.

use host::ArgDirection::{In, Inout, Out};
use host::DeviceAddress;
use platform::{Error, MemoryStats};

use super::bench::{Bench, Buffer, of_device, refused, small};
use super::script::Step;
use super::subject::{Recipe, Subject};

/// Without a chip there is no memory.
pub fn memory_calls_before_init_are_refused(subject: &Subject) {
    let bench = Bench::detached(subject);
    let worker = &bench.worker;
    let nowhere = DeviceAddress(64);
    let expected = |operation| Error::NotAttached { operation };
    refused(worker.malloc(8), &expected("malloc"));
    refused(worker.free(nowhere), &expected("free"));
    refused(worker.copy_to(nowhere, &[0_u8]), &expected("copy_to"));
    let copied = worker.copy_from(&mut [0_u8], nowhere);
    refused(copied, &expected("copy_from"));
    assert_eq!(worker.memory(), MemoryStats::default());
}

/// Copies stay in their allocation; what is copied comes back.
pub fn copies_stay_in_their_allocation(subject: &Subject) {
    let bench = Bench::new(subject);
    let worker = &bench.worker;
    let address = worker.malloc(40).expect("little memory");
    let mut back = [7_u32; 10];
    worker.copy_from(&mut back, address).expect("in bounds");
    assert_eq!(back, [0; 10], "fresh memory is zeroed");
    worker
        .copy_to(address, &[1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        .expect("in bounds");
    worker
        .copy_from(&mut back[..3], address.offset(28))
        .expect("in bounds");
    assert_eq!(back[..3], [8, 9, 10]);
    refused(
        worker.copy_to(address.offset(36), &[0_u32; 2]),
        &Error::OutOfBounds {
            operation: "copy_to",
            address: address.offset(36),
            bytes: 8,
            start: address,
            size: 40,
        },
    );
    for address in [
        DeviceAddress(0),
        address.offset(40),
        DeviceAddress(u64::MAX),
    ] {
        let operation = "copy_from";
        refused(
            worker.copy_from(&mut back, address),
            &Error::UnknownAddress { operation, address },
        );
    }
    worker.copy_to::<u32>(address, &[]).expect("nothing to do");
}

/// What is allocated is counted and freed once, by its start.
pub fn every_allocation_is_counted_and_freed_once(subject: &Subject) {
    let bench = Bench::new(subject);
    let worker = &bench.worker;
    let sizes = [1_u64, 64, 1000, 1 << 20];
    let addresses = sizes.map(|bytes| worker.malloc(bytes).expect("little memory"));
    let stats = worker.memory();
    assert_eq!(
        (stats.allocations, stats.allocated),
        (4, sizes.iter().sum())
    );
    let (start, address) = (addresses[2], addresses[2].offset(8));
    refused(
        worker.free(address),
        &Error::InteriorAddress { address, start },
    );
    for address in addresses {
        worker.free(address).expect("once");
        let operation = "free";
        refused(
            worker.free(address),
            &Error::UnknownAddress { operation, address },
        );
    }
    assert_eq!(worker.memory(), MemoryStats::default());
    let too_much = of_device(worker.malloc(u64::MAX)).to_string();
    let start = format!("cannot allocate {} bytes of device memory", u64::MAX);
    assert!(too_much.starts_with(&start), "{too_much}");
    assert!(worker.malloc(8).is_ok());
}

/// What was never freed goes with the chip; its addresses mean nothing to the next one.
pub fn finalize_frees_what_is_left(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::rust(&[Inout]));
    let address = bench.worker.malloc(1 << 20).expect("little memory");
    bench.worker.malloc(100).expect("little memory");
    bench.proves_itself(&program);
    assert!(
        bench.worker.memory().pooled > 0,
        "a buffer for the next run"
    );
    bench.ends_clean();
    bench
        .worker
        .init(0)
        .expect("finalized workers are like new");
    let operation = "free";
    refused(
        bench.worker.free(address),
        &Error::UnknownAddress { operation, address },
    );
}

/// Memory of one device is nobody else's.
pub fn memory_belongs_to_its_device(subject: &Subject) {
    let here = Bench::new(subject);
    let there = here.beside();
    let address = here.worker.malloc(64).expect("little memory");
    let expected = |operation| Error::UnknownAddress { operation, address };
    refused(there.worker.free(address), &expected("free"));
    let copied = there.worker.copy_to(address, &[1_u8]);
    refused(copied, &expected("copy_to"));
    here.worker.free(address).expect("ours");
}

/// A tensor that lies in device memory is neither copied nor zeroed, whatever the signature says.
pub fn resident_tensors_are_passed_through(subject: &Subject) {
    for &language in subject.languages() {
        for direction in [In, Out, Inout] {
            let bench = Bench::new(subject);
            let signature = [direction, Out];
            let program = bench.registered(&Recipe {
                language,
                ..Recipe::rust(&signature)
            });
            let address = bench.worker.malloc(16).expect("little memory");
            bench
                .worker
                .copy_to(address, &[1_u32, 2, 3, 4])
                .expect("in bounds");
            let mut result = [0; 4];
            let report = bench
                .run(
                    &program,
                    vec![Buffer::Resident(address, 4), Buffer::Out(&mut result)],
                    &[Step::task(0, 0, 10, 1), Step::task(0, 1, 1, 0)],
                    &small(),
                )
                .expect("a good run");
            assert_eq!((report.copied_in, report.copied_out), (0, 16));
            assert_eq!(result, [11, 21, 31, 41]);
            let mut resident = [0_u32; 4];
            bench
                .worker
                .copy_from(&mut resident, address)
                .expect("in bounds");
            assert_eq!(resident, result);
            bench.worker.free(address).expect("nobody uses it any more");
        }
    }
}

/// Device memory that a tensor leaves is refused before anything runs.
pub fn resident_tensors_stay_in_their_allocation(subject: &Subject) {
    let bench = Bench::new(subject);
    let program = bench.registered(&Recipe::rust(&[Inout]));
    let address = bench.worker.malloc(16).expect("little memory");
    let run = |address, elements| {
        let script = [Step::task(0, 0, 1, 1)];
        bench.run(
            &program,
            vec![Buffer::Resident(address, elements)],
            &script,
            &small(),
        )
    };
    run(address, 4).expect("in bounds");
    run(address.offset(8), 2).expect("in bounds");
    refused(
        run(address, 5),
        &Error::OutOfBounds {
            operation: "tensor argument",
            address,
            bytes: 20,
            start: address,
            size: 16,
        },
    );
    let mut data = [0_u32; 4];
    bench
        .worker
        .copy_from(&mut data, address)
        .expect("in bounds");
    assert_eq!(data, [1, 1, 2, 2], "refused runs did nothing");
}
