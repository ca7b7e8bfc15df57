//! What this family puts behind the C interface of a host runtime.

use platform::c_api::{Backend, Runtime};
use protocol::run_descriptor::RunDescriptors;
use protocol::{A2a3, Toolchain};

/// The simulated chip with one runtime.
#[must_use]
pub const fn backend(runtime: Runtime) -> Backend {
    Backend {
        platform: c"a2a3sim",
        runtime,
        run_buffer: match runtime {
            Runtime::Hbg => size_of::<<A2a3 as RunDescriptors>::Hbg>(),
            _ => size_of::<<A2a3 as RunDescriptors>::Trb>(),
        },
        kernels: Toolchain::HostGxx15,
        orchestrations: Toolchain::HostGxx,
        family: "a2a3",
        device: |images| platform::sim::device_of_images::<A2a3>(crate::SIM, images),
        join: platform::sim::join,
    }
}
