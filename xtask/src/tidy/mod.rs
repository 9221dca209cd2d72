//! `cargo xtask tidy`: house rules that neither rustc nor clippy checks.
//!
//! Each rule lives in a module of its own, as a function from text (or from
//! cargo's metadata) to findings, so that each has a test that sees a
//! violation:
//!
//! - [`edges`]: which crate may depend on which;
//! - [`manifests`]: what every package inherits from the workspace;
//! - [`length`]: how long a source file may be;
//! - [`source`]: words and attributes that have no place in Rust sources;
//! - [`fence`]: `unsafe` stays in files that declare it;
//! - [`files`]: licence texts, machine paths.
//!
//! Whether the `unsafe` that is there is sound, and whether an attribute covers
//! it, is the business of the compiler's lints. Rules look at tokens
//! ([`tokens`]), not at syntax trees: enough for all of them, and without
//! another parser to keep up with the language.

mod edges;
mod fence;
mod files;
mod length;
mod manifests;
mod source;
mod tokens;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::invocation::workspace_root;

/// The packages that must build without the standard library.
pub(crate) const NO_STD_PACKAGES: [&str; 5] = [
    "damson-core",
    "damson-ir",
    "damson-executor",
    "damson-translator",
    "damson",
];

/// Check the house rules: crate dependencies, file length, fences around unsafe
#[derive(Args)]
pub(crate) struct TidyArgs {
    /// Also list the files that are getting long
    #[arg(long, short)]
    verbose: bool,
}

/// A violated rule, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Path relative to the root, or a package's name.
    place: String,
    /// Line number counted from 1; 0 if the whole place is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn new(place: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.place, self.message),
            line => write!(f, "{}:{line}: {}", self.place, self.message),
        }
    }
}

/// A file of the project: its path relative to the root, with `/` between the
/// parts, and its text.
struct SourceFile {
    path: String,
    text: String,
}

/// Runs the task.
///
/// # Errors
///
/// When a rule is violated, or the project cannot be read.
pub(crate) fn run(args: &TidyArgs) -> anyhow::Result<()> {
    let root = workspace_root();
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cargo metadata")?;
    let files = project_files(&root)?;

    let mut findings = edges::check(&edges::Graph::from_metadata(&metadata));
    findings.extend(manifests::check(&files));
    findings.extend(manifests::check_no_std(&files, &NO_STD_PACKAGES));
    let lengths = length::check(&files);
    findings.extend(lengths.findings);
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let tokens = tokens::tokens(&file.text);
        findings.extend(source::check(&file.path, &tokens));
        findings.extend(fence::check(&file.path, &tokens));
    }
    findings.extend(files::check(&files));

    if args.verbose {
        println!(
            "files over {} lines (none may exceed {}):",
            length::AIM,
            length::LIMIT
        );
        for (path, lines) in &lengths.long {
            println!("{lines:>6}  {path}");
        }
    } else if !lengths.long.is_empty() {
        let count = lengths.long.len();
        println!(
            "{count} files are over {} lines (--verbose lists them)",
            length::AIM
        );
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    anyhow::ensure!(
        findings.is_empty(),
        "{} violations of the house rules",
        findings.len()
    );
    println!("tidy: {} files, no violations", files.len());
    Ok(())
}

/// The text files under version control, and those that are about to be: new
/// files must not escape a check before their first commit.
fn project_files(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("could not start git, which lists the project's files")?;
    anyhow::ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut paths: Vec<_> = String::from_utf8(output.stdout)
        .context("a path is not UTF-8")?
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        // Deleted but not yet committed, or a link to nothing.
        let Ok(bytes) = std::fs::read(root.join(&path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile { path, text });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_place() {
        assert_eq!(Finding::new("a.rs", 3, "no").to_string(), "a.rs:3: no");
        assert_eq!(Finding::new("damson", 0, "no").to_string(), "damson: no");
    }

    #[test]
    fn the_project_lists_its_own_sources() {
        let files = project_files(&workspace_root()).expect("git lists the files");
        assert!(
            files
                .iter()
                .any(|file| file.path == "xtask/src/tidy/mod.rs")
        );
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    }
}
