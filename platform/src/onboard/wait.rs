//! Waiting for a run on a chip.
//!
//! Knows two streams and how long they may take. Refuses to know what the run was.

use core::time::Duration;
use std::time::Instant;

use protocol::run_descriptor::RunDescriptors;

use crate::cann::{self, Bound, Code, Stream};
use crate::options::Deadlines;

use super::chip::Chip;

/// What the image's own limits may add to a run that it gives up, beyond what cores are given.
const SLACK: Duration = Duration::from_millis(500);
/// How often a report is looked for once there could be one.
const GLANCE: Duration = Duration::from_millis(50);
/// Shortest and longest pause between two looks at the streams. The interface can block on one stream only, and a core
/// that failed must end the wait for the other; pauses double, so that the end is seen late by at most what the run
/// took, and by a millisecond. Nothing on the chip waits for this.
const PAUSES: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

impl<A: RunDescriptors> Chip<A> {
    /// Waits for both streams; an error of either ends the wait. A run that the image has given up with something still
    /// at work will never be over.
    pub(super) fn wait(
        &self,
        bound: &Bound<'_>,
        deadlines: &Deadlines,
        is_lost: impl Fn() -> bool,
    ) -> Result<(), cann::Error> {
        let streams = [&self.held().aicpu, &self.held().aicore];
        // The image gives up first, and says why: its limits, then the cores' to end and to go.
        let slack = self.options.limits.cores * 2 + SLACK;
        let mut limit = self
            .options
            .limits
            .stream
            .min(deadlines.run.saturating_add(slack));
        let started = Instant::now();
        // Nothing is given up before.
        let limits = &self.options.limits;
        let mut look = deadlines
            .no_progress
            .min(limits.scheduler)
            .min(deadlines.run);
        let mut pause = PAUSES.0;
        loop {
            // Both are asked even if the first is not done: a core that failed is not waited for.
            let mut done = [true; 2];
            for (done, stream) in done.iter_mut().zip(streams) {
                match bound.stream_done(stream.handle()) {
                    Ok(this) => *done = this,
                    // Without the question the blocking waits below must do.
                    Err(cann::Error::Function { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if done == [true, false] {
                // Cores that were let go are gone at once, or never.
                limit = limit.min(started.elapsed() + slack);
            }
            if !done[0] && started.elapsed() >= look {
                look = started.elapsed() + GLANCE;
                if is_lost() {
                    limit = limit.min(started.elapsed() + SLACK);
                    look = limit;
                }
            }
            if done == [true; 2] || started.elapsed() >= limit {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
        for stream in streams {
            let left = limit.saturating_sub(started.elapsed()).max(PAUSES.1);
            bound
                .stream_synchronize(stream.handle(), left)
                .inspect_err(|error| self.explain(stream, error, limit))?;
        }
        Ok(())
    }

    fn explain(&self, stream: &Stream, error: &cann::Error, limit: Duration) {
        let device = self.driver.device();
        if error.code() == Some(Code::STREAM_TIMEOUT) {
            log::error!(
                "device {device}: the {:?} stream was not done within {limit:?}",
                stream.kind()
            );
        } else {
            log::error!(
                "device {device}: the {:?} stream failed: {error}",
                stream.kind()
            );
        }
    }
}
