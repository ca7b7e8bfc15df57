//! An executor whose code is in an image.
//!
//! Knows the functions of the program of the control CPUs, and whose instance answers. Refuses to know what a run's
//! record points to: that is `order`.

use core::ffi::c_void;
use core::fmt;
use core::slice;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aicpu::Crew;
use aicpu::image::{EndRecord, ORCHESTRATION, RUNTIME, TEXT};

use super::Images;
use super::loaded::{ControlImage, refused};
use super::order::{Memory, record};
use crate::error::Error;
use crate::launch::RunReport;
use crate::lock::lock;
use crate::sim::cores::SimCores;
use crate::sim::executor::{Executor, RunEnd, RunOrder};

/// An executor whose code is in the image that the context's first run brings.
pub(crate) struct ImageExecutor {
    images: Arc<Images>,
    instance: Mutex<Option<Arc<Instance>>>,
}

impl fmt::Debug for ImageExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageExecutor")
            .field("images", &self.images)
            .finish_non_exhaustive()
    }
}

impl ImageExecutor {
    pub(crate) fn new(images: Arc<Images>) -> Self {
        Self {
            images,
            instance: Mutex::default(),
        }
    }

    fn ready(&self) -> Option<Arc<Instance>> {
        let mut instance = lock(&self.instance);
        if instance.is_none() {
            let image = self.images.control()?;
            *instance = Some(Arc::new(Instance::open(image)));
        }
        instance.clone()
    }

    fn opened(&self) -> Option<Arc<Instance>> {
        lock(&self.instance).clone()
    }
}

impl Executor for ImageExecutor {
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd {
        let Some(instance) = self.ready() else {
            return RunEnd {
                loaded: false,
                result: Err(refused("aicpu_sim", "the run brought none")),
            };
        };
        let memory = Memory::of(&*order.host);
        let record = record(order, cores, &crew, &memory);
        let mut end = EndRecord::default();
        let started = Instant::now();
        // SAFETY: everything that the record points to is there until the end.
        unsafe { (instance.image.program.run)(instance.of, &raw const record, &raw mut end) };
        // Graphs that cores may still read are the image's; it is kept with the engine.
        order.host.leave(memory.take_copies(), None);
        RunEnd {
            loaded: end.loaded != 0,
            result: match end.code {
                0 => Ok(RunReport {
                    submitted: end.submitted,
                    completed: end.completed,
                    execution: started.elapsed(),
                    ..RunReport::default()
                }),
                code => Err(failure(order.callable_id, code, &end)),
            },
        }
    }

    fn progress(&self) -> u64 {
        // SAFETY: the instance is open.
        self.opened()
            .map_or(0, |it| unsafe { (it.image.program.progress)(it.of) })
    }

    fn abort(&self) {
        if let Some(it) = self.opened() {
            // SAFETY: the instance is open.
            unsafe { (it.image.program.abort)(it.of) };
        }
    }

    fn describe(&self) -> String {
        let Some(it) = self.opened() else {
            return "the orchestration is being loaded".to_owned();
        };
        let mut text = [0; TEXT];
        // SAFETY: the instance is open and the text writable.
        let bytes = unsafe { (it.image.program.describe)(it.of, text.as_mut_ptr(), text.len()) };
        String::from_utf8_lossy(text.get(..bytes).unwrap_or_default()).into_owned()
    }

    fn forget(&self, callable_id: i32) {
        if let Some(it) = self.opened() {
            // SAFETY: the instance is open.
            unsafe { (it.image.program.forget)(it.of, callable_id) };
        }
    }
}

/// The error that an embedded control program would have returned.
fn failure(id: i32, code: i32, end: &EndRecord) -> Error {
    let text = end.text();
    match end.kind {
        RUNTIME => Error::Runtime {
            orchestrator: end.orchestrator,
            scheduler: end.scheduler,
            text,
        },
        ORCHESTRATION => Error::Orchestration { id, text },
        _ => Error::ControlProgram { code, text },
    }
}

/// An instance of the program of the control CPUs.
struct Instance {
    of: *mut c_void,
    // Last: closing runs its code.
    image: Arc<ControlImage>,
}

// SAFETY: an instance may be used from any thread; runs follow one another.
unsafe impl Send for Instance {}

// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    fn open(image: Arc<ControlImage>) -> Self {
        // SAFETY: the function may be called any number of times.
        let of = unsafe { (image.program.open)(log_line) };
        Self { of, image }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nobody uses it any more.
        unsafe { (self.image.program.close)(self.of) };
    }
}

unsafe extern "C" fn log_line(
    level: u32,
    target: *const u8,
    target_bytes: usize,
    text: *const u8,
    text_bytes: usize,
) {
    // SAFETY: the image passes texts with their lengths.
    let target = unsafe { slice::from_raw_parts(target, target_bytes) };
    // SAFETY: as above.
    let text = unsafe { slice::from_raw_parts(text, text_bytes) };
    let level = match level {
        1 => log::Level::Error,
        2 => log::Level::Warn,
        3 => log::Level::Info,
        _ => log::Level::Debug,
    };
    let target = String::from_utf8_lossy(target);
    log::log!(target: &target, level, "{}", String::from_utf8_lossy(text));
}
