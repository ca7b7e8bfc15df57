//! What ran where, as a picture of characters.

use core::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use protocol::CoreType;

/// Characters of the time axis.
const WIDTH: usize = 64;

/// One call of a kernel.
#[derive(Clone, Copy, Debug)]
struct Event {
    letter: char,
    core: u16,
    kind: CoreType,
    start: Instant,
    end: Instant,
}

/// The calls of one run.
#[derive(Debug)]
pub(super) struct Timeline(Mutex<Vec<Event>>);

impl Timeline {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn clear(&self) {
        self.events().clear();
    }

    pub(super) fn record(
        &self,
        letter: char,
        core: u16,
        kind: CoreType,
        start: Instant,
        end: Instant,
    ) {
        self.events().push(Event {
            letter,
            core,
            kind,
            start,
            end,
        });
    }

    /// One row per core that ran anything, time from left to right.
    pub(super) fn draw(&self) -> String {
        let events = self.events();
        let (Some(start), Some(end)) = (
            events.iter().map(|it| it.start).min(),
            events.iter().map(|it| it.end).max(),
        ) else {
            return "nothing ran\n".to_owned();
        };
        let span = end.duration_since(start).as_nanos().max(1);
        let column = |at: Instant| {
            let passed = at.duration_since(start).as_nanos() * WIDTH as u128 / span;
            usize::try_from(passed).map_or(WIDTH - 1, |passed| passed.min(WIDTH - 1))
        };
        let mut cores: Vec<(u16, CoreType)> = events.iter().map(|it| (it.core, it.kind)).collect();
        cores.sort_by_key(|(core, _)| *core);
        cores.dedup();
        let mut text = String::new();
        for (core, kind) in cores {
            let mut row = ['·'; WIDTH];
            let mut calls = 0;
            for event in events.iter().filter(|it| it.core == core) {
                row[column(event.start)..=column(event.end)].fill(event.letter);
                calls += 1;
            }
            let row: String = row.iter().collect();
            writeln!(text, "  {kind} {core:>2} │{row}│ {calls:>2}")
                .expect("a string takes everything");
        }
        let axis = format!("{:.1?}", end.duration_since(start));
        writeln!(
            text,
            "         0{axis:>WIDTH$}\n         m multiply   r bias and cut   + add",
        )
        .expect("a string takes everything");
        text
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn each_core_has_a_row_and_each_call_a_place() {
        let timeline = Timeline::new();
        assert_eq!(timeline.draw(), "nothing ran\n");
        let start = Instant::now();
        let at = |micros| start + Duration::from_micros(micros);
        timeline.record('m', 0, CoreType::Aic, at(0), at(50));
        timeline.record('r', 4, CoreType::Aiv, at(50), at(100));
        let drawn = timeline.draw();
        let rows: Vec<&str> = drawn.lines().collect();
        assert!(rows[0].starts_with("  AIC  0 │mmmm"), "{drawn}");
        assert!(rows[0].ends_with("····│  1"), "{drawn}");
        assert!(rows[1].starts_with("  AIV  4 │····"), "{drawn}");
        assert!(rows[1].ends_with("rrrr│  1"), "{drawn}");
        assert!(rows[2].ends_with("100.0µs"), "{drawn}");
        timeline.clear();
        assert_eq!(timeline.draw(), "nothing ran\n");
    }
}
