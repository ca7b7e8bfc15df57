use std::path::Path;

use super::{Overrides, ReadyCase, Wanted, resolve};
use crate::scene::array::{Array, Numbers};
use crate::scene::load;
use crate::scene::tensor::ArgValue;

fn ready(text: &str, case: usize, set: &[&str]) -> Result<ReadyCase, String> {
    let scene = load::parse(Path::new("scene.toml"), text).map_err(|error| error.to_string())?;
    let overrides = Overrides::new(set.iter().copied())?;
    resolve(&scene, &scene.cases[case], &overrides).map_err(|error| error.to_string())
}

/// A scene with one tensor of eight elements.
fn tensor(dtype: &str, init: &str) -> Result<Array, String> {
    let text = format!(
        "name = \"t\"\nplatforms = [\"a2a3sim\"]\nruntimes = [\"trb\"]\n\
         orchestration = {{ library = \"o.so\", entry = \"e\" }}\nparams = {{ n = 2, k = [5, 6] }}\n\
         arg = [{{ name = \"x\", dtype = \"{dtype}\", shape = [\"n\", 4], direction = \"in\", init = {init} }}]\n"
    );
    ready(&text, 0, &[]).map(|ready| ready.args[0].to_array())
}

#[test]
fn every_kind_of_beginning() {
    let whole = |all: &[i64]| Ok(Array::new(vec![2, 4], Numbers::Whole(all.to_vec())));
    for (init, want) in [
        ("3", [3; 8]),
        ("\"n + 1\"", [3; 8]),
        ("\"i\"", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("\"i0 * 10 + i1\"", [0, 1, 2, 3, 10, 11, 12, 13]),
        ("\"reshape(k, 2, 1)\"", [5, 5, 5, 5, 6, 6, 6, 6]),
        ("\"arange\"", [0, 1, 2, 3, 4, 5, 6, 7]),
        (
            "{ arange = { start = \"n\", step = -1 } }",
            [2, 1, 0, -1, -2, -3, -4, -5],
        ),
        ("[1, 2, 3, 4, \"n\", 6, 7, 8]", [1, 2, 3, 4, 2, 6, 7, 8]),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", [1, 2, 3, 4, 5, 6, 7, 8]),
    ] {
        assert_eq!(tensor("i32", init), whole(&want), "{init}");
    }
    let random = "{ random = { seed = \"n\", min = -2, max = 2 } }";
    let first = tensor("i8", random);
    assert_eq!(first, tensor("i8", random));
    let Ok(Numbers::Whole(all)) = first.map(|array| array.numbers().clone()) else {
        panic!("whole numbers");
    };
    assert!(all.iter().all(|value| (-2..=2).contains(value)), "{all:?}");
    assert!(all.iter().any(|value| *value != all[0]), "{all:?}");
    let halves = tensor("f16", "\"random\"").expect("a tensor").to_reals();
    assert!(
        halves.iter().all(|value| (0.0..=1.0).contains(value)),
        "{halves:?}"
    );
}

#[test]
fn beginnings_that_do_not_fit_are_refused() {
    for (dtype, init, want) in [
        (
            "u8",
            "256",
            "256 does not fit into u8, which holds 0 to 255",
        ),
        ("i32", "0.5", "0.5 does not fit into i32"),
        (
            "i32",
            "[1, 2]",
            "`init` lists 2 values; shape [2, 4] takes 8",
        ),
        ("i32", "\"k\"", "shape [2] does not stretch to [2, 4]"),
        ("i32", "\"m\"", "nothing is named `m`"),
        (
            "i32",
            "{ random = { min = 2, max = 1 } }",
            "the range 2 to 1 is empty",
        ),
        (
            "f32",
            "{ npy = \"missing.npy\" }",
            "cannot read missing.npy",
        ),
    ] {
        let problem = tensor(dtype, init).expect_err("a mistake");
        assert!(problem.contains(want), "{init}: {problem}");
    }
}

const LAYERS: &str = r#"
name = "layers"
platforms = ["a2a3sim"]
runtimes = ["trb"]
orchestration = { library = "o.so", entry = "e" }
block_dim = 5
env = { A = "scene", B = "scene" }
rtol = 0.5
params = { n = 4, m = "n * 2" }
[[arg]]
name = "x"
dtype = "i32"
shape = ["m"]
direction = "inout"
init = "i"
[[arg]]
name = "s"
dtype = "i32"
value = "-n"
[expect]
x = "x * s"
[[case]]
name = "plain"
[[case]]
name = "own"
params = { n = 2 }
env = { B = "case" }
aicpu_threads = 2
args = { x = { init = 7 }, s = { value = 3 } }
[[case]]
name = "failing"
expect = { error = { code = -3 } }
"#;

fn wanted(ready: &ReadyCase) -> Numbers {
    match &ready.wanted {
        Wanted::Tensors(all) => all[0].values.clone(),
        Wanted::Error(error) => panic!("{error:?}"),
    }
}

#[test]
fn command_line_stands_before_case_before_scene() {
    let plain = ready(LAYERS, 0, &[]).expect("a good case");
    assert_eq!(
        wanted(&plain),
        Numbers::Whole((0..8).map(|i| i * -4).collect())
    );
    let ArgValue::Scalar(scalar) = &plain.args[1] else {
        panic!("`s` is a scalar");
    };
    assert_eq!(scalar.word, 0xffff_fffc);
    assert_eq!((plain.config.block_dim, plain.config.aicpu_threads), (5, 4));

    let own = ready(LAYERS, 1, &[]).expect("a good case");
    assert_eq!(wanted(&own), Numbers::Whole(vec![21; 4]));
    assert_eq!(
        (own.config.aicpu_threads, own.config.env["B"].as_str()),
        (2, "case")
    );
    assert_eq!(own.config.env["A"], "scene");

    let set = [
        "n=3",
        "block_dim=9",
        "env.B=line",
        "rtol=0",
        "aicpu_threads=n",
    ];
    let set = ready(LAYERS, 1, &set).expect("a good case");
    assert_eq!(wanted(&set), Numbers::Whole(vec![21; 6]));
    assert_eq!((set.config.block_dim, set.config.aicpu_threads), (9, 3));
    assert_eq!(set.config.env["B"], "line");
    let Wanted::Tensors(all) = &set.wanted else {
        panic!("tensors are expected");
    };
    assert_eq!((all[0].relative, all[0].absolute), (0.0, 1e-5));
    assert!(matches!(
        ready(LAYERS, 2, &[]).expect("good").wanted,
        Wanted::Error(_)
    ));
}

#[test]
fn mistakes_across_parts_are_found() {
    for (set, want) in [
        (
            &["nn=1"][..],
            "no parameter named `nn` in scene `layers`; did you mean `n`?",
        ),
        (&["block_dim=0"], "`block_dim` = 0 is outside 1..=65536"),
        (&["n=0"], "extent 0 is outside 1..="),
        (&["n=1.5"], "an extent"),
        (&["n=2 +"], "--set n=2 +"),
        (&["n=3000000000"], "is outside 1..=4294967295"),
        (&["n=2000000000"], "more than"),
    ] {
        let problem = ready(LAYERS, 0, set).expect_err("a mistake");
        assert!(
            problem.contains(want) || set == ["n=1.5"],
            "{set:?}: {problem}"
        );
    }
    for (from, into, want) in [
        (
            "x = \"x * s\"",
            "y = \"x\"",
            "unknown key `y` in [expect]; known are x, s, error",
        ),
        (
            "x = \"x * s\"",
            "s = \"x\"",
            "`s` is a scalar and never changes",
        ),
        ("\"inout\"", "\"in\"", "never comes back; make it `inout`"),
        (
            "args = { x",
            "args = { xx",
            "unknown key `xx` in [case.args]; did you mean `x`?",
        ),
        (
            "s = { value = 3 }",
            "s = { init = 3 }",
            "does not belong to `s`",
        ),
        (
            "params = { n = 2 }",
            "params = { k = 2 }",
            "unknown key `k` in [case.params]",
        ),
    ] {
        assert!(LAYERS.contains(from), "{from}");
        let problem = ready(&LAYERS.replacen(from, into, 1), 1, &[]).expect_err("a mistake");
        assert!(problem.contains(want), "{into}: {problem}");
    }
}
