use std::path::{Path, PathBuf};

use super::parse;
use crate::scene::model::{CoreType, Origin, Platform, RuntimeKind, Scene};
use crate::scene::tensor::Direction;

const FULL: &str = r#"
name = "full"
platforms = ["a2a3sim", "a5sim"]
runtimes = ["trb", "hbg"]
block_dim = 24
rtol = 1e-3

[orchestration]
source = "graph.cpp"
entry = "build"
config_entry = "config"
include_dirs = ["inc"]
flags = ["-DONE"]
[orchestration.hbg]
source = "host_graph.cpp"

[[kernel]]
id = 0
core = "aiv"
source = "add.cpp"
runtimes = ["trb"]
[[kernel]]
id = 0
core = "aic"
library = "add.so"
runtimes = ["hbg"]

[params]
rows = 4
cols = "rows * 2"
lengths = [33, 17]

[[arg]]
name = "a"
dtype = "f32"
shape = ["rows", "cols"]
direction = "in"
init = { random = { seed = 1, min = -1, max = 1 } }
[[arg]]
name = "out"
dtype = "INT32"
shape = [8]
direction = "out"
[[arg]]
name = "scale"
dtype = "f32"
value = 0.5

[expect]
out = { value = "i", atol = 0.0 }

[[case]]
name = "wide"
aicpu_threads = 3
env = { WINDOW = 64, NAME = "x" }
params = { rows = 8 }
args.scale.value = 2.0
platforms = ["a5sim"]
manual = true
"#;

fn read(text: &str) -> Result<Scene, String> {
    parse(Path::new("dir/scene.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn everything_a_scene_can_say_is_read() {
    let mut scene = read(FULL).expect("a good scene");
    let [trb, hbg] = [0, 1].map(|index| scene.orchestrations[index].clone());
    scene.kernels.retain(|kernel| kernel.core == CoreType::Aic);
    assert_eq!((trb.0, hbg.0), (RuntimeKind::Trb, RuntimeKind::Hbg));
    assert_eq!(trb.1.code.origin, Origin::Source("dir/graph.cpp".into()));
    assert_eq!(
        hbg.1.code.origin,
        Origin::Source("dir/host_graph.cpp".into())
    );
    assert_eq!(
        (hbg.1.entry.as_str(), hbg.1.config_entry.as_deref()),
        ("build", Some("config"))
    );
    assert_eq!(hbg.1.code.include_dirs, [PathBuf::from("dir/inc")]);
    assert_eq!(hbg.1.code.flags, ["-DONE"]);
    assert_eq!(
        scene.kernels[0].code.origin,
        Origin::Library("dir/add.so".into())
    );
    assert_eq!(scene.kernels[0].runtimes, [RuntimeKind::Hbg]);
    let names: Vec<&str> = scene.params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["rows", "cols", "lengths"]);
    assert_eq!(scene.settings.block_dim, Some(24));
    assert_eq!(scene.expect.tolerance.relative, Some(1e-3));
    assert_eq!(scene.expect.tensors[0].tolerance.absolute, Some(0.0));
    let case = &scene.cases[0];
    assert_eq!(case.settings.aicpu_threads, Some(3));
    assert_eq!(case.settings.env["WINDOW"], "64");
    assert_eq!(case.platforms, Some(vec![Platform::A5sim]));
    assert!(case.manual && case.args[0].value.is_some());
    let crate::scene::model::ArgKind::Tensor { direction, .. } = scene.args[1].kind else {
        panic!("`out` is a tensor");
    };
    assert_eq!(direction, Direction::Out);
}

/// The scene with one line changed, and what the reader says about it.
fn complaint(from: &str, into: &str) -> String {
    assert!(FULL.contains(from), "`{from}` is in the scene");
    read(&FULL.replacen(from, into, 1)).expect_err("a mistake")
}

#[test]
fn unknown_keys_name_the_nearest_and_the_place() {
    for (from, into, want) in [
        (
            "rtol =",
            "rtoll =",
            "dir/scene.toml:6:1: unknown key `rtoll` in the scene; did you mean `rtol`?",
        ),
        (
            "entry =",
            "entyr =",
            "dir/scene.toml:10:1: unknown key `entyr` in [orchestration]",
        ),
        (
            "core = \"aiv\"",
            "core = \"aiv\"\nflag = []",
            "dir/scene.toml:20:1: unknown key `flag` in [[kernel]]; did you mean `flags`?",
        ),
        (
            "direction = \"out\"",
            "direction = \"out\"\nint = 0",
            "in [[arg]]; did you mean `init`?",
        ),
        (
            "seed = 1",
            "sed = 1",
            "unknown key `sed` in `random`; did you mean `seed`?",
        ),
        (
            "atol = 0.0",
            "tol = 0.0",
            "unknown key `tol` in `out`; did you mean `",
        ),
        (
            "manual =",
            "manul =",
            "unknown key `manul` in [[case]]; did you mean `manual`?",
        ),
        (
            "scale.value",
            "scale.valeu",
            "unknown key `valeu` in `scale`; did you mean `value`?",
        ),
    ] {
        let text = complaint(from, into);
        // A mandatory key that is mistyped is first of all missing.
        if from == "entry =" {
            assert!(text.contains("has no `entry`"), "{text}");
        } else {
            assert!(text.contains(want), "{text}");
        }
    }
}

#[test]
fn wrong_values_name_the_value_and_what_is_allowed() {
    for (from, into, want) in [
        (
            "\"a2a3sim\", ",
            "\"a2a3sin\", ",
            "unknown platform `a2a3sin`; did you mean `a2a3sim`?",
        ),
        ("[\"trb\", \"hbg\"]", "[]", "`runtimes` is empty"),
        ("id = 0", "id = 1024", "`id` = 1024 is outside 0..=1023"),
        (
            "id = 0",
            "id = \"0\"",
            "`id` must be an integer, not the string \"0\"",
        ),
        ("runtimes = [\"hbg\"]", "", "kernel id 0 is used twice"),
        (
            "core = \"aiv\"",
            "core = \"avi\"",
            "unknown core type `avi`; did you mean `aiv`?",
        ),
        ("source = \"add.cpp\"", "", "[[kernel]] has no `source`"),
        (
            "library =",
            "source = \"x\"\nlibrary =",
            "exclude each other",
        ),
        (
            "dtype = \"f32\"",
            "dtype = \"f23\"",
            "unknown dtype `f23`; did you mean `f32`?",
        ),
        (
            "shape = [8]",
            "shape = []",
            "a shape has 1 to 5 extents, not 0",
        ),
        (
            "shape = [8]",
            "shape = [8]\nvalue = 1",
            "`out` has `shape` and `value`",
        ),
        ("shape = [8]", "", "[[arg]] has no `shape`"),
        (
            "\"in\"",
            "\"inn\"",
            "unknown direction `inn`; did you mean `in`?",
        ),
        ("init = { random", "#", "has no `init`"),
        (
            "name = \"out\"",
            "name = \"a\"",
            "argument `a` appears twice",
        ),
        ("name = \"out\"", "name = \"my out\"", "letters, digits"),
        (
            "rows = 4",
            "a = 4\nrows = 4",
            "`a` is a parameter and an argument",
        ),
        ("rtol = 1e-3", "rtol = -1", "`rtol` = -1 must be 0 or more"),
        (
            "block_dim = 24",
            "block_dim = 0",
            "`block_dim` = 0 is outside 1..=",
        ),
        (
            "\"rows * 2\"",
            "\"rows * \"",
            "in `cols`: expected a number, a name or `(`",
        ),
        (
            "name = \"full\"",
            "name = \"two words\"",
            "must be one word",
        ),
        ("name = \"full\"", "name = ", "dir/scene.toml:2:"),
    ] {
        let text = complaint(from, into);
        assert!(text.contains(want), "{from} -> {into}: {text}");
        assert!(text.starts_with("dir/scene.toml:"), "{text}");
    }
}

#[test]
fn tensors_come_before_scalars_and_both_have_limits() {
    let late = "[[arg]]\nname = \"late\"\ndtype = \"u8\"\nshape = [1]\ndirection = \"out\"\n";
    let text = complaint("[expect]", &format!("{late}[expect]"));
    assert!(
        text.contains("tensor `late` stands after a scalar"),
        "{text}"
    );
    let many: String = (0..63)
        .map(|at| late.replace("late", &format!("t{at}")))
        .collect();
    let text = complaint("[[arg]]", &format!("{many}[[arg]]"));
    assert!(text.contains("65 tensors; a call takes 64"), "{text}");
}

#[test]
fn an_error_and_values_cannot_both_be_expected() {
    let text = complaint("[expect]", "[expect]\nerror = { code = -9 }");
    assert!(
        text.contains("cannot be expected beside an error"),
        "{text}"
    );
    let text = complaint("out = { value = \"i\", atol = 0.0 }", "error = {}");
    assert!(text.contains("`error` has no `code`"), "{text}");
}

#[test]
fn a_changed_byte_is_read_or_refused() {
    let bytes = FULL.as_bytes();
    for at in 0..bytes.len() {
        for byte in [b' ', b'"', b'[', b'\n', b'9'] {
            let mut changed = bytes.to_vec();
            changed[at] = byte;
            let text = String::from_utf8(changed).expect("ASCII");
            if let Err(problem) = read(&text) {
                assert!(problem.starts_with("dir/scene.toml"), "{problem}");
            }
        }
    }
}

#[test]
fn the_documented_scene_is_a_scene() {
    let doc = include_str!("../../scene.rs");
    let example: String = doc
        .lines()
        .skip_while(|line| !line.ends_with("```toml"))
        .skip(1)
        .take_while(|line| !line.ends_with("```"))
        .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
        .collect();
    let scene = read(&example).expect("the example is right");
    for case in &scene.cases {
        let overrides = crate::scene::resolve::Overrides::default();
        crate::scene::resolve::resolve(&scene, case, &overrides).expect("its values are right");
    }
}
