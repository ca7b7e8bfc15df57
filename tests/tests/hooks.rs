//! What simulated kernels ask their simulator, in every generation's way: the answers are of their own core, task and
//! run, whoever else is simulated in the process.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use host::{Arguments, Callable, ChipWorker, CoreType, Kernels, ProgramBuilder, RunConfig};
use tests::compiler::{Compiler, root, scratch};

/// Ways of asking.
const GENERATIONS: usize = 3;
/// Clusters, and blocks of each task: started together, each has a cluster of its own.
const BLOCKS: usize = 4;
/// Tasks of a run, one after the other.
const TASKS: usize = 2;
const CORES: usize = 3;
const WORDS: usize = 8;
const CELLS: usize = TASKS * BLOCKS * CORES;

/// The kernel of each generation.
fn images() -> &'static [Vec<u8>; GENERATIONS] {
    static IMAGES: OnceLock<[Vec<u8>; GENERATIONS]> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let dir = scratch(env!("CARGO_TARGET_TMPDIR"), "hooks");
        [0, 1, 2].map(|generation| {
            let source = dir.join(format!("probe_{generation}.cpp"));
            let probe = root().join("tests/hooks/probe.cpp");
            let text = format!(
                "#define GENERATION {generation}\n#include \"{}\"\n",
                probe.display()
            );
            std::fs::write(&source, text).expect("the build folder is writable");
            compiled(&source)
        })
    })
}

fn compiled(source: &Path) -> Vec<u8> {
    let object = source.with_extension("so");
    let built = Compiler::system().plain_object(source, &object);
    built.unwrap_or_else(|messages| panic!("{messages}"));
    std::fs::read(&object).expect("the compiler wrote it")
}

/// What one kernel call was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    called: u64,
    lane: u64,
    lanes: u64,
    device: u64,
    cookie: u64,
    storage: u64,
    before: u64,
    context: u64,
}

/// Where kernels write what they were told.
struct Cells(Box<[u64; CELLS * WORDS]>);

impl Cells {
    fn new() -> Self {
        Self(Box::new([0; CELLS * WORDS]))
    }

    fn address(&mut self) -> u64 {
        self.0.as_mut_ptr().expose_provenance() as u64
    }

    fn all(&self) -> Vec<Told> {
        let cells = (0..CELLS).map(|cell| {
            let word = |index: usize| {
                let word: *const u64 = &raw const self.0[cell * WORDS + index];
                // SAFETY: a word of ours; the kernels that know its address have ended.
                unsafe { word.read_volatile() }
            };
            Told {
                called: word(0),
                lane: word(1),
                lanes: word(2),
                device: word(3),
                cookie: word(4),
                storage: word(5),
                before: word(6),
                context: word(7),
            }
        });
        cells.collect()
    }
}

fn config() -> RunConfig {
    RunConfig {
        block_dim: u32::try_from(BLOCKS).expect("few"),
        aicpu_threads: 3,
        ..RunConfig::default()
    }
}

struct Bench {
    worker: ChipWorker,
    device: i32,
    callables: Vec<Callable>,
}

impl Bench {
    /// A worker of `platform` with a program per generation.
    fn new(platform: &str, device: i32, program: fn(ProgramBuilder) -> host::Program) -> Self {
        let worker = ChipWorker::on(platform).expect("a platform of this build");
        worker.init(device).expect("a fresh worker");
        let callables = images().iter().map(|image| {
            let builder = ProgramBuilder::new()
                .kernel_image(0, CoreType::Aic, image)
                .kernel_image(1, CoreType::Aiv, image);
            worker.register(program(builder)).expect("a good program")
        });
        let callables = callables.collect();
        Self {
            worker,
            device,
            callables,
        }
    }

    fn run(&self, generation: usize) -> Vec<Told> {
        let mut cells = Cells::new();
        let mut args = Arguments::new();
        args.scalar(cells.address()).expect("a scalar");
        args.scalar(BLOCKS as u64).expect("a scalar");
        let callable = &self.callables[generation];
        let done = self.worker.run(callable, &mut args, &config());
        done.expect("a good run");
        cells.all()
    }

    /// What is so of every call, in any runtime.
    #[track_caller]
    fn knows_its_core(&self, told: &Told, core: usize) {
        let (lane, lanes) = [(0, 1), (0, 2), (1, 2)][core];
        assert_eq!((told.lane, told.lanes), (lane, lanes), "{told:?}");
        assert_eq!(told.device, u64::try_from(self.device).expect("small"));
        assert_ne!((told.cookie, told.storage), (0, 0), "{told:?}");
        assert_eq!(told.context, 70 * 10000 + 80 * 100 + 90, "{told:?}");
    }
}

/// Two tasks, each on all cores of all clusters at once.
fn clusters(builder: ProgramBuilder) -> host::Program {
    builder.orchestration(|scope, args| {
        let (cells, blocks): (u64, u64) = (args.scalar(0)?, args.scalar(1)?);
        let count = u32::try_from(blocks).expect("few");
        let submit = |scope: &mut host::Scope<'_, '_>, task: u64| {
            let kernels = Kernels::cluster(0, 1, 1);
            let task = scope
                .task(kernels)
                .scalar(cells)
                .scalar(blocks)
                .scalar(task);
            task.blocks(count).together().submit().map(|_| ())
        };
        submit(scope, 0)?;
        submit(scope, 1)
    })
}

/// What a run of [`clusters`] was told, whatever else happens in the process.
#[track_caller]
fn clusters_are_told_right(bench: &Bench, told: &[Told]) {
    let mut cookies = BTreeSet::new();
    let mut arrivals = Vec::new();
    for (index, block) in told.chunks(CORES).enumerate() {
        for (core, each) in block.iter().enumerate() {
            assert_eq!(each.called, 1, "task and block {index}, core {core}");
            bench.knows_its_core(each, core);
            assert_eq!(each.cookie, block[0].cookie, "one task and block");
            assert_eq!(each.storage, block[0].storage, "one cluster");
            arrivals.push((each.storage, each.before));
        }
        cookies.insert(block[0].cookie);
    }
    assert_eq!(
        cookies.len(),
        TASKS * BLOCKS,
        "tasks and blocks have cookies of their own"
    );
    // On each cluster three cores arrived for each task, and nobody before them or besides.
    arrivals.sort_unstable();
    let each: Vec<u64> = arrivals.iter().map(|(_, before)| *before).collect();
    let six: Vec<u64> = (0..6).collect();
    assert_eq!(each, six.repeat(BLOCKS), "{arrivals:?}");
}

fn on(platform: &str) {
    let bench = Bench::new(platform, 3, clusters);
    // Storage of a run is new: the counts start again.
    for _ in 0..3 {
        for generation in 0..GENERATIONS {
            clusters_are_told_right(&bench, &bench.run(generation));
        }
    }
}

#[test]
fn a2a3_kernels_are_told_right_in_every_generations_way() {
    on("a2a3sim");
}

#[test]
fn a5_kernels_are_told_right_in_every_generations_way() {
    on("a5sim");
}

#[test]
fn devices_threads_and_contexts_at_once_never_meet() {
    // Two contexts have the same number.
    let places = [("a2a3sim", 0), ("a2a3sim", 0), ("a2a3sim", 1), ("a5sim", 1)];
    thread::scope(|scope| {
        for (platform, device) in places {
            scope.spawn(move || {
                let bench = Bench::new(platform, device, clusters);
                for round in 0..15 {
                    let told = bench.run(round % GENERATIONS);
                    clusters_are_told_right(&bench, &told);
                }
            });
        }
    });
}

/// Each task is one kernel; the second of a pair comes after the first.
fn graph(builder: ProgramBuilder) -> host::Program {
    builder.graph(|graph, _| {
        for (task, core) in [(0_u64, CoreType::Aiv), (1, CoreType::Aic)] {
            let kernel = i32::from(core == CoreType::Aiv);
            graph
                .task(kernel, core)
                .argument(0)
                .argument(1)
                .scalar(task)
                .first();
        }
        Ok(())
    })
}

#[test]
fn kernels_of_graphs_built_on_the_host_are_told_right() {
    for platform in ["a2a3sim", "a5sim"] {
        let bench = Bench::new(platform, 5, graph);
        for round in 0..6 {
            let told = bench.run(round % GENERATIONS);
            let called: Vec<usize> = (0..CELLS).filter(|&cell| told[cell].called == 1).collect();
            let [vector, cube] = called[..] else {
                panic!("two kernels: {called:?}");
            };
            let (lane, second) = (vector - 1, BLOCKS * CORES);
            assert!(lane < 2 && cube == second, "{called:?}");
            bench.knows_its_core(&told[vector], vector);
            bench.knows_its_core(&told[cube], 0);
            assert_ne!(told[vector].cookie, told[cube].cookie);
            // Whether they met depends on their clusters; nobody was there before the run.
            let met = u64::from(told[vector].storage == told[cube].storage);
            assert_eq!(told[vector].before + told[cube].before, met);
        }
    }
}

mod outside {
    //! Threads that are in no kernel.

    use core::ffi::{CStr, c_char, c_int, c_void};

    use super::{BLOCKS, Bench, clusters, clusters_are_told_right, thread};

    unsafe extern "C" {
        fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    }

    /// The hook of this name in the global scope, as a function of type `F`.
    ///
    /// # Safety
    /// The hook is such a function.
    unsafe fn hook<F: Copy>(name: &CStr) -> F {
        // SAFETY: a name closed by NUL; null stands for the global scope.
        let address = unsafe { dlsym(core::ptr::null_mut(), name.as_ptr()) };
        assert!(!address.is_null(), "{name:?} is in the global scope");
        // SAFETY: the caller's promise; all function pointers have this size.
        unsafe { core::mem::transmute_copy(&address) }
    }

    /// What the calling thread is told: device, lane, cookie, and whether it gets storage.
    fn told() -> (c_int, u32, u64, bool) {
        // SAFETY: the types that abi.md gives these functions.
        let device: extern "C" fn() -> c_int = unsafe { hook(c"pto_cpu_sim_get_bound_device") };
        // SAFETY: as above.
        let lane: extern "C" fn() -> u32 = unsafe { hook(c"pto_sim_get_subblock_id") };
        // SAFETY: as above.
        let cookie: extern "C" fn() -> u64 = unsafe { hook(c"pto_cpu_sim_get_task_cookie") };
        // SAFETY: as above.
        let storage: extern "C" fn(u64, usize) -> *mut c_void =
            unsafe { hook(c"pto_sim_get_pipe_shared_state") };
        (device(), lane(), cookie(), !storage(7, 64).is_null())
    }

    #[test]
    fn threads_know_nothing_of_kernels_they_ran_and_keep_what_they_were_told() {
        let bench = Bench::new("a2a3sim", 2, clusters);
        assert_eq!(bench.run(0).len(), super::CELLS);
        assert_eq!(told(), (-1, 0, 0, false), "nothing was told to this thread");
        // SAFETY: the types that abi.md gives these functions.
        let bind: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_bind_device") };
        // SAFETY: as above.
        let acquire: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_acquire_device") };
        // SAFETY: as above.
        let release: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_release_device") };
        // SAFETY: as above.
        let set_lane: extern "C" fn(u32) = unsafe { hook(c"_Z27sim_context_set_subblock_idj") };
        acquire(70);
        bind(70);
        set_lane(1);
        assert_eq!(told(), (70, 1, 0, true));
        for generation in 0..super::GENERATIONS {
            clusters_are_told_right(&bench, &bench.run(generation));
            assert_eq!(told(), (70, 1, 0, true), "{BLOCKS} blocks later");
        }
        let elsewhere = thread::spawn(told).join().expect("it only asks");
        assert_eq!(
            elsewhere,
            (-1, 0, 0, false),
            "another thread was told nothing"
        );
        release(70);
        assert_eq!(told(), (70, 1, 0, false), "the device is gone");
        bind(-1);
        set_lane(0);
        assert_eq!(told(), (-1, 0, 0, false));
    }

    #[test]
    fn storage_of_threads_is_by_device_and_cluster_until_it_is_cleared() {
        // The first kernel of a process brings the hooks.
        let _bench = Bench::new("a2a3sim", 2, clusters);
        // SAFETY: the types that abi.md gives these functions.
        let storage: extern "C" fn(u64, usize) -> *mut c_void =
            unsafe { hook(c"pto_sim_get_pipe_shared_state") };
        // SAFETY: as above.
        let bind: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_bind_device") };
        // SAFETY: as above.
        let acquire: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_acquire_device") };
        // SAFETY: as above.
        let release: extern "C" fn(c_int) = unsafe { hook(c"pto_cpu_sim_release_device") };
        // SAFETY: as above.
        let set_cluster: extern "C" fn(u32) = unsafe { hook(c"_Z26sim_context_set_cluster_idj") };
        // SAFETY: as above.
        let clear: extern "C" fn() = unsafe { hook(c"_Z28clear_cpu_sim_shared_storagev") };
        let count = |device: c_int, cluster: u32, key: u64| {
            bind(device);
            set_cluster(cluster);
            let block = storage(key, 64).cast::<u64>();
            assert!(!block.is_null() && storage(key, 0).is_null());
            // SAFETY: 64 bytes that nobody else uses: the devices are this test's.
            let word = unsafe { &mut *block };
            *word += 1;
            *word
        };
        for device in [80, 81] {
            acquire(device);
            acquire(device);
        }
        assert_eq!(
            [count(80, 0, 1), count(80, 0, 1)],
            [1, 2],
            "zeroed, and kept"
        );
        assert_eq!([count(81, 0, 1), count(80, 1, 1), count(80, 0, 2)], [1; 3]);
        bind(80);
        clear();
        assert_eq!(
            [count(80, 0, 1), count(80, 1, 1), count(81, 0, 1)],
            [1, 1, 2]
        );
        let elsewhere = thread::spawn(move || {
            assert!(storage(1, 64).is_null(), "this thread has no device");
            bind(81);
            // SAFETY: a block of this test.
            unsafe { *storage(1, 64).cast::<u64>() }
        });
        assert_eq!(elsewhere.join().expect("it only asks"), 2);
        release(80);
        release(81);
        bind(81);
        assert!(storage(1, 64).is_null());
        bind(-1);
        set_cluster(0);
    }
}
