//! The image of a callable that a library takes.
//!
//! Knows that only shared objects can be given to another library. Refuses to know what it does with them.

use platform::{Error as DeviceError, Kernel, Orchestration, Program};
use protocol::callable::{ChipCallableBuilder, CoreCallable, core_callable_image};

/// The image that the library takes.
pub(super) fn image(program: &Program) -> platform::Result<Vec<u8>> {
    let only_images = |what| DeviceError::Unsupported {
        what,
        machine: "a runtime that was loaded by path",
        instead: "give it as a shared object",
    };
    let (bytes, entry, config) = shared_object(&program.orchestration)
        .ok_or_else(|| only_images("an orchestration that is a function of this process"))?;
    let mut kernels = Vec::with_capacity(program.kernels.len());
    for it in &program.kernels {
        let Kernel::Image(payload) = &it.kernel else {
            return Err(only_images("a kernel that is a function of this process"));
        };
        kernels.push((it.func_id, core_callable_image(&[], payload)?));
    }
    let mut builder = ChipCallableBuilder::new(bytes)
        .signature(&program.signature)
        .func_name(entry)
        .config_name(config);
    for (func_id, kernel) in &kernels {
        builder = builder.child(*func_id, CoreCallable::read(kernel)?);
    }
    Ok(builder.build()?)
}

/// Bytes, entry and configuration function of an orchestration that is a shared object.
fn shared_object(orchestration: &Orchestration) -> Option<(&[u8], &[u8], &[u8])> {
    match orchestration {
        #[cfg(feature = "trb")]
        Orchestration::Trb(aicpu::trb::Orchestration::Image(image)) => Some((
            &image.bytes,
            image.entry.to_bytes(),
            image.config.to_bytes(),
        )),
        #[cfg(feature = "hbg")]
        Orchestration::Hbg(aicpu::hbg::Orchestration::Image(image)) => {
            Some((&image.bytes, image.entry.to_bytes(), b""))
        }
        _ => None,
    }
}
