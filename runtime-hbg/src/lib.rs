//! The graph built on the host and sent whole (`host_build_graph`).
//!
//! Knows how a finished graph is built, packed, sent and scheduled. Refuses to know which chip it
//! runs on, and that there is another runtime.
