//! The digest covers everything that is pinned, and every stated layout is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::ALL_LAYOUTS;

/// Names in `pin_layout!(Name, 8 bytes, …` and in the local macros that pin for their callers,
/// `Name, 8 bytes, …`.
fn pinned_in(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("a source file").path();
        if path.is_dir() {
            pinned_in(&path, names);
            continue;
        }
        let source = fs::read_to_string(&path).expect("source is text");
        for name in source.lines().filter_map(pinned_name) {
            assert!(names.insert(name.to_owned()), "{name} is pinned twice");
        }
    }
}

fn pinned_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("crate::pin_layout!(").unwrap_or(line);
    let (name, rest) = line.split_once(", ")?;
    let (size, _) = rest.split_once(" bytes,")?;
    let is_size = !size.is_empty()
        && size
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_');
    (is_size && name.starts_with(|first: char| first.is_ascii_uppercase())).then_some(name)
}

#[test]
fn the_digest_covers_every_pinned_type() {
    let mut pinned = BTreeSet::new();
    pinned_in(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut pinned,
    );
    let listed: BTreeSet<String> = ALL_LAYOUTS
        .iter()
        .map(|layout| layout.name.to_owned())
        .collect();
    assert_eq!(listed.len(), ALL_LAYOUTS.len(), "a type is listed twice");
    assert_eq!(listed, pinned);
}

#[test]
fn fields_fill_their_types() {
    for layout in ALL_LAYOUTS {
        let end = layout.fields.iter().fold(0, |end, field| {
            assert_eq!(field.offset, end, "{}::{}", layout.name, field.name);
            end + field.size
        });
        assert_eq!(end, layout.size, "{}", layout.name);
        assert!(layout.size.is_multiple_of(layout.align), "{}", layout.name);
    }
}
