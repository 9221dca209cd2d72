//! Memories, tables, globals, values, host objects, and instances with their exports.

use wasmi::errors::{ErrorKind, FuncError, GlobalError, MemoryError, TableError};
use wasmi::{
    Engine, Error, Export, ExportsIter, Extern, ExternRef, ExternType, F32, F64, Func, Global,
    GlobalType, Memory, MemoryType, MemoryTypeBuilder, Mutability, Nullable, Ref, RefType, Store,
    Table, TableType, TrapCode, Val, ValType,
};

use super::start;

#[test]
fn memories() -> Result<(), Error> {
    let mut store = Store::new(&Engine::default(), vec![1_u8, 2, 3]);
    let ty = MemoryType::new(1, Some(3));
    assert!(!ty.is_64());
    let memory = Memory::new(&mut store, ty)?;
    assert_eq!((memory.ty(&store).minimum(), memory.size(&store)), (1, 1));
    assert_eq!(memory.data_size(&store), 65_536);
    let written: Result<(), MemoryError> = memory.write(&mut store, 10, b"hello");
    written?;
    let mut buffer = [0; 5];
    let read: Result<(), MemoryError> = memory.read(&store, 10, &mut buffer);
    read?;
    assert_eq!(&buffer, b"hello");
    assert!(matches!(
        memory.read(&store, 65_533, &mut buffer),
        Err(MemoryError::OutOfBoundsAccess { .. })
    ));
    // As an error of a host function, it is like the trap.
    let error: Error = memory
        .read(&store, 65_533, &mut buffer)
        .expect_err("beyond the end")
        .into();
    assert_eq!(error.as_trap_code(), Some(TrapCode::MemoryOutOfBounds));
    assert!(matches!(error.kind(), ErrorKind::Memory(_)));
    memory.data_mut(&mut store)[0] = 9;
    assert_eq!(memory.data(&store)[0], 9);
    let (bytes, data) = memory.data_and_store_mut(&mut store);
    bytes[..3].copy_from_slice(data);
    data.push(bytes[10]);
    assert_eq!(*store.data(), [1, 2, 3, b'h']);
    assert_eq!(
        memory.data_ptr(&store).cast_const(),
        memory.data(&store).as_ptr()
    );
    let grown: Result<u64, MemoryError> = memory.grow(&mut store, 2);
    assert_eq!((grown?, memory.size(&store)), (1, 3));
    assert!(memory.grow(&mut store, 1).is_err());

    let buffer: &'static mut [u8] = Box::leak(vec![0; 2 * 65_536].into());
    let fixed = Memory::new_static(&mut store, MemoryType::new(1, None), buffer)?;
    assert_eq!(fixed.grow(&mut store, 1)?, 1);
    assert!(fixed.grow(&mut store, 1).is_err());

    let mut builder: MemoryTypeBuilder = MemoryType::builder();
    builder
        .min(2)
        .max(Some(5))
        .memory64(false)
        .page_size_log2(16);
    let ty: MemoryType = builder.build().expect("a memory can be like that");
    assert_eq!(ty, MemoryType::new(2, Some(5)));
    assert!(MemoryTypeBuilder::new().min(3).max(Some(2)).build_is_err());
    Ok(())
}

/// `build` takes the builder by value, its setters give a reference.
trait BuildIsErr {
    fn build_is_err(&mut self) -> bool;
}

impl BuildIsErr for MemoryTypeBuilder {
    fn build_is_err(&mut self) -> bool {
        core::mem::take(self).build().is_err()
    }
}

#[test]
fn tables() -> Result<(), Error> {
    let mut store = Store::new(&Engine::default(), ());
    let null = Ref::null(RefType::Func);
    let ty = TableType::new(RefType::Func, 3, Some(5));
    assert_eq!(
        (ty.element(), ty.minimum(), ty.maximum(), ty.is_64()),
        (RefType::Func, 3, Some(5), false)
    );
    let table = Table::new(&mut store, ty, null)?;
    let func = Func::wrap(&mut store, || 7_i32);
    let set: Result<(), TableError> = table.set(&mut store, 1, Ref::from(Nullable::Val(func)));
    set?;
    let element: Ref = table.get(&store, 1).expect("inside");
    assert!(element.is_func() && element.is_non_null() && !element.is_extern());
    let Some(Nullable::Val(found)) = element.as_func() else {
        panic!("it was set");
    };
    assert_eq!(found.typed::<(), i32>(&store)?.call(&mut store, ())?, 7);
    assert!(element.unwrap_func().val().is_some());
    assert!(element.as_extern().is_none());
    assert!(table.get(&store, 0).expect("inside").is_null());
    assert!(table.get(&store, 3).is_none());
    assert!(table.set(&mut store, 3, null).is_err());
    let grown: Result<u64, TableError> = table.grow(&mut store, 2, Ref::from(Nullable::Val(func)));
    assert_eq!((grown?, table.size(&store)), (3, 5));
    assert!(table.grow(&mut store, 1, null).is_err());
    table.fill(&mut store, 0, null, 2)?;
    assert!(table.get(&store, 1).expect("inside").is_null());

    let other = Table::new(&mut store, TableType::new(RefType::Func, 2, None), null)?;
    Table::copy(&mut store, &other, 0, &table, 3, 2)?;
    assert!(other.get(&store, 1).expect("inside").is_non_null());
    assert!(Table::copy(&mut store, &other, 1, &table, 0, 2).is_err());
    assert_eq!(other.ty(&store).minimum(), 2);
    assert!(Ref::default_for_ty(RefType::Extern).is_null());
    assert_eq!(null.ty(), RefType::Func);

    let objects = TableType::new(RefType::Extern, 1, None);
    assert!(matches!(
        Table::new(&mut store, objects, null)
            .expect_err("types")
            .kind(),
        ErrorKind::Table(TableError::ElementTypeMismatch { .. })
    ));
    Ok(())
}

#[test]
fn globals_and_values() -> Result<(), Error> {
    let mut store = Store::new(&Engine::default(), ());
    let global = Global::new(&mut store, Val::I32(1), Mutability::Var);
    assert_eq!(
        global.ty(&store),
        GlobalType::new(ValType::I32, Mutability::Var)
    );
    let set: Result<(), GlobalError> = global.set(&mut store, Val::I32(2));
    set?;
    assert_eq!(global.get(&store).i32(), Some(2));
    assert!(matches!(
        global.set(&mut store, Val::I64(0)),
        Err(GlobalError::TypeMismatch { .. })
    ));
    let constant = Global::new(&mut store, Val::from(2.5_f64), Mutability::Const);
    assert!(matches!(
        constant.set(&mut store, Val::from(2.5_f64)),
        Err(GlobalError::ImmutableWrite { .. })
    ));

    for (value, ty) in [
        (Val::from(1_i32), ValType::I32),
        (Val::from(1_i64), ValType::I64),
        (Val::from(F32::from_float(1.0)), ValType::F32),
        (Val::from(F64::from_bits(0)), ValType::F64),
        (Val::FuncRef(Nullable::Null), ValType::FuncRef),
        (Val::ExternRef(Nullable::Null), ValType::ExternRef),
    ] {
        assert_eq!(value.ty(), ty);
        assert_eq!(Val::default_for_ty(ty).ty(), ty);
        assert_eq!(ty.is_num(), !ty.is_ref());
        let value: Val = value.clone();
        assert_eq!(value.funcref().is_some(), ty == ValType::FuncRef);
        assert_eq!(value.externref().is_some(), ty == ValType::ExternRef);
    }
    assert!(ValType::from(RefType::Func) == ValType::FuncRef && ValType::I32 < ValType::I64);
    assert_eq!(F32::from_float(1.5).to_bits(), 1.5_f32.to_bits());
    assert_eq!(F64::from(1.5).to_float(), 1.5);
    assert_eq!(
        u8::from(TrapCode::UnreachableCodeReached),
        TrapCode::UnreachableCodeReached as u8
    );
    assert!(TrapCode::try_from(u8::MAX).is_err());
    assert_eq!(
        TrapCode::OutOfFuel.to_string(),
        TrapCode::OutOfFuel.trap_message()
    );
    Ok(())
}

#[test]
fn host_objects() -> Result<(), Error> {
    let mut store = Store::new(&Engine::default(), ());
    let object = ExternRef::new(&mut store, String::from("object"));
    let text = object.data(&store).downcast_ref::<String>();
    assert_eq!(text.map(String::as_str), Some("object"));
    let reference: Nullable<ExternRef> = object.into();
    assert!(!reference.is_null());
    assert!(reference.val().is_some() && reference.as_ref().val().is_some());
    let echo = Func::wrap(&mut store, |object: Nullable<ExternRef>| object);
    let echo = echo.typed::<Nullable<ExternRef>, Nullable<ExternRef>>(&store)?;
    let back = echo.call(&mut store, reference)?;
    let Nullable::Val(back) = back else {
        panic!("it is not null");
    };
    assert!(back.data(&store).is::<String>());
    Ok(())
}

#[test]
fn instances_and_their_exports() -> Result<(), Error> {
    let (store, instance) = start(
        r#"(module
            (func (export "f")) (global (export "g") i32 (i32.const 5))
            (memory (export "m") 1) (table (export "t") 1 funcref))"#,
    )?;
    let exports: ExportsIter<'_> = instance.exports(&store);
    assert_eq!(exports.len(), 4);
    for export in instance.exports(&store) {
        let export: Export<'_> = export;
        let ty: ExternType = export.ty(&store);
        let item: Extern = export.clone().into_extern();
        match export.name() {
            "f" => assert!(ty.func().is_some() && item.into_func().is_some()),
            "g" => assert!(ty.global().is_some() && item.into_global().is_some()),
            "m" => assert!(ty.memory().is_some() && export.into_memory().is_some()),
            "t" => assert!(ty.table().is_some() && export.into_table().is_some()),
            other => panic!("{other}"),
        }
    }
    assert!(matches!(
        instance.get_export(&store, "f"),
        Some(Extern::Func(_))
    ));
    assert!(instance.get_func(&store, "g").is_none());
    let global: Global = instance.get_global(&store, "g").expect("exported");
    assert_eq!(global.get(&store).i32(), Some(5));
    assert!(instance.get_memory(&store, "m").is_some());
    assert!(instance.get_table(&store, "t").is_some());
    let missing = instance
        .get_typed_func::<(), ()>(&store, "x")
        .expect_err("none");
    assert!(matches!(
        missing.kind(),
        ErrorKind::Func(FuncError::ExportedFuncNotFound { .. })
    ));
    Ok(())
}
