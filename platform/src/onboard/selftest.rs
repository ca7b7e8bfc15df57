//! Whether this machine can run anything, step by step.
//!
//! Knows what a run needs, in the order in which it is needed, and what it means when a step fails.
//! Refuses to print.

use core::time::Duration;
use std::sync::Arc;

use aicpu::onboard::wire::Introduction;
use protocol::run_descriptor::RunDescriptors;

use crate::cann::{Buffer, Driver, Error, Library, Search, Stream, StreamKind};

use super::family::{Family, KernelArgs};
use super::images::Images;
use super::limits::TimeLimits;
use super::loaded::{self, Loaded};
use super::recovery;
use super::registers::RegisterTable;

/// How long the loader may take to open the image.
const LOADING: Duration = Duration::from_secs(20);

/// One step of a self-test.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What is tried.
    pub name: &'static str,
    /// What is known when it works.
    pub shows: &'static str,
    /// What it means if it fails, and what to do.
    pub means: &'static str,
}

/// All steps in their order.
pub const STEPS: [Step; 8] = [
    Step {
        name: "open CANN",
        shows: "the driver package and the toolkit are installed and their libraries load",
        means: "the driver package or CANN is not installed, or set_env.sh was not sourced: install what is named, \
                source set_env.sh, or name the folder of the libraries in SIMPLER_CANN_LIBRARIES",
    },
    Step {
        name: "find the device's number",
        shows: "the driver's number of the device is known",
        means: "ASCEND_RT_VISIBLE_DEVICES does not list this device: use a smaller number, or unset the variable",
    },
    Step {
        name: "bind a thread",
        shows: "the device exists and this user may use it",
        means: "no such device, no rights (is the user in group HwHiAiUser?), or another process has the card: \
                look at npu-smi info",
    },
    Step {
        name: "map the cores' registers",
        shows: "control CPUs can reach every core that works",
        means: "a virtual (split) device, a driver that is too old, or a chip that an earlier process left in a bad \
                state: reset it with npu-smi",
    },
    Step {
        name: "write and read device memory",
        shows: "memory can be had and the link to it keeps its bytes",
        means: "the device is out of memory (does another process use it?) or its link is broken: look at npu-smi info",
    },
    Step {
        name: "create streams",
        shows: "the chip takes launches",
        means: "the chip faulted before: look for the first error in ~/ascend/log/debug/device-*, then reset it with \
                npu-smi",
    },
    Step {
        name: "load the images",
        shows: "the vendor's loader opens our AICPU image, and the core program is registered",
        means: "driver and CANN are too old for the extension library (known to work: driver 25.2.0, CANN 8.5.0), \
                or the loader cannot open the image: look for KFC and dlopen in ~/ascend/log/debug/device-*",
    },
    Step {
        name: "reset the device",
        shows: "the device is given back as it was found",
        means: "the driver lost the device: reset it with npu-smi",
    },
];

/// What is said while a self-test goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins.
    Trying(&'static Step),
    /// A step is done: what was found, or why not.
    Done(&'static Step, &'a Result<String, String>),
}

/// What is tested.
#[derive(Clone, Copy, Debug)]
pub struct SelfTest<'a> {
    /// Where CANN's libraries are looked for.
    pub search: &'a Search,
    /// The device.
    pub device: i32,
    /// The ways of its family.
    pub family: &'a Family,
    /// The programs to load; without them that step is left out.
    pub images: Option<&'a Images>,
}

/// What the vendor calls the chip behind `device`.
///
/// # Errors
/// What failed on the way.
pub fn soc_name(search: &Search, device: i32) -> Result<String, Error> {
    let driver = Driver::new(Arc::new(Library::open(search)?), device)?;
    driver.bind()?.soc_name()
}

impl SelfTest<'_> {
    /// Goes through the steps until one fails, and says so each time; whether all passed.
    pub fn run<A: RunDescriptors>(&self, say: &mut dyn FnMut(Progress<'_>)) -> bool {
        let mut steps = Steps {
            say,
            all: STEPS.iter(),
        };
        self.walk::<A>(&mut steps).is_ok()
    }

    fn walk<A: RunDescriptors>(&self, steps: &mut Steps<'_>) -> Result<(), Failed> {
        let library = steps.step(|| {
            let library = Library::open(self.search)?;
            let paths = library.paths();
            let paths: Vec<_> = paths.iter().map(|it| it.display().to_string()).collect();
            Ok((Arc::new(library), paths.join(", ")))
        })?;
        let driver = steps.step(|| {
            let driver = Arc::new(Driver::new(library, self.device)?);
            let found = format!(
                "device {} of this process is {} of the driver",
                self.device,
                driver.hal_device()
            );
            Ok((driver, found))
        })?;
        let bound = steps.step(|| Ok((driver.bind()?, format!("device {}", self.device))))?;
        let tried = self.on_device::<A>(steps, &driver);
        if tried.is_err() {
            // What went wrong was said; the device is not kept for it.
            if let Err(error) = bound.reset() {
                log::warn!("the device is not given back: {error}");
            }
            return tried;
        }
        steps.step(|| {
            bound.reset()?;
            Ok(((), "the device is given back".to_owned()))
        })
    }

    fn on_device<A: RunDescriptors>(
        &self,
        steps: &mut Steps<'_>,
        driver: &Arc<Driver>,
    ) -> Result<(), Failed> {
        steps.step(|| {
            let bound = driver.bind()?;
            let table = RegisterTable::discover::<A>(&bound, self.family.registers)?;
            // A name is nice to have.
            let name = bound.soc_name().unwrap_or_else(|error| error.to_string());
            let known = self.family.is_chip(&name);
            let doubt = if known {
                ""
            } else {
                ", a name that is not known for this family"
            };
            let found = format!("{} clusters of cores; {name}{doubt}", table.clusters());
            Ok(((), found))
        })?;
        steps.step(|| round_trip(driver))?;
        steps.step(|| {
            let kinds = [StreamKind::Aicpu, StreamKind::Aicore];
            let streams: Result<Vec<_>, _> = kinds
                .into_iter()
                .map(|kind| Stream::create(driver, kind))
                .collect();
            Ok(((), format!("{} streams", streams?.len())))
        })?;
        match self.images {
            None => steps.leave_out(),
            Some(images) => steps.step(|| self.load(driver, images))?,
        }
        Ok(())
    }

    /// Brings the images onto the chip and lets the vendor's loader open ours.
    fn load(&self, driver: &Arc<Driver>, images: &Images) -> Result<((), String), Error> {
        let loaded = Loaded::load(driver, images)?;
        let stream = Stream::create(driver, StreamKind::Aicpu)?;
        let descriptor = Buffer::allocate(driver, size_of::<Introduction>() as u64)?;
        let arguments = (self.family.kernel_args)(&KernelArgs {
            device_args: loaded.device_args(),
            descriptor: descriptor.address(),
            log_level: 1,
            log_info: 5,
            ..KernelArgs::default()
        });
        let bound = driver.bind()?;
        let opened = loaded::open(&bound, &stream, &arguments, &descriptor, LOADING);
        if let Err(error) = opened {
            // Nothing of a chip that failed is used again, not even to give it back.
            driver.set_lost();
            if let Err(reset) = recovery::force_reset(driver, &TimeLimits::default()) {
                log::warn!("the chip could not be reset: {reset}");
            }
            if let Err(acl) = driver.finalize_acl() {
                log::warn!("ACL stays initialised: {acl}");
            }
            return Err(error);
        }
        Ok(((), "they are on the chip".to_owned()))
    }
}

struct Steps<'a> {
    say: &'a mut dyn FnMut(Progress<'_>),
    all: core::slice::Iter<'static, Step>,
}

/// A step failed; that was said.
struct Failed;

impl Steps<'_> {
    fn next(&mut self) -> &'static Step {
        self.all.next().expect("as many as are tried")
    }

    fn leave_out(&mut self) {
        self.next();
    }

    fn step<T>(&mut self, work: impl FnOnce() -> Result<(T, String), Error>) -> Result<T, Failed> {
        let step = self.next();
        (self.say)(Progress::Trying(step));
        match work() {
            Ok((value, found)) => {
                (self.say)(Progress::Done(step, &Ok(found)));
                Ok(value)
            }
            Err(error) => {
                (self.say)(Progress::Done(step, &Err(error.to_string())));
                Err(Failed)
            }
        }
    }
}

fn round_trip(driver: &Arc<Driver>) -> Result<((), String), Error> {
    let written: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 16).collect();
    let buffer = Buffer::upload(driver, &written)?;
    let mut read = vec![0; written.len()];
    buffer.read(0, &mut read)?;
    if read != written {
        let differing = read.iter().zip(&written).filter(|(a, b)| a != b).count();
        return Err(Error::Answer {
            function: "rtMemcpy",
            device: driver.device(),
            answer: format!("{differing} of {} bytes differ", written.len()),
            expected: "what was written",
        });
    }
    Ok((
        (),
        format!("{} bytes at {:#x}", written.len(), buffer.address()),
    ))
}
