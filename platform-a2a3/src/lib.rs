//! The a2a3 chip family.
//!
//! Knows its numbers, topology and register quirks. Refuses to know anything that is true of
//! another family as well: that stands once, in `platform`.
