//! Loading a shared object from bytes.
//!
//! Knows how bytes become loaded code: checked, staged under a name no one else uses, opened,
//! unlinked at once. Refuses to know what the code is for.
//!
//! The loader maps what the headers say, so a truncated file is a fault of the process later, not an
//! error now: the headers are checked against the length first. And it recognises a file by its name
//! even after the file is gone, so a name is never used twice in a process.

use core::ffi::{CStr, c_void};
use core::fmt;
use core::hash::BuildHasher;
use std::fs::{OpenOptions, remove_file};
use std::hash::RandomState;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use libloading::os::unix::Library;
use object::elf::{ET_DYN, FileHeader64, Machine, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, pod};

/// Why bytes did not become loaded code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There are no bytes.
    #[error("the image is empty")]
    Empty,
    /// The bytes are not a 64-bit little-endian ELF file.
    #[error("the image is not a 64-bit ELF file: {0}")]
    NotElf(String),
    /// It is ELF, but not a shared object.
    #[error("the image is ELF of type {0}, not a shared object: link it with -shared")]
    NotShared(u16),
    /// It was built for another processor.
    #[error("the image is for ELF machine {found}, this process runs on {expected}")]
    WrongMachine {
        /// Machine in the image's header.
        found: u16,
        /// Machine of this process.
        expected: u16,
    },
    /// A segment lies beyond the end of the bytes.
    #[error("the image is cut short: a segment ends at byte {end}, there are {length}")]
    Truncated {
        /// End of the segment.
        end: u64,
        /// Length of the image.
        length: usize,
    },
    /// No directory took the file, or none of those that did lets code be executed.
    #[error(
        "cannot load the image from a file: {0}; set TMPDIR to a folder with room that is not mounted noexec"
    )]
    Stage(String),
    /// The dynamic loader refused it.
    #[error("the dynamic loader refused the image: {0}")]
    Loader(String),
    /// A symbol that must be there is not.
    #[error("the image does not export `{0}`")]
    MissingSymbol(String),
}

/// Loaded code, unloaded on drop.
pub struct SharedObject {
    library: Library,
    label: String,
}

impl fmt::Debug for SharedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedObject").field(&self.label).finish()
    }
}

impl SharedObject {
    /// Loads `image`; `label` names it in file names and messages.
    ///
    /// # Errors
    ///
    /// What is wrong with the image, or why it could not be staged or opened.
    ///
    /// # Safety
    ///
    /// Loading runs the image's initialisers: the caller trusts them, and its finalisers at drop.
    pub unsafe fn load(image: &[u8], label: &str) -> Result<Self, LoadError> {
        check(image)?;
        let mut refusals = Vec::new();
        for directory in directories() {
            let staged = match Staged::write(image, label, &directory) {
                Ok(staged) => staged,
                Err(error) => {
                    refusals.push(format!("{}: {error}", directory.display()));
                    continue;
                }
            };
            // An unresolved symbol is an error now, not the end of the process at its first use.
            let flags = libloading::os::unix::RTLD_NOW | libloading::os::unix::RTLD_LOCAL;
            // SAFETY: the caller trusts the image's initialisers.
            match unsafe { Library::open(Some(&staged.0), flags) } {
                Ok(library) => {
                    return Ok(Self {
                        library,
                        label: label.to_owned(),
                    });
                }
                Err(error) => {
                    let text = loader_text(&error);
                    if !text.contains(NOT_MAPPED) {
                        return Err(LoadError::Loader(text));
                    }
                    refusals.push(format!("{}: {text}", directory.display()));
                }
            }
        }
        Err(LoadError::Stage(format!(
            "{} bytes; {}",
            image.len(),
            refusals.join("; ")
        )))
    }

    /// Address of an exported symbol, if there is one.
    #[must_use]
    pub fn find(&self, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: only the address is taken; using it is the caller's business.
        let symbol = unsafe { self.library.get::<*mut c_void>(name.to_bytes_with_nul()) }.ok()?;
        let address = symbol.into_raw();
        (!address.is_null()).then_some(address)
    }

    /// Address of a symbol that must be there.
    ///
    /// # Errors
    ///
    /// [`LoadError::MissingSymbol`] names it.
    pub fn require(&self, name: &CStr) -> Result<*mut c_void, LoadError> {
        self.find(name)
            .ok_or_else(|| LoadError::MissingSymbol(name.to_string_lossy().into_owned()))
    }
}

/// What the loader says where nothing may be executed, and also where memory ends.
const NOT_MAPPED: &str = "failed to map segment";

/// What the loader itself says, which its error carries as the source.
fn loader_text(error: &libloading::Error) -> String {
    core::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Checks that the loader may be shown these bytes.
fn check(image: &[u8]) -> Result<(), LoadError> {
    if image.is_empty() {
        return Err(LoadError::Empty);
    }
    let not_elf = |error: object::Error| LoadError::NotElf(error.to_string());
    let aligned = aligned(image);
    let image = &pod::bytes_of_slice(&aligned)[..image.len()];
    let header = FileHeader64::<Endianness>::parse(image).map_err(not_elf)?;
    let endian = header.endian().map_err(not_elf)?;
    if endian != Endianness::Little {
        return Err(LoadError::NotElf("it is big-endian".to_owned()));
    }
    let found = header.e_machine(endian);
    if found != HOST_MACHINE {
        return Err(LoadError::WrongMachine {
            found: found.0,
            expected: HOST_MACHINE.0,
        });
    }
    if header.e_type(endian) != ET_DYN {
        return Err(LoadError::NotShared(header.e_type(endian).0));
    }
    let segments = header.program_headers(endian, image).map_err(not_elf)?;
    for segment in segments.iter().filter(|it| it.p_type(endian) == PT_LOAD) {
        let end = segment
            .p_offset(endian)
            .saturating_add(segment.p_filesz(endian));
        if end > image.len() as u64 {
            return Err(LoadError::Truncated {
                end,
                length: image.len(),
            });
        }
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const HOST_MACHINE: Machine = object::elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const HOST_MACHINE: Machine = object::elf::EM_AARCH64;

/// The headers of `image` at an alignment that the parser accepts.
///
/// Callable images put their payloads at any address. Only headers are read, but their place is
/// stated in the file, so all of it is copied.
fn aligned(image: &[u8]) -> Vec<u64> {
    let mut words = vec![0u64; image.len().div_ceil(8)];
    pod::bytes_of_slice_mut(&mut words)[..image.len()].copy_from_slice(image);
    words
}

/// Where a file that must be executable may be put, best first.
fn directories() -> Vec<PathBuf> {
    let mut directories = vec![std::env::temp_dir()];
    for fallback in ["/var/tmp", "/dev/shm"] {
        let fallback = PathBuf::from(fallback);
        if !directories.contains(&fallback) {
            directories.push(fallback);
        }
    }
    directories
}

/// A file with the image in it, removed on drop.
#[derive(Debug)]
struct Staged(PathBuf);

impl Staged {
    fn write(image: &[u8], label: &str, directory: &Path) -> io::Result<Self> {
        // A fresh random number for each file: no name is met twice, whoever else stages here.
        let unique = RandomState::new().hash_one(label);
        let path = directory.join(format!(
            "simpler-{}-{unique:016x}-{label}.so",
            std::process::id()
        ));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(&path)?;
        let staged = Self(path);
        file.write_all(image)?;
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(error) = remove_file(&self.0) {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LoadError, SharedObject, Staged};

    /// A shared object of one function, linked by the system compiler.
    fn sample() -> Vec<u8> {
        let directory = std::env::temp_dir().join(format!(
            "simpler-sample-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::create_dir_all(&directory).expect("a writable temporary directory");
        let source = directory.join("sample.c");
        let output = directory.join("sample.so");
        std::fs::write(&source, "int answer(void) { return 42; }").expect("a writable directory");
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let status = cc::Build::new()
            .opt_level(0)
            .host(&triple)
            .target(&triple)
            .get_compiler()
            .to_command()
            .args(["-shared", "-fPIC", "-o"])
            .arg(&output)
            .arg(&source)
            .status()
            .expect("a C compiler");
        assert!(status.success());
        let image = std::fs::read(&output).expect("the compiler wrote it");
        std::fs::remove_dir_all(&directory).expect("ours");
        image
    }

    fn load(image: &[u8]) -> Result<SharedObject, LoadError> {
        // SAFETY: the sample has no initialisers; everything else is refused before they run.
        unsafe { SharedObject::load(image, "test") }
    }

    #[test]
    fn a_good_image_loads_twice_as_two_copies() {
        let image = sample();
        let first = load(&image).expect("a good image");
        let second = load(&image).expect("a good image");
        let (first, second) = (first.require(c"answer"), second.require(c"answer"));
        assert_ne!(first.expect("exported"), second.expect("exported"));
    }

    #[test]
    fn a_missing_symbol_is_named() {
        let image = load(&sample()).expect("a good image");
        let error = image.require(c"question").expect_err("not exported");
        assert!(error.to_string().contains("`question`"), "{error}");
    }

    #[test]
    fn every_truncation_is_refused_and_none_crashes() {
        let image = sample();
        for length in (0..image.len()).step_by(97) {
            // Cutting only section headers leaves a loadable image; a cut segment must be noticed.
            let _ = load(&image[..length]);
        }
        assert!(matches!(load(&[]), Err(LoadError::Empty)));
        assert!(matches!(
            load(&image[..image.len() / 8]),
            Err(LoadError::Truncated { .. } | LoadError::NotElf(_))
        ));
        assert!(matches!(load(b"#!/bin/sh"), Err(LoadError::NotElf(_))));
    }

    #[test]
    fn another_machine_is_named() {
        let mut image = sample();
        image[18] = 0xf3; // e_machine: RISC-V
        assert!(matches!(
            load(&image),
            Err(LoadError::WrongMachine { found: 0xf3, .. })
        ));
    }

    #[test]
    fn what_was_staged_goes_with_its_owner() {
        let staged = Staged::write(b"x", "test", &std::env::temp_dir()).expect("a folder");
        let path = staged.0.clone();
        assert_eq!(std::fs::read(&path).expect("it is there"), b"x");
        drop(staged);
        assert!(!path.exists());
        let error = Staged::write(b"x", "test", "/nonexistent".as_ref()).map(|_| ());
        assert!(error.is_err());
    }
}
