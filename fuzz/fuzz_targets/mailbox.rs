//! A mailbox frame asks for something valid, for nothing, or is refused.
//!
//! A frame has 4096 bytes: the input is its beginning, its arguments, or both.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::mailbox::{BootstrapFrame, MailboxFrame, MailboxState, Request};

const FRAME: usize = size_of::<MailboxFrame>();
const HEAD: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let mut frame = [0; FRAME];
    let used = bytes.len().min(FRAME);
    frame[..used].copy_from_slice(&bytes[..used]);
    check(&frame);

    // The same input with its tail where the arguments are, so that short inputs reach them.
    if let Some((head, args)) = bytes.split_at_checked(HEAD) {
        let at = std::mem::offset_of!(MailboxFrame, args);
        let mut frame = [0; FRAME];
        frame[..HEAD].copy_from_slice(head);
        // A valid thread count: the head ends before it.
        frame[HEAD] = 3;
        let used = args.len().min(FRAME - at);
        frame[at..at + used].copy_from_slice(&args[..used]);
        check(&frame);
    }
});

fn check(bytes: &[u8; FRAME]) {
    let bootstrap: BootstrapFrame = bytemuck::pod_read_unaligned(bytes);
    if let Ok(buffers) = bootstrap.buffers() {
        assert_eq!(buffers.len(), bootstrap.buffer_count as usize);
    }
    assert!(!bootstrap.error_text().contains(&0));

    let frame: MailboxFrame = bytemuck::pod_read_unaligned(bytes);
    assert!(!frame.error_text().contains(&0));
    let Ok(Some(request)) = frame.request() else {
        return;
    };
    let state = frame.mailbox_state().expect("the request was read");
    match request {
        Request::Task { config, args, .. } => {
            assert_eq!(state, MailboxState::TaskReady);
            assert_eq!(config.validate(), Ok(()));
            let mut again = vec![0; args.blob_size()];
            args.write_blob(&mut again).expect("as long as it said");
            assert_eq!(again, frame.args[..again.len()]);
        }
        Request::Control { command, args } => {
            assert_eq!(state, MailboxState::ControlRequest);
            assert_eq!(frame.control().command, command.to_wire());
            assert_eq!(frame.control().args, args);
        }
        Request::Shutdown => assert_eq!(state, MailboxState::Shutdown),
    }
}
