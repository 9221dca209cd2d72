//! A program: compiled, run, and its outputs compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::tools::{APT, RUST, Tools};
use super::{Outcome, Results};

/// Both compilers: no fused multiply-add, which would change the last bit.
pub(crate) const C_FLAGS: [&str; 5] = ["-std=c11", "-Wall", "-Wextra", "-O2", "-ffp-contract=off"];
pub(crate) const WASM_TARGET: [&str; 2] = ["--target=wasm32-wasi", "--sysroot=/usr"];
/// The stack lies below the data, so that overflowing it traps.
pub(crate) const LINK_FLAGS: [&str; 3] = [
    "-Wl,--strip-all",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=262144",
];
/// Both compilers: the standard library may be another version.
const RUST_FLAGS: [&str; 4] = [
    "--edition=2021",
    "-Copt-level=2",
    "-Cpanic=abort",
    "-Dwarnings",
];
const RUST_WASM_FLAGS: [&str; 8] = [
    "--target=wasm32-wasi",
    "-Clinker=wasm-ld-14",
    "-Clinker-flavor=wasm-ld",
    "-Clto=fat",
    "-Cstrip=symbols",
    "-Clink-arg=--export=run",
    "-Clink-arg=--stack-first",
    "-Clink-arg=-zstack-size=262144",
];

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    C,
    Rust,
}

impl Language {
    pub(super) fn of_extension(extension: &str) -> Option<Self> {
        [Self::C, Self::Rust]
            .into_iter()
            .find(|language| language.extension() == extension)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Rust => "rs",
        }
    }
}

/// A program: its sources, and where they are.
pub(super) struct Program<'a> {
    pub(super) name: String,
    pub(super) language: Language,
    pub(super) folder: &'a Path,
    pub(super) scratch: &'a Path,
}

impl Program<'_> {
    fn source(&self) -> String {
        format!("{}.{}", self.name, self.language.extension())
    }

    pub(super) fn compile_wasm(&self, tools: &Tools) -> anyhow::Result<PathBuf> {
        match self.language {
            Language::C => self.compile_c(tools),
            Language::Rust => self.compile_rust(tools),
        }
    }

    fn compile_rust(&self, tools: &Tools) -> anyhow::Result<PathBuf> {
        let module = self.scratch.join(format!("{}.wasm", self.name));
        let mut compile = tools.rustc();
        compile
            .current_dir(self.folder)
            .args(RUST_WASM_FLAGS)
            .args(RUST_FLAGS)
            .args([&self.source(), "-o"])
            .arg(&module);
        let failed = || format!("{} does not compile to Wasm: {RUST}", self.source());
        output_of(&mut compile).with_context(failed)?;
        Ok(module)
    }

    /// Compiles and links in two steps: given an optimization level, clang's
    /// link step would also run wasm-opt where that happens to be installed, and
    /// the module would depend on the machine.
    fn compile_c(&self, tools: &Tools) -> anyhow::Result<PathBuf> {
        let object = self.scratch.join(format!("{}.o", self.name));
        let module = self.scratch.join(format!("{}.wasm", self.name));
        let mut compile = self.command(&tools.clang);
        compile
            .args(WASM_TARGET)
            .args(C_FLAGS)
            .args(["-c", &self.source(), "-o"])
            .arg(&object);
        let mut link = self.command(&tools.clang);
        link.args(WASM_TARGET)
            .args(LINK_FLAGS)
            .arg(&object)
            .arg("-o")
            .arg(&module);
        for step in [&mut compile, &mut link] {
            output_of(step).with_context(|| {
                format!(
                    "{} does not compile to Wasm; on Debian: {APT}",
                    self.source()
                )
            })?;
        }
        Ok(module)
    }

    pub(super) fn results(&self, tools: &Tools, module: &Path) -> anyhow::Result<Results> {
        let native = match (self.language, tools.cc.as_deref()) {
            (Language::C, Some(cc)) => Some(self.native_results(self.command(cc), &C_FLAGS)?),
            (Language::C, None) => None,
            // The compiler of this project, not the one for Wasm.
            (Language::Rust, _) => Some(self.native_results(self.command("rustc"), &RUST_FLAGS)?),
        };
        let Some(node) = &tools.node else {
            return native.context("no way to run the program");
        };
        let wasm = Results {
            test: self.parse(&self.oracle(node, "start", module, Some("test"))?)?,
            full: self.parse(&self.oracle(node, "start", module, None)?)?,
        };
        for result in [&wasm.test, &wasm.full] {
            let size = result.size.to_string();
            let direct = self.oracle(node, "run", module, Some(&size))?;
            ensure!(
                direct.trim_end() == result.checksum,
                "{}: the export `run` gives {} for size {size}, the command prints {}",
                self.name,
                direct.trim_end(),
                result.checksum
            );
        }
        if let Some(native) = native {
            for (native, wasm) in [(&native.test, &wasm.test), (&native.full, &wasm.full)] {
                ensure!(
                    native.output == wasm.output,
                    "{}: the native program prints\n{}but the module on Node prints\n{}",
                    self.name,
                    native.output,
                    wasm.output
                );
            }
        }
        Ok(wasm)
    }

    fn native_results(&self, mut compile: Command, flags: &[&str]) -> anyhow::Result<Results> {
        let binary = self.scratch.join(format!("{}-native", self.name));
        compile
            .args(flags)
            .args([&self.source(), "-o"])
            .arg(&binary);
        if self.language == Language::C {
            compile.arg("-lm");
        }
        output_of(&mut compile)?;
        Ok(Results {
            test: self.parse(&output_of(Command::new(&binary).arg("test"))?)?,
            full: self.parse(&output_of(&mut Command::new(&binary))?)?,
        })
    }

    fn oracle(
        &self,
        node: &str,
        mode: &str,
        module: &Path,
        argument: Option<&str>,
    ) -> anyhow::Result<String> {
        let mut command = self.command(node);
        command
            .args(["--no-warnings", "oracle.mjs", mode])
            .arg(module)
            .args(argument);
        output_of(&mut command)
    }

    fn parse(&self, output: &str) -> anyhow::Result<Outcome> {
        Outcome::parse(&self.name, output)
            .with_context(|| format!("{} printed {output:?}", self.name))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder);
        command
    }
}

/// Runs the command; its standard output as text.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("output of {command:?}"))
}
