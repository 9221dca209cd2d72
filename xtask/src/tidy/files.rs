//! What the project as a set of files must and must not hold: both licence
//! texts, and no path of the machine it was written on.

use super::{Finding, SourceFile};

/// Files every copy of the project must carry, and words they must hold.
const REQUIRED: [(&str, &str); 2] = [
    ("LICENSE-MIT", "Permission is hereby granted"),
    ("LICENSE-APACHE", "Apache License"),
];

/// First parts of absolute paths that only mean something on one machine.
const MACHINE_FOLDERS: [&str; 3] = ["home", "root", "work"];

/// Checks all text files.
pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, words) in REQUIRED {
        if !files
            .iter()
            .any(|file| file.path == path && file.text.contains(words))
        {
            findings.push(Finding::new(path, 0, "the licence text is missing"));
        }
    }
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(found) = machine_path(line) {
                let message = format!("the path {found} means something on one machine only");
                findings.push(Finding::new(&file.path, at + 1, message));
            }
        }
    }
    findings
}

/// The first absolute path in a line that starts with a machine's folder.
fn machine_path(line: &str) -> Option<&str> {
    let in_path = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    for (slash, _) in line.match_indices('/') {
        // `a/work` and `../work` are relative, `$ROOT/work` and `{x}/work` too.
        let relative = |c: char| in_path(c) || "/})$~*]>".contains(c);
        if line[..slash].ends_with(relative) {
            continue;
        }
        let rest = &line[slash + 1..];
        let folder = &rest[..rest.find(|c| !in_path(c)).unwrap_or(rest.len())];
        if MACHINE_FOLDERS.contains(&folder) {
            let path = rest.find(|c| !in_path(c) && c != '/').unwrap_or(rest.len());
            return Some(&line[slash..slash + 1 + path]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_missing_or_empty_licence_is_found() {
        let files = [
            file("LICENSE-MIT", "Permission is hereby granted"),
            file("LICENSE-APACHE", ""),
        ];
        let findings = check(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "LICENSE-APACHE");
    }

    #[test]
    fn machine_paths_are_found_wherever_they_start() {
        for folder in MACHINE_FOLDERS {
            // Put together here, so that this file passes its own check.
            let path = format!("/{folder}/me/x.rs");
            for line in [
                path.clone(),
                format!("see {path}"),
                format!("\"{path}\""),
                format!("({path})"),
            ] {
                assert_eq!(machine_path(&line), Some(path.as_str()), "{line}");
            }
            assert!(machine_path(&format!("cd /{folder}")).is_some());
            for line in [
                format!("../{folder}/x"),
                format!("a/{folder}/x"),
                format!("https://example.org/{folder}/x"),
                format!("$X/{folder}/x"),
                format!("/{folder}loads/x"),
                format!("/usr/{folder}/x"),
            ] {
                assert_eq!(machine_path(&line), None, "{line}");
            }
        }
    }

    #[test]
    fn a_machine_path_is_reported_with_its_line() {
        let text = format!("first\nsee {}{} there\n", "/ho", "me/me");
        let findings = check(&[file("README.md", &text)]);
        let finding = findings
            .iter()
            .find(|f| f.place == "README.md")
            .expect("found");
        assert_eq!(finding.line, 2);
    }
}
