//! What the command line may say.

mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use damson::CompilationMode;

pub(crate) use self::values::{Dir, Proposal};
use crate::profile::Target;

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
  damson run --dir . --env LANG=C program.wasm  with the files of this directory
  damson run --invoke add math.wat 2 3      call one exported function and print its results
  damson inspect program.wasm               see what it imports, exports and needs
  damson dump --function main program.wasm  see the bytecode made of a function
  damson bench program.wasm                 time it
  damson wast tests/*.wast                  run scripts of the WebAssembly test suite

Exit codes: the program's own; 134 after a trap, which is also how limits end a
program or refuse what it begins with; 65 when a module is malformed, invalid, or cannot be linked; 2 when the
command line makes no sense; 141 when nobody reads the output any more; 1 when
anything else fails.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunOptions),
    Compile(CompileOptions),
    Inspect(InspectOptions),
    Dump(DumpOptions),
    Bench(BenchOptions),
    Wast(WastOptions),
    Completions(CompletionsOptions),
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
    /// Write where the program spends its work, by function: a flame graph if FILE ends in
    /// .svg, tables if it ends in .txt, stacks for other tools if it ends in .folded. Built
    /// with the feature `count`, tables have the pairs of bytecode instructions, too. It counts
    /// instructions and not time: those that are executed, or with --fuel what that limits; the
    /// work of the host does not count, and a start function is one frame with all it calls
    #[arg(long, value_name = "FILE", value_parser = values::os(Target::parse))]
    pub(crate) profile: Option<Target>,

    #[command(flatten)]
    pub(crate) guest: GuestOptions,
}

const RUN_EXAMPLES: &str = "\
Examples:
  damson run workloads/json.wasm
  damson run --dir .::/ --compilation-mode lazy python.wasm script.py --its-own-option
  damson run --timeout 10s --fuel 1000000 untrusted.wasm
  damson run --profile profile.svg workloads/json.wasm
  damson run --invoke fib fib.wat 20

Arguments of --invoke: integers (decimal or 0x...), floats (also inf, nan and
nan:0x...), and `null` for references.";

/// What a guest gets, and what it is bounded by.
#[derive(Debug, Args)]
pub(crate) struct GuestOptions {
    /// Let the program use a directory, under its own name or another one (may be
    /// repeated)
    #[arg(long, value_name = "HOST[::GUEST]", value_parser = values::os(values::dir))]
    pub(crate) dir: Vec<Dir>,

    /// Set an environment variable of the program, without a value to what it is here (may be
    /// repeated)
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = values::os(values::variable))]
    pub(crate) env: Vec<(OsString, OsString)>,

    /// Call this exported function instead, with ARGS, and print its results
    #[arg(long, value_name = "NAME")]
    pub(crate) invoke: Option<String>,

    /// Stop with a trap after about N basic instructions
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,

    /// Stop with a trap after this time: seconds, or with a unit as in 500ms, 10s, 2m
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,

    /// Limit what all memories and tables take together: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_memory: Option<usize>,

    /// Limit the stack of WebAssembly calls: bytes, or with K, M or G behind them
    #[arg(long, alias = "max-stack", value_name = "SIZE", value_parser = values::stack_size)]
    pub(crate) stack_size: Option<usize>,

    /// When functions are validated and translated to bytecode
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Eager)]
    pub(crate) compilation_mode: Mode,

    #[command(flatten)]
    pub(crate) proposals: ProposalOptions,

    // One list, because what follows the first positional argument must not be
    // looked at: `damson run FILE --env X` passes `--env X` to the program.
    /// The module, `-` for standard input, followed by the arguments of the program
    #[arg(value_name = "FILE", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// Which proposals modules may use.
#[derive(Debug, Args)]
pub(crate) struct ProposalOptions {
    /// Accept modules that use a proposal, or refuse them (may be repeated). All that
    /// are supported are on: `damson inspect --help` lists them; others are always off
    #[arg(long, value_name = "NAME[=y|n]", value_parser = values::proposal)]
    pub(crate) wasm: Vec<(Proposal, bool)>,
}

/// Values of `--compilation-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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

/// Validate and translate a whole module, and report times and sizes
#[derive(Debug, Args)]
pub(crate) struct CompileOptions {
    /// Translate as for `run --fuel`
    #[arg(long)]
    pub(crate) fuel: bool,

    #[command(flatten)]
    pub(crate) proposals: ProposalOptions,

    /// The module, binary or text, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Show what a module consists of and what it needs
#[derive(Debug, Args)]
#[command(after_help = values::PROPOSALS_HELP.as_str())]
pub(crate) struct InspectOptions {
    /// The module, binary or text, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Print the bytecode of each function beside its WebAssembly
///
/// A line that starts with a hexadecimal number is a WebAssembly operator at
/// that byte offset; the indented lines below it are the bytecode made at that
/// point, each with the number of its first cell.
#[derive(Debug, Args)]
pub(crate) struct DumpOptions {
    /// Only the function with this index (imported functions count first), or this name in the
    /// name section or among the exports
    #[arg(long, value_name = "N|NAME")]
    pub(crate) function: Option<String>,

    /// The module, binary or text, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Run a module several times, and report how long that takes
///
/// Times the parts of a run (making the module, instantiating it, running it) and
/// counts basic instructions by their fuel in one further run. The output of the
/// program is thrown away, and it reads nothing.
#[derive(Debug, Args)]
#[command(override_usage = "damson bench [OPTIONS] FILE [ARGS]...")]
pub(crate) struct BenchOptions {
    /// How many times
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,

    #[command(flatten)]
    pub(crate) guest: GuestOptions,
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

/// Print a script that completes command lines, for a shell to read
#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell
    pub(crate) shell: Shell,
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
        assert_eq!(run.guest.fuel, Some(5));
        assert_eq!(run.guest.command, ["x.wasm", "--fuel", "--", "-h"]);
    }
}
