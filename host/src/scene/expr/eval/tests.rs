use super::Names;
use crate::scene::array::{Array, Numbers};
use crate::scene::expr::Expr;
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

fn names() -> Vec<(String, Array)> {
    vec![
        ("n".to_owned(), Array::whole(3)),
        (
            "x".to_owned(),
            Array::new(vec![3], Numbers::Real(vec![1.0, -2.0, 0.5])),
        ),
        (
            "k".to_owned(),
            Array::new(vec![2, 3], Numbers::Whole(vec![1, 2, 3, 4, 5, 6])),
        ),
    ]
}

fn value(text: &str) -> Array {
    let names = names();
    Expr::parse(text)
        .and_then(|expr| expr.value(&names.as_slice()))
        .unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn problem(text: &str) -> String {
    let names = names();
    Expr::parse(text)
        .and_then(|expr| expr.value(&names.as_slice()))
        .expect_err("a mistake")
}

#[test]
fn scalars() {
    for (text, want) in [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("1 < 2 && !(2 <= 1) || 0", 1),
        ("n == 3 ? 10 : 20", 10),
        ("0 ? 1 : 0 ? 2 : 3", 3),
        ("0x1f + 1_000", 1031),
        ("a = n + 1; b = a * a; b - a", 12),
        ("max(1, n, 2) - min(4, 2)", 1),
        ("size(k) + extent(k, -1)", 9),
        ("k[1, 2] + k[-1, -3]", 10),
        ("u8(300) + i8(200)", -12),
        ("sum(k) # everything", 21),
    ] {
        assert_eq!(value(text), Array::whole(want), "{text}");
    }
    for (text, want) in [
        ("7 / 2.0", 3.5),
        ("1e3 + .5", 1000.5),
        ("2 ^ -1", 0.5),
        ("sqrt(16) + abs(-1)", 5.0),
        ("mean(k)", 3.5),
        ("f16(0.1)", 0.0999755859375),
    ] {
        assert_eq!(value(text), Array::real(want), "{text}");
    }
}

#[test]
fn arrays() {
    let whole =
        |shape: &[usize], all: &[i64]| Array::new(shape.to_vec(), Numbers::Whole(all.to_vec()));
    for (text, shape, all) in [
        ("k[1]", &[3][..], &[4, 5, 6][..]),
        ("k[:, 1:]", &[2, 2], &[2, 3, 5, 6]),
        ("k[:, -1]", &[2], &[3, 6]),
        ("transpose(k)", &[3, 2], &[1, 4, 2, 5, 3, 6]),
        ("matmul(k, transpose(k))", &[2, 2], &[14, 32, 32, 77]),
        ("sum(k, 0)", &[1, 3], &[5, 7, 9]),
        ("amax(k, 1)", &[2, 1], &[3, 6]),
        ("k - amin(k, 1)", &[2, 3], &[0, 1, 2, 0, 1, 2]),
        ("take(k, reshape(1, 1))", &[1, 3], &[4, 5, 6]),
        ("concat(k[0], arange(2))", &[5], &[1, 2, 3, 0, 1]),
        ("where(k % 2 == 0, k, -1)", &[2, 3], &[-1, 2, -1, 4, -1, 6]),
        ("index(0, 2, 2)", &[2, 2], &[0, 0, 1, 1]),
        ("index(1, 2, 2)", &[2, 2], &[0, 1, 0, 1]),
        ("cumsum(arange(4))", &[4], &[0, 1, 3, 6]),
        ("stretch(arange(2), 2, 2)", &[2, 2], &[0, 1, 0, 1]),
        (
            "matmul(reshape(arange(4), 2, 1, 2), reshape(arange(2), 2, 1))",
            &[2, 1, 1],
            &[1, 3],
        ),
    ] {
        assert_eq!(value(text), whole(shape, all), "{text}");
    }
}

#[test]
fn mistakes_point_at_the_spot() {
    for (text, want) in [
        (
            "1 +",
            "expected a number, a name or `(`, but the expression ends\n  1 +\n     ^",
        ),
        (
            "(1 + 2",
            "expected `)`, but the expression ends\n  (1 + 2\n        ^",
        ),
        (
            "1 2",
            "expected an operator or the end, but there is 2\n  1 2\n    ^",
        ),
        (
            "1 + nn",
            "nothing is named `nn`; did you mean `n`?\n  1 + nn\n      ^",
        ),
        (
            "sqqt(2)",
            "there is no function `sqqt`; did you mean `sqrt`?\n  sqqt(2)\n  ^",
        ),
        (
            "x + k[:, :2]",
            "shapes [3] and [2, 2] do not go together\n  x + k[:, :2]\n    ^",
        ),
        ("a = 1;\na + $", "`$` means nothing here\n  a + $\n      ^"),
        (
            "k[2, 0]",
            "the index is outside axis 0, which has 2 elements\n  k[2, 0]\n    ^",
        ),
        ("1 / 0", "a whole number is divided by zero\n  1 / 0\n    ^"),
        (
            "exp(1, 2)",
            "2 arguments; call it as exp(x)\n  exp(1, 2)\n  ^",
        ),
    ] {
        assert_eq!(problem(text), want, "{text}");
    }
}

#[test]
fn hostile_expressions_end_in_complaints() {
    let deep = "(".repeat(100_000);
    let signs = "-".repeat(100_000);
    let powers = "2^".repeat(100_000);
    let indices = "x[".repeat(100_000);
    for text in [
        deep.as_str(),
        &signs,
        &powers,
        &indices,
        "",
        "99999999999999999999",
        "1e",
        "0x",
        "zeros(1000000, 1000000)",
        "arange(-1)",
        "reshape(x, 4)",
        "x[0, 0]",
        "x[5:]",
        "matmul(x, x)",
        "sum(zeros(0))",
        "take(x, 9)",
        "2 ^ 99999999999",
        "k[0.5]",
    ] {
        assert!(!problem(text).is_empty());
    }
}

/// A random expression and its value computed the plain way.
fn tree() -> impl Strategy<Value = (String, f64)> {
    let leaf = prop_oneof![
        (-100i32..100).prop_map(|v| (format!("({v}.0)"), f64::from(v))),
        prop::sample::select(vec![("n", 3.0)]).prop_map(|(name, v)| (format!("({name} * 1.0)"), v)),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        (inner.clone(), inner, 0..6).prop_map(|((lt, l), (rt, r), op)| match op {
            0 => (format!("({lt} + {rt})"), l + r),
            1 => (format!("({lt} - {rt})"), l - r),
            2 => (format!("({lt} * {rt})"), l * r),
            3 => (format!("max({lt}, {rt})"), l.max(r)),
            4 => (
                format!("where({lt} < {rt}, {lt}, {rt})"),
                if l < r { l } else { r },
            ),
            _ => (format!("(-abs({lt}) + {rt})"), -l.abs() + r),
        })
    })
}

proptest! {
    #[test]
    fn equals_plain_arithmetic((text, want) in tree()) {
        let got = value(&text);
        assert_eq!(got, Array::real(want), "{text}");
    }

    #[test]
    fn broadcasting_equals_plain_loops(
        (rows, columns) in (1usize..5, 1usize..5),
        seed in any::<u32>(),
    ) {
        let left: Vec<i64> = (0..rows).map(|i| i64::from(seed % 97) + i as i64).collect();
        let right: Vec<i64> = (0..columns).map(|i| i64::from(seed % 89) - 3 * i as i64).collect();
        let names = vec![
            ("l".to_owned(), Array::new(vec![rows, 1], Numbers::Whole(left.clone()))),
            ("r".to_owned(), Array::new(vec![columns], Numbers::Whole(right.clone()))),
        ];
        let got = Expr::parse("l * r - r").expect("parses").value(&names.as_slice()).expect("computes");
        let want = left.iter().flat_map(|l| right.iter().map(move |r| l * r - r)).collect();
        assert_eq!(got, Array::new(vec![rows, columns], Numbers::Whole(want)));
    }

    #[test]
    fn any_text_parses_or_complains(text in "[-+*/%^()\\[\\],:;?=<>!a-z0-9. ]{0,40}") {
        let names: Vec<(String, Array)> = names();
        let answer = Expr::parse(&text).and_then(|expr| expr.value(&names.as_slice()));
        if let Err(problem) = answer {
            assert!(problem.ends_with('^'), "{problem}");
        }
    }
}

#[test]
fn later_names_hide_earlier_ones() {
    let names = [
        ("a".to_owned(), Array::whole(1)),
        ("a".to_owned(), Array::whole(2)),
    ];
    assert_eq!(Names::value(&names.as_slice(), "a"), Some(Array::whole(2)));
}
