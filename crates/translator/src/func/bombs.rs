//! Modules made to be expensive: the work may only grow with their size.
//!
//! Work is counted in steps of the translator's loops, not measured with a
//! clock, so the tests mean the same on every machine.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use damson_ir::Function;

use crate::{Allocations, Config, Error, Module};

const I32: u8 = 0x7f;
const LOCAL_GET: u8 = 0x20;
const LOCAL_SET: u8 = 0x21;
const I32_CONST: u8 = 0x41;
const I32_ADD: u8 = 0x6a;
const DROP: u8 = 0x1a;
const BLOCK: u8 = 0x02;
const LOOP: u8 = 0x03;
const IF: u8 = 0x04;
const BR: u8 = 0x0c;
const BR_IF: u8 = 0x0d;
const BR_TABLE: u8 = 0x0e;
const CALL: u8 = 0x10;
const EMPTY: u8 = 0x40;
const END: u8 = 0x0b;

/// A module written by hand: the text format would take longer to parse than
/// the module to translate, and its parser nests.
struct Builder {
    /// Parameters and results, all of them `i32`; function 0 has type 0.
    types: Vec<(usize, usize)>,
    /// How many locals it declares.
    locals: usize,
    body: Vec<u8>,
}

fn leb(mut value: usize, to: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        to.push(if value == 0 { byte } else { byte | 0x80 });
        if value == 0 {
            return;
        }
    }
}

fn section(id: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(id);
    leb(content.len(), to);
    to.extend(content);
}

impl Builder {
    fn new(types: &[(usize, usize)], locals: usize) -> Self {
        Self {
            types: types.into(),
            locals,
            body: Vec::new(),
        }
    }

    fn op(&mut self, bytes: &[u8]) -> &mut Self {
        self.body.extend(bytes);
        self
    }

    /// An operator with an unsigned immediate.
    fn with(&mut self, op: u8, immediate: usize) -> &mut Self {
        self.body.push(op);
        leb(immediate, &mut self.body);
        self
    }

    fn repeat(&mut self, count: usize, bytes: &[u8]) -> &mut Self {
        for _ in 0..count {
            self.body.extend(bytes);
        }
        self
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let mut types = Vec::new();
        leb(self.types.len(), &mut types);
        for &(params, results) in &self.types {
            types.push(0x60);
            for count in [params, results] {
                leb(count, &mut types);
                types.extend(vec![I32; count]);
            }
        }
        section(1, &types, &mut wasm);
        section(3, &[1, 0], &mut wasm);
        let mut body = Vec::new();
        if self.locals == 0 {
            body.push(0);
        } else {
            body.push(1);
            leb(self.locals, &mut body);
            body.push(I32);
        }
        body.extend(&self.body);
        body.push(END);
        let mut code = vec![1];
        leb(body.len(), &mut code);
        code.extend(body);
        section(10, &code, &mut wasm);
        wasm
    }
}

/// Translates and verifies function 0; returns the steps that it took.
fn translate(wasm: &[u8], consume_fuel: bool) -> Result<(u64, Function), Error> {
    let config = Config {
        consume_fuel,
        ..Config::default()
    };
    let module = Module::parse(wasm, &config)?;
    let mut allocations = Allocations::default();
    let function = module.translate_with(0, &mut allocations)?;
    let verified = function
        .verify(module.shape(), 0)
        .expect("the bytecode is valid");
    Ok((allocations.scratch.work, verified.into_function()))
}

/// Checks that work and code at most double when the bomb doubles, a tenth
/// allowed for what is paid once.
fn assert_linear(size: usize, bomb: impl Fn(usize) -> Vec<u8>) {
    for consume_fuel in [false, true] {
        let (small, large) = (bomb(size), bomb(2 * size));
        assert!(
            large.len() < 3 * small.len(),
            "the bomb itself is not linear"
        );
        let (work, function) = translate(&small, consume_fuel).unwrap();
        let (more_work, more_function) = translate(&large, consume_fuel).unwrap();
        let cells = (function.cells.len(), more_function.cells.len());
        assert!(work >= size as u64, "{work} steps for a bomb of {size}");
        assert!(
            more_work * 10 <= work * 21,
            "{work} steps, then {more_work}"
        );
        assert!(
            cells.1 * 10 <= cells.0 * 21,
            "{} cells, then {}",
            cells.0,
            cells.1
        );
        // Nothing is counted by mistake or left out: a few steps for a byte.
        assert!(
            work <= 8 * small.len() as u64,
            "{work} steps for {} bytes",
            small.len()
        );
    }
}

#[test]
fn setting_a_local_under_a_deep_stack() {
    assert_linear(4_000, |size| {
        let mut builder = Builder::new(&[(1, 0)], 0);
        builder.repeat(size, &[LOCAL_GET, 0]);
        builder.repeat(size, &[I32_CONST, 1, LOCAL_SET, 0]);
        builder.repeat(size, &[DROP]);
        builder.finish()
    });
}

#[test]
fn setting_a_local_that_the_stack_names_again_and_again() {
    assert_linear(4_000, |size| {
        let mut builder = Builder::new(&[(1, 0)], 0);
        builder.repeat(size, &[LOCAL_GET, 0, I32_CONST, 1, LOCAL_SET, 0]);
        builder.repeat(size, &[DROP]);
        builder.finish()
    });
}

#[test]
fn pending_operations_on_a_local() {
    assert_linear(3_000, |size| {
        let mut builder = Builder::new(&[(2, 0)], 0);
        builder.repeat(size, &[LOCAL_GET, 0, LOCAL_GET, 1, I32_ADD]);
        builder.repeat(size, &[LOCAL_GET, 1, LOCAL_SET, 0]);
        builder.repeat(size, &[DROP]);
        builder.finish()
    });
}

#[test]
fn tens_of_thousands_of_locals() {
    assert_linear(25_000, |size| {
        let mut builder = Builder::new(&[(0, 0)], size);
        for local in 0..size {
            builder
                .with(LOCAL_GET, local)
                .with(LOCAL_SET, size - 1 - local);
        }
        builder.finish()
    });
}

#[test]
fn locals_that_nobody_uses_cost_nothing() {
    let (few, _) = translate(&Builder::new(&[(0, 0)], 1).finish(), false).unwrap();
    let (many, function) = translate(&Builder::new(&[(0, 0)], 50_000).finish(), false).unwrap();
    assert_eq!(few, many);
    assert_eq!(function.frame_cells, 2);
}

#[test]
fn nested_blocks() {
    for block in [
        &[BLOCK, EMPTY][..],
        &[LOOP, EMPTY],
        &[LOCAL_GET, 0, IF, EMPTY],
    ] {
        assert_linear(12_000, |size| {
            let mut builder = Builder::new(&[(1, 0)], 0);
            builder.repeat(size, block).repeat(size, &[END]);
            builder.finish()
        });
    }
}

#[test]
fn blocks_above_a_deep_stack() {
    assert_linear(3_000, |size| {
        let mut builder = Builder::new(&[(1, 0)], 0);
        builder.repeat(size, &[LOCAL_GET, 0, I32_CONST, 7]);
        builder.repeat(size, &[BLOCK, EMPTY, LOCAL_GET, 0, BR_IF, 0, END]);
        builder.repeat(size, &[DROP, DROP]);
        builder.finish()
    });
}

#[test]
fn branches_out_of_every_depth() {
    assert_linear(5_000, |size| {
        let mut builder = Builder::new(&[(1, 0)], 0);
        builder.repeat(size, &[BLOCK, EMPTY]);
        for depth in 0..size {
            builder.op(&[LOCAL_GET, 0]).with(BR_IF, depth);
        }
        builder.repeat(size, &[END]);
        builder.finish()
    });
}

#[test]
fn a_branch_table_to_every_depth_with_values() {
    // Each of the targets needs its own way for the values.
    assert_linear(5_000, |size| {
        let mut builder = Builder::new(&[(2, 1)], 0);
        builder.repeat(size, &[BLOCK, I32]);
        builder.op(&[I32_CONST, 1, LOCAL_GET, 0, LOCAL_GET, 1]);
        builder.with(BR_TABLE, size - 1);
        for depth in 0..size {
            leb(depth, &mut builder.body);
        }
        builder.repeat(size, &[END]);
        builder.finish()
    });
}

#[test]
fn a_branch_table_with_many_targets_and_values() {
    // Many targets, two ways: the ways are shared.
    assert_linear(12_000, |size| {
        let mut builder = Builder::new(&[(1, 5), (0, 5)], 0);
        builder.op(&[BLOCK, 1, BLOCK, 1]);
        builder.repeat(6, &[LOCAL_GET, 0]).op(&[LOCAL_GET, 0]);
        builder.with(BR_TABLE, size);
        for target in 0..=size {
            builder.op(&[(target % 3) as u8]);
        }
        builder.op(&[END, END]);
        builder.finish()
    });
}

#[test]
fn a_chain_of_operations_of_which_each_reads_the_next_ones_place() {
    // A call's result is at home, and the pending operation one place lower
    // reads it. Bringing the topmost home obliges all of them.
    assert_linear(3_000, |size| {
        let mut builder = Builder::new(&[(1, 1)], 0);
        builder.repeat(size, &[LOCAL_GET, 0, LOCAL_GET, 0, CALL, 0, I32_ADD]);
        builder.op(&[CALL, 0]);
        builder.repeat(size - 1, &[DROP]);
        builder.finish()
    });
}

#[test]
fn unreachable_code() {
    assert_linear(12_000, |size| {
        let mut builder = Builder::new(&[(1, 0)], 0);
        // Something to count: unreachable code costs no work at all.
        builder.repeat(size, &[LOCAL_GET, 0, DROP]);
        builder.op(&[BR, 0]);
        builder.repeat(size, &[BLOCK, EMPTY]).repeat(size, &[END]);
        builder.repeat(size, &[I32_CONST, 0, DROP]);
        builder.finish()
    });
}

#[test]
fn memory_is_reused_between_functions() {
    let wasm = {
        let mut builder = Builder::new(&[(1, 0)], 0);
        builder
            .repeat(1_000, &[LOCAL_GET, 0, LOCAL_GET, 0, I32_ADD])
            .repeat(1_000, &[DROP]);
        builder.finish()
    };
    let module = Module::parse(&wasm, &Config::default()).unwrap();
    let mut allocations = Allocations::default();
    let first = module.translate_with(0, &mut allocations).unwrap();
    let work = allocations.scratch.work;
    for _ in 0..3 {
        assert_eq!(
            module.translate_with(0, &mut allocations).as_ref(),
            Ok(&first)
        );
        assert_eq!(allocations.scratch.work, work);
    }
}

#[test]
fn more_values_than_slots_are_an_error() {
    let mut builder = Builder::new(&[(1, 0)], 49_999);
    builder.repeat(16_000, &[LOCAL_GET, 0]);
    builder.op(&[BLOCK, EMPTY, END]).repeat(16_000, &[DROP]);
    match translate(&builder.finish(), false) {
        Err(Error::Limit {
            what,
            limit,
            found,
            func_index,
            ..
        }) => {
            let facts: String = format!("{what} {limit} {found} {func_index}");
            assert_eq!(facts, "slots 65535 65536 0");
        }
        other => panic!("{other:?}"),
    }
}
