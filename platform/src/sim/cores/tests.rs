//! The three ways of running a call, and what can go wrong in each.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::thread::{ThreadId, current};
use std::time::Instant;

use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use protocol::registers::{AICORE_IDLE_VALUE, TASK_STATE_MASK};
use protocol::{A2a3, A5};
use sync::{Word32, Word64};

use super::{Family, KERNEL_FAILED, News, SimCores};
use crate::error::Error;
use crate::lock::lock;
use crate::machine::LoadedKernel;
use crate::program::{KernelCall, Waits};
use crate::sim::testing::{Driver, WATCHDOG, load, loaded};

/// Core, cluster and lane of a call, and the thread that ran it.
type Place = (u16, u16, u16, ThreadId);

struct Chip(Arc<SimCores>);

impl Drop for Chip {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn chip(clusters: u16) -> Chip {
    chip_with(clusters, usize::MAX)
}

fn chip_with(clusters: u16, threads: usize) -> Chip {
    let cores =
        SimCores::new(Family::of::<A2a3>(), 0, threads, &Arc::default()).expect("address space");
    cores.begin(clusters);
    Chip(cores)
}

/// A barrier for kernels: spins with a watchdog, as the simulation headers do.
fn barrier(arrived: &Word32, all: u32) {
    arrived.add(1);
    let started = Instant::now();
    while arrived.observe() < all {
        assert!(
            started.elapsed() < WATCHDOG,
            "{} of {all} arrived",
            arrived.observe()
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_short_kernel_runs_when_its_status_is_read_and_not_before() {
    let chip = chip(1);
    let ran: Arc<Mutex<Vec<Place>>> = Arc::default();
    let kernel = {
        let ran = Arc::clone(&ran);
        loaded(Waits::WithinGroup, move |call: &KernelCall<'_>| {
            lock(&ran).push((call.core, call.cluster, call.sub_block, current().id()));
        })
    };
    let mut driver = Driver::new(&chip.0);
    for core in 0..3 {
        assert_eq!(chip.0.status(CoreId(core)), AICORE_IDLE_VALUE);
        driver.dispatch(core, kernel.entry(), Togetherness::Alone, &[]);
    }
    assert!(lock(&ran).is_empty(), "dispatch runs nothing");
    assert_eq!(driver.finish(0..3), 0);
    let here = current().id();
    assert_eq!(
        *lock(&ran),
        [(0, 0, 0, here), (1, 0, 0, here), (2, 0, 1, here)]
    );
    assert_eq!(chip.0.ended(), 3);
}

#[test]
fn registers_lie_where_the_family_has_them() {
    for (family, token, status) in [
        (Family::of::<A2a3>(), 0xa0, 0x4c8),
        (Family::of::<A5>(), 0xd0, 0x3108),
    ] {
        let cores = SimCores::new(family, 0, 0, &Arc::default()).expect("address space");
        cores.begin(1);
        let kernel = loaded(Waits::Never, |_| {});
        let mut driver = Driver::new(&cores);
        driver.run(1, &kernel, &[]);
        driver.run(1, &kernel, &[]);
        let word = |offset: usize| cores.registers[family.block + offset / 4].read();
        assert_eq!((word(token), word(status)), (2, 2 | TASK_STATE_MASK));
        assert_eq!(
            family.block * 4,
            if token == 0xa0 { 0x1400 } else { 0x4000 }
        );
    }
}

#[test]
fn chips_that_work_at_once_have_registers_of_their_own() {
    let chips = [chip(1), chip(1)];
    let kernel = loaded(Waits::Never, |_| {});
    let work = [(0, 2000), (2, 700)];
    std::thread::scope(|scope| {
        for (chip, (core, calls)) in chips.iter().zip(work) {
            let kernel = &kernel;
            scope.spawn(move || {
                let mut driver = Driver::new(&chip.0);
                for _ in 0..calls {
                    assert_eq!(driver.run(core, kernel, &[]), 0);
                }
            });
        }
    });
    for (chip, (core, calls)) in chips.iter().zip(work) {
        for other in 0..3 {
            let expected = if other == core {
                calls | TASK_STATE_MASK
            } else {
                AICORE_IDLE_VALUE
            };
            assert_eq!(chip.0.status(CoreId(other)), expected, "core {other}");
        }
        assert_eq!(chip.0.ended(), u64::from(calls));
    }
}

#[test]
fn arguments_are_read_and_results_are_seen() {
    let chip = chip(1);
    let sum = Arc::new(Word64::new(0));
    let kernel = {
        let sum = Arc::clone(&sum);
        loaded(Waits::Never, move |call: &KernelCall<'_>| {
            sum.add(call.payload.args[0] + call.payload.args[1]);
        })
    };
    let mut driver = Driver::new(&chip.0);
    for round in 0..100 {
        driver.run(2, &kernel, &[round, 1]);
    }
    assert_eq!(sum.observe(), 5050);
}

#[test]
fn the_pending_call_of_a_core_runs_after_the_running_one() {
    let chip = chip(1);
    let order: Arc<Mutex<Vec<u64>>> = Arc::default();
    let gate = Arc::new(Word32::new(0));
    let kernel = {
        let (order, gate) = (Arc::clone(&order), Arc::clone(&gate));
        loaded(Waits::Always, move |call: &KernelCall<'_>| {
            let started = Instant::now();
            while gate.observe() == 0 && started.elapsed() < WATCHDOG {
                std::thread::yield_now();
            }
            lock(&order).push(call.payload.args[0]);
        })
    };
    let mut driver = Driver::new(&chip.0);
    let first = driver.dispatch(0, kernel.entry(), Togetherness::Alone, &[1]);
    let started = Instant::now();
    while chip.0.status(CoreId(0)) != first {
        assert!(
            started.elapsed() < WATCHDOG,
            "the first call is acknowledged"
        );
    }
    driver.dispatch(0, kernel.entry(), Togetherness::Alone, &[2]);
    assert_eq!(
        chip.0.status(CoreId(0)),
        first,
        "the second waits for the first"
    );
    gate.publish(1);
    assert_eq!(driver.finish([0]), 0);
    assert_eq!(*lock(&order), [1, 2]);
}

#[test]
fn a_long_kernel_moves_to_whoever_has_nothing_to_do() {
    let chip = chip(1);
    let kernel = loaded(Waits::Never, |_| {
        std::thread::sleep(Duration::from_micros(200))
    });
    let mut driver = Driver::new(&chip.0);
    for _ in 0..6 {
        driver.run(0, &kernel, &[]);
    }
    driver.dispatch(0, kernel.entry(), Togetherness::Alone, &[]);
    let told: Mutex<Vec<News>> = Mutex::default();
    chip.0.with_news(&|news| lock(&told).push(news), || {
        assert!(!driver.has_ended(0), "reading the status does not run it");
        assert!(chip.0.help(), "it waits for a helper");
        assert!(!chip.0.help(), "once");
    });
    assert_eq!(*lock(&told), [News::Work, News::Ended]);
    assert!(driver.has_ended(0));
}

/// The reference needs a thread per core; here 72 kernels of one group meet on any number of host cores.
#[test]
fn a_group_of_72_kernels_meets_at_a_barrier() {
    let chip = chip(24);
    let arrived = Arc::new(Word32::new(0));
    let kernel = {
        let arrived = Arc::clone(&arrived);
        loaded(Waits::WithinGroup, move |_: &KernelCall<'_>| {
            barrier(&arrived, 72)
        })
    };
    let mut driver = Driver::new(&chip.0);
    for round in 0..3 {
        arrived.publish(0);
        for core in 0..72 {
            driver.dispatch(core, kernel.entry(), Togetherness::Group, &[]);
        }
        assert_eq!(driver.finish(0..72), 0, "round {round}");
    }
    assert_eq!(chip.0.groups.threads(), 72, "threads are used again");
}

#[test]
fn no_kernel_of_a_group_starts_when_one_can_have_no_thread() {
    let chip = chip_with(1, 2);
    let arrived = Arc::new(Word32::new(0));
    let kernel = {
        let arrived = Arc::clone(&arrived);
        loaded(Waits::WithinGroup, move |_: &KernelCall<'_>| {
            barrier(&arrived, 3)
        })
    };
    let mut driver = Driver::new(&chip.0);
    let group = |driver: &mut Driver<'_>| {
        for core in 0..3 {
            driver.dispatch(core, kernel.entry(), Togetherness::Group, &[]);
        }
        driver.finish(0..3)
    };
    assert_eq!(group(&mut driver), 3 * KERNEL_FAILED);
    assert_eq!(arrived.observe(), 0);
    assert!(matches!(
        chip.0.take_failure(),
        Some(Error::Sync(sync::Error::Spawn { index: 2, .. }))
    ));
    // The next run gets by with what there is.
    chip.0.begin(1);
    let mut driver = Driver::new(&chip.0);
    arrived.publish(1);
    for core in 1..3 {
        driver.dispatch(core, kernel.entry(), Togetherness::Group, &[]);
    }
    assert_eq!(driver.finish(1..3), 0);
}

#[test]
fn a_panic_in_a_kernel_is_an_error_of_its_call_alone() {
    let chip = chip(1);
    let kernel = loaded(Waits::Never, |call: &KernelCall<'_>| {
        assert_ne!(call.payload.args[0], 13, "thirteen");
    });
    let mut driver = Driver::new(&chip.0);
    assert_eq!(driver.run(0, &kernel, &[12]), 0);
    assert_eq!(driver.run(1, &kernel, &[13]), KERNEL_FAILED);
    assert_eq!(driver.run(0, &kernel, &[14]), 0);
    let Some(Error::Kernel {
        func_id: 7,
        core: 1,
        text,
    }) = chip.0.take_failure()
    else {
        panic!("the failure names kernel and core");
    };
    assert!(
        text.starts_with("panicked: ") && text.contains("thirteen"),
        "{text}"
    );
}

#[test]
fn a_kernel_this_chip_never_loaded_is_an_error_and_none_at_all_is_skipped() {
    let chip = chip(1);
    let mut driver = Driver::new(&chip.0);
    let foreign = KernelEntry {
        address: 0x1234,
        handle: 0,
    };
    driver.dispatch(0, foreign, Togetherness::Alone, &[]);
    assert_eq!(driver.finish([0]), KERNEL_FAILED);
    driver.dispatch(0, KernelEntry::default(), Togetherness::Alone, &[]);
    assert_eq!(driver.finish([0]), 0);
}

#[test]
fn stopped_cores_end_what_was_dispatched_without_running_it() {
    let chip = chip(1);
    let ran = Arc::new(Word32::new(0));
    let kernel = {
        let ran = Arc::clone(&ran);
        move |waits| {
            let ran = Arc::clone(&ran);
            loaded(waits, move |_: &KernelCall<'_>| {
                ran.add(1);
            })
        }
    };
    let (short, group) = (kernel(Waits::Never), kernel(Waits::Always));
    let mut driver = Driver::new(&chip.0);
    driver.dispatch(0, short.entry(), Togetherness::Alone, &[]);
    driver.dispatch(1, group.entry(), Togetherness::Alone, &[]);
    chip.0.stop();
    assert_eq!(driver.finish(0..2), 2 * KERNEL_FAILED);
    assert_eq!(ran.observe(), 0);
    chip.0.begin(1);
    let mut driver = Driver::new(&chip.0);
    assert_eq!(driver.run(1, &group, &[]), 0);
    assert_eq!(ran.observe(), 1);
}

#[test]
fn a_run_does_not_take_the_end_of_a_call_of_the_run_before_for_its_own() {
    let chip = chip(1);
    let ran = Arc::new(Word32::new(0));
    let kernel = {
        let ran = Arc::clone(&ran);
        loaded(Waits::Never, move |_: &KernelCall<'_>| {
            ran.add(1);
        })
    };
    for _ in 0..3 {
        chip.0.begin(1);
        assert_eq!(chip.0.status(CoreId(0)), AICORE_IDLE_VALUE);
        // Tokens start again in every run.
        Driver::new(&chip.0).run(0, &kernel, &[]);
    }
    assert_eq!(ran.observe(), 3);
}

#[test]
fn a_kernel_on_the_wrong_kind_of_core_is_an_error() {
    let chip = chip(1);
    let code =
        crate::sim::kernels::SimCode::load(2, &crate::sim::testing::closure(Waits::Never, |_| {}));
    let code = Arc::new(code.expect("nothing to load"));
    let kernel = crate::sim::kernels::SimKernel::new(2, Some(protocol::CoreType::Aic), code);
    let mut driver = Driver::new(&chip.0);
    assert_eq!(driver.run(0, &kernel, &[]), 0);
    assert_eq!(driver.run(1, &kernel, &[]), KERNEL_FAILED);
}

mod images {
    use super::{Chip, Driver, Error, KERNEL_FAILED, Togetherness, chip, load};
    use crate::machine::LoadedKernel;
    use crate::program::Kernel;
    use crate::sim::kernels::{SimCode, SimKernel};
    use crate::sim::testing::compiled;
    use aicpu::shared_object::LoadError;

    fn image(source: &str) -> SimKernel {
        load(&Kernel::Image(compiled(source)))
    }

    /// Two kernels on the same cluster, each in a shared object of its own, that pass numbers through
    /// storage they find by `lookup`.
    fn pass_numbers(lookup: &str) {
        let common = format!(
            r#"
            #include <atomic>
            #include <cstddef>
            #include <cstdint>
            #include <dlfcn.h>
            #include <sched.h>
            struct Pipe {{ std::atomic<uint32_t> full; uint32_t value; }};
            {lookup}
            "#
        );
        let producer = image(&format!(
            r#"{common}
            extern "C" void kernel_entry(int64_t *args) {{
                Pipe *pipe = find();
                for (uint32_t i = 1; i <= 1000; ++i) {{
                    while (pipe->full.load()) sched_yield();
                    pipe->value = i;
                    pipe->full.store(1);
                }}
            }}"#
        ));
        let consumer = image(&format!(
            r#"{common}
            extern "C" void kernel_entry(int64_t *args) {{
                Pipe *pipe = find();
                for (uint32_t i = 1; i <= 1000; ++i) {{
                    while (!pipe->full.load()) sched_yield();
                    *reinterpret_cast<uint64_t *>(args[0]) += pipe->value;
                    pipe->full.store(0);
                }}
            }}"#
        ));
        let Chip(cores) = &chip(2);
        let mut driver = Driver::new(cores);
        let mut sums = [0_u64; 2];
        for cluster in 0..2 {
            let sum = (&raw mut sums[usize::from(cluster)]).expose_provenance() as u64;
            driver.dispatch(cluster, producer.entry(), Togetherness::Group, &[]);
            driver.dispatch(
                2 + 2 * cluster,
                consumer.entry(),
                Togetherness::Group,
                &[sum],
            );
        }
        assert_eq!(driver.finish([0, 2, 1, 4]), 0);
        assert_eq!(sums, [500_500; 2]);
    }

    #[test]
    fn pipes_connect_kernels_of_a_cluster_by_hooks_looked_up_in_the_global_scope() {
        pass_numbers(
            r#"static Pipe *find() {
                auto hook = (void *(*)(uint64_t, size_t))dlsym(RTLD_DEFAULT, "pto_sim_get_pipe_shared_state");
                return static_cast<Pipe *>(hook(7, sizeof(Pipe)));
            }"#,
        );
    }

    #[test]
    fn pipes_connect_kernels_of_a_cluster_by_registered_hooks() {
        pass_numbers(
            r#"static void *(*hook)(uint64_t, size_t);
            extern "C" void pto_sim_register_hooks(void *subblock, void *pipe) {
                hook = reinterpret_cast<void *(*)(uint64_t, size_t)>(pipe);
            }
            static Pipe *find() { return static_cast<Pipe *>(hook(7, sizeof(Pipe))); }"#,
        );
    }

    /// Hazard 19: the reference knows none of the names that its own pinned kernel headers look up.
    #[test]
    fn pipes_connect_kernels_of_a_cluster_by_the_oldest_names() {
        pass_numbers(
            r#"static Pipe *find() {
                auto hook = (void *(*)(const char *, size_t))dlsym(RTLD_DEFAULT, "pto_cpu_sim_get_shared_storage");
                return static_cast<Pipe *>(hook("pipe", sizeof(Pipe)));
            }"#,
        );
    }

    #[test]
    fn a_kernel_learns_which_core_it_is_by_every_name() {
        let kernel = image(
            r#"
            #include <cstdint>
            #include <dlfcn.h>
            template <typename F> static F find(const char *name) { return (F)dlsym(RTLD_DEFAULT, name); }
            extern "C" void kernel_entry(int64_t *args) {
                uint64_t *out = reinterpret_cast<uint64_t *>(args[0]);
                out[0] = find<uint32_t (*)()>("pto_sim_get_subblock_id")();
                uint32_t block = 9, lane = 9, lanes = 9;
                auto get = find<void (*)(uint32_t *, uint32_t *, uint32_t *)>("pto_cpu_sim_get_execution_context");
                get(&block, &lane, &lanes);
                out[1] = block; out[2] = lane; out[3] = lanes;
                out[4] = find<uint64_t (*)()>("pto_cpu_sim_get_task_cookie")();
                out[5] = find<int (*)()>("pto_cpu_sim_get_bound_device")();
                find<void (*)(uint32_t, uint32_t, uint32_t)>("pto_cpu_sim_set_execution_context")(4, 5, 6);
                get(&block, nullptr, &lanes);
                out[6] = block; out[7] = lanes;
            }"#,
        );
        let Chip(cores) = &chip(2);
        let mut driver = Driver::new(cores);
        let mut seen = [[0_u64; 8]; 6];
        for (core, out) in (0..).zip(&mut seen) {
            assert_eq!(
                driver.run(
                    core,
                    &kernel,
                    &[out.as_mut_ptr().expose_provenance() as u64]
                ),
                0
            );
        }
        // The driver numbers blocks like cores; AIV cores come after the two AIC cores.
        let lanes = [(0, 1), (0, 1), (0, 2), (1, 2), (0, 2), (1, 2)];
        for (core, (out, (lane, lanes))) in (0_u64..).zip(seen.iter().zip(lanes)) {
            assert_eq!(out[..4], [lane, core, lane, lanes], "core {core}");
            assert_eq!(out[5..], [0, 4, 6], "core {core}");
            assert_ne!(out[4], 0);
        }
        assert_ne!(seen[0][4], seen[1][4], "blocks have cookies of their own");
    }

    #[test]
    fn storage_that_is_too_small_is_an_error_and_not_overrun() {
        let kernel = image(
            r#"
            #include <cstddef>
            #include <cstdint>
            #include <dlfcn.h>
            extern "C" void kernel_entry(int64_t *args) {
                auto hook = (void *(*)(uint64_t, size_t))dlsym(RTLD_DEFAULT, "pto_sim_get_pipe_shared_state");
                if (!hook(1, 64) || hook(1, 65)) throw 1;
            }"#,
        );
        let Chip(cores) = &chip(1);
        assert_eq!(Driver::new(cores).run(0, &kernel, &[]), KERNEL_FAILED);
        let Some(Error::Kernel { text, .. }) = cores.take_failure() else {
            panic!("the failure is the kernel's");
        };
        assert!(text.contains("64 bytes"), "{text}");
    }

    #[test]
    fn an_exception_in_a_kernel_is_an_error_of_its_call() {
        let kernel = image(
            r#"
            #include <cstdint>
            #include <stdexcept>
            extern "C" void kernel_entry(int64_t *args) {
                if (args[0] == 13) throw std::runtime_error("thirteen");
            }"#,
        );
        let Chip(cores) = &chip(1);
        let mut driver = Driver::new(cores);
        assert_eq!(driver.run(0, &kernel, &[12]), 0);
        assert_eq!(driver.run(0, &kernel, &[13]), KERNEL_FAILED);
        assert!(
            matches!(cores.take_failure(), Some(Error::Kernel { text, .. }) if text == "thirteen")
        );
    }

    fn refusal(bytes: &[u8]) -> LoadError {
        match SimCode::load(3, &Kernel::Image(bytes.into())) {
            Err(Error::KernelLoad { func_id: 3, source }) => source,
            other => panic!("not a refusal to load: {other:?}"),
        }
    }

    #[test]
    fn a_kernel_that_cannot_be_loaded_says_why() {
        let good = compiled(
            r#"#include <cstdint>
            extern "C" void kernel_entry(int64_t *) {}"#,
        );
        assert!(matches!(refusal(&[]), LoadError::Empty));
        assert!(matches!(refusal(b"no kernel"), LoadError::NotElf(_)));
        assert!(matches!(
            refusal(&good[..good.len() / 4]),
            LoadError::Truncated { .. } | LoadError::NotElf(_)
        ));
        let mut foreign = good.to_vec();
        foreign[18] = 0xf3;
        assert!(matches!(
            refusal(&foreign),
            LoadError::WrongMachine { found: 0xf3, .. }
        ));
        let nameless = compiled(r#"extern "C" void other_entry(void) {}"#);
        assert!(
            matches!(refusal(&nameless), LoadError::MissingSymbol(name) if name == "kernel_entry")
        );
        let dangling = compiled(
            r#"extern "C" void nobody_has_this(void);
            extern "C" void kernel_entry(long *) { nobody_has_this(); }"#,
        );
        let text = refusal(&dangling).to_string();
        assert!(text.contains("nobody_has_this"), "{text}");
    }

    #[test]
    fn two_kernels_that_call_themselves_alike_are_two_kernels() {
        let numbered = |number| {
            image(&format!(
                r#"#include <cstdint>
                int which = {number};
                extern "C" void kernel_entry(int64_t *args) {{ *reinterpret_cast<uint64_t *>(args[0]) = which; }}"#
            ))
        };
        let (one, two) = (numbered(1), numbered(2));
        let Chip(cores) = &chip(1);
        let mut driver = Driver::new(cores);
        let mut out = 0_u64;
        let args = [(&raw mut out).expose_provenance() as u64];
        driver.run(0, &one, &args);
        assert_eq!(out, 1);
        driver.run(0, &two, &args);
        assert_eq!(out, 2);
    }
}
