//! A log that remembers the first error of a run, so that the run's result can say it.

use std::sync::{Mutex, PoisonError};

use log::{Level, Log, Metadata, Record};

/// Passes everything on to the process's log and keeps the first error.
#[derive(Debug, Default)]
pub(crate) struct FirstError(Mutex<Option<String>>);

impl FirstError {
    /// The first error, or `otherwise` if nothing was said.
    pub(crate) fn text_or(&self, otherwise: impl FnOnce() -> String) -> String {
        self.lock().take().unwrap_or_else(otherwise)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for FirstError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() == Level::Error || log::logger().enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() == Level::Error {
            self.lock()
                .get_or_insert_with(|| without_code(record.args().to_string()));
        }
        if record.level() <= log::max_level() {
            log::logger().log(record);
        }
    }

    fn flush(&self) {
        log::logger().flush();
    }
}

/// What a fatal error says, without the code in front: the run's result has that already.
fn without_code(line: String) -> String {
    match line.split_once("): ") {
        Some((code, text)) if code.starts_with("FATAL(code=") => text.to_owned(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use log::{Level, Log, Record};

    use super::FirstError;

    #[test]
    fn the_first_error_is_kept_and_loses_its_code() {
        let errors = FirstError::default();
        for (level, text) in [
            (Level::Warn, "careful"),
            (Level::Error, "FATAL(code=5, latched=3): no room: wait"),
            (Level::Error, "later"),
        ] {
            errors.log(
                &Record::builder()
                    .level(level)
                    .args(format_args!("{text}"))
                    .build(),
            );
        }
        assert_eq!(errors.text_or(|| "nothing".to_owned()), "no room: wait");
        assert_eq!(errors.text_or(|| "nothing".to_owned()), "nothing");
    }
}
