//! Who gets what next: nobody waits behind a task that cannot start, and groups do start.
//!
//! Nothing here looks at the clock: a task that were held up would hold up the one it waits for, and the case would
//! never end.

use host::team::{Args, Kind};

use crate::support::{ALL, Case, chips, config, floats, function, ints, loaded, subs};

pub(crate) const CASES: &[Case] = &[
    (
        "a_busy_child_holds_nobody_up",
        ALL,
        a_busy_child_holds_nobody_up,
    ),
    ("groups_do_not_starve", ALL, groups_do_not_starve),
    (
        "busy_chips_hold_no_function_up",
        ALL,
        busy_chips_hold_no_function_up,
    ),
    (
        "parts_of_a_buffer_do_not_meet",
        ALL,
        parts_of_a_buffer_do_not_meet,
    ),
];

fn a_busy_child_holds_nobody_up(kind: Kind) {
    let worker = subs(kind, 2);
    let (word, last) = (ints(&worker, &[0]), ints(&worker, &[0]));
    let (wait, store) = (
        function(&worker, "wait_for_word"),
        function(&worker, "store"),
    );
    let run = worker.run(|graph| {
        let args = Args::new().no_dep(&word).scalar(1);
        graph.sub(&wait).on(0).args(args).submit()?;
        // First in its queue, and cannot start.
        let args = Args::new().output_existing(&last).scalar(3);
        graph.sub(&store).on(0).args(args).submit()?;
        // What the busy child waits for comes after it.
        let args = Args::new().no_dep(&word).scalar(1);
        graph.sub(&store).args(args).submit()?;
        Ok(())
    });
    run.expect("the second child does what the first waits for");
    assert_eq!(loaded(&last), [3]);
}

/// What is submitted after a group does not take the children that it waits for.
fn groups_do_not_starve(kind: Kind) {
    let worker = subs(kind, 2);
    let gate = ints(&worker, &[0]);
    let words = [ints(&worker, &[0]), ints(&worker, &[0])];
    let wait = function(&worker, "wait_for_word");
    let (store, check) = (function(&worker, "store"), function(&worker, "check"));
    let run = worker.submit_run(|graph| {
        let args = Args::new().no_dep(&gate).scalar(1);
        graph.sub(&wait).on(0).args(args).submit()?;
        let members = words.iter().map(|word| Args::new().no_dep(word).scalar(1));
        graph.sub(&store).group(members).on_each([0, 1]).submit()?;
        // Child 1 has nothing to do yet and would take all of these before the group could start.
        for _ in 0..20 {
            let args = Args::new().no_dep(&words[1]).scalar(1);
            graph.sub(&check).on(1).args(args).submit()?;
        }
        Ok(())
    });
    let run = run.expect("it is built");
    gate.store(&[1]).expect("it fits");
    run.result()
        .expect("the group came before what was submitted after it");
}

/// The only chip waits for what a host function does, which was submitted after it.
fn busy_chips_hold_no_function_up(kind: Kind) {
    let worker = chips(kind, &[("a2a3sim", 1)]);
    let program = worker.named_program("notify").expect("it is registered");
    let parts = [("mailbox", 256), ("counter", 4)];
    let comm = worker.communicator(&[0], 4096, &parts).expect("it joins");
    let (input, result) = (floats(&worker, 3.0, 64), floats(&worker, 0.0, 64));
    let run = worker.run(|graph| {
        // The program itself counts to 1; it waits for 5.
        let args = Args::new()
            .input(&input)
            .inout(&comm.tensor::<f32>(0, "mailbox", &[64])?)
            .inout(&comm.tensor::<i32>(0, "counter", &[1])?)
            .output_existing(&result)
            .scalar(comm.context(0)?)
            .scalar(5_u32);
        graph.submit_next_level(&program, args, &config())?;
        let wait = Args::new().no_dep(&comm.host_tensor::<i32>(0, "counter", &[1])?);
        graph.submit_sub(&function(&worker, "wait_for_word"), wait.clone().scalar(1))?;
        graph.submit_sub(&function(&worker, "store"), wait.scalar(5))?;
        Ok(())
    });
    run.expect("the function runs while the chip is busy");
    assert_eq!(result.load::<f32>().expect("floats"), [3.0; 64]);
}

/// Two tasks that must meet work on disjoint parts of one buffer: an edge between them would be a deadlock.
fn parts_of_a_buffer_do_not_meet(kind: Kind) {
    let worker = subs(kind, 2);
    let whole = ints(&worker, &[0; 8]);
    let word = ints(&worker, &[0]);
    let (wait, store) = (
        function(&worker, "wait_for_word"),
        function(&worker, "store"),
    );
    let run = worker.run(|graph| {
        let low = whole.rows(0, 4)?;
        let args = Args::new().no_dep(&word).inout(&low).scalar(1);
        graph.sub(&wait).args(args).submit()?;
        let high = whole.rows(4, 4)?;
        let args = Args::new().no_dep(&word).inout(&high).scalar(1);
        graph.sub(&store).args(args).submit()?;
        Ok(())
    });
    run.expect("they run at the same time");
}
