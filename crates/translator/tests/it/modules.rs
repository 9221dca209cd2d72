//! What parsing finds in a module, and what it refuses.

use damson_core::{
    Bytes, ConstOp, ElementItems, ExternKind, ImportType, MemoryType, Mutability, RefType,
    SegmentMode, TableType, ValType,
};
use damson_translator::{Allocations, Config, Error, Module, validate};

use crate::support::module;

const EVERYTHING: &str = r#"
    (module
        (type $binary (func (param i32 i64) (result f32)))
        (type $many (func (result f64 funcref externref)))
        (import "env" "f" (func $imported (type $binary)))
        (import "env" "t" (table 2 4 funcref))
        (import "env" "m" (memory 1 2))
        (import "env" "g" (global $base i32))
        (func $first (type $many) unreachable)
        (func $second)
        (table $refs 3 externref)
        (memory 5)
        (global (mut i64) (i64.const -7))
        (global i32 (i32.add (global.get $base) (i32.const 4)))
        (global funcref (ref.func $second))
        (global externref (ref.null extern))
        (global f32 (f32.const -1.5))
        (global f64 (f64.const nan:0x4000000000001))
        (export "a" (func $first))
        (export "b" (memory 0))
        (export "c" (global 1))
        (export "" (table $refs))
        (start $second)
        (elem (i32.const 1) $second $first)
        (elem declare func $imported)
        (elem funcref (ref.func $first) (ref.null func))
        (data (memory 1) (i32.const 9) "abc")
        (data "passive")
        (@custom "note" "text")
    )
"#;

#[test]
fn the_shape_holds_everything_but_code() {
    let module = module(EVERYTHING, &Config::default());
    let shape = module.shape();
    assert_eq!(shape.check(), Ok(()));

    let types: Vec<String> = shape.types.iter().map(ToString::to_string).collect();
    assert_eq!(
        types,
        [
            "(i32, i64) -> f32",
            "() -> (f64, funcref, externref)",
            "() -> ()"
        ]
    );
    assert_eq!(*shape.funcs, [0, 1, 2]);

    let imports: Vec<_> = shape
        .imports
        .iter()
        .map(|import| (&*import.module, &*import.name))
        .collect();
    assert_eq!(
        imports,
        [("env", "f"), ("env", "t"), ("env", "m"), ("env", "g")]
    );
    assert_eq!(shape.imports[0].ty, ImportType::Func(0));
    assert_eq!(
        shape.imports[1].ty,
        ImportType::Table(TableType::new(RefType::Func, 2, Some(4)))
    );
    assert_eq!(
        shape.imports[2].ty,
        ImportType::Memory(MemoryType::new(1, Some(2)))
    );

    assert_eq!(shape.tables.len(), 2);
    assert_eq!(shape.tables[1].ty, TableType::new(RefType::Extern, 3, None));
    assert_eq!(
        *shape.memories,
        [MemoryType::new(1, Some(2)), MemoryType::new(5, None)]
    );

    let inits: Vec<_> = shape
        .globals
        .iter()
        .map(|global| global.init.as_ref().map(|init| init.ops()))
        .collect();
    assert_eq!(inits[0], None);
    assert_eq!(inits[1], Some(&[ConstOp::I64Const(-7)][..]));
    assert_eq!(
        inits[2],
        Some(&[ConstOp::GlobalGet(0), ConstOp::I32Const(4), ConstOp::I32Add][..])
    );
    assert_eq!(inits[3], Some(&[ConstOp::RefFunc(2)][..]));
    assert_eq!(inits[4], Some(&[ConstOp::RefNull][..]));
    assert_eq!(
        inits[5],
        Some(&[ConstOp::F32Const((-1.5f32).to_bits())][..])
    );
    assert_eq!(
        inits[6],
        Some(&[ConstOp::F64Const(0x7ff4_0000_0000_0001)][..])
    );
    assert_eq!(shape.globals[1].ty.mutability(), Mutability::Var);
    assert_eq!(shape.globals[1].ty.content(), ValType::I64);

    let exports: Vec<_> = shape
        .exports
        .iter()
        .map(|export| (&*export.name, export.kind, export.index))
        .collect();
    assert_eq!(
        exports,
        [
            ("a", ExternKind::Func, 1),
            ("b", ExternKind::Memory, 0),
            ("c", ExternKind::Global, 1),
            ("", ExternKind::Table, 1)
        ]
    );
    assert_eq!(shape.start, Some(2));

    assert!(matches!(
        shape.elements[0].mode,
        SegmentMode::Active { index: 0, .. }
    ));
    assert_eq!(shape.elements[0].items, ElementItems::Funcs([2, 1].into()));
    assert_eq!(shape.elements[1].mode, SegmentMode::Declared);
    assert_eq!(shape.elements[2].mode, SegmentMode::Passive);
    assert!(matches!(&shape.elements[2].items, ElementItems::Exprs(items) if items.len() == 2));
    assert!(matches!(
        shape.data[0].mode,
        SegmentMode::Active { index: 1, .. }
    ));
    assert_eq!(*shape.data[0].bytes, *b"abc");
    assert_eq!(shape.data[1].mode, SegmentMode::Passive);
}

#[test]
fn functions_have_names_and_bodies() {
    let module = module(EVERYTHING, &Config::default());
    assert_eq!(module.num_defined(), 2);
    assert_eq!(module.defined_funcs(), 1..3);
    let names: Vec<_> = (0..4).map(|func| module.func_name(func)).collect();
    assert_eq!(
        names,
        [Some("imported"), Some("first"), Some("second"), None]
    );
    assert_eq!(module.body_bytes(0), None);
    // No locals; `unreachable`, `end`.
    assert_eq!(module.body_bytes(1), Some(&[0, 0x00, 0x0b][..]));
    assert_eq!(module.body_bytes(2), Some(&[0, 0x0b][..]));
    assert_eq!(module.body_bytes(3), None);
}

#[test]
fn bodies_are_where_they_are_in_the_binary() {
    let wasm = wat::parse_str(EVERYTHING).unwrap();
    let module = Module::parse(&wasm, &Config::default()).unwrap();
    for func in module.defined_funcs() {
        let range = module.body_range(func).unwrap();
        let bytes = &wasm[range.start as usize..range.end as usize];
        assert_eq!(module.body_bytes(func), Some(bytes));
    }
}

#[test]
fn custom_sections_are_kept_in_order() {
    let module = module(EVERYTHING, &Config::default());
    let sections: Vec<_> = module
        .custom_sections()
        .map(|section| (&*section.name, section.data.len()))
        .collect();
    assert!(sections.contains(&("note", 4)), "{sections:?}");
    assert!(
        sections.iter().any(|(name, _)| *name == "name"),
        "{sections:?}"
    );
    let note = module
        .custom_sections()
        .find(|section| &*section.name == "note")
        .unwrap();
    assert_eq!(*note.data, *b"text");
}

/// What a module keeps of its bytes: bodies, data and custom sections.
fn kept(module: &Module) -> Vec<&[u8]> {
    let bodies = module.defined_funcs();
    let bodies = bodies.filter_map(|index| module.body_bytes(index));
    let data = module.shape().data.iter().map(|segment| &*segment.bytes);
    let sections = module.custom_sections().map(|section| &*section.data);
    bodies.chain(data).chain(sections).collect()
}

#[test]
fn shared_bytes_are_not_copied_and_stay() {
    let wasm = wat::parse_str(EVERYTHING).unwrap();
    let copying = Module::parse(&wasm, &Config::default()).unwrap();
    let shared = Bytes::from(wasm.clone());
    let range = shared.as_ptr_range();
    let sharing = Module::parse_shared(&shared, &Config::default()).unwrap();
    assert_eq!(sharing.shape(), copying.shape());
    drop(shared);

    assert_eq!(kept(&sharing), kept(&copying));
    assert!(kept(&sharing).len() >= 6);
    let within = |range: std::ops::Range<*const u8>, part: &[u8]| range.contains(&part.as_ptr());
    for (ours, copied) in kept(&sharing).into_iter().zip(kept(&copying)) {
        assert!(within(range.clone(), ours), "{ours:?}");
        assert!(!within(wasm.as_ptr_range(), copied), "{copied:?}");
    }
    // Each outlives the module.
    let (shape, info) = (sharing.shape().clone(), sharing.debug_info().clone());
    drop(sharing);
    assert_eq!(*shape.data[0].bytes, *b"abc");
    drop(shape);
    assert!(
        info.custom_sections()
            .any(|section| section.data == b"text"[..])
    );
}

#[test]
fn offsets_of_segments_are_what_is_written() {
    for (text, expected) in [
        ("(i32.const 0)", &[ConstOp::I32Const(0)][..]),
        ("(i32.const -1)", &[ConstOp::I32Const(-1)]),
        ("(i32.const 0x7fffffff)", &[ConstOp::I32Const(i32::MAX)]),
        ("(i32.const -0x80000000)", &[ConstOp::I32Const(i32::MIN)]),
        ("(global.get 0)", &[ConstOp::GlobalGet(0)]),
        (
            "(i32.sub (i32.const 5) (i32.const 6))",
            &[ConstOp::I32Const(5), ConstOp::I32Const(6), ConstOp::I32Sub],
        ),
    ] {
        let text = format!(
            r#"(module (import "m" "g" (global i32)) (memory 1) (data (offset {text}) "x"))"#
        );
        let module = module(&text, &Config::default());
        let SegmentMode::Active { offset, .. } = &module.shape().data[0].mode else {
            panic!("an active segment")
        };
        assert_eq!(offset.ops(), expected);
    }
}

#[test]
fn a_damaged_name_section_is_ignored() {
    let mut wasm = wat::parse_str("(module (func) (func))").unwrap();
    // Names of functions: the first is whole, the second claims more bytes than there are.
    let names = b"\x04name\x01\x07\x02\x00\x01a\x01\x09b";
    wasm.extend([0, names.len() as u8]);
    wasm.extend(names);
    let module = Module::parse(&wasm, &Config::default()).unwrap();
    assert_eq!(module.func_name(0), Some("a"));
    assert_eq!(module.func_name(1), None);
}

#[test]
fn the_empty_module_is_a_module() {
    let module = Module::parse(b"\0asm\x01\0\0\0", &Config::default()).unwrap();
    assert_eq!(module.num_defined(), 0);
    assert_eq!(module.defined_funcs(), 0..0);
    assert!(matches!(
        module.translate(0),
        Err(Error::NoBody {
            func_index: 0,
            imported: 0,
            total: 0
        })
    ));
}

#[test]
fn functions_without_a_body_are_not_translated() {
    let module = module(EVERYTHING, &Config::default());
    for func_index in [0, 3, u32::MAX] {
        let expected = Error::NoBody {
            func_index,
            imported: 1,
            total: 3,
        };
        assert_eq!(module.translate(func_index), Err(expected.clone()));
        assert_eq!(module.validate_body(func_index), Err(expected));
    }
}

#[test]
fn malformed_and_invalid_are_told_apart() {
    // A function body that claims a local declaration and ends.
    let malformed = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\x01\x0b";
    match validate(malformed, &Config::default()) {
        Err(Error::Malformed { offset, .. }) => assert_eq!(offset, 0x18),
        other => panic!("{other:?}"),
    }
    match validate(b"\0asm\x02\0\0\0", &Config::default()) {
        Err(Error::Malformed { message, .. }) => {
            assert!(message.contains("unknown binary version"))
        }
        other => panic!("{other:?}"),
    }
    let invalid = wat::parse_str("(module (func (result i32) i64.const 0))").unwrap();
    match validate(&invalid, &Config::default()) {
        Err(Error::Invalid { message, offset }) => {
            assert!(message.contains("type mismatch"), "{message}");
            assert_eq!(invalid[offset as usize], 0x0b);
        }
        other => panic!("{other:?}"),
    }
    let invalid = wat::parse_str("(module (func (call 7)))").unwrap();
    assert!(matches!(
        validate(&invalid, &Config::default()),
        Err(Error::Invalid { .. })
    ));
}

#[test]
fn bodies_are_validated_when_asked_for_and_when_translated() {
    let module = module(
        "(module (func i32.const 0 drop) (func (result i32) f32.const 0) (func unreachable i32.add drop))",
        &Config::default(),
    );
    let mut allocations = Allocations::default();
    for _ in 0..2 {
        assert_eq!(module.validate_body_with(0, &mut allocations), Ok(()));
        let invalid = module.validate_body_with(1, &mut allocations).unwrap_err();
        assert_eq!(
            module.translate_with(1, &mut allocations).unwrap_err(),
            invalid
        );
        // What a failure leaves behind does not change the next function.
        assert_eq!(
            module.translate_with(2, &mut allocations),
            module.translate(2)
        );
    }
    assert!(module.validate_bodies().is_err());
}

#[test]
fn functions_can_be_translated_on_any_thread() {
    let module = module(
        "(module (func (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))",
        &Config::default(),
    );
    let here = module.translate(0).unwrap();
    let there = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| module.translate(0).unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(there.iter().all(|function| *function == here));
}

#[test]
fn truncated_modules_are_errors() {
    let wasm = wat::parse_str(EVERYTHING).unwrap();
    let whole_sections = (0..wasm.len())
        .filter(|&len| validate(&wasm[..len], &Config::default()).is_ok())
        .count();
    // Only where a section ends can a module end, and not at most of those.
    assert!(whole_sections < 12, "{whole_sections}");
}
