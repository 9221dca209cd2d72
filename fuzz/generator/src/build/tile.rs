//! Shapes that a translator may make one instruction of: an operation on operations and on
//! what is read from memory, a write or a branch that consumes one, and runs of short
//! statements, each of which uses what the last one left.
//!
//! Nothing here knows which of them are instructions. The test `tiles` counts what the
//! translator makes of all programs; where it finds a family missing, a shape is missing here.
//!
//! Addresses are in locals that were just set to small numbers, so that they are operands as
//! they are, and most accesses are in bounds.

use crate::ast::{Body, Const, Label, Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::build::value::named;
use crate::memory_ops::{LOADS, Load, STORES, Store};
use crate::numeric::{Kind, NUMERIC, Numeric};

/// Two locals that hold small numbers.
#[derive(Clone, Copy)]
pub(crate) struct Small {
    pub(crate) first: u32,
    pub(crate) second: u32,
}

pub(crate) fn numeric(name: &str, args: Vec<Node>) -> Node {
    let numeric = named(name);
    Node::new(Op::Numeric(numeric), args, [numeric.result])
}

pub(crate) fn set(local: u32, value: Node) -> Node {
    Node::new(Op::SetLocals(vec![local]), vec![value], [])
}

pub(crate) const fn prefix(ty: Ty) -> &'static str {
    match ty {
        Ty::I32 => "I32",
        Ty::I64 => "I64",
        Ty::F32 => "F32",
        _ => "F64",
    }
}

impl FuncGen<'_> {
    /// A value in such a shape.
    pub(crate) fn tile_value(&mut self, ty: Ty) -> Node {
        self.spend();
        let (small, mut args) = self.small_locals();
        let value = self.of_two(ty, small);
        // The locals are set before the outermost operation has its operands.
        args.extend(value.args);
        Node { args, ..value }
    }

    fn of_two(&mut self, ty: Ty, small: Small) -> Node {
        match self.rng.below(14) {
            12 if ty == Ty::I32 => self.of_three(),
            0..=1 => {
                let args = vec![self.operation(ty), self.operand(ty)];
                self.binary_of(ty, args)
            }
            2 => {
                let args = vec![self.operand(ty), self.operation(ty)];
                self.binary_of(ty, args)
            }
            3 => {
                let args = vec![self.operation(ty), self.operation(ty)];
                self.binary_of(ty, args)
            }
            4 => {
                let args = vec![self.read(ty, small), self.operand(ty)];
                self.binary_of(ty, args)
            }
            5 => {
                let args = vec![self.operand(ty), self.read(ty, small)];
                self.binary_of(ty, args)
            }
            6 => {
                let args = self.reads(ty, small);
                self.binary_of(ty, args)
            }
            7 | 13 => {
                let inner = self.operation_on_read(ty, small);
                let args = vec![inner, self.operand(ty)];
                match ty == Ty::I32 && self.rng.chance(50) {
                    // Bytes become a word.
                    true => {
                        let op = *self.rng.pick(&["I32Add", "I32Or"]);
                        numeric(op, args)
                    }
                    false => self.binary_of(ty, args),
                }
            }
            8..=9 => {
                let address = self.short_address(small);
                self.read_at(ty, address)
            }
            10 => {
                let pointer = self.pointer(small);
                let mut read = self.read_at(ty, pointer.1);
                read.args.insert(0, pointer.0);
                read
            }
            _ => {
                let condition = self.comparison_of(small);
                let args = vec![self.operand(ty), self.operand(ty), condition];
                Node::new(Op::Select(false), args, [ty])
            }
        }
    }

    /// A statement in such a shape, or several in a block.
    pub(crate) fn tile_effect(&mut self) -> Node {
        self.spend();
        let label = self.scope(Vec::new());
        let (small, mut nodes) = self.small_locals();
        if self.rng.chance(15) {
            nodes.extend(self.shadow_frame());
        }
        match self.rng.below(6) {
            4..=5 => nodes.extend(self.run_of_three(label, small)),
            0 => nodes.extend(self.run_of_statements(label, small)),
            1 => {
                // What follows is skipped, or not.
                let condition = self.comparison_of(small);
                nodes.push(Node::new(Op::BrIf(label), vec![condition], []));
                nodes.push(self.write(small));
            }
            2 => {
                for _ in 0..1 + self.rng.below(3) {
                    nodes.push(self.write(small));
                }
            }
            _ => {
                nodes.push(self.write(small));
                let index = match self.rng.below(3) {
                    0 => self.read(Ty::I32, small),
                    _ => {
                        let name = *self.rng.pick(&["I32Sub", "I32And", "I32ShrU", "I32Add"]);
                        let by = Node::i32(self.rng.below(4) as i32);
                        numeric(name, vec![self.operand_local(Ty::I32), by])
                    }
                };
                nodes.push(match self.rng.chance(70) {
                    true => Node::new(Op::BrTable(vec![label; 3]), vec![index], []),
                    false => Node::new(Op::Drop, vec![index], []),
                });
            }
        }
        self.scopes.pop();
        let body = Body {
            label,
            params: Vec::new(),
            nodes,
        };
        Node::new(Op::Block(body), Vec::new(), [])
    }

    /// The statements that make two locals small.
    fn small_locals(&mut self) -> (Small, Vec<Node>) {
        let small = Small {
            first: self.writable(Ty::I32),
            second: self.new_local_sometimes(),
        };
        let mut nodes = Vec::new();
        for local in [small.first, small.second] {
            let value = match self.rng.chance(60) {
                true => Node::i32(self.rng.below(64) as i32),
                false => {
                    let old = self.operand_local(Ty::I32);
                    numeric("I32And", vec![old, Node::i32(0x3c)])
                }
            };
            nodes.push(set(local, value));
        }
        (small, nodes)
    }

    fn new_local_sometimes(&mut self) -> u32 {
        match self.locals.len() < 12 && self.rng.chance(30) {
            true => self.new_local(Ty::I32),
            false => self.writable(Ty::I32),
        }
    }

    pub(crate) fn operand_local(&mut self, ty: Ty) -> Node {
        let local = match self.readable(ty) {
            Some(local) => local,
            None => self.writable(ty),
        };
        Node::leaf(Op::LocalGet(local), ty)
    }

    /// A local or a constant.
    pub(crate) fn operand(&mut self, ty: Ty) -> Node {
        match self.rng.below(10) {
            0..=6 => self.operand_local(ty),
            7 if ty == Ty::I32 => Node::i32(self.rng.below(8) as i32),
            _ => Node::constant(self.rng.constant(ty)),
        }
    }

    pub(crate) fn binary_of(&mut self, ty: Ty, args: Vec<Node>) -> Node {
        let names: &[&str] = match ty {
            Ty::I32 | Ty::I64 => &[
                "Add", "Add", "Sub", "Sub", "Mul", "And", "Or", "Xor", "Shl", "ShrS", "ShrU",
                "Rotl",
            ],
            _ => &["Add", "Sub", "Mul", "Div"],
        };
        let name = *self.rng.pick(names);
        numeric(&format!("{}{name}", prefix(ty)), args)
    }

    /// An operation on locals and constants.
    pub(crate) fn operation(&mut self, ty: Ty) -> Node {
        let args = vec![self.operand(ty), self.operand(ty)];
        self.binary_of(ty, args)
    }

    fn any_load(&mut self, ty: Ty) -> &'static Load {
        let all: Vec<&'static Load> = LOADS.iter().filter(|load| load.ty == ty).collect();
        match self.rng.chance(50) {
            // The one of all bits.
            true => all[0],
            false => all[self.rng.below(all.len())],
        }
    }

    fn read_by(&mut self, load: &'static Load, address: Node) -> Node {
        let offset = self.rng.below(16) as u64;
        Node::new(Op::Load(load, 0, offset), vec![address], [load.ty])
    }

    pub(crate) fn read_at(&mut self, ty: Ty, address: Node) -> Node {
        let load = self.any_load(ty);
        self.read_by(load, address)
    }

    pub(crate) fn read(&mut self, ty: Ty, small: Small) -> Node {
        let address = self.plain_address(small);
        self.read_at(ty, address)
    }

    /// Two reads, mostly of one sort.
    fn reads(&mut self, ty: Ty, small: Small) -> Vec<Node> {
        let load = match ty {
            Ty::I32 if self.rng.chance(40) => LOADS
                .iter()
                .find(|load| format!("{load:?}") == "I32Load8U")
                .expect("it is among the loads"),
            _ => self.any_load(ty),
        };
        let first = self.plain_address(small);
        let second = self.plain_address(small);
        vec![self.read_by(load, first), self.read_by(load, second)]
    }

    /// What is read, and a constant or a local: a shift of a narrow one often.
    fn operation_on_read(&mut self, ty: Ty, small: Small) -> Node {
        let read = self.read(ty, small);
        if ty == Ty::I32 && self.rng.chance(50) {
            let by = match self.rng.chance(70) {
                true => Node::i32(self.rng.below(32) as i32),
                false => self.operand_local(ty),
            };
            let op = *self.rng.pick(&["I32Shl", "I32And"]);
            return numeric(op, vec![read, by]);
        }
        let args = vec![read, self.operand(ty)];
        self.binary_of(ty, args)
    }

    fn plain_address(&mut self, small: Small) -> Node {
        let local = match self.rng.chance(60) {
            true => small.first,
            false => small.second,
        };
        Node::leaf(Op::LocalGet(local), Ty::I32)
    }

    /// Up to two operations on small numbers.
    fn short_address(&mut self, small: Small) -> Node {
        let local = |local| Node::leaf(Op::LocalGet(local), Ty::I32);
        let first = local(small.first);
        let few = Node::i32(self.rng.below(40) as i32);
        let scale = Node::i32(self.rng.below(4) as i32);
        let rest = match self.rng.chance(60) {
            true => local(small.second),
            false => few.clone(),
        };
        match self.rng.below(8) {
            0 => numeric("I32Add", vec![first, few]),
            1 => numeric("I32Add", vec![first, local(small.second)]),
            2 => numeric("I32Shl", vec![first, scale]),
            3 => numeric("I32And", vec![first, few]),
            4 => numeric("I32Add", vec![rest, numeric("I32Shl", vec![first, scale])]),
            5 => numeric("I32Add", vec![numeric("I32Mul", vec![first, scale]), rest]),
            6 => numeric("I32Add", vec![numeric("I32Add", vec![first, rest]), few]),
            _ => numeric("I32Add", vec![numeric("I32Shl", vec![first, scale]), rest]),
        }
    }

    /// A statement that stores a small number, and the read of it.
    pub(crate) fn pointer(&mut self, small: Small) -> (Node, Node) {
        let store = STORES.first().expect("there are stores");
        let value = Node::i32(self.rng.below(200) as i32);
        let address = Node::leaf(Op::LocalGet(small.first), Ty::I32);
        let stored = Node::new(Op::Store(store, 0, 0), vec![address.clone(), value], []);
        let load = LOADS.first().expect("there are loads");
        (
            stored,
            Node::new(Op::Load(load, 0, 0), vec![address], [Ty::I32]),
        )
    }

    /// A condition on an operation or a read, or both.
    fn comparison_of(&mut self, small: Small) -> Node {
        let ty = match self.rng.chance(65) {
            true => Ty::I32,
            false => Ty::I64,
        };
        let (mut args, is_test) = match self.rng.below(8) {
            0..=1 => (vec![self.operation(ty), self.operand(ty)], false),
            2 => (vec![self.read(ty, small), self.operand(ty)], false),
            3 => (self.reads(ty, small), false),
            4 => {
                let inner = self.operation_on_read(ty, small);
                (vec![inner, Node::constant(self.rng.constant(ty))], false)
            }
            5 => (vec![self.operation(ty)], true),
            6 => (vec![self.read(ty, small)], true),
            _ => (vec![self.operation_on_read(ty, small)], true),
        };
        if is_test {
            if ty == Ty::I32 && self.rng.chance(50) {
                return args.swap_remove(0);
            }
            return numeric(&format!("{}Eqz", prefix(ty)), args);
        }
        self.compared(ty, args)
    }

    pub(crate) fn compared(&mut self, ty: Ty, args: Vec<Node>) -> Node {
        let fits = |numeric: &&'static Numeric| {
            numeric.kind == Kind::Compare && numeric.params == [ty, ty]
        };
        let all: Vec<&'static Numeric> = NUMERIC.iter().filter(fits).collect();
        let compare = *self.rng.pick(&all);
        Node::new(Op::Numeric(compare), args, [Ty::I32])
    }

    /// A write to memory or to a global.
    fn write(&mut self, small: Small) -> Node {
        if self.rng.chance(20) {
            return self.update_global();
        }
        let store: &'static Store = self.rng.pick(STORES);
        let ty = store.ty;
        let is_float = matches!(ty, Ty::F32 | Ty::F64);
        let (address, value) = match self.rng.below(9) {
            0..=1 if is_float => (self.plain_address(small), self.never_nan(ty)),
            0..=1 => (self.plain_address(small), self.operation(ty)),
            2 => (self.plain_address(small), self.read(ty, small)),
            3..=4 => {
                let address = self.plain_address(small);
                let other = match is_float {
                    true => self.number(ty),
                    false => self.operand(ty),
                };
                let args = vec![self.read(ty, small), other];
                (address, self.binary_of(ty, args))
            }
            5 => (self.plain_address(small), self.stored(ty)),
            _ => (self.short_address(small), self.stored(ty)),
        };
        let offset = self.rng.below(16) as u64;
        Node::new(Op::Store(store, 0, offset), vec![address, value], [])
    }

    /// A value whose bits are certain.
    fn stored(&mut self, ty: Ty) -> Node {
        match ty {
            Ty::F32 | Ty::F64 if self.rng.chance(50) => self.converted(ty),
            Ty::F32 | Ty::F64 => Node::constant(self.rng.constant(ty)),
            _ => self.operand(ty),
        }
    }

    fn converted(&mut self, ty: Ty) -> Node {
        let number = self.operand_local(Ty::I32);
        numeric(&format!("{}ConvertI32S", prefix(ty)), vec![number])
    }

    /// An operation on a float that was an integer and one that is a number.
    fn never_nan(&mut self, ty: Ty) -> Node {
        let args = vec![self.converted(ty), self.number(ty)];
        self.binary_of(ty, args)
    }

    /// A float that is neither zero nor a NaN.
    fn number(&mut self, ty: Ty) -> Node {
        let number = self.rng.below(9) as f32 + 0.5;
        Node::constant(match ty {
            Ty::F32 => Const::F32(number.to_bits()),
            _ => Const::F64(f64::from(number).to_bits()),
        })
    }

    fn update_global(&mut self) -> Node {
        let globals =
            self.globals(|global| global.mutable && matches!(global.init.ty(), Ty::I32 | Ty::I64));
        if globals.is_empty() {
            return Node::new(Op::Nop, Vec::new(), []);
        }
        let global = *self.rng.pick(&globals);
        let ty = self.env.globals[global].init.ty();
        let first = match self.rng.chance(50) {
            true => Node::leaf(Op::GlobalGet(global), ty),
            false => self.operand_local(ty),
        };
        let name = *self.rng.pick(&["Add", "Sub"]);
        let args = vec![first, self.operand(ty)];
        let value = numeric(&format!("{}{name}", prefix(ty)), args);
        Node::new(Op::GlobalSet(global), vec![value], [])
    }

    /// Short statements one after the other; a branch may skip the rest.
    fn run_of_statements(&mut self, label: Label, small: Small) -> Vec<Node> {
        let mut nodes = Vec::new();
        // What the last statement has set.
        let mut last = (small.first, Ty::I32);
        for _ in 0..2 + self.rng.below(7) {
            let ty = match self.rng.below(10) {
                0..=5 => Ty::I32,
                6..=8 => Ty::I64,
                _ => self.rng.number_ty(),
            };
            let is_int = matches!(ty, Ty::I32 | Ty::I64);
            let source = match last {
                (local, of) if of == ty && self.rng.chance(60) => {
                    Node::leaf(Op::LocalGet(local), ty)
                }
                _ => self.operand_local(ty),
            };
            let local = self.writable(ty);
            match self.rng.below(14) {
                0..=2 if is_int => {
                    let by = self.operand(ty);
                    nodes.push(set(
                        local,
                        numeric(&format!("{}Add", prefix(ty)), vec![source, by]),
                    ));
                    last = (local, ty);
                }
                3 => {
                    // A pointer moves on, and what it points to is used.
                    let pointer = Node::leaf(Op::LocalGet(small.second), Ty::I32);
                    let by = match self.rng.chance(60) {
                        true => Node::i32(self.rng.below(9) as i32),
                        false => Node::leaf(Op::LocalGet(small.first), Ty::I32),
                    };
                    nodes.push(set(small.second, numeric("I32Add", vec![pointer, by])));
                    let pointer = Node::leaf(Op::LocalGet(small.second), Ty::I32);
                    if self.rng.chance(50) {
                        nodes.push(set(local, self.read_at(ty, pointer)));
                        last = (local, ty);
                    } else {
                        nodes.push(self.short_write(pointer));
                        last = (small.second, Ty::I32);
                    }
                }
                4..=5 => {
                    let value = match self.rng.chance(60) {
                        true => source,
                        false => Node::constant(self.rng.constant(ty)),
                    };
                    nodes.push(set(local, value));
                    last = (local, ty);
                }
                6..=7 => {
                    nodes.push(set(local, self.read(ty, small)));
                    last = (local, ty);
                }
                8..=9 => {
                    let address = self.plain_address(small);
                    nodes.push(self.short_write(address));
                }
                10..=11 if is_int => {
                    let args = vec![source, self.operand(ty)];
                    let condition = self.compared(ty, args);
                    nodes.push(Node::new(Op::BrIf(label), vec![condition], []));
                }
                12 if is_int => {
                    let condition = match ty {
                        Ty::I32 if self.rng.chance(50) => source,
                        _ => numeric(&format!("{}Eqz", prefix(ty)), vec![source]),
                    };
                    nodes.push(Node::new(Op::BrIf(label), vec![condition], []));
                }
                _ if is_int => {
                    let args = vec![source, self.operand(ty)];
                    nodes.push(set(local, self.binary_of(ty, args)));
                    last = (local, ty);
                }
                _ => {}
            }
        }
        if self.rng.chance(30) {
            nodes.push(Node::new(Op::Br(label), Vec::new(), []));
        }
        nodes
    }

    /// A write of a local or a constant.
    pub(crate) fn short_write(&mut self, address: Node) -> Node {
        let store: &'static Store = self.rng.pick(STORES);
        let value = self.stored(store.ty);
        let offset = self.rng.below(16) as u64;
        Node::new(Op::Store(store, 0, offset), vec![address, value], [])
    }
}
