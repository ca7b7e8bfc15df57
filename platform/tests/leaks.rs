//! What nobody freed is said when a device is released.
//!
//! Alone in its process, because a process has one logger.
#![cfg(feature = "sim")]

use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use protocol::A2a3;

/// Keeps every line.
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(record.args().to_string());
    }

    fn flush(&self) {}
}

static LINES: Lines = Lines(Mutex::new(Vec::new()));

/// hbg-sim.md B.5: simulation frees them in silence there.
#[test]
fn hazard_memory_that_nobody_freed_is_reported_with_its_size() {
    log::set_logger(&LINES).expect("the only logger of this process");
    log::set_max_level(LevelFilter::Debug);
    let device = platform::sim::device::<A2a3>("a2a3sim");
    device.init(0).expect("a fresh device");
    let freed = device.malloc(7).expect("little memory");
    for bytes in [100, 28] {
        device.malloc(bytes).expect("little memory");
    }
    device.free(freed).expect("it is allocated");
    LINES.take();
    device.finalize().expect("a good end");
    let said = LINES.take();
    let report = "2 allocations of 128 bytes";
    assert!(said.iter().any(|line| line.contains(report)), "{said:?}");

    device.init(0).expect("a finalized device is like new");
    LINES.take();
    device.finalize().expect("a good end");
    let said = LINES.take();
    assert!(
        !said.iter().any(|line| line.contains("never freed")),
        "{said:?}"
    );
}
