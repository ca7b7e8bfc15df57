//! A played device's life, as a test holds it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::arena::{Arena, DEVICES};
use crate::device::{Device, Misbehaviour};
use crate::hccl::Topology;
use crate::player::Aicpu;
use crate::world::{Call, Family, Fault, World, lock};
use crate::{LIBRARIES, acl, hal, hccl, runtime};

/// What one may choose about the devices.
#[derive(Clone, Debug)]
pub struct Config {
    /// Their family.
    pub family: Family,
    /// How many there are, at most four.
    pub devices: i32,
    /// Who plays the control CPUs.
    pub aicpu: Aicpu,
    /// Bytes of memory of each.
    pub memory: u64,
    /// How many control CPUs kernels may use.
    pub processors: u32,
    /// Each control CPU is one processor of this machine, as the vendor's threads are pinned; there must be as many.
    pub pinned: bool,
    /// A cluster that does not work.
    pub missing_cluster: Option<u32>,
    /// The devices that the process may see, by the driver's numbers; all of them if none is named.
    pub visible: Vec<i32>,
    /// How ranks of a communicator are wired.
    pub topology: Topology,
    /// Bytes of their windows.
    pub window: u64,
}

impl Config {
    /// One device of `family`, with little memory: what is played is the machine's own.
    #[must_use]
    pub const fn new(family: Family) -> Self {
        Self {
            family,
            devices: 1,
            aicpu: Aicpu::Native,
            memory: 256 << 20,
            processors: 6,
            pinned: false,
            visible: Vec::new(),
            topology: Topology::Mesh,
            window: 1 << 20,
            missing_cluster: match family {
                Family::A2a3 => Some(7),
                Family::A5 => None,
            },
        }
    }
}

/// The devices of this process while it lives; a process has one session at a time.
#[derive(Debug)]
pub struct Session {
    _only: MutexGuard<'static, u64>,
}

static ONLY: Mutex<u64> = Mutex::new(0);
static ARENA: Mutex<Option<Arena>> = Mutex::new(None);

impl Session {
    /// Plays devices until the result is dropped; waits for the session before to end.
    ///
    /// # Panics
    /// When the system refuses address space, or the libraries that the build made are not there.
    #[must_use]
    pub fn begin(config: &Config) -> Self {
        assert!(
            (1..=DEVICES).contains(&config.devices),
            "there is room for {DEVICES} devices"
        );
        let mut only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        *only += 1;
        connect(libraries());
        let arena = {
            let mut kept = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
            kept.take()
                .unwrap_or_else(|| Arena::new().expect("address space for device memory"))
        };
        for device in 0..DEVICES {
            arena.wipe(device);
        }
        hccl::forget();
        let mut world = World::new(*only, arena);
        (world.topology, world.window) = (config.topology, config.window);
        world.visible.clone_from(&config.visible);
        for number in 0..config.devices {
            let memory = rustix::io::dup(&world.arena.file).expect("a file descriptor");
            let device = Device::new(number, config, memory);
            world.devices.insert(number, device);
        }
        *lock() = Some(world);
        Self { _only: only }
    }

    /// The folder with the played libraries.
    #[must_use]
    pub fn libraries(&self) -> &'static Path {
        libraries()
    }

    /// The same libraries, one of them without `function`.
    ///
    /// # Panics
    /// If there is no function of this name.
    #[must_use]
    pub fn libraries_without(&self, function: &str) -> PathBuf {
        let folder = Path::new(concat!(env!("OUT_DIR"), "/without")).join(function);
        connect(&folder);
        folder
    }

    fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(lock().as_mut().expect("a session has a world"))
    }

    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.with(|world| world.calls.clone())
    }

    /// The names of all calls so far, runs of the same one as one.
    #[must_use]
    pub fn sequence(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.calls().iter().map(|call| call.function).collect();
        names.dedup();
        names
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.with(|world| world.calls.clear());
    }

    /// After `after` more calls of anything, one fails with `code`.
    pub fn fail_call(&self, after: u64, code: i32) {
        self.with(|world| {
            world.faults.push(Fault {
                function: None,
                after,
                code,
            });
        });
    }

    /// After `after` more calls of `function`, one fails with `code`.
    pub fn fail(&self, function: &'static str, after: u64, code: i32) {
        self.with(|world| {
            world.faults.push(Fault {
                function: Some(function),
                after,
                code,
            });
        });
    }

    /// Whether every call that was to fail has failed.
    #[must_use]
    pub fn all_faults_met(&self) -> bool {
        self.with(|world| world.faults.is_empty())
    }

    /// Forgets the calls that were to fail.
    pub fn forget_faults(&self) {
        self.with(|world| world.faults.clear());
    }

    /// Makes a device do something wrong.
    pub fn misbehave(&self, device: i32, wrong: Option<Misbehaviour>) {
        self.with(|world| {
            world
                .devices
                .get_mut(&device)
                .expect("a device of the session")
                .wrong = wrong;
        });
    }

    /// Allocations of a device that are live, those of the vendor's own included.
    #[must_use]
    pub fn live_allocations(&self, device: i32) -> usize {
        self.with(|world| world.devices[&device].memory.live())
    }

    /// Streams that exist.
    #[must_use]
    pub fn live_streams(&self) -> usize {
        self.with(|world| world.streams.len())
    }

    /// What a real device would have suffered from.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.with(|world| world.complaints.clone())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut world) = lock().take() else {
            return;
        };
        for device in world.devices.values_mut() {
            device.reset();
        }
        let World { arena, streams, .. } = world;
        drop(streams);
        *ARENA.lock().unwrap_or_else(PoisonError::into_inner) = Some(arena);
    }
}

fn libraries() -> &'static Path {
    Path::new(concat!(env!("OUT_DIR"), "/cann"))
}

/// Fills the tables of the libraries in a folder.
fn connect(folder: &Path) {
    let entries = [
        runtime::ENTRIES,
        acl::ENTRIES,
        hal::ENTRIES,
        acl::LOG_ENTRIES,
        hccl::ENTRIES,
    ];
    for ((name, functions), entries) in LIBRARIES.iter().zip(entries) {
        assert_eq!(functions.len(), entries.len(), "{name}");
        let path: PathBuf = folder.join(name);
        // SAFETY: a row of jumps without initialisers.
        let library = unsafe { libloading::Library::new(&path) }.expect("made by the build script");
        // SAFETY: a table of as many addresses as there are functions.
        let table = unsafe { library.get::<*mut *const ()>(b"virtual_ascend_entries\0") }
            .expect("made by the build script");
        // SAFETY: the symbol is only looked at while the library is open, which it stays.
        let table = unsafe { table.into_raw() }.into_raw().cast::<*const ()>();
        // SAFETY: as above; no library is in use before the first session.
        unsafe { table.copy_from(entries.as_ptr(), entries.len()) };
        core::mem::forget(library);
    }
}

/// What a kernel's code is to played cores: a shared object of this machine with a `kernel_entry`.
#[must_use]
pub fn code_for_virtual_cores(shared_object: &[u8]) -> Vec<u8> {
    let mut id = 0xcbf2_9ce4_8422_2325_u64;
    for byte in shared_object {
        id = (id ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut code = b"VASCEND\0".to_vec();
    code.extend((shared_object.len() as u64).to_le_bytes());
    code.extend(id.to_le_bytes());
    code.extend(shared_object);
    code
}
