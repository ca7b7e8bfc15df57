//! The known name a mistyped one probably meant.
//!
//! Knows edit distance. Refuses to know what the names are names of.

/// Says which of `known` is nearest to `name`, or lists them all when none is near.
#[must_use]
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing is allowed here".to_owned(),
        None => format!("known are {}", known.join(", ")),
    }
}

/// The entry of `known` with the fewest edits to `name`, if they are few enough to be a slip.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(edits, candidate)| {
            edits <= limit && edits < candidate.chars().count().max(name.chars().count())
        })
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `from` into `into`.
fn distance(from: &str, into: &str) -> usize {
    let from: Vec<char> = from.chars().flat_map(char::to_lowercase).collect();
    let into: Vec<char> = into.chars().flat_map(char::to_lowercase).collect();
    let mut rows = vec![vec![0; into.len() + 1]; from.len() + 1];
    for (row, cells) in rows.iter_mut().enumerate() {
        cells[0] = row;
    }
    for (column, cell) in rows[0].iter_mut().enumerate() {
        *cell = column;
    }
    for row in 1..=from.len() {
        for column in 1..=into.len() {
            let replaced = usize::from(from[row - 1] != into[column - 1]);
            let mut best = (rows[row - 1][column - 1] + replaced)
                .min(rows[row - 1][column] + 1)
                .min(rows[row][column - 1] + 1);
            let swapped = row > 1
                && column > 1
                && from[row - 1] == into[column - 2]
                && from[row - 2] == into[column - 1];
            if swapped {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[from.len()][into.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, hint, nearest};

    #[test]
    fn counts_edits() {
        for (from, into, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "ABC", 0),
            ("shape", "shpae", 1),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(from, into), edits, "{from} -> {into}");
            assert_eq!(distance(into, from), edits, "{into} -> {from}");
        }
    }

    #[test]
    fn names_the_nearest_only_when_it_is_near() {
        let known = ["name", "dtype", "shape", "direction"];
        assert_eq!(nearest("dtpye", known), Some("dtype"));
        assert_eq!(nearest("directoin", known), Some("direction"));
        assert_eq!(nearest("kernel", known), None);
        assert_eq!(hint("dtpye", known), "did you mean `dtype`?");
        assert_eq!(
            hint("zzzzzz", known),
            "known are name, dtype, shape, direction"
        );
    }
}
