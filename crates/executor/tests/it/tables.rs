//! Tables and their segments.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::RefType;
use damson_executor::store::{FuncHandle, InstanceHandle, PrunedStore, TrapCode};

const FAILED: u64 = u32::MAX as u64;

/// A function whose parameters are the slots of an instruction without a result.
fn action(module: &mut Module, op: impl Operation, indices: &[Operand], params: usize) -> u32 {
    let ty = module.ty(&[I64; 3][..params], &[]);
    module.func(ty, 8, |code| {
        let slots = (0..params as u16).map(s);
        code.op(
            op,
            &indices.iter().copied().chain(slots).collect::<Vec<_>>(),
        );
        code.op(Return::Return, &[code.linkage()]);
    })
}

/// A function that gives the result of an instruction from the slot and from the accumulator.
fn query(module: &mut Module, op: impl Operation, operands: &[Operand]) -> u32 {
    let ty = module.ty(&[I64; 2], &[I64; 2]);
    module.func(ty, 8, |code| {
        code.op(op, &[&[rs(5)], operands].concat());
        code.op(CopyValue::IntCopy, &[to(6), Operand::Acc]);
        code.op(
            ReturnSpan::ReturnSpan,
            &[code.linkage(), span(5), Operand::Count(2)],
        );
    })
}

/// An instance with a table of functions (4 to 6 elements), a table of objects (2 elements)
/// and operations on them.
struct Tables {
    store: PrunedStore,
    instance: InstanceHandle,
    functions: std::collections::HashMap<&'static str, u32>,
    references: [u64; 2],
}

impl Tables {
    fn new() -> Self {
        let mut module = Module::default();
        let funcs = module.table(RefType::Func, 4, Some(6));
        let objects = module.table(RefType::Extern, 2, None);
        let other = module.table(RefType::Func, 3, None);
        let (table, elem) = (Operand::Table, Operand::Elem);
        let ty = module.ty(&[], &[]);
        for _ in 0..2 {
            module.func(ty, 2, |code| code.op(Unreachable::Unreachable, &[]));
        }
        let segment = module.elements(&[0, 1, 0]);
        let mut functions = std::collections::HashMap::new();
        let mut add = |name, index| assert!(functions.insert(name, index).is_none());
        let m = &mut module;
        add("get", query(m, TableGet::TableGet, &[table(funcs), s(0)]));
        add(
            "get other",
            query(m, TableGet::TableGet, &[table(other), s(0)]),
        );
        add(
            "get object",
            query(m, TableGet::TableGet, &[table(objects), s(0)]),
        );
        add("size", query(m, TableSize::TableSize, &[table(funcs)]));
        add(
            "grow",
            query(m, TableGrow::TableGrow, &[table(funcs), s(0), s(1)]),
        );
        add(
            "grow objects",
            query(m, TableGrow::TableGrow, &[table(objects), s(0), s(1)]),
        );
        add("set", action(m, TableSet::TableSet, &[table(funcs)], 2));
        add(
            "set object",
            action(m, TableSet::TableSet, &[table(objects)], 2),
        );
        add("fill", action(m, TableFill::TableFill, &[table(funcs)], 3));
        add(
            "copy",
            action(m, TableCopy::TableCopy, &[table(funcs), table(funcs)], 3),
        );
        add(
            "copy to other",
            action(m, TableCopy::TableCopy, &[table(other), table(funcs)], 3),
        );
        add(
            "init",
            action(m, TableInit::TableInit, &[table(funcs), elem(segment)], 3),
        );
        add("drop", action(m, ElemDrop::ElemDrop, &[elem(segment)], 0));
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let references = [0, 1].map(|index| {
            let func = func(&store, instance, index);
            store.as_ref().func_ref(func).unwrap().to_bits()
        });
        Self {
            store,
            instance,
            functions,
            references,
        }
    }

    fn func(&self, name: &str) -> FuncHandle {
        func(&self.store, self.instance, self.functions[name])
    }

    /// Result of a query; slot and accumulator must agree.
    fn ask(&mut self, name: &str, arguments: [u64; 2]) -> Result<u64, TrapCode> {
        let func = self.func(name);
        match run(&mut self.store, func, &arguments) {
            Ok(results) => {
                assert_eq!(results[0], results[1], "{name}: slot and accumulator");
                Ok(results[0])
            }
            error => Err(trap(error)),
        }
    }

    fn tell(&mut self, name: &str, arguments: &[u64]) -> Result<(), TrapCode> {
        let func = self.func(name);
        match run(&mut self.store, func, arguments) {
            Ok(_) => Ok(()),
            error => Err(trap(error)),
        }
    }

    /// Elements of a table.
    fn elements(&mut self, get: &str, len: u64) -> Vec<u64> {
        (0..len)
            .map(|index| self.ask(get, [index, 0]).unwrap())
            .collect()
    }
}

const OUT_OF_BOUNDS: Result<(), TrapCode> = Err(TrapCode::TableOutOfBounds);
const INVALID: Result<(), TrapCode> = Err(TrapCode::InvalidReference);

#[test]
fn elements_are_read_and_written() {
    let mut tables = Tables::new();
    let [a, b] = tables.references;
    assert_eq!(tables.tell("set", &[1, a]), Ok(()));
    assert_eq!(tables.tell("set", &[3, b]), Ok(()));
    assert_eq!(tables.elements("get", 4), [0, a, 0, b]);
    assert_eq!(tables.tell("set", &[4, a]), OUT_OF_BOUNDS);
    assert_eq!(tables.tell("set", &[FAILED, a]), OUT_OF_BOUNDS);
    assert_eq!(tables.ask("get", [4, 0]), Err(TrapCode::TableOutOfBounds));
    assert_eq!(
        tables.ask("get", [FAILED, 0]),
        Err(TrapCode::TableOutOfBounds)
    );
    // The index is a 32-bit number, the reference has 64.
    assert_eq!(tables.ask("get", [1 << 32 | 1, 0]), Ok(a));
    assert_eq!(tables.tell("set", &[1, 0]), Ok(()));
    assert_eq!(tables.elements("get", 4), [0, 0, 0, b]);
}

#[test]
fn what_is_no_reference_does_not_enter_a_table() {
    let mut tables = Tables::new();
    let object = tables
        .store
        .as_mut()
        .alloc_extern(Box::new("object"))
        .to_bits();
    let [a, _] = tables.references;
    for forged in [1 << 32 | a, 1000, 1 << 63, u64::MAX, u64::MAX - 1] {
        assert_eq!(tables.tell("set", &[0, forged]), INVALID);
        assert_eq!(tables.tell("fill", &[0, forged, 2]), INVALID);
        assert_eq!(tables.tell("set object", &[0, forged]), INVALID);
        assert_eq!(
            tables.ask("grow", [forged, 1]),
            Err(TrapCode::InvalidReference)
        );
        assert_eq!(
            tables.ask("grow objects", [forged, 1]),
            Err(TrapCode::InvalidReference)
        );
    }
    assert_eq!(tables.elements("get", 4), [0; 4]);
    assert_eq!(tables.tell("set object", &[1, object]), Ok(()));
    assert_eq!(tables.elements("get object", 2), [0, object]);
}

#[test]
fn tables_grow_up_to_their_maximum() {
    let mut tables = Tables::new();
    let [a, b] = tables.references;
    assert_eq!(tables.ask("size", [0, 0]), Ok(4));
    assert_eq!(tables.ask("grow", [a, 1]), Ok(4));
    assert_eq!(tables.ask("grow", [b, 2]), Ok(FAILED));
    assert_eq!(tables.ask("grow", [b, FAILED]), Ok(FAILED));
    assert_eq!(tables.ask("grow", [b, 0]), Ok(5));
    assert_eq!(tables.ask("grow", [b, 1]), Ok(5));
    assert_eq!(tables.ask("size", [0, 0]), Ok(6));
    assert_eq!(tables.elements("get", 6), [0, 0, 0, 0, a, b]);
}

#[test]
fn bulk_operations_on_tables() {
    let mut tables = Tables::new();
    let [a, b] = tables.references;
    // init(dst, src, len)
    assert_eq!(tables.tell("init", &[1, 0, 3]), Ok(()));
    assert_eq!(tables.elements("get", 4), [0, a, b, a]);
    assert_eq!(tables.tell("init", &[2, 0, 3]), OUT_OF_BOUNDS);
    assert_eq!(tables.tell("init", &[0, 1, 3]), OUT_OF_BOUNDS);
    assert_eq!(tables.tell("init", &[FAILED, 0, 1]), OUT_OF_BOUNDS);
    // copy(dst, src, len), overlapping both ways
    assert_eq!(tables.tell("copy", &[0, 1, 3]), Ok(()));
    assert_eq!(tables.elements("get", 4), [a, b, a, a]);
    assert_eq!(tables.tell("copy", &[1, 0, 3]), Ok(()));
    assert_eq!(tables.elements("get", 4), [a, a, b, a]);
    assert_eq!(tables.tell("copy", &[2, 0, 3]), OUT_OF_BOUNDS);
    assert_eq!(tables.tell("copy", &[0, FAILED, 1]), OUT_OF_BOUNDS);
    assert_eq!(tables.tell("copy to other", &[1, 1, 2]), Ok(()));
    assert_eq!(tables.elements("get other", 3), [0, a, b]);
    assert_eq!(tables.tell("copy to other", &[2, 1, 2]), OUT_OF_BOUNDS);
    // fill(dst, value, len)
    assert_eq!(tables.tell("fill", &[1, 0, 2]), Ok(()));
    assert_eq!(tables.elements("get", 4), [a, 0, 0, a]);
    assert_eq!(tables.tell("fill", &[3, b, 2]), OUT_OF_BOUNDS);
    assert_eq!(
        tables.elements("get", 4),
        [a, 0, 0, a],
        "nothing is written"
    );
    // A dropped segment is empty.
    assert_eq!(tables.tell("drop", &[]), Ok(()));
    assert_eq!(tables.tell("drop", &[]), Ok(()));
    assert_eq!(tables.tell("init", &[0, 0, 0]), Ok(()));
    assert_eq!(tables.tell("init", &[0, 0, 1]), OUT_OF_BOUNDS);
}

#[test]
fn results_go_to_the_accumulator_alone_if_asked() {
    for (wanted, op, operands) in [
        (
            4,
            TableSize::TableSize.op(),
            vec![Operand::R, Operand::Table(0)],
        ),
        (
            0,
            TableGet::TableGet.op(),
            vec![Operand::R, Operand::Table(0), s(4)],
        ),
        (
            3,
            MemorySize::MemorySize.op(),
            vec![Operand::R, Operand::Memory(0)],
        ),
    ] {
        let mut module = Module::default();
        module.table(RefType::Func, 4, None);
        module.memory(3, None);
        let ty = module.ty(&[], &[I64]);
        let kinds: Vec<_> = operands.iter().map(|operand| operand.kind()).collect();
        let index = module.func(ty, 8, |code| {
            code.op(Zero::Zero, &[span(4), Operand::Count(1)]);
            push_opcode(code, op.form(&kinds).unwrap(), &operands);
            code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
        });
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, index);
        assert_eq!(
            run(&mut store, func, &[]).unwrap(),
            [wanted],
            "{}",
            op.name()
        );
    }
}
