//! The shared objects that host programs load by path.
//!
//! Knows their names and what each exports. Refuses to know how any of them works: each is an example of
//! this package, a few lines that choose a platform and a runtime.
