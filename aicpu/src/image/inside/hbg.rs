//! The host-built runtime in an image.

use core::any::Any;
use core::fmt::Debug;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use aicore_abi::recorder::Recorder;
use protocol::Arch;
use sync::Crowd;

use super::foreign::{ForeignMemory, Parts};
use super::{Inside, loading};
use crate::hbg;
use crate::image::{EndRecord, OrderRecord};

/// The host-built runtime.
#[derive(Debug)]
pub struct Hbg<A: Arch> {
    executor: hbg::Executor<A>,
    crowd: Arc<Crowd>,
    /// What cores of the last run may still read if they have not stopped.
    graph: Mutex<Graph>,
}

/// A graph that is only kept.
#[derive(Default)]
struct Graph(
    #[expect(dead_code, reason = "kept for cores that have not stopped")]
    Option<Box<dyn Any + Send>>,
);

impl Debug for Graph {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Graph")
    }
}

impl<A: Arch> Default for Hbg<A> {
    fn default() -> Self {
        Self {
            executor: hbg::Executor::default(),
            crowd: Crowd::new(),
            graph: Mutex::default(),
        }
    }
}

impl<A: Arch> Inside for Hbg<A> {
    unsafe fn run(&self, order: &OrderRecord, end: &mut EndRecord) {
        // SAFETY: passed on.
        let parts = unsafe { Parts::of(order, &self.crowd) };
        let memory = ForeignMemory {
            of: order.memory,
            // SAFETY: passed on.
            table: unsafe { *order.memory_table },
        };
        let Some(build) = order.build else {
            return end.fail(-1, "the orchestration is no image: use an embedded chip");
        };
        // SAFETY: passed on.
        let recorder = unsafe { Recorder::at(order.recording, order.clock) };
        let done = self.executor.run(
            &hbg::Order {
                build: hbg::BuildOrder {
                    orchestration: &hbg::Loaded::elsewhere(build),
                    kernels: parts.kernels,
                    args: parts.args,
                    memory: &memory,
                },
                work: hbg::Work {
                    callable_id: order.callable_id,
                    kernels: parts.kernels,
                    clusters: order.clusters,
                    threads: order.threads,
                    deadlines: runtime_hbg::Deadlines {
                        no_progress: Duration::from_nanos(order.no_progress),
                        wind_down: Duration::from_nanos(order.wind_down),
                    },
                    recorder: recorder.as_ref(),
                },
            },
            &parts.cores,
            &parts.crew,
        );
        for copy in &done.copies {
            // SAFETY: the simulator gave both.
            unsafe {
                (memory.table.copy_back)(memory.of, copy.host, copy.device, copy.bytes);
            }
        }
        *crate::under_way::lock(&self.graph) = Graph(done.graph);
        match done.result {
            Ok(report) => {
                end.submitted = report.tasks;
                end.completed = report.completed;
            }
            Err(hbg::RunFailure::Graph(error)) => end.fail(error.code(), &error.to_string()),
            Err(other) => end.fail_orchestration(&other.to_string()),
        }
    }

    fn progress(&self) -> u64 {
        self.executor.progress()
    }

    fn abort(&self) {
        self.executor.abort();
    }

    fn describe(&self) -> String {
        self.executor.describe().unwrap_or_else(loading)
    }

    fn forget(&self, _: i32) {
        // What the host loaded it keeps with the program.
    }
}
