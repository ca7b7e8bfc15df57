//! Putting a worker together.
//!
//! Knows which combinations make sense. Refuses to start anything.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use super::Worker;
use super::services::Settings;
use crate::error::{Error, Result};
use crate::team::catalogue::Catalogue;
use crate::team::child::Helper;
use crate::team::spec::{ChipSource, Kind, Limits, Spec, Work};

/// Heap bytes per ring, unless said otherwise; only what is used takes memory.
const DEFAULT_RING_BYTES: u64 = 1 << 30;

/// How the next level runs unless said otherwise: several chips each in a process of its own, so that a
/// crash stays there; the one chip of level 2, and lower workers, in this one.
const fn default_next_kind(level: u32) -> Kind {
    match level {
        3 => Kind::Exec,
        _ => Kind::Thread,
    }
}

/// How one child is made.
#[derive(Debug)]
pub(crate) enum Plan {
    /// From a description, as often as needed.
    Work {
        label: String,
        work: Work,
        kind: Kind,
    },
    /// From a worker of this process.
    Lower { label: String, worker: Arc<Worker> },
}

impl Plan {
    /// Whether the child is a process of its own.
    pub(crate) const fn is_process(&self) -> bool {
        matches!(
            self,
            Self::Work {
                kind: Kind::Exec | Kind::EarlyFork,
                ..
            }
        )
    }

    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Work { label, .. } | Self::Lower { label, .. } => label,
        }
    }
}

/// A worker in the making.
#[derive(Debug)]
#[must_use = "nothing is made before `build`"]
pub struct Builder {
    spec: Spec,
    catalogue: Catalogue,
    helper: Option<PathBuf>,
    lower: Vec<Worker>,
}

impl Builder {
    pub(crate) fn new(level: u32) -> Self {
        Self {
            spec: Spec {
                level,
                chips: Vec::new(),
                next_kind: None,
                subs: 0,
                sub_kind: Kind::Thread,
                heap_ring_bytes: DEFAULT_RING_BYTES,
                limits: Limits::default(),
                fail_fast: true,
                functions: Vec::new(),
                programs: Vec::new(),
                graphs: Vec::new(),
                lower: Vec::new(),
            },
            catalogue: Catalogue::new(),
            helper: None,
            lower: Vec::new(),
        }
    }

    /// Chips of a platform, by their numbers; the position is the child's number.
    pub fn chips(self, platform: &str, devices: impl IntoIterator<Item = i32>) -> Self {
        self.chips_of(&ChipSource::Platform(platform.to_owned()), devices)
    }

    /// Chips of the host runtime in folder `dir`, whoever built it.
    ///
    /// # Safety
    /// The libraries in `dir` are what their names say: children load them and run their code.
    pub unsafe fn chips_in(
        self,
        dir: impl Into<PathBuf>,
        devices: impl IntoIterator<Item = i32>,
    ) -> Self {
        self.chips_of(&ChipSource::Library(dir.into()), devices)
    }

    fn chips_of(mut self, source: &ChipSource, devices: impl IntoIterator<Item = i32>) -> Self {
        let chips = devices.into_iter().map(|device| (source.clone(), device));
        self.spec.chips.extend(chips);
        self
    }

    /// How chips and described lower workers run. Unless said otherwise, the chips of level 3 execute the
    /// [helper](Self::helper), so that a crash stays in the child; the chip of level 2 and lower workers are
    /// threads.
    pub fn next_level_kind(mut self, kind: Kind) -> Self {
        self.spec.next_kind = Some(kind);
        self
    }

    /// Sub workers.
    pub fn subs(mut self, count: usize) -> Self {
        self.spec.subs = count;
        self
    }

    /// How sub workers run; threads unless said otherwise.
    pub fn sub_kind(mut self, kind: Kind) -> Self {
        self.spec.sub_kind = kind;
        self
    }

    /// A lower worker that runs in this process; not started yet. It is started with this one.
    pub fn lower(mut self, worker: Worker) -> Self {
        self.lower.push(worker);
        self
    }

    /// A lower worker that is built from its description wherever it runs: it has what it registers
    /// by name.
    pub fn lower_described(mut self, builder: Self) -> Self {
        self.spec.lower.push(builder.spec);
        self
    }

    /// Registers functions of the catalogue when the worker is built.
    pub fn functions<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.spec
            .functions
            .extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Registers programs of the catalogue when the worker is built.
    pub fn programs<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.spec
            .programs
            .extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Registers graph functions of the catalogue when the worker is built.
    pub fn graphs<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.spec
            .graphs
            .extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Bytes of each of the four heap rings.
    pub fn heap_ring_bytes(mut self, bytes: u64) -> Self {
        self.spec.heap_ring_bytes = bytes;
        self
    }

    /// How long things may take.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.spec.limits = limits;
        self
    }

    /// How long a child may take to get ready.
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.spec.limits.start = limit;
        self
    }

    /// Whether a submit is refused once a task of the run has failed; it is unless said otherwise.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.spec.fail_fast = fail_fast;
        self
    }

    /// Names and what they stand for, the same as the program gives to `child_main`.
    pub fn catalogue(mut self, catalogue: &Catalogue) -> Self {
        self.catalogue = catalogue.clone();
        self
    }

    /// The program that children execute, if it is not this one: one that calls
    /// [`child_main`](crate::team::child_main). The `simpler` command does, and serves for programs that
    /// consist of images.
    pub fn helper(mut self, program: impl Into<PathBuf>) -> Self {
        self.helper = Some(program.into());
        self
    }

    /// The worker, not started yet.
    ///
    /// # Errors
    /// The combination makes no sense, or a name is not in the catalogue.
    pub fn build(self) -> Result<Worker> {
        let Self {
            spec,
            catalogue,
            helper,
            lower,
        } = self;
        check(&spec, &catalogue, &lower)?;
        let is_exec = |kind: Kind, count: usize| kind == Kind::Exec && count > 0;
        let described = spec.chips.len() + spec.lower.len();
        let next_kind = spec.next_kind.unwrap_or(default_next_kind(spec.level));
        let helper = match helper {
            Some(path) => Some(Helper(path)),
            None if is_exec(next_kind, described) || is_exec(spec.sub_kind, spec.subs) => {
                Some(Helper::this_program()?)
            }
            None => None,
        };
        let settings = Settings {
            level: spec.level,
            heap_ring_bytes: spec.heap_ring_bytes,
            limits: spec.limits,
            fail_fast: spec.fail_fast,
            next_count: described + lower.len(),
            // Lower workers given as values are threads, whatever the others are.
            next_kind: if described == 0 {
                Kind::Thread
            } else {
                next_kind
            },
            sub_kind: spec.sub_kind,
            helper,
        };
        let worker = Worker::new(settings, catalogue, plans(&spec, next_kind, lower));
        for name in &spec.functions {
            worker.register_named_function(name)?;
        }
        for name in &spec.programs {
            worker.register_named_program(name)?;
        }
        for name in &spec.graphs {
            worker.register_named_graph(name)?;
        }
        Ok(worker)
    }
}

impl Spec {
    /// The worker that the description describes, in whatever process.
    pub(crate) fn build(&self, catalogue: &Catalogue) -> Result<Worker> {
        Builder {
            spec: self.clone(),
            catalogue: catalogue.clone(),
            helper: None,
            lower: Vec::new(),
        }
        .build()
    }
}

fn plans(spec: &Spec, next_kind: Kind, lower: Vec<Worker>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (number, (source, device)) in spec.chips.iter().enumerate() {
        plans.push(Plan::Work {
            label: format!("chip_process {number} dev={device}"),
            work: Work::Chip {
                source: source.clone(),
                device: *device,
                patience: spec.limits.chip,
            },
            kind: next_kind,
        });
    }
    for described in &spec.lower {
        plans.push(Plan::Work {
            label: format!("child_worker {} level={}", plans.len(), described.level),
            work: Work::Lower(Box::new(described.clone())),
            kind: next_kind,
        });
    }
    for worker in lower {
        plans.push(Plan::Lower {
            label: format!("child_worker {} level={}", plans.len(), worker.level()),
            worker: Arc::new(worker),
        });
    }
    for number in 0..spec.subs {
        plans.push(Plan::Work {
            label: format!("sub_worker {number}"),
            work: Work::Functions,
            kind: spec.sub_kind,
        });
    }
    plans
}

fn refuse(what: String, reason: &str) -> Result<()> {
    Err(Error::refused(what, reason))
}

/// Refuses what makes no sense together.
fn check(spec: &Spec, catalogue: &Catalogue, lower: &[Worker]) -> Result<()> {
    check_levels(spec, lower)?;
    check_chips(spec, catalogue)?;
    if spec.chips.len() + spec.lower.len() + lower.len() > 128 || spec.subs > 4096 {
        return refuse(
            format!(
                "{} children and {} sub workers",
                spec.chips.len(),
                spec.subs
            ),
            "128 and 4096 are the limits",
        );
    }
    Ok(())
}

/// Which children a worker of its level may have.
fn check_levels(spec: &Spec, lower: &[Worker]) -> Result<()> {
    let level = spec.level;
    let lower_levels = lower
        .iter()
        .map(Worker::level)
        .chain(spec.lower.iter().map(|it| it.level));
    match level {
        0 | 1 => {
            return refuse(
                format!("a worker of level {level}"),
                "the level is not supported: use 2 for one chip, 3 for several, 4 and above for workers",
            );
        }
        2 if spec.chips.len() != 1 || spec.subs != 0 => {
            return refuse(
                format!(
                    "a worker of level 2 with {} chips and {} sub workers",
                    spec.chips.len(),
                    spec.subs
                ),
                "it has exactly one chip and nothing else: use level 3",
            );
        }
        2 | 3 if lower_levels.clone().next().is_some() => {
            return refuse(
                format!("lower workers of a worker of level {level}"),
                "lower workers need level >= 4",
            );
        }
        4.. if !spec.chips.is_empty() => {
            return refuse(
                format!("chips of a worker of level {level}"),
                "its children are workers: give the chips to a worker of level 3",
            );
        }
        _ => {}
    }
    for lower in lower_levels {
        if lower >= level || lower < 3 {
            return refuse(
                format!("a worker of level {lower} below one of level {level}"),
                "the level of a lower worker is at least 3 and below its parent's",
            );
        }
    }
    for worker in lower {
        if worker.shared("lower").is_ok() {
            return refuse(
                "a lower worker".to_owned(),
                "it must not be initialized: its parent does that",
            );
        }
    }
    Ok(())
}

/// Which chips there are to be.
fn check_chips(spec: &Spec, catalogue: &Catalogue) -> Result<()> {
    for (number, (source, device)) in spec.chips.iter().enumerate() {
        if let ChipSource::Platform(name) = source {
            catalogue.check_platform(name)?;
        }
        if *device < 0 {
            return refuse(format!("device_id {device}"), "device ids start at 0");
        }
        if spec.chips[..number].contains(&(source.clone(), *device)) {
            return refuse(
                format!("chip {device} of {source} twice"),
                "each chip has one child",
            );
        }
    }
    Ok(())
}
