//! Waiting and handing over.
//!
//! Knows how threads wait for and pass things to one another. Refuses to know what is handed over:
//! no task, no tensor, no chip. The only crate that names an atomic or an `UnsafeCell`; each module
//! states its protocol in a table (who stores, who loads, what becomes visible) and has a loom model.
//!
//! | need | part |
//! |---|---|
//! | sleep until another thread did something | [`Doorbell`], spinning bounded by a [`Spin`] of a [`Crowd`] |
//! | hand words from one thread to one other | [`Spsc`] |
//! | hand words from any thread to any thread | [`Mpmc`] |
//! | ask another process and take its answers in place | [`Exchange`] |
//! | keep ready work warm in its own thread | [`Lifo`] |
//! | a list that says "too late" once it is closed | [`ClosableList`] |
//! | "the last one does it" | [`Countdown`]; with "not after the end": [`Refs`] |
//! | retire slots in order that finish in any order | [`Watermark`] |
//! | memory that costs nothing until touched | [`Arena`], [`Slab`] |
//! | one published word | [`Flag`], [`Word32`], [`Word64`], [`Latch`], [`Register`] |
//! | a count that many threads add to | [`Tally`] |
//! | a payload written by one and read by many | [`Slot`], [`SlotVec`] |
//! | notice that nothing moves any more | [`Deadline`], [`Progress`] |
//! | a value for whoever gets hold of it first | [`Baton`] |
//! | state machines that any thread may drive | [`Roles`], [`drive()`] |
//! | a state that whoever waits for it moves on | [`InTurn`] |
//! | threads that outlive the jobs they do | [`Crew`] |
//!
//! Zero is the first state of every part: memory fresh from an [`Arena`] is a valid, empty,
//! open, unset instance, which is what the [`Zeroable`] implementations say. What a run leaves behind
//! is made stale by an epoch, never by clearing.
//!
//! Under `--cfg loom` the atomics are loom's (larger, and not zeroable), so the parts that need the
//! operating system ([`Arena`], [`Crew`]) and the zero property exist only without it:
//! `RUSTFLAGS="--cfg loom" cargo test -p sync --release --lib loom` runs the models.

mod atomic;
mod baton;
mod cell;
mod closable_list;
mod countdown;
mod deadline;
mod doorbell;
mod drive;
mod error;
mod exchange;
mod futex;
mod in_turn;
mod lifo;
mod line;
mod mpmc;
mod slots;
mod spin;
mod spsc;
mod storage;
mod tally;
mod watermark;

#[cfg(not(loom))]
mod arena;
#[cfg(not(loom))]
mod pool;

#[cfg(not(loom))]
pub use arena::{Arena, Slab};
pub use baton::{Baton, Held};
pub use bytemuck::Zeroable;
pub use cell::{Flag, Latch, Register, Word32, Word64};
pub use closable_list::{Chain, ClosableList, Link, Links, Pushed};
pub use countdown::{Countdown, Refs};
pub use deadline::{Deadline, Progress, Stalled};
pub use doorbell::{Doorbell, SharedDoorbell, TimedOut};
pub use drive::{Roles, Step, drive};
pub use error::Error;
pub use exchange::{Answerer, Asker, Damaged, Exchange};
pub use in_turn::{InTurn, Seen, Steps, Turn};
pub use lifo::Lifo;
pub use line::Line;
pub use mpmc::{Mpmc, MpmcSlot};
#[cfg(not(loom))]
pub use pool::{Crew, Running};
pub use slots::{Slot, SlotVec};
pub use spin::{Crowd, Patience, Present, Spin};
pub use spsc::{Consumer, Producer, Spsc};
pub use storage::Storage;
pub use tally::Tally;
pub use watermark::Watermark;
