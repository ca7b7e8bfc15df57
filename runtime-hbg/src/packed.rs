//! A graph as one stretch of memory: what is sent to a device, and read there where it lies.
//!
//! Knows where each array is. Refuses to know how the memory gets there, and trusts its numbers no further than that
//! every array lies inside.
//!
//! ```text
//! │ head │ records │ words │ successors │ joins │ ready AIC │ ready AIV │ kernels │ descriptors │
//! ```
//!
//! Each array begins on a cache line. The descriptors are for cores only: words of tasks say where they are.

use aicore_abi::tensor::Tensor;
use bytemuck::{Pod, Zeroable};
use protocol::Pinned;

use crate::graph::{GraphView, Join, KINDS, TaskRecord};

/// Arrays of a graph.
const ARRAYS: usize = 5 + KINDS;
/// Where arrays may begin.
const LINE: u64 = 64;

/// How long the arrays are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Head {
    /// Bytes of everything, this included.
    pub bytes: u64,
    /// Bytes of each array in their order, those of the descriptors last.
    pub arrays: [u64; ARRAYS + 1],
    /// Zero.
    pub reserved: [u64; 7],
}

protocol::pin_layout!(Head, 128 bytes, align 64, {
    0 => bytes: u64,
    8 => arrays: [u64; ARRAYS + 1],
    72 => reserved: [u64; 7],
});

/// Digest of everything that whoever packs and whoever unpacks must agree on.
pub const DIGEST: u64 = protocol::layout::digest_of(&[
    <Head as Pinned>::LAYOUT,
    <TaskRecord as Pinned>::LAYOUT,
    <Join as Pinned>::LAYOUT,
    <Tensor as Pinned>::LAYOUT,
]);

/// Why memory holds no graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is too short or misaligned for a head.
    #[error("{bytes} bytes hold no head of a graph on a cache line")]
    NoHead {
        /// Its size.
        bytes: usize,
    },
    /// An array does not lie in it.
    #[error("array {array} of the graph ends {end} bytes behind its beginning, which has {bytes}")]
    Outside {
        /// The array's number.
        array: usize,
        /// Where it would end.
        end: u64,
        /// The size of the memory.
        bytes: usize,
    },
    /// An array does not consist of whole elements.
    #[error("array {array} of the graph is not made of whole elements")]
    Torn {
        /// The array's number.
        array: usize,
    },
}

/// Where everything of one graph lies.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    head: Head,
    starts: [u64; ARRAYS + 1],
}

impl Packing {
    /// The packing of a graph whose tasks refer to so many descriptors.
    #[must_use]
    pub fn of(graph: &GraphView<'_>, descriptors: usize) -> Self {
        let mut head = Head::zeroed();
        let sections = graph.sections().map(<[u8]>::len);
        let lengths = sections
            .into_iter()
            .chain([size_of::<Tensor>() * descriptors]);
        for (place, length) in head.arrays.iter_mut().zip(lengths) {
            *place = length as u64;
        }
        let (starts, end) = starts(&head);
        head.bytes = end;
        Self { head, starts }
    }

    /// Bytes of everything.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.head.bytes
    }

    /// How far behind the beginning the descriptors lie.
    #[must_use]
    pub const fn descriptors_at(&self) -> u64 {
        self.starts[ARRAYS]
    }

    /// Writes the graph that this is the packing of.
    ///
    /// # Panics
    ///
    /// If it is of another graph.
    pub fn write(&self, graph: &GraphView<'_>, descriptors: &[Tensor], into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(bytemuck::bytes_of(&self.head));
        let descriptors: &[u8] = bytemuck::cast_slice(descriptors);
        let sections = graph.sections().into_iter().chain([descriptors]);
        for ((section, &start), &length) in sections.zip(&self.starts).zip(&self.head.arrays) {
            assert_eq!(section.len() as u64, length, "the packing is of this graph");
            into.resize(
                usize::try_from(start).expect("between arrays of this process"),
                0,
            );
            into.extend_from_slice(section);
        }
    }
}

/// Where each array begins, and where the last one ends.
fn starts(head: &Head) -> ([u64; ARRAYS + 1], u64) {
    let mut end = size_of::<Head>() as u64;
    let starts = head.arrays.map(|length| {
        // What makes no sense lies outside of any memory.
        let start = end.checked_next_multiple_of(LINE).unwrap_or(u64::MAX);
        end = start.saturating_add(length);
        start
    });
    (starts, end)
}

impl<'g> GraphView<'g> {
    /// The graph that was written to this memory.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn unpack(memory: &'g [u8]) -> Result<Self, UnpackError> {
        let bytes = memory.len();
        let head = memory.get(..size_of::<Head>());
        let head: &Head = head
            .and_then(|head| bytemuck::try_from_bytes(head).ok())
            .ok_or(UnpackError::NoHead { bytes })?;
        let (starts, _) = starts(head);
        let array = |array: usize| {
            let start = starts[array];
            let end = start.saturating_add(head.arrays[array]);
            let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            range
                .and_then(|(start, end)| memory.get(start..end))
                .ok_or(UnpackError::Outside { array, end, bytes })
        };
        Ok(Self {
            records: whole(0, array(0)?)?,
            words: whole(1, array(1)?)?,
            successors: whole(2, array(2)?)?,
            joins: whole(3, array(3)?)?,
            ready: [whole(4, array(4)?)?, whole(5, array(5)?)?],
            kernels: whole(6, array(6)?)?,
            dump: None,
        })
    }
}

fn whole<T: Pod>(array: usize, bytes: &[u8]) -> Result<&[T], UnpackError> {
    bytemuck::try_cast_slice(bytes).map_err(|_| UnpackError::Torn { array })
}

#[cfg(test)]
mod tests {
    use aicore_abi::seam::KernelEntry;

    use super::{Packing, UnpackError};
    use crate::graph::{Graph, GraphView};
    use crate::typed::{Kernel, build};

    fn graph() -> Graph {
        let kernel = Kernel::aiv(1);
        let draft = build(|tasks| {
            let first = tasks.task(kernel, &[1, 2]).first();
            let second = tasks.task(kernel, &[3]).first();
            tasks.task(Kernel::aic(0), &[]).after(&[first, second]);
        });
        let entry = KernelEntry {
            address: 1,
            handle: 0,
        };
        draft.seal(&[entry; 2]).expect("a small graph")
    }

    /// The graph in memory that begins on a cache line, as a device's does: all of it, and where it begins.
    fn packed(graph: &Graph) -> (Vec<u8>, usize, usize) {
        let view = GraphView::from(graph);
        let packing = Packing::of(&view, 0);
        let mut bytes = Vec::new();
        packing.write(&view, &[], &mut bytes);
        assert_eq!(bytes.len() as u64, packing.bytes());
        let mut memory = vec![0; bytes.len() + 64];
        let start = memory.as_ptr().align_offset(64);
        memory[start..start + bytes.len()].copy_from_slice(&bytes);
        (memory, start, bytes.len())
    }

    #[test]
    fn what_was_packed_is_what_is_unpacked() {
        let graph = graph();
        let (memory, start, bytes) = packed(&graph);
        let there = GraphView::unpack(&memory[start..start + bytes]).expect("as packed");
        let here = GraphView::from(&graph).sections();
        assert_eq!(here, there.sections());
        assert_eq!((there.task_count(), there.joins.len()), (3, 1));
    }

    #[test]
    fn memory_that_is_cut_or_torn_is_no_graph() {
        let (mut memory, start, bytes) = packed(&graph());
        let memory = &mut memory[start..start + bytes];
        let refused = |memory: &[u8]| GraphView::unpack(memory).expect_err("it is no graph");
        // The kernels are the last array, two of four bytes on the last line.
        let cut = bytes - 64 + 7;
        let outside = UnpackError::Outside {
            array: 6,
            end: cut as u64 + 1,
            bytes: cut,
        };
        assert_eq!(refused(&memory[..cut]), outside);
        assert_eq!(refused(&memory[..10]), UnpackError::NoHead { bytes: 10 });
        // Half a record less, so that no later array moves.
        memory[8] -= 16;
        assert_eq!(refused(memory), UnpackError::Torn { array: 0 });
        memory[8..16].fill(0xff);
        assert!(matches!(
            refused(memory),
            UnpackError::Outside { array: 0, .. }
        ));
    }
}
