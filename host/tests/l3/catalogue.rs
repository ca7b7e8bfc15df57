//! What parent and children know by name.

use core::time::Duration;

use aicore_abi::call::{Call as KernelCall, CallError, zip_map};
use host::team::{Args, Call, Catalogue, Failure};
use host::{CoreType, Kernels, Program, ProgramBuilder};
use protocol::ArgDirection::{In, Out};

use crate::{deaths, experts, mortal, windows};

/// Functions that every worker of the cases has.
pub(crate) const FUNCTIONS: &[&str] = &[
    "add",
    "store",
    "store_slowly",
    "check",
    "same",
    "fail",
    "complain",
    "panic",
    "nap",
    "forever",
    "wait_for_word",
    "die",
    "die_at_word",
    "die_later",
    "nothing",
];

/// Programs that every worker with chips has.
pub(crate) const PROGRAMS: &[&str] = &[
    "sum",
    "sum_hbg",
    "matmul",
    "allreduce",
    "notify",
    "copies",
    "experts",
];

/// An error with a type of its own.
#[derive(Debug, thiserror::Error)]
#[error("begin{}end", "+".repeat(*.0))]
struct Complaint(usize);

/// The names and what they stand for.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new()
        .function("nothing", |_| Ok(()))
        .function("add", |call| {
            let by: i32 = call.scalar(0)?;
            let values: Vec<i32> = call.load(0)?;
            let sums: Vec<i32> = values.iter().map(|it| it + by).collect();
            Ok(call.store(0, &sums)?)
        })
        .function("mix", |call| {
            let by: i32 = call.scalar(0)?;
            let values: Vec<i32> = call.load(0)?;
            let mixed: Vec<i32> = values.iter().map(|it| it * 3 % 1009 + by).collect();
            Ok(call.store(0, &mixed)?)
        })
        .function("store", store)
        .function("store_slowly", |call| {
            std::thread::sleep(Duration::from_millis(call.scalar(1)?));
            store(call)
        })
        .function("check", |call| {
            let wanted: i32 = call.scalar(0)?;
            for tensor in 0..call.tensor_count() {
                let values: Vec<i32> = call.load(tensor)?;
                if values.iter().any(|&it| it != wanted) {
                    return Err(Failure::msg(format!(
                        "tensor {tensor} is {values:?}, not {wanted}"
                    )));
                }
            }
            Ok(())
        })
        .function("same", |call| {
            let first: Vec<f32> = call.load(0)?;
            for tensor in 1..call.tensor_count() {
                assert_eq!(call.load::<f32>(tensor)?, first, "tensor {tensor}");
            }
            Ok(())
        })
        .function("fail", |_| Ok("none".parse::<i32>().map(drop)?))
        .function("complain", |call| {
            let length: u32 = call.scalar(0)?;
            Err(Complaint(length as usize).into())
        })
        .function("panic", |_| panic!("the roof is on fire"))
        .function("nap", nap)
        .function("forever", |call| {
            loop {
                nap(call)?;
            }
        })
        .function("die", |call| deaths::die(call.scalar(0)?))
        .function("wait_for_word", wait_for_word)
        .function("die_at_word", |call| {
            wait_for_word(call)?;
            deaths::die(call.scalar(0)?)
        })
        .function("die_later", |call| {
            let cause = call.scalar(0)?;
            // SAFETY: the case has the word until this process is dead, so it stays mapped.
            let word = unsafe { sync::Word32::at(call.address(0)?.cast()) };
            std::thread::spawn(move || {
                while word.observe() == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                deaths::die(cause)
            });
            Ok(())
        })
        .function("descriptors", |call| {
            use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
            let limit = getrlimit(Resource::Nofile);
            let wanted: i32 = call.scalar(0)?;
            let current = if wanted == 0 { Some(3) } else { limit.maximum };
            Ok(setrlimit(Resource::Nofile, Rlimit { current, ..limit })?)
        })
        .graph("inner_fail", |graph, call| {
            let length: u32 = call.scalar(0)?;
            let complain = graph.function("complain")?;
            graph
                .sub(&complain)
                .args(Args::new().scalar(length))
                .submit()?;
            Ok(())
        })
        .graph("inner_forever", |graph, _| {
            let forever = graph.function("forever")?;
            graph
                .sub(&forever)
                .args(Args::new().scalar(10_u64))
                .submit()?;
            Ok(())
        })
        .graph("inner_add", |graph, call| {
            let add = graph.function("add")?;
            let tensor = call.tensor(0)?;
            let by: i32 = call.scalar(0)?;
            for _ in 0..2 {
                graph
                    .sub(&add)
                    .args(Args::new().inout(&tensor).scalar(by))
                    .submit()?;
            }
            Ok(())
        })
        .program("sum", sum)
        .program("sum_hbg", sum_hbg)
        .program("matmul", windows::matmul)
        .program("allreduce", windows::allreduce)
        .program("notify", windows::notify)
        .program("copies", windows::copies)
        .program("experts", experts::program)
        .platform("mortalsim", mortal::device)
}

fn wait_for_word(call: &Call<'_>) -> Result<(), Failure> {
    while call.load::<i32>(0)? == [0] {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn store(call: &Call<'_>) -> Result<(), Failure> {
    let value: i32 = call.scalar(0)?;
    let count: usize = call.load::<i32>(0)?.len();
    Ok(call.store(0, &vec![value; count])?)
}

fn nap(call: &Call<'_>) -> Result<(), Failure> {
    let millis: u64 = call.scalar(0)?;
    std::thread::sleep(Duration::from_millis(millis));
    Ok(())
}

fn add(call: &KernelCall<'_>) -> Result<(), CallError> {
    let (a, b, out) = (call.tensor(0)?, call.tensor(1)?, call.tensor(2)?);
    zip_map(&a, &b, &out, |a: f32, b: f32| a + b)
}

/// A chip program: the sum of two vectors.
pub(crate) fn sum() -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aiv, add)
        .orchestration(|scope, args| {
            let (a, b, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            scope
                .task(Kernels::aiv(0))
                .input(&a)
                .input(&b)
                .write(&out)
                .submit()?;
            Ok(())
        })
}

/// The same, its graph described before it runs.
fn sum_hbg() -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, Out])
        .kernel(0, CoreType::Aiv, add)
        .graph(|graph, args| {
            let (a, b, out) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let task = graph.task(0, CoreType::Aiv);
            task.tensor(&a).tensor(&b).tensor(&out).first();
            Ok(())
        })
}
