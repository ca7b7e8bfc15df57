//! One line of log.
//!
//! Knows the target all lines of this crate carry. Refuses to know where they go.

/// Target of every line.
pub(crate) const TARGET: &str = "trb";

/// Writes one line.
pub(crate) fn log(to: &dyn log::Log, level: log::Level, message: core::fmt::Arguments<'_>) {
    let record = log::Record::builder()
        .target(TARGET)
        .level(level)
        .args(message)
        .build();
    if to.enabled(record.metadata()) {
        to.log(&record);
    }
}
