//! The reference's golden vectors, as far as layouts, encoders and tensor operations reach.
//!
//! Every module counts what it checked. What depends on a running runtime (submissions, dependency
//! sequences, the order of dispatches, what a graph builder answers) is checked in the runtimes.
//! Where we refuse what the reference accepts, the vector stays and states the difference.

mod args;
mod dispatch;
mod enums;
mod hbg;
mod registers;
mod support;
mod tensors;
