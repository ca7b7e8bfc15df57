//! Whether a chip's kernels may wait for what another chip does.

use std::sync::Arc;

use sync::{Flag, Word32};

/// One chip's reasons to believe so.
#[derive(Debug, Default)]
pub struct Talking {
    ranks: Word32,
    said: Flag,
}

impl Talking {
    /// Whether there is any reason.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.ranks.own() != 0 || self.said.is_set()
    }

    /// Believes it because somebody says so, or not any more.
    pub(super) fn set(&self, talking: bool) {
        if talking {
            self.said.set();
        } else {
            self.said.clear();
        }
    }

    /// Believes it as long as the result lives.
    pub(super) fn join(self: &Arc<Self>) -> Talks {
        self.ranks.add(1);
        Talks(Arc::clone(self))
    }
}

/// A reason.
#[derive(Debug)]
pub(super) struct Talks(Arc<Talking>);

impl Drop for Talks {
    fn drop(&mut self) {
        self.0.ranks.sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::Talking;
    use std::sync::Arc;

    #[test]
    fn a_chip_talks_as_long_as_there_is_a_reason() {
        let talking = Arc::new(Talking::default());
        assert!(!talking.is_on());
        let (first, second) = (talking.join(), talking.join());
        drop(first);
        assert!(talking.is_on());
        talking.set(true);
        drop(second);
        assert!(talking.is_on());
        talking.set(false);
        assert!(!talking.is_on());
    }
}
