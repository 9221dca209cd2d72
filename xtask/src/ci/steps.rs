//! The steps of `cargo xtask ci`.

use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package, TargetKind};

use crate::bad_input;
use crate::invocation::{Invocation, workspace_root};
use crate::tidy::NO_STD_PACKAGES;

/// A check with a name.
pub(crate) struct Step {
    /// `step` or `group:step`.
    pub(crate) name: String,
    /// What is run; the step passes when it ends with code 0.
    pub(crate) invocation: Invocation,
    /// Whether the step fails when no test ran.
    pub(crate) needs_tests: bool,
}

impl Step {
    /// A step that passes when its command does.
    pub(crate) fn new(name: impl Into<String>, invocation: Invocation) -> Self {
        Self {
            name: name.into(),
            invocation,
            needs_tests: false,
        }
    }

    /// Makes the step fail when its command ran no test at all.
    pub(crate) fn must_run_tests(mut self) -> Self {
        self.needs_tests = true;
        self
    }

    /// Whether this is the step, or in the group, of that name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self
                .name
                .split_once(':')
                .is_some_and(|(group, _)| group == name)
    }
}

/// All steps, in order.
///
/// # Errors
///
/// When `cargo metadata` fails.
pub(crate) fn all() -> anyhow::Result<Vec<Step>> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cargo metadata")?;

    let mut steps = vec![
        Step::new("fmt", Invocation::cargo("fmt --all --check")),
        Step::new(
            "fmt:fuzz",
            Invocation::cargo("fmt --manifest-path fuzz/Cargo.toml --all --check"),
        ),
        Step::new(
            "fmt:benches",
            Invocation::cargo("fmt --manifest-path benches/Cargo.toml --all --check"),
        ),
        Step::new("tidy", Invocation::cargo("xtask tidy")),
        Step::new(
            "clippy",
            Invocation::cargo("clippy --workspace --all-targets --locked -- -D warnings"),
        ),
        Step::new(
            "fmt:no-std",
            Invocation::cargo("fmt --manifest-path examples/no-std/Cargo.toml --all --check"),
        ),
        Step::new(
            "clippy:virtual-memory",
            Invocation::cargo(
                "clippy -p damson -p damson-core --features virtual-memory --all-targets \
                 --locked -- -D warnings",
            ),
        ),
        Step::new(
            "clippy:count",
            Invocation::cargo(
                "clippy -p damson-cli --features count --all-targets --locked -- -D warnings",
            ),
        ),
        Step::new(
            "clippy:fuzz",
            Invocation::cargo(
                // Without the programs for libFuzzer, which take a C++ compiler.
                "clippy --manifest-path fuzz/Cargo.toml --workspace --all-targets --locked \
                 -- -D warnings",
            ),
        ),
        Step::new(
            "clippy:benches",
            // Without the peers, each of which is a feature.
            Invocation::cargo(
                "clippy --manifest-path benches/Cargo.toml --features count --all-targets --locked \
                 -- -D warnings",
            ),
        ),
        Step::new(
            "rustdoc",
            // With what is behind a feature.
            Invocation::cargo("doc --workspace --all-features --no-deps --locked")
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
    ];
    for package in NO_STD_PACKAGES {
        steps.push(Step::new(
            format!("no-std:{package}"),
            Invocation::cargo(&format!(
                "build -p {package} --no-default-features --locked"
            )),
        ));
    }
    // The tests have `std`, what they test has not. Errors of the compiler are in
    // words that differ with features, and are compared in other steps.
    steps.push(
        Step::new(
            "no-std:tests",
            Invocation::cargo(
                "test -p damson-core -p damson-ir -p damson-executor -p damson-translator -p damson \
                 --no-default-features --locked --no-fail-fast --lib --test it \
                 -- --skip compile_fail:: --skip ui:: --skip bad_input::",
            ),
        )
        .must_run_tests(),
    );
    if cfg!(target_os = "linux") {
        // Links a program without `std`, runs it, and looks for `std` in it.
        steps.push(Step::new("no-std:program", Invocation::cargo("xtask size")));
    }
    if cfg!(target_arch = "x86_64") {
        steps.push(Step::new(
            "dispatch-audit",
            Invocation::cargo("xtask dispatch-audit"),
        ));
    }
    steps.extend(examples(&metadata.packages));
    steps.extend([
        // Unoptimised code cannot rely on tail calls and uses the portable loop.
        Step::new(
            "test:debug",
            Invocation::cargo("test --workspace --locked --no-fail-fast"),
        )
        .must_run_tests(),
        // Without what the last two steps run in release.
        Step::new(
            "test:release",
            Invocation::cargo(
                "test --workspace --exclude damson-wast --locked --no-fail-fast --release \
                 -- --skip bad_input",
            ),
        )
        .must_run_tests(),
        Step::new(
            "test:portable",
            Invocation::cargo(
                "test -p damson-executor -p damson --features portable-dispatch \
                 --locked --no-fail-fast --release --lib --test it -- --skip bad_input --skip compile_fail",
            ),
        )
        .must_run_tests(),
        models(),
        Step::new(
            "test:virtual-memory",
            Invocation::cargo(
                "test -p damson -p damson-core --features virtual-memory --locked \
                 --no-fail-fast --lib --test it -- storage",
            ),
        )
        .must_run_tests(),
        // Profiles with the pairs of instructions.
        Step::new(
            "test:count",
            Invocation::cargo(
                "test -p damson-cli --features count --locked --no-fail-fast --test it -- profile",
            ),
        )
        .must_run_tests(),
        // Shows the counts of each group of the official testsuite.
        Step::new(
            "spec",
            Invocation::cargo("test -p damson-wast --locked --release -- --nocapture"),
        )
        .must_run_tests(),
        Step::new(
            "test:benches",
            Invocation::cargo("test --manifest-path benches/Cargo.toml --features count --locked --bins --release"),
        )
        .must_run_tests(),
        Step::new("bad-input", bad_input::bounded()).must_run_tests(),
        // Against another engine; in a workspace of its own.
        Step::new("diff", Invocation::cargo("xtask diff --quick")).must_run_tests(),
        // What Damson's tests take for wasmi's interface, with wasmi.
        Step::new(
            "test:wasmi-program",
            Invocation::cargo(
                "test --manifest-path fuzz/Cargo.toml -p damson-diff --test wasmi_program \
                 --locked --release",
            ),
        )
        .must_run_tests(),
        // Every fuzz target on its seeds and mutations of them, all at once.
        Step::new("fuzz", Invocation::cargo("xtask fuzz --smoke --seconds 20")),
    ]);
    Ok(steps)
}

/// Every order in which threads can use the code that they share, tried by loom. In a
/// folder of its own: with the flag, all that depends on the core is another build.
pub(crate) fn models() -> Step {
    Step::new(
        "models",
        Invocation::cargo(
            "test -p damson-core --lib --locked --target-dir target/loom entry::models",
        )
        .env("RUSTFLAGS", "--cfg loom"),
    )
    .must_run_tests()
}

/// One step for each example of the workspace: it is built and run, and must
/// end with code 0. In release, because that is how they will be tried, and
/// because it shows tail-call dispatch through the public interface.
fn examples(packages: &[Package]) -> Vec<Step> {
    let mut steps = Vec::new();
    for package in packages {
        for target in package
            .targets
            .iter()
            .filter(|t| t.kind.contains(&TargetKind::Example))
        {
            let (package, example) = (&package.name, &target.name);
            steps.push(Step::new(
                format!("example:{example}"),
                Invocation::cargo(&format!(
                    "run --release --locked -p {package} --example {example}"
                )),
            ));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let steps = all().expect("the workspace has metadata");
        let mut names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for group in [
            "fmt",
            "tidy",
            "clippy",
            "rustdoc",
            "no-std",
            "test",
            "models",
            "spec",
            "bad-input",
            "diff",
            "fuzz",
        ] {
            assert!(steps.iter().any(|step| step.is_called(group)), "{group}");
        }
    }

    #[test]
    fn builds_never_change_the_lock_file() {
        for step in all().expect("the workspace has metadata") {
            let command = step.invocation.to_string();
            let builds = !["cargo fmt", "cargo xtask"]
                .iter()
                .any(|c| command.starts_with(c));
            assert_eq!(builds, command.contains("--locked"), "{command}");
        }
    }
}
