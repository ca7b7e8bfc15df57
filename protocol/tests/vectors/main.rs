//! The reference's golden vectors, one module per file.
//!
//! Every module counts what it checked and fails when its file holds more. Where we refuse what the
//! reference accepts, the vector stays and states the difference.

mod callables;
mod content_id;
mod enums;
mod support;
mod task_args;
