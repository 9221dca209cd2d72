//! The one release build that audit, examples and tests share.
//!
//! Cargo unifies the features of a library over the packages that a command *selects*. With
//! `-p damson` the crates below are built with other features, some of them of other people's
//! libraries, than with `--workspace`; so they are built again, and the executor takes minutes.
//! What kind of target is built makes no difference. Therefore everything in release selects the
//! same packages ([`PACKAGES`]) and then says which programs or tests it wants, and examples are
//! started here, because `cargo run` cannot select more than one package.
//!
//! **Invariant:** no flag of the compiler differs between them either; what a task needs of the
//! compiler is in `.cargo/config.toml`.
//!
//! Deliberately absent: checking that each example is content with the features of its own
//! package. The step `clippy:default` of `cargo xtask ci` does that, which needs no release build.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use cargo_metadata::{MetadataCommand, TargetKind};
use clap::Args;

use crate::invocation::{Invocation, workspace_root};
use crate::workloads::target_folder;

/// What is selected: all but the development tasks, which tell nothing new when optimised.
pub(crate) const PACKAGES: &str = "--workspace --exclude xtask";

/// Run the examples of the workspace, in release
///
/// Each must end with code 0.
#[derive(Args)]
pub(crate) struct ExampleArgs {
    /// Which to run; all when none is named
    name: Vec<String>,
}

/// Runs the task.
///
/// # Errors
///
/// When an example is not known, cannot be built, or fails.
pub(crate) fn run(args: &ExampleArgs) -> anyhow::Result<()> {
    let known = examples()?;
    for name in &args.name {
        anyhow::ensure!(
            known.contains(name),
            "there is no example {name:?}; the examples are: {}",
            known.join(", ")
        );
    }
    let folder = build()?.join("examples");
    for name in &known {
        if !args.name.is_empty() && !args.name.contains(name) {
            continue;
        }
        let program = folder.join(name);
        println!("{}", program.display());
        let status = Command::new(&program)
            .current_dir(workspace_root())
            .status()
            .with_context(|| format!("could not start {}", program.display()))?;
        anyhow::ensure!(status.success(), "the example {name} failed: {status}");
    }
    Ok(())
}

/// Builds all programs and gives the folder where they are.
///
/// # Errors
///
/// When one cannot be built.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    // With the examples, the features that tests need are there, too.
    Invocation::cargo(&format!(
        "build --release --locked {PACKAGES} --bins --examples"
    ))
    .run()?;
    target_folder("release")
}

/// The names of the examples of all packages.
///
/// # Errors
///
/// When `cargo metadata` fails.
pub(crate) fn examples() -> anyhow::Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .context("cargo metadata")?;
    let targets = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets);
    let examples = targets.filter(|target| target.kind.contains(&TargetKind::Example));
    Ok(examples.map(|target| target.name.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_example_is_an_error_that_lists_the_known_ones() {
        let name = vec!["no-such".to_owned()];
        let error = run(&ExampleArgs { name })
            .expect_err("must fail")
            .to_string();
        assert!(
            error.contains("\"no-such\"") && error.contains("fuel, hello"),
            "{error}"
        );
    }
}
