//! A worker of a subject, and short words for what the cases do with it.
//!
//! Knows how a case's buffers and script become a run. Refuses to know what the case is about.

use core::time::Duration;

use host::{
    Arguments, Callable, ChipWorker, DataType, Deadlines, DeviceAddress, Program, RunConfig,
    RunOptions, RunReport,
};
use platform::MemoryStats;

use super::reach::{Devices, Loss};
use super::script::{self, Step};
use super::subject::{Loads, Recipe, Subject};

/// One tensor of a run.
#[derive(Debug)]
pub enum Buffer<'a> {
    /// Lent for reading.
    In(&'a [u32]),
    /// Lent for writing.
    Out(&'a mut [u32]),
    /// Device memory with so many elements.
    Resident(DeviceAddress, usize),
}

/// A worker of a subject.
#[derive(Debug)]
pub struct Bench<'s> {
    /// What is tested.
    pub subject: &'s Subject,
    /// Its worker.
    pub worker: ChipWorker,
}

/// One cluster, as few threads as most people use.
#[must_use]
pub fn small() -> RunConfig {
    RunConfig {
        block_dim: 1,
        aicpu_threads: 2,
        ..RunConfig::default()
    }
}

/// The same, giving up early.
#[must_use]
pub fn impatient() -> RunConfig {
    RunConfig {
        options: RunOptions {
            deadlines: Deadlines {
                run: Duration::from_secs(30),
                no_progress: Duration::from_millis(150),
                grace: Duration::from_millis(50),
            },
            ..RunOptions::default()
        },
        ..small()
    }
}

impl<'s> Bench<'s> {
    /// A worker attached to device 0.
    #[must_use]
    pub fn new(subject: &'s Subject) -> Self {
        let bench = Self::detached(subject);
        bench.worker.init(0).expect("a fresh worker");
        bench
    }

    /// A worker attached to device 0, for a case in which code does not end.
    #[must_use]
    pub fn impatient(subject: &'s Subject) -> Self {
        let bench = Self {
            subject,
            worker: subject.reach.impatient_worker(subject),
        };
        bench.worker.init(0).expect("a fresh worker");
        bench
    }

    /// Another worker, attached to the same device where workers share one, and to the next one where they do not; there
    /// the same device is refused, and changes nothing.
    ///
    /// # Panics
    /// When it is attached to a device that another worker has for itself.
    #[must_use]
    pub fn beside(&self) -> Self {
        let bench = Self::detached(self.subject);
        let attached = bench.worker.init(0);
        match self.subject.terms().devices {
            Devices::Shared => attached.expect("a fresh worker"),
            Devices::OneWorkerEach { because } => {
                let refused = of_device(attached).to_string();
                assert!(refused.contains("is attached"), "{refused}: {because}");
                assert_eq!(bench.worker.device().device_id(), None, "{because}");
                bench.worker.init(1).expect("nobody has it");
            }
        }
        bench
    }

    /// A worker that is not attached.
    #[must_use]
    pub fn detached(subject: &'s Subject) -> Self {
        Self {
            subject,
            worker: subject.worker(),
        }
    }

    /// A program of the subject.
    #[must_use]
    pub fn program(&self, recipe: &Recipe<'_>) -> Program {
        self.subject.program(recipe)
    }

    /// A registered program of the subject.
    #[must_use]
    pub fn registered(&self, recipe: &Recipe<'_>) -> Callable {
        self.worker
            .register(self.program(recipe))
            .expect("a good program")
    }

    /// Runs a script.
    ///
    /// # Errors
    /// Why it was refused or failed.
    pub fn run(
        &self,
        callable: &Callable,
        buffers: Vec<Buffer<'_>>,
        script: &[Step],
        config: &RunConfig,
    ) -> host::Result<RunReport> {
        let mut args = Arguments::new();
        for buffer in buffers {
            match buffer {
                Buffer::In(data) => args.input(data, &[extent(data.len())])?,
                Buffer::Out(data) => {
                    let shape = [extent(data.len())];
                    args.output(data, &shape)?
                }
                Buffer::Resident(address, elements) => {
                    args.resident(address, &[extent(elements)], DataType::Uint32)?
                }
            };
        }
        for word in script::words(script) {
            args.scalar(word)?;
        }
        self.worker.run(callable, &mut args, config)
    }

    /// Runs a good program and checks what it computed: that the worker works is what this says.
    ///
    /// # Panics
    /// When it does not work.
    #[track_caller]
    pub fn proves_itself(&self, callable: &Callable) {
        self.proves_itself_amid_others(callable);
        assert_eq!(self.worker.memory().bound_buffers, 0);
    }

    /// The same while other threads run programs too.
    ///
    /// # Panics
    /// When the worker does not work.
    #[track_caller]
    pub fn proves_itself_amid_others(&self, callable: &Callable) {
        let mut data = [5; 8];
        let script = [Step::task(0, 0, 3, 1), Step::task(0, 0, 2, 7)];
        let report = self
            .run(callable, vec![Buffer::Out(&mut data)], &script, &small())
            .expect("the worker runs a good program");
        assert_eq!(data, [2 * (3 * 5 + 1) + 7; 8]);
        assert_eq!(report.completed, 2);
    }

    /// Checks the load counters: so many registrations and so many first runs since `init`.
    ///
    /// # Panics
    /// When they are others.
    #[track_caller]
    pub fn expect_loads(&self, registrations: u64, first_runs: u64) {
        let device = self.worker.device();
        let expected = match self.subject.runtime.loads() {
            Loads::AtFirstRun => (first_runs, 0),
            Loads::AtRegistration => (0, registrations),
        };
        let counters = (device.aicpu_dlopen_count(), device.host_dlopen_count());
        assert_eq!(
            counters, expected,
            "(aicpu_dlopen_count, host_dlopen_count)"
        );
    }

    /// After a run that cost what `loss` says: nothing is to be done, or the chip refuses everything until it is finalized
    /// and initialised again.
    ///
    /// # Panics
    /// When something else was lost.
    #[track_caller]
    pub fn makes_good(&self, loss: Loss, error: &platform::Error) {
        let Loss::Chip { says, because } = loss else {
            return;
        };
        let text = error.to_string();
        assert!(text.contains(says), "`{says}` is not in: {text}");
        let refused = of_device(self.worker.malloc(8)).to_string();
        assert!(
            refused.starts_with("device 0 is unusable: "),
            "{refused}, though {because}"
        );
        assert!(refused.contains("finalize it"), "{refused}");
        self.ends_clean();
        self.worker.init(0).expect("the chip was reset");
    }

    /// Finalizes and checks that nothing is left.
    ///
    /// # Panics
    /// When something is.
    #[track_caller]
    pub fn ends_clean(&self) {
        self.worker.finalize().expect("a good end");
        assert_eq!(self.worker.memory(), MemoryStats::default());
        assert_eq!(self.worker.device().loaded_kernels(), 0);
        assert_eq!(self.worker.device().device_id(), None);
    }
}

fn extent(elements: usize) -> u32 {
    u32::try_from(elements).expect("small tensors")
}

/// Checks that something was refused or failed as `expected` says: with its code and in its words.
///
/// # Panics
/// When it was not.
#[track_caller]
pub fn refused<T: core::fmt::Debug>(result: host::Result<T>, expected: &platform::Error) {
    let error = of_device(result);
    assert_eq!(
        (error.code(), error.to_string()),
        (expected.code(), expected.to_string())
    );
}

/// The device's own error. Which variant it is only embedded chips say; code and words are everybody's.
///
/// # Panics
/// When it is the worker's.
#[track_caller]
#[must_use]
pub fn of_device<T: core::fmt::Debug>(result: host::Result<T>) -> platform::Error {
    match result.expect_err("it must not work") {
        host::Error::Device(error) => error,
        other => panic!("an error of the worker: {other}"),
    }
}
