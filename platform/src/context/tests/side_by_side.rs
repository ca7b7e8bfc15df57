//! Programs, threads, chips and families beside one another.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aicore_abi::seam::{Cores, Togetherness};
use protocol::{A5, CallConfig};
use sync::{Flag, Word32};

use super::{
    add_one, args, attached, context, good, per_tensor, program, run, storing, tensor, usize_of,
};
use crate::lock::lock;
use crate::sim::testing::{Driver, Scripted, WATCHDOG, closure, compiled};
use crate::sim::{Chip, ChipOptions};
use crate::{Device, DeviceContext, Kernel, RunOptions, Waits};

#[test]
fn any_number_of_schedulers_serves_any_number_of_blocks() {
    // The reference refuses block numbers that its schedulers do not divide.
    let device = attached(Scripted::chip(|order, cores, _| {
        assert_eq!((order.clusters, order.threads), (7, 4));
        assert_eq!(Driver::new(cores).cores.describe(), "no core runs a kernel");
        good()
    }));
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let config = CallConfig {
        block_dim: 7,
        aicpu_thread_num: 4,
        ..CallConfig::default()
    };
    // SAFETY: there are no tensors.
    unsafe { device.run(0, &args(&[]), &config, &RunOptions::default()) }.expect("a good run");
}

/// Hazard 7: in the reference the second program evicts the first one's kernel.
#[test]
fn two_programs_use_one_func_id_for_different_kernels() {
    let device = attached(Scripted::chip(per_tensor));
    let (one, two) = (storing(1), storing(2));
    device
        .prepare(1, &program(&[], one.clone()))
        .expect("a good program");
    device
        .prepare(2, &program(&[], two))
        .expect("a good program");
    device
        .prepare(3, &program(&[], one))
        .expect("a good program");
    assert_eq!(device.loaded_kernels(), 2, "equal bytes are loaded once");
    let mut host = [0_u8; 1];
    for (id, value) in [(1, 1), (2, 2), (3, 1), (1, 1)] {
        run(&device, id, &[tensor(&mut host)]).expect("a good run");
        assert_eq!(host, [value]);
    }
    device.unregister(1).expect("attached");
    run(&device, 3, &[tensor(&mut host)]).expect("its kernel is still loaded");
    device.unregister(3).expect("attached");
    assert_eq!(
        device.loaded_kernels(),
        1,
        "kernels go with their last program"
    );
}

#[test]
fn runs_of_many_threads_on_one_context_follow_one_another() {
    let inside = Arc::new(Word32::new(0));
    let options = {
        let inside = Arc::clone(&inside);
        Scripted::chip(move |order, cores, crew| {
            assert_eq!(inside.add(1), 0, "one run at a time");
            let end = per_tensor(order, cores, crew);
            inside.sub(1);
            end
        })
    };
    let device = attached(options);
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut host = [0_u8; 1000];
                for _ in 0..50 {
                    run(&device, 0, &[tensor(&mut host)]).expect("a good run");
                }
                assert_eq!(host, [50; 1000]);
            });
        }
    });
}

/// In the reference two contexts of one process share the counters that admit scheduler threads
/// (hazard 8) and contexts on one device share its pipe storage.
#[test]
fn devices_of_one_process_never_meet() {
    let source = "#include <cstdint>
        #include <cstddef>
        #include <dlfcn.h>
        extern \"C\" void kernel_entry(int64_t *args) {
            auto storage = (void *(*)(uint64_t, size_t))dlsym(RTLD_DEFAULT, \"pto_sim_get_pipe_shared_state\");
            auto device = (int (*)())dlsym(RTLD_DEFAULT, \"pto_cpu_sim_get_bound_device\");
            uint32_t *shared = static_cast<uint32_t *>(storage(1, 4));
            uint8_t *out = reinterpret_cast<uint8_t *>(args[0]);
            out[0] = device();
            out[1] = ++*shared;
        }";
    let kernel = Kernel::Image(compiled(source));
    std::thread::scope(|scope| {
        // Two of them are on the same device and still two chips.
        for device_id in [0, 1, 1, 2] {
            let kernel = kernel.clone();
            scope.spawn(move || {
                let device = context(Scripted::chip(per_tensor));
                device.init(device_id).expect("a fresh context");
                device
                    .prepare(0, &program(&[], kernel))
                    .expect("a good program");
                for _ in 0..20 {
                    let (mut first, mut second) = ([9_u8; 2], [9_u8; 2]);
                    let tensors = [tensor(&mut first), tensor(&mut second)];
                    run(&device, 0, &tensors).expect("a good run");
                    let id = u8::try_from(device_id).expect("small");
                    // Storage is fresh in every run and lasts through it.
                    assert_eq!((first, second), ([id, 1], [id, 2]));
                }
            });
        }
    });
}

#[test]
fn the_other_family_has_more_of_everything() {
    let options = Scripted::chip(|order, _, _| {
        assert_eq!((order.clusters, order.threads), (36, 7));
        good()
    });
    let device: DeviceContext<A5, Chip> =
        DeviceContext::new("othersim", move |id| Chip::start::<A5>(id, &options));
    device.init(0).expect("a fresh context");
    device
        .prepare(0, &program(&[], add_one()))
        .expect("a good program");
    let config = CallConfig {
        block_dim: 36,
        aicpu_thread_num: 7,
        ..CallConfig::default()
    };
    // SAFETY: there are no tensors.
    unsafe { device.run(0, &args(&[]), &config, &RunOptions::default()) }.expect("a good run");
}

#[test]
fn helpers_work_on_long_kernels_side_by_side() {
    let options = ChipOptions {
        helpers: Some(1),
        ..Scripted::chip(|order, cores, crew| {
            let mut driver = Driver::new(cores);
            let (met, bell) = (Word32::new(0), sync::Doorbell::<false>::new());
            let args = [(&raw const met).expose_provenance() as u64];
            let entry = order.program.entries[0];
            // The first calls teach the chip that the kernel is long.
            for _ in 0..6 {
                met.publish(1);
                driver.dispatch(0, entry, Togetherness::Alone, &args);
                driver.finish([0]);
            }
            met.publish(0);
            let done = Flag::new();
            crew.together(
                &|| bell.ring_all(),
                &|| {
                    let _ = bell.wait_until(Some(Instant::now() + WATCHDOG), || {
                        cores.help();
                        done.is_set()
                    });
                },
                &mut || {
                    for core in 0..2 {
                        driver.dispatch(core, entry, Togetherness::Alone, &args);
                    }
                    driver.finish(0..2);
                    done.set();
                    bell.ring_all();
                },
            );
            good()
        })
    };
    let device = attached(options);
    // Two calls must be inside at once, or the watchdog barks; sleeping makes the kernel long.
    let kernel = closure(Waits::Never, |call| {
        std::thread::sleep(Duration::from_millis(1));
        let met: *const Word32 = core::ptr::with_exposed_provenance(usize_of(call.payload.args[0]));
        // SAFETY: the control program keeps the word until both calls have ended.
        let met = unsafe { &*met };
        met.add(1);
        let started = Instant::now();
        while met.observe() < 2 {
            assert!(
                started.elapsed() < WATCHDOG,
                "the other call runs at the same time"
            );
            std::thread::yield_now();
        }
    });
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    run(&device, 0, &[]).expect("a good run");
}

#[test]
fn kernels_of_a_chip_that_talks_to_others_have_threads_of_their_own() {
    let device = attached(Scripted::chip(per_tensor));
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let kernel = {
        let names = Arc::clone(&names);
        closure(Waits::WithinGroup, move |_| {
            let thread = std::thread::current();
            lock(&names).push(thread.name().unwrap_or_default().to_owned());
        })
    };
    device
        .prepare(0, &program(&[], kernel))
        .expect("a good program");
    let mut host = [0_u8; 4];
    let mut go = || run(&device, 0, &[tensor(&mut host)]).expect("a good run");
    go();
    device.set_talking(true).expect("attached");
    go();
    device.set_talking(false).expect("attached");
    go();
    let meeting = format!("talks-{}", std::process::id());
    let mut rank = device
        .join(0, 1, meeting.as_bytes(), WATCHDOG)
        .expect("good numbers");
    go();
    let context = rank.alloc_windows(64).expect("nobody else is waited for");
    assert_ne!(
        (context.0, rank.window_base().0, rank.window_bytes()),
        (0, 0, 0)
    );
    rank.barrier().expect("alone");
    rank.destroy().expect("alone");
    go();
    let expected = [
        "sim-leader",
        "sim-core-0",
        "sim-leader",
        "sim-core-0",
        "sim-leader",
    ];
    assert_eq!(*lock(&names), expected);
}
