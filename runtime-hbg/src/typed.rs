//! Building a graph in Rust.
//!
//! Knows kernels with their core type and tasks of one graph. Refuses to know more than
//! [`GraphBuilder`] does.
//!
//! A [`Task`] is branded with the graph it belongs to, so an edge to a task of another graph does not compile, and one to
//! a task that does not exist cannot be written.
//!
//! ```
//! use runtime_hbg::{Kernel, build, word};
//!
//! const ADD: Kernel = Kernel::aiv(0);
//! const SCALE: Kernel = Kernel::aiv(1);
//!
//! let (a, b, c, d) = (0x1000, 0x2000, 0x3000, 0x4000);
//! let builder = build(|graph| {
//!     let sum = graph.task(ADD, &[a, b, c]).first();
//!     let twice = graph.task(SCALE, &[c, d, word(2.0_f32)]).after(&[sum]);
//!     graph.task(ADD, &[c, d, a]).after(&[sum, twice]);
//! });
//! assert_eq!((builder.task_count(), builder.edge_count()), (3, 3));
//! ```
//!
//! ```compile_fail
//! use runtime_hbg::{Kernel, build};
//! build(|one| {
//!     let task = one.task(Kernel::aic(0), &[]).first();
//!     build(|other| {
//!         other.task(Kernel::aic(0), &[]).after(&[task]);
//!     });
//! });
//! ```

use core::marker::PhantomData;

use protocol::{CoreType, Scalar};

use crate::builder::GraphBuilder;

/// A kernel of the program and the cores it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its function id.
    pub func_id: u16,
    /// The cores it is made for.
    pub core: CoreType,
}

impl Kernel {
    /// A kernel for cube cores.
    #[must_use]
    pub const fn aic(func_id: u16) -> Self {
        Self {
            func_id,
            core: CoreType::Aic,
        }
    }

    /// A kernel for vector cores.
    #[must_use]
    pub const fn aiv(func_id: u16) -> Self {
        Self {
            func_id,
            core: CoreType::Aiv,
        }
    }
}

/// A scalar as an argument word.
#[must_use]
pub fn word<T: Scalar>(value: T) -> u64 {
    value.to_slot()
}

/// Ties tasks to their graph: no two graphs have the same.
type Brand<'graph> = PhantomData<fn(&'graph ()) -> &'graph ()>;

/// A task of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task<'graph> {
    number: u32,
    brand: Brand<'graph>,
}

impl Task<'_> {
    /// Its number: tasks count from 0 in the order they are added.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }
}

/// A graph while [`build`] builds it.
#[derive(Debug)]
pub struct Tasks<'graph> {
    builder: GraphBuilder,
    brand: Brand<'graph>,
}

/// A task that was just added, until it is said what it waits for.
#[derive(Debug)]
#[must_use = "say what the task waits for: `after` other tasks, or `first`"]
pub struct Added<'a, 'graph> {
    tasks: &'a mut Tasks<'graph>,
    number: u32,
}

/// What `describe` makes of an empty graph; [`GraphBuilder::seal`] checks it.
pub fn build(describe: impl for<'graph> FnOnce(&mut Tasks<'graph>)) -> GraphBuilder {
    let mut tasks = Tasks {
        builder: GraphBuilder::new(),
        brand: PhantomData,
    };
    describe(&mut tasks);
    tasks.builder
}

impl<'graph> Tasks<'graph> {
    /// Adds a task.
    #[inline]
    pub fn task(&mut self, kernel: Kernel, words: &[u64]) -> Added<'_, 'graph> {
        let added = self
            .builder
            .add_task(i32::from(kernel.func_id), kernel.core as i32, words);
        // A task that could not be added is nowhere; the graph keeps the error and is never sealed.
        let number = added.unwrap_or(u32::MAX);
        Added {
            tasks: self,
            number,
        }
    }

    /// Lets `to` wait for `from`: for edges that are known only after both tasks were added.
    #[inline]
    pub fn edge(&mut self, from: Task<'graph>, to: Task<'graph>) {
        // Only tasks that could not be added are unknown, and then the graph has an error already.
        let _kept = self.builder.add_edge(from.number, to.number);
    }

    /// Tasks so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.builder.task_count()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'graph> Added<'_, 'graph> {
    /// The task waits for all of `before`.
    #[inline]
    pub fn after(self, before: &[Task<'graph>]) -> Task<'graph> {
        let task = Task {
            number: self.number,
            brand: PhantomData,
        };
        for &earlier in before {
            self.tasks.edge(earlier, task);
        }
        task
    }

    /// The task waits for nothing.
    #[inline]
    pub fn first(self) -> Task<'graph> {
        self.after(&[])
    }
}
