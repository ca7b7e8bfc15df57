//! The names of the C++ interface, and where each must be visible.
//!
//! Knows `tests/compat/checklist.txt`. Refuses to know what a name stands for.

use crate::compiler::root;
use crate::headers::{Family, Kind};

/// One name of the interface.
#[derive(Clone, Debug)]
pub struct Name {
    /// As written in C++; members after `::`, headers in quotes.
    pub name: String,
    kinds: Vec<Kind>,
    family: Option<&'static str>,
}

impl Name {
    /// Whether sources of `kind` for `family` must find it.
    #[must_use]
    pub fn is_visible(&self, kind: Kind, family: Family) -> bool {
        let here = self.family.is_none_or(|name| name == family.name());
        here && self.kinds.contains(&kind)
    }
}

/// All of them.
///
/// # Panics
/// When the list cannot be read.
#[must_use]
pub fn names() -> Vec<Name> {
    let path = root().join("tests/compat/checklist.txt");
    let list = std::fs::read_to_string(path).expect("part of the repository");
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    rows.map(name).collect()
}

fn name(row: &str) -> Name {
    let mut parts = row.splitn(3, ' ');
    let mut part = || parts.next().expect("three columns: places, family, name");
    let (places, family, name) = (part(), part(), part());
    Name {
        name: name.to_owned(),
        kinds: places.split('+').map(kind).collect(),
        family: match family {
            "both" => None,
            "a2a3" => Some("a2a3"),
            "a5" => Some("a5"),
            other => panic!("no such family: {other}"),
        },
    }
}

fn kind(place: &str) -> Kind {
    match place {
        "trb" => Kind::TrbOrchestration,
        "hbg" => Kind::HbgOrchestration,
        "trb-kernel" => Kind::TrbKernel,
        "hbg-kernel" => Kind::HbgKernel,
        other => panic!("no such place: {other}"),
    }
}
