//! Whether this machine can run anything, step by step.
//!
//! Knows what a run needs, in the order in which it is needed, and what it means when a step fails.
//! Refuses to print.

use std::sync::Arc;

use protocol::run_descriptor::RunDescriptors;

use crate::cann::{Buffer, Driver, Library, Search, Stream, StreamKind};

use super::family::Family;
use super::registers::RegisterTable;

/// One step of a self-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was tried.
    pub step: &'static str,
    /// What was found, or why not.
    pub result: Result<String, String>,
    /// What it means if the step fails.
    pub means: &'static str,
}

/// Goes through the steps on device `device_id` until one fails.
#[must_use]
pub fn self_test<A: RunDescriptors>(
    search: &Search,
    device_id: i32,
    family: &Family,
) -> Vec<Check> {
    let mut steps = Steps::default();
    // The last step that fails ends the test; the checks say the rest.
    let _ended = steps.walk::<A>(search, device_id, family);
    steps.0
}

#[derive(Default)]
struct Steps(Vec<Check>);

/// A step failed; it is in the list.
struct Failed;

impl Steps {
    fn step<T>(
        &mut self,
        step: &'static str,
        means: &'static str,
        tried: Result<(T, String), crate::cann::Error>,
    ) -> Result<T, Failed> {
        let (result, value) = match tried {
            Ok((value, found)) => (Ok(found), Ok(value)),
            Err(error) => (Err(error.to_string()), Err(Failed)),
        };
        self.0.push(Check {
            step,
            result,
            means,
        });
        value
    }

    fn walk<A: RunDescriptors>(
        &mut self,
        search: &Search,
        device_id: i32,
        family: &Family,
    ) -> Result<(), Failed> {
        let opened = Library::open(search).map(|library| {
            let paths = library.paths();
            let paths: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            (Arc::new(library), paths.join(", "))
        });
        let library = self.step(
            "open CANN",
            "CANN or the driver package is not installed, or set_env.sh was not sourced",
            opened,
        )?;
        let driver =
            Driver::new(library, device_id).map(|driver| (Arc::new(driver), String::new()));
        let driver = self.step(
            "find the device's number",
            "ASCEND_RT_VISIBLE_DEVICES does not list this device",
            driver,
        )?;
        let bound = driver
            .bind()
            .map(|bound| (bound, format!("device {device_id}")));
        let bound = self.step(
            "bind a thread",
            "no such device, no rights (user in group HwHiAiUser?), or another process has the card",
            bound,
        )?;
        // A name is nice to have.
        let soc = bound.soc_name().unwrap_or_else(|error| error.to_string());
        let table = RegisterTable::discover::<A>(&bound, family.registers).map(|table| {
            let found = format!("{soc}: {} clusters of cores", table.clusters());
            (table, found)
        });
        self.step(
            "map the cores' registers",
            "a virtual (split) device, an older driver, or a chip that an earlier process left in a bad state: \
             reset it with npu-smi",
            table,
        )?;
        let round_trip = round_trip(&driver);
        self.step(
            "write and read device memory",
            "the device is out of memory or its link is broken",
            round_trip,
        )?;
        let streams = [StreamKind::Aicpu, StreamKind::Aicore]
            .into_iter()
            .map(|kind| Stream::create(&driver, kind))
            .collect::<Result<Vec<_>, _>>()
            .map(|streams| {
                let count = streams.len();
                (streams, format!("{count} streams"))
            });
        self.step(
            "create streams",
            "the chip faulted before: look for the first error in the device log",
            streams,
        )?;
        let reset = bound
            .reset()
            .map(|()| ((), "the device is given back".to_owned()));
        self.step("reset the device", "the driver lost the device", reset)
    }
}

fn round_trip(driver: &Arc<Driver>) -> Result<((), String), crate::cann::Error> {
    let written: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 16).collect();
    let buffer = Buffer::upload(driver, &written)?;
    let mut read = vec![0; written.len()];
    buffer.read(0, &mut read)?;
    if read != written {
        let differing = read.iter().zip(&written).filter(|(a, b)| a != b).count();
        return Err(crate::cann::Error::Answer {
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
