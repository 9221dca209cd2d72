//! What reading found to be wrong and no comparison had met: a value in an accumulator where
//! two ways meet, or where something else needs that accumulator.
//!
//! - A loop that begins with what its last statement has written, alone or at the same place
//!   as another loop.
//! - A branch with several values over one that waits.
//! - A value that a branch takes along, and that is not used where code goes on.
//! - A comparison of floats as a value, while another float waits.

use crate::ast::{Body, Label, Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::build::tile::{numeric, prefix, set};

/// A block around some nodes.
fn block(label: Label, nodes: Vec<Node>, results: &[Ty]) -> Node {
    let body = Body {
        label,
        params: Vec::new(),
        nodes,
    };
    Node::new(Op::Block(body), Vec::new(), results)
}

impl FuncGen<'_> {
    /// A short loop that goes on with what it has written last.
    pub(crate) fn carried(&mut self) -> Node {
        let ty = self
            .rng
            .weighted(&[(50, Ty::I32), (30, Ty::I64), (5, Ty::F32), (15, Ty::F64)]);
        let local = self.writable(ty);
        self.carried_in(ty, local)
    }

    fn carried_in(&mut self, ty: Ty, local: u32) -> Node {
        self.spend();
        let out = self.scope(Vec::new());
        let label = self.scope(Vec::new());
        let get = Node::leaf(Op::LocalGet(local), ty);
        let mut nodes = Vec::new();
        // Both loops begin at the same place.
        if !self.is_spent() && self.rng.chance(40) {
            let local = match self.rng.chance(60) {
                true => local,
                false => self.writable(ty),
            };
            nodes.push(self.carried_in(ty, local));
        }
        if nodes.is_empty() || self.rng.chance(50) {
            let by = self.operand(ty);
            let first = self.binary_of(ty, vec![get.clone(), by]);
            nodes.push(set(self.writable(ty), first));
        }
        while self.rng.chance(25) {
            let value = self.operation(ty);
            nodes.push(set(self.writable(ty), value));
        }
        let by = match self.rng.chance(70) {
            true => Node::constant(self.rng.constant(ty)),
            false => self.operand_local(ty),
        };
        let next = numeric(&format!("{}Add", prefix(ty)), vec![get.clone(), by]);
        let last = match self.rng.chance(50) {
            true => Node::new(Op::LocalTee(local), vec![next], [ty]),
            false => {
                nodes.push(set(local, next));
                get
            }
        };
        let end = self.operand(ty);
        let condition = self.compared(ty, vec![last, end]);
        let op = match self.rng.chance(80) {
            true => Op::BrIf(label),
            false => Op::BrTable(vec![out, label]),
        };
        nodes.push(Node::new(op.clone(), vec![condition], []));
        self.scopes.truncate(self.scopes.len() - 2);
        let body = Body {
            label,
            params: Vec::new(),
            nodes,
        };
        let repeated = Node::new(Op::Loop(body), Vec::new(), []);
        match op {
            Op::BrTable(_) => block(out, vec![repeated], &[]),
            _ => repeated,
        }
    }

    /// A block of which a branch with all results leaves a value behind.
    pub(crate) fn left_behind(&mut self, results: &[Ty]) -> Node {
        self.spend();
        let label = self.scope(results.to_vec());
        let waiting = match results[0] {
            Ty::Func => self.values(&results[..1]),
            ty => vec![self.operation(ty)],
        };
        let mut nodes = waiting;
        let mut values = self.values(results);
        if self.rng.chance(50) {
            nodes.push(Node::new(Op::Br(label), values, &results[1..]));
        } else {
            values.extend(self.condition());
            let branch = Node::new(Op::BrIf(label), values, results);
            let locals = results.iter().rev().map(|ty| self.writable(*ty)).collect();
            nodes.push(Node::new(Op::SetLocals(locals), vec![branch], []));
            nodes.extend(self.values(&results[1..]));
        }
        self.scopes.pop();
        block(label, nodes, results)
    }

    /// An operation, and between its operands a branch that takes another value along.
    pub(crate) fn taken_along(&mut self, ty: Ty) -> Node {
        let label = self.scope(vec![ty]);
        let first = match self.rng.chance(60) {
            true => self.call_for(&[ty]),
            false => None,
        };
        let first = match first {
            Some(call) => call,
            None => self.operation(ty),
        };
        let value = self.operation(ty);
        let tee = Node::new(Op::LocalTee(self.writable(ty)), vec![value], [ty]);
        let condition = self.operand_local(Ty::I32);
        let condition = match self.rng.chance(50) {
            true => numeric("I32Eqz", vec![condition]),
            false => condition,
        };
        let branch = Node::new(Op::BrIf(label), vec![tee, condition], [ty]);
        let branch = Node::new(Op::Drop, vec![branch], []);
        let second = self.operand(ty);
        let node = self.binary_of(ty, vec![first, branch, second]);
        self.scopes.pop();
        block(label, vec![node], &[ty])
    }

    /// An operation on floats, and between its operands a comparison of others.
    pub(crate) fn over_comparison(&mut self, ty: Ty) -> Node {
        let first = self.operation(ty);
        let of = match self.rng.chance(80) {
            true => ty,
            false => Ty::F64,
        };
        let args = vec![self.operation(of), self.operand(of)];
        let less = self.compared(of, args);
        let less = set(self.writable(Ty::I32), less);
        let second = self.operand(ty);
        self.binary_of(ty, vec![first, less, second])
    }
}
