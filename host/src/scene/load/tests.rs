use std::path::Path;

use super::parse;

const SMALL: &str = r#"
name = "small"
platforms = ["a2a3sim"]
runtimes = ["trb"]
[orchestration]
source = "o.cpp"
entry = "build"
[[arg]]
name = "x"
dtype = "f32"
shape = [4]
direction = "inout"
init = 1.0
[expect]
x = "x + 1"
"#;

#[test]
fn a_small_scene_is_read() {
    let scene = parse(Path::new("dir/scene.toml"), SMALL).expect("a good scene");
    assert_eq!(scene.name, "small");
    assert_eq!(scene.args.len(), 1);
    assert_eq!(scene.cases[0].name, "default");
}
