//! The host-built runtime on a chip.
//!
//! Knows where the host has put a packed graph. The graph is run where it lies: nothing of it is copied, and cores
//! read long argument lists there too.

use protocol::run_descriptor::RunDescriptors;
use runtime_hbg::{Deadlines, Error, GraphView};

use super::{AGAIN, ALARM, DeviceHalf, Frame, Refusal};
use crate::hbg::{Executor, Work};
use crate::onboard::block::at;
use crate::onboard::cache;
use crate::onboard::cores::DeviceCores;
use crate::onboard::team::Led;
use crate::onboard::wire::{Outcome, Verdict};

/// What is kept.
pub(super) struct Half<A: RunDescriptors>(Executor<A>);

impl<A: RunDescriptors> Default for Half<A> {
    fn default() -> Self {
        Self(Executor::default())
    }
}

impl<A: RunDescriptors> DeviceHalf<A> for Half<A> {
    type Ready<'k> = (&'k Executor<A>, GraphView<'k>);

    fn ready<'k>(&'k mut self, frame: &Frame<'k, A>) -> Result<Self::Ready<'k>, Refusal> {
        let bytes = usize::try_from(frame.request.graph_bytes)
            .map_err(|_| Refusal::Descriptor("its graph is too long"))?;
        let start = at::<u8>(frame.request.graph).ok_or(Refusal::Descriptor("it has no graph"))?;
        cache::invalidate(start.as_ptr(), bytes);
        // SAFETY: the host put the graph there and leaves it for the run.
        let memory = unsafe { core::slice::from_raw_parts(start.as_ptr(), bytes) };
        Ok((&self.0, GraphView::unpack(memory)?))
    }

    fn run(
        (executor, graph): Self::Ready<'_>,
        frame: &Frame<'_, A>,
        cores: &DeviceCores<'_, A>,
        crew: &Led<'_>,
        outcome: &mut Outcome,
    ) {
        let work = Work {
            callable_id: frame.block.body().active_callable_id,
            kernels: &frame.kernels,
            clusters: frame.clusters,
            threads: frame.threads,
            deadlines: Deadlines {
                no_progress: frame.no_progress,
                wind_down: frame.leave,
            },
            recorder: frame.recorder.as_ref(),
        };
        let tell = || {
            executor.abort();
            AGAIN
        };
        let ended = ALARM.during(frame.whole, &tell, || {
            executor.run_graph(graph, &work, cores, crew)
        });
        match ended {
            Ok(report) => {
                outcome.verdict = Verdict::Good as u32;
                outcome.submitted = report.tasks;
                outcome.completed = report.completed;
            }
            Err(error) => {
                outcome.set_text(&error.to_string());
                outcome.verdict = match error {
                    Error::Stalled {
                        completed, tasks, ..
                    }
                    | Error::Aborted {
                        completed, tasks, ..
                    } => {
                        outcome.scheduler_code = error.code();
                        (outcome.submitted, outcome.completed) = (tasks, completed);
                        Verdict::Code
                    }
                    _ => Verdict::Refused,
                } as u32;
            }
        }
    }
}
