//! What compilers begin and end functions with that keep some of their locals in memory: a
//! pointer, kept in a global, that moves down and up again.

use crate::ast::{Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::build::tile::{numeric, set};

impl FuncGen<'_> {
    /// Such a beginning, writes and reads of the frame, and often the end.
    pub(crate) fn shadow_frame(&mut self) -> Vec<Node> {
        let pointers = self.globals(|global| global.mutable && global.init.ty() == Ty::I32);
        if pointers.is_empty() {
            return Vec::new();
        }
        let pointer = *self.rng.pick(&pointers);
        let mut nodes = Vec::new();
        if self.rng.chance(80) {
            // Most frames are in bounds.
            let top = Node::i32(64 + 16 * self.rng.below(8) as i32);
            nodes.push(Node::new(Op::GlobalSet(pointer), vec![top], []));
        }
        let size = 16 * self.rng.below(4) as i32;
        let frame = self.writable(Ty::I32);
        let base = || Node::leaf(Op::LocalGet(frame), Ty::I32);
        let (down, by) = match self.rng.chance(50) {
            true => ("I32Sub", size),
            false => ("I32Add", -size),
        };
        let old = Node::leaf(Op::GlobalGet(pointer), Ty::I32);
        nodes.push(set(frame, numeric(down, vec![old, Node::i32(by)])));
        let moves = self.rng.chance(60);
        if moves {
            nodes.push(Node::new(Op::GlobalSet(pointer), vec![base()], []));
        }
        for _ in 0..self.rng.below(4) {
            nodes.push(self.short_write(base()));
        }
        let result = match *self.results() {
            [ty @ (Ty::I32 | Ty::I64)] => Some(ty),
            _ => None,
        };
        let value = result.map(|ty| {
            let local = self.writable(ty);
            if local != frame && self.rng.chance(60) {
                let read = self.read_at(ty, base());
                nodes.push(set(local, read));
            }
            Node::leaf(Op::LocalGet(local), ty)
        });
        if moves {
            let up = numeric("I32Add", vec![base(), Node::i32(size)]);
            nodes.push(Node::new(Op::GlobalSet(pointer), vec![up], []));
        }
        let often = match self.results() {
            [] => 85,
            _ if value.is_some() => 50,
            _ => 0,
        };
        if self.rng.chance(often) {
            nodes.push(Node::new(Op::Return, value.into_iter().collect(), []));
        }
        nodes
    }
}
