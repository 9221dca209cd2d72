#![expect(unsafe_code, reason = "reads what an executor reads")]
//! Tests of [`super`].

use alloc::string::ToString;
use alloc::vec;

use bytes::Bytes;

use super::*;
use crate::func::HostFunc;
use crate::handle::{GlobalHandle, MemoryHandle, TableHandle};
use crate::shape::{
    ConstOp, DataDecl, ElementDecl, Export, GlobalDecl, Import, ImportType, TableDecl,
};
use crate::store::{GrowDecision, GrowRequest, HostDataMut, Limiter, PrunedStore, StoreConfig};
use crate::testing::{code, raw_instance, store};
use crate::types::{
    ExternKind, FuncType, GlobalType, MemoryType, Mutability, PAGE_SIZE, RefType, TableType,
    ValType,
};

fn import(ty: ImportType) -> Import {
    Import {
        module: "env".into(),
        name: "thing".into(),
        ty,
    }
}

fn export(name: &str, kind: ExternKind, index: u32) -> Export {
    Export {
        name: name.into(),
        kind,
        index,
    }
}

fn i32_at(value: i32) -> ConstExpr {
    ConstExpr::new([ConstOp::I32Const(value)])
}

fn instantiate(
    store: &mut PrunedStore,
    shape: ModuleShape,
    imports: &[ExternHandle],
) -> Result<InstanceHandle, InstantiateError> {
    let shape = Arc::new(shape);
    let code = code(&shape);
    store.as_mut().instantiate(&shape, code, imports)
}

fn table(store: &mut PrunedStore, min: u32) -> TableHandle {
    store
        .as_mut()
        .alloc_table(TableType::new(RefType::Func, min, None), Cell::ZERO)
        .unwrap()
}

fn memory(store: &mut PrunedStore, min: u64) -> MemoryHandle {
    store
        .as_mut()
        .alloc_memory(MemoryType::of_pages(min, None))
        .unwrap()
}

fn global(store: &mut PrunedStore, value: i32) -> GlobalHandle {
    let ty = GlobalType::new(ValType::I32, Mutability::Const);
    store.as_mut().alloc_global(ty, Cell::new(value))
}

/// Two functions, a global, a table, a memory; element and data segments at
/// `elem_at` and `data_at`.
fn everything(elem_at: i32, data_at: i32) -> ModuleShape {
    ModuleShape {
        types: vec![FuncType::new([], []), FuncType::new([ValType::I32], [])].into(),
        funcs: vec![1, 0].into(),
        tables: vec![TableDecl {
            ty: TableType::new(RefType::Func, 3, None),
            init: Some(ConstExpr::new([ConstOp::RefFunc(0)])),
        }]
        .into(),
        memories: vec![MemoryType::new(1, Some(2))].into(),
        globals: vec![GlobalDecl {
            ty: GlobalType::new(ValType::FuncRef, Mutability::Var),
            init: Some(ConstExpr::new([ConstOp::RefFunc(1)])),
        }]
        .into(),
        exports: vec![
            export("z", ExternKind::Func, 1),
            export("a", ExternKind::Memory, 0),
            export("m", ExternKind::Table, 0),
            export("b", ExternKind::Global, 0),
        ]
        .into(),
        elements: vec![
            ElementDecl {
                ty: RefType::Func,
                items: ElementItems::Funcs(vec![1].into()),
                mode: SegmentMode::Active {
                    index: 0,
                    offset: i32_at(elem_at),
                },
            },
            ElementDecl {
                ty: RefType::Func,
                items: ElementItems::Exprs(vec![ConstExpr::new([ConstOp::RefNull])].into()),
                mode: SegmentMode::Passive,
            },
            ElementDecl {
                ty: RefType::Func,
                items: ElementItems::Funcs(vec![0].into()),
                mode: SegmentMode::Declared,
            },
        ]
        .into(),
        data: vec![
            DataDecl {
                bytes: Bytes::from_static(b"active"),
                mode: SegmentMode::Active {
                    index: 0,
                    offset: i32_at(data_at),
                },
            },
            DataDecl {
                bytes: Bytes::from_static(b"passive"),
                mode: SegmentMode::Passive,
            },
        ]
        .into(),
        ..ModuleShape::default()
    }
}

#[test]
fn an_instance_has_its_entities_in_order() {
    let mut store = store();
    let handle = instantiate(&mut store, everything(2, 5), &[]).unwrap();
    let store = store.as_ref();
    let instance = store.instance(handle).unwrap();
    assert_eq!(instance.handle(), handle);

    let names: Vec<&str> = instance.exports().map(|(name, _)| name).collect();
    assert_eq!(names, ["z", "a", "m", "b"]);
    for (name, export) in instance.exports() {
        assert_eq!(instance.export(name), Some(export));
    }
    assert_eq!(instance.export("nothing"), None);

    let Some(ExternHandle::Func(func)) = instance.export("z") else {
        panic!("no function")
    };
    let entity = store.func(func).unwrap();
    assert_eq!(entity.instance, core::ptr::from_ref(instance));
    assert_eq!(
        (entity.func_index, entity.index, entity.is_host()),
        (1, 1, false)
    );
    assert_eq!(entity.code, instance.code.wrapping_add(1));
    assert_eq!(entity.ty(), &FuncType::new([], []));
    assert_eq!(store.func_of_ref(Cell::from_bits(2)), Some(func));

    let Some(ExternHandle::Global(global)) = instance.export("b") else {
        panic!("no global")
    };
    assert_eq!(store.global(global).unwrap().get(), Cell::from_bits(2));
    let Some(ExternHandle::Table(table)) = instance.export("m") else {
        panic!("no table")
    };
    let table = store.table(table).unwrap();
    let [first, second] = [1, 2].map(|bits| Some(Cell::from_bits(bits)));
    assert_eq!(
        [0, 1, 2].map(|index| table.get(index)),
        [first, first, second]
    );
    let Some(ExternHandle::Memory(memory)) = instance.export("a") else {
        panic!("no memory")
    };
    let memory = store.memory(memory).unwrap();
    assert_eq!(memory.data()[4..12], *b"\0active\0");
}

#[test]
fn active_and_declared_segments_are_dropped_passive_ones_are_not() {
    let mut store = store();
    let handle = instantiate(&mut store, everything(0, 0), &[]).unwrap();
    let instance = raw_instance(&mut store, handle);
    // SAFETY: an instance of a store that is not used meanwhile.
    let instance = unsafe { &mut *instance };
    assert_eq!(
        [0, 1, 2].map(|index| instance.data_segment(index).len()),
        [0, 7, 0]
    );
    assert_eq!(
        [0, 1, 2, 3].map(|index| instance.element_segment(index).len()),
        [0, 1, 0, 0]
    );
    instance.drop_data(1);
    instance.drop_element(1);
    assert!(instance.data_segment(1).is_empty());
    assert!(instance.element_segment(1).is_empty());
}

#[test]
fn the_arrays_point_at_the_entities_of_the_store() {
    let mut store = store();
    let [g0, t0, m0] = [
        global(&mut store, 7).into(),
        table(&mut store, 1).into(),
        memory(&mut store, 1).into(),
    ];
    let host = HostFunc::untyped(FuncType::new([], []), |_, _| Ok(()));
    let f0 = store.as_mut().alloc_host_func(host).unwrap();
    let mut shape = everything(0, 0);
    shape.imports = vec![
        import(ImportType::Memory(MemoryType::new(1, None))),
        import(ImportType::Func(0)),
        import(ImportType::Table(TableType::new(RefType::Func, 1, None))),
        import(ImportType::Global(GlobalType::new(
            ValType::I32,
            Mutability::Const,
        ))),
    ]
    .into();
    shape.funcs = vec![0, 1, 0].into();
    let mut tables = shape.tables.to_vec();
    tables.insert(
        0,
        TableDecl {
            ty: TableType::new(RefType::Func, 1, None),
            init: None,
        },
    );
    shape.tables = tables.into();
    shape.memories = vec![MemoryType::new(1, None), MemoryType::new(1, Some(2))].into();
    let mut globals = shape.globals.to_vec();
    let ty = GlobalType::new(ValType::I32, Mutability::Const);
    globals.insert(0, GlobalDecl { ty, init: None });
    shape.globals = globals.into();
    let imports = [m0, f0.into(), t0, g0];
    let handle = instantiate(&mut store, shape, &imports).unwrap();
    let store = store.as_ref();
    let instance = store.instance(handle).unwrap();
    // SAFETY: two of each exist, of a store that is only read.
    unsafe {
        assert_eq!((**instance.globals).get::<i32>(), 7);
        assert_eq!(
            **instance.globals.add(1),
            Cell::from_bits(2),
            "the first of its own"
        );
        assert_eq!((**instance.memories).data()[..6], *b"active");
        assert_eq!((**instance.memories.add(1)).handle().index(), 1);
        assert_eq!((**instance.tables).handle().index(), 0);
        assert_eq!((**instance.tables.add(1)).size(), 3);
        assert!((**instance.funcs).is_host());
        assert_eq!((**instance.funcs.add(1)).code, instance.code);
        assert_eq!((**instance.funcs.add(1)).type_id, *instance.type_ids.add(1));
        assert_eq!((**instance.funcs).type_id, *instance.type_ids);
        assert_ne!(*instance.type_ids, *instance.type_ids.add(1));
    }
}

#[test]
fn equal_types_of_different_modules_have_equal_numbers() {
    let mut store = store();
    let a = instantiate(&mut store, everything(0, 0), &[]).unwrap();
    let mut shape = everything(0, 0);
    shape.types.reverse();
    let b = instantiate(&mut store, shape, &[]).unwrap();
    let ids = [a, b].map(|handle| {
        let instance = store.as_ref().instance(handle).unwrap();
        // SAFETY: the modules have two types.
        unsafe { [*instance.type_ids, *instance.type_ids.add(1)] }
    });
    assert_eq!(ids[0][0], ids[1][1]);
    assert_eq!(ids[0][1], ids[1][0]);
}

#[test]
fn a_segment_that_does_not_fit_leaves_the_earlier_ones_written() {
    let mut store = store();
    let (table, memory) = (table(&mut store, 2), memory(&mut store, 1));
    let active = |offset| SegmentMode::Active {
        index: 0,
        offset: i32_at(offset),
    };
    let element = |offset| ElementDecl {
        ty: RefType::Func,
        items: ElementItems::Funcs(vec![0].into()),
        mode: active(offset),
    };
    let data = |offset| DataDecl {
        bytes: Bytes::from_static(b"x"),
        mode: active(offset),
    };
    let shape = |elements: &[i32], datas: &[i32]| ModuleShape {
        types: vec![FuncType::new([], [])].into(),
        imports: vec![
            import(ImportType::Table(TableType::new(RefType::Func, 0, None))),
            import(ImportType::Memory(MemoryType::new(0, None))),
        ]
        .into(),
        funcs: vec![0].into(),
        tables: vec![TableDecl {
            ty: TableType::new(RefType::Func, 0, None),
            init: None,
        }]
        .into(),
        memories: vec![MemoryType::new(0, None)].into(),
        elements: elements.iter().map(|&offset| element(offset)).collect(),
        data: datas.iter().map(|&offset| data(offset)).collect(),
        ..ModuleShape::default()
    };
    let imports = [table.into(), memory.into()];

    let error = instantiate(&mut store, shape(&[0], &[0, -1, 1]), &imports).unwrap_err();
    assert_eq!(
        error,
        InstantiateError::Trap(TrapCode::MemoryOutOfBounds.into())
    );
    assert_eq!(store.as_ref().memory(memory).unwrap().data()[..2], *b"x\0");
    let first = store.as_ref().table(table).unwrap().get(0).unwrap();
    let func = store.as_ref().func_of_ref(first).unwrap();
    assert!(
        !store.as_ref().func(func).unwrap().is_host(),
        "the function outlives the failure"
    );

    let error = instantiate(&mut store, shape(&[1, 2], &[5]), &imports).unwrap_err();
    assert_eq!(
        error,
        InstantiateError::Trap(TrapCode::TableOutOfBounds.into())
    );
    assert_ne!(
        store.as_ref().table(table).unwrap().get(1),
        Some(Cell::ZERO)
    );
    assert_eq!(
        store.as_ref().memory(memory).unwrap().data()[5],
        0,
        "data comes after elements"
    );
}

#[test]
fn imports_are_matched_with_current_sizes() {
    let mut store = store();
    let memory = memory(&mut store, 1);
    let ty = MemoryType::new(2, None);
    let shape = || ModuleShape {
        imports: vec![import(ImportType::Memory(ty))].into(),
        memories: vec![ty].into(),
        ..ModuleShape::default()
    };
    let error = instantiate(&mut store, shape(), &[memory.into()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "incompatible import type for `thing` from `env` (import 0): \
         expected memory of 2.. pages, found memory of 1.. pages"
    );
    store.as_mut().grow_memory(memory, 1).unwrap();
    assert!(instantiate(&mut store, shape(), &[memory.into()]).is_ok());
    let global = global(&mut store, 0);
    let error = instantiate(&mut store, shape(), &[global.into()]).unwrap_err();
    assert!(matches!(error, InstantiateError::ImportType(_)));
    let error = instantiate(&mut store, shape(), &[]).unwrap_err();
    assert_eq!(
        error,
        InstantiateError::ImportCount {
            expected: 1,
            found: 0,
            missing: Some(Box::new(MissingImport {
                module: "env".into(),
                name: "thing".into(),
                expected: MemoryType::new(2, None).into(),
            })),
        }
    );
    assert_eq!(
        error.to_string(),
        "expected 1 imports, found 0: the first one missing is `thing` from `env`, \
         a memory of 2.. pages"
    );
    let error = instantiate(&mut store, shape(), &[memory.into(), memory.into()]).unwrap_err();
    assert_eq!(error.to_string(), "expected 1 imports, found 2");
}

#[test]
fn imports_of_other_stores_are_errors() {
    let [mut a, mut b] = [store(), store()];
    let memory = memory(&mut a, 1);
    let ty = MemoryType::new(1, None);
    let shape = ModuleShape {
        imports: vec![import(ImportType::Memory(ty))].into(),
        memories: vec![ty].into(),
        ..ModuleShape::default()
    };
    let error = instantiate(&mut b, shape, &[memory.into()]).unwrap_err();
    let (a, b) = (a.as_ref().id(), b.as_ref().id());
    assert_eq!(
        error.to_string(),
        alloc::format!("import 0: a memory of {a} was used with {b}")
    );
}

#[test]
fn code_of_another_module_is_refused() {
    let mut store = store();
    let [a, b] = [everything(0, 0), everything(0, 0)].map(Arc::new);
    let result = store.as_mut().instantiate(&a, code(&b), &[]);
    assert_eq!(result, Err(InstantiateError::CodeOfAnotherModule));
    let result = store
        .as_mut()
        .instantiate(&a, CodeHandle::empty(Arc::clone(&a)), &[]);
    assert_eq!(
        result,
        Err(InstantiateError::CodeCount {
            expected: 2,
            found: 0
        })
    );
    let result = store.as_mut().instantiate(&a, code(&a), &[]);
    assert!(result.is_ok());
    let empty = Arc::new(ModuleShape::default());
    let result = store
        .as_mut()
        .instantiate(&empty, CodeHandle::empty(Arc::clone(&empty)), &[]);
    assert!(result.is_ok());
}

#[test]
fn an_inconsistent_shape_is_an_error() {
    let mut shape = everything(0, 0);
    shape.funcs[1] = 5;
    let error = instantiate(&mut store(), shape, &[]).unwrap_err();
    assert!(
        matches!(error, InstantiateError::Shape(ShapeError::Index { .. })),
        "{error}"
    );
}

#[test]
fn what_fails_before_the_segments_leaves_nothing_behind() {
    let mut config = StoreConfig::default();
    config.vtable.limiter = Some(Box::new(
        |_: crate::HostDataMut<'_>, request: crate::GrowRequest| match request.kind {
            ExternKind::Table => GrowDecision::Deny,
            _ => GrowDecision::Allow,
        },
    ));
    let mut store = PrunedStore::new((), config);
    let error = instantiate(&mut store, everything(0, 0), &[]).unwrap_err();
    assert!(
        matches!(error, InstantiateError::Table { index: 0, .. }),
        "{error}"
    );
    assert_eq!(memory(&mut store, 1).index(), 0, "the memory was not added");

    let mut shape = everything(0, 0);
    shape.memories[0] = MemoryType::new(65_537, None);
    let error = instantiate(&mut store, shape, &[]).unwrap_err();
    assert!(
        matches!(error, InstantiateError::Memory { index: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_reference_that_the_store_does_not_have_stops_instantiation() {
    let mut store = store();
    let ty = GlobalType::new(ValType::FuncRef, Mutability::Const);
    let nonsense = store.as_mut().alloc_global(ty, Cell::from_bits(99));
    let mut shape = everything(0, 0);
    shape.imports = vec![import(ImportType::Global(ty))].into();
    shape.globals = vec![GlobalDecl { ty, init: None }].into();
    shape.elements[0].items =
        ElementItems::Exprs(vec![ConstExpr::new([ConstOp::GlobalGet(0)])].into());
    let error = instantiate(&mut store, shape, &[nonsense.into()]).unwrap_err();
    assert_eq!(
        error,
        InstantiateError::Trap(TrapCode::InvalidReference.into())
    );
}

#[test]
fn the_context_follows_memory_zero_of_the_running_instance() {
    let mut store = store();
    let with = instantiate(&mut store, everything(0, 0), &[]).unwrap();
    let without = instantiate(&mut store, ModuleShape::default(), &[]).unwrap();
    let Some(ExternHandle::Memory(memory)) = store.as_ref().instance(with).unwrap().export("a")
    else {
        panic!("no memory")
    };
    let [with, without] =
        [with, without].map(|handle| raw_instance(&mut store, handle).cast_const());
    let context = store.as_mut().context().as_ptr();
    // SAFETY: the context and instances of one store, which nobody uses meanwhile.
    unsafe {
        let base = (*context).enter_instance(with);
        assert_eq!(core::slice::from_raw_parts(base, 6), b"active");
        assert_eq!((*context).mem0_limits[0], PAGE_SIZE as i64 - 1);
        assert_eq!((*context).instance, with);
        assert_eq!((*context).globals, (*with).globals);
        assert_eq!((*context).code, (*with).code);
    }
    store.as_mut().grow_memory(memory, 1).unwrap();
    assert_eq!(
        store.as_mut().context().as_ptr(),
        context,
        "the context does not move"
    );
    // SAFETY: as before.
    unsafe {
        let base = (*context).refresh_mem0();
        assert_eq!(base, (**(*with).memories).base);
        assert_eq!(core::slice::from_raw_parts(base, 6), b"active");
        assert_eq!((*context).mem0_limits[3], 2 * PAGE_SIZE as i64 - 8);
        (*context).enter_instance(without);
        assert!((*context).mem0_limits.iter().all(|&limit| limit < 0));
    }
}

/// Imports that are functions in the store, host functions to come, and something else.
#[test]
fn host_functions_enter_the_store_with_their_instance_only() {
    let mut config = StoreConfig::default();
    config.vtable.limiter = Some(Box::new(Instances(1)));
    let mut store = PrunedStore::new(7_u8, config);
    let ty = || FuncType::new([], []);
    let host = || HostFunc::new::<u8>(ty(), |_, _| Ok(()));
    let there = store.as_mut().alloc_host_func(host()).unwrap();
    let memory = memory(&mut store, 1);
    let func = |ty| import(ImportType::Func(ty));
    let shape = ModuleShape {
        types: vec![ty()].into(),
        imports: vec![
            func(0),
            import(ImportType::Memory(MemoryType::new(1, None))),
            func(0),
            func(0),
        ]
        .into(),
        funcs: vec![0, 0, 0].into(),
        memories: vec![MemoryType::new(1, None)].into(),
        ..ModuleShape::default()
    };
    let shape = Arc::new(shape);
    let items = |last: HostFunc| {
        vec![
            ImportItem::HostFunc(host()),
            ImportItem::Extern(memory.into()),
            ImportItem::Extern(there.into()),
            ImportItem::HostFunc(last),
        ]
    };
    let mut instantiate = |last| {
        let code = code(&shape);
        store.as_mut().instantiate_with(&shape, code, items(last))
    };
    let error = instantiate(HostFunc::new::<u16>(ty(), |_, _| Ok(()))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "import 3: expected a store with host data of type `u16`, found one with `u8`"
    );
    let other = FuncType::new([ValType::I32], []);
    let error = instantiate(HostFunc::untyped(other, |_, _| Ok(()))).unwrap_err();
    assert!(matches!(error, InstantiateError::ImportType(_)), "{error}");
    let instance = instantiate(host()).unwrap();
    let error = instantiate(host()).unwrap_err();
    assert!(matches!(error, InstantiateError::TooMany(_)), "{error}");
    // The functions: first the one that was there, then the two of the instance, nothing else.
    let instance = store.as_ref().instance(instance).unwrap();
    let indices = [0, 1, 2].map(|index| instance.func(index).unwrap().index);
    assert_eq!(indices, [1, 0, 2]);
    assert_eq!(store.as_mut().next_func().index(), 3);
}

/// Allows so many instances.
struct Instances(usize);

impl Limiter for Instances {
    fn growing(&mut self, _: HostDataMut<'_>, _: GrowRequest) -> GrowDecision {
        GrowDecision::Allow
    }

    fn max_count(&mut self, _: HostDataMut<'_>, counted: Counted) -> usize {
        match counted {
            Counted::Instances => self.0,
            _ => usize::MAX,
        }
    }
}
