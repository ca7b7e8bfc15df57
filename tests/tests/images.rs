//! The images of a distribution with a host runtime that others built: played here, from the interface's tables.
//!
//! Knows the handshake, the register protocol and what a control program is given. Refuses to know how our own host
//! runtime uses the images: it has another way in.

use core::ffi::{c_int, c_void};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use protocol::handshake::Handshake;
use protocol::registers::{
    AICORE_EXIT_SIGNAL, AICORE_EXITED_VALUE, AICORE_IDLE_VALUE, AICPU_IDLE_TASK_ID, TASK_STATE_MASK,
};
use protocol::run_descriptor::RunDescriptors;
use protocol::{A2a3, A5};
use sync::{Word32, Word64};

/// How long a core may take for anything.
const WATCHDOG: Duration = Duration::from_secs(60);
const CLUSTERS: usize = 2;
const CORES: usize = 3 * CLUSTERS;
/// Bytes of a pair of payloads, and of one.
const PAYLOAD: usize = 512;
/// Bytes of a task of a host-built graph, and where it has its words and its kernel.
const TASK: usize = 696;
const TASK_ARGS: usize = 8;
const TASK_KERNEL: usize = 144;

fn library(platform: &str, runtime: &str, file: &str) -> Library {
    let path: PathBuf = tests::dist::built(env!("CARGO_TARGET_TMPDIR"))
        .join(platform)
        .join(runtime)
        .join(file);
    // SAFETY: an image of a distribution has nothing to do when it is loaded.
    unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.expect("the image stands alone")
}

/// Zeroed memory that other threads and foreign code change, reached by offset.
struct Memory(Vec<u64>);

impl Memory {
    fn new(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(8)])
    }

    fn address(&self) -> usize {
        self.0.as_ptr().expose_provenance()
    }

    fn word(&self, offset: usize) -> &Word32 {
        let place = self.place(offset);
        // SAFETY: the place is in memory that lives as long as the result; all go through single accesses.
        unsafe { Word32::at(place.cast()) }
    }

    fn long(&self, offset: usize) -> &Word64 {
        let place = self.place(offset);
        // SAFETY: as above.
        unsafe { Word64::at(place.cast()) }
    }

    fn place(&self, offset: usize) -> *mut c_void {
        assert!(offset + 8 <= 8 * self.0.len() && offset.is_multiple_of(4));
        core::ptr::with_exposed_provenance_mut(self.address() + offset)
    }
}

/// Waits for something that a core does.
fn await_core(what: &str, core: usize, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < WATCHDOG, "core {core} did not {what}");
        thread::yield_now();
    }
}

/// A kernel: `word at args[0] += args[1]`.
unsafe extern "C" fn kernel(args: *const [u64; 2]) {
    // SAFETY: every call below brings two words.
    let [address, addend] = unsafe { args.read_unaligned() };
    let address = usize::try_from(address).expect("an address of this process");
    // SAFETY: the first is the address of a word that outlives the cores.
    let word = unsafe { Word32::at(core::ptr::with_exposed_provenance_mut(address)) };
    word.add(u32::try_from(addend).expect("small"));
}

/// What cores were told that they are: cluster and lane, by thread.
static LANES: Mutex<Vec<(thread::ThreadId, u32)>> = Mutex::new(Vec::new());
static CLUSTER_IDS: Mutex<Vec<(thread::ThreadId, u32)>> = Mutex::new(Vec::new());

extern "C" fn set_lane(lane: u32) {
    let mut lanes = LANES.lock().expect("nobody panics with it");
    lanes.push((thread::current().id(), lane));
}

extern "C" fn set_cluster(cluster: u32) {
    let mut clusters = CLUSTER_IDS.lock().expect("nobody panics with it");
    clusters.push((thread::current().id(), cluster));
}

fn told(list: &Mutex<Vec<(thread::ThreadId, u32)>>) -> Option<u32> {
    let list = list.lock().expect("nobody panics with it");
    let own = thread::current().id();
    list.iter().rfind(|(of, _)| *of == own).map(|(_, is)| *is)
}

/// How the family's image is started.
type Enter = fn(&Library, *mut c_void, c_int, i32, u64);

fn enter_a2a3(image: &Library, runtime: *mut c_void, worker: c_int, core_type: i32, regs: u64) {
    type Wrapper = unsafe extern "C" fn(*mut c_void, c_int, i32, u32, u64, u32, u64);
    // SAFETY: the interface gives the name this type.
    let enter = unsafe { image.get::<Wrapper>(b"aicore_execute_wrapper\0") }.expect("exported");
    // SAFETY: descriptor and registers outlive the core.
    unsafe {
        enter(
            runtime,
            worker,
            core_type,
            worker.unsigned_abs(),
            regs,
            0,
            0,
        )
    };
}

fn enter_a5(image: &Library, runtime: *mut c_void, worker: c_int, core_type: i32, regs: u64) {
    type Wrapper = unsafe extern "C" fn(*mut c_void, c_int, i32, u32, u64);
    // SAFETY: as above.
    let enter = unsafe { image.get::<Wrapper>(b"aicore_execute_wrapper\0") }.expect("exported");
    // SAFETY: as above.
    unsafe { enter(runtime, worker, core_type, worker.unsigned_abs(), regs) };
}

/// What the threads of a chip share.
struct Chip {
    descriptor: Memory,
    payloads: Memory,
    registers: Vec<Memory>,
    table: Vec<u64>,
    /// Where a core takes tokens, and where it says what became of them.
    token: usize,
    status: usize,
    handshake: usize,
    body: usize,
}

impl Chip {
    fn new<A: RunDescriptors>() -> Self {
        let registers: Vec<Memory> = (0..CORES)
            .map(|_| Memory::new(A::SIM_REGISTER_BLOCK))
            .collect();
        let place = |offset| A::sim_register_place(offset).expect("cores have it");
        let chip = Self {
            descriptor: Memory::new(A::BODY_OFFSET + 64 + 64 * TASK),
            payloads: Memory::new(2 * PAYLOAD * CORES),
            table: registers
                .iter()
                .map(|block| block.address() as u64)
                .collect(),
            registers,
            token: place(A::REGISTERS.data_main_base),
            status: place(A::REGISTERS.cond),
            handshake: size_of::<A::Record>(),
            body: A::BODY_OFFSET,
        };
        chip.descriptor
            .word(chip.body)
            .publish(u32::try_from(CORES).expect("few"));
        chip
    }

    fn record(&self, core: usize, offset: usize) -> &Word32 {
        self.descriptor.word(core * self.handshake + offset)
    }

    /// The control program's part of the handshake.
    fn meet<A: Handshake>(&self) {
        let at = A::OFFSETS;
        for core in 0..CORES {
            let pair = (self.payloads.address() + 2 * PAYLOAD * core) as u64;
            self.descriptor
                .long(core * self.handshake + at.task)
                .publish(pair);
            self.record(core, at.aicpu_ready).publish(1);
        }
        for core in 0..CORES {
            await_core("come", core, || {
                self.record(core, at.aicore_regs_ready).observe() == 1
            });
            let id = self.record(core, at.physical_core_id).observe();
            assert_eq!(id as usize, core);
            self.registers[core]
                .word(self.token)
                .publish(AICPU_IDLE_TASK_ID);
            self.record(core, at.aicpu_regs_ready).publish(1);
            await_core("get ready", core, || {
                self.record(core, at.aicore_done).observe() as usize == core + 1
            });
            assert_eq!(
                self.registers[core].word(self.status).observe(),
                AICORE_IDLE_VALUE
            );
            let core_type = self.record(core, at.core_type).observe();
            assert_eq!(core_type, u32::from(core >= CLUSTERS));
        }
    }

    fn run(&self, core: usize, token: u32) {
        self.registers[core].word(self.token).publish(token);
        let finished = token | TASK_STATE_MASK;
        await_core("finish", core, || {
            self.registers[core].word(self.status).observe() == finished
        });
    }

    fn dismiss(&self) {
        for block in &self.registers {
            block.word(self.token).publish(AICORE_EXIT_SIGNAL);
        }
        for (core, block) in self.registers.iter().enumerate() {
            await_core("leave", core, || {
                block.word(self.status).observe() == AICORE_EXITED_VALUE
            });
        }
    }
}

/// Every core of an image runs `rounds` tasks and leaves.
fn cores_work<A: RunDescriptors>(platform: &str, runtime: &str, enter: Enter) {
    let image = library(platform, runtime, "libaicore_kernel.so");
    type Helpers = unsafe extern "C" fn(*mut c_void, *mut c_void);
    // SAFETY: the interface gives the name this type.
    let helpers = unsafe { image.get::<Helpers>(b"set_sim_core_identity_helpers\0") };
    let (lane, cluster) = (
        set_lane as extern "C" fn(u32),
        set_cluster as extern "C" fn(u32),
    );
    // SAFETY: both take a number and live as long as this program.
    unsafe { helpers.expect("exported")(lane as *mut c_void, cluster as *mut c_void) };
    let chip = Chip::new::<A>();
    let sums: Vec<Memory> = (0..CORES).map(|_| Memory::new(8)).collect();
    let address = kernel as unsafe extern "C" fn(*const [u64; 2]) as usize as u64;
    thread::scope(|scope| {
        for core in 0..CORES {
            let (chip, image) = (&chip, &image);
            scope.spawn(move || {
                let worker = c_int::try_from(core).expect("few");
                let descriptor = chip.descriptor.place(0);
                let table = chip.table.as_ptr().expose_provenance() as u64;
                enter(
                    image,
                    descriptor,
                    worker,
                    i32::from(core >= CLUSTERS),
                    table,
                );
                let vector = core.checked_sub(CLUSTERS);
                let lane = vector.map_or(0, |vector| vector % 2);
                let cluster = vector.map_or(core, |vector| vector / 2);
                assert_eq!(told(&LANES), u32::try_from(lane).ok());
                assert_eq!(told(&CLUSTER_IDS), u32::try_from(cluster).ok());
            });
        }
        chip.meet::<A>();
        for round in 0..5_u32 {
            for (core, sum) in sums.iter().enumerate() {
                let addend = u64::from(round) + 10 * core as u64;
                let words = [sum.address() as u64, addend];
                if runtime == "trb" {
                    // Tokens count from 1; their parity says which payload of the pair.
                    let token = round + 1;
                    let payload = PAYLOAD * (2 * core + (token & 1) as usize);
                    chip.payloads.long(payload).publish(address);
                    chip.payloads.long(payload + 8).publish(words[0]);
                    chip.payloads.long(payload + 16).publish(words[1]);
                    chip.run(core, token);
                } else {
                    // A token is the number of a task.
                    let number = round as usize * CORES + core;
                    let task = chip.body + 8 + number * TASK;
                    chip.descriptor.long(task + TASK_ARGS).publish(words[0]);
                    chip.descriptor.long(task + TASK_ARGS + 8).publish(words[1]);
                    chip.descriptor.long(task + TASK_KERNEL).publish(address);
                    chip.run(core, u32::try_from(number).expect("few"));
                }
            }
        }
        chip.dismiss();
    });
    for (core, sum) in sums.iter().enumerate() {
        let expected = 10 + 50 * u32::try_from(core).expect("few");
        assert_eq!(sum.word(0).observe(), expected, "core {core}");
    }
}

#[test]
fn cores_of_an_a2a3_work_for_other_host_runtimes() {
    cores_work::<A2a3>("a2a3sim", "trb", enter_a2a3);
    cores_work::<A2a3>("a2a3sim", "hbg", enter_a2a3);
}

#[test]
fn cores_of_an_a5_work_for_other_host_runtimes() {
    cores_work::<A5>("a5sim", "trb", enter_a5);
    cores_work::<A5>("a5sim", "hbg", enter_a5);
}

/// What a host runtime sets it gets back, and a run that the image knows nothing of is refused instead of guessed at.
#[test]
fn control_programs_refuse_runs_of_other_host_runtimes() {
    for (platform, runtime) in [
        ("a2a3sim", "trb"),
        ("a2a3sim", "hbg"),
        ("a5sim", "trb"),
        ("a5sim", "hbg"),
    ] {
        let image = library(platform, runtime, "libaicpu_kernel.so");
        for (set, get) in [
            ("set_platform_regs", "get_platform_regs"),
            ("set_platform_dump_base", "get_platform_dump_base"),
            ("set_platform_l2_perf_base", "get_platform_l2_perf_base"),
            ("set_platform_pmu_base", "get_platform_pmu_base"),
        ] {
            // SAFETY: the interface gives the names these types.
            let set = unsafe { image.get::<unsafe extern "C" fn(u64)>(set.as_bytes()) };
            // SAFETY: as above.
            let get = unsafe { image.get::<unsafe extern "C" fn() -> u64>(get.as_bytes()) };
            // SAFETY: a number.
            unsafe { set.expect("exported")(0x1234_5678_9abc) };
            // SAFETY: takes nothing.
            assert_eq!(unsafe { get.expect("exported")() }, 0x1234_5678_9abc);
        }
        // SAFETY: as above.
        let set = unsafe { image.get::<unsafe extern "C" fn(c_int)>(b"set_log_info_v\0") };
        // SAFETY: as above.
        let get = unsafe { image.get::<unsafe extern "C" fn() -> c_int>(b"get_log_info_v\0") };
        // SAFETY: a number.
        unsafe { set.expect("exported")(12) };
        // SAFETY: takes nothing.
        let verbosity = unsafe { get.expect("exported")() };
        assert_eq!(verbosity, 9, "the largest there is");
        let mut descriptor = vec![0_u64; 4096];
        type Execute = unsafe extern "C" fn(*mut c_void) -> c_int;
        // SAFETY: as above.
        let execute = unsafe { image.get::<Execute>(b"aicpu_execute\0") }.expect("exported");
        // SAFETY: it looks at nothing.
        assert_eq!(unsafe { execute(descriptor.as_mut_ptr().cast()) }, -1);
    }
}
