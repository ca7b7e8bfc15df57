//! When everything of a run happened.
//!
//! Knows calls, edges and phases in nanoseconds from a moment just before the first of them, and the file that the
//! reference keeps them in. Refuses to know how they are drawn.
//!
//! In the file a stamp of 0 means that there is none, so no real one may be 0: the origin is one tick before the
//! first stamp.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

use protocol::diagnostics::AicpuPhaseId;
use protocol::recording::{CallRecord, ORCHESTRATOR, PhaseRecord, Section};
use protocol::{Arch, CoreType, TaskId};

use super::text::Micros;
use crate::recording::Recording;

/// One kernel call. Moments are nanoseconds, 0 if unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The task; one with several kernels or blocks has as many calls.
    pub task: u64,
    /// The kernel.
    pub func_id: i32,
    /// The core.
    pub core: u32,
    /// Not a cube core.
    pub vector: bool,
    /// When the scheduler wrote the token.
    pub dispatch: u64,
    /// When the kernel started.
    pub start: u64,
    /// When it returned.
    pub end: u64,
    /// When the scheduler saw that.
    pub finish: u64,
}

impl Call {
    /// Start and end, if both are known.
    #[must_use]
    pub fn ran(&self) -> Option<(u64, u64)> {
        (self.start != 0 && self.end >= self.start).then_some((self.start, self.end))
    }

    /// Dispatch and finish, if both are known.
    #[must_use]
    pub fn held(&self) -> Option<(u64, u64)> {
        (self.dispatch != 0 && self.finish >= self.dispatch).then_some((self.dispatch, self.finish))
    }
}

/// What a control CPU did for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Its name, without `orch_`.
    pub name: String,
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Which round, or which submission.
    pub index: u64,
    /// How many tasks, or which task.
    pub subject: u64,
}

/// When everything of a run happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swimlane {
    /// Kernel calls, by task.
    pub calls: Vec<Call>,
    /// Who waited for whom, each pair once, in order.
    pub edges: Vec<(u64, u64)>,
    /// What each scheduler did.
    pub schedulers: Vec<Vec<Phase>>,
    /// What each orchestrator did.
    pub orchestrators: Vec<Vec<Phase>>,
    /// The scheduler of each core, −1 if it had none.
    pub core_to_thread: Vec<i32>,
    /// Names of kernels that have one.
    pub names: BTreeMap<i32, String>,
    /// Records there was no room for.
    pub dropped: u64,
}

impl Swimlane {
    /// What `recording` says of a run on so many clusters of `A`.
    pub(crate) fn of<A: Arch>(recording: &Recording, clusters: u32) -> Self {
        let moments = |call: &CallRecord| [call.dispatch, call.start, call.end, call.finish];
        let calls = recording.calls.iter().flat_map(moments);
        let phases = recording.phases.iter().flat_map(|it| [it.start, it.end]);
        let first = calls.chain(phases).filter(|&stamp| stamp != 0).min();
        let origin = first.unwrap_or(1) - 1;
        let moment = |stamp: u64| match stamp.checked_sub(origin) {
            None => 0,
            Some(ticks) => nanoseconds::<A>(ticks),
        };
        let mut calls: Vec<Call> = recording
            .calls
            .iter()
            .map(|it| Call {
                task: it.task_id,
                func_id: it.func_id,
                core: u32::from(it.core),
                vector: it.core_type != CoreType::Aic as u8,
                dispatch: moment(it.dispatch),
                start: moment(it.start),
                end: moment(it.end),
                finish: moment(it.finish),
            })
            .collect();
        calls.sort_unstable_by_key(|call| (call.task, call.dispatch, call.core));
        let edges: BTreeSet<(u64, u64)> =
            recording.edges.iter().map(|it| (it.from, it.to)).collect();
        let [schedulers, orchestrators] = lanes::<A>(&recording.phases, moment);
        let mut core_to_thread = vec![-1; (clusters * A::CORES_PER_BLOCK) as usize];
        for call in &recording.calls {
            if let Some(thread) = core_to_thread.get_mut(usize::from(call.core)) {
                *thread = i32::from(call.writer);
            }
        }
        Self {
            calls,
            edges: edges.into_iter().collect(),
            schedulers,
            orchestrators,
            core_to_thread,
            names: BTreeMap::new(),
            dropped: [Section::Calls, Section::Edges, Section::Phases]
                .map(|section| recording.dropped(section))
                .iter()
                .sum(),
        }
    }

    /// What to call a kernel.
    #[must_use]
    pub fn function(&self, func_id: i32) -> String {
        let known = self.names.get(&func_id).cloned();
        known.unwrap_or_else(|| super::text::function(func_id))
    }

    /// The tasks that waited for `task`.
    #[must_use]
    pub fn successors(&self, task: u64) -> &[(u64, u64)] {
        let first = self.edges.partition_point(|&(from, _)| from < task);
        let last = self.edges.partition_point(|&(from, _)| from <= task);
        &self.edges[first..last]
    }

    /// The tasks that each task waited for.
    #[must_use]
    pub fn predecessors(&self) -> HashMap<u64, Vec<u64>> {
        let mut predecessors: HashMap<u64, Vec<u64>> = HashMap::new();
        for &(from, to) in &self.edges {
            predecessors.entry(to).or_default().push(from);
        }
        predecessors
    }

    /// Writes the file that the reference's tools read.
    ///
    /// # Errors
    /// As `to`.
    pub fn write_records(&self, to: &mut dyn Write) -> io::Result<()> {
        let has_phases = !self.schedulers.is_empty() || !self.orchestrators.is_empty();
        let version = if has_phases { 2 } else { 1 };
        write!(to, "{{\n  \"version\": {version},\n  \"tasks\": [")?;
        for (index, call) in self.calls.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (start, end) = (call.start, call.end);
            write!(
                to,
                "{comma}\n    {{\"task_id\": {}, \"func_id\": {}, \"core_id\": {}, \"core_type\": \"{}\", \
                 \"ring_id\": {}, \"start_time_us\": {}, \"end_time_us\": {}, \"duration_us\": {}, \
                 \"dispatch_time_us\": {}, \"finish_time_us\": {}, \"fanout\": [",
                call.task,
                call.func_id,
                call.core,
                if call.vector { "aiv" } else { "aic" },
                TaskId::from_raw(call.task).ring(),
                Micros(start),
                Micros(end),
                Micros(end.saturating_sub(start)),
                Micros(call.dispatch),
                Micros(call.finish),
            )?;
            let successors = self.successors(call.task);
            for (index, (_, successor)) in successors.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(to, "{comma}{successor}")?;
            }
            write!(to, "], \"fanout_count\": {}}}", successors.len())?;
        }
        write!(to, "\n  ]")?;
        if has_phases {
            write_phases(to, "aicpu_scheduler_phases", &self.schedulers, |phase| {
                format!(
                    "\"phase\": \"{}\", \"loop_iter\": {}, \"tasks_processed\": {}",
                    phase.name, phase.index, phase.subject
                )
            })?;
            write_phases(
                to,
                "aicpu_orchestrator_phases",
                &self.orchestrators,
                |phase| {
                    format!(
                        "\"phase\": \"orch_{}\", \"submit_idx\": {}, \"task_id\": {}",
                        phase.name, phase.index, phase.subject
                    )
                },
            )?;
            write!(to, ",\n  \"core_to_thread\": {:?}", self.core_to_thread)?;
        }
        writeln!(to, "\n}}")
    }
}

/// The phases of each thread as a scheduler, and as the one that submits.
fn lanes<A: Arch>(records: &[PhaseRecord], moment: impl Fn(u64) -> u64) -> [Vec<Vec<Phase>>; 2] {
    let threads = A::MAX_AICPU_THREADS as usize;
    let phase = |record: &PhaseRecord| {
        let id = AicpuPhaseId::from_wire(u32::from(record.phase)).ok()?;
        Some(Phase {
            name: phase_name(id).to_owned(),
            start: moment(record.start),
            end: moment(record.end),
            index: u64::from(record.index),
            subject: record.subject,
        })
    };
    let mut schedulers = vec![Vec::new(); threads];
    let mut orchestrators = vec![Vec::new(); threads];
    for record in records {
        let writer = usize::from(record.writer);
        let lane = match writer {
            // The last thread submits.
            ORCHESTRATOR => orchestrators.last_mut(),
            writer => schedulers.get_mut(writer),
        };
        if let (Some(lane), Some(phase)) = (lane, phase(record)) {
            lane.push(phase);
        }
    }
    for lane in schedulers.iter_mut().chain(&mut orchestrators) {
        lane.sort_by_key(|phase| phase.start);
    }
    if records.is_empty() {
        schedulers.clear();
        orchestrators.clear();
    }
    [schedulers, orchestrators]
}

fn write_phases(
    to: &mut dyn Write,
    key: &str,
    lanes: &[Vec<Phase>],
    rest: impl Fn(&Phase) -> String,
) -> io::Result<()> {
    write!(to, ",\n  \"{key}\": [")?;
    for (index, lane) in lanes.iter().enumerate() {
        write!(to, "{}\n    [", if index == 0 { "" } else { "," })?;
        for (index, phase) in lane.iter().enumerate() {
            write!(
                to,
                "{}\n      {{\"start_time_us\": {}, \"end_time_us\": {}, {}}}",
                if index == 0 { "" } else { "," },
                Micros(phase.start),
                Micros(phase.end),
                rest(phase)
            )?;
        }
        write!(to, "]")?;
    }
    write!(to, "\n  ]")
}

/// Ticks of `A` in nanoseconds.
fn nanoseconds<A: Arch>(ticks: u64) -> u64 {
    let nanoseconds = u128::from(ticks) * 1_000_000_000 / u128::from(A::COUNTER_HZ);
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

const fn phase_name(phase: AicpuPhaseId) -> &'static str {
    match phase {
        AicpuPhaseId::SchedComplete => "complete",
        AicpuPhaseId::SchedDispatch => "dispatch",
        AicpuPhaseId::SchedScan => "scan",
        AicpuPhaseId::SchedIdleWait => "idle",
        AicpuPhaseId::OrchSync => "sync",
        AicpuPhaseId::OrchAlloc => "alloc",
        AicpuPhaseId::OrchParams => "params",
        AicpuPhaseId::OrchLookup => "lookup",
        AicpuPhaseId::OrchHeap => "heap",
        AicpuPhaseId::OrchInsert => "insert",
        AicpuPhaseId::OrchFanin => "fanin",
        AicpuPhaseId::OrchFinalize => "finalize",
        AicpuPhaseId::OrchScopeEnd => "scope_end",
    }
}
