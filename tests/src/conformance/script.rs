//! What a run of the suite shall do: a script in its scalars.
//!
//! Knows the steps and how they are written down. Refuses to know which runtime carries them out: each has
//! one orchestration that reads scripts, in Rust and in C++, and the same few kernels.

use protocol::CoreType;

/// Words of one step, the same number as in `tests/conformance/script.h`.
pub const STEP_WORDS: usize = 7;

/// Number of the first kernel of every program: on vector cores its function id, on cube cores the next one.
pub const KERNEL: i32 = 0;

/// Which cores of a cluster a task takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One vector core.
    Vector = 0,
    /// The cube core.
    Cube = 1,
    /// All three.
    Cluster = 2,
}

impl Lanes {
    /// How many cores that is.
    #[must_use]
    pub const fn cores(self) -> u32 {
        match self {
            Self::Vector | Self::Cube => 1,
            Self::Cluster => 3,
        }
    }

    /// The single core's type.
    #[must_use]
    pub const fn core(self) -> CoreType {
        match self {
            Self::Cube => CoreType::Aic,
            Self::Vector | Self::Cluster => CoreType::Aiv,
        }
    }

    const fn from_word(word: u64) -> Self {
        match word {
            1 => Self::Cube,
            2 => Self::Cluster,
            _ => Self::Vector,
        }
    }
}

/// What a kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `to = factor * from + addend`.
    Compute = 0,
    /// It throws, or returns an error.
    Fail = 1,
    /// It does not return before the word at `aux` is set.
    Stuck = 2,
    /// It writes one element behind the end of `to`.
    Beyond = 3,
    /// Part of [`Op::Blocks`].
    Mark = 4,
    /// Part of [`Op::Defer`].
    Defer = 5,
    /// Part of [`Op::Send`].
    Send = 6,
}

impl Mode {
    /// The mode with this number.
    #[must_use]
    pub const fn from_word(word: u64) -> Option<Self> {
        Some(match word {
            0 => Self::Compute,
            1 => Self::Fail,
            2 => Self::Stuck,
            3 => Self::Beyond,
            4 => Self::Mark,
            5 => Self::Defer,
            6 => Self::Send,
            _ => return None,
        })
    }
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A task: `to = factor * from + addend`, or what its mode says.
    Task = 0,
    /// A task of `factor` blocks: each core adds its block's number + 1 to its cell of `to`. With `addend` they all
    /// start together, counting themselves in at `from`.
    Blocks = 1,
    /// The orchestration reports code `factor`.
    Fatal = 2,
    /// The orchestration throws, or panics.
    Throw = 3,
    /// The orchestration does not return before the word at `aux` is set.
    Stuck = 4,
    /// The orchestration opens a scope and leaves it open.
    Open = 5,
    /// A task that writes `addend` to `to` and completes when the counter `from` has reached `factor`.
    Defer = 6,
    /// A task that adds one to the counter `from`.
    Send = 7,
}

impl Op {
    const fn from_word(word: u64) -> Self {
        match word {
            1 => Self::Blocks,
            2 => Self::Fatal,
            3 => Self::Throw,
            4 => Self::Stuck,
            5 => Self::Open,
            6 => Self::Defer,
            7 => Self::Send,
            _ => Self::Task,
        }
    }
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub op: Op,
    /// Cores of the task.
    pub lanes: Lanes,
    /// Kernel of the task.
    pub kernel: i32,
    /// Tensor argument that is read.
    pub from: usize,
    /// Tensor argument that is written.
    pub to: usize,
    /// See [`Op`].
    pub factor: u64,
    /// See [`Op`].
    pub addend: u64,
    /// What the kernel does.
    pub mode: Mode,
    /// Address of a word that ends waiting.
    pub aux: u64,
}

impl Step {
    /// `to = factor * from + addend` on a vector core.
    #[must_use]
    pub const fn task(from: usize, to: usize, factor: u64, addend: u64) -> Self {
        Self {
            op: Op::Task,
            lanes: Lanes::Vector,
            kernel: KERNEL,
            from,
            to,
            factor,
            addend,
            mode: Mode::Compute,
            aux: 0,
        }
    }

    /// A step without a task.
    #[must_use]
    pub const fn plain(op: Op, factor: u64, aux: u64) -> Self {
        Self {
            op,
            aux,
            ..Self::task(0, 0, factor, 0)
        }
    }

    /// The same on other cores.
    #[must_use]
    pub const fn on(self, lanes: Lanes) -> Self {
        Self { lanes, ..self }
    }

    /// The same, but the kernel does something else.
    #[must_use]
    pub const fn with(self, mode: Mode, aux: u64) -> Self {
        Self { mode, aux, ..self }
    }

    /// The same with another kernel.
    #[must_use]
    pub const fn kernel(self, kernel: i32) -> Self {
        Self { kernel, ..self }
    }

    /// `blocks` blocks that mark `marks`, together or not.
    #[must_use]
    pub const fn blocks(counters: usize, marks: usize, blocks: u64, together: bool) -> Self {
        Self {
            op: Op::Blocks,
            ..Self::task(counters, marks, blocks, together as u64)
        }
    }

    /// A task that writes `value` to `to` and completes when `counter` has reached `expected`.
    #[must_use]
    pub const fn defer(counter: usize, to: usize, expected: u64, value: u64) -> Self {
        Self {
            op: Op::Defer,
            ..Self::task(counter, to, expected, value)
        }
    }

    /// A task that adds one to `counter`.
    #[must_use]
    pub const fn send(counter: usize) -> Self {
        Self {
            op: Op::Send,
            ..Self::task(counter, counter, 0, 0)
        }
    }

    /// The step as words.
    #[must_use]
    pub fn write(&self) -> [u64; STEP_WORDS] {
        let kernel = u64::from(self.kernel.unsigned_abs());
        [
            self.op as u64 | (self.lanes as u64) << 8 | kernel << 16,
            self.from as u64,
            self.to as u64,
            self.factor,
            self.addend,
            self.mode as u64,
            self.aux,
        ]
    }

    /// The step that `words` say.
    ///
    /// # Panics
    /// When no step was written to them.
    #[must_use]
    pub fn read(words: [u64; STEP_WORDS]) -> Self {
        let [head, from, to, factor, addend, mode, aux] = words;
        let index = |word: u64| usize::try_from(word).expect("an index of a tensor");
        Self {
            op: Op::from_word(head & 0xff),
            lanes: Lanes::from_word(head >> 8 & 0xff),
            kernel: i32::try_from(head >> 16).expect("a function id"),
            from: index(from),
            to: index(to),
            factor,
            addend,
            mode: Mode::from_word(mode).expect("a mode"),
            aux,
        }
    }
}

/// A script's words: how many steps, then the steps.
#[must_use]
pub fn words(script: &[Step]) -> Vec<u64> {
    let mut words = vec![script.len() as u64];
    words.extend(script.iter().flat_map(Step::write));
    words
}

#[cfg(test)]
mod tests {
    use super::{Lanes, Mode, Step};

    #[test]
    fn a_step_is_read_as_it_was_written() {
        for step in [
            Step::task(1, 2, 3, 4).on(Lanes::Cube).kernel(1022),
            Step::blocks(0, 3, 36, true).on(Lanes::Cluster),
            Step::task(0, 0, 0, 0).with(Mode::Stuck, u64::MAX),
            Step::defer(1, 0, 5, 6),
            Step::send(1),
        ] {
            assert_eq!(Step::read(step.write()), step);
        }
    }
}
