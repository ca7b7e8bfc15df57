//! The seam between host and device.
//!
//! Knows device contexts, device memory, the registry of callables, the simulated chip and the
//! vendor driver. Refuses to know a chip family by name: that is what `platform-*` is for.
