//! The compilers that can make code for a chip's control CPUs.
//!
//! | what is there | how it is used |
//! | --- | --- |
//! | rustup's standard library for aarch64, and zig | this toolchain |
//! | the distribution's cross standard library, and zig | the distribution's compiler |
//!
//! Zig links against the oldest C library of aarch64 and brings what would otherwise be looked for on the
//! chip (the unwinder, the C++ library).

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

const TRIPLE: &str = "aarch64-unknown-linux-gnu";
/// The oldest C library with symbol versions on aarch64.
const FLOOR: &str = "aarch64-unknown-linux-gnu.2.17";
/// Where the distribution's compiler is.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// A way to compile an image.
pub(super) struct Toolchain {
    triple: Option<&'static str>,
    /// The compiler, unless it is the one that cargo takes anyway.
    rustc: Option<&'static str>,
}

impl Toolchain {
    pub(super) const fn native() -> Self {
        Self {
            triple: None,
            rustc: None,
        }
    }

    pub(super) fn cross() -> Result<Self> {
        if !answers("cargo-zigbuild", &["--version"]) {
            bail!(
                "cargo-zigbuild is not installed: `pip install cargo-zigbuild ziglang` brings it and the linker"
            );
        }
        let triple = Some(TRIPLE);
        if has_library(None) {
            return Ok(Self {
                triple,
                rustc: None,
            });
        }
        if has_library(Some(SYSTEM_RUSTC)) {
            let rustc = Some(SYSTEM_RUSTC);
            return Ok(Self { triple, rustc });
        }
        bail!(
            "no standard library for {TRIPLE}: `rustup target add {TRIPLE}`, or on Debian `dpkg --add-architecture \
             arm64` and `apt-get install rustc-web libstd-rust-web-dev:arm64`"
        )
    }

    pub(super) const fn triple(&self) -> Option<&'static str> {
        self.triple
    }

    /// `cargo rustc` with this toolchain; the caller adds what to build.
    pub(super) fn cargo_rustc(&self) -> Command {
        let Some(_) = self.triple else {
            let mut command =
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            command.arg("rustc");
            return command;
        };
        let mut command = Command::new("cargo-zigbuild");
        command.args(["rustc", "--target", FLOOR]);
        if let Some(rustc) = self.rustc {
            command.env("RUSTC", rustc);
        }
        command
    }

    pub(super) fn describe(&self) -> Result<String> {
        let rustc = Command::new(self.rustc.unwrap_or("rustc"))
            .arg("-V")
            .output()?;
        let rustc = String::from_utf8_lossy(&rustc.stdout).trim().to_owned();
        Ok(match self.triple {
            None => rustc,
            Some(_) => format!("{rustc}, linked by zig for {FLOOR}"),
        })
    }
}

fn answers(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// Whether a compiler has the standard library for a chip.
fn has_library(rustc: Option<&str>) -> bool {
    let output = Command::new(rustc.unwrap_or("rustc"))
        .args(["--print", "target-libdir", "--target", TRIPLE])
        .output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success()
            && Path::new(&folder)
                .read_dir()
                .is_ok_and(|entries| entries.flatten().any(|entry| is_std(&entry.file_name())))
    })
}

fn is_std(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("libstd-") && name.ends_with(".rlib")
}
