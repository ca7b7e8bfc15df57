//! A graph in words, for the log.
//!
//! Knows what is worth saying and how much of it. Refuses to be asked for by a run.

use core::fmt::Write;

use crate::builder::GraphBuilder;

/// Characters of the list of tasks that wait for nothing.
const READY_TEXT: usize = 1000;
/// Characters of the list of one task's successors.
const SUCCESSORS_TEXT: usize = 500;

/// Logs the graph, task by task, at debug level.
pub(crate) fn print(graph: &GraphBuilder) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    for line in lines(graph) {
        log::debug!("{line}");
    }
}

fn lines(graph: &GraphBuilder) -> Vec<String> {
    let mut successors = vec![Vec::new(); graph.tasks.len()];
    for edge in &graph.edges {
        successors[edge.from as usize].push(edge.to);
    }
    let ready = (0_u32..)
        .zip(&graph.tasks)
        .filter(|(_, task)| task.fan_in == 0)
        .map(|(number, _)| number);
    let mut lines = vec![format!(
        "{} tasks, {} edges; initially ready: {}",
        graph.tasks.len(),
        graph.edges.len(),
        list(ready, READY_TEXT)
    )];
    for ((number, task), successors) in graph.tasks.iter().enumerate().zip(successors) {
        lines.push(format!(
            "task {number}: func_id={}, fanin={}, fanout={}, args={} [{}]",
            task.func_id,
            task.fan_in,
            task.fan_out,
            task.word_count,
            list(successors.into_iter(), SUCCESSORS_TEXT)
        ));
    }
    lines
}

/// Numbers with commas, up to `limit` characters.
fn list(numbers: impl Iterator<Item = u32>, limit: usize) -> String {
    let mut text = String::new();
    for number in numbers {
        let separator = if text.is_empty() { "" } else { ", " };
        if text.len() >= limit {
            text.push_str(", ...");
            break;
        }
        write!(text, "{separator}{number}").expect("a string takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{SUCCESSORS_TEXT, lines};
    use crate::builder::GraphBuilder;

    #[test]
    fn a_graph_is_one_line_per_task_of_limited_length() {
        let mut graph = GraphBuilder::new();
        for _ in 0..2000 {
            graph.add_task(3, 1, &[7]).expect("room");
        }
        for to in 1..2000 {
            graph.add_edge(0, to).expect("both exist");
        }
        let lines = lines(&graph);
        assert_eq!(lines.len(), 2001);
        assert_eq!(lines[0], "2000 tasks, 1999 edges; initially ready: 0");
        assert!(lines[1].starts_with("task 0: func_id=3, fanin=0, fanout=1999, args=1 [1, 2, 3"));
        assert!(lines[1].ends_with(", ...]") && lines[1].len() < SUCCESSORS_TEXT + 100);
        assert_eq!(lines[2], "task 1: func_id=3, fanin=1, fanout=0, args=1 []");
    }
}
