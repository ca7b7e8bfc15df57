//! The page through which a parent process gives work to a child.
//!
//! Knows the two frames, their states and commands, and refuses frames that say nothing valid.
//! Refuses to know who waits, and how: the state word changes while both look and is reached by
//! offset ([`STATE_OFFSET`]), the rest is read once the state says whose turn it is.
//!
//! ```text
//! IDLE ──parent──▶ TASK_READY ──child──▶ TASK_DONE ──parent──▶ IDLE
//!  │ └──parent──▶ CONTROL_REQUEST ──child──▶ CONTROL_DONE ──parent──▶ IDLE
//!  └────parent──▶ SHUTDOWN
//! ```

use bytemuck::{Pod, Zeroable};

use crate::wire_enum::wire_enum;
use crate::{CallConfig, Malformed, TaskArgsView};

/// Where in either frame the state word lies.
pub const STATE_OFFSET: usize = 0;
/// Bytes of the argument blob's place in a frame.
pub const MAILBOX_ARGS_CAPACITY: usize = 2776;
/// Bytes of the error text in a frame, the closing NUL included.
pub const MAILBOX_ERROR_BYTES: usize = 256;
/// Buffer addresses a bootstrap frame has room for.
pub const BOOTSTRAP_POINTERS: usize = 376;
/// Bytes of the error text in a bootstrap frame, the closing NUL included.
pub const BOOTSTRAP_ERROR_BYTES: usize = 1024;

wire_enum! {
    /// Whose turn it is.
    pub enum MailboxState: i32 as "mailbox state" {
        /// The parent's; nothing to do.
        Idle = 0 => "IDLE",
        /// The child's: run the task.
        TaskReady = 1 => "TASK_READY",
        /// The parent's: the task is over.
        TaskDone = 2 => "TASK_DONE",
        /// The child's: leave.
        Shutdown = 3 => "SHUTDOWN",
        /// The child's: do what the command says.
        ControlRequest = 4 => "CONTROL_REQUEST",
        /// The parent's: the command is done.
        ControlDone = 5 => "CONTROL_DONE",
    }
}

wire_enum! {
    /// What a parent asks a child to do, other than running a task.
    pub enum ControlCommand: u64 as "control command" {
        /// Allocate: bytes; the result is the address.
        Malloc = 0 => "MALLOC",
        /// Free: address.
        Free = 1 => "FREE",
        /// Copy to the device: destination, source, bytes.
        CopyTo = 2 => "COPY_TO",
        /// Copy from the device: destination, source, bytes.
        CopyFrom = 3 => "COPY_FROM",
        /// Prepare: callable id.
        Prepare = 4 => "PREPARE",
    }
}

wire_enum! {
    /// How the start of a chip process went.
    pub enum BootstrapState: i32 as "bootstrap state" {
        /// Not over yet.
        Idle = 0 => "IDLE",
        /// Started.
        Success = 1 => "SUCCESS",
        /// Failed; the text says why.
        Error = 2 => "ERROR",
    }
}

/// The page of a worker. A control command lies over the first words of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MailboxFrame {
    /// A [`MailboxState`], unchecked.
    pub state: i32,
    /// 0, or not: the child failed.
    pub error: i32,
    /// The callable, or a [`ControlCommand`].
    pub callable: u64,
    /// The configuration of a task.
    pub config: CallConfig,
    /// Unspecified.
    pub pad: [u8; 4],
    /// Argument blob of a task.
    pub args: [u8; MAILBOX_ARGS_CAPACITY],
    /// What went wrong, closed by NUL.
    pub error_msg: [u8; MAILBOX_ERROR_BYTES],
}

crate::pin_layout!(MailboxFrame, 4096 bytes, align 8, {
    0 => state: i32,
    4 => error: i32,
    8 => callable: u64,
    16 => config: CallConfig,
    1060 => pad: [u8; 4],
    1064 => args: [u8; MAILBOX_ARGS_CAPACITY],
    3840 => error_msg: [u8; MAILBOX_ERROR_BYTES],
});

/// A control command and its arguments, as they lie over a frame from its callable word on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ControlWords {
    /// A [`ControlCommand`], unchecked.
    pub command: u64,
    /// Arguments.
    pub args: [u64; 3],
    /// Result, written by the child.
    pub result: u64,
}

crate::pin_layout!(ControlWords, 40 bytes, align 8, {
    0 => command: u64,
    8 => args: [u64; 3],
    32 => result: u64,
});

/// Where in a frame the [`ControlWords`] lie.
pub const CONTROL_OFFSET: usize = core::mem::offset_of!(MailboxFrame, callable);

/// The page through which a chip process says that it has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct BootstrapFrame {
    /// A [`BootstrapState`], unchecked.
    pub state: i32,
    /// 0, or why it failed.
    pub error_code: i32,
    /// Buffer addresses in use.
    pub buffer_count: i32,
    /// Zero.
    pub pad0: u32,
    /// Address of the communicator's context on the device.
    pub device_ctx: u64,
    /// Address of the own window.
    pub local_window_base: u64,
    /// Bytes of a window.
    pub actual_window_size: u64,
    /// Zero.
    pub pad1: [u8; 24],
    /// Buffer addresses.
    pub buffer_ptrs: [u64; BOOTSTRAP_POINTERS],
    /// What went wrong, closed by NUL.
    pub error_msg: [u8; BOOTSTRAP_ERROR_BYTES],
}

crate::pin_layout!(BootstrapFrame, 4096 bytes, align 8, {
    0 => state: i32,
    4 => error_code: i32,
    8 => buffer_count: i32,
    12 => pad0: u32,
    16 => device_ctx: u64,
    24 => local_window_base: u64,
    32 => actual_window_size: u64,
    40 => pad1: [u8; 24],
    64 => buffer_ptrs: [u64; BOOTSTRAP_POINTERS],
    3072 => error_msg: [u8; BOOTSTRAP_ERROR_BYTES],
});

/// What a parent asks of a child.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Request<'frame> {
    /// Run a task.
    Task {
        /// The callable.
        callable: u64,
        /// How.
        config: &'frame CallConfig,
        /// With what.
        args: TaskArgsView<'frame>,
    },
    /// Do what the command says.
    Control {
        /// The command.
        command: ControlCommand,
        /// Its arguments.
        args: [u64; 3],
    },
    /// Leave.
    Shutdown,
}

impl MailboxFrame {
    /// Whose turn it is.
    ///
    /// # Errors
    /// When the state word is none.
    pub const fn mailbox_state(&self) -> Result<MailboxState, Malformed> {
        MailboxState::from_wire(self.state)
    }

    /// What the parent asks, `None` while it is not the child's turn.
    ///
    /// # Errors
    /// When state, command, configuration or arguments are malformed.
    pub fn request(&self) -> Result<Option<Request<'_>>, Malformed> {
        match self.mailbox_state()? {
            MailboxState::TaskReady => {
                self.config.validate()?;
                Ok(Some(Request::Task {
                    callable: self.callable,
                    config: &self.config,
                    args: TaskArgsView::read_blob(&self.args)?,
                }))
            }
            MailboxState::ControlRequest => {
                let words = self.control();
                Ok(Some(Request::Control {
                    command: ControlCommand::from_wire(words.command)?,
                    args: words.args,
                }))
            }
            MailboxState::Shutdown => Ok(Some(Request::Shutdown)),
            MailboxState::Idle | MailboxState::TaskDone | MailboxState::ControlDone => Ok(None),
        }
    }

    /// The control words.
    #[must_use]
    pub fn control(&self) -> &ControlWords {
        let words = CONTROL_OFFSET..CONTROL_OFFSET + size_of::<ControlWords>();
        bytemuck::from_bytes(&bytemuck::bytes_of(self)[words])
    }

    /// The control words, to be filled in.
    #[must_use]
    pub fn control_mut(&mut self) -> &mut ControlWords {
        let words = CONTROL_OFFSET..CONTROL_OFFSET + size_of::<ControlWords>();
        bytemuck::from_bytes_mut(&mut bytemuck::bytes_of_mut(self)[words])
    }

    /// The error text up to its NUL.
    #[must_use]
    pub fn error_text(&self) -> &[u8] {
        up_to_nul(&self.error_msg)
    }
}

impl BootstrapFrame {
    /// How the start went.
    ///
    /// # Errors
    /// When the state word is none.
    pub const fn bootstrap_state(&self) -> Result<BootstrapState, Malformed> {
        BootstrapState::from_wire(self.state)
    }

    /// The buffer addresses in use.
    ///
    /// # Errors
    /// When the count is out of range.
    pub fn buffers(&self) -> Result<&[u64], Malformed> {
        usize::try_from(self.buffer_count)
            .ok()
            .and_then(|count| self.buffer_ptrs.get(..count))
            .ok_or(Malformed::OutOfRange {
                field: "buffer_count",
                value: i64::from(self.buffer_count),
                min: 0,
                max: BOOTSTRAP_POINTERS as i64,
            })
    }

    /// The error text up to its NUL.
    #[must_use]
    pub fn error_text(&self) -> &[u8] {
        up_to_nul(&self.error_msg)
    }
}

/// Text without what follows its NUL; all of it where there is none.
fn up_to_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_request_lies_over_the_configuration() {
        let mut frame = MailboxFrame::zeroed();
        frame.state = MailboxState::ControlRequest.to_wire();
        frame.control_mut().command = ControlCommand::CopyTo.to_wire();
        frame.control_mut().args = [7, 8, 9];
        let bytes: [u8; 8] = bytemuck::bytes_of(&frame)[24..32]
            .try_into()
            .expect("eight");
        assert_eq!(u64::from_le_bytes(bytes), 8);
        assert_eq!(
            frame.request(),
            Ok(Some(Request::Control {
                command: ControlCommand::CopyTo,
                args: [7, 8, 9]
            }))
        );
    }

    #[test]
    fn an_unknown_state_or_command_is_refused() {
        let mut frame = MailboxFrame::zeroed();
        frame.state = 6;
        assert!(frame.request().is_err());
        frame.state = MailboxState::ControlRequest.to_wire();
        frame.callable = 5;
        assert!(frame.request().is_err());
    }

    #[test]
    fn a_task_with_more_arguments_than_the_frame_holds_is_refused() {
        let mut frame = MailboxFrame::zeroed();
        frame.state = MailboxState::TaskReady.to_wire();
        frame.config = CallConfig::default();
        assert!(matches!(frame.request(), Ok(Some(Request::Task { .. }))));
        frame.args[0] = 70;
        assert!(frame.request().is_err());
    }

    #[test]
    fn it_is_not_the_childs_turn_while_idle_or_done() {
        let mut frame = MailboxFrame::zeroed();
        for state in [
            MailboxState::Idle,
            MailboxState::TaskDone,
            MailboxState::ControlDone,
        ] {
            frame.state = state.to_wire();
            assert_eq!(frame.request(), Ok(None));
        }
    }

    #[test]
    fn a_bootstrap_frame_cannot_list_more_buffers_than_it_holds() {
        let mut frame = BootstrapFrame::zeroed();
        frame.buffer_count = 376;
        assert_eq!(frame.buffers().map(<[u64]>::len), Ok(376));
        for count in [-1, 377] {
            frame.buffer_count = count;
            assert!(frame.buffers().is_err());
        }
    }
}
