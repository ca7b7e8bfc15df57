//! Log lines into the device's log.
//!
//! Knows the vendor's two log functions, which the process that loads the image has. Without them
//! nothing is logged.

use std::ffi::CString;
use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::vendor::{self, CheckLogLevel, DlogRecord};

/// The vendor's number for control CPUs.
const MODULE: i32 = 36;
/// Longest line the vendor's log takes, its own head included.
const LINE: usize = 900;

struct DeviceLog {
    check: Option<CheckLogLevel>,
    record: Option<DlogRecord>,
}

static LOG: OnceLock<DeviceLog> = OnceLock::new();

/// Takes the levels as they are now; called before every run.
pub(super) fn refresh() {
    let device_log = LOG.get_or_init(|| {
        DeviceLog {
            // SAFETY: the function of this name has this type wherever there is one.
            check: unsafe { vendor::function::<CheckLogLevel>(c"CheckLogLevel") },
            // SAFETY: as above.
            record: unsafe { vendor::function::<DlogRecord>(c"DlogRecord") },
        }
    });
    // A second image in the process has a logger of its own; this one is set once.
    let _set_before = log::set_logger(device_log);
    log::set_max_level(device_log.level());
}

impl DeviceLog {
    fn level(&self) -> LevelFilter {
        let Some(check) = self.check else {
            return LevelFilter::Warn;
        };
        // SAFETY: it takes two numbers.
        let on = |level| unsafe { check(MODULE, number(level)) } == 1;
        [Level::Debug, Level::Info, Level::Warn, Level::Error]
            .into_iter()
            .find(|&level| on(level))
            .map_or(LevelFilter::Off, |level| level.to_level_filter())
    }
}

impl Log for DeviceLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let (Some(write), true) = (self.record, self.enabled(record.metadata())) else {
            return;
        };
        let mut line = format!("{}: {}", record.target(), record.args()).replace('\0', " ");
        line.truncate(line.floor_char_boundary(LINE));
        let line = CString::new(line).expect("zero bytes were replaced");
        // SAFETY: the format takes one string.
        unsafe {
            write(
                MODULE,
                number(record.level()),
                c"%s".as_ptr(),
                line.as_ptr(),
            )
        };
    }

    fn flush(&self) {}
}

const fn number(level: Level) -> i32 {
    match level {
        Level::Trace | Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}
