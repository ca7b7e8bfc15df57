//! What every platform does with every runtime, written once.
//!
//! Knows the cases. Refuses to know the platforms and runtimes they are run on: a [`Subject`] is one of each, and how it
//! is reached; [`subjects_by`] lists the simulated ones. A platform joins with one line in [`subject::PLATFORMS`], a
//! runtime with one in `RUNTIMES` and an implementation of [`subject::Runtime`], chips of another kind with an
//! implementation of [`reach::Reach`]: those of real chips are listed where such chips are played, in
//! `tests/virtual-ascend/tests/conformance.rs`.
//!
//! | question | file |
//! | --- | --- |
//! | what has a runtime to bring? | [`subject`], [`trb`], [`hbg`] |
//! | what is different where a chip is reached otherwise? | [`reach`] |
//! | what is a run of the suite? | [`script`] |
//! | how does a case talk to a worker? | [`mod@bench`], [`latch`] |
//! | where does its C++ come from? | [`objects`] |
//! | what is promised? | the other files |

pub mod bench;
pub mod blocks;
pub mod devices;
pub mod diagnostics;
pub mod directions;
pub mod failures;
pub mod hbg;
pub mod latch;
pub mod memory;
pub mod objects;
pub mod prepared;
pub mod ranks;
pub mod reach;
pub mod registration;
pub mod runs;
pub mod script;
pub mod subject;
pub mod trb;

use reach::Way;
use subject::{PLATFORMS, Runtime, Subject};

/// One promise.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What is promised.
    pub name: &'static str,
    /// Panics where the promise is not kept.
    pub run: fn(&Subject),
}

macro_rules! cases {
    ($($module:ident: $($case:ident),+;)+) => {
        &[$($(Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            run: $module::$case,
        },)+)+]
    };
}

/// The runtimes.
const RUNTIMES: &[&dyn Runtime] = &[&trb::Trb, &hbg::Hbg];

/// What every runtime keeps.
const CASES: &[Case] = cases! {
    prepared:
        repeated_runs_of_one_id_load_once,
        two_ids_in_turn_load_once_each,
        a_second_registration_of_an_id_is_refused,
        an_id_is_registered_again_after_it_was_unregistered,
        shared_images_stay_until_their_last_program_goes,
        finalize_takes_registered_programs_along,
        a_failed_load_is_not_counted_and_can_be_tried_again,
        programs_with_one_func_id_and_different_kernels_both_work;
    registration:
        programs_are_registered_before_and_after_init,
        functions_of_this_process_run_where_there_is_no_interface,
        a_bad_program_registered_early_is_named_by_init,
        sixty_four_programs_and_not_one_more,
        ids_out_of_range_or_without_program_are_refused,
        foreign_and_stale_handles_are_refused,
        programs_that_cannot_run_are_refused;
    memory:
        memory_calls_before_init_are_refused,
        copies_stay_in_their_allocation,
        every_allocation_is_counted_and_freed_once,
        finalize_frees_what_is_left,
        memory_belongs_to_its_device,
        resident_tensors_are_passed_through,
        resident_tensors_stay_in_their_allocation;
    directions:
        each_direction_is_kept,
        tensors_beyond_the_signature_go_both_ways,
        a_signature_may_be_longer_than_the_arguments,
        memory_lent_for_reading_is_never_written,
        damage_behind_a_tensor_is_named,
        nothing_comes_back_from_a_failed_run;
    devices:
        devices_run_at_once_and_never_meet,
        calls_may_come_from_any_thread,
        threads_take_turns_on_one_worker,
        programs_come_and_go_while_others_run;
    ranks:
        ranks_write_to_each_others_windows,
        ranks_that_cannot_be_are_refused;
    runs:
        every_number_of_threads_and_clusters,
        scripts_by_chance_compute_what_a_loop_does,
        the_orchestrating_thread_may_schedule_afterwards,
        numbers_that_the_chip_does_not_have_are_refused,
        runs_without_a_task_end,
        arguments_change_from_run_to_run,
        sixty_four_tensors_and_not_one_more,
        tensors_without_an_element_are_bound;
    failures:
        a_reported_code_is_the_runs,
        an_orchestration_that_throws_fails_its_run,
        a_kernel_that_fails_is_named,
        a_kernel_that_is_not_there_is_named,
        an_orchestration_that_never_returns_misses_a_deadline,
        a_kernel_that_never_returns_misses_a_deadline,
        a_run_has_a_deadline_as_a_whole;
    diagnostics:
        every_task_is_written_down_once,
        a_switch_without_a_folder_is_refused,
        a_run_that_is_not_written_down_takes_nothing,
        a_failed_run_is_written_down,
        tensors_are_dumped_before_and_after;
};

/// What only runtimes keep whose orchestration runs on the device: those have blocks, scopes and deferred completion.
const BLOCK_CASES: &[Case] = cases! {
    blocks:
        blocks_run_once_on_every_lane,
        blocks_that_start_together_meet,
        more_blocks_than_can_start_together_are_refused,
        deferred_tasks_complete_when_their_counter_is_reached;
    failures:
        arguments_that_are_missing_are_named,
        scopes_left_open_are_named;
    diagnostics:
        every_lane_of_every_block_is_written_down;
};

/// Every simulated platform with every runtime, embedded; `scratch` is where C++ is compiled.
pub fn subjects(scratch: &'static str) -> impl Iterator<Item = Subject> {
    subjects_by(Way::Embedded, scratch)
}

/// Every simulated platform with every runtime, reached that way.
pub fn subjects_by(way: Way, scratch: &'static str) -> impl Iterator<Item = Subject> {
    PLATFORMS.iter().flat_map(move |platform| {
        RUNTIMES.iter().map(move |&runtime| Subject {
            platform,
            runtime,
            reach: way.reach(),
            scratch,
        })
    })
}

/// The cases for a runtime.
pub fn cases(runtime: &dyn Runtime) -> impl Iterator<Item = &'static Case> {
    let blocks = if runtime.has_blocks() {
        BLOCK_CASES
    } else {
        &[]
    };
    CASES.iter().chain(blocks)
}
