//! A push-only list whose head can be closed.
//!
//! Whoever pushes after the close is told so, and whoever closes gets everything that was pushed before:
//! one word decides the race. Nodes are indices into an arena of the caller's; the head carries an epoch (the
//! generation of whatever owns the list), so that a head that has been recycled is recognised and a new
//! epoch needs no clearing.
//!
//! The head is {epoch: high half, low half: 0 open and empty, `u32::MAX` closed, else node + 1}. A head of an
//! older epoch is open and empty for a newer one; a head of a newer epoch is closed for an older one.
//!
//! ```text
//!   (older epoch) ── push ──▶ node ── push ──▶ node … ── close ──▶ closed
//!         └─────────────────────── close ─────────────────────────────┘
//! ```
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | pusher | link, Relaxed; then head, Release CAS | closer | head, Acquire; then link, Relaxed | the node, its link, and what the pusher wrote before |
//! | closer | head closed, Release CAS | late pusher | head, Acquire | what the closer wrote before it closed |

use core::iter::FusedIterator;

use bytemuck::Zeroable;

use crate::atomic::{AtomicU32, AtomicU64, Ordering};

const OPEN: u32 = 0;
const CLOSED: u32 = u32::MAX;

/// The largest node index a list can hold.
const LAST_NODE: u32 = u32::MAX - 2;

/// The link of one node to the next of its list.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Link(AtomicU32);

// SAFETY: zero is the end of a list.
#[cfg(not(loom))]
unsafe impl Zeroable for Link {}

impl Link {
    /// A link of a node that is in no list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Where the links of the nodes are.
pub trait Links {
    /// The link of `node`.
    fn link(&self, node: u32) -> &Link;
}

impl Links for [Link] {
    #[inline]
    fn link(&self, node: u32) -> &Link {
        &self[node as usize]
    }
}

impl<L: Links + ?Sized> Links for &L {
    #[inline]
    fn link(&self, node: u32) -> &Link {
        (**self).link(node)
    }
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// The node is in the list; whoever closes it will find the node.
    Listed,
    /// The list was closed before; the node is in no list.
    Closed,
}

/// The head of a list; all-zero memory is an open, empty list of epoch 0.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct ClosableList(AtomicU64);

// SAFETY: zero is an open, empty list.
#[cfg(not(loom))]
unsafe impl Zeroable for ClosableList {}

impl ClosableList {
    /// An open, empty list of epoch 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `node` at the front of the list of `epoch`, unless that list is closed.
    ///
    /// The caller owns the node; after [`Pushed::Listed`] it belongs to the list until the closer's walk has
    /// yielded it.
    #[inline]
    pub fn push<L: Links + ?Sized>(&self, epoch: u32, node: u32, links: &L) -> Pushed {
        debug_assert!(
            node <= LAST_NODE,
            "a node's index must leave room for the marks"
        );
        let link = links.link(node);
        let mut seen = self.0.load(Ordering::Acquire);
        loop {
            let first = match low(seen, epoch) {
                CLOSED => return Pushed::Closed,
                first => first,
            };
            link.0.store(first, Ordering::Relaxed);
            match self.0.compare_exchange_weak(
                seen,
                pack(epoch, node + 1),
                Ordering::Release,
                Ordering::Acquire,
            ) {
                Ok(_) => return Pushed::Listed,
                Err(now) => seen = now,
            }
        }
    }

    /// Closes the list of `epoch` and yields the nodes pushed before, the last first.
    ///
    /// `None` if it was closed before, in this epoch or because a newer one has begun: then the nodes
    /// belong to whoever closed it.
    #[inline]
    pub fn close<L: Links>(&self, epoch: u32, links: L) -> Option<Chain<L>> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let first = match low(seen, epoch) {
                CLOSED => return None,
                first => first,
            };
            match self.0.compare_exchange_weak(
                seen,
                pack(epoch, CLOSED),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Chain { next: first, links }),
                Err(now) => seen = now,
            }
        }
    }

    /// Whether a push of `epoch` would come too late; if so, what the closer wrote before is visible.
    #[inline]
    #[must_use]
    pub fn is_closed(&self, epoch: u32) -> bool {
        low(self.0.load(Ordering::Acquire), epoch) == CLOSED
    }
}

/// The nodes of a closed list.
///
/// Each node's link is read before the node is yielded, so a yielded node may be reused at once.
#[derive(Debug)]
pub struct Chain<L> {
    next: u32,
    links: L,
}

impl<L: Links> Iterator for Chain<L> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let node = self.next.checked_sub(1)?;
        self.next = self.links.link(node).0.load(Ordering::Relaxed);
        Some(node)
    }
}

impl<L: Links> FusedIterator for Chain<L> {}

/// What `head` says to `epoch`.
#[inline]
const fn low(head: u64, epoch: u32) -> u32 {
    let age = epoch.wrapping_sub((head >> 32) as u32);
    if age == 0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low half is what is wanted"
        )]
        return head as u32;
    }
    if age <= u32::MAX / 2 { OPEN } else { CLOSED }
}

const fn pack(epoch: u32, low: u32) -> u64 {
    (epoch as u64) << 32 | low as u64
}
