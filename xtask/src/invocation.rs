//! A command line that can be run and that can be shown to a person.
//!
//! What is printed is what was run: [`Invocation`] has a single description of
//! the command, so the line a failed step asks the reader to repeat cannot
//! differ from the one that failed.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;

/// The workspace's root folder.
pub(crate) fn workspace_root() -> PathBuf {
    // Cargo sets the variable for programs it runs; the compile-time value
    // serves a program started by hand.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(package);
    root.pop();
    root
}

/// A call of cargo from the workspace's root.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    env: Vec<(String, String)>,
    args: Vec<String>,
}

impl Invocation {
    /// A call of cargo with the given arguments, separated by blanks.
    pub(crate) fn cargo(args: &str) -> Self {
        Self {
            env: Vec::new(),
            args: args.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments, separated by blanks.
    pub(crate) fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(str::to_owned));
        self
    }

    /// Sets an environment variable for this call.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    fn command(&self) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(n, v)| (n, v)));
        if self.env.iter().any(|(name, _)| name == "RUSTFLAGS") {
            // Cargo prefers this variable over RUSTFLAGS.
            command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        }
        command.current_dir(workspace_root()).stdin(Stdio::null());
        if cfg!(test) {
            // The tests of this program let commands fail on purpose; their
            // messages would look like failures in the output of a test run.
            command.stderr(Stdio::null());
        }
        command
    }

    /// Runs the command, its output going where this program's goes.
    ///
    /// # Errors
    ///
    /// When the command cannot be started or does not end with code 0.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let status = self
            .command()
            .status()
            .with_context(|| format!("could not start `{self}`"))?;
        anyhow::ensure!(status.success(), "`{self}` failed: {status}");
        Ok(())
    }

    /// Runs the command and shows each line of its standard output, after
    /// giving it to `line`. Standard error goes where this program's goes.
    ///
    /// # Errors
    ///
    /// When the command cannot be started or its output cannot be read.
    pub(crate) fn run_watched(&self, mut line: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start `{self}`"))?;
        let output = child
            .stdout
            .take()
            .context("the command has no standard output")?;
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        // Bytes, not strings: a test may print what is no UTF-8.
        while output.read_until(b'\n', &mut bytes)? != 0 {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            line(text);
            println!("{text}");
            bytes.clear();
        }
        Ok(child.wait()?)
    }
}

/// The command as one would type it into a shell, in the workspace's root.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write!(f, "cargo")?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_a_shell_would_take_it() {
        let doc = Invocation::cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            doc.to_string(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_failed_command_is_an_error_that_names_it() {
        let error = Invocation::cargo("no-such-subcommand --x")
            .run()
            .expect_err("must fail");
        assert!(
            error
                .to_string()
                .contains("`cargo no-such-subcommand --x` failed"),
            "{error}"
        );
    }

    #[test]
    fn the_output_of_a_watched_command_is_seen_line_by_line() {
        let mut first = None;
        let status = Invocation::cargo("--version")
            .run_watched(|line| {
                first.get_or_insert(line.to_owned());
            })
            .expect("cargo starts");
        assert!(status.success());
        assert!(first.is_some_and(|line| line.starts_with("cargo ") && !line.ends_with('\n')));
    }

    #[test]
    fn the_root_is_the_folder_of_the_workspace() {
        assert!(workspace_root().join("xtask/src/main.rs").is_file());
    }
}
