//! The byte-driven targets, driven by libFuzzer.
//!
//! The targets live in `fuzz/targets`. They are built with coverage counters,
//! which stable compilers can do, and on request with a sanitizer, which needs a
//! nightly toolchain. Deliberately absent: `cargo-fuzz`, which would set the same
//! few flags.

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::invocation::{Invocation, workspace_root};

/// Feed a target with bytes that libFuzzer makes
///
/// Inputs that reach new code are kept in fuzz/corpus, those that fail in
/// fuzz/artifacts; both folders are left out of version control.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// What to call
    target: Target,
    /// How long to go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Build with AddressSanitizer, by the nightly toolchain, and with portable
    /// dispatch
    #[arg(long)]
    sanitizer: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// Arbitrary bytes as a module
    Parse,
    /// Modules of wasm-smith through the translator and the verifier
    Translate,
    /// Modules of wasm-smith with little fuel
    Execute,
    /// Modules of wasm-smith on all engines
    Differential,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Translate => "translate",
            Self::Execute => "execute",
            Self::Differential => "differential",
        }
    }
}

/// What libFuzzer wants to know of the code it runs.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// Runs the task.
///
/// # Errors
///
/// When the target cannot be built, or an input makes it fail.
pub(crate) fn run(args: &FuzzArgs) -> anyhow::Result<()> {
    let target = args.target.name();
    let fuzz = workspace_root().join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    let artifacts = fuzz.join("artifacts").join(target);
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    let invocation = invocation(target, args.sanitizer)
        .arg("-dict=fuzz/targets/wasm.dict")
        .arg(format!("{}", corpus.display()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={}", args.seconds));
    println!("{invocation}");
    invocation.run()
}

/// The command up to libFuzzer's own arguments. A target triple keeps the flags
/// away from build scripts.
fn invocation(target: &str, sanitizer: bool) -> Invocation {
    let features = if sanitizer {
        "libfuzzer,portable"
    } else {
        "libfuzzer"
    };
    let invocation = Invocation::cargo(&format!(
        "run --manifest-path fuzz/Cargo.toml --release --locked --target x86_64-unknown-linux-gnu \
         --target-dir fuzz/target/libfuzzer -p damson-targets --features {features} \
         --bin {target} -- -max_len=8192 -timeout=60 -print_final_stats=1"
    ));
    if sanitizer {
        invocation
            .env("RUSTFLAGS", format!("{COVERAGE} -Zsanitizer=address"))
            .env("RUSTUP_TOOLCHAIN", "nightly")
    } else {
        invocation.env("RUSTFLAGS", COVERAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sanitizer_needs_nightly() {
        let plain = invocation("parse", false).to_string();
        assert!(
            plain.contains("--bin parse") && !plain.contains("nightly"),
            "{plain}"
        );
        let checked = invocation("parse", true).to_string();
        assert!(
            checked.contains("-Zsanitizer=address") && checked.contains("nightly"),
            "{checked}"
        );
    }

    #[test]
    fn every_target_has_a_program() {
        for target in Target::value_variants() {
            let path = workspace_root().join(format!("fuzz/targets/bin/{}.rs", target.name()));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
