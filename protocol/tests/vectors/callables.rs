//! Kernel images and chip images, byte for byte as the reference makes them.

use crate::support::{Vectors, hex, int, list, name, number, same, same_image, sha256, text};
use protocol::callable::CORE_PAYLOAD_OFFSET;
use protocol::limits::{CALLABLE_ALIGN, MAX_CALLABLE_CHILDREN};
use protocol::{
    ArgDirection, ChipCallable, ChipCallableBuilder, ChipCallableHeader, CoreCallable,
    CoreCallableHeader, Malformed, Pinned, core_callable_image,
};
use serde_json::Value;

#[test]
fn every_vector() {
    let mut file = Vectors::parse(include_str!("../../../tests/vectors/callables.json"));
    file.each("core_callables", core_callable);
    let mut address = 0;
    file.members("resolved_address_written", |key, value| match key {
        "resolved_addr" => address = number(value),
        "bytes" => resolved_address(&hex(value)),
        other => panic!("no check for {other}"),
    });
    assert_eq!(address, RESOLVED_ADDRESS);
    file.each("chip_callables", chip_callable);
    let many = thousand_children();
    file.members("thousand_children", |key, value| {
        in_thousand_children(&many, key, value);
    });
    file.each("builder_limits", builder_limit);
    file.members("layout", layout);
    file.finish();
}

const RESOLVED_ADDRESS: u64 = 0x1122_3344_5566_7788;
const CHIP_HEADER: usize = size_of::<ChipCallableHeader>();

fn payload(size: usize, seed: usize) -> Vec<u8> {
    (0..size)
        .map(|index| (seed + 3 * index).to_le_bytes()[0])
        .collect()
}

fn payload_of(vector: &Value) -> Vec<u8> {
    payload(
        number(&vector["payload_size"]),
        number(&vector["payload_seed"]),
    )
}

fn signature_of(vector: &Value) -> Vec<ArgDirection> {
    list(&vector["signature"])
        .iter()
        .map(|direction| {
            *ArgDirection::ALL
                .iter()
                .find(|candidate| candidate.name() == text(direction))
                .expect("a known direction")
        })
        .collect()
}

fn core_callable(vector: &Value) {
    let payload = payload_of(vector);
    let signature = signature_of(vector);
    let image = core_callable_image(&signature, &payload).expect("the reference makes it");
    same(image.len(), &vector["image_size"]);
    same_image(&image, vector);

    let kernel = CoreCallable::read(&image).expect("what we made");
    let expected = &vector["reads_back"];
    same(kernel.signature().len(), &expected["sig_count"]);
    let directions: Vec<i32> = kernel.signature().map(ArgDirection::to_wire).collect();
    let expected_directions: Vec<i32> = list(&expected["sig"]).iter().map(number).collect();
    assert_eq!(directions, expected_directions);
    same(kernel.payload().len(), &expected["binary_size"]);
    assert_eq!(kernel.payload(), payload);
    same(kernel.resolved_addr(), &expected["resolved_addr"]);
    same(CORE_PAYLOAD_OFFSET, &expected["binary_offset"]);
    assert_eq!(kernel.image(), image);
    assert_eq!(
        CoreCallable::image_size(&image[..80]),
        Ok(image.len() as u64)
    );
    assert!(CoreCallable::read(&image[..image.len() - 1]).is_err());
}

fn resolved_address(expected: &[u8]) {
    let mut image = core_callable_image(&[ArgDirection::In], &payload(5, 1)).expect("valid");
    CoreCallable::write_resolved_addr(&mut image, RESOLVED_ADDRESS).expect("long enough");
    assert_eq!(image, expected);
    let kernel = CoreCallable::read(&image).expect("an uploaded image is valid");
    assert_eq!(kernel.resolved_addr(), RESOLVED_ADDRESS);
}

fn optional(name: &Value) -> &[u8] {
    name.as_str().unwrap_or_default().as_bytes()
}

fn chip_callable(vector: &Value) {
    let name = name(vector);
    let bytes = hex(&vector["bytes"]);
    same(bytes.len(), &vector["image_size"]);

    let orchestration = payload_of(vector);
    let signature = signature_of(vector);
    let children: Vec<(i32, Vec<u8>)> = list(&vector["children"])
        .iter()
        .map(|child| {
            let image = core_callable_image(&signature_of(child), &payload_of(child));
            (number(&child["func_id"]), image.expect("valid"))
        })
        .collect();
    let builder = |func_name, config_name| {
        let builder = ChipCallableBuilder::new(&orchestration)
            .signature(&signature)
            .func_name(func_name)
            .config_name(config_name);
        children.iter().fold(builder, |builder, (func_id, image)| {
            builder.child(*func_id, CoreCallable::read(image).expect("valid"))
        })
    };
    let mut func_name = optional(&vector["func_name"]);
    let mut config_name = optional(&vector["config_name"]);
    let refused = builder(func_name, config_name).build();
    match name {
        "same_func_id_twice_is_not_rejected" => {
            // The reference runs the later kernel under both numbers.
            let difference = Malformed::DuplicateFuncId {
                func_id: 4,
                first: 0,
                second: 1,
            };
            assert_eq!(refused, Err(difference));
            assert_eq!(ChipCallable::read(&bytes), Err(difference));
            return;
        }
        "func_id_out_of_range_is_not_rejected_here" => {
            // The reference refuses at prepare what we refuse in the image.
            let difference = Malformed::ElementOutOfRange {
                field: "child_func_ids",
                index: 0,
                value: -1,
                min: 0,
                max: 1023,
            };
            assert_eq!(refused, Err(difference));
            assert_eq!(ChipCallable::read(&bytes), Err(difference));
            return;
        }
        "names_of_64_and_100_characters_truncated" => {
            // The reference cuts names, and the symbol is then not found; our builder refuses.
            // Images with a cut name are as good as any.
            assert_eq!(
                refused,
                Err(Malformed::TooMany {
                    field: "func_name",
                    value: 64,
                    limit: 63
                })
            );
            func_name = &func_name[..63];
            config_name = &config_name[..63];
        }
        _ => {
            refused.expect("the reference makes it");
        }
    }
    let image = builder(func_name, config_name).build().expect("valid");
    same_image(&image, vector);
    reads_back(&image, &vector["reads_back"], &orchestration, &signature);
    assert!(
        ChipCallable::read(&image[..image.len() - 1]).is_err(),
        "{name}"
    );
}

fn reads_back(image: &[u8], expected: &Value, orchestration: &[u8], signature: &[ArgDirection]) {
    let chip = ChipCallable::read(image).expect("what the reference made");
    assert_eq!(chip.image(), image);
    assert!(chip.signature().eq(signature.iter().copied()));
    same(chip.signature().len(), &expected["sig_count"]);
    assert_eq!(chip.orchestration(), orchestration);
    same(orchestration.len(), &expected["binary_size"]);
    same(CHIP_HEADER, &expected["binary_offset"]);
    for (name, key) in [
        (chip.func_name(), "func_name"),
        (chip.config_name(), "config_name"),
    ] {
        assert_eq!(name.to_bytes(), text(&expected[key]).as_bytes());
        let length = &expected[format!("{key}_len")];
        same(name.count_bytes(), length);
    }
    same(chip.children().len(), &expected["child_count"]);
    for (child, expected) in chip.children().zip(list(&expected["children"])) {
        same(child.func_id, &expected["func_id"]);
        same(child.offset, &expected["child_offset"]);
        let at = child.kernel.image().as_ptr().addr() - image.as_ptr().addr();
        same(at, &expected["image_offset"]);
        let at = child.kernel.payload().as_ptr().addr() - image.as_ptr().addr();
        same(at, &expected["payload_image_offset"]);
        same(child.kernel.signature().len(), &expected["sig_count"]);
        same(child.kernel.payload().len(), &expected["binary_size"]);
        same(child.kernel.resolved_addr(), &expected["resolved_addr"]);
    }
    assert_eq!(size_without_length(image), image.len() as u64);
}

/// What a caller does who has an address and no length: read as far as the last answer said.
fn size_without_length(image: &[u8]) -> u64 {
    let mut known = 0;
    loop {
        match ChipCallable::image_size(&image[..known]) {
            Ok(size) => return size,
            Err(Malformed::Truncated { needed, .. }) => {
                let needed = usize::try_from(needed).expect("an image in memory");
                assert!(needed > known, "every answer gets further");
                known = needed;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn thousand_children() -> Vec<u8> {
    let orchestration = payload(10, 0);
    let children: Vec<Vec<u8>> = (0..MAX_CALLABLE_CHILDREN)
        .map(|index| core_callable_image(&[], &payload(index % 70, index % 256)).expect("valid"))
        .collect();
    let builder = ChipCallableBuilder::new(&orchestration).func_name(b"many");
    (0..)
        .zip(&children)
        .fold(builder, |builder, (index, image)| {
            builder.child(1023 - index, CoreCallable::read(image).expect("valid"))
        })
        .build()
        .expect("as many children as there may be")
}

fn in_thousand_children(image: &[u8], key: &str, expected: &Value) {
    match key {
        "rule" => assert_eq!(ChipCallable::read(image).expect("valid").image(), image),
        "image_size" => {
            same(image.len(), expected);
            same(size_without_length(image), expected);
        }
        "child_offsets_sample" => {
            let chip = ChipCallable::read(image).expect("valid");
            for (index, offset) in expected.as_object().expect("index to offset") {
                let index = index.parse().expect("an index");
                let child = chip.children().nth(index).expect("there are 1024");
                same(child.offset, offset);
            }
        }
        "sha256" => assert_eq!(sha256(image), text(expected)),
        "header_sha256" => assert_eq!(sha256(&image[..CHIP_HEADER]), text(expected)),
        "last_64_bytes" => assert_eq!(image[image.len() - 64..], hex(expected)),
        other => panic!("no check for {other}"),
    }
}

fn builder_limit(vector: &Value) {
    let directions = [ArgDirection::In; 65];
    let kernel_image = core_callable_image(&[], &[]).expect("valid");
    let kernel = CoreCallable::read(&kernel_image).expect("valid");
    let chip_children = |count| {
        (0..count)
            .fold(ChipCallableBuilder::new(&[]), |builder, index| {
                builder.child(index % 1024, kernel)
            })
            .build()
    };
    let is_made = match name(vector) {
        "core_signature_16" => core_callable_image(&directions[..16], &[]).is_ok(),
        "core_signature_17" => core_callable_image(&directions[..17], &[]).is_ok(),
        "core_signature_negative_accepted" => {
            // The reference stores a negative count. Ours cannot be asked to, and refuses to read
            // one.
            let mut image = kernel_image.clone();
            image[64..68].copy_from_slice(&(-1_i32).to_le_bytes());
            assert_eq!(
                CoreCallable::read(&image),
                Err(Malformed::OutOfRange {
                    field: "kernel sig_count",
                    value: -1,
                    min: 0,
                    max: 16
                })
            );
            true
        }
        "chip_signature_64" => ChipCallableBuilder::new(&[])
            .signature(&directions[..64])
            .build()
            .is_ok(),
        "chip_signature_65" => ChipCallableBuilder::new(&[])
            .signature(&directions)
            .build()
            .is_ok(),
        "chip_children_1024" => chip_children(1024).is_ok(),
        "chip_children_1025" => {
            assert_eq!(
                chip_children(1025),
                Err(Malformed::TooMany {
                    field: "children",
                    value: 1025,
                    limit: 1024
                })
            );
            false
        }
        other => panic!("no check for {other}"),
    };
    assert_eq!(is_made, text(&vector["outcome"]) == "ok", "{vector}");
}

fn layout(ty: &str, expected: &Value) {
    let layout = match ty {
        "CoreCallable" => CoreCallableHeader::LAYOUT,
        "ChipCallable" => ChipCallableHeader::LAYOUT,
        "align_up_64" => {
            for (size, aligned) in expected.as_object().expect("size to aligned size") {
                let size: usize = size.parse().expect("a size");
                same(size.next_multiple_of(CALLABLE_ALIGN), aligned);
            }
            return;
        }
        other => panic!("no check for {other}"),
    };
    for (key, value) in expected.as_object().expect("an object") {
        let ours = match key.as_str() {
            "size" => layout.size,
            "align" => layout.align,
            "payload" => CORE_PAYLOAD_OFFSET,
            "storage" => CHIP_HEADER,
            field => layout
                .fields
                .iter()
                .find(|candidate| candidate.name == field)
                .map(|field| field.offset)
                .unwrap_or_else(|| panic!("{ty} has no field {field}")),
        };
        assert_eq!(ours as i128, int(value), "{ty}::{key}");
    }
}
