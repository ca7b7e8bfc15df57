//! Any bytes have an id: eight bytes of them, or their hash.
//!
//! An input that does not start like an ELF file gets such a start, so that the walk over headers
//! and notes is what is fuzzed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::content_id;
use protocol::layout::fnv1a64;

const ELF_64: &[u8] = b"\x7fELF\x02\x01\x01";

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut file = ELF_64.to_vec();
    file.extend_from_slice(bytes);
    check(&file);
});

fn check(bytes: &[u8]) {
    let id = content_id(bytes);
    assert!(
        id == fnv1a64(bytes) || bytes.windows(8).any(|window| window == id.to_le_bytes()),
        "an id out of nowhere"
    );
}
