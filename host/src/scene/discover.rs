//! Finding scenes below a folder.
//!
//! Knows that a scene is a folder with `scene.toml`. Refuses to read it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Result, SceneError};

/// Folders below this depth are not searched; it also ends a loop of links.
const MAX_DEPTH: usize = 16;

/// Every scene file below `folder`, sorted.
pub fn scenes(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    search(folder, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let own = folder.join("scene.toml");
    if own.is_file() {
        // A scene's own subfolders hold its sources.
        found.push(own);
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(SceneError::reading(folder))? {
        let path = entry.map_err(SceneError::reading(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let skipped = name.starts_with('.') || name == "target";
        if !skipped && path.is_dir() && depth < MAX_DEPTH {
            search(&path, depth + 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::scenes;
    use std::fs;

    #[test]
    fn finds_scenes_at_any_depth_in_order() {
        let root = std::env::temp_dir().join(format!("discover-{}", std::process::id()));
        for folder in [
            "b",
            "a/deep",
            "a/deep/inside",
            "target/x",
            ".git/x",
            "empty",
        ] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
            if folder != "empty" {
                fs::write(root.join(folder).join("scene.toml"), "").expect("a file");
            }
        }
        let found = scenes(&root).expect("readable");
        assert_eq!(
            found,
            [root.join("a/deep/scene.toml"), root.join("b/scene.toml")]
        );
        assert!(scenes(&root.join("missing")).is_err());
        fs::remove_dir_all(&root).expect("our own folder");
    }
}
