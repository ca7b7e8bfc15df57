//! The runtime over cores that are made of nothing but state.

mod cores;
mod flow;
mod model;
