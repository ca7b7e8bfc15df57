//! `pmu.csv`: what each kernel call took.
//!
//! Knows the columns, which are the reference's. Refuses to know hardware counters: a simulated chip has none, so
//! theirs are zero.

use std::io::{self, Write};

use protocol::Arch;
use protocol::diagnostics::PmuEventSet;

use crate::recording::Recording;

/// Writes the file.
pub(super) fn write<A: Arch>(
    recording: &Recording,
    set: PmuEventSet,
    to: &mut dyn Write,
) -> io::Result<()> {
    let events = A::PMU_EVENTS.iter().find(|events| events.set == set);
    let named: Vec<&str> = events
        .into_iter()
        .flat_map(|events| events.counters)
        .map(|event| event.counter)
        .filter(|name| !name.is_empty())
        .collect();
    write!(
        to,
        "thread_id,core_id,task_id,func_id,core_type,pmu_total_cycles,"
    )?;
    for name in &named {
        write!(to, "{name},")?;
    }
    writeln!(to, "event_type")?;
    for call in &recording.calls {
        write!(
            to,
            "{},{},0x{:016x},{},{},{},",
            call.writer,
            call.core,
            call.task_id,
            call.func_id,
            call.core_type,
            call.end.saturating_sub(call.start),
        )?;
        for _ in &named {
            write!(to, "0,")?;
        }
        writeln!(to, "{}", set as u32)?;
    }
    Ok(())
}
