//! Words of an expression.
//!
//! Knows how numbers, names and signs are spelled. Refuses to know what they mean together.

use super::Complaint;

/// One word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) word: Word,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Whole(i64),
    Real(f64),
    Name(String),
    Sign(&'static str),
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [&str; 26] = [
    "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", ",", ":",
    ";", "?", "=", "<", ">", "!", "&", "|",
];

/// Splits `text` into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Complaint> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (word, len) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if first.is_ascii_digit() || starts_fraction(rest) {
            number(rest).map_err(|message| Complaint::new(at, message))?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let len = span(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            (Word::Name(rest[..len].to_owned()), len)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Word::Sign(sign), sign.len())
        } else {
            return Err(Complaint::new(at, format!("`{first}` means nothing here")));
        };
        tokens.push(Token { at, word });
        at += len;
    }
    Ok(tokens)
}

fn starts_fraction(rest: &str) -> bool {
    rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn span(text: &str, mut belongs: impl FnMut(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn number(rest: &str) -> Result<(Word, usize), String> {
    if let Some(digits) = rest.strip_prefix("0x") {
        let len = span(digits, |c| c.is_ascii_alphanumeric() || c == '_');
        let text = digits[..len].replace('_', "");
        let value = i64::from_str_radix(&text, 16)
            .map_err(|_| format!("`0x{text}` is not a whole number of at most 63 bits"))?;
        return Ok((Word::Whole(value), len + 2));
    }
    let mut previous = ' ';
    let len = span(rest, |c| {
        let signed_exponent = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
        let belongs = c.is_ascii_alphanumeric() || c == '.' || c == '_' || signed_exponent;
        previous = c;
        belongs
    });
    let text = rest[..len].replace('_', "");
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = text
            .parse()
            .map_err(|_| format!("{text} is larger than {}", i64::MAX))?;
        return Ok((Word::Whole(value), len));
    }
    let value = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    Ok((Word::Real(value), len))
}
