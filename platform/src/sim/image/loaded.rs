//! One image, loaded after a look at its digest.
//!
//! Knows what an image exports, and refuses those of another build, family or runtime. Refuses to know when they come.

use core::ffi::{CStr, c_char, c_void};
use core::fmt;

use aicpu::image::{DIGEST_SYMBOL, PROGRAM_SYMBOL, Program, SEAM};
use aicpu::shared_object::SharedObject;
use protocol::PROTOCOL_DIGEST;

use crate::error::{Error, Result};
use crate::sim::kernels::CoreCall;

const CORE_CALL: &CStr = c"simpler_aicore_call";
const CORE_FAMILY: &CStr = c"simpler_aicore_family";

/// What an image is for, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The chip family.
    pub family: &'static str,
    /// The runtime.
    pub runtime: &'static str,
}

/// The program of the cores.
pub(crate) struct CoreImage {
    pub(super) bytes: Vec<u8>,
    pub(crate) call: CoreCall,
    #[expect(dead_code, reason = "keeps the function's code loaded")]
    object: SharedObject,
}

impl fmt::Debug for CoreImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoreImage({} bytes)", self.bytes.len())
    }
}

impl CoreImage {
    pub(super) fn load(bytes: Vec<u8>, wanted: Wanted) -> Result<Self> {
        let program = "aicore_sim";
        let object = load(program, &bytes)?;
        let find = |name| {
            object
                .require(name)
                .map_err(|error| refused(program, error))
        };
        same(program, "family", find(CORE_FAMILY)?.cast(), wanted.family)?;
        let call = find(CORE_CALL)?;
        Ok(Self {
            bytes,
            // SAFETY: an image with our digest gives the symbol this type.
            call: unsafe { core::mem::transmute::<*mut c_void, CoreCall>(call) },
            object,
        })
    }
}

/// The program of the control CPUs.
#[derive(Debug)]
pub(crate) struct ControlImage {
    pub(super) program: Program,
    #[expect(dead_code, reason = "keeps the functions' code loaded")]
    object: SharedObject,
}

impl ControlImage {
    pub(super) fn load(bytes: &[u8], wanted: Wanted) -> Result<Self> {
        let name = "aicpu_sim";
        let object = load(name, bytes)?;
        let program = object
            .require(PROGRAM_SYMBOL)
            .map_err(|error| refused(name, error))?;
        // SAFETY: an image with our digest gives the symbol this type.
        let program = unsafe {
            core::mem::transmute::<*mut c_void, extern "C" fn() -> *const Program>(program)
        };
        // SAFETY: the function yields a table that lives as long as the image.
        let program = unsafe { *program() };
        if program.seam != SEAM {
            return Err(refused(
                name,
                "it is of another build: build both from one source",
            ));
        }
        same(name, "family", program.family, wanted.family)?;
        same(name, "runtime", program.runtime, wanted.runtime)?;
        Ok(Self { program, object })
    }
}

/// Loads an image after a look at its digest.
fn load(program: &'static str, bytes: &[u8]) -> Result<SharedObject> {
    // SAFETY: the caller of a run trusts the programs it brings.
    let object =
        unsafe { SharedObject::load(bytes, program) }.map_err(|error| refused(program, error))?;
    let Some(digest) = object.find(DIGEST_SYMBOL) else {
        return Err(refused(
            program,
            "it exports no `simpler_protocol_digest`, so it belongs to another implementation: pass the image \
             that was built with this library",
        ));
    };
    // SAFETY: the symbol is that of a number, which need not be aligned in an image of others.
    let digest = unsafe { digest.cast::<u64>().read_unaligned() };
    if digest != PROTOCOL_DIGEST {
        return Err(refused(
            program,
            format!(
                "its layout digest is {digest:#018x}, this library's {PROTOCOL_DIGEST:#018x}: build both from one \
                 source"
            ),
        ));
    }
    Ok(object)
}

fn same(program: &'static str, what: &str, has: *const c_char, wants: &str) -> Result<()> {
    // SAFETY: an image with our digest exports names closed by NUL.
    let has = unsafe { CStr::from_ptr(has) }.to_string_lossy();
    if has != wants {
        return Err(refused(
            program,
            format!(
                "it is for the {what} {has}, this library for {wants}: pass the image beside it"
            ),
        ));
    }
    Ok(())
}

pub(super) fn refused(program: &'static str, reason: impl fmt::Display) -> Error {
    Error::SimImage {
        program,
        reason: reason.to_string(),
    }
}
