//! From the sources a scene names to shared objects.
//!
//! Knows which pieces a program has and compiles them side by side, each only once per content.
//! Refuses to know devices; a `.so` the scene brings along is passed on unopened, because judging it
//! is the device's business.

pub mod cache;
pub mod compiler;
pub mod recipe;
pub mod roots;

use core::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use self::cache::Cache;
use self::compiler::Compiler;
use self::recipe::{Kind, Recipe};
use self::roots::Roots;
use super::error::{Result, SceneError};
use super::model::{ArgKind, Code, Origin, Platform, RuntimeKind, Scene};
use super::session::{BuiltKernel, BuiltProgram};

/// Everything needed to build programs.
#[derive(Clone, Debug)]
pub struct Builder {
    /// Where shared objects are kept.
    pub cache: Cache,
    /// Where our headers are.
    pub roots: Result<Roots, String>,
    /// What the environment says about the compiler.
    pub environment: compiler::Environment,
}

impl Builder {
    /// A builder as the environment wants it.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            cache: Cache::from_environment(),
            roots: Roots::find(),
            environment: compiler::Environment::read(),
        }
    }

    /// Builds `scene` for one platform and runtime.
    pub fn build(
        &self,
        scene: &Scene,
        platform: Platform,
        runtime: RuntimeKind,
    ) -> Result<BuiltProgram> {
        let orchestration = scene
            .orchestrations
            .iter()
            .find(|(kind, _)| *kind == runtime)
            .map(|(_, orchestration)| orchestration)
            .ok_or_else(|| SceneError::NotFound {
                what: "runtime",
                name: runtime.to_string(),
                scene: scene.name.clone(),
                hint: format!(
                    "it is for {}",
                    super::report::join(scene.runtimes.iter().copied())
                ),
            })?;
        let kernels: Vec<_> = scene
            .kernels
            .iter()
            .filter(|kernel| kernel.runtimes.contains(&runtime))
            .collect();
        let mut pieces = vec![(&orchestration.code, Kind::Orchestration)];
        pieces.extend(
            kernels
                .iter()
                .map(|kernel| (&kernel.code, Kind::Kernel(kernel.core))),
        );
        let mut libraries = self.libraries(&pieces, platform, runtime)?.into_iter();
        let mut next = || {
            libraries
                .next()
                .expect("every piece became one library or the build failed")
        };
        Ok(BuiltProgram {
            name: scene.name.clone(),
            platform,
            runtime,
            orchestration: next(),
            entry: orchestration.entry.clone(),
            config_entry: orchestration.config_entry.clone(),
            kernels: kernels
                .iter()
                .map(|kernel| BuiltKernel {
                    id: kernel.id,
                    core: kernel.core,
                    library: next(),
                })
                .collect(),
            signature: scene
                .args
                .iter()
                .map(|arg| match arg.kind {
                    ArgKind::Tensor { direction, .. } => Some(direction),
                    ArgKind::Scalar { .. } => None,
                })
                .collect(),
        })
    }

    /// One shared object per piece, in order.
    fn libraries(
        &self,
        pieces: &[(&Code, Kind)],
        platform: Platform,
        runtime: RuntimeKind,
    ) -> Result<Vec<PathBuf>> {
        let needs_compiler = pieces
            .iter()
            .any(|(code, _)| matches!(code.origin, Origin::Source(_)));
        if !needs_compiler {
            return pieces
                .iter()
                .map(|(code, _)| absolute(path_of(code)))
                .collect();
        }
        let compilers = Compilers::find(&self.environment, pieces, platform, runtime)?;
        let roots = self.roots.as_ref().map_err(|message| SceneError::Library {
            path: PathBuf::from("include"),
            message: message.clone(),
        })?;
        let mut recipes: Vec<Recipe> = Vec::new();
        let mut sources = Vec::new();
        for (code, kind) in pieces {
            sources.push(match &code.origin {
                Origin::Library(path) => Err(absolute(path)?),
                Origin::Source(source) => {
                    let recipe = Recipe::new(
                        compilers.of(*kind),
                        roots,
                        code,
                        source,
                        *kind,
                        platform,
                        runtime,
                    );
                    let known = recipes.iter().position(|other| *other == recipe);
                    Ok(known.unwrap_or_else(|| {
                        recipes.push(recipe);
                        recipes.len() - 1
                    }))
                }
            });
        }
        let objects = self.objects(&compilers, &recipes)?;
        Ok(sources
            .into_iter()
            .map(|source| match source {
                Ok(index) => objects[index].clone(),
                Err(library) => library,
            })
            .collect())
    }

    /// Compiles all recipes, as many at once as the machine has cores.
    fn objects(&self, compilers: &Compilers, recipes: &[Recipe]) -> Result<Vec<PathBuf>> {
        let todo = Mutex::new(recipes.iter().enumerate());
        let done = Mutex::new(vec![None; recipes.len()]);
        let failure = Mutex::new(None);
        let work = || {
            // The lock ends before the recipe is cooked.
            let next = || lock(&todo).next();
            while let Some((index, recipe)) = next() {
                match self.cache.object(compilers.of(recipe.kind), recipe) {
                    Ok(path) => lock(&done)[index] = Some(path),
                    Err(error) => {
                        // The first failure ends the build; later pieces are not worth starting.
                        lock(&failure).get_or_insert(error);
                        lock(&todo).by_ref().for_each(drop);
                    }
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 1..cores.min(recipes.len()) {
                scope.spawn(work);
            }
            work();
        });
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        let done = lock(&done).drain(..).collect::<Option<Vec<_>>>();
        Ok(done.expect("without a failure every recipe was cooked"))
    }
}

/// Who compiles what.
#[derive(Debug)]
struct Compilers {
    orchestrations: Compiler,
    kernels: Compiler,
}

impl Compilers {
    /// The machine's own for simulated chips; for real ones whoever makes code for what runs it.
    fn find(
        environment: &compiler::Environment,
        pieces: &[(&Code, Kind)],
        platform: Platform,
        runtime: RuntimeKind,
    ) -> Result<Self> {
        let is_source = |wanted: fn(Kind) -> bool| {
            let mut sources = pieces
                .iter()
                .filter(|(code, _)| matches!(code.origin, Origin::Source(_)));
            sources.any(|(_, kind)| wanted(*kind))
        };
        let real = !platform.is_simulated();
        let cores = real && is_source(|kind| kind != Kind::Orchestration);
        let control_cpus =
            real && runtime == RuntimeKind::Trb && is_source(|kind| kind == Kind::Orchestration);
        let here = || Compiler::find(environment);
        Ok(Self {
            orchestrations: match control_cpus {
                true => Compiler::of_control_cpus(environment)?,
                false => here()?,
            },
            kernels: match cores {
                true => Compiler::of_cores(environment)?,
                false => here()?,
            },
        })
    }

    const fn of(&self, kind: Kind) -> &Compiler {
        match kind {
            Kind::Orchestration => &self.orchestrations,
            Kind::Kernel(_) => &self.kernels,
        }
    }
}

/// A lock whose holders cannot leave half a change behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn path_of(code: &Code) -> &Path {
    match &code.origin {
        Origin::Source(path) | Origin::Library(path) => path,
    }
}

/// Loaders search their own folders for a bare file name.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(SceneError::reading(path))
}

#[cfg(test)]
mod tests;
