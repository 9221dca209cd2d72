//! Runs generated modules on Damson and on other engines and reports differences.
//!
//! This process only starts workers and reads their lines, so that a crash or a
//! hang is a finding like any other.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Parser;
use damson_diff::engine::damson::Mode;
use damson_diff::post_mortem::{self, Finding};
use damson_diff::source::Source;
#[cfg(feature = "count")]
use damson_diff::tiles::Executed;
use damson_diff::worker::{self, Tally};
use damson_diff::{check, known, regression};

/// Compare Damson with other engines on generated modules
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    /// How many modules to check
    #[arg(long, default_value_t = 2000)]
    modules: u64,
    /// The number of the first module; the same number gives the same module
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Check fresh modules for so many minutes instead
    #[arg(long, conflicts_with_all = ["modules", "seed"])]
    minutes: Option<u64>,
    /// Fail when fewer modules than this agree: the others show nothing
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    at_least: u64,
    /// Ask no other engine
    #[arg(long)]
    alone: bool,
    /// Write what stands for the outcome of each module, of the last 2,000 with
    /// `--minutes`, into this file, for a comparison of builds
    #[arg(long, value_name = "FILE")]
    outcomes: Option<std::path::PathBuf>,
    /// Shrink each failure and store it in fuzz/regressions
    #[arg(long)]
    store: bool,
    /// Name the modules that show nothing, and why, and those about which wasmi is wrong
    #[arg(long)]
    verbose: bool,
    /// Print the module with this number, with what is expected of it, and end
    #[arg(long, value_name = "SEED")]
    show: Option<u64>,
    /// Print the line of `wasmi-is-wrong.txt` for the module with this number, with
    /// what Damson gives, and end; ask Wasmtime whether that is right
    #[arg(long, value_name = "SEED")]
    note: Option<u64>,
    /// Run the calls of these files, as stored in fuzz/regressions, and end
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<std::path::PathBuf>,
    /// What the first process starts
    #[arg(long, hide = true)]
    worker: bool,
    /// What the first process starts to find out whether a module ends its process
    #[arg(long, hide = true)]
    probe: Option<std::path::PathBuf>,
}

/// What is executed is not counted.
#[cfg(not(feature = "count"))]
#[derive(Default)]
struct Executed {}

#[cfg(not(feature = "count"))]
impl Executed {
    fn add(&mut self, _line: &str) -> anyhow::Result<()> {
        anyhow::bail!("expected no counts without the feature `count`")
    }
}

/// Longer than any module takes, and than shrinking a failure takes.
const PATIENCE: Duration = Duration::from_secs(60);
const SHRINKING: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    if cli.worker {
        worker::work(cli.seed..cli.seed + cli.modules, cli.store, cli.alone)?;
        return Ok(true);
    }
    if let Some(file) = &cli.probe {
        post_mortem::probe(file)?;
        return Ok(true);
    }
    if let Some(seed) = cli.note {
        let case = Source::of(seed)
            .case()
            .context("this number gives no module")?;
        println!("{}", known::note(&case, &Mode::ALL[0].run(&case, 0).0));
        return Ok(true);
    }
    if let Some(seed) = cli.show {
        show(seed)?;
        return Ok(true);
    }
    for path in &cli.replay {
        let text = std::fs::read_to_string(path)?;
        regression::replay(&text).with_context(|| format!("{}", path.display()))?;
    }
    if !cli.replay.is_empty() {
        return Ok(true);
    }
    let start = Instant::now();
    let mut run = Run::default();
    match cli.minutes {
        None => supervise(cli, cli.seed, cli.modules, &mut run)?,
        Some(minutes) => {
            // Seeds that no other run has.
            let mut seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() << 24;
            while start.elapsed() < Duration::from_secs(60 * minutes) {
                run.outcomes.clear();
                supervise(cli, seed, 2000, &mut run)?;
                seed += 2000;
            }
        }
    }
    #[cfg(feature = "count")]
    print!("{}", run.executed.report());
    if let Some(file) = &cli.outcomes {
        std::fs::write(file, &run.outcomes).with_context(|| format!("{}", file.display()))?;
    }
    let Tally {
        agreed,
        both,
        contradicted,
        inconclusive,
        failed,
        digest,
    } = run.tally;
    let beside = match cfg!(all(feature = "wasmtime", feature = "wasmi")) && !cli.alone {
        true => format!(" ({both} with both engines; {contradicted} where wasmi does not)"),
        false => String::new(),
    };
    println!(
        "{agreed} modules agree{beside}, {failed} fail, {inconclusive} show nothing, in {:.1} s; \
         digest {digest:#018x}",
        start.elapsed().as_secs_f64()
    );
    if agreed < cli.at_least {
        println!("expected at least {} that agree", cli.at_least);
    }
    Ok(failed == 0 && agreed >= cli.at_least)
}

/// What was found until now.
#[derive(Default)]
struct Run {
    tally: Tally,
    executed: Executed,
    /// A line for each module that did not fail: its number, and its outcome's.
    outcomes: String,
}

/// Lets workers check modules, a new one after each that dies.
fn supervise(cli: &Cli, from: u64, count: u64, run: &mut Run) -> anyhow::Result<()> {
    let end = from + count;
    let mut next = from;
    while next < end {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--worker", "--seed", &next.to_string()]);
        command.args(["--modules", &(end - next).to_string()]);
        if cli.store {
            command.arg("--store");
        }
        if cli.alone {
            command.arg("--alone");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut at = next;
        // What the worker counted is lost when it dies.
        let mut here = Tally::default();
        let mut patience = PATIENCE;
        let how = loop {
            match receiver.recv_timeout(patience) {
                Ok(line) => {
                    patience = PATIENCE;
                    if let Some(seed) = line.strip_prefix("at ") {
                        at = seed.parse()?;
                        here.agreed += 1;
                    } else if let Some(counts) = line.strip_prefix("done ") {
                        here = Tally::from_line(counts)?;
                        break None;
                    } else if line.starts_with("executed ") {
                        run.executed.add(&line)?;
                    } else if let Some(outcome) = line.strip_prefix("outcome ") {
                        run.outcomes.push_str(outcome);
                        run.outcomes.push('\n');
                    } else if line.starts_with("contradicted ") {
                        if cli.verbose {
                            println!("{line}");
                        }
                    } else if line.starts_with("failed ") {
                        println!("{line}");
                        here.failed += 1;
                        patience = SHRINKING;
                    } else if line.starts_with("inconclusive ") {
                        here.inconclusive += 1;
                        if cli.verbose {
                            println!("{line}");
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    break Some("it hangs".to_owned());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break Some(format!("the process dies: {}", child.wait()?));
                }
            }
        };
        child.wait()?;
        next = end;
        if let Some(how) = how {
            here.agreed -= here.failed + here.inconclusive + 1;
            match post_mortem::examine(at, &how, cli.store)? {
                Finding::Ours => {
                    println!("failed {at}: {how}");
                    here.failed += 1;
                }
                Finding::Another => {
                    println!("inconclusive {at}: {how}, but not with Damson alone");
                    here.inconclusive += 1;
                }
            }
            next = at + 1;
        }
        run.tally.add(&here);
    }
    Ok(())
}

fn show(seed: u64) -> anyhow::Result<()> {
    let case = Source::of(seed)
        .case()
        .context("this number gives no module")?;
    let (what, outcome) = match check::check(&case) {
        check::Verdict::Agreed { outcome, beside } => {
            let what = match beside {
                check::Beside::Contradicts => "Wasmtime and Damson agree, wasmi does not",
                check::Beside::Agrees | check::Beside::Silent => "the engines agree",
            };
            (what.to_owned(), outcome)
        }
        check::Verdict::Failed { what, expected, .. } => (what, expected),
        check::Verdict::Inconclusive { why, outcome } => (why, outcome),
    };
    println!("{}", regression::to_text(&what, &case, &outcome)?);
    Ok(())
}
