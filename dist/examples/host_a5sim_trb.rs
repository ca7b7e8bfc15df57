//! The host runtime of the simulated a5 with graphs built on the device.

use platform::c_api::Runtime;

platform::export_host_runtime!(trb platform_a5::backend(Runtime::Trb));
