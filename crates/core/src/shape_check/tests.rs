//! Tests of [`super`].

use alloc::string::ToString;
use alloc::vec;

use bytes::Bytes;

use super::*;
use crate::shape::{DataDecl, ElementDecl, Export, GlobalDecl, Import, TableDecl};
use crate::types::{FuncType, GlobalType, MemoryType, TableType};

fn import(ty: ImportType) -> Import {
    Import {
        module: "m".into(),
        name: "n".into(),
        ty,
    }
}

fn constant(op: ConstOp) -> ConstExpr {
    ConstExpr::new([op])
}

const GLOBAL: GlobalType = GlobalType::new(ValType::I32, Mutability::Const);

/// Two of everything, one of them imported, and every kind of segment.
fn shape() -> ModuleShape {
    let table = TableType::new(RefType::Func, 1, None);
    let memory = MemoryType::new(1, None);
    let active = SegmentMode::Active {
        index: 1,
        offset: constant(ConstOp::GlobalGet(0)),
    };
    let export = |name: &str, kind| Export {
        name: name.into(),
        kind,
        index: 1,
    };
    ModuleShape {
        types: vec![FuncType::new([], []), FuncType::new([ValType::I32], [])].into(),
        imports: vec![
            import(ImportType::Global(GLOBAL)),
            import(ImportType::Func(1)),
            import(ImportType::Table(table)),
            import(ImportType::Memory(memory)),
        ]
        .into(),
        funcs: vec![1, 0].into(),
        tables: vec![
            TableDecl {
                ty: table,
                init: None,
            },
            TableDecl {
                ty: table,
                init: Some(constant(ConstOp::RefFunc(1))),
            },
        ]
        .into(),
        memories: vec![memory, memory].into(),
        globals: vec![
            GlobalDecl {
                ty: GLOBAL,
                init: None,
            },
            GlobalDecl {
                ty: GLOBAL,
                init: Some(constant(ConstOp::GlobalGet(0))),
            },
        ]
        .into(),
        exports: vec![
            export("f", ExternKind::Func),
            export("t", ExternKind::Table),
            export("m", ExternKind::Memory),
            export("g", ExternKind::Global),
        ]
        .into(),
        start: Some(1),
        elements: vec![
            ElementDecl {
                ty: RefType::Func,
                items: ElementItems::Funcs(vec![0, 1].into()),
                mode: active.clone(),
            },
            ElementDecl {
                ty: RefType::Extern,
                items: ElementItems::Exprs(vec![constant(ConstOp::RefNull)].into()),
                mode: SegmentMode::Passive,
            },
            ElementDecl {
                ty: RefType::Func,
                items: ElementItems::Exprs(vec![constant(ConstOp::RefFunc(0))].into()),
                mode: SegmentMode::Declared,
            },
        ]
        .into(),
        data: vec![
            DataDecl {
                bytes: Bytes::from_static(b"a"),
                mode: active,
            },
            DataDecl {
                bytes: Bytes::from_static(b"b"),
                mode: SegmentMode::Passive,
            },
        ]
        .into(),
    }
}

/// Breaks a shape.
type Change = fn(&mut ModuleShape);

/// The error after `change`.
fn broken(change: impl FnOnce(&mut ModuleShape)) -> ShapeError {
    let mut shape = shape();
    change(&mut shape);
    shape.check().unwrap_err()
}

#[test]
fn a_consistent_shape_and_the_empty_one_pass() {
    assert_eq!(shape().check(), Ok(()));
    assert_eq!(ModuleShape::default().check(), Ok(()));
    let shape = shape();
    assert_eq!(shape.num_imported_funcs(), 1);
    assert_eq!(shape.num_imported_tables(), 1);
    assert_eq!(shape.num_imported_memories(), 1);
    assert_eq!(shape.num_imported_globals(), 1);
    assert_eq!(shape.num_defined_funcs(), 1);
    assert_eq!(shape.func_type(0), Some(&shape.types[1]));
    assert_eq!(shape.func_type(2), None);
    for (import, export) in shape.imports.iter().zip([3, 0, 1, 2]) {
        let kind = shape.import_type(import).unwrap().kind();
        assert_eq!(
            shape.export_type(&shape.exports[export]).unwrap().kind(),
            kind
        );
    }
}

#[test]
fn every_index_is_checked() {
    let changes: [(&str, Change); 13] = [
        ("type", |s| s.funcs[1] = 2),
        ("type", |s| s.imports[1].ty = ImportType::Func(2)),
        ("function", |s| s.exports[0].index = 2),
        ("table", |s| s.exports[1].index = 2),
        ("memory", |s| s.exports[2].index = 2),
        ("global", |s| s.exports[3].index = u32::MAX),
        ("function", |s| s.start = Some(2)),
        ("function", |s| {
            s.elements[0].items = ElementItems::Funcs([2].into())
        }),
        ("table", |s| set_index(&mut s.elements[0].mode, 2)),
        ("memory", |s| set_index(&mut s.data[0].mode, 2)),
        ("global", |s| {
            s.globals[1].init = Some(constant(ConstOp::GlobalGet(1)))
        }),
        ("function", |s| {
            s.tables[1].init = Some(constant(ConstOp::RefFunc(2)))
        }),
        ("global", |s| {
            set_offset(&mut s.data[0].mode, &[ConstOp::GlobalGet(2)])
        }),
    ];
    for (i, (expected, change)) in changes.into_iter().enumerate() {
        match broken(change) {
            ShapeError::Index { space, .. } => assert_eq!(space, expected, "change {i}"),
            other => panic!("change {i}: {other}"),
        }
    }
    assert_eq!(
        broken(|s| s.exports[2].index = 7).to_string(),
        "export 2 names memory 7, but there are only 2"
    );
}

fn set_index(mode: &mut SegmentMode, to: u32) {
    if let SegmentMode::Active { index, .. } = mode {
        *index = to;
    }
}

fn set_offset(mode: &mut SegmentMode, ops: &[ConstOp]) {
    if let SegmentMode::Active { offset, .. } = mode {
        *offset = ConstExpr::new(ops.iter().copied());
    }
}

#[test]
fn index_spaces_begin_with_the_imports() {
    let changes: [(ExternKind, Change); 6] = [
        (ExternKind::Func, |s| s.funcs[0] = 0),
        (ExternKind::Func, |s| s.funcs = [].into()),
        (ExternKind::Table, |s| {
            s.tables[0].ty = TableType::new(RefType::Extern, 1, None)
        }),
        (ExternKind::Memory, |s| {
            s.memories[0] = MemoryType::new(2, None)
        }),
        (ExternKind::Global, |s| {
            s.globals[0].ty = GlobalType::new(ValType::I64, Mutability::Const);
        }),
        (ExternKind::Global, |s| s.globals = [].into()),
    ];
    for (kind, change) in changes {
        assert_eq!(broken(change), ShapeError::Import { kind, index: 0 });
    }
}

#[test]
fn initial_values_belong_to_what_is_defined() {
    assert_eq!(
        broken(|s| s.globals[1].init = None),
        ShapeError::Init {
            kind: ExternKind::Global,
            index: 1
        }
    );
    assert_eq!(
        broken(|s| s.globals[0].init = Some(constant(ConstOp::I32Const(0)))),
        ShapeError::Init {
            kind: ExternKind::Global,
            index: 0
        }
    );
    assert_eq!(
        broken(|s| s.tables[0].init = Some(constant(ConstOp::RefNull))),
        ShapeError::Init {
            kind: ExternKind::Table,
            index: 0
        }
    );
}

#[test]
fn constant_expressions_yield_one_value_of_their_type() {
    use ConstOp::{F32Const, GlobalGet, I32Add, I32Const, I64Add, I64Const, RefFunc, RefNull};
    let bad: [&[ConstOp]; 9] = [
        &[],
        &[I32Const(1), I32Const(1)],
        &[I64Const(1)],
        &[F32Const(1)],
        &[RefNull],
        &[RefFunc(0)],
        &[I32Const(1), I32Add],
        &[I32Const(1), I64Const(1), I32Add],
        &[I64Const(1), I64Const(1), I64Add],
    ];
    for ops in bad {
        let error = broken(|s| set_offset(&mut s.data[0].mode, ops));
        let expected = ValType::I32;
        assert_eq!(
            error,
            ShapeError::ConstExpr {
                user: "data segment",
                user_index: 0,
                expected
            }
        );
        let error = broken(|s| set_offset(&mut s.elements[0].mode, ops));
        assert_eq!(
            error,
            ShapeError::ConstExpr {
                user: "element segment",
                user_index: 0,
                expected
            }
        );
    }
    let mut shape = shape();
    set_offset(
        &mut shape.data[0].mode,
        &[GlobalGet(1), I32Const(1), I32Add],
    );
    assert_eq!(shape.check(), Ok(()));
    shape.globals[1].ty = GlobalType::new(ValType::I32, Mutability::Var);
    assert!(shape.check().is_err(), "a mutable global is not constant");
    assert!(matches!(
        broken(|s| s.elements[1].items = ElementItems::Exprs([constant(RefFunc(0))].into())),
        ShapeError::ConstExpr {
            user: "element segment",
            user_index: 1,
            ..
        }
    ));
}

#[test]
fn segments_fit_their_tables() {
    let mismatch = |index, expected, found| ShapeError::ElementType {
        index,
        expected,
        found,
    };
    assert_eq!(
        broken(|s| {
            s.elements[0].ty = RefType::Extern;
            s.elements[0].items = ElementItems::Exprs([].into());
        }),
        mismatch(0, RefType::Func, RefType::Extern)
    );
    assert_eq!(
        broken(|s| s.elements[1].items = ElementItems::Funcs([0].into())),
        mismatch(1, RefType::Func, RefType::Extern)
    );
    assert_eq!(
        broken(|s| s.data[1].mode = SegmentMode::Declared),
        ShapeError::DeclaredData { index: 1 }
    );
}

#[test]
fn names_are_unique_and_start_functions_take_nothing() {
    assert_eq!(
        broken(|s| s.exports[3].name = "f".into()),
        ShapeError::DuplicateExport { name: "f".into() }
    );
    assert_eq!(
        broken(|s| s.start = Some(0)),
        ShapeError::StartType { index: 0 }
    );
}
