//! Readers on bytes that nobody checked: they refuse or give a value that means the same when it is
//! written again, and they never panic.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::sample::{Index, select};
use protocol::layout::fnv1a64;
use protocol::{
    ArgDirection, CallConfig, ChipCallable, ChipCallableBuilder, ContinuousTensor, CoreCallable,
    DataType, Malformed, TaskArgs, TaskArgsView, content_id, core_callable_image,
};

fn directions(most: usize) -> impl Strategy<Value = Vec<ArgDirection>> {
    vec(select(ArgDirection::ALL), 0..=most)
}

fn tensor() -> impl Strategy<Value = ContinuousTensor> {
    let shape = vec(0..5000_u32, 0..=5);
    (any::<u64>(), shape, select(DataType::ALL), any::<bool>()).prop_map(
        |(data, shape, data_type, is_device)| {
            let tensor = ContinuousTensor::new(data, &shape, data_type).expect("a small shape");
            if is_device {
                tensor.in_device_memory()
            } else {
                tensor
            }
        },
    )
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    (vec(tensor(), 0..70), vec(any::<u64>(), 0..140)).prop_map(|(tensors, scalars)| {
        let view = TaskArgsView::new(&tensors, &scalars);
        let mut blob = vec![0; view.blob_size()];
        view.write_blob(&mut blob).expect("as long as it said");
        blob
    })
}

fn kernel_image() -> impl Strategy<Value = Vec<u8>> {
    (directions(16), vec(any::<u8>(), 0..200))
        .prop_map(|(signature, payload)| core_callable_image(&signature, &payload).expect("valid"))
}

/// What a chip image is made from.
#[derive(Clone, Debug)]
struct Parts {
    orchestration: Vec<u8>,
    signature: Vec<ArgDirection>,
    func_name: String,
    config_name: String,
    children: Vec<(i32, Vec<u8>)>,
}

impl Parts {
    fn build(&self) -> Vec<u8> {
        let builder = ChipCallableBuilder::new(&self.orchestration)
            .signature(&self.signature)
            .func_name(self.func_name.as_bytes())
            .config_name(self.config_name.as_bytes());
        self.children
            .iter()
            .fold(builder, |builder, (func_id, image)| {
                builder.child(*func_id, CoreCallable::read(image).expect("valid"))
            })
            .build()
            .expect("valid parts")
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let children = prop::collection::btree_map(0..1024_i32, kernel_image(), 0..8)
        .prop_flat_map(|children| Just(children.into_iter().collect::<Vec<_>>()).prop_shuffle());
    (
        vec(any::<u8>(), 0..300),
        directions(64),
        "[a-zA-Z_]{0,63}",
        "[a-zA-Z_]{0,63}",
        children,
    )
        .prop_map(
            |(orchestration, signature, func_name, config_name, children)| Parts {
                orchestration,
                signature,
                func_name,
                config_name,
                children,
            },
        )
}

/// Some bytes changed, the end cut off or padded.
fn mutated(
    bytes: impl Strategy<Value = Vec<u8>>,
    interesting: usize,
) -> impl Strategy<Value = Vec<u8>> {
    // Half of the changes hit the first bytes, where the counts and offsets are.
    let place = (any::<Index>(), any::<bool>());
    let value = select(vec![0, 1, 2, 4, 0x3f, 0x40, 0x41, 0x7f, 0x80, 0xff]);
    (bytes, vec((place, value), 0..6), any::<Index>(), 0..4_u8).prop_map(
        move |(mut bytes, changes, cut, keep)| {
            for ((place, is_early), value) in changes {
                if !bytes.is_empty() {
                    let most = if is_early { interesting } else { usize::MAX };
                    let at = place.index(bytes.len().min(most));
                    bytes[at] = value;
                }
            }
            if keep == 0 {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            if keep == 1 {
                bytes.extend_from_slice(&[0xee; 40]);
            }
            bytes
        },
    )
}

/// The blob reader's promise.
fn blob_is_refused_or_same(bytes: &[u8]) {
    let Ok(view) = TaskArgsView::read_blob(bytes) else {
        return;
    };
    let mut again = vec![0; view.blob_size()];
    view.write_blob(&mut again).expect("as long as it said");
    assert_eq!(again, bytes[..again.len()]);
    assert_eq!(TaskArgsView::read_blob(&again), Ok(view));
}

/// The kernel image reader's promise.
fn kernel_is_refused_or_same(bytes: &[u8]) {
    let Ok(kernel) = CoreCallable::read(bytes) else {
        return;
    };
    assert_eq!(kernel.image(), &bytes[..kernel.image().len()]);
    assert_eq!(
        CoreCallable::image_size(bytes),
        Ok(kernel.image().len() as u64)
    );
    let signature: Vec<_> = kernel.signature().collect();
    let again = core_callable_image(&signature, kernel.payload()).expect("what was read is valid");
    let again = CoreCallable::read(&again).expect("what was built is valid");
    assert!(again.signature().eq(kernel.signature()));
    assert_eq!(again.payload(), kernel.payload());
}

/// The chip image reader's promise. Images may have gaps and left-overs that a builder never
/// makes, so what is equal is what an image says.
fn chip_is_refused_or_same(bytes: &[u8]) {
    let Ok(chip) = ChipCallable::read(bytes) else {
        return;
    };
    assert_eq!(chip.image(), &bytes[..chip.image().len()]);
    let signature: Vec<_> = chip.signature().collect();
    let mut builder = ChipCallableBuilder::new(chip.orchestration())
        .signature(&signature)
        .func_name(chip.func_name().to_bytes())
        .config_name(chip.config_name().to_bytes());
    let mut seen = Vec::new();
    for child in chip.children() {
        // The builder wants each id once; the reader allows the same kernel twice.
        if !seen.contains(&child.func_id) {
            seen.push(child.func_id);
            builder = builder.child(child.func_id, child.kernel);
        }
    }
    let again = builder.build().expect("what was read is valid");
    let again = ChipCallable::read(&again).expect("what was built is valid");
    assert_eq!(again.orchestration(), chip.orchestration());
    assert!(again.signature().eq(chip.signature()));
    assert_eq!(again.func_name(), chip.func_name());
    assert_eq!(again.config_name(), chip.config_name());
    for child in chip.children() {
        let mut kernels = again
            .children()
            .filter(|same| same.func_id == child.func_id);
        let same = kernels.next().expect("the child was added");
        assert_eq!(same.kernel.image(), child.kernel.image());
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..9000)) {
        blob_is_refused_or_same(&bytes);
        kernel_is_refused_or_same(&bytes);
        chip_is_refused_or_same(&bytes);
        if !bytes.starts_with(b"\x7fELF") {
            prop_assert_eq!(content_id(&bytes), fnv1a64(&bytes));
        }
        if let Ok(size) = ChipCallable::image_size(&bytes) {
            prop_assert!(size >= 8596);
        }
    }

    #[test]
    fn mutated_blobs(bytes in mutated(blob(), 56)) {
        blob_is_refused_or_same(&bytes);
    }

    #[test]
    fn mutated_kernels(bytes in mutated(kernel_image(), 72)) {
        kernel_is_refused_or_same(&bytes);
    }

    #[test]
    fn mutated_chips(bytes in mutated(parts().prop_map(|parts| parts.build()), 9000)) {
        chip_is_refused_or_same(&bytes);
    }

    #[test]
    fn sparse_headers(
        places in vec((0..8596_usize, any::<u8>()), 0..12),
        storage in vec(any::<u8>(), 0..600),
    ) {
        let mut bytes = vec![0; 8596];
        for (place, value) in places {
            bytes[place] = value;
        }
        bytes.extend_from_slice(&storage);
        chip_is_refused_or_same(&bytes);
    }

    #[test]
    fn alignment_does_not_matter(parts in parts(), shift in 0..8_usize) {
        let image = parts.build();
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(&image);
        prop_assert_eq!(
            ChipCallable::read(&shifted[shift..]).map(|chip| chip.image().to_vec()),
            Ok(image)
        );
    }

    #[test]
    fn what_is_built_is_read(parts in parts()) {
        let image = parts.build();
        let chip = ChipCallable::read(&image).expect("valid parts");
        prop_assert_eq!(chip.image(), &image[..]);
        prop_assert_eq!(ChipCallable::image_size(&image), Ok(image.len() as u64));
        prop_assert_eq!(chip.orchestration(), &parts.orchestration[..]);
        prop_assert_eq!(chip.signature().collect::<Vec<_>>(), parts.signature);
        prop_assert_eq!(chip.func_name().to_bytes(), parts.func_name.as_bytes());
        prop_assert_eq!(chip.config_name().to_bytes(), parts.config_name.as_bytes());
        let children: Vec<_> = chip
            .children()
            .map(|child| (child.func_id, child.kernel.image().to_vec()))
            .collect();
        prop_assert_eq!(children, parts.children);
    }

    #[test]
    fn arguments_survive_the_blob(
        tensors in vec(tensor(), 0..70),
        scalars in vec(any::<u64>(), 0..140),
    ) {
        let mut args = TaskArgs::new();
        for &tensor in &tensors {
            args.push_tensor(tensor).expect("no scalar yet");
        }
        for &scalar in &scalars {
            args.push_scalar(scalar);
        }
        // An odd start, as in a mailbox whose layout says so.
        let mut buffer = vec![0xee; args.view().blob_size() + 3];
        args.view().write_blob(&mut buffer[1..]).expect("room");
        let view = TaskArgsView::read_blob(&buffer[1..]).expect("what was written");
        prop_assert!(view.tensors().eq(tensors));
        prop_assert!(view.scalars().eq(scalars));
    }

    #[test]
    fn configurations_are_refused_or_same(
        mut bytes in vec(any::<u8>(), 1000..1100),
        ends in any::<bool>(),
    ) {
        // Small numbers first, so that some configurations are valid.
        for byte in bytes.iter_mut().take(20).skip(1).step_by(4) {
            *byte = 0;
        }
        for number in bytes[..20].chunks_exact_mut(4) {
            number[2..].fill(0);
        }
        if ends {
            bytes[500] = 0;
        }
        if let Ok(config) = CallConfig::read(&bytes) {
            prop_assert_eq!(bytemuck::bytes_of(&config), &bytes[..size_of::<CallConfig>()]);
            prop_assert!(config.validate().is_ok());
        }
    }
}

#[test]
fn counts_do_not_make_a_reader_allocate_or_overflow() {
    let huge = [0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f];
    assert!(TaskArgsView::read_blob(&huge).is_err());

    let mut kernel = core_callable_image(&[], &[]).expect("valid");
    kernel[68..72].fill(0xff);
    assert!(CoreCallable::read(&kernel).is_err());
    assert_eq!(
        CoreCallable::image_size(&kernel),
        Ok(128 + u64::from(u32::MAX))
    );
}

#[test]
fn a_child_outside_its_place_is_refused() {
    let kernel = core_callable_image(&[], &[7; 10]).expect("valid");
    let kernel = CoreCallable::read(&kernel).expect("valid");
    let image = ChipCallableBuilder::new(&[1; 100])
        .child(1, kernel)
        .child(2, kernel)
        .build()
        .expect("valid");
    let offset_of_second = 4428 + 4;
    let stated = u32::from_le_bytes(*image[offset_of_second..].first_chunk().expect("a field"));
    assert_eq!(stated, 320);
    // Inside the first child, inside the orchestration, behind the end.
    for offset in [256_u32, 0, 100_000, u32::MAX] {
        let mut image = image.clone();
        image[offset_of_second..offset_of_second + 4].copy_from_slice(&offset.to_le_bytes());
        let refused = ChipCallable::read(&image).expect_err("out of place");
        assert!(
            matches!(
                refused,
                Malformed::ElementOutOfRange {
                    field: "child_offsets",
                    index: 1,
                    ..
                }
            ),
            "{offset}: {refused}"
        );
    }
    // The last child cut short.
    let refused = ChipCallable::read(&image[..image.len() - 1]).expect_err("cut");
    assert_eq!(
        refused,
        Malformed::TruncatedChild {
            index: 1,
            needed: 138,
            available: 137
        }
    );
}

#[test]
fn one_id_may_stand_for_one_kernel_only() {
    let [first, second] = [7, 8].map(|byte| core_callable_image(&[], &[byte; 10]).expect("valid"));
    let image = ChipCallableBuilder::new(&[])
        .child(1, CoreCallable::read(&first).expect("valid"))
        .child(2, CoreCallable::read(&second).expect("valid"))
        .build()
        .expect("valid");
    let mut twice = image.clone();
    twice[336..340].copy_from_slice(&1_i32.to_le_bytes());
    assert_eq!(
        ChipCallable::read(&twice),
        Err(Malformed::DuplicateFuncId {
            func_id: 1,
            first: 0,
            second: 1
        })
    );
    // The same kernel twice is one kernel.
    let last = twice.len() - 10;
    twice[last..].fill(7);
    assert_eq!(
        ChipCallable::read(&twice)
            .expect("no contradiction")
            .children()
            .len(),
        2
    );
}

#[test]
fn a_blob_with_an_invalid_tensor_is_refused() {
    let tensor = ContinuousTensor::new(0, &[2], DataType::Int8).expect("valid");
    let mut blob = [0; 48];
    TaskArgsView::new(&[tensor], &[])
        .write_blob(&mut blob)
        .expect("room");
    assert!(TaskArgsView::read_blob(&blob).is_ok());

    let mut unknown_type = blob;
    unknown_type[8 + 32] = 11;
    assert_eq!(
        TaskArgsView::read_blob(&unknown_type),
        Err(Malformed::UnknownValue {
            field: "dtype",
            value: 11,
            max: 10
        })
    );
    let mut six_dimensions = blob;
    six_dimensions[8 + 28] = 6;
    assert_eq!(
        TaskArgsView::read_blob(&six_dimensions),
        Err(Malformed::OutOfRange {
            field: "ndims",
            value: 6,
            min: 0,
            max: 5
        })
    );
}

#[test]
fn a_name_that_is_not_what_its_length_says_is_refused() {
    let image = ChipCallableBuilder::new(&[])
        .func_name(b"entry")
        .build()
        .expect("valid");
    let (name, length) = (264, 328);
    let with = |at: usize, byte| {
        let mut image = image.clone();
        image[at] = byte;
        ChipCallable::read(&image).map(|chip| chip.func_name().to_bytes().len())
    };
    let refused = |length| {
        Err(Malformed::BadName {
            field: "func_name",
            length,
        })
    };
    assert_eq!(with(name, b'E'), Ok(5));
    // NUL in the middle, none at the end, beyond the field.
    assert_eq!(with(name + 2, 0), refused(5));
    assert_eq!(with(length, 4), refused(4));
    assert_eq!(with(length, 64), refused(64));

    assert!(
        ChipCallableBuilder::new(&[])
            .config_name(b"a\0b")
            .build()
            .is_err()
    );
}
