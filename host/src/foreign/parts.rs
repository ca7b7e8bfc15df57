//! The files of a host runtime, and how its libraries are loaded.
//!
//! Knows their names and where each is looked for. Refuses to call anything but what names the platform.

use core::ffi::{CStr, c_char, c_void};
use core::fmt;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::error::{Error, Result};

/// The library of a host runtime, and the programs that it starts on its chip.
const RUNTIME: &str = "libhost_runtime.so";
const CONTROL: &str = "libaicpu_kernel.so";
const CORES: &str = "libaicore_kernel.so";
/// What a real chip's cores run instead.
const CORE_PROGRAM: &str = "aicore_kernel.o";
/// Libraries that are loaded before it, for the whole process; the second only matters in simulation.
const LOG: &str = "libsimpler_log.so";
const CONTEXT: &str = "libcpu_sim_context.so";

/// The main library of the runtime in `dir`, with those beside it loaded before it, and where it is.
///
/// # Safety
/// The libraries in `dir` are what their names say.
pub(super) unsafe fn library(dir: &Path) -> Result<(Library, PathBuf)> {
    // SAFETY: the caller's promise, here as in all that follow.
    unsafe { load_companion(dir, LOG, b"unified_log_error\0") }?;
    // SAFETY: as above.
    unsafe { load_companion(dir, CONTEXT, b"pto_cpu_sim_bind_device\0") }?;
    let path = dir.join(RUNTIME);
    // SAFETY: as above.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| failed(&path, loader_text(&error)))?;
    Ok((library, path))
}

/// The programs that the runtime in `dir` starts on its chip: of the control CPUs, and of the cores.
pub(super) fn programs(dir: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let control = read(dir.join(CONTROL))?;
    let program = dir.join(CORE_PROGRAM);
    let cores = read(if program.exists() {
        program
    } else {
        dir.join(CORES)
    })?;
    Ok((control, cores))
}

/// The name that a library gives its platform.
///
/// # Safety
/// What it exports as `get_platform` yields a string.
pub(super) unsafe fn platform(library: &Library) -> &'static str {
    // SAFETY: the caller's promise.
    let name = unsafe { library.get::<unsafe extern "C" fn() -> *const c_char>(b"get_platform\0") };
    let Ok(name) = name else {
        return "a library";
    };
    // SAFETY: as above.
    let name = unsafe { name() };
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr(name) };
    match name.to_bytes() {
        b"a2a3sim" => "a2a3sim",
        b"a5sim" => "a5sim",
        b"a2a3" => "a2a3",
        b"a5" => "a5",
        _ => "a library",
    }
}

pub(super) fn failed(path: &Path, reason: impl fmt::Display) -> Error {
    Error::Runtime {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read(path: PathBuf) -> Result<Vec<u8>> {
    std::fs::read(&path).map_err(|error| failed(&path, error))
}

/// Loads a companion library for the whole process, if there is one and it is not there already.
///
/// # Safety
/// The library is what its name says.
unsafe fn load_companion(dir: &Path, name: &str, symbol: &[u8]) -> Result<()> {
    // SAFETY: only whether it is there is asked.
    if unsafe { Library::this().get::<*const c_void>(symbol) }.is_ok() {
        return Ok(());
    }
    let candidates = dir.ancestors().take(4);
    let places = candidates.flat_map(|folder| [folder.join(name), folder.join("lib").join(name)]);
    let Some(path) = places.into_iter().find(|path| path.is_file()) else {
        return if name == LOG {
            Err(failed(
                &dir.join(name),
                "there is none here or up to three folders above",
            ))
        } else {
            Ok(())
        };
    };
    // SAFETY: the caller's promise.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| failed(&path, loader_text(&error)))?;
    // Others have its addresses for as long as the process lives.
    core::mem::forget(library);
    Ok(())
}

fn loader_text(error: &libloading::Error) -> String {
    core::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
