//! Windows through which chips see each other's memory, whatever chips they are.

use core::fmt::Debug;

#[cfg(any(feature = "sim", feature = "onboard"))]
use protocol::limits::COMM_MAX_RANKS;

use crate::address::DeviceAddress;
#[cfg(any(feature = "sim", feature = "onboard"))]
use crate::error::Error;
use crate::error::Result;

/// One rank of a communicator.
pub trait Comm: Debug + Send + Sync {
    /// Own rank.
    fn rank(&self) -> u32;

    /// How many ranks there are.
    fn ranks(&self) -> u32;

    /// Makes a window of `bytes` for every rank and waits until all have theirs. Yields the address of
    /// the [`CommContext`](protocol::comm::CommContext) that kernels get; it is good until this rank is
    /// dropped.
    ///
    /// # Errors
    /// When there is no memory, ranks disagree, one dies or does not come in time.
    fn alloc_windows(&mut self, bytes: u64) -> Result<DeviceAddress>;

    /// Own window; 0 before there are windows.
    fn window_base(&self) -> DeviceAddress;

    /// Bytes of a window; 0 before there are windows.
    fn window_bytes(&self) -> u64;

    /// Waits until every rank is here.
    ///
    /// # Errors
    /// When there are no windows, a rank dies or does not come in time.
    fn barrier(&self) -> Result<()>;

    /// Leaves together with the other ranks. The windows are gone in any case.
    ///
    /// # Errors
    /// When a rank dies or does not leave in time.
    fn destroy(self: Box<Self>) -> Result<()>;
}

/// Own rank and the number of ranks, of those that meet at `meeting`.
///
/// # Errors
/// When the numbers make no sense or the meeting has no name.
#[cfg(any(feature = "sim", feature = "onboard"))]
pub(crate) fn place(rank: i32, ranks: i32, meeting: &[u8]) -> Result<(u32, u32)> {
    let refuse = |text: String| Error::Comm {
        rank: u32::try_from(rank).unwrap_or(0),
        ranks: u32::try_from(ranks).unwrap_or(0),
        text,
    };
    let count = u32::try_from(ranks)
        .ok()
        .filter(|&count| count != 0 && count as usize <= COMM_MAX_RANKS)
        .ok_or_else(|| refuse(format!("{ranks} ranks are not 1 to {COMM_MAX_RANKS}")))?;
    let own = u32::try_from(rank)
        .ok()
        .filter(|&own| own < count)
        .ok_or_else(|| refuse(format!("rank {rank} is not 0 to {}", count - 1)))?;
    if meeting.is_empty() {
        return Err(refuse("the path at which ranks meet is empty".to_owned()));
    }
    Ok((own, count))
}
