//! Where messages go: to the log library in the global scope, or to standard error without one.
//!
//! Knows the log library by its symbols. Refuses to know what it does with a line.
//!
//! One process may hold several host runtimes; they share the log library and through it one level.

use core::ffi::{CStr, c_char, c_int, c_void};
use std::ffi::CString;
use std::io::Write as _;
use std::sync::OnceLock;

use libloading::os::unix::Library;
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Verbosity of an information line: shown unless somebody asks for less.
const USUAL: c_int = 5;
const FORMAT: &CStr = c"%s";

type Line = unsafe extern "C" fn(function: *const c_char, format: *const c_char, ...);
type InfoLine =
    unsafe extern "C" fn(function: *const c_char, verbosity: c_int, format: *const c_char, ...);
type Instance = unsafe extern "C" fn() -> *mut c_void;
type Set = unsafe extern "C" fn(logger: *mut c_void, value: c_int);

/// The log library's functions.
#[derive(Clone, Copy)]
struct Functions {
    error: Line,
    warn: Line,
    debug: Line,
    info: InfoLine,
    instance: Instance,
    set_level: Set,
    set_info: Set,
}

impl Functions {
    /// What the global scope has.
    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one library and one promise for all names"
    )]
    fn find() -> Option<Self> {
        let scope = Library::this();
        // SAFETY: the log library gives these names these types; it is never unloaded.
        unsafe {
            Some(Self {
                error: *scope.get(b"unified_log_error\0").ok()?,
                warn: *scope.get(b"unified_log_warn\0").ok()?,
                debug: *scope.get(b"unified_log_debug\0").ok()?,
                info: *scope.get(b"unified_log_info_v\0").ok()?,
                instance: *scope.get(b"_ZN10HostLogger12get_instanceEv\0").ok()?,
                set_level: *scope
                    .get(b"_ZN10HostLogger9set_levelEN7simpler3log8LogLevelE\0")
                    .ok()?,
                set_info: *scope.get(b"_ZN10HostLogger10set_info_vEi\0").ok()?,
            })
        }
    }

    fn cached() -> Option<Self> {
        static FOUND: OnceLock<Functions> = OnceLock::new();
        // Not there yet is not never: a program may load it later.
        FOUND.get().copied().or_else(|| {
            let found = Self::find()?;
            Some(*FOUND.get_or_init(|| found))
        })
    }
}

/// The logger of this library.
struct Bridge;

impl Log for Bridge {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    #[expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "one of them is called, each under the same promise"
    )]
    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        let Some(functions) = Functions::cached() else {
            // Nowhere is left to say that even this failed.
            let _ = writeln!(
                std::io::stderr().lock(),
                "[{}] {}: {text}",
                record.level(),
                record.target()
            );
            return;
        };
        let line = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        let (target, text) = (line(record.target()), line(&text));
        let (target, text) = (target.as_ptr(), text.as_ptr());
        // SAFETY: the format takes one string, and both are closed by NUL.
        unsafe {
            match record.level() {
                Level::Error => (functions.error)(target, FORMAT.as_ptr(), text),
                Level::Warn => (functions.warn)(target, FORMAT.as_ptr(), text),
                Level::Info => (functions.info)(target, USUAL, FORMAT.as_ptr(), text),
                Level::Debug | Level::Trace => (functions.debug)(target, FORMAT.as_ptr(), text),
            }
        }
    }

    fn flush(&self) {}
}

/// Makes this library's messages go there; again changes nothing.
pub(super) fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // In a program that has chosen a logger of its own and linked us in, that one stays.
        if log::set_logger(&Bridge).is_ok() {
            log::set_max_level(LevelFilter::Info);
        }
    });
}

/// Sets what is kept: `level` from 0 for everything to 4 for nothing, and the verbosity of information.
pub(super) fn configure(level: c_int, verbosity: c_int) {
    log::set_max_level(match level {
        ..=0 => LevelFilter::Debug,
        1 => LevelFilter::Info,
        2 => LevelFilter::Warn,
        3 => LevelFilter::Error,
        4.. => LevelFilter::Off,
    });
    if let Some(functions) = Functions::cached() {
        // SAFETY: the instance lives as long as the process.
        let logger = unsafe { (functions.instance)() };
        // SAFETY: these are the setters of that instance.
        unsafe { (functions.set_level)(logger, level.clamp(0, 4)) };
        // SAFETY: as above.
        unsafe { (functions.set_info)(logger, verbosity.clamp(0, 9)) };
    }
}
