//! What every kind of child must keep, as one list: each entry for all kinds it means something for.
//!
//! | entry | also |
//! | --- | --- |
//! | 01 death in every state by every cause | each state alone, and SIGSTOP: `deaths` |
//! | 02 the parent's death | |
//! | 03 a start that never ends | starts that fail, full machines: `starts` |
//! | 04 bad submits | bad workers, too many programs, closures: `submits` |
//! | 05 failing producers | functions that fail, panic, never return: `failures` |
//! | 06 random graphs against a model of one task after the other | submission, completion, failure and death in every order: the loom models of `sync::InTurn` and `sync::Exchange` |
//! | 07 the heap | |
//! | 08 buffers | full machines on either side: `buffers` |
//! | 09 idle workers | the time they use, and everything else that is measured: the bench `l3` |
//! | 10 programs that talk | `windows`, `experts`; refusals: `windows` |
//! | 11 two workers that talk, each among itself | |
//! | 12 few cores | |
//! | 13 where an error comes from | |

use crate::support::{ALL, Case, EXEC, PROCESSES};
use crate::{
    buffers, chips, deaths, experts, failures, graphs, heap, idle, levels, starts, submits, windows,
};

pub(crate) const CASES: &[Case] = &[
    (
        "01_killed_children_are_named",
        PROCESSES,
        deaths::killed_children_are_named,
    ),
    (
        "02_parents_take_their_tree_along",
        PROCESSES,
        deaths::parents_take_their_tree_along,
    ),
    ("03_never_ready", EXEC, starts::never_ready),
    (
        "04_bad_submits_are_refused",
        ALL,
        submits::bad_submits_are_refused,
    ),
    (
        "05_failing_producers_skip_their_consumers",
        ALL,
        failures::failing_producers_skip_their_consumers,
    ),
    (
        "06_random_graphs_match_a_sequential_model",
        ALL,
        graphs::random_graphs,
    ),
    ("07_a_full_heap_says_why", ALL, heap::a_full_heap_says_why),
    (
        "07_slow_heaps_are_waited_for",
        ALL,
        heap::slow_heaps_are_waited_for,
    ),
    (
        "08_buffers_made_late_arrive",
        ALL,
        buffers::buffers_made_late_arrive,
    ),
    (
        "08_buffers_made_late_reach_chips",
        ALL,
        buffers::buffers_made_late_reach_chips,
    ),
    (
        "09_idle_workers_cost_nothing",
        ALL,
        idle::idle_workers_cost_nothing,
    ),
    (
        "10_allreduce_a_hundred_times",
        ALL,
        windows::allreduce_a_hundred_times,
    ),
    (
        "10_feed_forward_a_hundred_times",
        ALL,
        windows::feed_forward_a_hundred_times,
    ),
    (
        "10_deferred_notify_a_hundred_times",
        ALL,
        windows::deferred_notify_a_hundred_times,
    ),
    (
        "10_copies_complete_their_tasks",
        ALL,
        windows::copies_complete_their_tasks,
    ),
    (
        "10_experts_a_hundred_times",
        ALL,
        experts::experts_a_hundred_times,
    ),
    (
        "11_two_workers_do_not_meet",
        &[host::team::Kind::Thread, host::team::Kind::Exec],
        windows::two_workers_do_not_meet,
    ),
    ("12_few_cores_are_enough", ALL, chips::few_cores_are_enough),
    (
        "13_chains_of_origins_are_whole",
        ALL,
        levels::chains_of_origins_are_whole,
    ),
];
