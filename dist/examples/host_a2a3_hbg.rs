//! The host runtime of the real a2a3 with graphs built on the host.

use platform::c_api::Runtime;

platform::export_host_runtime!(platform_a2a3::onboard_backend(Runtime::Hbg));
