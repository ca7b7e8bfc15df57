//! What differs between simulated chips of two families, as numbers.
//!
//! Knows where registers are and how a chip counts time. Refuses to know what they are used for.

use aicore_abi::recorder::Clock;
use protocol::Arch;
use sync::Register;

use super::clock;

/// What differs between chip families, as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    name: &'static str,
    pub(super) cores: usize,
    pub(super) block: usize,
    pub(super) token: usize,
    pub(super) status: usize,
    pub(super) clock: Clock,
}

impl Family {
    /// The numbers of `A`.
    #[must_use]
    pub fn of<A: Arch>() -> Self {
        let word = |offset| {
            let place =
                A::sim_register_place(offset).expect("every family simulates its registers");
            place / size_of::<Register>()
        };
        Self {
            name: A::NAME,
            cores: A::WORKER_SLOTS,
            block: A::SIM_REGISTER_BLOCK / size_of::<Register>(),
            token: word(A::REGISTERS.data_main_base),
            status: word(A::REGISTERS.cond),
            clock: clock::counter::<A>,
        }
    }

    /// The family's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
