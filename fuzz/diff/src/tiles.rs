//! Which tiles a run has executed, and which never.
//!
//! With the feature `count` the executor notes every instruction. A worker says what it has
//! seen in a line of its own; who started it adds up, and [`Executed::report`] tells for each
//! family how much of it was met. That a family is met at all, for always the same modules, is
//! tested in the generator (`tiles`), on what the translator makes of them.

use std::fmt::{self, Write as _};

use damson_executor::count::{self, Detail};
use damson_executor::ir::{FAMILIES, FamilyInfo, Opcode, Ops};

/// How often each opcode was executed.
#[derive(Debug, Clone)]
pub struct Executed {
    counts: Vec<u64>,
}

impl Default for Executed {
    fn default() -> Self {
        Self {
            counts: vec![0; Opcode::COUNT],
        }
    }
}

/// What a line of a worker begins with that says what was executed.
const LINE: &str = "executed";

impl Executed {
    /// Begins to count on this thread.
    pub fn start() {
        count::start(Detail::Sequences);
    }

    /// What was executed on this thread since, as a line.
    #[must_use]
    pub fn line() -> String {
        let mut line = LINE.to_owned();
        for (number, count) in count::take().singles.iter().enumerate() {
            if *count > 0 {
                // Writing to a string succeeds.
                let _ = write!(line, " {number}:{count}");
            }
        }
        line
    }

    /// Adds what a line says.
    ///
    /// # Errors
    ///
    /// When it is not such a line.
    pub fn add(&mut self, line: &str) -> anyhow::Result<()> {
        for item in line.split(' ').skip(1) {
            let counted = item
                .split_once(':')
                .and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
            let slot = counted.and_then(|(number, count): (usize, u64)| {
                self.counts.get_mut(number).map(|slot| (slot, count))
            });
            let Some((slot, count)) = slot else {
                anyhow::bail!("expected an opcode and a count, found {item:?}");
            };
            *slot += count;
        }
        Ok(())
    }

    /// A table of all families of tiles, and the names of the tiles that were never executed.
    #[must_use]
    pub fn report(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            let (mut tiles, mut opcodes, mut families) = ([0, 0], [0, 0], [0, 0]);
            let mut never = Vec::new();
            for info in &FAMILIES {
                if matches!(info.ops, Ops::Single(_)) {
                    continue;
                }
                let forms = info.forms.len();
                let counts = self.of(info);
                let by_tile: Vec<u64> = counts.chunks(forms).map(|all| all.iter().sum()).collect();
                let met = by_tile.iter().filter(|count| **count > 0).count();
                let met_opcodes = counts.iter().filter(|count| **count > 0).count();
                writeln!(
                    f,
                    "{:20} {met:4} of {:4} tiles, {met_opcodes:4} of {:4} opcodes, {:12} times",
                    info.name,
                    by_tile.len(),
                    counts.len(),
                    counts.iter().sum::<u64>()
                )?;
                let sums = [
                    (&mut families, usize::from(met > 0), 1),
                    (&mut tiles, met, by_tile.len()),
                    (&mut opcodes, met_opcodes, counts.len()),
                ];
                for (sum, met, all) in sums {
                    sum[0] += met;
                    sum[1] += all;
                }
                for (tile, count) in by_tile.iter().enumerate() {
                    let first = usize::from(info.first) + tile * forms;
                    if let (0, Some(opcode)) = (count, Opcode::new(first)) {
                        never.push(format!("{}: {}", info.name, opcode.op()));
                    }
                }
            }
            for (what, [met, all]) in [
                ("families", families),
                ("tiles", tiles),
                ("opcodes of tiles", opcodes),
            ] {
                writeln!(f, "{met} of {all} {what} were executed")?;
            }
            for tile in &never {
                writeln!(f, "never: {tile}")?;
            }
            Ok(())
        })
    }

    fn of(&self, info: &FamilyInfo) -> &[u64] {
        let first = usize::from(info.first);
        &self.counts[first..first + info.ops.len() * info.forms.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::damson::Mode;
    use crate::source::Source;

    #[test]
    fn what_a_module_executes_is_in_the_report() {
        Executed::start();
        for seed in (0..40).filter(|seed| seed % 4 != 3) {
            let case = Source::of(seed).case().expect("a module of the generator");
            let _ = Mode::ALL[0].run(&case, 0);
        }
        let line = Executed::line();
        let mut executed = Executed::default();
        executed.add(&line).expect("a line");
        executed.add(&line).expect("the same line");
        let report = executed.report().to_string();
        assert!(
            report.contains("CopyThenCopy            1 of    1 tiles"),
            "{report}"
        );
        assert!(report.contains("never: "), "{report}");
        assert!(executed.counts.iter().all(|count| count % 2 == 0));
        assert!(executed.add("executed 1").is_err());
        assert!(executed.add("executed 65000:1").is_err());
    }
}
