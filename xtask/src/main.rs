//! The jobs cargo has no words for.

fn main() {}
