//! What went wrong in a child, and through whose hands it came.
//!
//! Knows origins, kinds and how a fault travels in a frame. Refuses to know who waits for it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultKind {
    /// A function returned an error.
    Error,
    /// A function panicked.
    Panic,
    /// The chip refused or failed.
    Device,
    /// The child does not have what the task names.
    NotRegistered,
    /// This kind of child cannot do that.
    Unsupported,
    /// The question was malformed.
    Malformed,
    /// The child died.
    Died,
    /// The child did not answer in time.
    Stuck,
    /// Not run, because something it depends on failed.
    Skipped,
    /// A graph function failed before or after its tasks.
    Graph,
}

/// A failure with the chain of those it passed, the outermost first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What sort of failure it was.
    pub kind: FaultKind,
    /// Who passed it on: the outermost first, the place where it happened last.
    pub origins: Vec<String>,
    /// Type of the error as its author named it, where there is one.
    pub error_type: Option<String>,
    /// What happened.
    pub message: String,
}

impl core::error::Error for Fault {}

impl Fault {
    /// A fault that has not passed anyone yet.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            origins: Vec::new(),
            error_type: None,
            message: message.into(),
        }
    }

    /// The text of a caught panic.
    pub(crate) fn of_panic(payload: &(dyn core::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new(FaultKind::Panic, text.unwrap_or("no message"))
    }

    /// The fault as `origin` passes it on.
    #[must_use]
    pub(crate) fn passed_by(mut self, origin: impl Into<String>) -> Self {
        self.origins.insert(0, origin.into());
        self
    }

    /// Writes the fault to `out`, closed by NUL; a message that is too long loses its middle.
    pub(crate) fn write(&self, out: &mut [u8]) {
        let room = out.len() - 1;
        let mut text = self.encoded();
        let mut keep = self.message.len();
        while text.len() > room && keep > 0 {
            // Escapes make it longer than counted, so it may take more than one step.
            keep = keep.saturating_sub((text.len() - room).max(64));
            let shorter = Self {
                message: without_middle(&self.message, keep),
                ..self.clone()
            };
            text = shorter.encoded();
        }
        if text.len() > room {
            text = Self::new(self.kind, "the origins of the error do not fit its frame").encoded();
        }
        out[..text.len()].copy_from_slice(text.as_bytes());
        out[text.len()] = 0;
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let end = bytes.iter().position(|&byte| byte == 0);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        serde_json::from_slice(text).unwrap_or_else(|_| {
            Self::new(
                FaultKind::Malformed,
                format!("unreadable error: {}", String::from_utf8_lossy(text)),
            )
        })
    }

    fn encoded(&self) -> String {
        serde_json::to_string(self).expect("strings and names encode")
    }
}

/// `keep` bytes of `text`: its beginning and its end.
fn without_middle(text: &str, keep: usize) -> String {
    let (mut head, mut tail) = (keep / 2, text.len() - keep / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{} […] {}", &text[..head], &text[tail..])
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for origin in &self.origins {
            write!(f, "{origin}: ")?;
        }
        match (&self.error_type, self.kind) {
            (Some(name), _) => write!(f, "{name}: ")?,
            (None, FaultKind::Panic) => f.write_str("panicked: ")?,
            _ => {}
        }
        f.write_str(&self.message)
    }
}

/// A task that failed or was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskFailure {
    /// Serial of the task.
    pub task: u64,
    /// What happened.
    pub fault: Fault,
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}: {}", self.task, self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind};

    #[test]
    fn a_fault_travels_whole() {
        let fault = Fault::new(FaultKind::Error, "the weights are \"bad\"\nline two")
            .passed_by("sub_worker 1")
            .passed_by("child_worker 0 level=3");
        let mut frame = [0xff; 4096];
        fault.write(&mut frame);
        assert_eq!(Fault::read(&frame), fault);
        let text = fault.to_string();
        assert!(text.starts_with("child_worker 0 level=3: sub_worker 1: the weights"));
    }

    #[test]
    fn a_fault_that_is_too_long_keeps_origins_beginning_and_end() {
        let message = format!("begin{}end", "ä\n".repeat(4000));
        let fault = Fault::new(FaultKind::Panic, message).passed_by("sub_worker 7");
        let mut frame = [0; 4096];
        fault.write(&mut frame);
        let read = Fault::read(&frame);
        assert_eq!(
            (read.kind, &read.origins),
            (FaultKind::Panic, &fault.origins)
        );
        assert!(read.message.starts_with("begin") && read.message.ends_with("end"));
    }

    #[test]
    fn rubbish_is_still_an_error() {
        assert_eq!(Fault::read(b"what?\0").kind, FaultKind::Malformed);
    }
}
