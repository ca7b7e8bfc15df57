//! Workers above one chip: a worker and its children, at level 3 and up.
//!
//! Knows children of three kinds, the channels to them, the graph of tasks and who runs what when.
//! Refuses to know what a chip does with a program: a chip child has a
//! [`Device`](platform::Device) for that.
//!
//! ```text
//! Worker ──▶ Graph ──▶ engine ──▶ port ──frames in shared memory──▶ serve ──▶ hands
//!  init,      submit,   keys,      one per                           in the     chip, functions,
//!  register   scopes    queues     child                             child      or a lower worker
//! ```
//!
//! | question | file |
//! | --- | --- |
//! | how do processes share memory? | `segment` |
//! | what does a question to a child look like? | `frame`, `channel` |
//! | what happens in a child? | `serve`, `hands`, `supply` |
//! | how is a child started, watched and ended? | `child`, `nursery` |
//! | what went wrong, and where? | `fault`, `error` |

mod call;
mod catalogue;
mod channel;
mod child;
mod error;
mod fault;
mod frame;
mod hands;
mod nursery;
mod segment;
mod serve;
mod supply;

pub use call::Call;
pub use catalogue::{Catalogue, child_main};
pub use child::{Ending, Kind};
pub use error::{Error, Result};
pub use fault::{Fault, FaultKind};
