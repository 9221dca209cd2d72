//! The compilers and the oracles: found, or asked for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, ensure};

use super::WorkloadsArgs;

pub(crate) const APT: &str = "apt-get install clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32";
pub(super) const RUST: &str = "apt-get download rustc libstd-rust-1.63 libstd-rust-dev-wasm32, dpkg \
     -x each of them to FOLDER, and --rust-root FOLDER";

/// The programs to call; the optional ones were looked for and not found.
pub(super) struct Tools {
    pub(super) clang: String,
    clang_version: String,
    rust: Rust,
    pub(super) cc: Option<String>,
    pub(super) node: Option<String>,
}

impl Tools {
    pub(super) fn find(args: &WorkloadsArgs) -> anyhow::Result<Self> {
        let Some((clang, clang_version)) = find(&["clang-14", "clang"]) else {
            bail!("clang was not found; on Debian: {APT}");
        };
        let cc = find(&["cc", "gcc", "clang"]).map(|(program, _)| program);
        let node = find(&["node"]).map(|(program, _)| program);
        ensure!(
            node.is_some() || !args.node,
            "node was not found, and --node asks for it"
        );
        ensure!(
            cc.is_some() || node.is_some(),
            "neither a native C compiler nor node was found: nothing can tell the right results"
        );
        if cc.is_none() {
            println!("no native C compiler: the results are Node's alone");
        }
        if node.is_none() {
            println!("no node: the modules were not run, the results are the native ones alone");
        }
        Ok(Self {
            clang,
            clang_version,
            rust: Rust::find(&args.rust_root)?,
            cc,
            node,
        })
    }
    /// What the modules depend on to the byte.
    pub(super) fn compilers(&self) -> String {
        format!("{} and {}", self.clang_version, self.rust.version)
    }

    /// A call of the Rust compiler for Wasm.
    pub(super) fn rustc(&self) -> Command {
        self.rust.command()
    }
}

/// A Rust compiler with the standard library for Wasm.
struct Rust {
    root: PathBuf,
    version: String,
}

impl Rust {
    fn find(root: &Path) -> anyhow::Result<Self> {
        let mut rust = Self {
            root: std::path::absolute(root)?,
            version: String::new(),
        };
        let library = rust.root.join("usr/lib/rustlib/wasm32-wasi");
        let output = rust.command().arg("--version").output();
        match output {
            Ok(output) if output.status.success() && library.is_dir() => {
                rust.version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                Ok(rust)
            }
            _ => bail!(
                "Debian's rustc with the library for Wasm is not in {}; install it, or unpack \
                 its packages and name the folder: {RUST}",
                rust.root.display()
            ),
        }
    }

    /// Its libraries need not be where the system looks for them.
    fn command(&self) -> Command {
        let mut command = Command::new(self.root.join("usr/bin/rustc"));
        command
            .env(
                "LD_LIBRARY_PATH",
                self.root.join("usr/lib/x86_64-linux-gnu"),
            )
            .arg("--sysroot")
            .arg(self.root.join("usr"));
        command
    }
}

/// The first of the programs that can be started, and its version's first line.
pub(crate) fn find(candidates: &[&str]) -> Option<(String, String)> {
    candidates.iter().find_map(|&program| {
        let output = Command::new(program)
            .arg("--version")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let version = String::from_utf8_lossy(&output.stdout);
        let first = version.lines().next().unwrap_or_default().trim().to_owned();
        output.status.success().then(|| (program.to_owned(), first))
    })
}
