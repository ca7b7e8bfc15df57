//! What goes wrong, and that nothing is left of it.
//!
//! Each case runs in a process of its own: it counts what the process holds, limits what the process may have, and
//! may end it. Knows the cases and how such a process is started. Refuses to know faults that need no process of
//! their own: those are [`conformance::failures`](crate::conformance::failures).
//!
//! | question | file |
//! | --- | --- |
//! | what does a process hold? | [`footprint`] |
//! | how is one started and watched? | [`process`] |
//! | which code cannot be loaded? | [`loading`] |
//! | which code goes wrong when it runs? | [`running`] |
//! | what can be done to libraries? | [`libraries`] |
//! | what may the machine refuse? | [`refusals`], [`limits`] |

pub mod footprint;
pub mod libraries;
pub mod limits;
pub mod loading;
pub mod process;
pub mod refusals;
pub mod running;

use crate::conformance::reach::Way;
use crate::conformance::subject::Subject;

/// What a case needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A small file system in the place of each folder for temporary files.
    FullFolders,
    /// File systems from which nothing is executed in the places of all folders for temporary files.
    NoExec,
}

/// One fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What is promised.
    pub name: &'static str,
    /// Panics where the promise is not kept.
    pub run: fn(&Subject),
    /// What it needs.
    pub needs: Needs,
}

macro_rules! faults {
    ($($module:ident: $($case:ident $needs:ident),+;)+) => {
        &[$($(Fault {
            name: concat!(stringify!($module), "::", stringify!($case)),
            run: $module::$case,
            needs: Needs::$needs,
        },)+)+]
    };
}

/// What every worker keeps.
const FAULTS: &[Fault] = faults! {
    loading:
        orchestrations_that_cannot_be_loaded Nothing,
        kernels_that_cannot_be_loaded Nothing,
        every_truncation_of_an_image Nothing,
        libraries_that_are_not_there Nothing;
    running:
        runs_that_fail_leave_nothing Nothing,
        an_orchestration_that_never_returns_leaves_nothing_when_it_has Nothing,
        a_kernel_that_never_returns_leaves_nothing_when_it_has Nothing,
        workers_may_go_before_code_they_left_behind Nothing,
        workers_in_use_hold_no_more_from_run_to_run Nothing;
};

/// What the machine may refuse to a process that everything is linked into. A library asks for the same things, and
/// besides for what its loader wants: a loader that gets none of it ends the process.
const EMBEDDED: &[Fault] = faults! {
    refusals:
        a_folder_that_is_not_there_is_passed_over Nothing,
        folders_without_room_are_named_and_the_load_can_be_tried_again FullFolders,
        folders_that_execute_nothing_are_passed_over NoExec,
        device_memory_may_end_at_every_allocation Nothing;
    limits:
        address_space_may_end_anywhere Nothing,
        files_may_end_anywhere Nothing;
};

/// What can be done to libraries and their images only.
const LIBRARIES: &[Fault] = faults! {
    libraries:
        a_hundred_loads_leave_nothing Nothing,
        images_that_are_not_of_the_library_are_refused Nothing,
        contexts_with_different_images_run_at_once Nothing,
        libraries_may_be_closed_while_contexts_live Nothing,
        companions_of_others_are_told_what_kernels_ask Nothing;
};

/// The faults that a worker which is reached that way must stand.
pub fn faults(way: Way) -> impl Iterator<Item = &'static Fault> {
    let more = match way {
        Way::Embedded => EMBEDDED,
        Way::Libraries => LIBRARIES,
    };
    FAULTS.iter().chain(more)
}
