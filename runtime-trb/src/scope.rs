//! Which scopes are open, and which tasks they pin.
//!
//! Knows depths, modes and numbers of tasks. Refuses to know records: a scope pins its tasks by arithmetic.
//!
//! A task remembers the depth it was submitted at. Its scope is still open exactly if that depth is still open and
//! the scope there was begun before the task was numbered: a later scope at the same depth has a larger first
//! number. So ending a scope costs nothing per task.

use aicore_abi::orchestration::trb::ScopeMode;
use protocol::limits::trb::MAX_SCOPE_DEPTH;

use crate::error::Fatal;
use crate::limits::RINGS;

#[derive(Clone, Copy, Debug, Default)]
struct Scope {
    /// The first number its ring gives out while it is open.
    first: u32,
    /// Tasks submitted directly in it.
    tasks: u32,
}

/// The open scopes, outermost first.
#[derive(Debug)]
pub(crate) struct ScopeStack {
    scopes: [Scope; MAX_SCOPE_DEPTH],
    depth: usize,
    /// Depth of the outermost manual scope; everything inside is manual too.
    manual_from: Option<usize>,
}

impl ScopeStack {
    /// No scope is open.
    pub(crate) fn new() -> Self {
        Self {
            scopes: [Scope::default(); MAX_SCOPE_DEPTH],
            depth: 0,
            manual_from: None,
        }
    }

    /// Closes all scopes.
    pub(crate) const fn clear(&mut self) {
        self.depth = 0;
        self.manual_from = None;
    }

    /// How many scopes are open.
    #[inline]
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// The ring that a scope opened now would use.
    #[inline]
    pub(crate) fn next_ring(&self) -> usize {
        self.depth.min(RINGS - 1)
    }

    /// The ring and the depth of tasks submitted now.
    ///
    /// # Errors
    /// When no scope is open.
    #[inline]
    pub(crate) fn innermost(&self) -> Result<(usize, u8), Fatal> {
        let depth = self.depth.checked_sub(1).ok_or(Fatal::NoScope)?;
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        Ok((depth.min(RINGS - 1), depth as u8))
    }

    /// Whether the user orders the tasks submitted now.
    #[inline]
    pub(crate) const fn is_manual(&self) -> bool {
        self.manual_from.is_some()
    }

    /// Opens a scope whose ring gives out `first` next.
    ///
    /// # Errors
    /// When it is automatic inside a manual one, or there are too many.
    #[inline]
    pub(crate) fn begin(&mut self, mode: ScopeMode, first: u32) -> Result<(), Fatal> {
        if mode == ScopeMode::Auto && self.is_manual() {
            return Err(Fatal::AutoInsideManual);
        }
        let scope = self.scopes.get_mut(self.depth).ok_or(Fatal::ScopeTooDeep)?;
        *scope = Scope { first, tasks: 0 };
        if mode == ScopeMode::Manual && self.manual_from.is_none() {
            self.manual_from = Some(self.depth);
        }
        self.depth += 1;
        Ok(())
    }

    /// Closes the innermost scope.
    ///
    /// # Errors
    /// When none is open.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), Fatal> {
        self.depth = self.depth.checked_sub(1).ok_or(Fatal::NoScope)?;
        if self.manual_from == Some(self.depth) {
            self.manual_from = None;
        }
        Ok(())
    }

    /// Tasks directly in the innermost scope.
    #[inline]
    pub(crate) fn tasks(&self) -> u32 {
        self.depth
            .checked_sub(1)
            .map_or(0, |depth| self.scopes[depth].tasks)
    }

    /// Counts a task submitted now.
    #[inline]
    pub(crate) fn add_task(&mut self) {
        if let Some(depth) = self.depth.checked_sub(1) {
            self.scopes[depth].tasks += 1;
        }
    }

    /// Whether the scope that task `local` was submitted in, at `depth`, is still open.
    #[inline]
    pub(crate) fn pins(&self, depth: u8, local: u32) -> bool {
        let depth = usize::from(depth);
        depth < self.depth && local.wrapping_sub(self.scopes[depth].first) < u32::MAX / 2
    }
}

#[cfg(test)]
mod tests {
    use aicore_abi::orchestration::trb::ScopeMode::{Auto, Manual};

    use super::ScopeStack;
    use crate::error::Fatal;

    #[test]
    fn a_scope_pins_its_own_tasks_and_no_others() {
        let mut scopes = ScopeStack::new();
        scopes.begin(Auto, 0).expect("outermost");
        for _ in 0..3 {
            scopes.begin(Auto, 0).expect("below the limit");
        }
        // Depth 3 and 4 share a ring.
        let outer = 7;
        scopes.begin(Auto, 8).expect("below the limit");
        let inner = 8;
        assert!(scopes.pins(3, outer) && scopes.pins(4, inner));
        scopes.end().expect("open");
        assert!(scopes.pins(3, outer) && !scopes.pins(4, inner));
        scopes.begin(Auto, 9).expect("below the limit");
        assert!(
            scopes.pins(3, outer) && !scopes.pins(4, inner),
            "a later scope at the same depth does not pin it"
        );
    }

    #[test]
    fn manual_mode_lasts_until_the_outermost_manual_scope_ends() {
        let mut scopes = ScopeStack::new();
        scopes.begin(Auto, 0).expect("outermost");
        scopes.begin(Manual, 0).expect("manual inside auto");
        scopes.begin(Manual, 0).expect("manual inside manual");
        assert_eq!(scopes.begin(Auto, 0), Err(Fatal::AutoInsideManual));
        scopes.end().expect("open");
        assert!(scopes.is_manual());
        scopes.end().expect("open");
        assert!(!scopes.is_manual());
    }

    #[test]
    fn the_sixty_fifth_scope_is_refused() {
        let mut scopes = ScopeStack::new();
        for _ in 0..64 {
            scopes.begin(Auto, 0).expect("below the limit");
        }
        assert_eq!(scopes.begin(Auto, 0), Err(Fatal::ScopeTooDeep));
        assert_eq!(scopes.innermost(), Ok((3, 63)));
        for _ in 0..64 {
            scopes.end().expect("open");
        }
        assert_eq!(scopes.end(), Err(Fatal::NoScope));
    }
}
