//! What is to be done when a module ended its worker: shrink it, and store it.
//!
//! A module that kills its process or never ends cannot be shrunk in the process
//! that looks after it, so every candidate is written to a file and run by a process
//! of its own ([`probe`]).

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::check::{differs, expected};
use crate::engine::damson::Mode;
use crate::outcome::{Case, Outcome};
use crate::source::Source;
use crate::{regression, worker};

/// Longer than any module takes by far.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a module is made smaller.
const SHRINKING: Duration = Duration::from_secs(200);

/// What a module that ended its worker turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Damson ends the process, or never ends.
    Ours,
    /// It only happens with another engine.
    Another,
}

/// Looks at the module of a number that ended its worker; with `store`, a small form
/// of it goes to the regressions if it is Damson that did it.
///
/// # Errors
///
/// When a process cannot be started or a file not written.
pub fn examine(seed: u64, how: &str, store: bool) -> anyhow::Result<Finding> {
    let source = Source::of(seed);
    let case = source.case().context("a module that was run")?;
    if !ends_its_process(&case)? {
        return Ok(Finding::Another);
    }
    if store {
        let fails = |case: &Case| ends_its_process(case).unwrap_or(false);
        let small = source.shrunk(SHRINKING, fails).unwrap_or(case);
        worker::keep(seed, how, &small, &expected(&small))?;
    }
    Ok(Finding::Ours)
}

/// Whether Damson crashes or hangs on the case.
fn ends_its_process(case: &Case) -> anyhow::Result<bool> {
    let name = format!("damson-probe-{}.wat", std::process::id());
    let file = std::env::temp_dir().join(name);
    let nothing = Outcome::Refused("not known yet".to_owned());
    std::fs::write(&file, regression::to_text("a probe", case, &nothing)?)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--probe")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    let survived = loop {
        if let Some(status) = child.try_wait()? {
            break status.success();
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break false;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    std::fs::remove_file(&file)?;
    Ok(!survived)
}

/// Runs the case of a file on Damson, whatever comes of it: what
/// `ends_its_process` starts.
///
/// # Errors
///
/// When the file is malformed.
pub fn probe(file: &Path) -> anyhow::Result<()> {
    // A wrong result is another finding, and so is a panic that is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let (case, _) = regression::from_text(&std::fs::read_to_string(file)?)?;
    let outcome = std::panic::catch_unwind(|| Mode::ALL[0].run(&case, 0).0);
    if let Ok(outcome) = outcome {
        let _ = differs(&case, &outcome);
    }
    Ok(())
}
