//! Random graphs against the order they ask for.

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest,
};
use runtime_hbg::{Context, Error, GraphBuilder};

use crate::machine::{KERNELS, Machine, Manner};

/// Tasks by core type, and edges between any two of them.
fn graphs(tasks: usize) -> impl Strategy<Value = (Vec<bool>, Vec<(usize, usize)>)> {
    (1..tasks).prop_flat_map(|count| {
        let edges = proptest::collection::vec((0..count, 0..count), 0..3 * count);
        (proptest::collection::vec(any::<bool>(), count), edges)
    })
}

fn builder(cores: &[bool], edges: impl Iterator<Item = (usize, usize)>) -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    for (number, &is_vector) in cores.iter().enumerate() {
        let words = vec![number as u64; 1 + number % 20];
        let core = i32::from(is_vector);
        graph
            .add_task(i32::try_from(number % 8).expect("small"), core, &words)
            .expect("room");
    }
    for (from, to) in edges {
        let number = |task: usize| u32::try_from(task).expect("few");
        graph
            .add_edge(number(from), number(to))
            .expect("both exist");
    }
    graph
}

/// Whether there is a cycle, the plain way: what can be taken away is taken away.
fn has_cycle(count: usize, edges: &[(usize, usize)]) -> bool {
    let mut left: Vec<usize> = (0..count).collect();
    loop {
        let before = left.len();
        let stays = |task: &usize, left: &[usize]| {
            edges
                .iter()
                .any(|(from, to)| to == task && left.contains(from))
        };
        left = left
            .iter()
            .copied()
            .filter(|task| stays(task, &left))
            .collect();
        if left.len() == before {
            return !left.is_empty();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// Edges lead to newer tasks, or to older ones, whichever; each task runs once and after what it waits for.
    #[test]
    fn any_graph_without_cycles_runs_in_order(
        (cores, edges) in graphs(120),
        backwards in any::<bool>(),
        clusters in 1_u16..5,
        roles in 1_u8..5,
        drivers in 1_usize..4,
        manner in proptest::prop_oneof![Just(Manner::Prompt), any::<u64>().prop_map(Manner::Slow)],
    ) {
        let ordered = edges.iter().filter(|(from, to)| from != to).map(|&(from, to)| {
            let (low, high) = (from.min(to), from.max(to));
            if backwards { (high, low) } else { (low, high) }
        });
        let graph = builder(&cores, ordered).seal(&KERNELS).expect("no cycle");
        let machine = Machine::new(&graph, clusters, manner);
        let report = machine.run(&mut Context::new(), roles, drivers).expect("a good run");
        prop_assert_eq!(report.completed, cores.len() as u64);
        prop_assert!(machine.all_ran_once());
    }

    /// A cycle is found if there is one, and what is named is one.
    #[test]
    fn cycles_are_found_and_named((cores, edges) in graphs(30)) {
        match builder(&cores, edges.iter().copied()).seal(&KERNELS) {
            Ok(_) => prop_assert!(!has_cycle(cores.len(), &edges)),
            Err(Error::Cycle { cycle }) => {
                prop_assert!(!cycle.0.is_empty());
                for (at, &from) in cycle.0.iter().enumerate() {
                    let to = cycle.0[(at + 1) % cycle.0.len()];
                    prop_assert!(edges.contains(&(from as usize, to as usize)));
                }
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
