//! The vendor's library for several chips.
//!
//! Knows its calls, the request by which it is made to hand out windows, and where it writes down what it
//! handed out. Refuses to know how ranks find each other.
//!
//! HCCL switches the device of the calling thread: whoever goes on afterwards binds it again.

use core::ffi::{CStr, c_char};
use core::ptr::null_mut;

use super::driver::{Bound, Driver, pointer};
use super::error::Error;
use super::sys::{COMM_NAME_BYTES as NAME, ROOT_INFO_BYTES as ROOT_INFO};

/// A topology whose windows are written down in the form that kernels read.
const TOPOLOGY_MESH: u32 = 1;
/// Bytes of a request for windows: a head and one operation.
const REQUEST: usize = 344;
/// Where the operation begins.
const OPERATION: usize = 64;
/// The operation whose resources are windows: batches of writes, by the copy engine, each rank to each.
const ALGORITHM: &CStr = c"BatchWrite=level0:fullmesh";

/// What HCCL handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// At this address is what kernels read.
    Mesh(u64),
    /// At this address is what [`RingResource`] says.
    Ring(u64),
}

/// Where a ring's resource has what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingResource;

impl RingResource {
    /// A pair of addresses for each rank; the second, on the device, leads to its windows.
    pub(crate) const RANKS: u64 = 2984;
    /// Bytes of such a pair.
    pub(crate) const PAIR: usize = 16;
    /// From what the second address leads to: the window for incoming data.
    pub(crate) const WINDOW_IN: u64 = 8;
}

macro_rules! hccl {
    ($bound:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let found = $bound.driver().library().hccl()?;
        let function = found.require(stringify!($function), found.functions.$function)?;
        // SAFETY: the prototype is the header's, the arguments are what it asks for, and the thread is
        // bound to the device.
        let code = unsafe { function($($argument),*) };
        check($bound.driver(), stringify!($function), code)
    }};
}

fn check(driver: &Driver, function: &'static str, code: i32) -> Result<(), Error> {
    if code == 0 {
        return Ok(());
    }
    Err(Error::Hccl {
        function,
        device: driver.device(),
        code,
        meaning: meaning(code),
    })
}

/// What HCCL's results say.
const fn meaning(code: i32) -> &'static str {
    match code {
        1 => "invalid argument",
        2 => "null pointer",
        3 | 24 => "out of memory",
        4 => "it failed internally",
        5 => "not supported here",
        6 => "not found",
        7 => "not available",
        8 => "the system refused",
        9 => "a rank did not come in time: does every rank run, and do the chips reach each other?",
        _ => "see its header",
    }
}

impl Bound<'_> {
    /// Makes what the ranks of a new communicator find each other by.
    pub(crate) fn root_info(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; ROOT_INFO];
        hccl!(self, HcclGetRootInfo(bytes.as_mut_ptr().cast()))?;
        Ok(bytes)
    }

    /// Becomes a rank; returns when all have.
    pub(crate) fn comm_init(&self, rank: u32, ranks: u32, root: &[u8]) -> Result<u64, Error> {
        assert_eq!(root.len(), ROOT_INFO, "what a root handed out");
        let mut comm = null_mut();
        hccl!(
            self,
            HcclCommInitRootInfo(ranks, root.as_ptr().cast(), rank, &raw mut comm)
        )?;
        Ok(comm.expose_provenance() as u64)
    }

    /// Makes the windows of a communicator.
    pub(crate) fn comm_windows(&self, comm: u64, stream: u64) -> Result<Handed, Error> {
        let mut name = [0_u8; NAME];
        hccl!(
            self,
            HcclGetCommName(pointer(comm), name.as_mut_ptr().cast::<c_char>())
        )?;
        name[NAME - 1] = 0;
        let mut topology = 0;
        let group: *const c_char = name.as_ptr().cast();
        hccl!(self, HcomGetL0TopoTypeEx(group, &raw mut topology, 0))?;
        let mut by_group = null_mut();
        hccl!(self, HcomGetCommHandleByGroup(group, &raw mut by_group))?;
        let mut request = request(&name);
        let mut context = null_mut();
        hccl!(
            self,
            HcclAllocComResourceByTiling(
                by_group,
                pointer(stream),
                request.as_mut_ptr().cast(),
                &raw mut context,
            )
        )?;
        let address = context.expose_provenance() as u64;
        if address == 0 {
            return Err(Error::Answer {
                function: "HcclAllocComResourceByTiling",
                device: self.driver().device(),
                answer: "address 0".to_owned(),
                expected: "the address of the windows' context",
            });
        }
        Ok(if topology == TOPOLOGY_MESH {
            Handed::Mesh(address)
        } else {
            Handed::Ring(address)
        })
    }

    /// Waits for all ranks.
    pub(crate) fn comm_barrier(&self, comm: u64, stream: u64) -> Result<(), Error> {
        hccl!(self, HcclBarrier(pointer(comm), pointer(stream)))
    }

    /// Leaves a communicator.
    pub(crate) fn comm_destroy(&self, comm: u64) -> Result<(), Error> {
        hccl!(self, HcclCommDestroy(pointer(comm)))
    }
}

/// The request for the windows of the communicator with this name.
fn request(name: &[u8; NAME]) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    let mut word = |at: usize, value: u32| {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    // Version, and one operation, which begins behind the head.
    word(0, 100);
    word(4, 1);
    word(8, u32::try_from(OPERATION).expect("64"));
    // A batch of writes.
    word(OPERATION + 272, 18);
    // Blocks that take part, and the kind of device.
    bytes[44..46].copy_from_slice(&48_u16.to_le_bytes());
    bytes[46] = 4;
    // Version of the operation, and the engine that does it.
    bytes[OPERATION + 3] = 1;
    bytes[OPERATION + 13] = 3;
    bytes[OPERATION + 16..OPERATION + 16 + NAME].copy_from_slice(name);
    let algorithm = ALGORITHM.to_bytes();
    bytes[OPERATION + 144..OPERATION + 144 + algorithm.len()].copy_from_slice(algorithm);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{NAME, request};

    #[test]
    fn a_request_names_the_group_and_one_operation() {
        let mut name = [0; NAME];
        name[..5].copy_from_slice(b"group");
        let bytes = request(&name);
        assert_eq!(bytes[..12], [100, 0, 0, 0, 1, 0, 0, 0, 64, 0, 0, 0]);
        assert_eq!(bytes[44..47], [48, 0, 4]);
        assert_eq!((bytes[67], bytes[77]), (1, 3));
        assert_eq!(bytes[80..86], *b"group\0");
        assert_eq!(bytes[208..219], *b"BatchWrite=");
        assert_eq!(bytes[336..340], [18, 0, 0, 0]);
    }
}
