//! The list of hazards names tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below `folder`, build folders aside.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of the folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push_str(&fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

/// The names in backticks of every table's last column, with the line they stand in.
fn named(list: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    for (number, line) in list.lines().enumerate() {
        let Some(tests) = line
            .strip_suffix('|')
            .and_then(|line| line.rsplit('|').next())
        else {
            continue;
        };
        let quoted = tests.split('`').skip(1).step_by(2);
        names.extend(quoted.map(|name| (number + 1, name)));
    }
    names
}

#[test]
fn every_test_in_the_list_of_hazards_exists() {
    let list = fs::read_to_string(repository().join("docs/hazards.md")).expect("the list");
    let mut text = String::new();
    sources(&repository(), &mut text);
    let names = named(&list);
    assert!(names.len() > 30, "the list names {} tests", names.len());
    let missing: Vec<String> = names
        .into_iter()
        .filter(|(_, name)| !text.contains(&format!("fn {name}(")))
        .map(|(line, name)| format!("line {line}: `{name}`"))
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn every_row_in_the_list_of_hazards_names_a_test() {
    let list = fs::read_to_string(repository().join("docs/hazards.md")).expect("the list");
    let rows = list
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .filter(|line| !line.starts_with("| weakness"));
    for row in rows {
        assert!(!named(row).is_empty(), "no test: {row}");
    }
}
