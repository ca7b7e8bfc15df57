//! An argument blob is refused, or writes back to the bytes it was read from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{ChipStorageTaskArgs, TaskArgsView};

fuzz_target!(|bytes: &[u8]| {
    let Ok(view) = TaskArgsView::read_blob(bytes) else {
        return;
    };
    let mut again = vec![0; view.blob_size()];
    view.write_blob(&mut again).expect("as long as it said");
    assert_eq!(again, bytes[..again.len()]);

    let Ok(block) = ChipStorageTaskArgs::from_view(&view) else {
        assert!(view.tensor_count() > 64 || view.scalar_count() > 128);
        return;
    };
    assert_eq!(block.view(), Ok(view));
});
