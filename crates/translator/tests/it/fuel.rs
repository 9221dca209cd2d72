//! What the charges of metered code amount to where one operator moves many slots.

use damson_ir::{Family, Operand};
use damson_translator::Config;

use crate::support::module;

/// What the function 0 of a module charges in the order of its code.
fn charges(wat: &str) -> Vec<u32> {
    let mut config = Config::default();
    config.consume_fuel = true;
    let function = module(wat, &config).translate(0).unwrap();
    let instructions = function.instructions().map(|(_, instr)| instr.unwrap());
    instructions
        .filter(|instr| instr.opcode.family() == Family::ConsumeFuel)
        .map(|instr| match instr.operands[0] {
            Operand::Count(amount) => amount,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn clearing_locals_costs_a_unit_for_every_eight() {
    let first_and_last = |count: usize| {
        let (locals, last) = ("i64 ".repeat(count), count - 1);
        charges(&format!(
            "(module (func (local {locals}) (drop (i64.add (local.get 0) (local.get {last})))))"
        ))
    };
    let operators = first_and_last(2);
    assert_eq!(operators.len(), 1);
    for count in [7, 8, 1000, 40_000] {
        assert_eq!(first_and_last(count), [operators[0] + count as u32 / 8]);
    }
    // The first charge is long written when the locals are known.
    let locals = "i32 ".repeat(800);
    let later = |index| {
        charges(&format!(
            "(module (func (local {locals}) (loop (br_if 0 (local.get {index})))
               (drop (local.get 0))))"
        ))
    };
    let (few, many) = (later(0), later(799));
    assert_eq!(many[0], few[0] + 100);
    assert_eq!(many[1..], few[1..]);
    // Locals that are set first are not cleared.
    let set = charges(&format!(
        "(module (func (local {locals}) (local.set 799 (i32.const 1)) (drop (local.get 799))))"
    ));
    assert!(set[0] < 10, "{set:?}");
}

#[test]
fn moving_many_values_at_once_costs_a_unit_for_every_eight() {
    let through = |code: &str, count: usize| {
        let many = "i64 ".repeat(count);
        charges(&format!(
            "(module (func (result {many}) {code})
               (func $many (result {many}) unreachable)
               (func $take (param {many}) (result {many}) unreachable))"
        ))
        .iter()
        .sum::<u32>()
    };
    for code in [
        // A return, a branch past one more value, a tail call.
        "(call $many)",
        "(block (result i64 i64) (i32.const 0) (call $many) (br 0)) unreachable",
        "(call $many) (return_call $take)",
    ] {
        let widened = |count: usize| {
            let results = format!("(result {})", "i64 ".repeat(count));
            through(&code.replace("(result i64 i64)", &results), count)
        };
        let few = widened(2);
        assert_eq!(widened(800), few + 100, "{code}");
    }
}
