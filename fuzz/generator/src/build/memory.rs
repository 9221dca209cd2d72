//! Accesses to the memory and what else the instance holds.

use crate::ast::{Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::build::value::named;
use crate::memory_ops::{LOADS, Load, STORES, Store};

impl FuncGen<'_> {
    pub(crate) fn load(&mut self, ty: Ty) -> Node {
        let all: Vec<&'static Load> = LOADS.iter().filter(|load| load.ty == ty).collect();
        let load = *self.rng.pick(&all);
        let (args, offset) = self.address(load.width);
        Node::new(Op::Load(load, self.memory(), offset), args, [ty])
    }

    pub(crate) fn store(&mut self) -> Node {
        let store: &'static Store = self.rng.pick(STORES);
        let (mut args, offset) = self.address(store.width);
        args.extend(self.values(&[store.ty]));
        Node::new(Op::Store(store, self.memory(), offset), args, [])
    }

    /// A memory: mostly the first, whose base is in a register.
    pub(crate) fn memory(&mut self) -> usize {
        if self.rng.chance(75) {
            0
        } else {
            self.rng.below(self.env.memories)
        }
    }

    /// An address and an offset; mostly inside the first page.
    fn address(&mut self, width: u64) -> (Vec<Node>, u64) {
        self.spend();
        let offset = match self.rng.below(40) {
            0 => 65536 - width,
            1 => 65535,
            2 => u64::from(u32::MAX),
            3 => 65536,
            4..=12 => self.rng.below(64) as u64,
            _ => 0,
        };
        let nodes = match self.rng.below(20) {
            0..=6 => vec![Node::i32(self.rng.below(96) as i32)],
            7 => vec![Node::i32(*self.rng.pick(&[
                65536 - width as i32,
                65535,
                0,
                -1,
            ]))],
            8..=13 => {
                let mut nodes = self.values(&[Ty::I32]);
                let mask = *self.rng.pick(&[0xff, 0x7fff, 0x3c]);
                self.small(&mut nodes, mask);
                nodes
            }
            14..=16 => self.indexed(),
            17..=18 => vec![self.computed_address()],
            _ => self.values(&[Ty::I32]),
        };
        (nodes, offset)
    }

    /// `base + (index << shift)`, as arrays are accessed.
    fn indexed(&mut self) -> Vec<Node> {
        let mut index = self.values(&[Ty::I32]);
        self.small(&mut index, 0x1f);
        index.push(Node::i32(self.rng.below(4) as i32));
        let shifted = Node::new(Op::Numeric(named("I32Shl")), index, [Ty::I32]);
        let mut base = self.values(&[Ty::I32]);
        self.small(&mut base, 0x7ff);
        base.push(shifted);
        vec![Node::new(Op::Numeric(named("I32Add")), base, [Ty::I32])]
    }

    /// An `i32` that the instance gives.
    pub(crate) fn service(&mut self) -> Node {
        self.spend();
        let table = self.rng.below(self.env.tables);
        match self.rng.below(8) {
            0..=2 => Node::leaf(Op::MemorySize(self.memory()), Ty::I32),
            3..=4 => self.memory_grow(),
            5 => Node::leaf(Op::TableSize(table), Ty::I32),
            6 => {
                let mut args = self.values(&[Ty::Func]);
                args.extend(self.tiny());
                Node::new(Op::TableGrow(table), args, [Ty::I32])
            }
            _ => self.node(Op::RefIsNull, &[Ty::Func], [Ty::I32]),
        }
    }

    pub(crate) fn memory_grow(&mut self) -> Node {
        let args = self.tiny();
        Node::new(Op::MemoryGrow(self.memory()), args, [Ty::I32])
    }

    /// An operation on ranges of the memory or a table, or on segments.
    pub(crate) fn bulk(&mut self) -> Node {
        let (table, other) = (
            self.rng.below(self.env.tables),
            self.rng.below(self.env.tables),
        );
        let (data, elem) = (
            self.rng.below(self.env.data),
            self.rng.below(self.env.elements),
        );
        let op = match self.rng.below(20) {
            0..=3 => Op::MemoryFill(self.memory()),
            4..=7 => Op::MemoryCopy(
                self.rng.below(self.env.memories),
                self.rng.below(self.env.memories),
            ),
            8..=10 => Op::MemoryInit(self.memory(), data),
            11 => Op::DataDrop(data),
            12..=13 => Op::TableSet(table),
            14 => Op::TableFill(table),
            15..=16 => Op::TableCopy(table, other),
            17..=18 => Op::TableInit(table, elem),
            _ => Op::ElemDrop(elem),
        };
        self.spend();
        let args = match op {
            Op::DataDrop(_) | Op::ElemDrop(_) => Vec::new(),
            Op::TableSet(_) => {
                let mut args = self.tiny();
                args.extend(self.values(&[Ty::Func]));
                args
            }
            Op::TableFill(_) => {
                let mut args = self.tiny();
                args.extend(self.values(&[Ty::Func]));
                args.extend(self.tiny());
                args
            }
            Op::MemoryFill(_) => {
                let mut args = self.range(200);
                args.extend(self.values(&[Ty::I32]));
                args.extend(self.range(70));
                args
            }
            Op::MemoryCopy(..) => {
                let mut args = self.range(200);
                args.extend(self.range(200));
                args.extend(self.range(70));
                args
            }
            Op::MemoryInit(..) => {
                let mut args = self.range(200);
                args.extend(self.range(8));
                args.extend(self.range(9));
                args
            }
            _ => {
                let mut args = self.tiny();
                args.extend(self.tiny());
                args.extend(self.tiny());
                args
            }
        };
        Node::new(op, args, [])
    }

    /// A number below three, mostly; it counts pages or elements.
    fn tiny(&mut self) -> Vec<Node> {
        match self.rng.below(30) {
            0..=23 => vec![Node::i32(self.rng.below(3) as i32)],
            24 => self.values(&[Ty::I32]),
            _ => {
                let mut nodes = self.values(&[Ty::I32]);
                self.small(&mut nodes, 1);
                nodes
            }
        }
    }

    /// A number below a limit, mostly.
    fn range(&mut self, limit: usize) -> Vec<Node> {
        match self.rng.below(40) {
            0 => self.values(&[Ty::I32]),
            1..=9 => {
                let mut nodes = self.values(&[Ty::I32]);
                self.small(&mut nodes, 7);
                nodes
            }
            _ => vec![Node::i32(self.rng.below(limit) as i32)],
        }
    }
}
