//! What only tests need: golden vectors, the C++ side of the interface, scenes, conformance suites.
//!
//! | question | file |
//! | --- | --- |
//! | what does a graph of a known shape and any size look like? | [`graphs`] |
//! | where does a C++ source of a kind find its headers? | [`headers`] |
//! | which names must be there? | [`checklist`] |
//! | how is it compiled? | [`compiler`] |
//! | which sources use them, and were they run? | [`corpus`] |
//! | which Rust layout is which C++ type? | [`layouts`] |
//! | what did the reference produce? | [`vectors`] |
//! | where are the libraries that others load? | [`dist`] |
//! | what does every platform do with every runtime? | [`conformance`] |
//! | what goes wrong, and what is left of it? | [`faults`] |
//! | what do our headers produce? | [`replay`] |

pub mod checklist;
pub mod compiler;
pub mod conformance;
pub mod corpus;
pub mod dist;
pub mod faults;
pub mod graphs;
pub mod headers;
pub mod layouts;
pub mod replay;
pub mod vectors;
