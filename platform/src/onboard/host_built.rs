//! The graph of a run, built by code of the program in this process.
//!
//! Knows that such code may not return: it runs on a thread of its own, which is waited for no longer than the run may
//! take. Refuses to know what is done with the graph.
//!
//! ```text
//! caller ── order ──▶ thread: Builder::build ──▶ graph ──▶ caller
//!   └─ deadline passed: everything the code can reach is left to the thread, which ends when the code returns
//! ```

use core::any::Any;
use core::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use aicpu::hbg::{BuildOrder, Builder, Ready, RunFailure};
use protocol::ChipStorageTaskArgs;
use sync::Progress;

use crate::error::{Error, Result};
use crate::launch::{HostRun, Launch, Prepared};
use crate::lock::lock;
use crate::machine::LoadedKernel;
use crate::options::Deadlines;

/// How often per limit the caller looks whether anything moves.
const LOOKS: u32 = 4;

/// A graph, or why there is none.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) result: Result<Ready>,
    /// The code has not returned.
    pub(super) left_behind: bool,
}

/// What the thread needs, for as long as the code runs.
struct Job<K> {
    builder: Builder,
    program: Arc<Prepared<K>>,
    args: ChipStorageTaskArgs,
    host: Arc<dyn HostRun>,
    /// What else the code can reach, once nobody waits for it any more.
    held: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<K> fmt::Debug for Job<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

impl<K> Job<K> {
    fn build(&self) -> Result<Ready, RunFailure> {
        let orchestration = self.program.host.as_ref();
        self.builder.build(&BuildOrder {
            orchestration: orchestration.expect("loaded when the program was prepared"),
            kernels: &self.program.entries,
            args: &self.args,
            memory: &*self.host,
        })
    }
}

/// Builds the graph of a run.
pub(super) fn build<K: LoadedKernel>(launch: &Launch<'_, K>) -> Built {
    let job = Arc::new(Job {
        builder: Builder::default(),
        program: Arc::clone(launch.program),
        args: *launch.args,
        host: Arc::clone(launch.host),
        held: Mutex::default(),
    });
    let id = launch.callable_id;
    let loaded = launch.program.host.as_ref();
    if loaded.is_some_and(|loaded| loaded.has_graph_for(launch.args)) {
        // Nothing of the program runs for that.
        return returned(id, job.build());
    }
    let (done, ended) = mpsc::sync_channel(1);
    let worker = Arc::clone(&job);
    let spawned = thread::Builder::new()
        .name(format!("orchestration-{id}"))
        .spawn(move || {
            let built = worker.build();
            // Whoever hears of it may give the device back: nothing of it is held here then.
            drop(worker);
            // Whoever waited may have gone; then the graph goes too.
            let _unheard = done.send(built);
        });
    if let Err(source) = spawned {
        let (index, wanted) = (0, 1);
        return Built {
            result: Err(sync::Error::Spawn {
                index,
                wanted,
                source,
            }
            .into()),
            left_behind: false,
        };
    }
    match wait(&ended, &launch.options.deadlines, &job.builder) {
        Ok(Some(result)) => returned(id, result),
        Ok(None) => Built {
            result: Err(Error::Orchestration {
                id,
                text: "its thread ended without a graph".to_owned(),
            }),
            left_behind: false,
        },
        Err(missed) => {
            *lock(&job.held) = Some((launch.hold)());
            Built {
                result: Err(missed),
                left_behind: true,
            }
        }
    }
}

/// What the thread came to, nothing if it only ended; an error if that takes too long.
fn wait<T>(
    ended: &mpsc::Receiver<T>,
    deadlines: &Deadlines,
    builder: &Builder,
) -> Result<Option<T>> {
    let started = Instant::now();
    let mut progress = Progress::new(deadlines.no_progress);
    progress.restart(0);
    loop {
        let left = deadlines.run.saturating_sub(started.elapsed());
        match ended.recv_timeout(left.min(deadlines.no_progress / LOOKS)) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let steps = builder.progress();
        let miss = |missed, limit| Error::Deadline {
            missed,
            limit,
            progress: steps,
            waiting: "the orchestration has not returned".to_owned(),
        };
        if started.elapsed() >= deadlines.run {
            return Err(miss("end", deadlines.run));
        }
        if progress.check(steps).is_err() {
            return Err(miss("make progress", deadlines.no_progress));
        }
    }
}

fn returned(id: i32, result: Result<Ready, RunFailure>) -> Built {
    Built {
        result: result.map_err(|failure| match failure {
            RunFailure::Graph(error) => error.into(),
            other => Error::Orchestration {
                id,
                text: other.to_string(),
            },
        }),
        left_behind: false,
    }
}
