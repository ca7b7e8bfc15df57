//! Whole graphs on cores that check the order.

mod machine;
mod random;
mod runs;
