//! What this family puts behind the C interface of a host runtime.

use platform::c_api::{Backend, Runtime};
use protocol::run_descriptor::RunDescriptors;
use protocol::{A5, Toolchain};

/// The simulated chip with one runtime.
#[must_use]
pub const fn backend(runtime: Runtime) -> Backend {
    Backend {
        platform: c"a5sim",
        runtime,
        run_buffer: match runtime {
            Runtime::Hbg => size_of::<<A5 as RunDescriptors>::Hbg>(),
            _ => size_of::<<A5 as RunDescriptors>::Trb>(),
        },
        kernels: Toolchain::HostGxx15,
        orchestrations: Toolchain::HostGxx,
        family: "a5",
        device: |images| platform::sim::device_of_images::<A5>(crate::SIM, images),
        join: platform::sim::join,
    }
}
