//! The host runtime of the simulated a2a3 with graphs built on the host.

use platform::c_api::Runtime;

platform::export_host_runtime!(platform_a2a3::backend(Runtime::Hbg));
