//! From what was added to what runs.
//!
//! Knows the checks that need the whole graph. Refuses to know how it was built and how it runs.
//!
//! Two passes over the tasks and one over the edges. Only a graph with an edge that leads to no newer task can have a
//! cycle, so only such a graph is walked.

use aicore_abi::seam::KernelEntry;
use protocol::CoreType;

use crate::builder::GraphBuilder;
use crate::error::{Cycle, Error, Result};
use crate::graph::{Graph, Join, KINDS, NO_JOIN, Successor, TaskRecord};

impl GraphBuilder {
    /// Checks the graph and packs it, for a program with these kernels (by function id; address 0 where there is
    /// none).
    ///
    /// # Errors
    ///
    /// The first error a call was refused with; a task whose kernel or core type does not exist; a cycle.
    pub fn seal(mut self, kernels: &[KernelEntry]) -> Result<Graph> {
        match self.error.take() {
            Some(error) => Err(error),
            None => seal(self, kernels),
        }
    }
}

/// Checks and packs.
fn seal(mut draft: GraphBuilder, kernels: &[KernelEntry]) -> Result<Graph> {
    let mut words = core::mem::take(&mut draft.words);
    // A graph may be kept for long, and was given more room than it took in the end.
    words.shrink_to_fit();
    let mut graph = Graph {
        words,
        ..Graph::default()
    };
    pack_tasks(&draft, kernels, &mut graph)?;
    pack_edges(&draft, &mut graph);
    if draft.leads_back
        && let Some(cycle) = find_cycle(&draft, &graph)
    {
        return Err(Error::Cycle { cycle });
    }
    Ok(graph)
}

fn pack_tasks(draft: &GraphBuilder, kernels: &[KernelEntry], graph: &mut Graph) -> Result<()> {
    graph.records.reserve_exact(draft.tasks.len());
    let mut used = vec![false; kernels.len()];
    let mut successors = 0;
    for (task, number) in draft.tasks.iter().zip(0_u32..) {
        let unknown = || Error::UnknownKernel {
            task: number as usize,
            func_id: task.func_id,
        };
        let kernel = u16::try_from(task.func_id).map_err(|_| unknown())?;
        let entry = kernels.get(usize::from(kernel));
        if entry.is_none_or(|entry| entry.address == 0) {
            return Err(unknown());
        }
        let Ok(core) = CoreType::from_wire(task.core_type) else {
            return Err(Error::UnknownCoreType {
                task: number as usize,
                core_type: task.core_type,
            });
        };
        if !used[usize::from(kernel)] {
            used[usize::from(kernel)] = true;
            graph.kernels.push(u32::from(kernel));
        }
        let join = match task.fan_in {
            0 => {
                graph.ready[core as usize].push(number);
                NO_JOIN
            }
            1 => NO_JOIN,
            fan_in => {
                let join = graph.joins.len();
                graph.joins.push(Join {
                    task: number,
                    fan_in,
                });
                u32::try_from(join).expect("there are fewer joins than tasks")
            }
        };
        graph.records.push(TaskRecord {
            kernel,
            tensors: task.tensors,
            core_type: core as u32,
            words: task.words,
            word_count: task.word_count,
            successors,
            // Counts up again while the edges are filled in.
            successor_count: 0,
            fan_in: task.fan_in,
            join,
        });
        successors += task.fan_out;
    }
    Ok(())
}

fn pack_edges(draft: &GraphBuilder, graph: &mut Graph) {
    graph.successors = vec![Successor::join(0); draft.edges.len()];
    for edge in &draft.edges {
        let successor = match graph.records[edge.to as usize].join {
            NO_JOIN => Successor::sole(edge.to),
            join => Successor::join(join),
        };
        let from = &mut graph.records[edge.from as usize];
        let place = from.successors + from.successor_count;
        from.successor_count += 1;
        graph.successors[place as usize] = successor;
    }
}

/// Takes away what can finish; if anything is left, walks back in it until it meets itself.
#[cold]
fn find_cycle(draft: &GraphBuilder, graph: &Graph) -> Option<Cycle> {
    let mut waiting: Vec<u32> = draft.tasks.iter().map(|task| task.fan_in).collect();
    let mut finished: Vec<u32> = (0..KINDS)
        .flat_map(|kind| graph.ready[kind].iter().copied())
        .collect();
    let mut left = waiting.len();
    while let Some(task) = finished.pop() {
        left -= 1;
        for successor in graph.waiting_for(task) {
            waiting[successor as usize] -= 1;
            if waiting[successor as usize] == 0 {
                finished.push(successor);
            }
        }
    }
    if left == 0 {
        return None;
    }
    // Every task that is left waits for another one that is left.
    let mut before = vec![None; waiting.len()];
    for edge in &draft.edges {
        if waiting[edge.from as usize] != 0 && waiting[edge.to as usize] != 0 {
            before[edge.to as usize].get_or_insert(edge.from);
        }
    }
    let mut at = before.iter().flatten().copied().next()?;
    let mut order = vec![None; waiting.len()];
    let mut path = Vec::new();
    while order[at as usize].is_none() {
        order[at as usize] = Some(path.len());
        path.push(at);
        at = before[at as usize]?;
    }
    let mut cycle = path.split_off(order[at as usize]?);
    cycle.reverse();
    // The lowest number first, so that the message does not depend on where the walk began.
    let lowest = (0..cycle.len()).min_by_key(|&index| cycle[index])?;
    cycle.rotate_left(lowest);
    Some(Cycle(cycle))
}
