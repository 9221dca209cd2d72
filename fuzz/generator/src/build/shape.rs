//! Shapes that translators have a form of their own for, and that free choices
//! seldom make: small trees of pure operations, addresses, counting loops, moves of
//! several locals, and values that wait while something happens.

use crate::ast::{Callee, Counting, Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::build::value::named;
use crate::memory_ops::{LOADS, Load};
use crate::numeric::{Kind, NUMERIC, Numeric};

impl FuncGen<'_> {
    /// A value in one of the shapes.
    pub(crate) fn shape(&mut self, ty: Ty) -> Node {
        self.spend();
        match self.rng.below(12) {
            10 if matches!(ty, Ty::F32 | Ty::F64) => self.over_comparison(ty),
            10..=11 => self.taken_along(ty),
            0..=2 => self.tree(ty, 3),
            3..=5 => self.tile_value(ty),
            6 => self.across(ty),
            7..=8 => self.over_call(ty),
            _ => self.select_by_comparison(ty),
        }
    }

    /// An instruction with two operands.
    fn binary(&mut self, result: Ty) -> &'static Numeric {
        let fits = |numeric: &&'static Numeric| {
            numeric.result == result && numeric.params.len() == 2 && is_free(numeric)
        };
        let all: Vec<&'static Numeric> = NUMERIC.iter().filter(fits).collect();
        all[self.rng.below(all.len())]
    }

    /// At most so many operations on locals, constants and loads.
    fn tree(&mut self, ty: Ty, most: usize) -> Node {
        if most == 0 {
            return self.tree_leaf(ty);
        }
        let all: Vec<&'static Numeric> = NUMERIC
            .iter()
            .filter(|n| n.result == ty && is_free(n))
            .collect();
        let numeric = *self.rng.pick(&all);
        let last = numeric.params.len() - 1;
        let mut left = most - 1;
        let mut args = Vec::new();
        for (at, param) in numeric.params.iter().enumerate() {
            let here = if at == last {
                left
            } else {
                self.rng.below(left + 1)
            };
            left -= here;
            args.push(self.tree(*param, here));
        }
        Node::new(Op::Numeric(numeric), args, [ty])
    }

    fn tree_leaf(&mut self, ty: Ty) -> Node {
        match self.rng.below(10) {
            0..=5 => {
                let local = match self.readable(ty) {
                    Some(local) => local,
                    None => self.writable(ty),
                };
                Node::leaf(Op::LocalGet(local), ty)
            }
            6..=7 => Node::constant(self.rng.constant(ty)),
            _ => self.plain_load(ty),
        }
    }

    /// A load from a computed address.
    fn plain_load(&mut self, ty: Ty) -> Node {
        let all: Vec<&'static Load> = LOADS.iter().filter(|load| load.ty == ty).collect();
        let load = *self.rng.pick(&all);
        let address = self.computed_address();
        let offset = self.rng.below(64) as u64;
        Node::new(Op::Load(load, self.memory(), offset), vec![address], [ty])
    }

    /// What compilers make of an array's element, from locals and constants alone.
    pub(crate) fn computed_address(&mut self) -> Node {
        self.spend();
        let op = |name, args: Vec<Node>| Node::new(Op::Numeric(named(name)), args, [Ty::I32]);
        // The counter of a loop is small as it is.
        let index = match self.counters.last() {
            Some(counter) if self.rng.chance(60) => Node::leaf(Op::LocalGet(*counter), Ty::I32),
            _ => {
                let local = self.tree_leaf_local();
                op("I32And", vec![local, Node::i32(0x3f)])
            }
        };
        let base = Node::i32(self.rng.below(200) as i32);
        let shift = Node::i32(self.rng.below(4) as i32);
        match self.rng.below(6) {
            0 => index,
            1 => op("I32Add", vec![index, base]),
            2 => op("I32Shl", vec![index, shift]),
            3 => op("I32Add", vec![base, op("I32Shl", vec![index, shift])]),
            4 => op(
                "I32Add",
                vec![op("I32Mul", vec![index, Node::i32(12)]), base],
            ),
            _ => {
                let other = self.tree_leaf_local();
                let other = op("I32And", vec![other, Node::i32(0x7f)]);
                op("I32Add", vec![other, op("I32Shl", vec![index, shift])])
            }
        }
    }

    fn tree_leaf_local(&mut self) -> Node {
        let local = match self.readable(Ty::I32) {
            Some(local) => local,
            None => self.writable(Ty::I32),
        };
        Node::leaf(Op::LocalGet(local), Ty::I32)
    }

    /// Two operands, and between them something that one of them must not see, or
    /// that traps.
    fn across(&mut self, ty: Ty) -> Node {
        let numeric = self.binary(ty);
        let [first, second] = *numeric.params else {
            unreachable!("the instruction has two operands");
        };
        let before = self.tree(first, 1);
        let between = match self.rng.below(6) {
            0..=1 => Node::new(Op::Drop, vec![self.memory_grow()], []),
            2 => self.store(),
            3 => {
                // A local that the first operand may have read.
                let local = self.writable(first);
                let value = self.tree(first, 1);
                Node::new(Op::SetLocals(vec![local]), vec![value], [])
            }
            4 => {
                let name = *self.rng.pick(&["I32DivS", "I32RemU"]);
                let args = self.values(&[Ty::I32, Ty::I32]);
                let quotient = Node::new(Op::Numeric(named(name)), args, [Ty::I32]);
                Node::new(Op::Drop, vec![quotient], [])
            }
            _ => self.effect(),
        };
        let after = self.tree(second, 1);
        Node::new(Op::Numeric(numeric), vec![before, between, after], [ty])
    }

    /// An operation on two results of one node, which waits while a call is made: the
    /// call's frame begins where one of the results is.
    fn over_call(&mut self, ty: Ty) -> Node {
        let outer = self.binary(ty);
        let [first, second] = *outer.params else {
            unreachable!("the instruction has two operands");
        };
        let inner = self.binary(first);
        let pair = self.pair(inner.params);
        let waiting = Node::new(Op::Numeric(inner), vec![pair], [first]);
        // Without an argument that would be in the way before the call is.
        let direct: Vec<_> = self
            .funcs_with(&[second])
            .into_iter()
            .filter(|func| self.env.sigs[*func].params.is_empty())
            .collect();
        let call = if direct.is_empty() || self.rng.chance(30) {
            self.call_for(&[second])
                .unwrap_or_else(|| self.tree(second, 1))
        } else {
            let func = *self.rng.pick(&direct);
            Node::new(Op::Call(Callee::Func(func)), Vec::new(), [second])
        };
        Node::new(Op::Numeric(outer), vec![waiting, call], [ty])
    }

    /// Two values from one node: they lie in slots, one after the other.
    fn pair(&mut self, types: &[Ty]) -> Node {
        if self.rng.chance(40)
            && let Some(call) = self.call_for(types)
        {
            return call;
        }
        self.block(types)
    }

    fn select_by_comparison(&mut self, ty: Ty) -> Node {
        let compare: Vec<&'static Numeric> =
            NUMERIC.iter().filter(|n| n.kind == Kind::Compare).collect();
        let compare = *self.rng.pick(&compare);
        let operands = compare.params.iter().map(|ty| self.tree(*ty, 1)).collect();
        let condition = Node::new(Op::Numeric(compare), operands, [Ty::I32]);
        let args = vec![self.tree(ty, 1), self.tree(ty, 1), condition];
        Node::new(Op::Select(false), args, [ty])
    }

    /// Moves the values of some locals of one type to each other, one of them
    /// changed perhaps: what loops do at their end.
    pub(crate) fn permute(&mut self) -> Node {
        self.spend();
        let ty = self.rng.number_ty();
        let mut locals: Vec<u32> = (0u32..)
            .zip(&self.locals)
            .filter(|(local, t)| **t == ty && !self.counters.contains(local))
            .map(|(local, _)| local)
            .collect();
        while locals.len() < 2 {
            let local = self.new_local(ty);
            locals.push(local);
        }
        let count = 2 + self.rng.below(locals.len().min(4) - 1);
        for at in 0..count {
            let other = at + self.rng.below(locals.len() - at);
            locals.swap(at, other);
        }
        locals.truncate(count);
        let mut values: Vec<_> = locals
            .iter()
            .map(|local| Node::leaf(Op::LocalGet(*local), ty))
            .collect();
        if self.rng.chance(40) {
            let changed = self.rng.below(count);
            let numeric = self.binary(ty);
            let args = numeric.params.iter().map(|ty| self.tree(*ty, 0)).collect();
            values[changed] = Node::new(Op::Numeric(numeric), args, [ty]);
        }
        // The last operand goes to the first local: anything but this order moves.
        let by = self.rng.below(count);
        locals.rotate_left(by);
        Node::new(Op::SetLocals(locals), values, [])
    }

    pub(crate) fn counting(&mut self) -> Counting {
        let names = ["I32LtS", "I32LtU", "I32Ne"];
        match self.rng.below(7) {
            5..=6 => Counting::Together,
            0..=1 => Counting::Down,
            2 => Counting::UpTee(named(names[self.rng.below(3)])),
            3 => Counting::UpSet(named(names[self.rng.below(3)])),
            _ => Counting::UpExit,
        }
    }
}

/// Whether the instruction never traps and hides no bits.
fn is_free(numeric: &Numeric) -> bool {
    matches!(numeric.kind, Kind::Plain | Kind::Compare | Kind::Exact)
}
