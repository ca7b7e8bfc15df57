//! The AICPU program of a simulated a5 with graphs built on the device.

aicpu::export_sim_image!(c"a5", aicpu::image::Trb<protocol::A5>, c"trb");
