//! The content ids that the reference gives.

use crate::support::{Vectors, hex, name, same, text};
use protocol::content_id;
use protocol::layout::fnv1a64;
use serde_json::Value;

#[test]
fn every_vector() {
    let mut file = Vectors::parse(include_str!("../../../tests/vectors/content_id.json"));
    file.each("plain_bytes", |vector| {
        let bytes = if vector["rule"].is_null() {
            hex(&vector["bytes"])
        } else {
            (0..65_536_usize)
                .map(|index| (31 * index + (index >> 8)).to_le_bytes()[0])
                .collect()
        };
        same_id(vector, &bytes);
    });
    file.each("assembled_elf", |vector| {
        same_id(vector, &hex(&vector["bytes"]));
    });
    file.each("linked_elf", |vector| {
        same_id(vector, &base64(text(&vector["file_base64"])));
    });
    file.finish();
}

fn same_id(vector: &Value, bytes: &[u8]) {
    let name = name(vector);
    same(bytes.len(), &vector["length"]);
    same(fnv1a64(bytes), &vector["fnv1a64"]);
    same(content_id(bytes), &vector["id"]);
    let is_hash = content_id(bytes) == fnv1a64(bytes);
    let source = vector["source"].as_str().unwrap_or("whole_buffer_hash");
    assert_eq!(is_hash, source == "whole_buffer_hash", "{name}");
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for digit in text.trim_end_matches('=').bytes() {
        let (value, _) = (0..64)
            .zip(DIGITS)
            .find(|&(_, &candidate)| candidate == digit)
            .expect("a base64 digit");
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held).to_le_bytes()[0]);
        }
    }
    bytes
}
