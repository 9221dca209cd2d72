//! `cargo xtask bloat`: what another type of host data costs.
//!
//! Builds one program that uses stores with 1, 4 and 16 different types of host data, each with
//! a host function, an instance and a call, and compares the programs. Pruning promises that
//! the interpreter does not depend on the type: its functions must be there once, whatever the
//! number of types, and a further type may cost what its own glue needs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::invocation::{Invocation, workspace_root};

/// Numbers of host types to compare.
const TYPES: [usize; 3] = [1, 4, 16];

/// What a further host type with one host function may add to the program's code, in bytes.
const MOST_FOR_A_TYPE: u64 = 24 * 1024;

/// The crates that know no host type.
const UNTYPED: [&str; 4] = [
    "damson_core::",
    "damson_ir::",
    "damson_executor::",
    "damson_translator::",
];

/// Measure what another type of host data adds to a program
#[derive(clap::Args)]
pub(crate) struct BloatArgs {}

/// What was measured of one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measured {
    types: usize,
    /// Bytes of machine code in the program.
    text: u64,
    /// Bytes and number of the executor's handlers.
    handlers: (u64, usize),
    /// Bytes of functions of the crates that know no host type.
    untyped: u64,
    build: Duration,
}

/// Builds the programs, prints the comparison and checks it.
///
/// # Errors
///
/// When a program cannot be built or read, or a further type costs too much.
pub(crate) fn run(_args: &BloatArgs) -> anyhow::Result<()> {
    let measured = TYPES
        .map(measure)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    println!("host types   .text bytes   handlers   handler bytes   untyped crates   build");
    for row in &measured {
        println!(
            "{:10}   {:11}   {:8}   {:13}   {:14}   {:4.1} s",
            row.types,
            row.text,
            row.handlers.1,
            row.handlers.0,
            row.untyped,
            row.build.as_secs_f64()
        );
    }
    println!("(build: the program itself, its libraries were there)");
    for line in check(&measured)? {
        println!("{line}");
    }
    Ok(())
}

/// Compares each program with the first.
fn check(measured: &[Measured]) -> anyhow::Result<Vec<String>> {
    let (first, rest) = measured.split_first().context("nothing was measured")?;
    anyhow::ensure!(
        first.handlers.1 > 0,
        "the program has no handlers: built without symbols?"
    );
    rest.iter()
        .map(|row| {
            anyhow::ensure!(
                row.handlers == first.handlers,
                "{} types have {:?} bytes and number of handlers, {} have {:?}: the executor depends on the type",
                row.types,
                row.handlers,
                first.types,
                first.handlers
            );
            let more = (row.types - first.types) as u64;
            let each = row.text.saturating_sub(first.text) / more;
            anyhow::ensure!(
                each <= MOST_FOR_A_TYPE,
                "a further type costs {each} bytes of code, at most {MOST_FOR_A_TYPE} are expected"
            );
            Ok(format!("{} types: {each} bytes of code for each after the first", row.types))
        })
        .collect()
}

/// Builds the program for a number of types and looks at it.
fn measure(types: usize) -> anyhow::Result<Measured> {
    let folder = workspace_root()
        .join("target/bloat")
        .join(format!("types{types}"));
    write_package(&folder, types)?;
    let target = workspace_root().join("target/bloat/target");
    let build = || build(&folder, &target);
    build()?;
    // Again, now that only the program itself is left to build.
    let main = folder.join("src/main.rs");
    fs::File::open(&main)?.set_modified(std::time::SystemTime::now())?;
    let start = Instant::now();
    build()?;
    let time = start.elapsed();

    let program = target.join("release").join(format!("types{types}"));
    let bytes =
        fs::read(&program).with_context(|| format!("could not read {}", program.display()))?;
    let file = object::File::parse(&*bytes).context("not a program this task can read")?;
    let text = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text);
    let mut measured = Measured {
        types,
        text: text.map(|section| section.size()).sum(),
        handlers: (0, 0),
        untyped: 0,
        build: time,
    };
    for symbol in file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
    {
        let Ok(mangled) = symbol.name() else { continue };
        let name = format!("{:#}", rustc_demangle::demangle(mangled));
        if name.starts_with("damson_executor::dispatch::handler::<") {
            measured.handlers.0 += symbol.size();
            measured.handlers.1 += 1;
        }
        if UNTYPED.iter().any(|prefix| name.starts_with(prefix)) {
            measured.untyped += symbol.size();
        }
    }
    Ok(measured)
}

fn build(folder: &Path, target: &Path) -> anyhow::Result<()> {
    Invocation::cargo("build --release --quiet --manifest-path")
        .arg(folder.join("Cargo.toml").display().to_string())
        .arg("--target-dir")
        .arg(target.display().to_string())
        .run()?;
    Ok(())
}

/// Writes the package of the program.
fn write_package(folder: &Path, types: usize) -> anyhow::Result<()> {
    let source: PathBuf = folder.join("src");
    fs::create_dir_all(&source)?;
    let damson = workspace_root().join("crates/api");
    let manifest = format!(
        "[package]\nname = \"types{types}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\ndamson = {{ path = {damson:?}, default-features = false, features = [\"std\"] }}\n\n\
         [profile.release]\nstrip = false\n\n[workspace]\n"
    );
    write_if_changed(&folder.join("Cargo.toml"), &manifest)?;
    fs::copy(
        workspace_root().join("Cargo.lock"),
        folder.join("Cargo.lock"),
    )?;
    write_if_changed(&source.join("main.rs"), &program(types))
}

/// Leaves files alone that are right already: cargo looks at their times.
fn write_if_changed(path: &Path, content: &str) -> anyhow::Result<()> {
    if fs::read_to_string(path).ok().as_deref() != Some(content) {
        fs::write(path, content)?;
    }
    Ok(())
}

/// The program: for each type a store, a linked host function, an instance and a call.
fn program(types: usize) -> String {
    let mut program = String::from(
        "use damson::{Caller, Engine, Linker, Module, Store};\n\n\
         /// (module (import \"h\" \"f\" (func (param i32) (result i32))) (export \"run\" (func 0)))\n\
         const GUEST: &[u8] = b\"\\0asm\\x01\\0\\0\\0\\x01\\x06\\x01\\x60\\x01\\x7f\\x01\\x7f\\x02\\x07\\x01\\x01h\\x01f\\0\\0\\x07\\x07\\x01\\x03run\\0\\0\";\n",
    );
    for index in 0..types {
        let _ = write!(
            program,
            "\nstruct Host{index} {{\n    calls: [i32; {size}],\n}}\n\n\
             fn use{index}(engine: &Engine, module: &Module) -> i32 {{\n\
             \x20   let mut linker = Linker::<Host{index}>::new(engine);\n\
             \x20   linker.func_wrap(\"h\", \"f\", |mut caller: Caller<'_, Host{index}>, x: i32| {{\n\
             \x20       caller.data_mut().calls[{index}] += x;\n\
             \x20       caller.data().calls[{index}]\n\
             \x20   }}).unwrap();\n\
             \x20   let mut store = Store::new(engine, Host{index} {{ calls: [{index}; {size}] }});\n\
             \x20   let instance = linker.instantiate_and_start(&mut store, module).unwrap();\n\
             \x20   let run = instance.get_typed_func::<i32, i32>(&store, \"run\").unwrap();\n\
             \x20   run.call(&mut store, 1).unwrap() + store.into_data().calls[{index}]\n\
             }}\n",
            size = index + 1,
        );
    }
    program.push_str("\nfn main() {\n    let engine = Engine::default();\n    let module = Module::new(&engine, GUEST).unwrap();\n");
    for index in 0..types {
        let _ = writeln!(
            program,
            "    assert_eq!(use{index}(&engine, &module), {});",
            2 * (index + 1)
        );
    }
    program.push_str("}\n");
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(types: usize, text: u64, handlers: (u64, usize)) -> Measured {
        Measured {
            types,
            text,
            handlers,
            untyped: 0,
            build: Duration::ZERO,
        }
    }

    #[test]
    fn growth_within_the_limit_is_reported() {
        let rows = [row(1, 1000, (10, 2)), row(4, 4000, (10, 2))];
        assert_eq!(
            check(&rows).unwrap(),
            ["4 types: 1000 bytes of code for each after the first"]
        );
    }

    #[test]
    fn an_executor_that_depends_on_the_type_is_an_error() {
        let rows = [row(1, 1000, (10, 2)), row(4, 1000, (40, 8))];
        assert!(
            check(&rows)
                .unwrap_err()
                .to_string()
                .contains("depends on the type")
        );
    }

    #[test]
    fn a_type_that_costs_too_much_is_an_error() {
        let rows = [row(1, 0, (10, 2)), row(2, MOST_FOR_A_TYPE + 1, (10, 2))];
        assert!(
            check(&rows)
                .unwrap_err()
                .to_string()
                .contains("further type costs")
        );
    }

    #[test]
    fn a_program_without_handlers_is_an_error() {
        assert!(check(&[row(1, 0, (0, 0))]).is_err());
    }

    #[test]
    fn every_type_is_in_the_program_once() {
        let program = program(4);
        assert_eq!(program.matches("struct Host").count(), 4);
        assert_eq!(program.matches("assert_eq!(use").count(), 4);
    }
}
