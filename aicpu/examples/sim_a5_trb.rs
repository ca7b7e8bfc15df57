//! The AICPU program of a simulated a5 with graphs built on the device.

aicpu::export_sim_image!(a5 trb);
