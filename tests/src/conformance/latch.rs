//! A word that holds code of a case until it is opened.
//!
//! Knows where such a word has to lie so that both the code and the case reach it. Refuses to know what the code does.

use host::DeviceAddress;
use sync::Word32;

use super::bench::Bench;
use super::reach::{Loss, Memory};
use super::subject::Loads;

/// Where code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Where the runtime's orchestrations do.
    Orchestration,
    /// On a core.
    Kernel,
}

/// The word.
#[derive(Debug)]
pub enum Latch {
    /// In this process; code that was left behind looks at it once more when it was opened, so it is never given back.
    Here(&'static Word32),
    /// In memory of the chip, which it goes with.
    OnChip(DeviceAddress),
}

impl Latch {
    /// A closed one that code which runs there reaches.
    ///
    /// # Panics
    /// When the chip has no memory for it.
    #[must_use]
    pub fn closed(bench: &Bench<'_>, place: Where) -> Self {
        let of_the_host =
            place == Where::Orchestration && bench.subject.runtime.loads() == Loads::AtRegistration;
        match bench.subject.terms().memory {
            Memory::OfTheChip { .. } if !of_the_host => {
                Self::OnChip(bench.worker.malloc(64).expect("little memory"))
            }
            _ => Self::Here(Box::leak(Box::default())),
        }
    }

    /// Its address, for the code that looks at it.
    #[must_use]
    pub fn address(&self) -> u64 {
        match self {
            Self::Here(word) => core::ptr::from_ref(*word).expose_provenance() as u64,
            Self::OnChip(address) => address.0,
        }
    }

    /// Lets the code go, unless the chip was lost to it: what was on that has gone with it.
    ///
    /// # Panics
    /// When the chip does not take it.
    pub fn open(&self, bench: &Bench<'_>, loss: Loss) {
        match self {
            Self::Here(word) => word.publish(1),
            Self::OnChip(address) if loss == Loss::Run => {
                let opened = bench.worker.copy_to(*address, &[1_u32]);
                opened.expect("memory of its own");
            }
            Self::OnChip(_) => {}
        }
    }
}
