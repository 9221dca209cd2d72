//! How long a source file may be.
//!
//! A file one can read in a sitting is one somebody does read. Tables are the
//! exception: splitting one makes it harder to read, not easier.

use super::{Finding, SourceFile};

/// What a file should stay under; longer ones are listed.
pub(super) const AIM: usize = 400;
/// What a file must stay under.
pub(super) const LIMIT: usize = 700;

/// Files that may be longer, and why. An entry that is no longer needed is a
/// violation, so the list only holds what is true.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "crates/ir/src/table.rs",
        "the instruction table: one declaration, a row for each operation",
    ),
    (
        "crates/ir/src/sequences.rs",
        "the rows of the tile table that are sequences",
    ),
    (
        "crates/ir/src/tiles.rs",
        "the tile table: one declaration, a row for each family",
    ),
];

/// What the check found.
pub(super) struct Lengths {
    pub(super) findings: Vec<Finding>,
    /// Files over [`AIM`] lines, longest first.
    pub(super) long: Vec<(String, usize)>,
}

/// Checks all Rust files.
pub(super) fn check(files: &[SourceFile]) -> Lengths {
    check_with(files, EXCEPTIONS)
}

fn check_with(files: &[SourceFile], exceptions: &[(&str, &str)]) -> Lengths {
    let mut findings = Vec::new();
    let mut long = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        if lines > AIM {
            long.push((file.path.clone(), lines));
        }
        if lines > LIMIT && !exceptions.iter().any(|(path, _)| *path == file.path) {
            let message = format!("{lines} lines; split it, {LIMIT} is the limit");
            findings.push(Finding::new(&file.path, 0, message));
        }
    }
    for (path, _) in exceptions {
        if !long
            .iter()
            .any(|(file, lines)| file == path && *lines > LIMIT)
        {
            let message = format!("is no longer over {LIMIT} lines; remove its exception");
            findings.push(Finding::new(path, 0, message));
        }
    }
    long.sort_by_key(|(path, lines)| (std::cmp::Reverse(*lines), path.clone()));
    Lengths { findings, long }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            text: "//\n".repeat(lines),
        }
    }

    #[test]
    fn the_limit_is_a_violation_and_the_aim_is_listed() {
        let files = [
            file("a.rs", 701),
            file("b.rs", 700),
            file("c.rs", 400),
            file("d.md", 9000),
        ];
        let Lengths { findings, long } = check_with(&files, &[]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "a.rs");
        assert_eq!(long, [("a.rs".to_owned(), 701), ("b.rs".to_owned(), 700)]);
    }

    #[test]
    fn an_exception_excuses_its_file_and_must_be_needed() {
        let exceptions = [
            ("a.rs", "a table"),
            ("b.rs", "a table"),
            ("gone.rs", "a table"),
        ];
        let findings = check_with(&[file("a.rs", 701), file("b.rs", 12)], &exceptions).findings;
        let places: Vec<_> = findings
            .iter()
            .map(|finding| finding.place.as_str())
            .collect();
        assert_eq!(places, ["b.rs", "gone.rs"]);
    }
}
