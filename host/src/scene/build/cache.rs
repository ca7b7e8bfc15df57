//! Shared objects, kept by what they were made from.
//!
//! Knows names by content, and how several processes share one folder: an object is written under a
//! name of its own and renamed into place, so that whoever finds it finds all of it. Refuses to know
//! what the objects are for.
//!
//! The name covers the compiler's version, the flags and the preprocessed text, so that a changed
//! header is a changed name. It is a hash of the standard library's, not a promise across releases
//! of Rust: after an update everything is compiled once more.

use core::hash::{Hash, Hasher};
use std::env;
use std::fs;
use std::hash::DefaultHasher;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;

use object::read::elf::ElfFile64;

use super::compiler::Compiler;
use super::recipe::Recipe;
use crate::scene::error::{Result, SceneError};

/// A folder of shared objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The folder; made when first needed.
    pub folder: PathBuf,
}

impl Cache {
    /// `SIMPLER_CACHE_DIR`, else the user's cache folder, else the temporary one.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let folder = if let Some(own) = set("SIMPLER_CACHE_DIR") {
            PathBuf::from(own)
        } else if let Some(cache) = set("XDG_CACHE_HOME") {
            PathBuf::from(cache).join("simpler")
        } else if let Some(home) = set("HOME") {
            PathBuf::from(home).join(".cache/simpler")
        } else {
            env::temp_dir().join("simpler-cache")
        };
        Self { folder }
    }

    /// The object of `recipe`, compiled if it is not there yet.
    pub fn object(&self, compiler: &Compiler, recipe: &Recipe) -> Result<PathBuf> {
        let name = self.name(compiler, recipe)?;
        let folder =
            std::path::absolute(&self.folder).map_err(SceneError::writing(&self.folder))?;
        let path = folder.join(&name);
        if is_whole(&path) {
            return Ok(path);
        }
        fs::create_dir_all(&folder).map_err(SceneError::writing(&folder))?;
        let own = Unfinished(folder.join(format!(
            ".{}.{:?}.{name}",
            process::id(),
            thread::current().id()
        )));
        let mut command = command(compiler, &recipe.flags);
        command
            .args(&recipe.link_flags)
            .arg("-o")
            .arg(&own.0)
            .args(&recipe.sources);
        run(&mut command, &recipe.sources[0])?;
        if !is_whole(&own.0) {
            return Err(SceneError::Library {
                path: own.0.clone(),
                message: "the compiler left no complete shared object; is the disk full?"
                    .to_owned(),
            });
        }
        fs::rename(&own.0, &path).map_err(SceneError::writing(&path))?;
        Ok(path)
    }

    fn name(&self, compiler: &Compiler, recipe: &Recipe) -> Result<String> {
        // Two hashers with different beginnings make 128 bits.
        let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
        let mut feed = |bytes: &[u8]| {
            for hasher in &mut hashers {
                bytes.hash(hasher);
            }
        };
        feed(compiler.version.as_bytes());
        for word in compiler.command.iter().chain(&recipe.flags) {
            feed(word.as_bytes());
        }
        for word in &recipe.link_flags {
            feed(word.as_bytes());
        }
        for source in &recipe.sources {
            if let Err(error) = fs::metadata(source) {
                return Err(SceneError::reading(source)(error));
            }
            let mut command = command(compiler, &recipe.flags);
            feed(&run(command.arg("-E").arg(source), source)?);
        }
        hashers[1].write_u8(1);
        let [low, high] = hashers.map(|hasher| hasher.finish());
        let stem = recipe.sources[0].file_stem().unwrap_or_default();
        let stem: String = stem
            .to_string_lossy()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(40)
            .collect();
        Ok(format!("{stem}-{low:016x}{high:016x}.so"))
    }
}

/// A file that disappears unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// True for a file that is an ELF object to its last section: a crash of the machine can leave less.
fn is_whole(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        ElfFile64::<object::Endianness>::parse(bytes.as_slice())
            .is_ok_and(|file| file.elf_section_table().iter().next().is_some())
    })
}

fn command(compiler: &Compiler, flags: &[String]) -> Command {
    let mut command = Command::new(&compiler.command[0]);
    command
        .args(&compiler.command[1..])
        .args(flags)
        .stdin(Stdio::null())
        // Messages in one language, whatever the user's.
        .env("LC_ALL", "C");
    command
}

fn run(command: &mut Command, source: &Path) -> Result<Vec<u8>> {
    let shown = || {
        core::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| quoted(&word.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let shown = shown();
    let output = command
        .output()
        .map_err(SceneError::reading(Path::new(command.get_program())))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(SceneError::Compile {
        source_file: source.to_owned(),
        status: output.status.to_string(),
        command: shown,
        output: String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned(),
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
