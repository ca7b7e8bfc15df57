//! A word that holds code of a case until it is opened.
//!
//! Knows where such a word has to lie so that both the code and the case reach it. Refuses to know what the code does.

use host::DeviceAddress;
use sync::Word32;

use super::bench::Bench;
use super::reach::Memory;
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

    /// Lets the code go; what was on a chip that was reset since has gone with it.
    pub fn open(&self) {
        if let Self::Here(word) = self {
            word.publish(1);
        }
    }
}
