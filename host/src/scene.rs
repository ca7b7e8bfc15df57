//! Scenes: programs with their inputs and what should come out, in a folder with `scene.toml`.
//!
//! Knows the file format, the values in it, how sources become shared objects, and how results are
//! judged. Refuses to know devices: whatever runs a program is a [`session::Session`].
//!
//! # The format
//!
//! ```toml
//! name = "vector"                          # one word
//! platforms = ["a2a3sim", "a5sim"]         # the first is what `simpler run` takes
//! runtimes = ["trb", "hbg"]
//! block_dim = 3                            # also aicpu_threads, timeout_s, env: every case's
//! rtol = 1e-5                              # and atol; real tensors only, whole ones must be equal
//!
//! [orchestration]
//! source = "graph.cpp"                     # or library = "graph.so"; relative to this file
//! entry = "build_graph"
//! config_entry = "graph_config"            # optional, as include_dirs and flags
//! [orchestration.hbg]                      # changes keys for one runtime
//! source = "host_graph.cpp"
//!
//! [[kernel]]
//! id = 0
//! core = "aiv"                             # or "aic"
//! source = "add.cpp"
//! runtimes = ["trb"]                       # optional: only for these
//!
//! [params]                                 # usable in every formula below
//! rows = 4
//! cols = "rows * 2"                        # of parameters above it
//!
//! [[arg]]                                  # in call order, tensors first
//! name = "a"
//! dtype = "f32"
//! shape = ["rows", "cols"]
//! direction = "in"                         # or "out", "inout"
//! init = "i0 + 0.5 * i1"                   # see below
//! [[arg]]
//! name = "f"
//! dtype = "f32"
//! shape = ["rows", "cols"]
//! direction = "out"                        # zeros without `init`
//! [[arg]]
//! name = "factor"
//! dtype = "f32"
//! value = 2.0                              # a scalar
//!
//! [expect]                                 # names mean values before the run
//! f = "a * factor"                         # or { value = "…", rtol = 0, atol = 0 } or { npy = "f.npy" }
//! # error = { code = -9, text = "fatal" }  # instead: how the run must fail
//!
//! [[case]]                                 # without any, there is one called `default`
//! name = "wide"
//! params = { rows = 16 }
//! args = { factor = { value = 3.0 }, a = { init = "random" } }
//! env = { PTO2_RING_TASK_WINDOW = 64 }
//! manual = true                            # runs only by `--case wide`
//! ```
//!
//! `init` is a number, an expression ([`expr`]) in which `i` is each element's index in C order and
//! `i0`, `i1`, … its index along an axis, a (nested) list of numbers or expressions, `"arange"` or
//! `{ arange = { start, step } }`, `"random"` or `{ random = { seed, min, max } }` ([`random`]), or
//! `{ npy = "file" }`.

pub mod array;
pub mod build;
pub mod chip;
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
pub mod place;
pub mod random;
pub mod report;
pub mod resolve;
pub mod run;
pub mod session;
pub mod tensor;

pub use error::{Result, SceneError};
