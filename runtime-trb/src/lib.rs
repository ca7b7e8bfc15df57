//! The graph built on the device while it executes (`tensormap_and_ringbuffer`).
//!
//! Knows how a submitted task finds its producers, its memory and its core. Refuses to know which
//! chip it runs on: it is generic over an `Arch` of constants and a device-side seam.
