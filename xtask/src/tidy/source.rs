//! Words and attributes that have no place in Rust sources: placeholders, tests
//! that are switched off, and two constructs this project has sworn off.

use super::Finding;
use super::tokens::{Kind, Token, code, starts_with};

/// Token sequences that are forbidden, and what to say about them.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "todo!",
        "`todo!` is no implementation; return a typed error or finish it",
    ),
    (
        "unimplemented!",
        "`unimplemented!` is no implementation; return a typed error or finish it",
    ),
    (
        "unreachable_unchecked",
        "`unreachable_unchecked` turns a wrong assumption into undefined behaviour; \
         use an ordinary match or `unreachable!`",
    ),
    (
        "damson_core as core",
        "`damson_core as core` hides the crate `core` from the reader and from macros",
    ),
    (
        "#[ignore",
        "a test that is switched off tests nothing; delete it or make it run",
    ),
];

/// Words that may not even stand in a comment. Spelled apart, so that this file
/// passes its own check.
const FORBIDDEN_IN_COMMENTS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X:")];

/// Checks one file.
pub(super) fn check(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let code = code(tokens);
    for (at, token) in code.iter().enumerate() {
        for (pattern, message) in FORBIDDEN {
            if starts_with(&code[at..], pattern) {
                findings.push(Finding::new(path, token.line, *message));
            }
        }
        if starts_with(&code[at..], "#[cfg_attr(") && ignores(&code[at..]) {
            findings.push(Finding::new(
                path,
                token.line,
                "a test that is switched off tests nothing",
            ));
        }
    }
    for token in tokens {
        let Kind::Comment(comment) = token.kind else {
            continue;
        };
        for word in FORBIDDEN_IN_COMMENTS {
            if comment.contains(word) {
                findings.push(Finding::new(
                    path,
                    token.line,
                    format!("{word} is left in a comment"),
                ));
            }
        }
        if comment
            .split_once("```")
            .is_some_and(|(_, info)| info.split([',', ' ']).any(|word| word == "ignore"))
        {
            let message = "documentation code that is not compiled; use `no_run`, \
                           `compile_fail` or `text`";
            findings.push(Finding::new(path, token.line, message));
        }
    }
    findings
}

/// Whether the attribute at the start of `code` names `ignore`.
fn ignores(code: &[Token<'_>]) -> bool {
    code.iter()
        .take_while(|token| token.kind != Kind::Punct(']'))
        .any(|token| token.kind == Kind::Word("ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tokens::tokens;

    fn lines(text: &str) -> Vec<usize> {
        check("a.rs", &tokens(text))
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn every_forbidden_sequence_is_seen() {
        assert_eq!(lines("fn f() {\n todo!()\n}"), [2]);
        assert_eq!(lines("fn f() { unimplemented!(\"later\") }"), [1]);
        assert_eq!(lines("core::hint::unreachable_unchecked()"), [1]);
        assert_eq!(lines("\nuse damson_core as core;"), [2]);
        assert_eq!(lines("extern crate damson_core as core;"), [1]);
        assert_eq!(lines("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), [2]);
        assert_eq!(
            lines("#[cfg_attr(debug_assertions, ignore)] fn f() {}"),
            [1]
        );
        let word = FORBIDDEN_IN_COMMENTS[0];
        assert_eq!(lines(&format!("a\n// {word}: later\n")), [2]);
        assert_eq!(lines(&format!("/* {word} */")), [1]);
        assert_eq!(lines("/// ```ignore\n/// ```"), [1]);
        assert_eq!(lines("/// ```rust,ignore"), [1]);
    }

    #[test]
    fn the_same_words_are_fine_in_strings_and_prose() {
        assert!(lines("let s = \"todo! unreachable_unchecked #[ignore]\";").is_empty());
        assert!(lines("// never `todo!` nor #[ignore]; we ignore it").is_empty());
        assert!(lines("fn ignore() {} fn todo() {} use damson_core as dc;").is_empty());
        assert!(lines("/// ```\n/// let ignore = 1;\n/// ```").is_empty());
        assert!(lines("#[cfg_attr(test, derive(Debug))] fn ignore() {}").is_empty());
    }
}
