//! Where orchestrations and kernels find our C++ headers.
//!
//! Knows the include directories of every kind of source and the sources compiled into it. Refuses
//! to know compilers. The same lists stand in `aicore-abi/include/README.md`.

use std::path::{Path, PathBuf};

/// What a C++ source is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An orchestration whose graph is built while it runs.
    TrbOrchestration,
    /// An orchestration that builds its graph on the host.
    HbgOrchestration,
    /// A kernel for tasks of the former.
    TrbKernel,
    /// A kernel for tasks of the latter.
    HbgKernel,
}

impl Kind {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::TrbOrchestration,
        Self::HbgOrchestration,
        Self::TrbKernel,
        Self::HbgKernel,
    ];

    /// Whether sources of this kind run on cores.
    #[must_use]
    pub const fn is_kernel(self) -> bool {
        matches!(self, Self::TrbKernel | Self::HbgKernel)
    }
}

/// Which chip family a source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// a2a3.
    A2a3,
    /// a5.
    A5,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A2a3, Self::A5];

    /// The name, which is also the name of the include directory that selects it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A2a3 => "a2a3",
            Self::A5 => "a5",
        }
    }
}

/// The include directories of a source, in order, below the workspace `root`.
///
/// Kernels need PTO-ISA's directories before these. A user's own directories come after them.
#[must_use]
pub fn include_dirs(kind: Kind, family: Family, root: &Path) -> Vec<PathBuf> {
    let shared = root.join("aicore-abi/include");
    let mut dirs = match kind {
        Kind::TrbOrchestration | Kind::TrbKernel => {
            vec![root.join("runtime-trb/include"), shared.join("trb")]
        }
        Kind::HbgOrchestration | Kind::HbgKernel => vec![root.join("runtime-hbg/include")],
    };
    dirs.push(shared.clone());
    dirs.push(shared.join(family.name()));
    dirs
}

/// The sources of ours that are compiled into a shared object beside the user's.
#[must_use]
pub fn support_sources(kind: Kind, root: &Path) -> Vec<PathBuf> {
    match kind {
        Kind::TrbOrchestration => vec![root.join("runtime-trb/include/orchestration/common.cpp")],
        Kind::HbgOrchestration | Kind::TrbKernel | Kind::HbgKernel => Vec::new(),
    }
}
