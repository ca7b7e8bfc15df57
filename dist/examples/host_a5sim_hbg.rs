//! The host runtime of the simulated a5 with graphs built on the host.

use platform::c_api::Runtime;

platform::export_host_runtime!(platform_a5::backend(Runtime::Hbg));
