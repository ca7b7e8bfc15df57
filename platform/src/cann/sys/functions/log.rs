//! `libunified_dlog.so`, older `libascendalog.so`.

use super::library;

library! {
    /// `libunified_dlog.so`, older `libascendalog.so`: the vendor's log.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Log {
        /// From which level on a module's lines are written; -1 is all modules.
        fn dlog_setlevel(module: i32, level: i32, enable_event: i32) -> i32;
        /// Whether a module's line of a level would be written: 1.
        fn CheckLogLevel(module: i32, level: i32) -> i32;
    }
}
