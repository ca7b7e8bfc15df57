//! The corpus of sources in the users' style: where they are, how they are built, and what of them was run.
//!
//! Knows folders, builds, and how a compiler's line counts are read. Refuses to know what the sources do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use host::CoreType;

use crate::compiler::{Compiler, files, root, scratch};
use crate::headers::{Family, Kind, support_sources};

/// The folder of a kind's sources.
#[must_use]
pub fn folder(kind: Kind) -> PathBuf {
    root().join("tests/compat").join(match kind {
        Kind::TrbOrchestration => "trb/orchestration",
        Kind::HbgOrchestration => "hbg/orchestration",
        Kind::TrbKernel => "trb/kernel",
        Kind::HbgKernel => "hbg/kernel",
    })
}

/// The sources of a kind for a family.
#[must_use]
pub fn sources(kind: Kind, family: Family) -> Vec<PathBuf> {
    let mut sources = files(&folder(kind).join("both"), ".cpp");
    let own = folder(kind).join(family.name());
    if own.is_dir() {
        sources.extend(files(&own, ".cpp"));
    }
    sources
}

/// Where the corpus finds its own header, `checks.h`: a user's directory.
#[must_use]
pub fn include_flag() -> String {
    format!("-I{}", root().join("tests/compat").display())
}

/// What defines the kind of core that a kernel is compiled for.
#[must_use]
pub const fn core_define(core: CoreType) -> &'static str {
    match core {
        CoreType::Aic => "-D__DAV_CUBE__",
        CoreType::Aiv => "-D__DAV_VEC__",
    }
}

/// How sources are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Optimised, as users build them.
    Plain,
    /// With counters in every line.
    Measured,
}

/// Builds of the corpus for a family.
#[derive(Debug)]
pub struct Corpus {
    /// The family.
    pub family: Family,
    build: Build,
    out: PathBuf,
    built: Mutex<Vec<(Kind, PathBuf)>>,
}

impl Corpus {
    /// Nothing is built yet; objects go below `tmp`.
    ///
    /// # Panics
    /// When the folder is not writable.
    #[must_use]
    pub fn new(family: Family, build: Build, tmp: &str) -> Self {
        let out = scratch(tmp, &format!("corpus-{}-{build:?}", family.name()));
        // Counts of an earlier test would be added to.
        std::fs::remove_dir_all(&out).expect("ours");
        let out = scratch(tmp, &format!("corpus-{}-{build:?}", family.name()));
        Self {
            family,
            build,
            out,
            built: Mutex::default(),
        }
    }

    /// An orchestration of the corpus as a shared object.
    #[must_use]
    pub fn orchestration(&self, kind: Kind, source: &str) -> Vec<u8> {
        self.object(kind, source, &[])
    }

    /// A kernel of the corpus as a shared object for one kind of core.
    #[must_use]
    pub fn kernel(&self, kind: Kind, source: &str, core: CoreType) -> Vec<u8> {
        self.object(kind, source, &[core_define(core)])
    }

    fn object(&self, kind: Kind, source: &str, defines: &[&str]) -> Vec<u8> {
        let path = folder(kind).join(source);
        let name = format!("{kind:?}-{source}{}.so", defines.concat()).replace('/', "-");
        let output = self.out.join(name);
        // Programs share sources.
        if !output.exists() {
            self.compile(kind, &path, &output, defines);
        }
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.push((kind, path));
        std::fs::read(&output).expect("the compiler wrote it")
    }

    fn compile(&self, kind: Kind, source: &Path, output: &Path, defines: &[&str]) {
        let mut command = Compiler::system().command(kind, self.family);
        command.arg(include_flag()).args(defines);
        command
            .args(["-shared", "-Wl,--no-undefined", "-o"])
            .arg(output);
        match self.build {
            Build::Plain => command.arg(if kind.is_kernel() { "-O2" } else { "-O3" }),
            Build::Measured => command.args(["-O0", "--coverage", "-fprofile-update=atomic"]),
        };
        command.arg(source).args(support_sources(kind, root()));
        let compiled = command.output().expect("there is a compiler");
        let messages = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{command:?}\n{messages}");
    }

    /// The sources of a kind that were built.
    #[must_use]
    pub fn built(&self, kind: Kind) -> BTreeSet<PathBuf> {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = built.iter().filter(|(of, _)| *of == kind);
        of_kind.map(|(_, path)| path.clone()).collect()
    }

    /// How often each line of the corpus was run, of those that can be; what was built has to be unloaded.
    ///
    /// # Panics
    /// When the counters cannot be read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for data in files(&self.out, ".gcda") {
            let mut gcov = Command::new("gcov");
            gcov.current_dir(&self.out)
                .args(["--json-format", "--stdout"]);
            let output = gcov.arg(&data).output().expect("it is installed");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {text}", data.display());
            counts.read(&output.stdout);
        }
        counts
    }
}

/// How often lines were run, by source.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<PathBuf, BTreeMap<u64, u64>>);

impl Counts {
    /// Whether this machine can count: GCC comes with what reads its counters.
    #[must_use]
    pub fn can_be_read() -> bool {
        let answers = |command: &mut Command| {
            let output = command.arg("--version").output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let reader = answers(&mut Command::new("gcov"));
        let compiler = answers(&mut Command::new(Compiler::system().path()));
        reader.is_ok() && compiler.is_ok_and(|text| !text.contains("clang"))
    }

    fn read(&mut self, json: &[u8]) {
        let report: serde_json::Value = serde_json::from_slice(json).expect("gcov writes JSON");
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        for file in list(&report["files"]) {
            let path = Path::new(file["file"].as_str().expect("a path"));
            let lines = self.0.entry(path.to_owned()).or_default();
            for line in list(&file["lines"]) {
                let number = |key: &str| line[key].as_u64().expect("a number");
                *lines.entry(number("line_number")).or_default() += number("count");
            }
        }
    }

    /// Whether anything of `source` was run.
    #[must_use]
    pub fn touches(&self, source: &Path) -> bool {
        self.0
            .get(source)
            .is_some_and(|lines| lines.values().any(|&count| count > 0))
    }

    /// The lines of `source` that can be run and were not.
    #[must_use]
    pub fn missed(&self, source: &Path) -> Vec<u64> {
        let lines = self.0.get(source).into_iter().flatten();
        lines
            .filter(|(_, count)| **count == 0)
            .map(|(line, _)| *line)
            .collect()
    }
}

/// A C++ text without comments and literals.
#[must_use]
pub fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        code.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with("//") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| end + 2)
        } else if rest.starts_with('/') {
            code.push('/');
            Some(1)
        } else {
            literal_end(rest)
        };
        let Some(end) = end else { return code };
        rest = &rest[end..];
        code.push(' ');
    }
    code.push_str(rest);
    code
}

/// Where a literal ends that starts with its quote.
fn literal_end(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, each) in text.char_indices().skip(1) {
        match each {
            '\\' => escaped = !escaped,
            each if each == quote && !escaped => return Some(at + 1),
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn comments_and_literals_are_no_code() {
        let text = "a /* b */ c // d\n'\\'' e \"f\\\"g\" h / i";
        let code = code(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "c", "e", "h", "/", "i"]);
    }
}
