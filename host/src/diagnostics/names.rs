//! Names of kernels in the files of a run.
//!
//! Knows the reference's name map. Refuses to know where names come from.

use std::collections::BTreeMap;
use std::path::Path;

use platform::diagnostics::file;
use serde_json::{Map, Value, json};

/// Writes down what kernels are called.
pub(super) fn write(
    folder: &Path,
    label: &str,
    names: &BTreeMap<i32, String>,
) -> Result<(), String> {
    let ids = names.iter();
    let map: Map<String, Value> = ids
        .map(|(id, name)| (id.to_string(), json!(name)))
        .collect();
    let map = json!({"level": 2, "orchestrator_name": null, "callable_id_to_name": map});
    let path = folder.join(format!("name_map_{label}.json"));
    file(&path, |to| writeln!(to, "{map:#}")).map_err(|error| error.to_string())
}

/// The names that a folder's map has; none if it has no map.
pub(super) fn of(folder: &Path) -> BTreeMap<i32, String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return BTreeMap::new();
    };
    let mut maps: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("name_map_") && name.ends_with(".json")
        })
        .collect();
    maps.sort();
    maps.iter().find_map(|path| read(path)).unwrap_or_default()
}

fn read(path: &Path) -> Option<BTreeMap<i32, String>> {
    let map: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
    let names = map.get("callable_id_to_name")?.as_object()?.iter();
    let name = |(id, name): (&String, &Value)| Some((id.parse().ok()?, name.as_str()?.to_owned()));
    Some(names.filter_map(name).collect())
}
