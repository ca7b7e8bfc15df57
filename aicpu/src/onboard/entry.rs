//! What the vendor's loader calls.
//!
//! Knows three names, which are the loader's, and that each call is one of several threads. Refuses to
//! let a panic out.

use core::ffi::{c_int, c_void};
use core::mem::offset_of;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::{Arc, LazyLock, OnceLock};

use protocol::kernel_args::{KernelArgsA2a3, KernelArgsA5};
use sync::Crowd;

use super::block::{Block, at};
use super::cache;
use super::gate::{Arrival, Gate, Place};
use super::logging;
use super::run::Chip;
use super::stamp::Stamp;
use super::team::Team;
use super::wire::Introduction;
use crate::guarded_call::panic_text;

/// The family the image is for.
#[cfg(feature = "image-a5")]
type Family = protocol::A5;
/// The family the image is for.
#[cfg(not(feature = "image-a5"))]
type Family = protocol::A2a3;

/// How long the threads of a launch may take to come.
const ARRIVAL: Duration = Duration::from_millis(500);

/// What the image was built with, to be read without running it.
#[used]
static STAMP: Stamp = Stamp::OURS;

static GATE: Gate = Gate::new();
static TEAM: Team = Team::new();
/// Threads that share processors, with one another or with others.
static CROWD: LazyLock<Arc<Crowd>> = LazyLock::new(Crowd::new);
/// Threads where nothing else runs.
static OWN_CORES: LazyLock<Arc<Crowd>> = LazyLock::new(Crowd::on_cores_of_their_own);
static CHIP: OnceLock<Chip<Family>> = OnceLock::new();

/// Where the words lie that both families' arguments have.
const DESCRIPTOR_AT: usize = offset_of!(KernelArgsA2a3, runtime_args);
const TABLE_AT: usize = offset_of!(KernelArgsA2a3, regs);
const _: () = assert!(
    DESCRIPTOR_AT == offset_of!(KernelArgsA5, runtime_args)
        && TABLE_AT == offset_of!(KernelArgsA5, regs)
);

/// A call without arguments or a descriptor, or one that panicked.
const FAILED: c_int = -1;

/// Must exist; does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn StaticTileFwkBackendKernelServer(args: *mut c_void) -> c_int {
    if args.is_null() { FAILED } else { 0 }
}

/// Introduces the image. Launched once: it is when this is launched that the image is opened.
///
/// # Safety
/// `args` are kernel arguments of this project's host, with room for an introduction where run descriptors go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn DynTileFwkBackendKernelServerInit(args: *mut c_void) -> c_int {
    if args.is_null() {
        return FAILED;
    }
    // SAFETY: the caller's promise.
    let descriptor = unsafe { word(args, DESCRIPTOR_AT) };
    let Some(place) = at::<Introduction>(descriptor) else {
        return FAILED;
    };
    guarded(|| {
        logging::refresh();
        // SAFETY: the caller's promise.
        unsafe { place.write(Introduction::here()) };
        cache::clean(place.as_ptr().cast(), size_of::<Introduction>());
    })
}

/// A word of the kernel arguments.
///
/// # Safety
/// `args` are as many bytes and more.
unsafe fn word(args: *mut c_void, offset: usize) -> u64 {
    let place = args.cast::<u8>().wrapping_add(offset).cast::<u64>();
    // SAFETY: the caller's promise; the launcher aligns the copy to 8 bytes.
    unsafe { place.read() }
}

/// Takes part in one run, if this thread is needed.
///
/// # Safety
/// `args` are the kernel arguments of a launch by this project's host of the same build.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn DynTileFwkBackendKernelServer(args: *mut c_void) -> c_int {
    if args.is_null() {
        return FAILED;
    }
    // SAFETY: the caller's promise.
    let descriptor = unsafe { word(args, DESCRIPTOR_AT) };
    // SAFETY: as above.
    let table = unsafe { word(args, TABLE_AT) };
    if at::<u8>(descriptor).is_none() {
        return FAILED;
    }
    guarded(|| {
        // SAFETY: the caller's promise.
        if let Some(block) = unsafe { Block::<Family>::of(descriptor) } {
            take_part(&block, table);
        }
    })
}

fn take_part(block: &Block<Family>, table: u64) {
    let request = block.request();
    let count = |threads: u32| usize::try_from(threads).unwrap_or(1).max(1);
    let (launched, wanted) = (count(request.launched), count(request.threads));
    match GATE.pass(request.run, arrival(), (launched, wanted), ARRIVAL) {
        Place::Leave => {}
        Place::Stay { number, apart } if number + 1 == wanted => {
            logging::refresh();
            let crowd = if apart {
                &OWN_CORES
            } else {
                log::debug!(
                    "threads of run {:#x} have no processors of their own, so they sleep",
                    request.run
                );
                &CROWD
            };
            let lead = TEAM.lead(request.run, crowd);
            CHIP.get_or_init(Chip::new).lead(block, table, &lead);
        }
        Place::Stay { .. } => TEAM.help(request.run),
    }
}

/// Where this thread has come.
fn arrival() -> Arrival {
    let processors = rustix::thread::sched_getaffinity(None);
    Arrival {
        processor: u32::try_from(rustix::thread::sched_getcpu()).unwrap_or(0),
        pinned: processors.is_ok_and(|processors| processors.count() == 1),
    }
}

fn guarded(work: impl FnOnce()) -> c_int {
    // The stamp must not be dropped by the linker, whoever reads it.
    core::hint::black_box(&STAMP);
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => 0,
        Err(panic) => {
            log::error!("the image panicked: {}", panic_text(&*panic));
            FAILED
        }
    }
}
