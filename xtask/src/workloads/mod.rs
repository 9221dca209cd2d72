//! The test programs in `workloads/`: C and Rust compiled to Wasm, with checked results.
//!
//! Compilers for Wasm are not everywhere, so the compiled modules and the outputs
//! they must give are committed, and this task makes or verifies them. A result
//! counts only when it was found twice, by independent means: the native build
//! of the same source is the reference, and Node's WASI the second opinion on
//! the module itself.
//!
//! Three things are written, and with `--check` compared instead: each program's
//! module (`NAME.wasm`), its output for the test size (`NAME.expected`), and the
//! table of sizes and checksums (`expected.txt`, repeated in the README).
//!
//! Deliberately not done: running the modules on Damson. That is the business of
//! the tests of the command line tool, which read the committed files and need
//! no compiler.

mod program;
mod tools;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

pub(crate) use self::program::{C_FLAGS, LINK_FLAGS, WASM_TARGET, output_of};
use self::program::{Language, Program};
use self::tools::Tools;
pub(crate) use self::tools::{APT, find};
use crate::invocation::workspace_root;

/// The name of the files that programs include.
const SHARED: &str = "workload";
const TABLE_BEGIN: &str = "<!-- table: written by `cargo xtask workloads` -->";
const TABLE_END: &str = "<!-- end of table -->";

/// Compile the programs in workloads/ and verify their results
///
/// Writes the modules, the expected outputs and the table of checksums. Needs
/// clang with wasi-libc, Debian's rustc with the library for Wasm, and a native C
/// compiler or Node for the results.
#[derive(Args, Debug)]
pub(crate) struct WorkloadsArgs {
    /// Write nothing; fail when a committed file is not what this task would write
    #[arg(long)]
    check: bool,
    /// Fail when Node is missing (when present it is always used)
    #[arg(long)]
    node: bool,
    /// Where Debian's rustc and its libraries are: a folder the packages were unpacked in
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    rust_root: PathBuf,
}

/// Runs the task.
///
/// # Errors
///
/// When a compiler is missing or fails, when two ways to compute a result
/// disagree, and with `--check` when a committed file differs.
pub(crate) fn run(args: &WorkloadsArgs) -> anyhow::Result<()> {
    let folder = workspace_root().join("workloads");
    let tools = Tools::find(args)?;
    let scratch = target_folder("workloads")?;
    let mut files = Files {
        check: args.check,
        problems: Vec::new(),
    };
    let mut rows = Vec::new();
    for (name, language) in programs(&folder)? {
        let program = Program {
            name,
            language,
            folder: &folder,
            scratch: &scratch,
        };
        let module = program.compile_wasm(&tools)?;
        let results = program.results(&tools, &module)?;
        println!(
            "{:<14} test {:>5} {}   default {:>9} {}",
            program.name,
            results.test.size,
            results.test.checksum,
            results.full.size,
            results.full.checksum
        );
        files.settle(
            &folder.join(format!("{}.wasm", program.name)),
            &fs::read(&module)?,
        )?;
        let expected = folder.join(format!("{}.expected", program.name));
        files.settle(&expected, results.test.output.as_bytes())?;
        rows.push(Row::new(&program.name, &results));
    }
    files.settle(
        &folder.join("expected.txt"),
        table(&rows, &tools.compilers()).as_bytes(),
    )?;
    let readme = folder.join("README.md");
    let text = fs::read_to_string(&readme).with_context(|| format!("{}", readme.display()))?;
    files.settle(&readme, with_table(&text, &rows)?.as_bytes())?;
    files.finish(&tools.compilers())
}

/// A folder for what is not for the repository: objects and native programs, for
/// instance.
pub(crate) fn target_folder(name: &str) -> anyhow::Result<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        // Relative to where cargo was called, as cargo has it.
        Some(folder) => std::path::absolute(folder)?,
        None => workspace_root().join("target"),
    };
    let scratch = target.join(name);
    fs::create_dir_all(&scratch).with_context(|| format!("{}", scratch.display()))?;
    Ok(scratch)
}

/// Every source file is a program, but for what they share; the order is the alphabet's.
fn programs(folder: &Path) -> anyhow::Result<Vec<(String, Language)>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if let Some(language) = extension.and_then(Language::of_extension) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let name = stem.context("a program's name is not UTF-8")?.to_owned();
            if name != SHARED {
                programs.push((name, language));
            }
        }
    }
    programs.sort();
    ensure!(!programs.is_empty(), "no program in {}", folder.display());
    Ok(programs)
}

/// What a program printed. The first line is its name and size, the last one
/// `checksum` and eight hexadecimal digits; those between are for people.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    output: String,
    size: u32,
    checksum: String,
}

impl Outcome {
    fn parse(name: &str, output: &str) -> anyhow::Result<Self> {
        let mut lines = output.lines();
        let first = lines.next().unwrap_or_default();
        let size = first
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '));
        let size = size.with_context(|| format!("expected `{name} SIZE` in the first line"))?;
        let last = lines.next_back().unwrap_or_default();
        let checksum = last
            .strip_prefix("checksum ")
            .filter(|digits| digits.len() == 8);
        let checksum = checksum.context("expected `checksum XXXXXXXX` in the last line")?;
        u32::from_str_radix(checksum, 16).context("the checksum is not hexadecimal")?;
        Ok(Self {
            output: output.to_owned(),
            size: size.parse().context("the size is not a number")?,
            checksum: checksum.to_owned(),
        })
    }
}

/// The outcomes for the test size and for the default size.
struct Results {
    test: Outcome,
    full: Outcome,
}

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    test: (u32, String),
    full: (u32, String),
}

impl Row {
    fn new(name: &str, results: &Results) -> Self {
        let pair = |outcome: &Outcome| (outcome.size, outcome.checksum.clone());
        Self {
            name: name.to_owned(),
            test: pair(&results.test),
            full: pair(&results.full),
        }
    }
}

/// The machine-readable table, `expected.txt`.
fn table(rows: &[Row], compilers: &str) -> String {
    let mut text = format!(
        "# Written by `cargo xtask workloads`; the modules were compiled by {compilers}.\n\
         # name test_size test_checksum default_size default_checksum\n"
    );
    for Row { name, test, full } in rows {
        let _ = writeln!(text, "{name} {} {} {} {}", test.0, test.1, full.0, full.1);
    }
    text
}

/// The README with the table between its markers replaced.
fn with_table(readme: &str, rows: &[Row]) -> anyhow::Result<String> {
    let markers = || format!("expected the lines `{TABLE_BEGIN}` and `{TABLE_END}` in README.md");
    let (before, rest) = readme.split_once(TABLE_BEGIN).with_context(markers)?;
    let (_, after) = rest.split_once(TABLE_END).with_context(markers)?;
    let mut text = format!(
        "{before}{TABLE_BEGIN}\n\
         | Program | Test size | Checksum | Default size | Checksum |\n|---|---|---|---|---|\n"
    );
    for Row { name, test, full } in rows {
        let _ = writeln!(
            text,
            "| {name} | {} | `{}` | {} | `{}` |",
            test.0, test.1, full.0, full.1
        );
    }
    Ok(text + TABLE_END + after)
}

/// The committed files: written, or compared and the differences noted.
struct Files {
    check: bool,
    problems: Vec<String>,
}

impl Files {
    fn settle(&mut self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        let committed = fs::read(path).ok();
        if committed.as_deref() == Some(content) {
            return Ok(());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !self.check {
            println!("wrote {name}");
            return fs::write(path, content).with_context(|| format!("{}", path.display()));
        }
        let state = if committed.is_some() {
            "differs"
        } else {
            "is missing"
        };
        self.problems.push(format!("{name} {state}"));
        Ok(())
    }

    fn finish(self, compilers: &str) -> anyhow::Result<()> {
        ensure!(
            self.problems.is_empty(),
            "not what `cargo xtask workloads` writes with {compilers} (modules are comparable \
             only when made by the compilers that expected.txt names):\n  {}",
            self.problems.join("\n  ")
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        vec![Row {
            name: "fib".into(),
            test: (15, "0000000a".into()),
            full: (30, "ffffffff".into()),
        }]
    }

    #[test]
    fn an_outcome_is_the_size_and_the_checksum() {
        let outcome = Outcome::parse("fib", "fib 15\nresult 610\nchecksum 44aa825f\n").unwrap();
        assert_eq!((outcome.size, outcome.checksum.as_str()), (15, "44aa825f"));
    }

    #[test]
    fn an_incomplete_output_is_refused() {
        for output in [
            "",
            "fib 15\n",
            "checksum 44aa825f\n",
            "fibs 15\nchecksum 44aa825f\n",
            "fib many\nchecksum 44aa825f\n",
            "fib 15\nchecksum 44aa825\n",
            "fib 15\nchecksum 44aa825g\n",
            "fib 15\nchecksum 44aa825f\nmore\n",
        ] {
            assert!(Outcome::parse("fib", output).is_err(), "{output:?}");
        }
    }

    #[test]
    fn the_table_in_the_readme_is_replaced_and_the_rest_kept() {
        let readme = format!("# Title\n\n{TABLE_BEGIN}\nold\n{TABLE_END}\n\nEnd.\n");
        let new = with_table(&readme, &rows()).unwrap();
        assert!(
            new.starts_with("# Title\n\n") && new.ends_with("\n\nEnd.\n"),
            "{new}"
        );
        assert!(
            new.contains("| fib | 15 | `0000000a` | 30 | `ffffffff` |\n"),
            "{new}"
        );
        assert!(!new.contains("old"), "{new}");
        assert_eq!(with_table(&new, &rows()).unwrap(), new);
        assert!(with_table("# Title\n", &rows()).is_err());
    }

    #[test]
    fn check_notes_differences_and_writes_nothing() {
        let path = std::env::temp_dir().join(format!("workloads-check-{}", std::process::id()));
        let mut files = Files {
            check: true,
            problems: Vec::new(),
        };
        files.settle(&path, b"new").unwrap();
        assert!(!path.exists());
        let mut writing = Files {
            check: false,
            problems: Vec::new(),
        };
        writing.settle(&path, b"new").unwrap();
        files.settle(&path, b"new").unwrap();
        files.settle(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::remove_file(&path).unwrap();
        assert_eq!(files.problems.len(), 2, "{:?}", files.problems);
        assert!(files.finish("clang").is_err() && writing.finish("clang").is_ok());
    }

    /// Needs no compiler: what is committed must at least agree with itself.
    #[test]
    fn the_committed_files_agree() {
        let folder = workspace_root().join("workloads");
        let table_text = fs::read_to_string(folder.join("expected.txt")).unwrap();
        let mut rows = Vec::new();
        for line in table_text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(' ').collect();
            let [name, test_size, test_sum, full_size, full_sum] = fields[..] else {
                panic!("expected five columns: {line}");
            };
            let expected = fs::read_to_string(folder.join(format!("{name}.expected"))).unwrap();
            let outcome = Outcome::parse(name, &expected).unwrap();
            assert_eq!(outcome.size.to_string(), test_size, "{name}");
            assert_eq!(outcome.checksum, test_sum, "{name}");
            let module = fs::read(folder.join(format!("{name}.wasm"))).unwrap();
            assert!(module.starts_with(b"\0asm\x01\0\0\0"), "{name}");
            rows.push(Row {
                name: name.to_owned(),
                test: (outcome.size, outcome.checksum),
                full: (full_size.parse().unwrap(), full_sum.to_owned()),
            });
        }
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let programs = programs(&folder).unwrap();
        let sources: Vec<&str> = programs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, sources);
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert_eq!(with_table(&readme, &rows).unwrap(), readme);
    }
}
