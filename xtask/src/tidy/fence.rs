//! `unsafe` stays in files that say so.
//!
//! The workspace denies the lint `unsafe_code`; a module that needs it opens
//! with `#![expect(unsafe_code, reason = "...")]`. The compiler checks that the
//! attribute covers the code, and `expect` that it is needed. What it does not
//! check, and this does:
//!
//! - the attribute is never `allow` or `warn`, which would outlive their need;
//! - it has a reason;
//! - it stands on a module, not on a function or a statement, so that a look at
//!   the top of a file tells;
//! - a file with `unsafe` in it declares it itself; a parent's attribute does
//!   not count.
//!
//! Not looked at: types of unsafe function pointers, which declare nothing, and
//! bodies of macros, because the lint fires where they are expanded.

use super::Finding;
use super::tokens::{Kind, Token, code, starts_with};

/// Checks one file.
pub(super) fn check(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let code = code(tokens);
    let mut findings = Vec::new();
    let mut declared = false;
    let mut undeclared = None;
    let mut at = 0;
    while at < code.len() {
        let here = &code[at..];
        let line = here[0].line;
        if starts_with(here, "macro_rules!") {
            at += macro_length(here);
            continue;
        }
        for level in ["allow", "warn"] {
            if starts_with(here, level) && lint_list_names_unsafe(here) {
                let message = format!(
                    "`{level}(unsafe_code)` would outlive its need; \
                     use `#![expect(unsafe_code, reason = \"...\")]`"
                );
                findings.push(Finding::new(path, line, message));
            }
        }
        if starts_with(here, "expect") && lint_list_names_unsafe(here) {
            declared = true;
            if !lint_list(here)
                .iter()
                .any(|token| token.kind == Kind::Word("reason"))
            {
                findings.push(Finding::new(
                    path,
                    line,
                    "`expect(unsafe_code)` without a reason",
                ));
            }
            if !stands_on_a_module(&code, at) {
                let message = "`expect(unsafe_code)` belongs to a module, at its top";
                findings.push(Finding::new(path, line, message));
            }
        }
        if here[0].kind == Kind::Word("unsafe") && !is_function_pointer(here) {
            undeclared.get_or_insert(line);
        }
        at += 1;
    }
    if let (Some(line), false) = (undeclared, declared) {
        let message = "`unsafe` in a file that does not declare it with \
                       `#![expect(unsafe_code, reason = \"...\")]`";
        findings.push(Finding::new(path, line, message));
    }
    findings
}

/// `unsafe fn(..)` or `unsafe extern "..." fn(..)`: a type.
fn is_function_pointer(code: &[Token<'_>]) -> bool {
    ["unsafe fn(", "unsafe extern fn(", "unsafe extern \"\" fn("]
        .iter()
        .any(|pattern| starts_with(code, pattern))
}

/// What stands between the parentheses after the level at the start of `code`.
fn lint_list<'c, 'a>(code: &'c [Token<'a>]) -> &'c [Token<'a>] {
    if code.get(1).map(|token| token.kind) != Some(Kind::Punct('(')) {
        return &[];
    }
    let inside = &code[2..];
    let end = inside
        .iter()
        .position(|token| token.kind == Kind::Punct(')'));
    &inside[..end.unwrap_or(inside.len())]
}

fn lint_list_names_unsafe(code: &[Token<'_>]) -> bool {
    lint_list(code)
        .iter()
        .any(|token| token.kind == Kind::Word("unsafe_code"))
}

/// Whether the attribute around `code[at]` is an inner one, or one on a `mod`.
fn stands_on_a_module(code: &[Token<'_>], at: usize) -> bool {
    let Some(open) = code[..at]
        .iter()
        .rposition(|token| token.kind == Kind::Punct('#'))
    else {
        return false;
    };
    if starts_with(&code[open..], "#![") {
        return true;
    }
    // Skip this attribute and those after it, then a visibility.
    let mut next = open;
    while starts_with(&code[next..], "#[") {
        next += 1 + group_length(&code[next + 1..]);
    }
    if starts_with(&code[next..], "pub") {
        next += 1;
        if starts_with(&code[next..], "(") {
            next += group_length(&code[next..]);
        }
    }
    starts_with(&code[next..], "mod")
}

/// The number of tokens of the bracketed group at the start of `code`, brackets
/// of all three kinds counted together.
fn group_length(code: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate() {
        match token.kind {
            Kind::Punct('(' | '[' | '{') => depth += 1,
            Kind::Punct(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The number of tokens of the `macro_rules!` at the start of `code`.
fn macro_length(code: &[Token<'_>]) -> usize {
    let body = code
        .iter()
        .position(|token| matches!(token.kind, Kind::Punct('(' | '[' | '{')));
    body.map_or(code.len(), |body| body + group_length(&code[body..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tokens::tokens;

    fn messages(text: &str) -> Vec<String> {
        check("a.rs", &tokens(text))
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    fn is_clean(text: &str) {
        assert!(messages(text).is_empty(), "{text}: {:?}", messages(text));
    }

    fn is_found(text: &str, part: &str) {
        let messages = messages(text);
        assert!(
            messages.len() == 1 && messages[0].contains(part),
            "{text}: {messages:?}"
        );
    }

    #[test]
    fn undeclared_unsafe_is_found() {
        for text in [
            "fn f() { unsafe { g() } }",
            "unsafe fn f() {}",
            "unsafe impl Send for S {}",
            "unsafe trait T {}",
            "#[unsafe(no_mangle)] fn f() {}",
            "unsafe extern \"C\" { fn f(); }",
            "unsafe extern \"C\" fn f() {}",
        ] {
            is_found(text, "does not declare it");
        }
    }

    #[test]
    fn declared_unsafe_is_fine() {
        is_clean("#![expect(unsafe_code, reason = \"raw parts\")]\nfn f() { unsafe { g() } }");
        is_clean("#![cfg_attr(test, expect(unsafe_code, reason = \"r\"))] fn f() { unsafe {} }");
        is_clean(
            "#[cfg(test)]\n#[expect(unsafe_code, reason = \"r\")]\nmod tests { unsafe fn f() {} }",
        );
        is_clean(
            "#[expect(unsafe_code, reason = \"r\")]\n#[cfg(x)]\npub(crate) mod a { unsafe fn f() {} }",
        );
    }

    #[test]
    fn what_declares_nothing_needs_nothing() {
        is_clean("type F = unsafe extern \"sysv64\" fn(u64) -> u64; struct S(unsafe fn());");
        is_clean("// unsafe\nlet s = \"unsafe\";");
        is_clean("macro_rules! m { () => { unsafe { f() } }; }");
        is_found(
            "macro_rules! m { () => {} }\nfn f() { unsafe { g() } }",
            "does not declare it",
        );
    }

    #[test]
    fn the_wrong_attribute_is_found() {
        is_found("#![allow(unsafe_code, reason = \"r\")]", "outlive");
        is_found("#[warn(dead_code, unsafe_code)] mod a {}", "outlive");
        is_found(
            "#![expect(unsafe_code)] unsafe fn f() {}",
            "without a reason",
        );
        is_found(
            "#[expect(unsafe_code, reason = \"r\")] fn f() { unsafe {} }",
            "at its top",
        );
        is_clean("#![allow(dead_code, reason = \"r\")]");
        is_clean("result.expect(\"unsafe_code\"); result.expect(\"x\");");
    }
}
