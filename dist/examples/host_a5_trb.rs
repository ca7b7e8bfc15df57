//! The host runtime of the real a5 with graphs built on the device.

use platform::c_api::Runtime;

platform::export_host_runtime!(trb platform_a5::onboard_backend(Runtime::Trb));
