//! What runs that are under way were told to copy back.
//!
//! Knows a run by the address of the buffer its caller lent. Refuses to look into the buffer: nothing
//! of a run is in it.

use core::ffi::c_void;
use std::sync::Mutex;

use super::guard::CallError;
use crate::lock::lock;

/// Device memory that becomes host memory at the end of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) host: usize,
    pub(super) device: u64,
    pub(super) bytes: usize,
}

/// The runs that are under way.
#[derive(Debug)]
pub(super) struct Runs(Mutex<Vec<(usize, Vec<Pair>)>>);

impl Runs {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A run with the buffer at `buffer` is under way until the result is dropped.
    pub(super) fn begin(&self, buffer: *mut c_void) -> UnderWay<'_> {
        let buffer = buffer.addr();
        lock(&self.0).push((buffer, Vec::new()));
        UnderWay { runs: self, buffer }
    }

    /// Adds a pair to the run whose buffer is at `buffer`.
    pub(super) fn record(&self, buffer: *mut c_void, pair: Pair) -> Result<(), CallError> {
        let buffer = buffer.addr();
        let mut runs = lock(&self.0);
        let (_, pairs) = runs
            .iter_mut()
            .rfind(|(of, _)| *of == buffer)
            .ok_or(CallError::NoRun { buffer })?;
        pairs.push(pair);
        Ok(())
    }
}

/// One run.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    runs: &'a Runs,
    buffer: usize,
}

impl UnderWay<'_> {
    /// The pairs that were recorded so far.
    pub(super) fn take_pairs(&self) -> Vec<Pair> {
        lock(&self.runs.0)
            .iter_mut()
            .rfind(|(of, _)| *of == self.buffer)
            .map(|(_, pairs)| core::mem::take(pairs))
            .unwrap_or_default()
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut runs = lock(&self.runs.0);
        if let Some(place) = runs.iter().rposition(|(of, _)| *of == self.buffer) {
            runs.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::ptr;

    use super::{Pair, Runs};

    #[test]
    fn a_pair_belongs_to_a_run_that_is_under_way() {
        let runs = Runs::new();
        let buffer = ptr::without_provenance_mut(64);
        let pair = Pair {
            host: 1,
            device: 2,
            bytes: 3,
        };
        runs.record(buffer, pair).expect_err("no run yet");
        let run = runs.begin(buffer);
        runs.record(buffer, pair).expect("a run is under way");
        assert_eq!(run.take_pairs().len(), 1);
        drop(run);
        runs.record(buffer, pair).expect_err("it has ended");
    }
}
