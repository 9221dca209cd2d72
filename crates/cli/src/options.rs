//! What the command line may say.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use damson::CompilationMode;

/// Runs WebAssembly programs in an interpreter.
#[derive(Debug, Parser)]
#[command(name = "damson", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  damson run program.wasm --verbose in.txt  run a WASI program; what follows the file is its own
  damson run --env LANG=C program.wasm      set an environment variable for it
  damson run --invoke add math.wat 2 3      call one exported function and print its results
  damson dump --function 4 program.wasm     see the bytecode made of function 4
  damson wast tests/*.wast                  run scripts of the WebAssembly test suite

Exit codes: the program's own; 134 after a trap; 1 when the module is invalid or
anything else fails; 2 when the command line makes no sense.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunOptions),
    Wast(WastOptions),
    Dump(DumpOptions),
}

/// Run a module, binary or text
///
/// A WASI command module is started like a program. Options stand before FILE;
/// everything after FILE belongs to the program.
#[derive(Debug, Args)]
#[command(
    override_usage = "damson run [OPTIONS] FILE [ARGS]...",
    after_help = RUN_EXAMPLES
)]
pub(crate) struct RunOptions {
    /// Set an environment variable of the program (may be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) env: Vec<(String, String)>,

    /// Call this exported function instead, with ARGS, and print its results
    #[arg(long, value_name = "NAME")]
    pub(crate) invoke: Option<String>,

    /// Stop with a trap after about N basic instructions
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,

    /// Limit the stack of WebAssembly calls
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..))]
    pub(crate) max_stack: Option<u32>,

    /// When functions are validated and translated to bytecode
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Eager)]
    pub(crate) compilation_mode: Mode,

    // One list, because what follows the first positional argument must not be
    // looked at: `damson run FILE --env X` passes `--env X` to the program.
    /// The module, followed by the arguments of the program
    #[arg(value_name = "FILE", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  damson run workloads/json.wasm
  damson run --fuel 1000000 --compilation-mode lazy program.wasm --its-own-option
  damson run --invoke fib fib.wat 20

Arguments of --invoke: integers (decimal or 0x...), floats (also inf, nan and
nan:0x...), and `null` for references.";

/// Values of `--compilation-mode`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// Everything before the program starts
    Eager,
    /// Validate everything first, translate a function at its first call
    LazyTranslation,
    /// Validate and translate a function at its first call
    Lazy,
}

impl From<Mode> for CompilationMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Eager => Self::Eager,
            Mode::LazyTranslation => Self::LazyTranslation,
            Mode::Lazy => Self::Lazy,
        }
    }
}

/// Run scripts of the WebAssembly test suite
///
/// Prints what failed or was skipped, and one line of counts for each script.
#[derive(Debug, Args)]
pub(crate) struct WastOptions {
    /// The scripts
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Print the bytecode of each function beside its WebAssembly
///
/// A line that starts with a hexadecimal number is a WebAssembly operator at
/// that byte offset; the indented lines below it are the bytecode made at that
/// point, each with the number of its first cell.
#[derive(Debug, Args)]
pub(crate) struct DumpOptions {
    /// Only the function with this index (imported functions count first)
    #[arg(long, value_name = "N")]
    pub(crate) function: Option<u32>,

    /// The module, binary or text
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err("expected NAME=VALUE".to_owned()),
        Some(("", _)) => Err("the name before `=` is empty".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_after_the_file_is_the_programs() {
        let cli = Cli::parse_from([
            "damson", "run", "--fuel", "5", "x.wasm", "--fuel", "--", "-h",
        ]);
        let Command::Run(run) = cli.command else {
            panic!("a run command")
        };
        assert_eq!(run.fuel, Some(5));
        assert_eq!(run.command, ["x.wasm", "--fuel", "--", "-h"]);
    }

    #[test]
    fn variables_are_split_at_the_first_sign() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(variable("A="), Ok(("A".to_owned(), String::new())));
        assert!(variable("A").is_err());
        assert!(variable("=b").is_err());
    }
}
