//! Images of code: one kernel, or an orchestration with its kernels.
//!
//! Knows where everything lies in an image, how to read one safely and, with feature `alloc`, how
//! to make one. Refuses to know what the code inside is or where it is loaded.
//!
//! ```text
//! kernel image:  header 80 │ zeros 48 │ payload
//! chip image:    header 8596 │ storage: orchestration ┊ kernel image ┊ kernel image …
//! ```
//!
//! Children start at multiples of 64 *of the storage*, and storage starts at byte 8596 of the
//! image, so in memory nothing in it is aligned. Readers therefore take bytes at any alignment.
//!
//! A reader checks all of an image before it gives out any of it; its accessors cannot fail.

#[cfg(feature = "alloc")]
mod build;
mod chip;
mod kernel;

#[cfg(feature = "alloc")]
pub use build::{ChipCallableBuilder, core_callable_image};
pub use chip::{Child, ChipCallable, ChipCallableHeader};
pub use kernel::{CORE_PAYLOAD_OFFSET, CoreCallable, CoreCallableHeader};

use crate::{ArgDirection, Malformed};

/// Checks a signature: its count, then every direction in use.
fn check_signature(
    fields: [&'static str; 2],
    count: i32,
    signature: impl ExactSizeIterator<Item = i32>,
) -> Result<(), Malformed> {
    let [count_field, signature_field] = fields;
    let used = Malformed::count(count_field, count, signature.len())?;
    for (index, direction) in (0..).zip(signature.take(used)) {
        if ArgDirection::from_wire(direction).is_err() {
            return Err(Malformed::ElementOutOfRange {
                field: signature_field,
                index,
                value: i64::from(direction),
                min: 0,
                max: i64::from(ArgDirection::Inout.to_wire()),
            });
        }
    }
    Ok(())
}

/// One direction of a checked signature.
fn direction(wire: i32) -> ArgDirection {
    ArgDirection::from_wire(wire).expect("the reader checked the signature")
}
