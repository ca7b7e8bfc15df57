//! A kernel image is refused, or rebuilds to an image that says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{CoreCallable, core_callable_image};

fuzz_target!(|bytes: &[u8]| {
    let Ok(kernel) = CoreCallable::read(bytes) else {
        return;
    };
    assert_eq!(kernel.image(), &bytes[..kernel.image().len()]);
    let size = CoreCallable::image_size(bytes).expect("the whole image is there");
    assert_eq!(size, kernel.image().len() as u64);

    let signature: Vec<_> = kernel.signature().collect();
    let mut rebuilt =
        core_callable_image(&signature, kernel.payload()).expect("what was read is valid");
    CoreCallable::write_resolved_addr(&mut rebuilt, kernel.resolved_addr()).expect("a header");
    let rebuilt = CoreCallable::read(&rebuilt).expect("what was built is valid");
    assert!(rebuilt.signature().eq(kernel.signature()));
    assert_eq!(rebuilt.payload(), kernel.payload());
    assert_eq!(rebuilt.resolved_addr(), kernel.resolved_addr());
});
