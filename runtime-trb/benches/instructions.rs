//! How many instructions a task costs, for `valgrind --tool=callgrind`.
//!
//! Arguments: the number of a shape and how many tasks. Counts of two runs with different numbers of tasks, subtracted and
//! divided, are stable to the digit:
//!
//! ```text
//! cargo bench --bench instructions --no-run
//! valgrind --tool=callgrind <the binary> 0 20000
//! ```

mod support;

use runtime_trb::{Context, Limits};
use support::{Instantly, SHAPES, alone};
use sync::Crowd;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<u64>().ok());
    let shape = numbers.next().unwrap_or(0);
    let count = numbers.next().unwrap_or(1000);
    let Some((name, _, body)) = usize::try_from(shape)
        .ok()
        .and_then(|shape| SHAPES.get(shape))
    else {
        println!("there are {} shapes, {shape} is none of them", SHAPES.len());
        return;
    };
    let cores = Instantly::new(8);
    let mut context = Context::new(&Limits::default()).expect("the limits are good");
    let crowd = Crowd::on_cores(1);
    let (submitting, all) = alone(&mut context, &cores, &crowd, |orch| body(orch, count));
    println!("{name}: {count} tasks, {submitting:.6} s submitting, {all:.6} s in all");
}
