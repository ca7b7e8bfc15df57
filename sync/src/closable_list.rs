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
unsafe impl bytemuck::Zeroable for Link {}

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
unsafe impl bytemuck::Zeroable for ClosableList {}

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

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{ClosableList, Link, Pushed};
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    #[derive(Debug, Default)]
    struct World {
        list: ClosableList,
        links: [Link; 3],
        nodes: [Slot<u32>; 3],
        last_words: Slot<u32>,
    }

    impl World {
        fn push(&self, epoch: u32, node: u32) -> Pushed {
            // SAFETY: the node is ours until it is listed.
            unsafe { *self.nodes[node as usize].get_mut() = 10 + node };
            let pushed = self.list.push(epoch, node, &self.links[..]);
            if pushed == Pushed::Closed {
                // SAFETY: written before the close that we have seen.
                assert_eq!(unsafe { *self.last_words.get() }, 99);
            }
            pushed
        }

        fn close(&self, epoch: u32) -> Option<Vec<u32>> {
            let chain = self.list.close(epoch, &self.links[..])?;
            Some(
                chain
                    .map(|node| {
                        let node = node as usize;
                        // SAFETY: the list is closed and the node is in it, so it is ours; a yielded node
                        // may be written again.
                        let value = unsafe { self.nodes[node].get_mut() };
                        core::mem::take(value)
                    })
                    .collect(),
            )
        }
    }

    #[test]
    fn a_node_is_listed_and_found_or_refused_and_not_found() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let world = Arc::new(World::default());
            let pushers = [0, 1].map(|node| {
                let world = Arc::clone(&world);
                thread::spawn(move || world.push(0, node) == Pushed::Listed)
            });
            // SAFETY: nobody reads it before the close.
            unsafe { *world.last_words.get_mut() = 99 };
            let mut found = world.close(0).expect("we are the only closer");
            let listed = pushers.map(|pusher| pusher.join().expect("the pusher ends"));
            found.sort_unstable();
            let expected: Vec<u32> = [10, 11]
                .into_iter()
                .zip(listed)
                .filter_map(|(node, listed)| listed.then_some(node))
                .collect();
            assert_eq!(found, expected);
        });
    }

    /// A head that begins a new epoch while a late pusher of the old one comes by.
    #[test]
    fn a_late_push_does_not_reach_the_next_epoch() {
        loom::model(|| {
            let world = Arc::new(World::default());
            let late = {
                let world = Arc::clone(&world);
                thread::spawn(move || world.push(0, 0) == Pushed::Listed)
            };
            // SAFETY: nobody reads it before the close.
            unsafe { *world.last_words.get_mut() = 99 };
            let old = world.close(0).expect("we are the only closer");
            assert_eq!(world.push(1, 1), Pushed::Listed);
            let new = world.close(1).expect("we are the only closer");
            assert_eq!(new, [11]);
            let listed = late.join().expect("the pusher ends");
            assert_eq!(old, if listed { vec![10] } else { vec![] });
        });
    }

    #[test]
    fn who_sees_the_close_sees_what_came_before_it() {
        loom::model(|| {
            let world = Arc::new(World::default());
            let looker = {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    if world.list.is_closed(0) {
                        // SAFETY: written before the close that we have seen.
                        assert_eq!(unsafe { *world.last_words.get() }, 99);
                    }
                })
            };
            // SAFETY: nobody reads it before the close.
            unsafe { *world.last_words.get_mut() = 99 };
            assert_eq!(world.close(0), Some(vec![]));
            looker.join().expect("the looker ends");
        });
    }

    #[test]
    fn of_two_closers_one_gets_the_nodes() {
        loom::model(|| {
            let world = Arc::new(World::default());
            assert_eq!(world.push(0, 0), Pushed::Listed);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || world.close(0))
            };
            let (mine, theirs) = (world.close(0), other.join().expect("the closer ends"));
            assert!(mine.is_some() != theirs.is_some());
            assert_eq!(mine.or(theirs), Some(vec![10]));
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ClosableList, Link, Pushed, pack};
    use crate::atomic::Ordering;
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: if cfg!(miri) { 8 } else { 256 }, ..ProptestConfig::default() })]
        /// Any history of pushes and closes in growing and in stale epochs gives what a vector would.
        #[test]
        fn behaves_like_a_vector_with_an_end(first in proptest::num::u32::ANY, steps in proptest::collection::vec((0_u32..3, 0_u8..4), 0..60)) {
            let list = ClosableList::new();
            list.0.store(pack(first, 0), Ordering::Relaxed);
            let links: Vec<Link> = (0..64).map(|_| Link::new()).collect();
            let (mut epoch, mut open, mut nodes, mut next) = (first, true, Vec::new(), 0);
            for (age, kind) in steps {
                let asked = epoch.wrapping_sub(age);
                let current = age == 0 && open;
                match kind {
                    0 => {
                        let closed = list.close(asked, &links[..]).map(Iterator::collect::<Vec<u32>>);
                        nodes.reverse();
                        let expected = current.then(|| core::mem::take(&mut nodes));
                        nodes.reverse();
                        prop_assert_eq!(closed, expected);
                        open &= !current;
                    }
                    1 if !open => (epoch, open) = (epoch.wrapping_add(1), true),
                    _ if epoch != first && nodes.is_empty() && age != 0 => {
                        // Until the new epoch's first push the head still says how the one before ended.
                        prop_assert_eq!(list.is_closed(epoch.wrapping_sub(1)), true);
                    }
                    _ => {
                        let pushed = list.push(asked, next, &links[..]);
                        prop_assert_eq!(pushed, if current { Pushed::Listed } else { Pushed::Closed });
                        if current { nodes.push(next); }
                        next += 1;
                    }
                }
                prop_assert_eq!(list.is_closed(epoch), !open);
            }
        }
    }

    #[test]
    fn zero_memory_is_open_and_a_yielded_node_may_be_used_again() {
        let list: ClosableList = bytemuck::Zeroable::zeroed();
        let links: [Link; 2] = bytemuck::Zeroable::zeroed();
        assert_eq!(list.push(0, 0, &links[..]), Pushed::Listed);
        assert_eq!(list.push(0, 1, &links[..]), Pushed::Listed);
        let other = ClosableList::new();
        let mut seen = Vec::new();
        for node in list.close(0, &links[..]).expect("open") {
            assert_eq!(other.push(0, node, &links[..]), Pushed::Listed);
            seen.push(node);
        }
        assert_eq!(seen, [1, 0]);
        let moved: Vec<u32> = other.close(0, &links[..]).expect("open").collect();
        assert_eq!(moved, [0, 1]);
    }
}
