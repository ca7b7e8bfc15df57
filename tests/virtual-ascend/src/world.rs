//! All that a process can see of CANN.
//!
//! Knows devices, handles, the log of calls and which calls are to fail. One lock guards all of it; whoever
//! waits does so without it.

use core::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::arena::Arena;
use crate::device::{DRIVER_INTERNAL, Device};
use crate::hccl::{Member, Topology};
use crate::stream::Stream;

/// Vendor codes of calls that make no sense.
pub(crate) const INVALID: i32 = 107_000;
pub(crate) const NO_DEVICE: i32 = 107_001;
pub(crate) const NOT_BOUND: i32 = 107_002;
pub(crate) const OTHER_CONTEXT: i32 = 107_003;
pub(crate) const NO_MEMORY: i32 = 207_001;

/// A chip family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One window of registers, 25 clusters of which one does not work.
    A2a3,
    /// A window of registers for each of 36 clusters.
    A5,
}

/// One call of a played function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: &'static str,
    /// Its arguments that are numbers or addresses.
    pub arguments: Vec<u64>,
    /// What it returned.
    pub code: i32,
}

/// A call that is to fail.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) function: Option<&'static str>,
    /// How many calls succeed before.
    pub(crate) after: u64,
    pub(crate) code: i32,
}

/// A registered program of cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// The device it is for.
    pub(crate) device: i32,
    /// The memory that it pins.
    pub(crate) memory: u64,
    /// Where cube and vector cores begin; 0 for a program that the players have.
    pub(crate) entries: [u64; 2],
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) session: u64,
    pub(crate) arena: Arena,
    pub(crate) devices: BTreeMap<i32, Device>,
    pub(crate) streams: BTreeMap<u64, Stream>,
    /// Registered programs of cores.
    pub(crate) binaries: BTreeMap<u64, Binary>,
    pub(crate) views: BTreeMap<u64, i32>,
    /// Ranks of communicators.
    pub(crate) members: BTreeMap<u64, Member>,
    /// What the process may see, by its own numbers; all if empty.
    pub(crate) visible: Vec<i32>,
    pub(crate) topology: Topology,
    /// Bytes of a window.
    pub(crate) window: u64,
    pub(crate) acl: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) complaints: Vec<String>,
    handles: u64,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);

thread_local! {
    /// The session and the device the thread is bound to: a binding is the thread's.
    static BOUND: Cell<(u64, i32)> = const { Cell::new((0, -1)) };
}

/// The world, if there is one.
pub(crate) fn lock() -> MutexGuard<'static, Option<World>> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(session: u64, arena: Arena) -> Self {
        Self {
            session,
            arena,
            devices: BTreeMap::new(),
            streams: BTreeMap::new(),
            binaries: BTreeMap::new(),
            views: BTreeMap::new(),
            members: BTreeMap::new(),
            visible: Vec::new(),
            topology: Topology::default(),
            window: 0,
            acl: false,
            calls: Vec::new(),
            faults: Vec::new(),
            complaints: Vec::new(),
            handles: 0x5000_0000,
        }
    }

    pub(crate) fn handle(&mut self) -> u64 {
        self.handles += 0x100;
        self.handles
    }

    pub(crate) fn complain(&mut self, text: String) {
        eprintln!("virtual ascend: {text}");
        self.complaints.push(text);
    }

    /// The fault that this call meets, if one.
    fn fault(&mut self, function: &'static str) -> Option<i32> {
        let mut code = None;
        for fault in &mut self.faults {
            if fault.function.is_some_and(|name| name != function) {
                continue;
            }
            match fault.after {
                0 => code = code.or(Some(fault.code)),
                _ => fault.after -= 1,
            }
        }
        if code.is_some() {
            self.faults.retain(|fault| {
                fault.after != 0 || fault.function.is_some_and(|name| name != function)
            });
        }
        code
    }

    /// The device the calling thread is bound to.
    pub(crate) fn current(&self) -> Option<i32> {
        let (session, device) = BOUND.get();
        (session == self.session && self.devices.contains_key(&device)).then_some(device)
    }

    pub(crate) fn bind(&self, device: i32) {
        BOUND.set((self.session, device));
    }

    /// The driver's number of what the process calls `device`.
    pub(crate) fn physical(&self, device: i32) -> Option<i32> {
        let physical = if self.visible.is_empty() {
            device
        } else {
            *self.visible.get(usize::try_from(device).ok()?)?
        };
        self.devices.contains_key(&physical).then_some(physical)
    }

    /// The calling thread is bound to no device any more.
    pub(crate) fn unbind() {
        BOUND.set((0, -1));
    }

    /// Memory that the vendor's own libraries want.
    pub(crate) fn allocate(&mut self, device: i32, bytes: u64) -> Option<u64> {
        let Self { devices, arena, .. } = self;
        devices.get_mut(&device)?.memory.allocate(arena, bytes)
    }

    /// Gives such memory back.
    pub(crate) fn release(&mut self, device: i32, address: u64) {
        let Self { devices, arena, .. } = self;
        if let Some(device) = devices.get_mut(&device) {
            device.memory.free(arena, address);
        }
    }

    /// Writes words to device memory.
    pub(crate) fn write(&self, address: u64, words: &[u64]) {
        let view = self.arena.view(address);
        // SAFETY: the caller has allocated as much there.
        unsafe { view.copy_from_nonoverlapping(words.as_ptr().cast(), size_of_val(words)) };
    }

    /// Whether a failure before makes this device useless.
    pub(crate) fn poisoned(&self, device: i32) -> Option<i32> {
        self.devices[&device]
            .poisoned
            .is_set()
            .then_some(DRIVER_INTERNAL)
    }
}

/// One call: it is logged, it may be made to fail, and else `play` plays it.
pub(crate) fn call(
    function: &'static str,
    arguments: &[u64],
    play: impl FnOnce(&mut World) -> Result<(), i32>,
) -> i32 {
    let mut world = lock();
    let Some(world) = world.as_mut() else {
        return NOT_BOUND;
    };
    let code = match world.fault(function) {
        Some(code) => code,
        None => play(world).err().unwrap_or(0),
    };
    world.calls.push(Call {
        function,
        arguments: arguments.to_vec(),
        code,
    });
    code
}

/// As [`call`], from a thread that must be bound to a device.
pub(crate) fn bound_call(
    function: &'static str,
    arguments: &[u64],
    play: impl FnOnce(&mut World, i32) -> Result<(), i32>,
) -> i32 {
    call(function, arguments, |world| {
        let Some(device) = world.current() else {
            world.complain(format!(
                "{function} was called by a thread that is not bound to a device"
            ));
            return Err(NOT_BOUND);
        };
        play(world, device)
    })
}
