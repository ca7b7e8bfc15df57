//! A chip image is refused, or rebuilds to an image that says the same.
//!
//! A header has 8596 bytes, nearly all of them unused: the input says which bytes of a zero header
//! to set and what follows it, unless it is itself as long as a header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{ChipCallable, ChipCallableBuilder, ChipCallableHeader, Malformed};

const HEADER: usize = size_of::<ChipCallableHeader>();

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() >= HEADER {
        read(bytes);
    } else if let Some((&count, rest)) = bytes.split_first() {
        let mut image = vec![0; HEADER];
        let words = usize::from(count % 32).min(rest.len() / 6);
        let (words, storage) = rest.split_at(words * 6);
        for word in words.chunks_exact(6) {
            let at = usize::from(u16::from_le_bytes([word[0], word[1]])) % (HEADER / 4) * 4;
            image[at..at + 4].copy_from_slice(&word[2..]);
        }
        image.extend_from_slice(storage);
        read(&image);
    }
});

fn read(bytes: &[u8]) {
    let chip = match ChipCallable::read(bytes) {
        Ok(chip) => chip,
        Err(Malformed::Truncated {
            needed, available, ..
        }) => {
            assert!(needed > available);
            return;
        }
        Err(_) => return,
    };
    assert_eq!(chip.image(), &bytes[..chip.image().len()]);
    let size = ChipCallable::image_size(bytes).expect("the whole image is there");
    assert_eq!(size, chip.image().len() as u64);

    let signature: Vec<_> = chip.signature().collect();
    let mut builder = ChipCallableBuilder::new(chip.orchestration())
        .signature(&signature)
        .func_name(chip.func_name().to_bytes())
        .config_name(chip.config_name().to_bytes());
    // The builder wants each id once; the reader allows the same kernel twice.
    let mut seen = [false; 1024];
    for child in chip.children() {
        let id = usize::try_from(child.func_id).expect("checked");
        if !std::mem::replace(&mut seen[id], true) {
            builder = builder.child(child.func_id, child.kernel);
        }
    }
    let rebuilt = builder.build().expect("what was read is valid");
    let rebuilt = ChipCallable::read(&rebuilt).expect("what was built is valid");
    assert_eq!(rebuilt.orchestration(), chip.orchestration());
    assert!(rebuilt.signature().eq(chip.signature()));
    assert_eq!(rebuilt.func_name(), chip.func_name());
    assert_eq!(rebuilt.config_name(), chip.config_name());
    let ids = seen.iter().filter(|&&seen| seen).count();
    assert_eq!(rebuilt.children().len(), ids);
}
