//! The WASI programs in `workloads/wasi/`, run on Wasmtime.
//!
//! What a program must do is not written by hand: Wasmtime runs it, and
//! `NAME.expected` says how it ended, what it wrote and which files it left behind.
//! The tests of `damson-wasi` compare Damson with these files. This task makes them,
//! or shows that Wasmtime still says the same.
//!
//! Wasmtime is its Python package at a fixed version, in a virtual environment under
//! the target folder; the older version of WASI needs an older package.
//!
//! Deliberately not done: running the programs on Damson, which needs neither Python
//! nor a compiler and is the business of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::invocation::workspace_root;
use crate::workloads::{APT, C_FLAGS, LINK_FLAGS, WASM_TARGET, find, output_of, target_folder};

/// Wasmtime's Python package, with `wasi_snapshot_preview1`.
pub(crate) const WASMTIME: &str = "50.0.1";
/// One of the last versions that also have `wasi_unstable`.
const WASMTIME_UNSTABLE: &str = "18.0.2";

/// Run the programs in workloads/wasi/ on Wasmtime and compare with what is committed
///
/// Needs Python with the module venv; fetches the package wasmtime from PyPI. Where
/// clang 14 is found, the modules are compiled too and must be the committed ones.
#[derive(Args, Debug)]
pub(crate) struct WasiOracleArgs {
    /// Compile the programs and write the modules and what they did
    #[arg(long)]
    bless: bool,
    /// Only the programs whose names contain this
    filter: Option<String>,
}

/// Runs the task.
///
/// # Errors
///
/// When Python, the package or (for `--bless`) clang is missing, a program cannot be
/// compiled or run, or something differs from the committed files.
pub(crate) fn run(args: &WasiOracleArgs) -> anyhow::Result<()> {
    let folder = workspace_root().join("workloads/wasi");
    let scratch = target_folder("wasi-oracle")?;
    let compiler = Compiler::find(&folder, &scratch, args.bless)?;
    let filter = args.filter.as_deref().unwrap_or_default();
    let mut differing = Vec::new();
    let mut count = 0;
    for name in names(&folder)? {
        if !name.contains(filter) {
            continue;
        }
        count += 1;
        let module = folder.join(format!("{name}.wasm"));
        if let Some(compiler) = &compiler {
            let compiled = compiler.compile(&name)?;
            settle(args.bless, &module, &compiled, &mut differing)?;
        }
        let report = oracle(&folder, &module, &scratch)?;
        let expected = folder.join(format!("{name}.expected"));
        settle(args.bless, &expected, report.as_bytes(), &mut differing)?;
        println!("{name:<14} {}", report.lines().next().unwrap_or_default());
    }
    ensure!(count > 0, "no program's name contains {filter:?}");
    ensure!(
        differing.is_empty(),
        "these differ from what Wasmtime or the compiler give now (`--bless` writes them): {}",
        differing.join(", ")
    );
    println!("{count} programs: Wasmtime and the committed files agree");
    Ok(())
}

/// Every `.c` file is a program; the order is the alphabet's.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            names.push(stem.context("a program's name is not UTF-8")?.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Writes a file, or notes that it is not as it should be.
fn settle(
    bless: bool,
    path: &Path,
    content: &[u8],
    differing: &mut Vec<String>,
) -> anyhow::Result<()> {
    if bless {
        return fs::write(path, content).with_context(|| format!("{}", path.display()));
    }
    let committed = fs::read(path).with_context(|| format!("{}", path.display()))?;
    if committed != content {
        let name = path.file_name().unwrap_or_default();
        differing.push(name.to_string_lossy().into_owned());
    }
    Ok(())
}

struct Compiler<'a> {
    clang: String,
    folder: &'a Path,
    scratch: &'a Path,
}

impl<'a> Compiler<'a> {
    /// The compiler that the committed modules were made with. Without it they are
    /// taken as they are, unless they are to be written.
    fn find(folder: &'a Path, scratch: &'a Path, needed: bool) -> anyhow::Result<Option<Self>> {
        if let Some((clang, _)) = find(&["clang-14"]) {
            return Ok(Some(Self {
                clang,
                folder,
                scratch,
            }));
        }
        ensure!(!needed, "clang-14 was not found; on Debian: {APT}");
        println!("no clang-14: the modules are not compared with their sources");
        Ok(None)
    }

    fn compile(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let source = self.folder.join(format!("{name}.c"));
        let object = self.scratch.join(format!("{name}.o"));
        let module = self.scratch.join(format!("{name}.wasm"));
        // The C library speaks the newer version of WASI only.
        let alone = fs::read_to_string(&source)?.contains("wasi_unstable");
        let mut compile = Command::new(&self.clang);
        compile.args(WASM_TARGET).args(C_FLAGS).arg("-D_GNU_SOURCE");
        let mut link = Command::new(&self.clang);
        link.args(WASM_TARGET).args(LINK_FLAGS);
        if alone {
            compile.arg("-fno-builtin");
            link.arg("-nostdlib");
        }
        compile.arg("-c").arg(&source).arg("-o").arg(&object);
        link.arg(&object).arg("-o").arg(&module);
        for step in [&mut compile, &mut link] {
            output_of(step).with_context(|| format!("{name}.c does not compile; see {APT}"))?;
        }
        fs::read(&module).with_context(|| format!("{}", module.display()))
    }
}

/// What Wasmtime makes of a program.
fn oracle(folder: &Path, module: &Path, scratch: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(module)?;
    let older = b"wasi_unstable";
    let version = if bytes.windows(older.len()).any(|window| window == older) {
        WASMTIME_UNSTABLE
    } else {
        WASMTIME
    };
    output_of(
        Command::new(python(version)?)
            .arg(folder.join("oracle.py"))
            .arg(module)
            .arg(scratch.join("world")),
    )
}

/// The Python of a virtual environment with this version of the package, which is
/// made when it is not there.
pub(crate) fn python(version: &str) -> anyhow::Result<PathBuf> {
    let folder = target_folder("wasi-oracle")?.join(format!("wasmtime-{version}"));
    let python = folder.join("bin/python");
    let ready = Command::new(&python)
        .args(["-c", "import wasmtime, sys; sys.exit(0)"])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if ready {
        return Ok(python);
    }
    let Some((system, _)) = find(&["python3", "python"]) else {
        bail!("Python was not found; on Debian: apt-get install python3 python3-venv");
    };
    output_of(
        Command::new(system)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    output_of(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .arg(format!("wasmtime=={version}")),
    )
    .with_context(|| format!("PyPI's wasmtime {version} cannot be installed"))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs neither Python nor a compiler: each program has its files.
    #[test]
    fn every_program_is_compiled_and_has_a_result() {
        let folder = workspace_root().join("workloads/wasi");
        let names = names(&folder).unwrap();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            let module = fs::read(folder.join(format!("{name}.wasm"))).unwrap();
            assert!(module.starts_with(b"\0asm\x01\0\0\0"), "{name}");
            let expected = fs::read_to_string(folder.join(format!("{name}.expected"))).unwrap();
            let first = expected.lines().next().unwrap();
            assert!(
                first == "trap" || first.starts_with("exit "),
                "{name}: {first}"
            );
            assert!(!expected.contains("does not hold"), "{name}");
        }
    }

    #[test]
    fn a_difference_is_noted_and_blessed() {
        let folder = target_folder("wasi-oracle-test").unwrap();
        let path = folder.join("file");
        fs::write(&path, "old").unwrap();
        let mut differing = Vec::new();
        settle(false, &path, b"new", &mut differing).unwrap();
        assert_eq!(differing, ["file"]);
        settle(true, &path, b"new", &mut differing).unwrap();
        settle(false, &path, b"new", &mut differing).unwrap();
        assert_eq!(differing.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
