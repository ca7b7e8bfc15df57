//! Windows through which chips see each other's memory, whatever chips they are.

use core::fmt::Debug;

use crate::address::DeviceAddress;
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
