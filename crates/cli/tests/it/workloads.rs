//! Every program in `workloads/`, at its test size, gives its expected output.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{damson, file};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads")
}

/// Names and checksums of the test size, from the table beside the programs.
fn programs() -> Vec<(String, String)> {
    let table = fs::read_to_string(folder().join("expected.txt")).expect("the table");
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            (fields[0].to_owned(), fields[2].to_owned())
        })
        .collect()
}

fn path(name: &str) -> String {
    let path = folder().join(format!("{name}.wasm"));
    path.into_os_string().into_string().expect("UTF-8")
}

#[test]
fn the_table_lists_all_programs() {
    let mut modules: Vec<String> = fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    modules.sort();
    let names: Vec<String> = programs().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 8);
    assert_eq!(names, modules);
}

#[test]
fn all_programs_give_their_expected_output() {
    for (name, checksum) in programs() {
        let expected = fs::read_to_string(folder().join(format!("{name}.expected")))
            .expect("the expected output");
        assert_eq!(
            damson(&["run", &path(&name), "test"]).success(),
            expected,
            "{name}"
        );
        assert!(
            expected.ends_with(&format!("checksum {checksum}\n")),
            "{name}"
        );
    }
}

#[test]
fn all_programs_give_the_same_when_compiled_lazily_or_metered() {
    for (name, _) in programs() {
        let expected = fs::read_to_string(folder().join(format!("{name}.expected")))
            .expect("the expected output");
        let options = ["--compilation-mode", "lazy", "--fuel", "100000000000"];
        let path = path(&name);
        let args = [&["run"], &options[..], &[&path, "test"]].concat();
        assert_eq!(damson(&args).success(), expected, "{name}");
    }
}

/// A profile suspends a program thousands of times, in code that charges each basic block.
#[test]
fn all_programs_give_the_same_while_they_are_profiled() {
    for (name, _) in programs() {
        let expected = fs::read_to_string(folder().join(format!("{name}.expected")))
            .expect("the expected output");
        let profile = file(&format!("workload_{name}.folded"), "");
        let args = ["run", "--profile", &profile, &path(&name), "test"];
        assert_eq!(damson(&args).success(), expected, "{name}");
        let stacks = fs::read_to_string(profile).expect("a profile");
        assert!(stacks.lines().count() > 1, "{name}: {stacks}");
    }
    let profile = file("workload_bogus.folded", "");
    let args = ["run", "--profile", &profile, &path("fib"), "bogus"];
    assert_eq!(damson(&args), damson(&["run", &path("fib"), "bogus"]));
}

#[test]
fn programs_complain_about_wrong_usage_themselves() {
    let stderr = damson(&["run", &path("fib"), "bogus"]).failure(2);
    assert!(stderr.starts_with("usage: "), "{stderr}");
}
