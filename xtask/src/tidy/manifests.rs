//! What every package takes from the workspace: its lints, its metadata and
//! the versions of its dependencies; and that the `no_std` crates say so.
//!
//! Manifests are read line by line. That is no TOML parser, but the house style
//! (one key a line, `key.workspace = true`) is all it has to accept.

use super::tokens::{Token, code, starts_with, tokens};
use super::{Finding, SourceFile};

/// Keys of `[package]` that the workspace sets.
const INHERITED: [&str; 7] = [
    "version",
    "edition",
    "rust-version",
    "license",
    "authors",
    "categories",
    "keywords",
];

/// A line of a manifest that is neither empty nor a comment, with its section.
struct Line<'a> {
    number: usize,
    section: &'a str,
    text: &'a str,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut section = "";
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(name) = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
        {
            section = name.trim_matches(['[', ']']);
            continue;
        }
        lines.push(Line {
            number: at + 1,
            section,
            text,
        });
    }
    lines
}

/// `key = value` without blanks.
fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Folders that are workspaces of their own.
const OTHER_WORKSPACES: [&str; 3] = ["benches/", "examples/no-std/", "fuzz/"];

/// Checks the manifest of each package but those that are no members.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        // The root has no package.
        let other = OTHER_WORKSPACES.iter().any(|w| file.path.starts_with(w));
        if file.path.ends_with("/Cargo.toml") && !other {
            findings.extend(check_manifest(&file.path, &file.text));
        }
    }
    findings
}

fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = lines(text);
    let has = |section: &str, key: &str| {
        lines
            .iter()
            .any(|line| line.section == section && compact(line.text) == key)
    };
    if !has("lints", "workspace=true") {
        let message = "does not inherit the workspace's lints (`[lints]` `workspace = true`)";
        findings.push(Finding::new(path, 0, message));
    }
    for key in INHERITED {
        if !has("package", &format!("{key}.workspace=true")) {
            let message = format!("`{key}.workspace = true` is missing from [package]");
            findings.push(Finding::new(path, 0, message));
        }
    }
    if !lines
        .iter()
        .any(|line| line.section == "package" && line.text.starts_with("description"))
    {
        findings.push(Finding::new(path, 0, "has no description"));
    }
    for line in &lines {
        if is_dependencies(line.section) && !compact(line.text).contains("workspace=true") {
            let message = "a dependency's version belongs to [workspace.dependencies] of the root";
            findings.push(Finding::new(path, line.number, message));
        }
    }
    findings
}

/// `dependencies`, `dev-dependencies`, `target.'cfg(..)'.dependencies`, ...
fn is_dependencies(section: &str) -> bool {
    section
        .rsplit('.')
        .next()
        .is_some_and(|last| last.ends_with("dependencies"))
}

/// Checks that the crate roots of the packages refuse the standard library but
/// as a feature.
pub(super) fn check_no_std(files: &[SourceFile], packages: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let folder = files.iter().find_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?;
            let name = format!("name=\"{package}\"");
            let named = |line: &Line<'_>| line.section == "package" && compact(line.text) == name;
            lines(&file.text).iter().any(named).then_some(folder)
        });
        let root = folder.and_then(|folder| {
            files
                .iter()
                .find(|file| file.path.strip_prefix(folder) == Some("/src/lib.rs"))
        });
        match root {
            Some(root) => findings.extend(check_root(&root.path, &tokens(&root.text))),
            None => findings.push(Finding::new(package, 0, "its src/lib.rs was not found")),
        }
    }
    findings
}

fn check_root(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let code = code(tokens);
    let mut findings = Vec::new();
    if !(0..code.len()).any(|at| starts_with(&code[at..], "#![no_std]")) {
        let message = "a `no_std` crate must say `#![no_std]`, in every configuration";
        findings.push(Finding::new(path, 0, message));
    }
    // The tokens of `#[cfg(feature = "std")]`.
    const GUARD: usize = 9;
    for at in 0..code.len() {
        if starts_with(&code[at..], "extern crate std") {
            let before = &code[at.saturating_sub(GUARD)..at];
            let guarded = starts_with(before, "#[cfg(feature = \"std\")]")
                || before.windows(7).any(|t| starts_with(t, "#[cfg(test)]"));
            if !guarded {
                let message = "`extern crate std` without `#[cfg(feature = \"std\")]`";
                findings.push(Finding::new(path, code[at].line, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"x\"
description = \"an x\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
authors.workspace = true
categories.workspace = true
keywords.workspace = true

[lints]
workspace = true

[dependencies]
# a comment
a.workspace = true
b = { workspace = true, optional = true }

[features]
std = [\"a/std\"]
";

    fn messages(text: &str) -> Vec<String> {
        check_manifest("x/Cargo.toml", text)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_house_style_is_accepted() {
        assert_eq!(messages(GOOD), [""; 0]);
    }

    #[test]
    fn each_missing_line_is_found() {
        let without = |line: &str| {
            assert!(GOOD.contains(line), "{line}");
            messages(&GOOD.replacen(line, "", 1))
        };
        for key in INHERITED {
            assert_eq!(
                without(&format!("{key}.workspace = true")).len(),
                1,
                "{key}"
            );
        }
        assert_eq!(without("description = \"an x\"").len(), 1);
        assert_eq!(without("[lints]\nworkspace = true").len(), 1);
    }

    #[test]
    fn a_version_outside_the_workspace_is_found() {
        for (section, line) in [
            ("dependencies", "c = \"1.0\""),
            ("dev-dependencies", "c = { version = \"1.0\" }"),
            ("target.'cfg(unix)'.dependencies", "c = { path = \"../c\" }"),
        ] {
            let messages = messages(&format!("{GOOD}\n[{section}]\n{line}\n"));
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert!(messages[0].starts_with("x/Cargo.toml:24:"), "{messages:?}");
        }
    }

    #[test]
    fn members_are_checked_and_the_root_is_not() {
        let file = |path: &str| SourceFile {
            path: path.to_owned(),
            text: String::new(),
        };
        let files = [
            file("Cargo.toml"),
            file("benches/Cargo.toml"),
            file("fuzz/Cargo.toml"),
            file("xtask/Cargo.toml"),
        ];
        let findings = check(&files);
        assert!(!findings.is_empty());
        assert!(
            findings
                .iter()
                .all(|finding| finding.place == "xtask/Cargo.toml")
        );
    }

    fn root(text: &str) -> usize {
        check_root("x/src/lib.rs", &tokens(text)).len()
    }

    #[test]
    fn a_crate_root_must_refuse_the_standard_library() {
        assert_eq!(
            root("//! Docs\n#![no_std]\n#[cfg(feature = \"std\")]\nextern crate std;"),
            0
        );
        assert_eq!(
            root("#![no_std] extern crate alloc; #[cfg(test)] extern crate std;"),
            0
        );
        assert_eq!(root("// #![no_std]\npub fn f() {}"), 1);
        assert_eq!(root("#![cfg_attr(not(feature = \"std\"), no_std)]"), 1);
        assert_eq!(root("#![no_std] extern crate alloc; extern crate std;"), 1);
    }

    #[test]
    fn crate_roots_are_found_by_package_name() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file("crates/y/Cargo.toml", "[package]\nname = \"y\"\n"),
            file("crates/y/src/lib.rs", "pub fn f() {}"),
        ];
        let places: Vec<_> = check_no_std(&files, &["y", "z"])
            .into_iter()
            .map(|f| f.place)
            .collect();
        assert_eq!(places, ["crates/y/src/lib.rs", "z"]);
    }
}
