//! The AICPU program of a simulated a5 with graphs built on the host.

aicpu::export_sim_image!(a5 hbg);
