//! The AICPU program of a simulated a2a3 with graphs built on the device.

aicpu::export_sim_image!(a2a3 trb);
