//! Building and checking the shared objects that host programs load by path.
//!
//! Knows where each goes and what must be true of it. Refuses to hand out one it has not opened.
//!
//! ```text
//! target/dist/lib/{libsimpler_log.so, libcpu_sim_context.so}
//! target/dist/<platform>/<runtime>/{libhost_runtime.so, libaicpu_kernel.so, libaicore_kernel.so, manifest.json}
//! target/dist/<chip>/<runtime>/{libhost_runtime.so, libaicpu_kernel.so, aicore_kernel.o, manifest.json}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use dist::{CHIP_OBJECTS, OBJECTS, Object, PROVIDED, Source};
use object::elf;
use object::read::elf::{Dyn, ElfFile64};
use object::{Endianness, Object as _, ObjectSymbol};
use serde_json::{Value, json};

use crate::command::{cargo, root, run as run_command};
use crate::image::{self, CORE_PROGRAM, Chip, Runtime, Target};

/// What to build, and where to.
#[derive(Args)]
pub(crate) struct Choice {
    /// Only this platform; without it all simulated ones, because a real one takes compilers for its chip.
    #[arg(short, long, value_parser = ["a2a3sim", "a5sim", "a2a3", "a5"])]
    platform: Option<String>,
    /// Only this runtime.
    #[arg(short, long, value_parser = ["trb", "hbg"])]
    runtime: Option<String>,
    /// The build profile.
    #[arg(long, default_value = "release")]
    profile: String,
    /// The folder to write to.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Choice {
    /// Everything, built with `profile` and written to `out`.
    pub(crate) fn everything(profile: &str, out: &Path) -> Self {
        Self {
            platform: None,
            runtime: None,
            profile: profile.to_owned(),
            out: Some(out.to_owned()),
        }
    }

    fn wants(&self, object: &Object) -> bool {
        let Some((platform, runtime)) = object.path.0.split_once('/') else {
            return true;
        };
        let named = match self.platform.as_deref() {
            Some(name) => name == platform,
            None => platform.ends_with("sim"),
        };
        named && self.runtime.as_deref().is_none_or(|it| it == runtime)
    }
}

/// Libraries of the system: whoever runs Rust or C++ programs has them.
const NEEDED: [&str; 6] = [
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libgcc_s.so.1",
    "libm.so.6",
    "libstdc++.so.6",
];

/// How names begin that no library of the system has.
const OURS: [&str; 5] = [
    "unified_log",
    "pto_",
    "simpler_",
    "_ZN10HostLogger",
    "runtime_",
];

/// Builds, checks and writes.
pub(crate) fn run(choice: &Choice) -> Result<()> {
    let all = OBJECTS.iter().chain(CHIP_OBJECTS);
    let wanted: Vec<&Object> = all.filter(|it| choice.wants(it)).collect();
    let built = build(choice, &wanted)?;
    let out = choice
        .out
        .clone()
        .unwrap_or_else(|| root().join("target/dist"));
    let mut manifests: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for object in wanted {
        let (folder, file) = object.path;
        let bytes = match object.source {
            Source::Bytes(bytes) => bytes.to_vec(),
            Source::Example { name, .. } => {
                let path = built
                    .get(name)
                    .with_context(|| format!("cargo built no {name}"))?;
                fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
            }
        };
        let found = check(object, &bytes)
            .with_context(|| format!("{folder}/{file} is not what programs expect"))?;
        let folder_path = out.join(folder);
        fs::create_dir_all(&folder_path)?;
        write(&folder_path.join(file), &bytes)?;
        manifests.entry(folder).or_default().push(found);
    }
    for chip in Chip::ALL {
        if choice.platform.as_deref() == Some(chip.name()) {
            programs_of(chip, choice, &out)?;
        }
    }
    for (folder, objects) in manifests {
        let manifest = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "layout_digest": format!("{:#018x}", protocol::PROTOCOL_DIGEST),
            "profile": choice.profile,
            "objects": objects,
        });
        let folder = out.join(folder);
        fs::write(folder.join("manifest.json"), format!("{manifest:#}\n"))?;
        println!("{}", folder.display());
    }
    Ok(())
}

/// Puts the programs of a real chip beside its host runtimes.
fn programs_of(chip: Chip, choice: &Choice, out: &Path) -> Result<()> {
    let images = root().join("target/images").join(chip.name());
    let core_program = images.join(CORE_PROGRAM);
    for runtime in Runtime::ALL {
        if choice
            .runtime
            .as_deref()
            .is_some_and(|it| it != runtime.name())
        {
            continue;
        }
        image::build(chip, runtime, Target::Aarch64)?;
        let folder = out.join(chip.name()).join(runtime.name());
        let image = fs::read(images.join(runtime.name()).join(image::IMAGE))?;
        write(&folder.join(image::IMAGE), &image)?;
        if core_program.exists() {
            write(&folder.join(CORE_PROGRAM), &fs::read(&core_program)?)?;
        } else {
            println!(
                "{} is not there: `cargo xtask core-program --chip {}` builds it where CANN is",
                folder.join(CORE_PROGRAM).display(),
                chip.name()
            );
        }
    }
    Ok(())
}

/// Replaces a file, so that a program that has the old one loaded keeps it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = path.with_extension("so.new");
    fs::write(&fresh, bytes)?;
    fs::rename(&fresh, path)?;
    Ok(())
}

/// Lets cargo build the examples and says where each is.
fn build(choice: &Choice, wanted: &[&Object]) -> Result<BTreeMap<String, PathBuf>> {
    let mut packages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in wanted {
        if let Source::Example { package, name } = object.source {
            packages.entry(package).or_default().push(name);
        }
    }
    let mut built = BTreeMap::new();
    for (package, examples) in packages {
        let mut command = cargo(["build", "--package", package, "--profile", &choice.profile]);
        for example in examples {
            command.args(["--example", example]);
        }
        run_command(&mut command)?;
        command.args(["--quiet", "--message-format=json-render-diagnostics"]);
        let output = command.output()?;
        for line in String::from_utf8(output.stdout)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let name = message["target"]["name"].as_str();
            let file = message["filenames"].as_array().and_then(|files| {
                files
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|file| file.ends_with(".so"))
            });
            if let (Some(name), Some(file)) = (name, file) {
                built.insert(name.to_owned(), PathBuf::from(file));
            }
        }
    }
    Ok(built)
}

/// Checks one object and describes it.
fn check(object: &Object, bytes: &[u8]) -> Result<Value> {
    let file = ElfFile64::<Endianness>::parse(bytes).context("it is no 64-bit ELF file")?;
    let (soname, needed) = dynamic(&file)?;
    let (_, name) = object.path;
    ensure!(soname == name, "its soname is {soname:?}, not {name}");
    for library in &needed {
        ensure!(NEEDED.contains(&library.as_str()), "it needs {library}");
    }
    let exports: BTreeSet<&str> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.is_global())
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    for wanted in object.exports {
        ensure!(exports.contains(wanted), "it does not export {wanted}");
    }
    for own in object.own {
        ensure!(
            exports.contains(own.name),
            "it does not export {}",
            own.name
        );
    }
    for export in &exports {
        ensure!(
            object.exports.contains(export) || object.own.iter().any(|own| own.name == *export),
            "it exports {export}, which nothing asks for"
        );
    }
    for symbol in file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_undefined())
    {
        let name = symbol.name()?;
        let ours = OURS.iter().any(|prefix| name.starts_with(prefix));
        ensure!(
            !ours || PROVIDED.contains(&name),
            "it leaves {name} undefined"
        );
    }
    let own: BTreeMap<&str, &str> = object.own.iter().map(|it| (it.name, it.reason)).collect();
    Ok(json!({
        "file": name,
        "bytes": bytes.len(),
        "needed": needed,
        "exports": object.exports,
        "own_exports": own,
    }))
}

/// Soname and needed libraries.
fn dynamic(file: &ElfFile64<'_, Endianness>) -> Result<(String, Vec<String>)> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((dynamic, link)) = sections.dynamic(endian, file.data())? else {
        bail!("it has no dynamic section");
    };
    let strings = sections.strings(endian, file.data(), link)?;
    let (mut soname, mut needed) = (String::new(), Vec::new());
    for entry in dynamic {
        let text = || -> Result<String> {
            Ok(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned())
        };
        match entry.tag(endian) {
            elf::DT_SONAME => soname = text()?,
            elf::DT_NEEDED => needed.push(text()?),
            _ => {}
        }
    }
    needed.sort();
    Ok((soname, needed))
}
