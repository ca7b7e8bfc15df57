//! How values are spread, and parts of a whole.
//!
//! Knows what a percentile and a mean are. Refuses to know what is measured.

use serde::Serialize;

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) total: u64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) min: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut sorted: Vec<u64> = values.into_iter().collect();
        sorted.sort_unstable();
        let total = sorted.iter().sum();
        let mean = ratio(total, sorted.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "figures are for people")]
        let squares: f64 = sorted.iter().map(|&it| (it as f64 - mean).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        let deviation = (squares / sorted.len().max(1) as f64).sqrt();
        Self {
            count: sorted.len(),
            total,
            mean,
            deviation,
            min: sorted.first().copied().unwrap_or(0),
            p50: percentile(&sorted, 50),
            p90: percentile(&sorted, 90),
            p99: percentile(&sorted, 99),
            max: sorted.last().copied().unwrap_or(0),
        }
    }
}

/// A part of a whole; nothing of nothing.
#[expect(clippy::cast_precision_loss, reason = "figures are for people")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// The value that `percent` of them do not exceed; nearest rank.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (percent * sorted.len()).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}
