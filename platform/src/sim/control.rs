//! The control CPUs of a simulated chip: the AICPU program, linked in, with the runtimes of this build.
//!
//! Knows which runtime a program is for. Refuses to know how a runtime carries out an order.

#[cfg(feature = "hbg")]
mod hbg;
#[cfg(feature = "trb")]
mod trb;

use aicpu::Crew;
use protocol::Arch;

use super::cores::SimCores;
use super::executor::{Executor, RunEnd, RunOrder};
use crate::program::Orchestration;

/// The AICPU program of one chip of family `A`. Runs follow one another, so at most one runtime is at work.
#[derive(Debug, Default)]
pub(super) struct ControlCpus<A: Arch> {
    #[cfg(feature = "trb")]
    trb: aicpu::trb::Executor<A>,
    #[cfg(feature = "hbg")]
    hbg: aicpu::hbg::Executor<A>,
}

impl<A: Arch> Executor for ControlCpus<A> {
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd {
        match &order.program.orchestration {
            #[cfg(feature = "trb")]
            Orchestration::Trb(orchestration) => {
                trb::run(&self.trb, orchestration, order, cores, crew)
            }
            #[cfg(feature = "hbg")]
            Orchestration::Hbg(_) => hbg::run(&self.hbg, order, cores, crew),
        }
    }

    fn progress(&self) -> u64 {
        let runtimes = [
            #[cfg(feature = "trb")]
            self.trb.progress(),
            #[cfg(feature = "hbg")]
            self.hbg.progress(),
        ];
        runtimes.into_iter().fold(0, u64::wrapping_add)
    }

    fn abort(&self) {
        #[cfg(feature = "trb")]
        self.trb.abort();
        #[cfg(feature = "hbg")]
        self.hbg.abort();
    }

    fn describe(&self) -> String {
        let runtimes = [
            #[cfg(feature = "trb")]
            self.trb.describe(),
            #[cfg(feature = "hbg")]
            self.hbg.describe(),
        ];
        let described = runtimes.into_iter().flatten().next();
        described.unwrap_or_else(|| "the orchestration is being loaded".to_owned())
    }

    fn forget(&self, callable_id: i32) {
        #[cfg(feature = "trb")]
        self.trb.forget(callable_id);
        // The host-built runtime keeps what it loads with the program.
        #[cfg(not(feature = "trb"))]
        let _ = callable_id;
    }
}
