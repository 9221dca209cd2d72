//! `damson dump`.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::program::{damson, file};

const MODULE: &str = r#"(module
    (import "env" "f" (func $imported (param i32)))
    (func $sum (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (param i32) (call $imported (local.get 0)))
    (func))"#;

#[test]
fn functions_show_their_operators_and_bytecode() {
    let output = damson(&["dump", &file("dump.wat", MODULE)]).success();
    let headers: Vec<&str> = output
        .lines()
        .filter(|line| line.starts_with("function"))
        .collect();
    assert_eq!(headers.len(), 3, "{output}");
    assert!(headers[0].starts_with("function 1 sum: 2 parameters, 1 results, a frame of "));
    assert!(headers[1].starts_with("function 2: 1 parameters, 0 results, a frame of "));
    let sum = output.split("\n\n").next().unwrap();
    let place = |text: &str| {
        sum.find(text)
            .unwrap_or_else(|| panic!("{text} is not in\n{sum}"))
    };
    // The text of Wasm, in order, with the bytecode of the addition after it.
    assert!(place("(func $sum") < place("local.get 0"));
    assert!(place("local.get 1") < place("  i32.add\n"));
    let instruction = sum
        .lines()
        .position(|line| !line.starts_with("0x") && line.contains("i32.add"))
        .unwrap_or_else(|| panic!("no bytecode in\n{sum}"));
    let operator = sum
        .lines()
        .position(|line| line.ends_with("  i32.add"))
        .unwrap();
    assert!(operator < instruction, "{sum}");
    assert!(
        sum.lines()
            .any(|line| line.starts_with("0x") && line.ends_with("  end")),
        "{sum}"
    );
}

#[test]
fn offsets_are_those_of_the_binary() {
    let binary = wat::parse_str(MODULE).unwrap();
    let add = binary.iter().rposition(|byte| *byte == 0x6a).unwrap();
    let output = damson(&["dump", &file("dump_offsets.wasm", &binary)]).success();
    assert!(
        output.contains(&format!("{add:#08x}    i32.add\n")),
        "{output}"
    );
}

#[test]
fn one_function_can_be_picked() {
    let path = file("dump_one.wat", MODULE);
    let output = damson(&["dump", "--function", "2", &path]).success();
    assert!(output.starts_with("function 2: "), "{output}");
    assert_eq!(output.matches("function ").count(), 1, "{output}");
    let output = damson(&["dump", "--function", "sum", &path]).success();
    assert!(output.starts_with("function 1 sum: "), "{output}");
    for (index, complaint) in [
        ("0", "function 0 is imported"),
        ("4", "there is no function 4"),
        (
            "product",
            "no function of the module's own is named or exported as `product`",
        ),
    ] {
        let stderr = damson(&["dump", "--function", index, &path]).failure(2);
        assert!(stderr.contains(complaint), "{stderr}");
    }
}

/// A module without a name section has names all the same: those of its exports.
#[test]
fn exports_are_names_where_there_are_no_others() {
    let module = r#"(module
        (import "env" "f" (func))
        (export "imported" (func 0))
        (memory (export "memory") 1)
        (func (export "go") (export "also") (call 2))
        (func $inner (export "outer")))"#;
    let path = file("dump_exports.wat", module);
    for (name, heading) in [
        ("go", "function 1 go: "),
        ("also", "function 1 go: "),
        ("inner", "function 2 inner: "),
        ("outer", "function 2 inner: "),
    ] {
        let output = damson(&["dump", "--function", name, &path]).success();
        assert!(output.starts_with(heading), "{name}: {output}");
        assert_eq!(output.matches("function ").count(), 1, "{output}");
    }
    for (name, complaint) in [
        ("imported", "function 0 is imported"),
        ("memory", "is named or exported as `memory`"),
    ] {
        let stderr = damson(&["dump", "--function", name, &path]).failure(2);
        assert!(stderr.contains(complaint), "{name}: {stderr}");
    }
    // The name section has the first word.
    let module = r#"(module (func (export "b")) (func $b))"#;
    let path = file("dump_export_and_name.wat", module);
    let output = damson(&["dump", "--function", "b", &path]).success();
    assert!(output.starts_with("function 1 b: "), "{output}");
}

#[test]
fn calls_show_the_name_of_the_function() {
    let output = damson(&["dump", &file("dump_calls.wat", MODULE)]).success();
    let bytecode = |line: &&str| !line.starts_with("0x") && line.contains("call");
    let call = output.lines().find(bytecode).expect("a call");
    assert!(call.ends_with("  ; imported"), "{call}");
}

#[test]
fn invalid_modules_are_refused() {
    let stderr =
        damson(&["dump", &file("dump_invalid.wat", "(module (func i32.add))")]).failure(65);
    assert!(stderr.contains("type mismatch"), "{stderr}");
}

#[test]
fn output_that_nobody_reads_ends_the_program_quietly() {
    let path = file("dump_closed.wat", MODULE);
    let mut child = Command::new(env!("CARGO_BIN_EXE_damson"))
        .args(["dump", &path])
        .stdout(closed_pipe())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("UTF-8");
    assert_eq!(
        (child.wait().expect("it ends").code(), stderr.as_str()),
        (Some(141), "")
    );
}

fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}
