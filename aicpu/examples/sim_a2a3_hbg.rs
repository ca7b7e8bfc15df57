//! The AICPU program of a simulated a2a3 with graphs built on the host.

aicpu::export_sim_image!(a2a3 hbg);
