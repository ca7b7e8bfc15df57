//! Where headers are.
//!
//! Knows our include folders and their order, and PTO-ISA's. Refuses to read any of them.

use std::env;
use std::path::{Path, PathBuf};

use super::recipe::Kind;
use crate::scene::model::{Platform, RuntimeKind};

/// Folders that hold headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The folder with `aicore-abi/include` and `runtime-*/include`.
    pub ours: PathBuf,
    /// A PTO-ISA checkout, if `PTO_ISA_ROOT` names one.
    pub pto_isa: Option<PathBuf>,
}

/// Folder that must exist below [`Roots::ours`].
const LANDMARK: &str = "aicore-abi/include";

impl Roots {
    /// Looks in `SIMPLER_ROOT`, beside the program, and in the sources it was built from.
    pub fn find() -> Result<Self, String> {
        let beside = env::current_exe()
            .ok()
            .and_then(|exe| Some(exe.parent()?.parent()?.join("share/simpler")));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let candidates: Vec<PathBuf> = match env::var_os("SIMPLER_ROOT") {
            Some(root) => vec![root.into()],
            None => beside
                .into_iter()
                .chain(source.map(Path::to_owned))
                .collect(),
        };
        candidates
            .iter()
            .find(|root| root.join(LANDMARK).is_dir())
            .map(|root| Self {
                ours: root.clone(),
                pto_isa: env::var_os("PTO_ISA_ROOT").map(PathBuf::from),
            })
            .ok_or_else(|| {
                let tried: Vec<_> = candidates
                    .iter()
                    .map(|root| root.join(LANDMARK).display().to_string())
                    .collect();
                format!(
                    "the C++ headers are in none of {}; set SIMPLER_ROOT to the folder that holds \
                     aicore-abi",
                    tried.join(", ")
                )
            })
    }

    /// Include folders for one source, in the order the compiler searches them.
    #[must_use]
    pub fn include_dirs(
        &self,
        kind: Kind,
        platform: Platform,
        runtime: RuntimeKind,
        extra: &[PathBuf],
    ) -> Vec<PathBuf> {
        let abi = self.ours.join(LANDMARK);
        let mut dirs = Vec::new();
        if let (Kind::Kernel(_), Some(isa)) = (kind, &self.pto_isa) {
            dirs.extend([isa.join("include"), isa.join("include/pto")]);
        }
        dirs.push(self.runtime_include(runtime));
        if runtime == RuntimeKind::Trb {
            dirs.push(abi.join("trb"));
        }
        dirs.push(abi.join(family(platform)));
        dirs.push(abi);
        dirs.extend_from_slice(extra);
        if kind == Kind::Orchestration {
            dirs.push(self.runtime_include(runtime).join("orchestration"));
        }
        dirs
    }

    /// Sources compiled into every orchestration of a runtime.
    #[must_use]
    pub fn orchestration_sources(&self, runtime: RuntimeKind) -> Option<PathBuf> {
        match runtime {
            RuntimeKind::Trb => Some(
                self.runtime_include(runtime)
                    .join("orchestration/common.cpp"),
            ),
            RuntimeKind::Hbg => None,
        }
    }

    fn runtime_include(&self, runtime: RuntimeKind) -> PathBuf {
        self.ours.join(format!("runtime-{runtime}/include"))
    }
}

fn family(platform: Platform) -> &'static str {
    match platform {
        Platform::A2a3 | Platform::A2a3sim => "a2a3",
        Platform::A5 | Platform::A5sim => "a5",
    }
}
