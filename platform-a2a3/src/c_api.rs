//! What this family puts behind the C interface of a host runtime.

use platform::c_api::{Backend, Ranks, Runtime};
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
        device: |runtime| platform::sim::device_of_images::<A2a3>(crate::SIM, "a2a3", runtime),
        ranks: Ranks::Anybody(platform::sim::join),
    }
}

/// The real chip with one runtime.
#[cfg(feature = "onboard")]
#[must_use]
pub const fn onboard_backend(runtime: Runtime) -> Backend {
    Backend {
        platform: c"a2a3",
        kernels: Toolchain::Ccec,
        orchestrations: match runtime {
            Runtime::Hbg => Toolchain::HostGxx,
            _ => Toolchain::Aarch64Gxx,
        },
        device: |_| platform::onboard::device_of_programs::<A2a3>(crate::FAMILY),
        ranks: Ranks::Chips,
        ..backend(runtime)
    }
}
