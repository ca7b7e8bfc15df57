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

    /// Include folders for one source, in the order the compiler searches them: PTO-ISA's for kernels,
    /// ours, the scene's. `aicore-abi/include/README.md` has the list.
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
        dirs.push(abi.clone());
        dirs.push(abi.join(family(platform)));
        dirs.extend_from_slice(extra);
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

#[cfg(test)]
mod tests {
    use super::{Kind, Platform, Roots, RuntimeKind};
    use crate::scene::model::CoreType;
    use std::path::Path;

    #[test]
    fn folders_come_in_the_order_users_rely_on() {
        let roots = Roots {
            ours: "root".into(),
            pto_isa: Some("isa".into()),
        };
        let list = |kind, platform, runtime| {
            let dirs = roots.include_dirs(kind, platform, runtime, &["own".into()]);
            let shown: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            shown.join(" ")
        };
        let kernel = Kind::Kernel(CoreType::Aiv);
        assert_eq!(
            list(kernel, Platform::A5sim, RuntimeKind::Trb),
            "isa/include isa/include/pto root/runtime-trb/include root/aicore-abi/include/trb \
             root/aicore-abi/include root/aicore-abi/include/a5 own"
        );
        assert_eq!(
            list(Kind::Orchestration, Platform::A2a3sim, RuntimeKind::Hbg),
            "root/runtime-hbg/include root/aicore-abi/include root/aicore-abi/include/a2a3 own"
        );
        let support = |runtime| roots.orchestration_sources(runtime);
        assert_eq!(
            support(RuntimeKind::Trb).as_deref(),
            Some(Path::new(
                "root/runtime-trb/include/orchestration/common.cpp"
            ))
        );
        assert_eq!(support(RuntimeKind::Hbg), None);
    }
}
