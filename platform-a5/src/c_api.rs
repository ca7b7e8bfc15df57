//! What this family puts behind the C interface of a host runtime.

use platform::c_api::{Backend, Ranks, Runtime};
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
        device: |runtime| platform::sim::device_of_images::<A5>(crate::SIM, "a5", runtime),
        ranks: Ranks::Anybody(platform::sim::join),
    }
}

/// The real chip with one runtime.
#[cfg(feature = "onboard")]
#[must_use]
pub const fn onboard_backend(runtime: Runtime) -> Backend {
    Backend {
        platform: c"a5",
        kernels: Toolchain::HostGxx15,
        device: |_| platform::onboard::device_of_programs::<A5>(crate::FAMILY),
        ranks: Ranks::Nobody,
        ..backend(runtime)
    }
}
