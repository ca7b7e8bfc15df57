//! What a host function fails with.
//!
//! Knows how any error becomes a fault, and gives this crate's own back as they were. Refuses to know what the
//! function was for.

use super::fault::{Fault, FaultKind};
use crate::error::Error;

/// What a host function fails with: any error, with the name of its type.
///
/// It is no error itself, so that `?` turns every error into it.
#[derive(Debug)]
pub struct Failure {
    pub(crate) fault: Fault,
    /// The error itself, if it is this crate's: who called gets it back as it was.
    error: Option<Box<Error>>,
}

impl Failure {
    /// A failure that is only a text.
    pub fn msg(message: impl Into<String>) -> Self {
        Self::of_fault(Fault::new(FaultKind::Error, message))
    }

    /// A fault as the failure of a function.
    pub(crate) const fn of_fault(fault: Fault) -> Self {
        Self { fault, error: None }
    }

    /// The error for whoever called in this process.
    pub(crate) fn into_error(self) -> Error {
        match self.error {
            Some(error) => *error,
            None => self.fault.into(),
        }
    }
}

impl<E: core::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut fault = fault_of(&error);
        if fault.kind == FaultKind::Error && fault.origins.is_empty() && fault.error_type.is_none()
        {
            fault.error_type = Some(core::any::type_name::<E>().to_owned());
        }
        let error: Box<dyn core::any::Any> = Box::new(error);
        Self {
            fault,
            error: error.downcast().ok(),
        }
    }
}

/// The fault that an error carries, or its words and those of its causes.
fn fault_of(error: &(dyn core::error::Error + 'static)) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    if let Some(Error::Fault(fault)) = error.downcast_ref::<Error>() {
        return fault.clone();
    }
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message.push_str(": ");
        message.push_str(&source.to_string());
        cause = source.source();
    }
    Fault::new(FaultKind::Error, message)
}
