//! Loads and stores of all widths in all forms, at the edges of memories.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::types::PAGE_SIZE;
use damson_executor::store::{Cell, InstanceHandle, PrunedStore, TrapCode};
use std::collections::HashMap;

/// A load: how many bytes, which accumulator, and what comes out of them.
#[derive(Clone, Copy)]
struct LoadOf {
    size: usize,
    copy: CopyValue,
    extend: fn(&[u8]) -> u64,
}

/// A store: how many bytes, which accumulator, and what goes into them.
#[derive(Clone, Copy)]
struct StoreOf {
    size: usize,
    copy: CopyValue,
    truncate: fn(u64) -> [u8; 8],
}

macro_rules! copy_of {
    (f32) => {
        CopyValue::F32Copy
    };
    (f64) => {
        CopyValue::F64Copy
    };
    ($int:ident) => {
        CopyValue::IntCopy
    };
}

macro_rules! access {
    ($loads:ident $stores:ident $op:expr, [load $mem:ident -> $out:ident]) => {
        $loads.insert(
            $op,
            LoadOf {
                size: size_of::<$mem>(),
                copy: copy_of!($out),
                extend: |bytes| {
                    Cell::new($mem::from_le_bytes(bytes.try_into().unwrap()) as $out).to_bits()
                },
            },
        );
    };
    ($loads:ident $stores:ident $op:expr, [store $in:ident -> $mem:ident]) => {
        $stores.insert(
            $op,
            StoreOf {
                size: size_of::<$mem>(),
                copy: copy_of!($in),
                truncate: |bits| {
                    let mut all = [0; 8];
                    let bytes = (Cell::from_bits(bits).get::<$in>() as $mem).to_le_bytes();
                    all[..bytes.len()].copy_from_slice(&bytes);
                    all
                },
            },
        );
    };
    ($loads:ident $stores:ident $op:expr, $other:tt) => {};
}

fn accesses() -> (HashMap<Op, LoadOf>, HashMap<Op, StoreOf>) {
    let (mut loads, mut stores) = (HashMap::new(), HashMap::new());
    macro_rules! collect {
        ($( $(#[$family_doc:meta])* $Family:ident {
            ops { $( $(#[$op_doc:meta])* $Op:ident $name:literal $semantics:tt, )* }
            operands $names:tt
            forms $forms:tt
        } )*) => {$($(
            access!(loads stores $Family::$Op.op(), $semantics);
        )*)*};
    }
    damson_executor::ir::instruction_table!(collect);
    (loads, stores)
}

/// Memory 0 has one page, memory 1 has two.
fn len(kind: Kind) -> u64 {
    PAGE_SIZE as u64 * if kind == Kind::MemOffset { 2 } else { 1 }
}

/// Address, offset, and whether `size` bytes there are in a memory of `len` bytes.
fn places(len: u64, size: u64) -> Vec<(u32, u32, bool)> {
    let last = len - size;
    let mut places = Vec::new();
    for effective in [0, last - 1, last, last + 1, len, 1 << 31] {
        for offset in [0, 3, 1 << 16] {
            if let Some(address) = effective.checked_sub(offset) {
                places.push((address as u32, offset as u32, effective <= last));
                places.push((offset as u32, address as u32, effective <= last));
            }
        }
    }
    for huge in [u32::MAX, u32::MAX - 7] {
        // Sums that would be small again in 32 bits.
        for other in [u32::MAX, 8, 1 << 31] {
            places.push((huge, other, false));
            places.push((other, huge, false));
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

fn operand_at(kind: Kind, offset: u32) -> Operand {
    match kind {
        Kind::Offset => Operand::Offset(offset),
        Kind::MemOffset => Operand::MemOffset(1, offset),
        other => panic!("{other:?} as an offset"),
    }
}

/// Noise above a 32-bit address, which must not matter.
fn noisy(address: u32) -> u64 {
    0xffff_ffff_0000_0000 | u64::from(address)
}

/// Both memories filled with bytes that differ from their neighbours.
fn filled(module: Module) -> (PrunedStore, InstanceHandle) {
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    for index in 0..2 {
        let memory = memory(&store, instance, index);
        let mut store = store.as_mut();
        let mut memory = store.memory_mut(memory).unwrap();
        for (at, byte) in memory.data_mut().iter_mut().enumerate() {
            *byte = (at as u32).wrapping_mul(2_654_435_761).rotate_left(9) as u8 ^ index as u8;
        }
    }
    (store, instance)
}

fn two_memories() -> Module {
    let mut module = Module::default();
    module.memory(1, None);
    module.memory(2, None);
    module
}

#[test]
fn loads_of_every_width_in_every_form() {
    let (loads, _) = accesses();
    assert_eq!(loads.len(), Family::Load.info().ops.len());
    let mut module = two_memories();
    let ty = module.ty(&[I64], &[I64, I64]);
    let mut cases = Vec::new();
    for opcode in Opcode::all() {
        let Some(&load) = loads.get(&opcode.op()) else {
            continue;
        };
        let &[dst, addr, at] = opcode.form().kinds else {
            panic!("{opcode}")
        };
        for (address, offset, inside) in places(len(at), load.size as u64) {
            let index = module.func(ty, 8, |code| {
                code.op(CopyValue::IntCopy, &[to(5), imm(77)]);
                let dst = if dst == Kind::R { Operand::R } else { rs(5) };
                let addr = match addr {
                    Kind::Slot => s(0),
                    Kind::Imm => imm(address.cast_signed()),
                    _ => {
                        code.op(CopyValue::IntCopy, &[Operand::R, s(0)]);
                        Operand::Acc
                    }
                };
                push_opcode(code, opcode, &[dst, addr, operand_at(at, offset)]);
                code.op(load.copy, &[to(6), Operand::Acc]);
                code.op(
                    ReturnSpan::ReturnSpan,
                    &[code.linkage(), span(5), Operand::Count(2)],
                );
            });
            cases.push((opcode, load, index, address, offset, inside));
        }
    }
    let (mut store, instance) = filled(module);
    for (opcode, load, index, address, offset, inside) in cases {
        let what = format!("{opcode} at {address:#x} + {offset:#x}");
        let func = func(&store, instance, index);
        let result = run(&mut store, func, &[noisy(address), 0]);
        if !inside {
            assert_eq!(trap(result), TrapCode::MemoryOutOfBounds, "{what}");
            continue;
        }
        let memory = u32::from(opcode.form().kinds[2] == Kind::MemOffset);
        let start = address as usize + offset as usize;
        let expected = (load.extend)(&bytes(&store, instance, memory)[start..start + load.size]);
        let slot = if opcode.form().kinds[0] == Kind::R {
            77
        } else {
            expected
        };
        assert_eq!(result.unwrap(), [slot, expected], "{what}");
    }
}

#[test]
fn stores_of_every_width_in_every_form() {
    let (_, stores) = accesses();
    let ops = Family::IntStore.info().ops.len() + Family::FloatStore.info().ops.len();
    assert_eq!(stores.len(), ops);
    const VALUE: u64 = 0x8182_8384_8586_8788;
    let mut module = two_memories();
    let ty = module.ty(&[I64, I64], &[]);
    let mut cases = Vec::new();
    for opcode in Opcode::all() {
        let Some(&store) = stores.get(&opcode.op()) else {
            continue;
        };
        let &[addr, value, at] = opcode.form().kinds else {
            panic!("{opcode}")
        };
        let same_acc = addr == Kind::Acc && value == Kind::Acc && store.copy == CopyValue::IntCopy;
        assert!(!same_acc, "{opcode} would store its address");
        for (address, offset, inside) in places(len(at), store.size as u64) {
            let index = module.func(ty, 8, |code| {
                let addr = match addr {
                    Kind::Slot => s(0),
                    Kind::Imm => imm(address.cast_signed()),
                    _ => {
                        code.op(CopyValue::IntCopy, &[Operand::R, s(0)]);
                        Operand::Acc
                    }
                };
                let value = match value {
                    Kind::Slot => s(1),
                    Kind::Imm => imm(-2),
                    _ => {
                        code.op(store.copy, &[Operand::R, s(1)]);
                        Operand::Acc
                    }
                };
                push_opcode(code, opcode, &[addr, value, operand_at(at, offset)]);
                code.op(Return::Return, &[code.linkage()]);
            });
            cases.push((opcode, store, index, address, offset, inside));
        }
    }
    let (mut store, instance) = filled(module);
    let mut images = [0, 1].map(|memory| bytes(&store, instance, memory).to_vec());
    for (opcode, access, index, address, offset, inside) in cases {
        let what = format!("{opcode} at {address:#x} + {offset:#x}");
        let func = func(&store, instance, index);
        let result = run(&mut store, func, &[noisy(address), VALUE]);
        if inside {
            result.unwrap();
            let memory = usize::from(opcode.form().kinds[2] == Kind::MemOffset);
            let start = address as usize + offset as usize;
            let value = if opcode.form().kinds[1] == Kind::Imm {
                -2_i64 as u64
            } else {
                VALUE
            };
            let written = (access.truncate)(value);
            images[memory][start..start + access.size].copy_from_slice(&written[..access.size]);
        } else {
            assert_eq!(trap(result), TrapCode::MemoryOutOfBounds, "{what}");
        }
        // Nothing else has changed near the edges, where accesses go.
        for (memory, image) in images.iter().enumerate() {
            let found = bytes(&store, instance, memory as u32);
            let end = image.len();
            for range in [0..64, PAGE_SIZE - 64..PAGE_SIZE, end - 64..end] {
                assert_eq!(found[range.clone()], image[range], "{what}");
            }
        }
    }
    for (memory, image) in images.iter().enumerate() {
        assert!(bytes(&store, instance, memory as u32) == &image[..]);
    }
}

#[test]
fn a_memory_without_pages_has_no_first_byte() {
    let (loads, stores) = accesses();
    for opcode in Opcode::all() {
        let (load, store_to) = (loads.get(&opcode.op()), stores.get(&opcode.op()));
        if load.is_none() && store_to.is_none() {
            continue;
        }
        let mut module = Module::default();
        module.memory(0, None);
        module.memory(0, None);
        let ty = module.ty(&[I64], &[]);
        let index = module.func(ty, 8, |code| {
            let operand = |kind: &Kind| match kind {
                Kind::R => Operand::R,
                Kind::Rs => rs(5),
                Kind::Slot => s(0),
                Kind::Acc => Operand::Acc,
                Kind::Imm => imm(0),
                at => operand_at(*at, 0),
            };
            let operands: Vec<_> = opcode.form().kinds.iter().map(operand).collect();
            push_opcode(code, opcode, &operands);
            code.op(Return::Return, &[code.linkage()]);
        });
        let mut store = store();
        let instance = module.instantiate(&mut store, &[]);
        let func = func(&store, instance, index);
        assert_eq!(
            trap(run(&mut store, func, &[0])),
            TrapCode::MemoryOutOfBounds,
            "{opcode}"
        );
    }
}

/// A module with a growing memory 0 that may have 3 pages, and memory 1 fixed at 1 page.
fn growing() -> (PrunedStore, InstanceHandle, [u32; 2]) {
    let mut module = Module::default();
    module.memory(1, Some(3));
    module.memory(1, Some(1));
    let ty = module.ty(&[I32, I32], &[I32, I32, I32, I32]);
    // (delta, address) -> (old size, new size, old size in the accumulator, load there)
    let grow = |memory| {
        move |code: &mut FunctionBuilder| {
            code.op(
                MemoryGrow::MemoryGrow,
                &[rs(10), Operand::Memory(memory), s(0)],
            );
            code.op(CopyValue::IntCopy, &[to(12), Operand::Acc]);
            code.op(MemorySize::MemorySize, &[rs(11), Operand::Memory(memory)]);
            let at = if memory == 0 {
                Operand::Offset(0)
            } else {
                Operand::MemOffset(memory, 0)
            };
            code.op(Load::I32Load8U, &[rs(13), s(1), at]);
            code.op(
                ReturnSpan::ReturnSpan,
                &[code.linkage(), span(10), Operand::Count(4)],
            );
        }
    };
    let functions = [0, 1].map(|memory| module.func(ty, 16, grow(memory)));
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    (store, instance, functions)
}

#[test]
fn growth_shows_at_once() {
    let (mut store, instance, [grow, fixed]) = growing();
    let (grow, fixed) = (func(&store, instance, grow), func(&store, instance, fixed));
    let page = PAGE_SIZE as u64;
    let failed = u64::from(u32::MAX);
    assert_eq!(
        trap(run(&mut store, grow, &[0, page])),
        TrapCode::MemoryOutOfBounds
    );
    assert_eq!(
        run(&mut store, grow, &[1, 2 * page - 1]).unwrap(),
        [1, 2, 1, 0]
    );
    assert_eq!(
        run(&mut store, grow, &[2, 0]).unwrap(),
        [failed, 2, failed, 0]
    );
    assert_eq!(
        run(&mut store, grow, &[u64::from(u32::MAX), 0]).unwrap(),
        [failed, 2, failed, 0]
    );
    assert_eq!(
        run(&mut store, grow, &[1, 3 * page - 1]).unwrap(),
        [2, 3, 2, 0]
    );
    assert_eq!(run(&mut store, grow, &[0, 0]).unwrap(), [3, 3, 3, 0]);
    assert_eq!(
        run(&mut store, fixed, &[0, page - 1]).unwrap(),
        [1, 1, 1, 0]
    );
    assert_eq!(
        run(&mut store, fixed, &[1, 0]).unwrap(),
        [failed, 1, failed, 0]
    );
}

/// A function with operands for a bulk operation in its three parameters.
fn bulk(module: &mut Module, op: impl Operation, indices: &[Operand]) -> u32 {
    let ty = module.ty(&[I32; 3], &[]);
    module.func(ty, 8, |code| {
        code.op(op, &[indices, &[s(0), s(1), s(2)]].concat());
        code.op(Return::Return, &[code.linkage()]);
    })
}

#[test]
fn bulk_operations_on_memory() {
    let mut module = two_memories();
    let memory = Operand::Memory;
    let data = module.data(b"0123456789");
    let fill = bulk(&mut module, MemoryFill::MemoryFill, &[memory(0)]);
    let within = bulk(&mut module, MemoryCopy::MemoryCopy, &[memory(0), memory(0)]);
    let across = bulk(&mut module, MemoryCopy::MemoryCopy, &[memory(1), memory(0)]);
    let init = bulk(
        &mut module,
        MemoryInit::MemoryInit,
        &[memory(1), Operand::Data(data)],
    );
    let ty = module.ty(&[], &[]);
    let drop_data = module.func(ty, 2, |code| {
        code.op(DataDrop::DataDrop, &[Operand::Data(data)]);
        code.op(Return::Return, &[code.linkage()]);
    });
    let mut store = store();
    let instance = module.instantiate(&mut store, &[]);
    let page = PAGE_SIZE as u64;
    let mut call = |index, arguments: [u64; 3]| {
        let func = func(&store, instance, index);
        let arguments = if index == drop_data {
            &[][..]
        } else {
            &arguments
        };
        let result = run(&mut store, func, arguments).map(drop);
        let view =
            |memory, range: std::ops::Range<usize>| bytes(&store, instance, memory)[range].to_vec();
        (
            result.is_ok(),
            view(0, 0..16),
            view(0, PAGE_SIZE - 4..PAGE_SIZE),
            view(1, 0..16),
        )
    };
    let zeros = vec![0; 16];
    // fill(dst, value, len)
    assert_eq!(
        call(fill, [2, 0x1ff, 3]).1,
        [&[0, 0, 255, 255, 255][..], &[0; 11]].concat()
    );
    assert_eq!(call(fill, [page - 2, 7, 2]).2, [0, 0, 7, 7]);
    let (ok, _, end, _) = call(fill, [page - 2, 9, 3]);
    assert_eq!(
        (ok, &end[..]),
        (false, &[0, 0, 7, 7][..]),
        "nothing is written"
    );
    assert!(call(fill, [page, 9, 0]).0);
    assert!(!call(fill, [page + 1, 9, 0]).0);
    assert!(!call(fill, [u64::from(u32::MAX), 9, u64::from(u32::MAX)]).0);
    // copy(dst, src, len), overlapping both ways
    call(fill, [0, 0, 16]);
    for (at, value) in [(0, 1), (1, 2), (2, 3)] {
        call(fill, [at, value, 1]);
    }
    assert_eq!(call(within, [1, 0, 3]).1[..5], [1, 1, 2, 3, 0]);
    assert_eq!(call(within, [0, 1, 3]).1[..5], [1, 2, 3, 3, 0]);
    assert!(!call(within, [page - 2, 0, 3]).0);
    assert!(!call(within, [0, page - 2, 3]).0);
    let (ok, _, _, other) = call(across, [4, 0, 3]);
    assert!(ok);
    assert_eq!(other[..8], [0, 0, 0, 0, 1, 2, 3, 0]);
    assert!(
        call(across, [2 * page - 3, 0, 3]).0,
        "memory 1 has two pages"
    );
    assert!(!call(across, [0, page - 2, 3]).0, "memory 0 has one");
    // init(dst, src, len)
    assert_eq!(call(init, [0, 2, 4]).3[..5], *b"2345\x01");
    assert!(!call(init, [0, 8, 3]).0);
    assert!(!call(init, [2 * page - 1, 0, 2]).0);
    assert!(call(drop_data, [0; 3]).0);
    assert!(call(drop_data, [0; 3]).0, "again");
    assert!(call(init, [0, 0, 0]).0, "a dropped segment is empty");
    assert!(!call(init, [0, 0, 1]).0);
    assert_ne!(call(init, [0, 0, 0]).3, zeros);
}

#[test]
fn a_memory_imported_twice_is_one_memory() {
    use damson_executor::store::MemoryType;
    let mut store = store();
    let ty = MemoryType::new(1, None);
    let shared = store.as_mut().alloc_memory(ty).unwrap();
    let mut module = Module::default();
    module.import_memory(ty);
    module.import_memory(ty);
    let ty = module.ty(&[I32], &[I32]);
    // Grows it as memory 1, then reads the new page as memory 0.
    let grow = module.func(ty, 8, |code| {
        code.op(MemoryGrow::MemoryGrow, &[rs(4), Operand::Memory(1), s(0)]);
        code.op(
            Load::I32Load,
            &[Operand::R, imm(PAGE_SIZE as i32), Operand::Offset(0)],
        );
        code.op(ReturnValue::IntReturn, &[code.linkage(), Operand::Acc]);
    });
    let copy = bulk(
        &mut module,
        MemoryCopy::MemoryCopy,
        &[Operand::Memory(0), Operand::Memory(1)],
    );
    let instance = module.instantiate(&mut store, &[shared.into(), shared.into()]);
    let (grow, copy) = (func(&store, instance, grow), func(&store, instance, copy));
    assert_eq!(run(&mut store, grow, &[1]).unwrap(), [0]);
    store
        .as_mut()
        .memory_mut(shared)
        .unwrap()
        .write(0, b"abc")
        .unwrap();
    run(&mut store, copy, &[1, 0, 3]).unwrap();
    assert_eq!(store.as_ref().memory(shared).unwrap().data()[..4], *b"aabc");
}
