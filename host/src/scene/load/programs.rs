//! `[orchestration]` and `[[kernel]]`: the programs of a scene.
//!
//! Knows what a table of one runtime changes, and which ids kernels may have. Refuses to know how a source becomes a
//! shared object.

use protocol::limits::MAX_FUNC_ID;

use super::reader::Reader;
use crate::scene::error::Result;
use crate::scene::fields::{Field, Fields};
use crate::scene::model::{Code, CoreType, Kernel, Orchestration, Origin, RuntimeKind};

impl<'t> Reader<'t> {
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
    pub(super) fn orchestrations(
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

    pub(super) fn kernels(
        &self,
        top: &Fields<'t>,
        runtimes: &[RuntimeKind],
    ) -> Result<Vec<Kernel>> {
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
}
