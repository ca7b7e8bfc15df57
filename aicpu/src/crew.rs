//! The threads of a machine, as a run on the control CPUs sees them.

use std::sync::Arc;

use sync::Crowd;

/// The threads that a run may use besides its own.
///
/// On a chip every control CPU has a role of its own and nobody is called; in simulation there are
/// as many threads as the machine has cores, and they come when there is work to share.
pub trait Crew: Sync {
    /// How many threads can help at once.
    fn helpers(&self) -> usize;

    /// Runs `lead` on this thread. Until it returns, helpers that are called run `assist`, and `news` is
    /// called whenever a look at the cores may show something new. Returns when `lead` has returned and
    /// every helper has left `assist`.
    ///
    /// Calls helpers by itself for kernels that are worth a thread.
    fn together(
        &self,
        news: &(dyn Fn() + Sync),
        assist: &(dyn Fn() + Sync),
        lead: &mut dyn FnMut(),
    );

    /// Calls one more helper, if there is one; cheap if there is not.
    fn call(&self);

    /// The threads that want to run at the same time.
    fn crowd(&self) -> &Arc<Crowd>;
}
