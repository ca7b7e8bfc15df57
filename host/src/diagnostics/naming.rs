//! Naming the kernels of a run that is over.
//!
//! Knows which of its files say names. Refuses to know where names come from.

use std::collections::BTreeMap;
use std::path::Path;

use platform::diagnostics::{RECORDS, TRACE, file, trace};

use super::{names, records};

/// Writes down what kernels are called, and the trace anew with it.
pub(crate) fn apply(
    folder: &Path,
    label: &str,
    kernels: BTreeMap<i32, String>,
) -> Result<(), String> {
    names::write(folder, label, &kernels)?;
    let mut swimlane = records::read(&folder.join(RECORDS))?;
    swimlane.names = kernels;
    file(&folder.join(TRACE), |to| trace::write(&swimlane, to)).map_err(|error| error.to_string())
}
