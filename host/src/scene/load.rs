//! From `scene.toml` to a [`Scene`].
//!
//! Knows every key of the file. Refuses to know what the values amount to: that takes a case.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use protocol::limits::{CHIP_MAX_SCALAR_ARGS, CHIP_MAX_TENSOR_ARGS, MAX_FUNC_ID, TENSOR_MAX_DIMS};
use toml::de::{DeTable, DeValue};

use super::array::Array;
use super::dtype;
use super::error::{Result, SceneError};
use super::expr::Expr;
use super::fields::{Field, Fields, Text};
use super::model::{
    Arg, ArgChange, ArgKind, Case, Code, CoreType, Expect, ExpectedError, ExpectedTensor,
    ExpectedValues, Formula, Init, Kernel, Orchestration, Origin, Platform, RuntimeKind, Scene,
    Settings, Tolerance, Written,
};
use super::place::{Located, Place, Spot};
use super::tensor::Direction;

/// Largest number of AICPU threads a scene may ask for; the device has its own, smaller limit.
const MAX_THREADS: i64 = 64;
/// Largest block dimension a scene may ask for; the device has its own, smaller limit.
const MAX_BLOCKS: i64 = 1 << 16;

/// Reads the scene in `path`, a `scene.toml` or the folder that holds one.
pub fn load(path: &Path) -> Result<Scene> {
    let file = if path.is_dir() {
        path.join("scene.toml")
    } else {
        path.to_owned()
    };
    let text = fs::read_to_string(&file).map_err(SceneError::reading(&file))?;
    parse(&file, &text)
}

/// Reads the scene in `text`; paths in it are relative to the folder of `file`.
pub fn parse(file: &Path, text: &str) -> Result<Scene> {
    let text = Text {
        file: file.to_owned(),
        text,
    };
    let table = DeTable::parse(text.text).map_err(|error| SceneError::Syntax {
        place: text.place(text.spot(error.span().map_or(0, |span| span.start))),
        message: error.message().replace('\n', "; "),
    })?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    Reader {
        text: &text,
        folder,
    }
    .scene(&Fields::top(&text, table.get_ref()))
}

/// A value given on the command line: a number, `true`/`false`, or an expression.
pub fn command_line_value(key: &str, text: &str) -> Result<Written> {
    let at = Place {
        file: PathBuf::from(format!("--set {key}={text}")),
        spot: Spot::default(),
    };
    let expr = match text {
        "true" => "1",
        "false" => "0",
        other => other,
    };
    let formula = Expr::parse(expr).map_err(|problem| SceneError::Expression {
        place: at.clone(),
        key: key.to_owned(),
        problem,
    })?;
    Ok(Written {
        key: key.to_owned(),
        at,
        formula: Formula::Expr(formula),
    })
}

/// True for names that expressions can say.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Reader<'t> {
    text: &'t Text<'t>,
    folder: PathBuf,
}

impl<'t> Reader<'t> {
    fn scene(&self, top: &Fields<'t>) -> Result<Scene> {
        let name = self.nonempty(&top.need("name", "a short name, as `name = \"vector\"`")?)?;
        let platforms = top.need(
            "platforms",
            "a list, as `platforms = [\"a2a3sim\", \"a5sim\"]`",
        )?;
        let platforms = self.choices::<Platform>(&platforms)?;
        let runtimes = top.need("runtimes", "a list, as `runtimes = [\"trb\"]`")?;
        let runtimes = self.choices::<RuntimeKind>(&runtimes)?;
        let orchestration = top.need("orchestration", "a table with `source` and `entry`")?;
        let orchestrations = self.orchestrations(&orchestration, &runtimes)?;
        let kernels = self.kernels(top, &runtimes)?;
        let params = self.params(top)?;
        let args = self.args(top)?;
        for (name, written) in &params {
            if args.iter().any(|arg| *arg.name == **name) {
                return Err(SceneError::BadValue {
                    place: written.at.clone(),
                    message: format!("`{name}` is a parameter and an argument; rename one"),
                });
            }
        }
        let mut expect = match top.get("expect") {
            Some(field) => self.expect(&field)?,
            None => Expect::default(),
        };
        expect.tolerance = expect.tolerance.or(self.tolerance(top)?);
        let settings = self.settings(top)?;
        let cases = self.cases(top)?;
        top.check()?;
        Ok(Scene {
            file: self.text.file.clone(),
            name,
            platforms,
            runtimes,
            orchestrations,
            kernels,
            params,
            args,
            expect,
            settings,
            cases,
        })
    }

    fn nonempty(&self, field: &Field<'t>) -> Result<String> {
        let name = field.string()?;
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(field.bad(format!("\"{name}\" must be one word")));
        }
        Ok(name.to_owned())
    }

    fn choice<T: core::str::FromStr<Err = String>>(&self, field: &Field<'t>) -> Result<T> {
        field
            .string()?
            .parse()
            .map_err(|message| field.bad(message))
    }

    fn choices<T: core::str::FromStr<Err = String> + PartialEq>(
        &self,
        field: &Field<'t>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for item in field.list()? {
            let choice = self.choice(&item)?;
            if !all.contains(&choice) {
                all.push(choice);
            }
        }
        if all.is_empty() {
            return Err(field.bad(format!("`{}` is empty; name at least one", field.key())));
        }
        Ok(all)
    }

    fn path(&self, field: &Field<'t>) -> Result<PathBuf> {
        Ok(self.folder.join(field.string()?))
    }

    fn code(&self, table: &Fields<'t>, base: Option<&Fields<'t>>) -> Result<Code> {
        // Both tables are asked for every key, so that neither finds it unknown.
        let inherited = |key| base.and_then(|base| base.get(key));
        let get = |key| {
            let inherited = inherited(key);
            table.get(key).or(inherited)
        };
        let inherited = (inherited("source"), inherited("library"));
        let (source, library) = match (table.get("source"), table.get("library")) {
            (None, None) => inherited,
            own => own,
        };
        let origin = match (source, library) {
            (Some(source), None) => Origin::Source(self.path(&source)?),
            (None, Some(library)) => Origin::Library(self.path(&library)?),
            (None, None) => {
                return Err(table.missing("source", "`source` (C++) or `library` (.so)"));
            }
            (Some(_), Some(library)) => {
                return Err(library.bad("`source` and `library` exclude each other; keep one"));
            }
        };
        let include_dirs = match get("include_dirs") {
            None => Vec::new(),
            Some(dirs) => dirs
                .list()?
                .iter()
                .map(|dir| self.path(dir))
                .collect::<Result<_>>()?,
        };
        let flags = match get("flags") {
            None => Vec::new(),
            Some(flags) => flags.strings()?.into_iter().map(str::to_owned).collect(),
        };
        Ok(Code {
            origin,
            include_dirs,
            flags,
        })
    }

    /// `[orchestration]`, where `[orchestration.hbg]` changes keys for one runtime.
    fn orchestrations(
        &self,
        field: &Field<'t>,
        runtimes: &[RuntimeKind],
    ) -> Result<Vec<(RuntimeKind, Orchestration)>> {
        let base = field.table("[orchestration]")?;
        let own_tables = [
            (RuntimeKind::Trb, base.get("trb")),
            (RuntimeKind::Hbg, base.get("hbg")),
        ];
        let mut all = Vec::new();
        for &runtime in runtimes {
            let own = own_tables
                .iter()
                .find(|(kind, _)| *kind == runtime)
                .and_then(|(_, field)| field.as_ref());
            let orchestration = match own {
                None => self.orchestration(&base, None)?,
                Some(own) => {
                    let own = own.table(format!("[orchestration.{runtime}]"))?;
                    let orchestration = self.orchestration(&own, Some(&base))?;
                    own.check()?;
                    orchestration
                }
            };
            all.push((runtime, orchestration));
        }
        base.check()?;
        Ok(all)
    }

    fn orchestration(
        &self,
        table: &Fields<'t>,
        base: Option<&Fields<'t>>,
    ) -> Result<Orchestration> {
        let code = self.code(table, base)?;
        let get = |key| {
            let inherited = base.and_then(|base| base.get(key));
            table.get(key).or(inherited)
        };
        let entry = get("entry")
            .ok_or_else(|| table.missing("entry", "the name of the `extern \"C\"` function"))?;
        let config_entry = get("config_entry").map(|field| self.nonempty(&field));
        Ok(Orchestration {
            code,
            entry: self.nonempty(&entry)?,
            config_entry: config_entry.transpose()?,
        })
    }

    fn kernels(&self, top: &Fields<'t>, runtimes: &[RuntimeKind]) -> Result<Vec<Kernel>> {
        let mut kernels: Vec<Kernel> = Vec::new();
        let limit = i64::try_from(MAX_FUNC_ID).unwrap_or(i64::MAX) - 1;
        for item in self.items(top, "kernel")? {
            let table = item.table("[[kernel]]")?;
            let id = table.need("id", "the function id that tasks name it by")?;
            let number = u32::try_from(id.integer_in(0, limit)?).unwrap_or(u32::MAX);
            let core = table.need(
                "core",
                "`core = \"aiv\"` (vector) or `core = \"aic\"` (matrix)",
            )?;
            let kernel = Kernel {
                id: number,
                core: self.choice::<CoreType>(&core)?,
                code: self.code(&table, None)?,
                runtimes: match table.get("runtimes") {
                    None => runtimes.to_vec(),
                    Some(own) => self.choices(&own)?,
                },
            };
            let twice = |other: &&Kernel| {
                other.id == number && other.runtimes.iter().any(|r| kernel.runtimes.contains(r))
            };
            if kernels.iter().any(|other| twice(&other)) {
                return Err(id.bad(format!("kernel id {number} is used twice; ids must differ")));
            }
            table.check()?;
            kernels.push(kernel);
        }
        Ok(kernels)
    }

    fn items(&self, table: &Fields<'t>, key: &'static str) -> Result<Vec<Field<'t>>> {
        table.get(key).map_or(Ok(Vec::new()), |field| field.list())
    }

    fn written(&self, field: &Field<'t>) -> Result<Written> {
        let formula = match field.value() {
            DeValue::Integer(_) => Formula::Given(Array::whole(field.integer()?)),
            DeValue::Float(_) => Formula::Given(Array::real(field.number()?)),
            DeValue::Boolean(truth) => Formula::Given(Array::whole(i64::from(*truth))),
            DeValue::String(text) => {
                Formula::Expr(Expr::parse(text).map_err(|problem| field.bad_expression(problem))?)
            }
            _ => return Err(field.wrong_type("a number or an expression in quotes")),
        };
        Ok(Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula,
        })
    }

    fn params(&self, top: &Fields<'t>) -> Result<Vec<(String, Written)>> {
        let Some(field) = top.get("params") else {
            return Ok(Vec::new());
        };
        let mut params = Vec::new();
        for entry in field.table("[params]")?.rest() {
            self.check_name(&entry)?;
            params.push((entry.key().to_owned(), self.param(&entry)?));
        }
        Ok(params)
    }

    /// A parameter may also be a list of numbers.
    fn param(&self, field: &Field<'t>) -> Result<Written> {
        if !field.value().is_array() {
            return self.written(field);
        }
        let items = field.list()?;
        let whole = items.iter().all(|item| item.value().is_integer());
        let numbers = if whole {
            let all = items.iter().map(Field::integer).collect::<Result<_>>()?;
            super::array::Numbers::Whole(all)
        } else {
            let all = items.iter().map(Field::number).collect::<Result<_>>()?;
            super::array::Numbers::Real(all)
        };
        Ok(Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula: Formula::Given(Array::new(vec![items.len()], numbers)),
        })
    }

    fn check_name(&self, field: &Field<'t>) -> Result<()> {
        if is_name(field.key()) {
            Ok(())
        } else {
            Err(field.bad(format!(
                "`{}` must be made of letters, digits and `_` to be used in expressions",
                field.key()
            )))
        }
    }

    fn args(&self, top: &Fields<'t>) -> Result<Vec<Arg>> {
        let mut args: Vec<Arg> = Vec::new();
        let mut names = HashSet::new();
        let (mut tensors, mut scalars) = (0, 0);
        for item in self.items(top, "arg")? {
            let table = item.table("[[arg]]")?;
            let name = table.need("name", "the name expressions use")?;
            let text = name.string()?;
            if !is_name(text) {
                return Err(name.bad(format!(
                    "\"{text}\" must be made of letters, digits and `_`"
                )));
            }
            if !names.insert(text) {
                return Err(name.bad(format!("argument `{text}` appears twice; rename one")));
            }
            let arg = self.arg(&item, &table, text)?;
            match arg.kind {
                ArgKind::Tensor { .. } if scalars > 0 => {
                    return Err(item.bad(format!(
                        "tensor `{text}` stands after a scalar; list tensors first"
                    )));
                }
                ArgKind::Tensor { .. } => tensors += 1,
                ArgKind::Scalar { .. } => scalars += 1,
            }
            for (count, limit, what) in [
                (tensors, CHIP_MAX_TENSOR_ARGS, "tensors"),
                (scalars, CHIP_MAX_SCALAR_ARGS, "scalars"),
            ] {
                if count > limit {
                    return Err(item.bad(format!("{count} {what}; a call takes {limit}")));
                }
            }
            table.check()?;
            args.push(arg);
        }
        Ok(args)
    }

    fn arg(&self, item: &Field<'t>, table: &Fields<'t>, name: &str) -> Result<Arg> {
        let dtype = table.need("dtype", "an element type, as `dtype = \"f32\"`")?;
        let dtype = dtype::parse(dtype.string()?).map_err(|message| dtype.bad(message))?;
        let kind = match (table.get("shape"), table.get("value")) {
            (None, None) => {
                return Err(table.missing(
                    "shape",
                    "`shape` and `direction` for a tensor, or `value` for a scalar",
                ));
            }
            (Some(_), Some(value)) => {
                return Err(value.bad(format!("`{name}` has `shape` and `value`; keep one")));
            }
            (None, Some(value)) => ArgKind::Scalar {
                value: self.written(&value)?,
            },
            (Some(shape), None) => {
                let direction = table.need(
                    "direction",
                    "`direction = \"in\"`, `\"out\"` or `\"inout\"`",
                )?;
                let init = table
                    .get("init")
                    .map(|field| self.init(&field))
                    .transpose()?;
                let direction = self.direction(&direction)?;
                if init.is_none() && direction != Direction::Out {
                    return Err(table.missing("init", "its initial values, as `init = 1.0`"));
                }
                ArgKind::Tensor {
                    shape: self.shape(&shape)?,
                    direction,
                    init: init.map(Box::new),
                }
            }
        };
        Ok(Arg {
            name: name.into(),
            spot: item.spot(),
            dtype,
            kind,
        })
    }

    fn direction(&self, field: &Field<'t>) -> Result<Direction> {
        let all = [Direction::In, Direction::Out, Direction::InOut];
        let name_of = |direction| match direction {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::InOut => "inout",
        };
        super::model::by_name("direction", field.string()?, &all, name_of)
            .map_err(|message| field.bad(message))
    }

    fn shape(&self, field: &Field<'t>) -> Result<Vec<Written>> {
        let extents = field.list()?;
        if extents.is_empty() || extents.len() > TENSOR_MAX_DIMS {
            return Err(field.bad(format!(
                "a shape has 1 to {TENSOR_MAX_DIMS} extents, not {}",
                extents.len()
            )));
        }
        extents.iter().map(|extent| self.written(extent)).collect()
    }

    fn init(&self, field: &Field<'t>) -> Result<Init> {
        let constant = |value: Array| Written {
            key: field.key().to_owned(),
            at: self.text.place(field.spot()),
            formula: Formula::Given(value),
        };
        match field.value() {
            DeValue::String(word) if word == "arange" => Ok(Init::Arange {
                start: constant(Array::whole(0)),
                step: constant(Array::whole(1)),
            }),
            DeValue::String(word) if word == "random" => Ok(Init::Random {
                seed: constant(Array::whole(0)),
                min: constant(Array::whole(0)),
                max: constant(Array::whole(1)),
            }),
            DeValue::Array(_) => {
                let mut list = Vec::new();
                self.flatten(field, 0, &mut list)?;
                Ok(Init::List(list))
            }
            DeValue::Table(_) => {
                let table = field.table("`init`")?;
                let init = self.init_table(&table, &constant)?;
                table.check()?;
                Ok(init)
            }
            _ => Ok(Init::Value(self.written(field)?)),
        }
    }

    fn flatten(&self, field: &Field<'t>, depth: usize, into: &mut Vec<Written>) -> Result<()> {
        for item in field.list()? {
            if item.value().is_array() && depth + 1 < TENSOR_MAX_DIMS {
                self.flatten(&item, depth + 1, into)?;
            } else {
                into.push(self.written(&item)?);
            }
        }
        Ok(())
    }

    fn init_table(&self, table: &Fields<'t>, constant: &dyn Fn(Array) -> Written) -> Result<Init> {
        let arange = table.get("arange");
        let random = table.get("random");
        let npy = table.get("npy");
        match (arange, random, npy) {
            (Some(field), None, None) => {
                let inner = field.table("`arange`")?;
                let get = |key, default| match inner.get(key) {
                    Some(field) => self.written(&field),
                    None => Ok(constant(Array::whole(default))),
                };
                let init = Init::Arange {
                    start: get("start", 0)?,
                    step: get("step", 1)?,
                };
                inner.check()?;
                Ok(init)
            }
            (None, Some(field), None) => {
                let inner = field.table("`random`")?;
                let get = |key, default| match inner.get(key) {
                    Some(field) => self.written(&field),
                    None => Ok(constant(Array::whole(default))),
                };
                let init = Init::Random {
                    seed: get("seed", 0)?,
                    min: get("min", 0)?,
                    max: get("max", 1)?,
                };
                inner.check()?;
                Ok(init)
            }
            (None, None, Some(file)) => Ok(Init::Npy(self.path(&file)?)),
            _ => Err(table.bad("`init` takes one of `arange`, `random`, `npy`")),
        }
    }

    fn tolerance(&self, table: &Fields<'t>) -> Result<Tolerance> {
        let get = |key| table.get(key).map(|field| field.tolerance()).transpose();
        Ok(Tolerance {
            relative: get("rtol")?,
            absolute: get("atol")?,
        })
    }

    fn expect(&self, field: &Field<'t>) -> Result<Expect> {
        let table = field.table("[expect]")?;
        let tolerance = self.tolerance(&table)?;
        let error = match table.get("error") {
            None => None,
            Some(field) => Some(self.expected_error(&field)?),
        };
        let mut tensors = Vec::new();
        for entry in table.rest() {
            if error.is_some() {
                return Err(entry.bad(format!(
                    "`{}` cannot be expected beside an error; keep one",
                    entry.key()
                )));
            }
            tensors.push(self.expected_tensor(&entry)?);
        }
        Ok(Expect {
            tensors,
            error,
            tolerance,
        })
    }

    fn expected_error(&self, field: &Field<'t>) -> Result<ExpectedError> {
        let table = field.table("`error`")?;
        let code = match table.get("code") {
            None => None,
            Some(code) => {
                let number = code.integer_in(i64::from(i32::MIN), i64::from(i32::MAX))?;
                i32::try_from(number).ok()
            }
        };
        let text = match table.get("text") {
            None => None,
            Some(text) => Some(text.string()?.to_owned()),
        };
        if code.is_none() && text.is_none() {
            return Err(table.missing("code", "`code`, or `text` with a part of the message"));
        }
        table.check()?;
        Ok(ExpectedError { code, text })
    }

    fn expected_tensor(&self, entry: &Field<'t>) -> Result<ExpectedTensor> {
        let name = Located {
            spot: entry.spot(),
            value: entry.key().to_owned(),
        };
        if !entry.value().is_table() {
            return Ok(ExpectedTensor {
                name,
                values: ExpectedValues::Formula(self.written(entry)?),
                tolerance: Tolerance::default(),
            });
        }
        let table = entry.table(format!("`{}`", entry.key()))?;
        let values = match (table.get("value"), table.get("npy")) {
            (Some(formula), None) => ExpectedValues::Formula(self.written(&formula)?),
            (None, Some(file)) => ExpectedValues::Npy(self.path(&file)?),
            _ => return Err(table.bad("write either `value` (an expression) or `npy` (a file)")),
        };
        let tolerance = self.tolerance(&table)?;
        table.check()?;
        Ok(ExpectedTensor {
            name,
            values,
            tolerance,
        })
    }

    fn settings(&self, table: &Fields<'t>) -> Result<Settings> {
        let get = |key, high| -> Result<Option<i64>> {
            table
                .get(key)
                .map(|field| field.integer_in(1, high))
                .transpose()
        };
        let mut env = BTreeMap::new();
        if let Some(field) = table.get("env") {
            for entry in field.table("`env`")?.rest() {
                let value = match entry.value() {
                    DeValue::Integer(_) => entry.integer()?.to_string(),
                    _ => entry.string()?.to_owned(),
                };
                env.insert(entry.key().to_owned(), value);
            }
        }
        let narrow = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Settings {
            aicpu_threads: narrow(get("aicpu_threads", MAX_THREADS)?),
            block_dim: narrow(get("block_dim", MAX_BLOCKS)?),
            timeout_s: get("timeout_s", 86_400)?.and_then(|value| u64::try_from(value).ok()),
            env,
        })
    }

    fn cases(&self, top: &Fields<'t>) -> Result<Vec<Case>> {
        let mut cases: Vec<Case> = Vec::new();
        for item in self.items(top, "case")? {
            let case = self.case(&item)?;
            if cases.iter().any(|other| other.name == case.name) {
                return Err(item.bad(format!("case `{}` appears twice; rename one", case.name)));
            }
            cases.push(case);
        }
        if cases.is_empty() {
            cases.push(Case {
                name: "default".to_owned(),
                spot: top.spot(),
                platforms: None,
                runtimes: None,
                manual: false,
                settings: Settings::default(),
                params: Vec::new(),
                args: Vec::new(),
                expect: None,
            });
        }
        Ok(cases)
    }

    fn case(&self, item: &Field<'t>) -> Result<Case> {
        let table = item.table("[[case]]")?;
        let name = self.nonempty(&table.need("name", "a name for `--case`")?)?;
        let platforms = table.get("platforms").map(|field| self.choices(&field));
        let runtimes = table.get("runtimes").map(|field| self.choices(&field));
        let manual = table.get("manual").map(|field| field.boolean());
        let mut params = Vec::new();
        if let Some(field) = table.get("params") {
            for entry in field.table("[case.params]")?.rest() {
                let name = Located {
                    spot: entry.spot(),
                    value: entry.key().to_owned(),
                };
                params.push((name, self.param(&entry)?));
            }
        }
        let mut args = Vec::new();
        if let Some(field) = table.get("args") {
            for entry in field.table("[case.args]")?.rest() {
                args.push(self.arg_change(&entry)?);
            }
        }
        let mut expect = table
            .get("expect")
            .map(|field| self.expect(&field))
            .transpose()?;
        let tolerance = self.tolerance(&table)?;
        if tolerance != Tolerance::default() {
            let expect = expect.get_or_insert_default();
            expect.tolerance = expect.tolerance.or(tolerance);
        }
        let case = Case {
            name,
            spot: item.spot(),
            platforms: platforms.transpose()?,
            runtimes: runtimes.transpose()?,
            manual: manual.transpose()?.unwrap_or(false),
            settings: self.settings(&table)?,
            params,
            args,
            expect,
        };
        table.check()?;
        Ok(case)
    }

    /// `a = { init = 3 }` under `[case.args]`.
    fn arg_change(&self, entry: &Field<'t>) -> Result<ArgChange> {
        let table = entry.table(format!("`{}`", entry.key()))?;
        let dtype = match table.get("dtype") {
            None => None,
            Some(field) => {
                Some(dtype::parse(field.string()?).map_err(|message| field.bad(message))?)
            }
        };
        let change = ArgChange {
            name: Located {
                spot: entry.spot(),
                value: entry.key().to_owned(),
            },
            dtype,
            shape: table
                .get("shape")
                .map(|field| self.shape(&field))
                .transpose()?,
            init: table
                .get("init")
                .map(|field| self.init(&field))
                .transpose()?,
            value: table
                .get("value")
                .map(|field| self.written(&field))
                .transpose()?,
        };
        table.check()?;
        Ok(change)
    }
}

#[cfg(test)]
mod tests;
