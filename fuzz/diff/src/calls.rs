//! What the calls of our own programs come to: a comparison shows little where they trap at
//! once.

use std::collections::BTreeMap;

use damson_generator::Program;

use crate::engine::damson::Mode;
use crate::outcome::{Case, Outcome, Stop};

#[test]
fn most_calls_return_and_the_others_trap_in_every_way() {
    let (mut calls, mut returned) = (0, 0);
    let mut stops: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..1500 {
        let case = Case::of(&Program::generate(seed));
        let Outcome::Ran { ended, .. } = Mode::ALL[0].run(&case, 0).0 else {
            panic!("seed {seed}: refused");
        };
        for end in &ended[1..] {
            calls += 1;
            match end {
                Ok(_) => returned += 1,
                Err(Stop::Trap(code)) => *stops.entry((*code).to_owned()).or_default() += 1,
                Err(stop) => *stops.entry(format!("{stop:?}")).or_default() += 1,
            }
        }
    }
    println!("{returned} of {calls} calls return; {stops:?}");
    assert!(3 * returned >= 2 * calls, "{returned} of {calls} return");
    for code in [
        "UnreachableCodeReached",
        "MemoryOutOfBounds",
        "TableOutOfBounds",
        "IndirectCallToNull",
        "IntegerDivisionByZero",
        "IntegerOverflow",
        "BadConversionToInteger",
        "BadSignature",
        "HostFailed",
    ] {
        assert!(
            stops.contains_key(code),
            "no call ends by {code}: {stops:?}"
        );
    }
}
