//! Drives the targets without libFuzzer: stored inputs, and mutations of them.
//!
//! This is what `cargo xtask ci` runs. It needs neither a nightly toolchain nor a
//! C++ compiler, and it knows nothing of coverage: it finds what is easily found,
//! and shows that targets, seeds and regressions still work.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::{Target, verifier_seed};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Stored inputs.
    pub stored: usize,
    /// How often the target was called.
    pub executions: u64,
}

/// The seeds of a target.
#[must_use]
pub fn seeds(target: &str) -> PathBuf {
    folder("seeds", target)
}

/// The inputs that a target once failed on.
#[must_use]
pub fn regressions(target: &str) -> PathBuf {
    folder("regressions", target)
}

fn folder(of: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(of)
        .join(target)
}

/// The files of a folder in order of their names; none if there is no folder.
///
/// # Errors
///
/// When a file cannot be read.
pub fn inputs(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let mut paths: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).with_context(|| format!("{}", path.display()))?;
            Ok((path, bytes))
        })
        .collect()
}

/// Writes inputs to begin with into a folder for each of these targets: modules of both
/// generators, what stands for such, and bytecode.
///
/// # Errors
///
/// When a file cannot be written.
pub fn make_seeds(folder: &Path, targets: &[(&str, Target)]) -> anyhow::Result<()> {
    for (name, _) in targets {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for number in 0..120 {
            let len = [300, 900, 2500][number as usize % 3];
            let mut bytes = damson_generator::bytes(number, len);
            // The first two say which generator it is and what it makes.
            bytes[0] = number as u8;
            bytes[1] = (number / 4) as u8;
            let bytes = match *name {
                "parse" => damson_diff::input::case(&bytes).map(|case| case.wasm),
                "verifier" => (number % 3 == 0).then(|| verifier_seed(number)),
                "translate" | "execute" | "differential" => {
                    damson_diff::input::case(&bytes).map(|_| bytes)
                }
                _ => Some(bytes),
            };
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() <= MAX_LEN) {
                std::fs::write(folder.join(format!("{number:03}")), bytes)?;
            }
        }
    }
    Ok(())
}

/// When a run ends: whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it goes on.
    pub time: Duration,
    /// How often the target is called.
    pub executions: u64,
}

/// Calls the target with every input, then with mutations of them up to the limits.
/// `before` is told each input before it runs.
pub fn run(
    target: Target,
    inputs: &[Vec<u8>],
    limits: Limits,
    seed: u64,
    mut before: impl FnMut(&[u8]),
) -> Report {
    let start = Instant::now();
    let mut executions = 0;
    for input in inputs {
        before(input);
        target(input);
        executions += 1;
    }
    let mut mutator = Mutator { state: seed };
    while start.elapsed() < limits.time && executions < limits.executions {
        let input = mutator.mutation(inputs);
        before(&input);
        target(&input);
        executions += 1;
    }
    Report {
        stored: inputs.len(),
        executions,
    }
}

/// Inputs longer than this are cut.
const MAX_LEN: usize = 8192;

/// Makes inputs from others.
struct Mutator {
    state: u64,
}

impl Mutator {
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(1);
        let bytes = damson_generator::bytes(self.state, 8);
        let bits = bytes
            .iter()
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        (bits % limit.max(1) as u64) as usize
    }

    fn mutation(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        if inputs.is_empty() || self.below(10) == 0 {
            let len = 1 + self.below(3000);
            self.state += 1;
            return damson_generator::bytes(self.state, len);
        }
        let mut input = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(5) {
            let at = self.below(input.len());
            match self.below(7) {
                0 | 1 if !input.is_empty() => input[at] = self.below(256) as u8,
                2 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                3 if !input.is_empty() => {
                    let end = (at + 1 + self.below(16)).min(input.len());
                    input.drain(at..end);
                }
                4 => {
                    let byte = self.below(256) as u8;
                    input.insert(at, byte);
                }
                5 if !input.is_empty() => {
                    let end = (at + 1 + self.below(64)).min(input.len());
                    let part = input[at..end].to_vec();
                    let to = self.below(input.len());
                    input.splice(to..to, part);
                }
                _ => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len());
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
            }
        }
        input.truncate(MAX_LEN);
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGETS;

    #[test]
    fn every_target_has_seeds_and_passes_on_them() {
        for (name, target) in TARGETS {
            let inputs = inputs(&seeds(name)).expect("a folder of files");
            assert!(inputs.len() >= 10, "{name}: {} seeds", inputs.len());
            for (_, bytes) in inputs {
                target(&bytes);
            }
        }
    }

    #[test]
    fn a_run_ends_when_its_time_is_over() {
        let limits = Limits {
            time: Duration::from_millis(1),
            executions: u64::MAX,
        };
        let report = run(|_| {}, &[vec![1]], limits, 1, |_| {});
        assert!(report.executions >= 1);
    }

    #[test]
    fn no_target_fails_where_it_did() {
        for (name, target) in TARGETS {
            for (path, bytes) in inputs(&regressions(name)).expect("files") {
                eprintln!("{}", path.display());
                target(&bytes);
            }
        }
    }

    #[test]
    fn a_run_tells_what_it_tries_and_tries_more_than_it_was_given() {
        let mut tried = Vec::new();
        let given = [vec![1, 2, 3], vec![4; 100]];
        let limits = Limits {
            time: Duration::from_secs(600),
            executions: 1000,
        };
        let report = run(
            |_| {},
            &given,
            limits,
            1,
            |input| {
                tried.push(input.to_vec());
            },
        );
        assert_eq!(report.executions, 1000);
        assert_eq!(report.executions, tried.len() as u64);
        assert!(tried.starts_with(&given) && tried.len() > 100);
        assert!(tried.iter().all(|input| input.len() <= MAX_LEN));
        tried.sort();
        tried.dedup();
        assert!(
            tried.len() * 2 > report.executions as usize,
            "few mutations"
        );
    }

    /// A target that fails on one word in a seed is seen to do so.
    #[test]
    #[should_panic(expected = "found")]
    fn a_failing_target_ends_the_run() {
        let target: Target = |bytes| assert!(bytes.first() != Some(&0xff), "found");
        let limits = Limits {
            time: Duration::from_secs(60),
            executions: u64::MAX,
        };
        run(target, &[vec![0; 4]], limits, 1, |_| {});
    }
}
