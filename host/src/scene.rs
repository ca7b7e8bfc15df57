//! Scenes: programs with their inputs and what should come out, in a folder with `scene.toml`.
//!
//! Knows the file format, the values in it, how sources become shared objects, and how results are
//! judged. Refuses to know devices: whatever runs a program is a [`session::Session`].

pub mod array;
pub mod build;
pub mod compare;
pub mod discover;
pub mod dtype;
pub mod error;
pub mod expr;
pub mod fields;
pub mod half;
pub mod load;
pub mod model;
pub mod nearest;
pub mod npy;
pub mod random;
pub mod report;
pub mod resolve;
pub mod run;
pub mod session;
pub mod tensor;

pub use error::{Result, SceneError};
