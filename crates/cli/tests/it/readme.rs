//! README.md says the truth: its code is that of tested examples, its commands
//! work, and its table of proposals is what modules meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{damson, file};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// The fenced blocks of a language, each with the line before it.
fn blocks(text: &str, language: &str) -> Vec<(String, String)> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let mut before = String::new();
    while let Some(line) = lines.next() {
        if line == fence {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((before.clone(), block.join("\n")));
        }
        line.clone_into(&mut before);
    }
    blocks
}

/// Examples are built and run by the checks; README repeats them to the letter.
#[test]
fn code_is_that_of_the_examples() {
    let blocks = blocks(&readme(), "rust");
    assert_eq!(blocks.len(), 2);
    for (before, block) in blocks {
        let path = before
            .strip_prefix("<!-- the file ")
            .and_then(|line| line.strip_suffix(" -->"))
            .unwrap_or_else(|| panic!("no file is named before\n{block}"));
        let example = fs::read_to_string(root().join(path)).expect("the example");
        assert_eq!(example.trim_end(), block, "{path} and README.md differ");
    }
}

#[test]
fn commands_work() {
    // Where some of them write to.
    fs::create_dir_all(root().join("target")).expect("a writable folder");
    let mut commands = 0;
    for (_, block) in blocks(&readme(), "sh") {
        for line in block.lines() {
            let Some(args) = line.strip_prefix("cargo run --release -- ") else {
                continue;
            };
            let args = args.split('#').next().expect("the part before a comment");
            let output = Command::new(env!("CARGO_BIN_EXE_damson"))
                .args(args.split_whitespace())
                .current_dir(root())
                .output()
                .expect("the program starts");
            assert!(output.status.success(), "{line}: {output:?}");
            assert!(!output.stdout.is_empty(), "{line}");
            commands += 1;
        }
    }
    assert!(commands >= 3, "{commands} commands were found");
}

/// For each proposal a module that needs it.
const PROPOSALS: &[(&str, &str)] = &[
    (
        "mutable-global",
        "(module (global (export \"g\") (mut i32) (i32.const 0)))",
    ),
    (
        "sign-extension",
        "(module (func (drop (i32.extend8_s (i32.const 0)))))",
    ),
    (
        "nontrapping-float-to-int",
        "(module (func (drop (i32.trunc_sat_f32_s (f32.const 0)))))",
    ),
    (
        "multi-value",
        "(module (func (result i32 i32) i32.const 0 i32.const 0))",
    ),
    (
        "bulk-memory",
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
    ),
    ("reference-types", "(module (func (param externref)))"),
    ("tail-call", "(module (func $f (return_call $f)))"),
    (
        "extended-const",
        "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
    ),
    ("multi-memory", "(module (memory 1) (memory 1))"),
    ("simd", "(module (func (drop (v128.const i64x2 0 0))))"),
    (
        "relaxed-simd",
        "(module (func (drop (i8x16.relaxed_swizzle
            (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))",
    ),
    ("memory64", "(module (memory i64 1))"),
    ("custom-page-sizes", "(module (memory 1 (pagesize 1)))"),
    (
        "wide-arithmetic",
        "(module (func (result i64 i64)
            (i64.mul_wide_u (i64.const 1) (i64.const 1))))",
    ),
    (
        "function-references",
        "(module (type $f (func)) (func (param (ref $f))))",
    ),
    ("gc", "(module (type (struct)))"),
    ("exception-handling", "(module (tag))"),
    ("threads", "(module (memory 1 1 shared))"),
    (
        "stack-switching",
        "(module (type $f (func)) (type (cont $f)))",
    ),
    ("component-model", "(component)"),
];

#[test]
fn the_table_of_proposals_is_true() {
    let readme = readme();
    let table: Vec<(&str, &str)> = readme
        .lines()
        .skip_while(|line| *line != "| Proposal | Status |")
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.trim_matches(['|', ' ']).split_once(" | "))
        .collect();
    let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = PROPOSALS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known);
    for ((name, status), (_, module)) in table.into_iter().zip(PROPOSALS) {
        let outcome = damson(&["dump", &file(&format!("proposal_{name}.wat"), module)]);
        match status {
            "supported" => drop(outcome.success()),
            "not yet" => {
                // Nobody must turn off what is not there, but may.
                let off = format!("--wasm={name}=n");
                let empty = file("proposal_off.wat", "(module)");
                drop(damson(&["compile", &off, &empty]).success());
                damson(&["compile", &format!("--wasm={name}"), &empty]).failure(2);
                let stderr = outcome.failure(65);
                assert!(
                    stderr.contains("proposal is not supported"),
                    "{name}: {stderr}"
                );
            }
            other => panic!("{name}: unknown status {other:?}"),
        }
    }
}
