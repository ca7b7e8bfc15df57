//! What `scene.toml` says, after reading and before any case is chosen.
//!
//! Knows the parts of a scene. Refuses to know TOML and values: formulas stay formulas until a case
//! gives their names meaning.

use core::fmt;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::DataType;
use serde::{Deserialize, Serialize};

use super::array::Array;
use super::expr::Expr;
use super::nearest;
use super::place::{Located, Place, Spot};
use super::tensor::Direction;

/// A chip to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// A real chip of the a2a3 family.
    A2a3,
    /// A simulated chip of the a2a3 family.
    A2a3sim,
    /// A real chip of the a5 family.
    A5,
    /// A simulated chip of the a5 family.
    A5sim,
}

impl Platform {
    /// Every platform a scene may name.
    pub const ALL: [Self; 4] = [Self::A2a3sim, Self::A5sim, Self::A2a3, Self::A5];

    /// Name on the command line and in scenes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A2a3 => "a2a3",
            Self::A2a3sim => "a2a3sim",
            Self::A5 => "a5",
            Self::A5sim => "a5sim",
        }
    }

    /// True for the platforms that need no chip.
    #[must_use]
    pub fn is_simulated(self) -> bool {
        matches!(self, Self::A2a3sim | Self::A5sim)
    }
}

/// How graphs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// On the device, while it runs (`tensormap_and_ringbuffer`).
    Trb,
    /// On the host, before it runs (`host_build_graph`).
    Hbg,
}

impl RuntimeKind {
    /// Both runtimes.
    pub const ALL: [Self; 2] = [Self::Trb, Self::Hbg];

    /// Name on the command line and in scenes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trb => "trb",
            Self::Hbg => "hbg",
        }
    }
}

/// What a core computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreType {
    /// Matrices.
    Aic,
    /// Vectors.
    Aiv,
}

impl CoreType {
    /// Both core types.
    pub const ALL: [Self; 2] = [Self::Aic, Self::Aiv];

    /// Name in scenes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aic => "aic",
            Self::Aiv => "aiv",
        }
    }
}

/// Finds the item of `all` that is called `name`.
pub fn by_name<T: Copy>(
    what: &str,
    name: &str,
    all: &[T],
    name_of: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|&item| name_of(item) == name)
        .ok_or_else(|| {
            let known = all.iter().map(|&item| name_of(item));
            format!("unknown {what} `{name}`; {}", nearest::hint(name, known))
        })
}

macro_rules! named {
    ($type:ty, $what:literal) => {
        impl core::str::FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                by_name($what, name, &Self::ALL, Self::name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

named!(Platform, "platform");
named!(RuntimeKind, "runtime");
named!(CoreType, "core type");

/// A number or an expression that makes one.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Numbers as they stand.
    Given(Array),
    /// Still to be computed.
    Expr(Expr),
}

/// A formula with the key and place it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Key it stands under.
    pub key: String,
    /// Where it stands.
    pub at: Place,
    /// What it says.
    pub formula: Formula,
}

/// Where code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A source to compile.
    Source(PathBuf),
    /// A shared object, ready.
    Library(PathBuf),
}

/// Code with what its compiler is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Source or library.
    pub origin: Origin,
    /// Extra include folders.
    pub include_dirs: Vec<PathBuf>,
    /// Extra compiler flags.
    pub flags: Vec<String>,
}

/// The function that submits tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orchestration {
    /// Its code.
    pub code: Code,
    /// Symbol of the function.
    pub entry: String,
    /// Symbol of its configuration function.
    pub config_entry: Option<String>,
}

/// A compute function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Function id that tasks name it by.
    pub id: u32,
    /// Core type it runs on.
    pub core: CoreType,
    /// Its code.
    pub code: Code,
    /// Runtimes it is for.
    pub runtimes: Vec<RuntimeKind>,
}

/// How a tensor begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// A value or array that stretches to the shape.
    Value(Written),
    /// One formula per element, in C order.
    List(Vec<Written>),
    /// `start`, `start + step`, … in C order.
    Arange {
        /// First value.
        start: Written,
        /// Difference of neighbours.
        step: Written,
    },
    /// Uniform random values.
    Random {
        /// Seed of the generator.
        seed: Written,
        /// Smallest value.
        min: Written,
        /// Upper end: whole numbers reach it, real ones stay below.
        max: Written,
    },
    /// An array file.
    Npy(PathBuf),
}

/// What an argument is.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgKind {
    /// A tensor.
    Tensor {
        /// Extents.
        shape: Vec<Written>,
        /// Which way it travels.
        direction: Direction,
        /// How it begins; zeros if `None`.
        init: Option<Box<Init>>,
    },
    /// A scalar.
    Scalar {
        /// Its value.
        value: Written,
    },
}

/// One argument of the orchestration.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared.
    pub spot: Spot,
    /// Type of its elements.
    pub dtype: DataType,
    /// Tensor or scalar.
    pub kind: ArgKind,
}

/// How far a real number may be off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Share of the expected value.
    pub relative: Option<f64>,
    /// Absolute part.
    pub absolute: Option<f64>,
}

impl Tolerance {
    /// What a scene that says nothing gets.
    pub const DEFAULT: f64 = 1e-5;

    /// This tolerance, with gaps filled from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            relative: self.relative.or(other.relative),
            absolute: self.absolute.or(other.absolute),
        }
    }
}

/// What one tensor should hold after the run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedTensor {
    /// Name of the argument.
    pub name: Located<String>,
    /// Where its values come from.
    pub values: ExpectedValues,
    /// Its own tolerance.
    pub tolerance: Tolerance,
}

/// Where expected values come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectedValues {
    /// Computed from the arguments before the run and the parameters.
    Formula(Written),
    /// An array file.
    Npy(PathBuf),
}

/// The failure a run should end in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedError {
    /// Its code.
    pub code: Option<i32>,
    /// A part of its text.
    pub text: Option<String>,
}

/// What should come out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// Tensors by name.
    pub tensors: Vec<ExpectedTensor>,
    /// A failure instead.
    pub error: Option<ExpectedError>,
    /// Tolerance of tensors without their own.
    pub tolerance: Tolerance,
}

/// Settings of runs; a case's stand before the scene's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// AICPU threads.
    pub aicpu_threads: Option<u32>,
    /// Clusters.
    pub block_dim: Option<u32>,
    /// Seconds one run may take.
    pub timeout_s: Option<u64>,
    /// Environment during runs.
    pub env: BTreeMap<String, String>,
}

impl Settings {
    /// Largest number of AICPU threads a scene may ask for; the device has its own, smaller limit.
    pub const MAX_AICPU_THREADS: u32 = 64;
    /// Largest block dimension a scene may ask for; the device has its own, smaller limit.
    pub const MAX_BLOCK_DIM: u32 = 1 << 16;
    /// Longest time a scene may ask for, in seconds.
    pub const MAX_TIMEOUT_S: u32 = 86_400;
}

/// Changes a case makes to one argument.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgChange {
    /// The argument.
    pub name: Located<String>,
    /// New element type.
    pub dtype: Option<DataType>,
    /// New shape.
    pub shape: Option<Vec<Written>>,
    /// New initial values.
    pub init: Option<Init>,
    /// New scalar value.
    pub value: Option<Written>,
}

/// One way to run the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub spot: Spot,
    /// Platforms it is for, if not all of the scene's.
    pub platforms: Option<Vec<Platform>>,
    /// Runtimes it is for, if not all of the scene's.
    pub runtimes: Option<Vec<RuntimeKind>>,
    /// True if it only runs when asked for by name.
    pub manual: bool,
    /// Its settings.
    pub settings: Settings,
    /// Parameters it sets.
    pub params: Vec<(Located<String>, Written)>,
    /// Arguments it changes.
    pub args: Vec<ArgChange>,
    /// What should come out, if not what the scene says.
    pub expect: Option<Expect>,
}

/// A whole scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// Platforms it is for.
    pub platforms: Vec<Platform>,
    /// Runtimes it is for.
    pub runtimes: Vec<RuntimeKind>,
    /// Its orchestration for each of `runtimes`.
    pub orchestrations: Vec<(RuntimeKind, Orchestration)>,
    /// Its kernels.
    pub kernels: Vec<Kernel>,
    /// Its parameters, in file order.
    pub params: Vec<(String, Written)>,
    /// Its arguments, in call order.
    pub args: Vec<Arg>,
    /// What should come out.
    pub expect: Expect,
    /// Settings of every case.
    pub settings: Settings,
    /// Its cases; one called `default` if the file has none.
    pub cases: Vec<Case>,
}

impl Scene {
    /// A place in this scene's file.
    #[must_use]
    pub fn place(&self, spot: Spot) -> Place {
        Place {
            file: self.file.clone(),
            spot,
        }
    }
}
