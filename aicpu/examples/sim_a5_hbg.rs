//! The AICPU program of a simulated a5 with graphs built on the host.

aicpu::export_sim_image!(c"a5", aicpu::image::Hbg<protocol::A5>, c"hbg");
