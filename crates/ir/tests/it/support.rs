//! A module with something of every kind, and valid operands for every instruction.

use damson_core::shape::{
    ConstExpr, ConstOp, DataDecl, ElementDecl, ElementItems, GlobalDecl, Import, ImportType,
    ModuleShape, SegmentMode, TableDecl,
};
use damson_core::types::{GlobalType, MemoryType, Mutability, RefType, TableType};
use damson_core::{Bytes, FuncType, ValType};
use damson_ir::{Family, Function, Kind, Opcode, Operand, Slot, Target};
use std::sync::Arc;

/// Parameters of the function that instructions are tried in, and of all that it may call.
pub(crate) const PARAMS: u16 = 2;
/// Its results.
pub(crate) const RESULTS: u16 = 1;
/// Its linkage slot.
pub(crate) const LINKAGE: u16 = 2;
/// Cells of its frame.
pub(crate) const FRAME: u32 = 64;
/// Its index in the module.
pub(crate) const FUNC: u32 = 2;
/// A type of the module that is not that of the function.
pub(crate) const OTHER_TYPE: u32 = 1;
/// A defined function that has this type.
pub(crate) const OTHER_FUNC: u32 = 3;

fn type_of_function() -> FuncType {
    FuncType::new([ValType::I64; 2], [ValType::I64])
}

fn elements(ty: RefType) -> ElementDecl {
    let null = ConstExpr::new([ConstOp::RefNull]);
    ElementDecl {
        ty,
        items: ElementItems::Exprs([null.clone(), null].into()),
        mode: SegmentMode::Passive,
    }
}

/// Two imported functions, two of its own, two of everything else.
pub(crate) fn shape() -> Arc<ModuleShape> {
    shape_with(type_of_function())
}

/// The same with another type of function that instructions are tried in.
pub(crate) fn shape_with(ty: FuncType) -> Arc<ModuleShape> {
    let import = |ty| Import {
        module: "m".into(),
        name: "n".into(),
        ty,
    };
    let table = |element| TableDecl {
        ty: TableType::new(element, 4, None),
        init: None,
    };
    let global = |mutability| GlobalDecl {
        ty: GlobalType::new(ValType::I64, mutability),
        init: Some(ConstExpr::new([ConstOp::I64Const(7)])),
    };
    let data = || DataDecl {
        bytes: Bytes::from_static(b"bytes"),
        mode: SegmentMode::Passive,
    };
    let shape = ModuleShape {
        types: [ty, FuncType::new([], [])].into(),
        imports: [import(ImportType::Func(0)), import(ImportType::Func(0))].into(),
        funcs: [0, 0, 0, 1].into(),
        tables: [table(RefType::Func), table(RefType::Extern)].into(),
        memories: [MemoryType::new(1, None), MemoryType::new(1, None)].into(),
        globals: [global(Mutability::Var), global(Mutability::Const)].into(),
        elements: [elements(RefType::Func), elements(RefType::Extern)].into(),
        data: [data(), data()].into(),
        ..ModuleShape::default()
    };
    shape.check().unwrap();
    Arc::new(shape)
}

/// Operands with which the instruction is valid in function [`FUNC`] of [`shape`], if branches
/// may go `to` cells from its start.
pub(crate) fn operands(opcode: Opcode, to: i32) -> Vec<Operand> {
    let kinds = opcode.form().kinds;
    let family = opcode.family();
    let operand = |(index, &kind): (usize, &Kind)| {
        let slot = Slot(10 + index as u16);
        let target = Target::By(to);
        match kind {
            Kind::R => Operand::R,
            Kind::Rs => Operand::Rs(slot),
            Kind::To => Operand::To(slot),
            Kind::BrIf => Operand::BrIf(target),
            Kind::BrUnless => Operand::BrUnless(target),
            Kind::Slot => Operand::Slot(slot),
            Kind::Acc => Operand::Acc,
            Kind::Imm => Operand::Imm(-2_000_000_000 + index as i32),
            Kind::Imm64 => Operand::Imm64(0xfedc_ba98_7654_3210),
            Kind::Offset => Operand::Offset(0xffff_fff0),
            Kind::MemOffset => Operand::MemOffset(1, 0x8000_0001),
            Kind::Target => Operand::Target(target),
            Kind::Targets => Operand::Targets(3),
            Kind::Func => Operand::Func(3),
            Kind::DefinedFunc => Operand::DefinedFunc(FUNC),
            Kind::ImportedFunc => Operand::ImportedFunc(1),
            Kind::Type => Operand::Type(0),
            Kind::Memory => Operand::Memory(1),
            Kind::Table => Operand::Table(0),
            Kind::FuncTable => Operand::FuncTable(0),
            Kind::Global => Operand::Global(1),
            Kind::GlobalMut => Operand::GlobalMut(0),
            Kind::Data => Operand::Data(1),
            Kind::Elem => Operand::Elem(0),
            Kind::Base => Operand::Base(Slot(20)),
            Kind::Span => Operand::Span(Slot(30 + index as u16)),
            Kind::Linkage => Operand::Linkage(Slot(LINKAGE)),
            Kind::CalleeLinkage => Operand::CalleeLinkage(Slot(20 + LINKAGE)),
            Kind::TailLinkage => Operand::TailLinkage(Slot(LINKAGE)),
            Kind::Count => Operand::Count(count(family)),
        }
    };
    kinds.iter().enumerate().map(operand).collect()
}

/// The count that the types ask for, or any.
fn count(family: Family) -> u32 {
    match family {
        Family::ReturnSpan => u32::from(RESULTS),
        Family::ReturnCall | Family::ReturnCallImport | Family::ReturnCallIndirect => {
            u32::from(PARAMS)
        }
        _ => 5,
    }
}

/// Cells of an instruction together with the targets of a `br_table`.
pub(crate) fn cells(opcode: Opcode, operands: &[Operand]) -> usize {
    let targets = operands.iter().find_map(|operand| match operand {
        Operand::Targets(count) => Some(count.div_ceil(2) as usize),
        _ => None,
    });
    opcode.cells() + targets.unwrap_or(0)
}

/// Appends an instruction with any operands; the targets of a `br_table` go `to` cells from
/// its start.
pub(crate) fn append(code: &mut Vec<u64>, opcode: Opcode, operands: &[Operand], to: i32) {
    encode(code, opcode, operands);
    for operand in operands {
        if let Operand::Targets(count) = operand {
            let pair = u64::from(to.cast_unsigned());
            code.extend(std::iter::repeat_n(
                pair << 32 | pair,
                count.div_ceil(2) as usize,
            ));
        }
    }
}

fn encode(code: &mut Vec<u64>, opcode: Opcode, operands: &[Operand]) {
    assert_eq!(
        damson_ir::encode(opcode.op(), operands, code).unwrap(),
        opcode
    );
}

/// A function that has only this instruction, and one to end with that branches go to.
pub(crate) fn function(opcode: Opcode, operands: &[Operand]) -> Function {
    let mut code = Vec::new();
    append(&mut code, opcode, operands, cells(opcode, operands) as i32);
    encode(&mut code, unreachable(), &[]);
    function_of(code)
}

/// The opcode of `unreachable`.
pub(crate) fn unreachable() -> Opcode {
    damson_ir::Operation::op(damson_ir::Unreachable::Unreachable)
        .form(&[])
        .unwrap()
}

/// A function of these cells.
pub(crate) fn function_of(cells: Vec<u64>) -> Function {
    Function {
        params: PARAMS,
        results: RESULTS,
        frame_cells: FRAME,
        cells,
        offsets: Vec::new(),
    }
}

/// The valid function of an opcode.
pub(crate) fn valid(opcode: Opcode) -> Function {
    let to = cells(opcode, &operands(opcode, 0)) as i32;
    function(opcode, &operands(opcode, to))
}
