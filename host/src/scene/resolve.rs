//! From a scene and one of its cases to arguments and expected results.
//!
//! Knows the order in which names get values: command line before case before scene, parameters
//! before shapes before tensors. Refuses to know how programs run.

use core::time::Duration;

use protocol::DataType;

use super::array::{self, Array, Numbers};
use super::dtype::{self, Overflow};
use super::error::{Result, SceneError};
use super::expr::Names;
use super::expr::functions::index;
use super::load;
use super::model::{
    Arg, ArgChange, ArgKind, Case, Expect, ExpectedError, ExpectedTensor, ExpectedValues, Formula,
    Init, Scene, Settings, Tolerance, Written,
};
use super::place::Place;
use super::random::SplitMix64;
use super::session::RunConfig;
use super::tensor::{ArgValue, Bytes, Scalar, Tensor};
use super::{nearest, npy};
use crate::diagnostics::Diagnostics;

/// AICPU threads of a case that does not say.
const DEFAULT_THREADS: u32 = 4;
/// Clusters of a case that does not say.
const DEFAULT_BLOCK_DIM: u32 = 3;
/// Largest tensor a scene may have, in bytes.
const MAX_BYTES: usize = 1 << 32;

/// Values from `--set key=value`.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    entries: Vec<(String, String)>,
}

impl Overrides {
    /// Takes `key=value` texts apart.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let entries = texts
            .into_iter()
            .map(|text| {
                text.split_once('=')
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                    .filter(|(key, _)| !key.is_empty())
                    .ok_or_else(|| format!("`--set {text}` is not of the form key=value"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The last value of `key`.
    fn get(&self, key: &str) -> Option<&str> {
        let mut entries = self.entries.iter().rev();
        entries
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }
}

/// What one tensor must hold after a run.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedTensor {
    /// Position among the arguments.
    pub position: usize,
    /// Values, already rounded to the tensor's type.
    pub values: Numbers,
    /// Share of the wanted value by which a real number may be off.
    pub relative: f64,
    /// Absolute amount by which a real number may be off.
    pub absolute: f64,
}

/// How a run must end.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Well, with these tensors.
    Tensors(Vec<WantedTensor>),
    /// In this failure.
    Error(ExpectedError),
}

/// A case with all values in place.
#[derive(Clone, Debug)]
pub struct ReadyCase {
    /// Its name.
    pub name: String,
    /// Settings of its runs.
    pub config: RunConfig,
    /// Arguments before a run.
    pub args: Vec<ArgValue>,
    /// How a run must end.
    pub wanted: Wanted,
}

/// Puts all values of `case` in place.
pub fn resolve(scene: &Scene, case: &Case, overrides: &Overrides) -> Result<ReadyCase> {
    let resolver = Resolver {
        scene,
        case,
        overrides,
    };
    resolver.check_overrides()?;
    let mut names = resolver.params()?;
    let args = resolver.args(&names)?;
    let config = resolver.config(&names)?;
    names.extend(
        args.iter()
            .map(|arg| (arg.name().to_owned(), arg.to_array())),
    );
    Ok(ReadyCase {
        name: case.name.clone(),
        config,
        wanted: resolver.wanted(&args, &names)?,
        args,
    })
}

/// Values of parameters and arguments by name.
type Known = Vec<(String, Array)>;

/// Known names alone.
struct Scoped<'n>(&'n Known);

impl Names for Scoped<'_> {
    fn value(&self, name: &str) -> Option<Array> {
        Names::value(&self.0.as_slice(), name)
    }

    fn all(&self) -> Vec<String> {
        Names::all(&self.0.as_slice())
    }
}

/// Known names plus the index of every element of the tensor at hand: `i` counts all of them in C
/// order, `i0`, `i1`, … count along one axis. Names of the scene hide these.
struct AtTensor<'n> {
    known: &'n Known,
    shape: &'n [usize],
}

impl Names for AtTensor<'_> {
    fn value(&self, name: &str) -> Option<Array> {
        Names::value(&self.known.as_slice(), name).or_else(|| {
            let axis = name.strip_prefix('i')?;
            if axis.is_empty() {
                let flat = index(&[self.shape.iter().product()], 0).ok()?;
                flat.reshaped(self.shape.to_vec()).ok()
            } else {
                let axis = axis.parse().ok().filter(|&axis| axis < self.shape.len())?;
                index(self.shape, axis).ok()
            }
        })
    }

    fn all(&self) -> Vec<String> {
        let mut all = Names::all(&self.known.as_slice());
        all.push("i".to_owned());
        all.extend((0..self.shape.len()).map(|axis| format!("i{axis}")));
        all
    }
}

fn compute(written: &Written, names: &dyn Names) -> Result<Array> {
    match &written.formula {
        Formula::Given(value) => Ok(value.clone()),
        Formula::Expr(expr) => expr.value(names).map_err(|problem| SceneError::Expression {
            place: written.at.clone(),
            key: written.key.clone(),
            problem,
        }),
    }
}

fn bad(place: &Place, message: String) -> SceneError {
    SceneError::BadValue {
        place: place.clone(),
        message,
    }
}

/// Settings that `--set` knows besides parameters.
const SETTINGS: [&str; 5] = ["aicpu_threads", "block_dim", "timeout_s", "rtol", "atol"];

struct Resolver<'s> {
    scene: &'s Scene,
    case: &'s Case,
    overrides: &'s Overrides,
}

impl Resolver<'_> {
    fn check_overrides(&self) -> Result<()> {
        for (key, _) in &self.overrides.entries {
            let params = || self.scene.params.iter().map(|(name, _)| name.as_str());
            let known = key.starts_with("env.")
                || SETTINGS.contains(&key.as_str())
                || params().any(|name| name == key);
            if !known {
                return Err(SceneError::NotFound {
                    what: "parameter",
                    name: key.clone(),
                    scene: self.scene.name.clone(),
                    hint: nearest::hint(key, params().chain(SETTINGS).chain(["env.NAME"])),
                });
            }
        }
        Ok(())
    }

    fn params(&self) -> Result<Known> {
        for (name, _) in &self.case.params {
            let known = || self.scene.params.iter().map(|(name, _)| name.as_str());
            if !known().any(|known| known == name.value) {
                return Err(SceneError::UnknownKey {
                    place: self.scene.place(name.spot),
                    key: name.value.clone(),
                    table: "[case.params]".to_owned(),
                    hint: nearest::hint(&name.value, known()),
                });
            }
        }
        let mut known = Known::new();
        for (name, default) in &self.scene.params {
            let of_case = self.case.params.iter().find(|(own, _)| own.value == *name);
            let value = match (self.overrides.get(name), of_case) {
                (Some(text), _) => {
                    compute(&load::command_line_value(name, text)?, &Scoped(&known))?
                }
                (None, Some((_, written))) => compute(written, &Scoped(&known))?,
                (None, None) => compute(default, &Scoped(&known))?,
            };
            known.push((name.clone(), value));
        }
        Ok(known)
    }

    fn setting(&self, key: &str, names: &Known, limit: u32) -> Result<Option<u32>> {
        let Some(text) = self.overrides.get(key) else {
            return Ok(None);
        };
        let written = load::command_line_value(key, text)?;
        let value = compute(&written, &Scoped(names))?
            .as_whole(key)
            .map_err(|message| bad(&written.at, message))?;
        match u32::try_from(value) {
            Ok(number) if (1..=limit).contains(&number) => Ok(Some(number)),
            _ => Err(bad(
                &written.at,
                format!("`{key}` = {value} is outside 1..={limit}"),
            )),
        }
    }

    fn config(&self, names: &Known) -> Result<RunConfig> {
        let Settings { env, .. } = &self.scene.settings;
        let mut env = env.clone();
        env.extend(self.case.settings.env.clone());
        for (key, value) in &self.overrides.entries {
            if let Some(name) = key.strip_prefix("env.") {
                env.insert(name.to_owned(), value.clone());
            }
        }
        let threads = self.setting("aicpu_threads", names, 64)?;
        let block_dim = self.setting("block_dim", names, 1 << 16)?;
        let timeout = self.setting("timeout_s", names, 86_400)?.map(u64::from);
        let (own, scene) = (&self.case.settings, &self.scene.settings);
        Ok(RunConfig {
            diagnostics: Diagnostics::default(),
            aicpu_threads: threads
                .or(own.aicpu_threads)
                .or(scene.aicpu_threads)
                .unwrap_or(DEFAULT_THREADS),
            block_dim: block_dim
                .or(own.block_dim)
                .or(scene.block_dim)
                .unwrap_or(DEFAULT_BLOCK_DIM),
            env,
            deadline: timeout
                .or(own.timeout_s)
                .or(scene.timeout_s)
                .map(Duration::from_secs),
        })
    }

    fn args(&self, names: &Known) -> Result<Vec<ArgValue>> {
        for change in &self.case.args {
            let known = || self.scene.args.iter().map(|arg| &*arg.name);
            if !known().any(|known| known == change.name.value) {
                return Err(SceneError::UnknownKey {
                    place: self.scene.place(change.name.spot),
                    key: change.name.value.clone(),
                    table: "[case.args]".to_owned(),
                    hint: nearest::hint(&change.name.value, known()),
                });
            }
        }
        self.scene
            .args
            .iter()
            .map(|arg| {
                let mut changes = self.case.args.iter();
                let change = changes.find(|change| change.name.value == *arg.name);
                self.arg(arg, change, names)
            })
            .collect()
    }

    fn arg(&self, arg: &Arg, change: Option<&ArgChange>, names: &Known) -> Result<ArgValue> {
        let place = self.scene.place(arg.spot);
        let dtype = change.and_then(|change| change.dtype).unwrap_or(arg.dtype);
        let misplaced = |key| {
            let spot = change.map_or(arg.spot, |change| change.name.spot);
            Err(bad(
                &self.scene.place(spot),
                format!("`{key}` does not belong to `{}`", arg.name),
            ))
        };
        match &arg.kind {
            ArgKind::Scalar { value } => {
                if change.is_some_and(|change| change.shape.is_some() || change.init.is_some()) {
                    return misplaced("shape` or `init");
                }
                let value = change.and_then(|c| c.value.as_ref()).unwrap_or(value);
                let word = scalar_word(dtype, value, names)?;
                Ok(ArgValue::Scalar(Scalar {
                    name: arg.name.clone(),
                    dtype,
                    word,
                }))
            }
            ArgKind::Tensor {
                shape,
                direction,
                init,
            } => {
                if change.is_some_and(|change| change.value.is_some()) {
                    return misplaced("value");
                }
                let shape = change.and_then(|c| c.shape.as_ref()).unwrap_or(shape);
                let shape = extents(shape, names)?;
                let sizes: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
                let bytes = byte_count(&sizes, dtype)
                    .map_err(|message| bad(&place, format!("tensor `{}`: {message}", arg.name)))?;
                let init = change.and_then(|c| c.init.as_ref()).or(init.as_deref());
                let data = match init {
                    None => Bytes::new(&vec![0; bytes]),
                    Some(init) => Bytes::new(&initial(init, dtype, &sizes, names, &place)?),
                };
                Ok(ArgValue::Tensor(Tensor {
                    name: arg.name.clone(),
                    dtype,
                    shape,
                    direction: *direction,
                    bytes: data,
                }))
            }
        }
    }

    /// The case's expectation laid over the scene's.
    fn expect(&self) -> Expect {
        let Some(own) = &self.case.expect else {
            return self.scene.expect.clone();
        };
        let mut all = self.scene.expect.clone();
        all.tolerance = own.tolerance.or(all.tolerance);
        if own.error.is_some() {
            all.error.clone_from(&own.error);
            all.tensors.clear();
        }
        for tensor in &own.tensors {
            all.error = None;
            all.tensors
                .retain(|other| other.name.value != tensor.name.value);
            all.tensors.push(tensor.clone());
        }
        all
    }

    fn wanted(&self, args: &[ArgValue], names: &Known) -> Result<Wanted> {
        let expect = self.expect();
        if let Some(error) = expect.error {
            return Ok(Wanted::Error(error));
        }
        let from_set = Tolerance {
            relative: self.tolerance("rtol", names)?,
            absolute: self.tolerance("atol", names)?,
        };
        expect
            .tensors
            .iter()
            .map(|tensor| {
                let tolerance = from_set.or(tensor.tolerance).or(expect.tolerance);
                self.wanted_tensor(tensor, tolerance, args, names)
            })
            .collect::<Result<_>>()
            .map(Wanted::Tensors)
    }

    fn tolerance(&self, key: &str, names: &Known) -> Result<Option<f64>> {
        let Some(text) = self.overrides.get(key) else {
            return Ok(None);
        };
        let written = load::command_line_value(key, text)?;
        let value = compute(&written, &Scoped(names))?
            .as_real(key)
            .map_err(|message| bad(&written.at, message))?;
        if value.is_finite() && value >= 0.0 {
            Ok(Some(value))
        } else {
            Err(bad(
                &written.at,
                format!("`{key}` = {value} must be 0 or more"),
            ))
        }
    }

    fn wanted_tensor(
        &self,
        expected: &ExpectedTensor,
        tolerance: Tolerance,
        args: &[ArgValue],
        names: &Known,
    ) -> Result<WantedTensor> {
        let name = &expected.name.value;
        let place = self.scene.place(expected.name.spot);
        let found = args.iter().position(|arg| arg.name() == name);
        let Some(position) = found else {
            return Err(SceneError::UnknownKey {
                place,
                key: name.clone(),
                table: "[expect]".to_owned(),
                hint: nearest::hint(
                    name,
                    args.iter()
                        .map(ArgValue::name)
                        .chain(["error", "rtol", "atol"]),
                ),
            });
        };
        let ArgValue::Tensor(tensor) = &args[position] else {
            return Err(bad(
                &place,
                format!("`{name}` is a scalar and never changes"),
            ));
        };
        if !tensor.direction.comes_back() {
            return Err(bad(
                &place,
                format!("`{name}` has direction `in` and never comes back; make it `inout`"),
            ));
        }
        let shape: Vec<usize> = tensor.shape.iter().map(|&extent| extent as usize).collect();
        let (values, place) = match &expected.values {
            ExpectedValues::Formula(written) => {
                let names = AtTensor {
                    known: names,
                    shape: &shape,
                };
                (compute(written, &names)?, written.at.clone())
            }
            ExpectedValues::Npy(path) => (npy::read(path)?, place),
        };
        let values = values
            .broadcast(&shape)
            .and_then(|values| dtype::rounded(tensor.dtype, &values))
            .map_err(|message| bad(&place, format!("`{name}`: {message}")))?;
        Ok(WantedTensor {
            position,
            values: values.numbers().clone(),
            relative: tolerance.relative.unwrap_or(Tolerance::DEFAULT),
            absolute: tolerance.absolute.unwrap_or(Tolerance::DEFAULT),
        })
    }
}

fn extents(shape: &[Written], names: &Known) -> Result<Vec<u32>> {
    shape
        .iter()
        .map(|written| {
            let value = compute(written, &Scoped(names))?
                .as_whole("an extent")
                .map_err(|message| bad(&written.at, message))?;
            u32::try_from(value)
                .ok()
                .filter(|&extent| extent > 0)
                .ok_or_else(|| {
                    let limit = u32::MAX;
                    bad(
                        &written.at,
                        format!("extent {value} is outside 1..={limit}"),
                    )
                })
        })
        .collect()
}

fn byte_count(shape: &[usize], dtype: DataType) -> Result<usize, String> {
    array::count(shape)?
        .checked_mul(dtype.element_size() as usize)
        .filter(|&bytes| bytes <= MAX_BYTES)
        .ok_or_else(|| {
            format!(
                "shape {} is larger than {MAX_BYTES} bytes",
                array::show(shape)
            )
        })
}

fn scalar_word(dtype: DataType, written: &Written, names: &Known) -> Result<u64> {
    let value = compute(written, &Scoped(names))?;
    let complain = |message| bad(&written.at, message);
    if value.len() != 1 {
        return Err(complain(format!(
            "a scalar is one number, not {} of shape {}",
            value.len(),
            array::show(value.shape())
        )));
    }
    let bytes = dtype::store(dtype, value.numbers(), Overflow::Refuse).map_err(complain)?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(&bytes);
    Ok(u64::from_le_bytes(word))
}

fn initial(
    init: &Init,
    dtype: DataType,
    shape: &[usize],
    known: &Known,
    place: &Place,
) -> Result<Vec<u8>> {
    let names = AtTensor { known, shape };
    let count: usize = shape.iter().product();
    let store = |values: &Array, at: &Place| {
        values
            .broadcast(shape)
            .and_then(|values| dtype::store(dtype, values.numbers(), Overflow::Refuse))
            .map_err(|message| bad(at, message))
    };
    let real = |written: &Written| {
        compute(written, &names)?
            .as_real(&written.key)
            .map_err(|message| bad(&written.at, message))
    };
    let whole = |written: &Written| {
        compute(written, &names)?
            .as_whole(&written.key)
            .map_err(|message| bad(&written.at, message))
    };
    match init {
        Init::Value(written) => store(&compute(written, &names)?, &written.at),
        Init::List(all) => {
            if all.len() != count {
                return Err(bad(
                    place,
                    format!(
                        "`init` lists {} values; shape {} takes {count}",
                        all.len(),
                        array::show(shape)
                    ),
                ));
            }
            let mut bytes = Vec::with_capacity(count * dtype.element_size() as usize);
            for written in all {
                let word = scalar_word(dtype, written, known)?.to_le_bytes();
                bytes.extend_from_slice(&word[..dtype.element_size() as usize]);
            }
            Ok(bytes)
        }
        Init::Arange { start, step } => {
            let at = &start.at;
            let flat = index(&[count], 0)
                .and_then(|flat| flat.reshaped(shape.to_vec()))
                .map_err(|message| bad(at, message))?;
            let expr = super::expr::Expr::parse("start + i * step").map_err(|m| bad(at, m))?;
            let parts = vec![
                ("start".to_owned(), compute(start, &names)?),
                ("step".to_owned(), compute(step, &names)?),
                ("i".to_owned(), flat),
            ];
            let values = expr.value(&Scoped(&parts)).map_err(|m| bad(at, m))?;
            store(&values, at)
        }
        Init::Random { seed, min, max } => {
            let mut generator = SplitMix64::new(whole(seed)?.cast_unsigned());
            let numbers = if dtype::is_real(dtype) {
                let (low, high) = (real(min)?, real(max)?);
                if !(low.is_finite() && high.is_finite() && low <= high) {
                    return Err(bad(&min.at, format!("the range {low} to {high} is empty")));
                }
                Numbers::Real((0..count).map(|_| generator.real(low, high)).collect())
            } else {
                let (low, high) = (whole(min)?, whole(max)?);
                if low > high {
                    return Err(bad(&min.at, format!("the range {low} to {high} is empty")));
                }
                Numbers::Whole((0..count).map(|_| generator.whole(low, high)).collect())
            };
            store(&Array::new(shape.to_vec(), numbers), &min.at)
        }
        Init::Npy(path) => store(&npy::read(path)?, place),
    }
}

#[cfg(test)]
mod tests;
