//! A call configuration is refused, or is the record it was read from and keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{A2a3, A5, CallConfig};

fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = CallConfig::read(bytes) else {
        return;
    };
    assert_eq!(
        bytemuck::bytes_of(&config),
        &bytes[..size_of::<CallConfig>()]
    );
    let prefix = config.output_prefix().expect("validated");
    assert!(!prefix.is_empty() || !config.any_diagnostic());
    // What fits the small family fits the large one.
    if config.validate_for::<A2a3>().is_ok() {
        assert_eq!(config.validate_for::<A5>(), Ok(()));
    }
    let mut again = CallConfig::default();
    again
        .set_output_prefix(prefix)
        .expect("it came from a record");
    assert_eq!(again.output_prefix(), Ok(prefix));
});
