//! Those who do what a child is asked to: functions, a chip.
//!
//! Knows how a call and a control request are carried out. Refuses to know how they arrived. Every
//! kind of hands answers every request, if only by saying what it cannot do.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use platform::{Deadlines, Device, DeviceAddress, ForeignMemory, RunOptions};
use protocol::comm::CommContext;
use protocol::limits::MAX_REGISTERED_CALLABLE_IDS;
use protocol::{ChipStorageTaskArgs, ContinuousTensor};

use super::call::{Call, malformed};
use super::copies::CopyEngine;
use super::fault::{Fault, FaultKind};
use super::frame::{Request, Words};
use super::segment::Segment;
use super::supply::Supply;
use super::target::Target;
use super::window::{self, RankContext};

/// Those who do what a child is asked to.
pub(crate) trait Hands: Send {
    /// Gets a callable ready.
    fn prepare(&mut self, serial: u64, target: &Target) -> Result<(), Fault>;

    /// Forgets a callable.
    fn forget(&mut self, serial: u64) -> Result<(), Fault>;

    /// Runs a callable that was prepared.
    fn run(&mut self, serial: u64, target: &Target, call: &Call<'_>) -> Result<(), Fault>;

    /// Does anything else.
    fn control(
        &mut self,
        request: Request,
        words: [u64; 4],
        supply: &mut dyn Supply,
    ) -> Result<Words, Fault>;
}

/// The answer to a target that is for others.
pub(crate) fn wrong_target(who: &str, target: &Target) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        format!("{who} cannot run a {}", target.kind()),
    )
}

/// Runs host functions.
#[derive(Debug)]
pub(crate) struct Functions;

impl Hands for Functions {
    fn prepare(&mut self, _: u64, target: &Target) -> Result<(), Fault> {
        match target {
            Target::Function(_) => Ok(()),
            other => Err(wrong_target("a sub worker", other)),
        }
    }

    fn forget(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }

    fn run(&mut self, _: u64, target: &Target, call: &Call<'_>) -> Result<(), Fault> {
        match target {
            Target::Function(function) => function(call).map_err(|failure| failure.fault),
            other => Err(wrong_target("a sub worker", other)),
        }
    }

    fn control(
        &mut self,
        request: Request,
        _: [u64; 4],
        _: &mut dyn Supply,
    ) -> Result<Words, Fault> {
        Err(unsupported("a sub worker", request))
    }
}

/// The answer to a request that is for others.
pub(crate) fn unsupported(who: &str, request: Request) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        format!("{who} has no device and cannot {}", request.verb()),
    )
}

/// One communicator as a rank's process sees it.
#[derive(Debug)]
struct Membership {
    /// Kernels have its address. Before the windows: its copies are over when it is dropped.
    _context: Box<RankContext>,
    _windows: Arc<Segment>,
}

/// Drives one chip.
#[derive(Debug)]
pub(crate) struct Chip {
    device: Box<dyn Device>,
    deadlines: Deadlines,
    ids: HashMap<u64, i32>,
    communicators: HashMap<u64, Membership>,
}

impl Chip {
    /// Attaches `device` to chip number `id`.
    pub(crate) fn attach(
        device: Box<dyn Device>,
        id: i32,
        patience: Duration,
    ) -> Result<Self, Fault> {
        device.init(id).map_err(device_fault)?;
        let usual = Deadlines::default();
        Ok(Self {
            device,
            deadlines: Deadlines {
                no_progress: patience,
                // A run that always moves may take as long as it likes, unless even the usual is shorter.
                run: usual.run.max(patience),
                ..usual
            },
            ids: HashMap::new(),
            communicators: HashMap::new(),
        })
    }

    fn join(&mut self, words: [u64; 4], supply: &mut dyn Supply) -> Result<Words, Fault> {
        let [segment, rank, ranks, bytes] = words;
        let windows = supply.segment(segment)?;
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let base = windows.base().expose_provenance() as u64;
        let context = CommContext::of_segment(number(rank), number(ranks), bytes, base);
        let fits = window::gone_offset(bytes, ranks)
            .is_some_and(|gone| gone + window::GONE_BYTES == windows.len() as u64);
        let context = context.filter(|_| fits).ok_or_else(|| {
            Fault::new(
                FaultKind::Malformed,
                format!("rank {rank} of {ranks} with windows of {bytes} bytes does not fit"),
            )
        })?;
        let context = Box::new(RankContext {
            comm: context,
            copies: CopyEngine::default(),
        });
        let address = (&raw const *context).expose_provenance() as u64;
        let window = base + bytes * rank;
        self.device.set_talking(true).map_err(device_fault)?;
        let member = Membership {
            _context: context,
            _windows: windows,
        };
        self.communicators.insert(segment, member);
        Ok([address, window])
    }
}

fn device_fault(error: platform::Error) -> Fault {
    crate::Error::from(error).into_fault()
}

impl Hands for Chip {
    fn prepare(&mut self, serial: u64, target: &Target) -> Result<(), Fault> {
        let Target::Program(program) = target else {
            return Err(wrong_target("a chip", target));
        };
        let mut taken = [false; MAX_REGISTERED_CALLABLE_IDS];
        for &id in self.ids.values() {
            taken[id.unsigned_abs() as usize] = true;
        }
        let free = (0..).zip(taken).find(|(_, taken)| !taken);
        let Some((id, _)) = free else {
            return Err(Fault::new(
                FaultKind::Device,
                format!(
                    "the chip has {} programs, which is the limit: unregister one",
                    self.ids.len()
                ),
            ));
        };
        self.device.prepare(id, program).map_err(device_fault)?;
        self.ids.insert(serial, id);
        Ok(())
    }

    fn forget(&mut self, serial: u64) -> Result<(), Fault> {
        match self.ids.remove(&serial) {
            Some(id) => self.device.unregister(id).map_err(device_fault),
            None => Ok(()),
        }
    }

    fn run(&mut self, serial: u64, _: &Target, call: &Call<'_>) -> Result<(), Fault> {
        let id = *self.ids.get(&serial).ok_or_else(|| {
            Fault::new(
                FaultKind::NotRegistered,
                format!("program {serial} is not on this chip"),
            )
        })?;
        let mut args = ChipStorageTaskArgs::default();
        for (index, placed) in call.tensors.iter().enumerate() {
            let data = match &placed.segment {
                Some(_) => call.address(index)?.expose_provenance() as u64,
                None => placed.record.data,
            };
            let record = ContinuousTensor {
                data,
                ..placed.record
            };
            args.push_tensor(record).map_err(malformed)?;
        }
        for &scalar in call.scalars {
            args.push_scalar(scalar).map_err(malformed)?;
        }
        let options = RunOptions {
            deadlines: self.deadlines,
            // SAFETY: device tensors are this chip's, which the parent checked, or lie in windows of
            // a communicator, which are mapped here for as long as it lives.
            foreign_memory: unsafe { ForeignMemory::promised() },
            ..RunOptions::default()
        };
        // SAFETY: host tensors lie in segments mapped for reading and writing, whose extent
        // `address` checked; for device tensors see above.
        let report = unsafe { self.device.run(id, &args, call.config, &options) };
        report.map(drop).map_err(device_fault)
    }

    fn control(
        &mut self,
        request: Request,
        words: [u64; 4],
        supply: &mut dyn Supply,
    ) -> Result<Words, Fault> {
        let [address, segment, offset, bytes] = words;
        let mut part = || -> Result<(Arc<Segment>, *mut u8, usize), Fault> {
            let memory = supply.segment(segment)?;
            let at = memory.at(offset, bytes).ok_or_else(|| {
                Fault::new(
                    FaultKind::Malformed,
                    format!("{bytes} bytes at {offset} end beyond the buffer"),
                )
            })?;
            let len = usize::try_from(bytes).expect("it is mapped");
            Ok((memory, at, len))
        };
        match request {
            Request::Malloc => {
                let made = self.device.malloc(address).map_err(device_fault)?;
                Ok([made.0, 0])
            }
            Request::Free => {
                self.device
                    .free(DeviceAddress(address))
                    .map_err(device_fault)?;
                Ok([0; 2])
            }
            Request::CopyTo => {
                let (_memory, at, len) = part()?;
                // SAFETY: inside the mapping, which `_memory` holds.
                let from = unsafe { core::slice::from_raw_parts(at, len) };
                self.device
                    .copy_to(DeviceAddress(address), from)
                    .map_err(device_fault)?;
                Ok([0; 2])
            }
            Request::CopyFrom => {
                let (_memory, at, len) = part()?;
                // SAFETY: inside the mapping, which `_memory` holds.
                let to = unsafe { core::slice::from_raw_parts_mut(at, len) };
                self.device
                    .copy_from(to, DeviceAddress(address))
                    .map_err(device_fault)?;
                Ok([0; 2])
            }
            Request::Attach => self.join(words, supply),
            Request::Detach => {
                self.communicators.remove(&address);
                let talking = !self.communicators.is_empty();
                self.device.set_talking(talking).map_err(device_fault)?;
                Ok([0; 2])
            }
            Request::MemoryUsed => Ok([self.device.memory().total(), 0]),
            other => Err(unsupported("a chip", other)),
        }
    }
}
