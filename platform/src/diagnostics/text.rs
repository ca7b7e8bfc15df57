//! Pieces of the files' text.

use core::fmt;

use protocol::TaskId;

/// A text as JSON has it.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for letter in self.0.chars() {
            match letter {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                letter if u32::from(letter) < 0x20 => write!(f, "\\u{:04x}", u32::from(letter))?,
                letter => write!(f, "{letter}")?,
            }
        }
        f.write_str("\"")
    }
}

/// Nanoseconds as microseconds with three decimals.
pub(super) struct Micros(pub(super) u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// What people call a task: `t42` in ring 0, otherwise `r1t42`.
#[must_use]
pub fn label(task: u64) -> String {
    let id = TaskId::from_raw(task);
    match id.ring() {
        0 => format!("t{}", id.local()),
        ring => format!("r{ring}t{}", id.local()),
    }
}

/// What a kernel without a name is called: `func_0_a`, …, `func_26_aa`.
pub(super) fn function(func_id: i32) -> String {
    let Ok(mut number) = u32::try_from(func_id) else {
        return format!("func_{func_id}");
    };
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(
            b'a' + u8::try_from(number % 26).expect("below 26"),
        ));
        if number < 26 {
            break;
        }
        number = number / 26 - 1;
    }
    let letters: String = letters.iter().rev().collect();
    format!("func_{func_id}_{letters}")
}

#[cfg(test)]
mod tests {
    use super::{Micros, Quoted, function, label};

    #[test]
    fn names_are_those_of_the_interface() {
        assert_eq!(label(7), "t7");
        assert_eq!(label((2 << 32) | 7), "r2t7");
        let letters = [(0, "func_0_a"), (25, "func_25_z"), (26, "func_26_aa")];
        for (id, name) in letters {
            assert_eq!(function(id), name);
        }
        assert_eq!(function(701), "func_701_zz");
        assert_eq!(function(702), "func_702_aaa");
    }

    #[test]
    fn texts_are_json() {
        assert_eq!(Quoted("a\"\\\n").to_string(), r#""a\"\\\u000a""#);
        assert_eq!(Micros(1_234_056).to_string(), "1234.056");
        assert_eq!(Micros(7).to_string(), "0.007");
    }
}
