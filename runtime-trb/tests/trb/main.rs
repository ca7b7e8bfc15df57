//! The runtime over cores that are made of nothing but state.

mod cores;
mod deferred;
mod dispatch;
mod flow;
mod hazards;
mod model;
mod operations;
