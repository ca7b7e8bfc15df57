//! The AICPU program of a simulated a2a3 with graphs built on the host.

aicpu::export_sim_image!(c"a2a3", aicpu::image::Hbg<protocol::A2a3>, c"hbg");
