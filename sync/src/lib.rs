//! Waiting and handing over.
//!
//! Knows how threads wait for and pass things to one another: doorbell, queues, closable list,
//! watermark ring, epoch arena. Refuses to know what is handed over: no task, no tensor, no chip.
//! The only crate that names an atomic, and each of its parts has a loom model.
#![cfg_attr(not(test), no_std)]
