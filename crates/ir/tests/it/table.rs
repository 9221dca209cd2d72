//! What the table promises of itself.

use damson_ir::*;
use std::collections::{HashMap, HashSet};

#[test]
fn opcodes_are_numbered_without_gaps() {
    let mut next = 0;
    for family in &FAMILIES {
        assert_eq!(usize::from(family.first), next, "{}", family.name);
        next += family.ops.len() * family.forms.len();
    }
    assert_eq!(next, Opcode::COUNT);
    assert_eq!(Opcode::all().count(), Opcode::COUNT);
    for (number, opcode) in Opcode::all().enumerate() {
        assert_eq!(opcode.number(), number);
        assert_eq!(Opcode::new(number), Some(opcode));
        assert_eq!(
            opcode.op().form(opcode.form().kinds),
            Some(opcode),
            "{opcode}"
        );
        assert_eq!(opcode.op().family(), opcode.family());
    }
    for number in [Opcode::COUNT, 0xffff, 0x1_0000, usize::MAX] {
        assert_eq!(Opcode::new(number), None);
    }
}

#[test]
fn families_are_complete_and_without_duplicates() {
    for info in &FAMILIES {
        let name = info.name;
        assert!(!info.ops.is_empty() && !info.forms.is_empty(), "{name}");
        let unique: HashSet<_> = info.ops.iter().collect();
        assert_eq!(unique.len(), info.ops.len(), "operations of {name}");
        let forms: HashSet<_> = info.forms.iter().map(|form| form.kinds).collect();
        assert_eq!(forms.len(), info.forms.len(), "forms of {name}");
        for form in info.forms {
            assert_eq!(form.kinds.len(), info.operands.len(), "{name}: {form:?}");
        }
    }
}

#[test]
fn a_destination_comes_first_and_comes_once() {
    use Kind::{BrIf, BrUnless, R, Rs, To};
    for info in &FAMILIES {
        for form in info.forms {
            for (index, kind) in form.kinds.iter().enumerate() {
                let destination = matches!(kind, R | Rs | To | BrIf | BrUnless);
                assert!(!destination || index == 0, "{}: {form:?}", info.name);
            }
        }
    }
}

#[test]
fn what_follows_from_other_operands_stands_where_the_verifier_looks() {
    for opcode in Opcode::all() {
        let kinds = opcode.form().kinds;
        let has = |kind| kinds.contains(&kind);
        // A call names its callee, the base and the callee's linkage, in this order.
        assert_eq!(has(Kind::Base), has(Kind::CalleeLinkage), "{opcode}");
        if has(Kind::Base) {
            assert_eq!(
                kinds[kinds.len() - 2..],
                [Kind::Base, Kind::CalleeLinkage],
                "{opcode}"
            );
        }
        // Spans are followed by their count, at most with another span between.
        for (index, _) in kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| **kind == Kind::Span)
        {
            let after = kinds[index + 1..].iter().find(|kind| **kind != Kind::Span);
            assert_eq!(after, Some(&Kind::Count), "{opcode}");
        }
        // The executor rebases an index of a defined function in place.
        if let Some(index) = kinds.iter().position(|kind| *kind == Kind::DefinedFunc) {
            let before: usize = kinds[..index].iter().map(|kind| kind.bytes()).sum();
            assert_eq!(before % 4, 0, "{opcode}");
        }
        // Targets of a table follow the last operand.
        if has(Kind::Targets) {
            assert_eq!(kinds.last(), Some(&Kind::Targets), "{opcode}");
        }
    }
}

#[test]
fn names_of_operations_are_those_of_the_wasm_text_format() {
    // An operation of another family may have the same name only if it does the same.
    let mut families: HashMap<&str, Vec<&str>> = HashMap::new();
    for info in &FAMILIES {
        for name in info.ops {
            families.entry(name).or_default().push(info.name);
        }
    }
    families.retain(|_, families| families.len() > 1);
    assert_eq!(
        families,
        HashMap::from([("return", vec!["Return", "ReturnValue"])])
    );
}
