//! The AICPU program of a simulated a2a3 with graphs built on the device.

aicpu::export_sim_image!(c"a2a3", aicpu::image::Trb<protocol::A2a3>, c"trb");
