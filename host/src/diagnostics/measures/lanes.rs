//! The calls of each core in the order they ran.
//!
//! Knows when a core was busy and how each call came onto it. Refuses to know tasks.

use std::collections::BTreeMap;

use platform::diagnostics::Call;

/// The calls of each core in the order they ran.
pub(super) struct Lanes {
    cores: BTreeMap<u32, Vec<usize>>,
    /// The call before each on its core.
    pub(super) before: Vec<Option<usize>>,
}

impl Lanes {
    pub(super) fn of(calls: &[Call]) -> Self {
        let mut cores: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (number, call) in calls.iter().enumerate() {
            if call.ran().is_some() {
                cores.entry(call.core).or_default().push(number);
            }
        }
        let mut before = vec![None; calls.len()];
        for lane in cores.values_mut() {
            lane.sort_by_key(|&number| (calls[number].start, calls[number].end));
            for pair in lane.windows(2) {
                before[pair[1]] = Some(pair[0]);
            }
        }
        Self { cores, before }
    }

    pub(super) fn busy(&self, calls: &[Call]) -> Vec<u64> {
        let busy = |lane: &Vec<usize>| {
            let mut covered = 0;
            let spans = lane.iter().filter_map(|&number| calls[number].ran());
            spans.fold(0, |busy, (start, end)| {
                let from = start.max(covered);
                covered = covered.max(end);
                busy + end.saturating_sub(from)
            })
        };
        self.cores.values().map(busy).collect()
    }

    pub(super) fn head(&self, calls: &[Call], number: usize) -> Head {
        let nothing = Head {
            head: None,
            switch: None,
        };
        let call = &calls[number];
        let Some((start, _)) = call.ran().filter(|_| call.dispatch != 0) else {
            return nothing;
        };
        let before = self.before[number].map(|before| calls[before].end);
        match before.filter(|&end| call.dispatch < end) {
            Some(end) => Head {
                switch: Some(start.saturating_sub(end)),
                ..nothing
            },
            None => Head {
                head: Some(start.saturating_sub(call.dispatch)),
                ..nothing
            },
        }
    }
}

/// How a call came onto its core.
pub(super) struct Head {
    pub(super) head: Option<u64>,
    pub(super) switch: Option<u64>,
}
