//! Two short statements and what ends them: a branch, a call, a return.

use crate::ast::{Callee, Label, Node, Op, Ty};
use crate::build::effect::dropped;
use crate::build::func::FuncGen;
use crate::build::tile::{Small, numeric, prefix, set};
use crate::build::value::named;

impl FuncGen<'_> {
    /// Such a run in a block.
    pub(crate) fn run_of_three(&mut self, label: Label, small: Small) -> Vec<Node> {
        if let (&[ty @ (Ty::I32 | Ty::I64)], true) = (self.results(), self.rng.chance(10)) {
            if self.rng.chance(40) {
                return self.return_of_read(ty, small);
            }
            let local = self.writable(ty);
            let name = if ty == Ty::I32 { "I32Add" } else { "I64Add" };
            let sum = numeric(name, vec![self.operand_local(ty), self.operand(ty)]);
            let value = Node::new(Op::LocalTee(local), vec![sum], [ty]);
            return vec![Node::new(Op::Return, vec![value], [])];
        }
        let ty = match self.rng.chance(80) {
            true => Ty::I32,
            false => Ty::I64,
        };
        let get = |local| Node::leaf(Op::LocalGet(local), ty);
        let add = |args| numeric(&format!("{}Add", prefix(ty)), args);
        let mut nodes = Vec::new();
        let mut last = match ty {
            Ty::I32 => small.first,
            _ => self.writable(ty),
        };
        for statement in 0..2 {
            let from = match self.rng.chance(60) {
                true => get(last),
                false => self.operand_local(ty),
            };
            let local = self.writable(ty);
            match self.rng.below(8) {
                0..=3 => {
                    let by = match self.rng.chance(70) {
                        true => Node::constant(self.rng.constant(ty)),
                        false => self.operand_local(ty),
                    };
                    nodes.push(set(local, add(vec![from, by])));
                    last = local;
                }
                4..=6 => {
                    let value = match self.rng.chance(70) {
                        true => from,
                        false => Node::constant(self.rng.constant(ty)),
                    };
                    nodes.push(set(local, value));
                }
                _ if statement == 1 => {
                    let pointer = Node::leaf(Op::LocalGet(small.second), Ty::I32);
                    let by = Node::i32(self.rng.below(9) as i32);
                    nodes.clear();
                    let sum = numeric("I32Add", vec![pointer.clone(), by]);
                    nodes.push(set(small.second, sum));
                    nodes.push(set(local, self.read_at(ty, pointer)));
                    last = local;
                }
                _ => {}
            }
        }
        let end = match self.rng.below(8) {
            0 => Node::new(Op::Br(label), Vec::new(), []),
            1..=2 => {
                let condition = match self.rng.chance(50) {
                    true if ty == Ty::I32 => get(last),
                    _ => numeric(&format!("{}Eqz", prefix(ty)), vec![get(last)]),
                };
                Node::new(Op::BrIf(label), vec![condition], [])
            }
            3..=4 => {
                let args = vec![get(last), self.operand(ty)];
                let condition = self.compared(ty, args);
                Node::new(Op::BrIf(label), vec![condition], [])
            }
            _ => {
                // Its arguments are the statements.
                nodes.clear();
                self.short_call(small)
            }
        };
        nodes.push(end);
        nodes
    }

    /// A return of what is read.
    fn return_of_read(&mut self, ty: Ty, small: Small) -> Vec<Node> {
        let mut nodes = Vec::new();
        let value = match self.rng.chance(50) {
            true => self.read(ty, small),
            false => {
                let (stored, pointer) = self.pointer(small);
                nodes.push(stored);
                self.read_at(ty, pointer)
            }
        };
        nodes.push(Node::new(Op::Return, vec![value], []));
        nodes
    }

    /// A call of which the arguments are locals, constants, sums of both, and what is read.
    fn short_call(&mut self, small: Small) -> Node {
        let is_int = |ty: &Ty| matches!(ty, Ty::I32 | Ty::I64);
        let funcs: Vec<usize> = (0..self.env.sigs.len())
            .filter(|&func| {
                let params = &self.env.sigs[func].params;
                (1..=4).contains(&params.len()) && params.iter().any(is_int)
            })
            .collect();
        if funcs.is_empty() {
            return Node::new(Op::Nop, Vec::new(), []);
        }
        let func = *self.rng.pick(&funcs);
        let sig = &self.env.sigs[func];
        let mut args = Vec::new();
        for &ty in &sig.params {
            let local = self.operand_local(ty);
            let name = match ty {
                Ty::I32 => "I32Add",
                Ty::I64 => "I64Add",
                _ => {
                    args.push(local);
                    continue;
                }
            };
            args.push(match self.rng.below(4) {
                0 => self.operand(ty),
                1 => self.read(ty, small),
                _ => {
                    let by = match self.rng.chance(70) {
                        true => Node::constant(self.rng.constant(ty)),
                        false => self.operand_local(ty),
                    };
                    numeric(name, vec![local, by])
                }
            });
        }
        let results = sig.results.clone();
        dropped(Node::new(Op::Call(Callee::Func(func)), args, results))
    }

    /// An operation on an operation on an operation.
    pub(crate) fn of_three(&mut self) -> Node {
        let name = *self.rng.pick(&["I32Add", "I32And", "I32Xor"]);
        let outer = named(name);
        let name = *self.rng.pick(&["I32Add", "I32And", "I32Xor"]);
        let middle = named(name);
        let name = *self.rng.pick(&["I32Add", "I32Shl", "I32ShrU"]);
        let inner = named(name);
        let by = Node::i32(self.rng.below(40) as i32);
        let (first, second) = (self.operand_local(Ty::I32), self.operand_local(Ty::I32));
        let third = Node::i32(self.rng.below(300) as i32);
        let op = |numeric, args| Node::new(Op::Numeric(numeric), args, [Ty::I32]);
        let value = op(inner, vec![first, by]);
        match self.rng.chance(50) {
            true => op(outer, vec![op(middle, vec![value, second]), third]),
            false => op(outer, vec![op(middle, vec![value, third]), second]),
        }
    }
}
