//! The graph built on the device while it executes (`tensormap_and_ringbuffer`).
//!
//! Knows how a submitted task finds its producers, its memory and its core. Refuses to know which
//! chip it runs on: it is generic over an `Arch` of constants and a device-side seam.
//!
//! # How a task flows
//!
//! ```text
//!  user code                                                  cores
//!     │ submit                                                  ▲ │ status words
//!     ▼                                                dispatch │ ▼
//!  Orchestrator ── record, edges ──▶ producers' lists ──────▶ Role 0 … S−1
//!     │  ▲                                                   │  ▲    │ complete: walk the list, count down
//!     │  │ retire: given back = taken                        │  └────┤ consumers; ready → own stack
//!     │  └──────────── record lines ◀─── give back ──────────┘       │
//!     └── ready at once ──▶ shared ready queues MIX, AIC, AIV ◀──────┘ overflow
//! ```
//!
//! Two kinds of party, and each piece of memory has one kind of writer (`record` has the table):
//!
//! * **The orchestrator** is one thread running user code. Scope stack, tensor map, windows, record and output memory, and
//!   retirement are its own; none of it is shared, so none of it is locked or raced for. It wires a task into its
//!   producers' lists itself, at submission.
//! * **Roles** are schedulers in the form of polled state machines. A role owns the cores of its clusters and whoever holds
//!   its baton drives it, so a chip gives each role a thread and a simulation drives all of them with whatever threads it
//!   has.
//!
//! Where both meet there is one word per question: the consumer list's head (has the producer finished?), the
//! countdown (who queues the task?), the references given back (may the record go?).
//!
//! | module | question |
//! | --- | --- |
//! | `context` | what lives longer than a run? |
//! | `run` | who may call what, and when is it over? |
//! | `orchestrator` | what does a submission do? |
//! | `graph`, `ring`, `span`, `scope` | where does a task live, and for how long? |
//! | `map`, `region` | who wrote this region last? |
//! | `record` | what lies where, and who writes it? |
//! | `role` | what does a step of a scheduler do? |
//! | `recording` | what is written down of a run? |

mod baton;
mod context;
mod error;
mod graph;
mod limits;
mod logging;
mod map;
mod ops;
mod orchestrator;
mod record;
mod recording;
mod region;
mod report;
mod ring;
mod role;
mod run;
mod scope;
mod shared;
mod span;
#[cfg(test)]
mod vectors;

pub use context::Context;
pub use error::{Diagnosis, Error, Fatal, Result, Wanted};
pub use limits::Limits;
pub use orchestrator::{Args, Blocks, Help, NoHelp, Orchestrator, Submitted};
pub use report::{RingReport, RunReport, RunStatus};
pub use run::{Deadlines, Run, Setup, Step};
