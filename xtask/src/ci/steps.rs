//! The steps of `cargo xtask ci`.

use crate::bad_input;
use crate::invocation::Invocation;
use crate::release::{self, PACKAGES};
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
        // With no more features than a user of the library has; in the step above the
        // command line asks for some.
        Step::new(
            "clippy:default",
            Invocation::cargo(
                "clippy -p damson -p damson-core -p damson-executor --all-targets --locked \
                 -- -D warnings",
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
                "check -p {package} --no-default-features --locked"
            )),
        ));
    }
    // The tests have `std`, what they test has not. Errors of the compiler are in
    // words that differ with features, and are compared in other steps. `--lib` asks for
    // the unit tests of the executor, too, which its manifest leaves out elsewhere.
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
        // With few instructions: how many there are makes no difference to that.
        steps.push(Step::new(
            "no-std:program",
            Invocation::cargo("xtask size --compact"),
        ));
    }
    // The first of these builds the release programs, all others use them.
    if cfg!(target_arch = "x86_64") {
        steps.push(Step::new(
            "dispatch-audit",
            Invocation::cargo("xtask dispatch-audit"),
        ));
    }
    // In release, because that is how they will be tried, and because it shows
    // tail-call dispatch through the public interface.
    for example in release::examples()? {
        steps.push(Step::new(
            format!("example:{example}"),
            Invocation::cargo(&format!("xtask example {example}")),
        ));
    }
    steps.extend([
        // Unoptimised code cannot rely on tail calls and uses the portable loop.
        // Some tests are there with a feature that the command line asks for, too.
        Step::new(
            "test:debug",
            Invocation::cargo(
                "test --workspace --features damson/virtual-memory --locked --no-fail-fast",
            ),
        )
        .must_run_tests(),
        models(),
        Step::new("mutations:check", Invocation::cargo("xtask mutations --check")),
        // Profiles with the pairs of instructions, and how those are counted.
        Step::new(
            "test:count",
            Invocation::cargo(
                "test -p damson-cli -p damson-executor --features damson-cli/count --locked \
                 --no-fail-fast --lib --test it -- profile:: count::",
            ),
        )
        .must_run_tests(),
        // Before the other release tests, so that the programs they leave behind have
        // tail calls.
        Step::new(
            "test:portable",
            Invocation::cargo(&format!(
                "test {PACKAGES} --features damson/portable-dispatch --locked --no-fail-fast \
                 --release --test it --test spec -- --skip bad_input:: --skip compile_fail:: --skip ui::"
            )),
        )
        .must_run_tests(),
        // Without what a step below runs, and without what only a compiler's messages decide.
        Step::new(
            "test:release",
            Invocation::cargo(&format!(
                "test {PACKAGES} --locked --no-fail-fast --release \
                 -- --skip bad_input:: --skip compile_fail:: --skip ui::"
            )),
        )
        .must_run_tests(),
        // Shows the counts of each group of the official testsuite.
        Step::new(
            "spec",
            Invocation::cargo(&format!(
                "test {PACKAGES} --locked --release --test spec -- --nocapture"
            )),
        )
        .must_run_tests(),
        Step::new(
            "test:benches",
            // Counting takes the portable loop, and no time is measured: debug will do.
            Invocation::cargo(
                "test --manifest-path benches/Cargo.toml --features count --locked --bins",
            ),
        )
        .must_run_tests(),
        Step::new("bad-input", bad_input::bounded()).must_run_tests(),
        // Against another engine; in a workspace of its own. Also what Damson's tests take for
        // wasmi's interface, with wasmi.
        Step::new("diff", Invocation::cargo("xtask diff --quick")).must_run_tests(),
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

    #[test]
    fn release_builds_select_the_same_packages() {
        for step in all().expect("the workspace has metadata") {
            let command = step.invocation.to_string();
            if command.contains(" --release") && !command.contains("--manifest-path") {
                assert!(command.contains(PACKAGES), "{command}");
            }
        }
    }
}
