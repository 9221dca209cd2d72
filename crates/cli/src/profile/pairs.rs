//! Which bytecode instructions follow which.
//!
//! They are counted, not sampled, in the executor's portable loop. Instructions that charge
//! for fuel are there for the profile only, so they are left out. But they stand behind each
//! branch, where two instructions may be one without a profile.

use std::fmt::Write as _;

use damson_executor::count::{self, Detail};
use damson_executor::ir::{ConsumeFuel, Opcode, Operation};

/// How many the table has at most.
const PAIRS: usize = 100;

/// Begins to count.
pub(super) fn start() {
    count::start(Detail::Sequences);
}

/// Ends it, and shows what was found.
pub(super) fn table() -> String {
    let counts = count::take();
    let charges = |opcode: &Opcode| opcode.op() == ConsumeFuel::ConsumeFuel.op();
    let mut pairs: Vec<([Opcode; 2], u64)> = counts.pairs.into_iter().collect();
    pairs.sort_by_key(|(pair, count)| (std::cmp::Reverse(*count), pair.map(Opcode::number)));
    let instructions: u64 = Opcode::all()
        .filter(|opcode| !charges(opcode))
        .map(|opcode| counts.singles[opcode.number()])
        .sum();
    let mut text = format!("\n{instructions} bytecode instructions\n\n  share  pair\n");
    for ([first, second], count) in pairs.into_iter().take(PAIRS) {
        let share = 100.0 * count as f64 / instructions.max(1) as f64;
        let _ = writeln!(text, "{share:>6.2}%  {first} ; {second}");
    }
    text
}
