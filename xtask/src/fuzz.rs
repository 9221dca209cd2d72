//! The byte-driven targets: driven by libFuzzer, or by a plain loop.
//!
//! The targets live in `fuzz/targets`. For libFuzzer they are built with coverage
//! counters, which stable compilers can do, and on request with a sanitizer, which
//! needs a nightly toolchain; both take a C++ compiler. The plain loop (`--smoke`)
//! takes neither, so that `cargo xtask ci` can run it.
//!
//! What fails is kept: libFuzzer minimises the input, and the result goes to
//! `fuzz/regressions`, which the tests of the fuzz workspace replay.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::invocation::{Invocation, workspace_root};

/// Feed a target with bytes that libFuzzer makes
///
/// Begins with fuzz/seeds and fuzz/corpus. Inputs that reach new code are kept in
/// fuzz/corpus; one that fails is minimised and kept in fuzz/regressions.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// What to call
    #[arg(required_unless_present = "smoke")]
    target: Option<Target>,
    /// How long to go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Build with AddressSanitizer, by the nightly toolchain, and with portable
    /// dispatch
    #[arg(long)]
    sanitizer: bool,
    /// Compare with Wasmtime as well, in the target `differential`; takes minutes to build
    #[arg(long, conflicts_with = "smoke")]
    wasmtime: bool,
    /// Minimise this input, on which the target fails, and keep it in
    /// fuzz/regressions
    #[arg(long, value_name = "FILE", conflicts_with = "smoke")]
    store_crash: Option<PathBuf>,
    /// Replace the seeds by the shortest inputs of the corpus that reach what all
    /// of it reaches
    #[arg(long, conflicts_with_all = ["smoke", "store_crash"])]
    update_seeds: bool,
    /// Call the target, or all of them, with the seeds and plain mutations of them;
    /// needs no C++ compiler
    #[arg(long, conflicts_with = "sanitizer")]
    smoke: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// Arbitrary bytes as a module
    Parse,
    /// Generated modules through the translator and the verifier
    Translate,
    /// Generated modules with little fuel
    Execute,
    /// Generated modules on all engines
    Differential,
    /// Arbitrary bytecode that the verifier accepts
    Verifier,
    /// Sequences of API calls
    Api,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Translate => "translate",
            Self::Execute => "execute",
            Self::Differential => "differential",
            Self::Verifier => "verifier",
            Self::Api => "api",
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

/// How long an input is shortened, in seconds.
const MINIMISING: u64 = 60;

/// The seeds of a target take less than this, in bytes.
const MAX_SEEDS: u64 = 200 << 10;

/// Runs the task.
///
/// # Errors
///
/// When the target cannot be built, or an input makes it fail.
pub(crate) fn run(args: &FuzzArgs) -> anyhow::Result<()> {
    if args.smoke {
        let smoke = smoke(args.target, args.seconds);
        println!("{smoke}");
        return smoke.run();
    }
    let target = args.target.context("a target is named")?;
    anyhow::ensure!(
        !args.wasmtime || matches!(target, Target::Differential),
        "only the target `differential` compares with other engines"
    );
    let build = Build {
        target: target.name(),
        sanitizer: args.sanitizer,
        wasmtime: args.wasmtime,
    };
    let folders = Folders::of(build.target)?;
    if let Some(input) = &args.store_crash {
        return folders.store(build, input);
    }
    if args.update_seeds {
        return folders.update_seeds(build);
    }
    let before = files(&folders.artifacts)?;
    let fuzzing = build
        .invocation()
        .arg("-dict=fuzz/targets/wasm.dict")
        .arg(format!("-artifact_prefix={}/", folders.artifacts.display()))
        .arg(format!("-max_total_time={}", args.seconds))
        .arg(format!("{}", folders.corpus.display()))
        .arg(format!("{}", folders.seeds.display()))
        .arg(format!("{}", folders.regressions.display()));
    println!("{fuzzing}");
    let result = fuzzing.run();
    for input in files(&folders.artifacts)? {
        if !before.contains(&input) && is_failure(&input) {
            folders.store(build, &input)?;
        }
    }
    result
}

/// The plain loop over one target or all.
fn smoke(target: Option<Target>, seconds: u64) -> Invocation {
    let name = target.map_or("", Target::name);
    Invocation::cargo(&format!(
        "run --manifest-path fuzz/Cargo.toml --release --locked -p damson-targets \
         --bin damson-smoke -- {name} --seconds {seconds}"
    ))
}

/// A program that libFuzzer drives, and how it is built.
#[derive(Clone, Copy)]
struct Build {
    target: &'static str,
    sanitizer: bool,
    wasmtime: bool,
}

impl Build {
    /// The command up to libFuzzer's own arguments. A target triple keeps the flags
    /// away from build scripts.
    fn invocation(self) -> Invocation {
        let (mut features, folder) = if self.sanitizer {
            ("libfuzzer,portable".to_owned(), "sanitizer")
        } else {
            ("libfuzzer".to_owned(), "libfuzzer")
        };
        if self.wasmtime {
            features += ",wasmtime";
        }
        let arch = std::env::consts::ARCH;
        let target = self.target;
        let invocation = Invocation::cargo(&format!(
            "run --manifest-path fuzz/Cargo.toml --release --locked \
             --target {arch}-unknown-linux-gnu --target-dir fuzz/target/{folder} \
             -p damson-targets --features {features} --bin {target} -- \
             -max_len=8192 -timeout=300 -rss_limit_mb=4096 -print_final_stats=1"
        ));
        if self.sanitizer {
            invocation
                .env("RUSTFLAGS", format!("{COVERAGE} -Zsanitizer=address"))
                .env("RUSTUP_TOOLCHAIN", "nightly")
                // Asking for more memory than there is must fail as it does elsewhere.
                .env("ASAN_OPTIONS", "allocator_may_return_null=1")
        } else {
            invocation.env("RUSTFLAGS", COVERAGE)
        }
    }
}

/// Where the inputs of a target are.
struct Folders {
    seeds: PathBuf,
    regressions: PathBuf,
    corpus: PathBuf,
    artifacts: PathBuf,
}

impl Folders {
    fn of(target: &str) -> anyhow::Result<Self> {
        let folder = |name| -> anyhow::Result<PathBuf> {
            let folder = workspace_root().join("fuzz").join(name).join(target);
            std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
            Ok(folder)
        };
        Ok(Self {
            seeds: folder("seeds")?,
            regressions: folder("regressions")?,
            corpus: folder("corpus")?,
            artifacts: folder("artifacts")?,
        })
    }

    /// Minimises an input and keeps it as a regression.
    fn store(&self, build: Build, input: &Path) -> anyhow::Result<()> {
        let input = input
            .canonicalize()
            .with_context(|| format!("{}", input.display()))?;
        let name = input.file_name().context("a file has a name")?;
        let stored = self.regressions.join(name);
        // libFuzzer writes the result only when it found something shorter.
        std::fs::copy(&input, &stored).with_context(|| format!("{}", stored.display()))?;
        let minimising = build
            .invocation()
            .arg("-minimize_crash=1")
            .arg(format!("-max_total_time={MINIMISING}"))
            .arg(format!("-exact_artifact_path={}", stored.display()))
            .arg(format!("{}", input.display()));
        println!("{minimising}");
        if let Err(error) = minimising.run() {
            println!("not minimised: {error}");
        }
        println!(
            "kept as {}; the tests of fuzz/ fail until it passes",
            stored.display()
        );
        Ok(())
    }

    /// Replaces the seeds by a part of what was found.
    fn update_seeds(&self, build: Build) -> anyhow::Result<()> {
        let merged = self.corpus.with_extension("merged");
        if merged.exists() {
            std::fs::remove_dir_all(&merged)?;
        }
        std::fs::create_dir_all(&merged)?;
        let merging = build
            .invocation()
            .arg("-merge=1")
            .arg(format!("{}", merged.display()))
            .arg(format!("{}", self.corpus.display()))
            .arg(format!("{}", self.seeds.display()));
        println!("{merging}");
        merging.run()?;
        for seed in files(&self.seeds)? {
            std::fs::remove_file(seed)?;
        }
        for seed in shortest(files(&merged)?, MAX_SEEDS)? {
            let name = seed.file_name().context("a file has a name")?;
            std::fs::copy(&seed, self.seeds.join(name))?;
        }
        std::fs::remove_dir_all(&merged)?;
        Ok(())
    }
}

/// The shortest files, as many as fit.
fn shortest(files: Vec<PathBuf>, most: u64) -> anyhow::Result<Vec<PathBuf>> {
    let mut sized = Vec::new();
    for file in files {
        sized.push((std::fs::metadata(&file)?.len(), file));
    }
    sized.sort();
    let mut sum = 0;
    let fits = |(len, _): &(u64, PathBuf)| {
        sum += len;
        sum <= most
    };
    Ok(sized
        .into_iter()
        .take_while(fits)
        .map(|(_, file)| file)
        .collect())
}

/// The files of a folder, in order.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let mut files: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

/// Whether libFuzzer gave the file the name of something that fails.
fn is_failure(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    ["crash-", "timeout-", "oom-", "leak-"]
        .iter()
        .any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sanitizer_needs_nightly() {
        let build = |sanitizer, wasmtime| {
            let target = "parse";
            let build = Build {
                target,
                sanitizer,
                wasmtime,
            };
            build.invocation().to_string()
        };
        let plain = build(false, false);
        assert!(
            plain.contains("--bin parse")
                && !plain.contains("nightly")
                && !plain.contains("wasmtime"),
            "{plain}"
        );
        assert!(build(false, true).contains("--features libfuzzer,wasmtime "));
        let checked = build(true, false);
        assert!(
            checked.contains("-Zsanitizer=address") && checked.contains("nightly"),
            "{checked}"
        );
    }

    #[test]
    fn the_smoke_run_takes_no_feature() {
        let all = smoke(None, 20).to_string();
        assert!(
            all.ends_with("-- --seconds 20") && !all.contains("libfuzzer"),
            "{all}"
        );
        let one = smoke(Some(Target::Api), 3).to_string();
        assert!(one.ends_with("-- api --seconds 3"), "{one}");
    }

    #[test]
    fn every_target_has_a_program_and_seeds() {
        for target in Target::value_variants() {
            let fuzz = workspace_root().join("fuzz");
            let program = fuzz.join(format!("targets/fuzz_targets/{}.rs", target.name()));
            assert!(program.is_file(), "{}", program.display());
            let seeds = fuzz.join("seeds").join(target.name());
            assert!(
                files(&seeds).is_ok_and(|files| files.len() >= 10),
                "{}",
                seeds.display()
            );
        }
    }

    #[test]
    fn failures_are_told_from_slow_inputs() {
        assert!(is_failure(Path::new("artifacts/api/crash-0a1b")));
        assert!(is_failure(Path::new("artifacts/api/timeout-0a1b")));
        assert!(!is_failure(Path::new("artifacts/api/slow-unit-0a1b")));
    }

    #[test]
    fn seeds_are_the_shortest_that_fit() {
        let folder = std::env::temp_dir().join(format!("damson-seeds-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for len in [5_usize, 1, 100, 3] {
            std::fs::write(folder.join(len.to_string()), vec![0; len]).expect("a file");
        }
        let kept = shortest(files(&folder).expect("files"), 20).expect("sizes");
        let names: Vec<_> = kept.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["1", "3", "5"]);
        std::fs::remove_dir_all(folder).expect("a folder of ours");
    }
}
