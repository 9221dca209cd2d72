//! A tokenizer for Rust that knows just enough: what is a comment, what is a
//! literal, and what is code.
//!
//! The text of string literals is kept out of the tokens, so a rule never
//! fires on a word inside a string. On text that is not Rust the result is
//! unspecified but finite; the compiler judges such files.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// An identifier or keyword, without the `r#` of a raw identifier.
    Word(&'a str),
    /// A string, byte string, character or number.
    Literal,
    /// `'a`
    Lifetime,
    /// One character of punctuation.
    Punct(char),
    /// A comment with its delimiters; documentation is a comment too.
    Comment(&'a str),
}

/// A token and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Line number counted from 1.
    pub(super) line: usize,
}

/// Splits Rust text into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = token(rest, first);
        if let Some(kind) = kind {
            tokens.push(Token { kind, line });
        }
        let (taken, after) = rest.split_at(length);
        line += taken.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The token at the start of `rest`, if it is not white space, and its length
/// in bytes.
fn token(rest: &str, first: char) -> (Option<Kind<'_>>, usize) {
    if rest.starts_with("//") {
        let length = rest.find('\n').unwrap_or(rest.len());
        return (Some(Kind::Comment(&rest[..length])), length);
    }
    if rest.starts_with("/*") {
        let length = block_comment(rest);
        return (Some(Kind::Comment(&rest[..length])), length);
    }
    if let Some(length) = string(rest) {
        return (Some(Kind::Literal), length);
    }
    if first == '\'' {
        return match character(rest) {
            Some(length) => (Some(Kind::Literal), length),
            None => (Some(Kind::Lifetime), 1 + word_length(&rest[1..])),
        };
    }
    if first.is_alphabetic() || first == '_' {
        let raw = if rest.starts_with("r#") { 2 } else { 0 };
        let length = raw + word_length(&rest[raw..]);
        return (Some(Kind::Word(&rest[raw..length])), length);
    }
    if first.is_ascii_digit() {
        return (Some(Kind::Literal), word_length(rest));
    }
    let kind = if first.is_whitespace() {
        None
    } else {
        Some(Kind::Punct(first))
    };
    (kind, first.len_utf8())
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The length of the block comment at the start; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of the string literal at the start, if there is one.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|t| t.starts_with(['"', '#']))
    })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let content = body[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", &body[..hashes]);
        let end = content
            .find(&close)
            .map_or(content.len(), |at| at + close.len());
        return Some(prefix.len() + hashes + 1 + end);
    }
    let content = body.strip_prefix('"')?;
    Some(prefix.len() + 1 + closed_by(content, '"'))
}

/// The length of the character literal at the start, unless it is a lifetime.
fn character(text: &str) -> Option<usize> {
    let content = &text[1..];
    let mut chars = content.chars();
    match (chars.next()?, chars.next()?) {
        ('\\', _) => Some(1 + closed_by(content, '\'')),
        (c, '\'') => Some(1 + c.len_utf8() + 1),
        _ => None,
    }
}

/// The number of bytes up to and including the first `quote` that no backslash
/// escapes.
fn closed_by(content: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in content.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    content.len()
}

/// Whether the words and punctuation at the start of `tokens` are those of
/// `pattern`, itself Rust text. A literal matches any literal.
pub(super) fn starts_with(tokens: &[Token<'_>], pattern: &str) -> bool {
    let pattern = self::tokens(pattern);
    tokens.len() >= pattern.len() && tokens.iter().zip(&pattern).all(|(a, b)| a.kind == b.kind)
}

/// The tokens without comments.
pub(super) fn code<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    tokens
        .iter()
        .filter(|token| !matches!(token.kind, Kind::Comment(_)))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text)
            .into_iter()
            .filter_map(|token| match token.kind {
                Kind::Word(word) => Some(word),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn words_in_comments_and_strings_are_no_words() {
        let text = r####"
            a // unsafe
            b /* unsafe /* nested */ unsafe */ c "unsafe \" unsafe" d r#"unsafe " unsafe"# e
            b"unsafe" f br##"unsafe"# unsafe"## g c"unsafe" h
        "####;
        assert_eq!(words(text), ["a", "b", "c", "d", "e", "f", "g", "h"]);
    }

    #[test]
    fn lifetimes_and_characters_are_told_apart() {
        assert_eq!(
            words("fn f<'a>(c: &'a str) -> char { 'a' }"),
            ["fn", "f", "c", "str", "char"]
        );
        assert_eq!(
            words(r"x('\'', '\\', '\u{1F}', '\n', 'ß', b'\'') y"),
            ["x", "b", "y"]
        );
        assert_eq!(words("'label: loop { break 'label }"), ["loop", "break"]);
        assert_eq!(words("'\"' a '\"'"), ["a"]);
    }

    #[test]
    fn raw_identifiers_numbers_and_ranges() {
        assert_eq!(words("r#type 0x1f_u32 1.5 0..n r"), ["type", "n", "r"]);
        assert_eq!(words("#[r] r #"), ["r", "r"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let text = "a\n\"x\ny\"\n/* \n */ b\n// c\nd";
        let lines: Vec<_> = tokens(text)
            .into_iter()
            .filter(|token| matches!(token.kind, Kind::Word(_)))
            .map(|token| token.line)
            .collect();
        assert_eq!(lines, [1, 5, 7]);
    }

    #[test]
    fn unfinished_text_ends() {
        for text in ["\"abc", "r#\"abc\"", "/* abc", "'", "'\\", "b'", "r#", "'ä"] {
            let _ = tokens(text);
        }
    }

    #[test]
    fn patterns_are_token_sequences() {
        let text = tokens("#![expect(unsafe_code, reason = \"because\")]");
        assert!(starts_with(&text, "#![expect(unsafe_code, reason = \"\")]"));
        assert!(!starts_with(&text, "#![allow(unsafe_code"));
        assert!(!starts_with(&text[..4], "#![expect(unsafe_code"));
    }
}
