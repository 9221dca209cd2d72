//! The commands that report on a module: `compile`, `inspect`, `bench`, and `completions`.

use std::path::Path;

use crate::program::{damson, file, wasi_program};

const MODULE: &str = r#"(module
    (type (func (param i32) (result i64)))
    (import "env" "f" (func $imported (type 0)))
    (import "env" "g" (global i32))
    (memory (export "memory") 1 2)
    (table (export "table") 3 funcref)
    (func $tail (export "tail") (param i32) (result i64) (return_call $imported (local.get 0)))
    (func (result i32) (i32.extend8_s (i32.const 5)))
    (@custom "note" "five!"))"#;

#[test]
fn inspect_lists_what_a_module_has_and_needs() {
    let binary = wat::parse_str(MODULE).unwrap();
    let output = damson(&["inspect", &file("inspect.wasm", &binary)]).success();
    let expected = [
        &format!(
            "{} bytes, 2 functions of its own with 11 bytes of code",
            binary.len()
        )[..],
        "2 types",
        "  0: (i32) -> i64",
        "  1: () -> i32",
        "2 imports",
        "  env::f  function (i32) -> i64",
        "  env::g  global i32",
        "3 exports",
        "  memory  memory of 1..=2 pages",
        "  table  table of 3.. funcref",
        "  tail  function (i32) -> i64",
        "2 custom sections",
        "  note  5 bytes",
        "  name  19 bytes",
        "2 proposals needed",
        "  sign-extension",
        "  tail-call",
    ];
    assert_eq!(output.lines().collect::<Vec<_>>(), expected);
    let output = damson(&["inspect", &file("inspect_empty.wat", "(module)")]).success();
    assert!(
        output.ends_with("0 custom sections\n0 proposals needed\n"),
        "{output}"
    );
}

#[test]
fn inspect_names_what_is_not_supported() {
    let path = file("inspect_gc.wat", "(module (type (struct)))");
    let stderr = damson(&["inspect", &path]).failure(65);
    assert!(stderr.contains("proposal is not supported"), "{stderr}");
}

/// The value behind a label of a report.
fn value<'a>(report: &'a str, label: &str) -> &'a str {
    let mut lines = report.lines();
    let line = lines.find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label} in\n{report}"))
        .trim()
}

#[test]
fn compile_reports_sizes_and_times() {
    let binary = wat::parse_str(MODULE).unwrap();
    let path = file("compile.wasm", &binary);
    let report = damson(&["compile", &path]).success();
    assert_eq!(value(&report, "module"), format!("{} bytes", binary.len()));
    assert_eq!(value(&report, "functions"), "2");
    assert_eq!(value(&report, "code "), "11 bytes");
    assert!(value(&report, "translation").contains("s, validation included"));
    // The bytecode is what `dump` shows: cells of 8 bytes.
    let bytes = |report: &str| -> usize {
        let bytes = value(report, "bytecode")
            .split(' ')
            .next()
            .expect("a number");
        bytes.parse().expect("a number")
    };
    assert!(
        bytes(&report) >= 4 * 8 && bytes(&report).is_multiple_of(8),
        "{report}"
    );
    // Charging for fuel takes instructions of its own.
    let metered = damson(&["compile", "--fuel", &path]).success();
    assert!(bytes(&metered) > bytes(&report), "{metered}");

    damson(&["compile", "--wasm", "tail-call=n", &path]).failure(65);
    let invalid = file("compile_invalid.wat", "(module (func) (func i32.add))");
    let stderr = damson(&["compile", &invalid]).failure(65);
    assert!(stderr.contains("type mismatch"), "{stderr}");
}

#[test]
fn compile_counts_all_of_a_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads/json.wasm");
    let path = path.to_str().expect("UTF-8");
    let report = damson(&["compile", path]).success();
    let dumped = damson(&["dump", path]).success();
    let functions = dumped
        .lines()
        .filter(|line| line.starts_with("function "))
        .count();
    assert_eq!(value(&report, "functions"), functions.to_string());
}

#[test]
fn bench_times_a_program_and_hides_what_it_prints() {
    let module = wasi_program(
        r#"(func (export "_start") (local $n i32)
            (call $print (i32.const 64) (i32.const 4))
            (loop $l
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $l (i32.lt_u (local.get $n) (i32.const 100000))))
            (call $proc_exit (i32.const 3)))
        (func (export "twice") (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))"#,
    );
    let path = file("bench.wat", module);
    let report = damson(&["bench", "--runs", "3", &path]).success();
    let names: Vec<&str> = report
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let [labels @ .., count] = &names[..] else {
        panic!("{report}")
    };
    assert_eq!(
        labels,
        ["min", "module", "instantiation", "run"],
        "{report}"
    );
    let count: u32 = count.parse().expect("a number");
    // A round of the loop has eight operators; the rest does not have many.
    assert!((800_000..800_050).contains(&count), "{report}");
    // The count is the same at every run.
    let again = damson(&["bench", "--runs", "1", &path]).success();
    assert!(
        again.contains(&format!("\n{count} instructions, ")),
        "{again}"
    );

    let report = damson(&["bench", "--runs", "1", "--invoke", "twice", &path, "4"]).success();
    assert!(report.contains("instructions"), "{report}");
    let trap = file(
        "bench_trap.wat",
        r#"(module (func (export "_start") unreachable))"#,
    );
    damson(&["bench", &trap]).failure(134);
}

#[test]
fn shells_complete_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = damson(&["completions", shell]).success();
        for word in ["damson", "inspect", "compilation-mode"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

/// Names in a file of strangers hold whatever they like; a terminal must not obey it.
#[test]
fn names_cannot_act_on_a_terminal() {
    let name = r"x\1b[2J\r\ny\c2\9b";
    let shown = r"x\u{1b}[2J\r\ny\u{9b}";
    let module = format!(
        r#"(module (import "{name}" "{name}" (func $i))
            (@custom "{name}" "data")
            (func $"{name}" (export "{name}") (call $"{name}") unreachable)
            (func (export "trap") (call $"{name}")))"#
    );
    let path = file("names.wat", &module);
    let own = file(
        "names_own.wat",
        module.replace("(import", "(;").replace("(func $i))", ";)"),
    );
    let texts = [
        (damson(&["inspect", &path]).success(), 4),
        (damson(&["dump", &own]).success(), 3),
        (damson(&["run", "--invoke", "trap", &path]).failure(65), 2),
        (damson(&["run", &path]).failure(1), 1),
    ];
    for (text, times) in texts {
        assert_eq!(text.matches(shown).count(), times, "{text}");
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(acts), "{text:?}");
    }
}
