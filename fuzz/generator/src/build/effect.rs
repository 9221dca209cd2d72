//! Nodes without results: what may happen while other values are pending.

use crate::ast::{Body, Counting, Node, Op, Ty};
use crate::build::func::FuncGen;
use crate::host::{Effect, HostFn};

impl FuncGen<'_> {
    /// One effect.
    pub(crate) fn effect(&mut self) -> Node {
        match self.rng.below(100) {
            0..=18 => self.set_locals(),
            19..=28 => self.tile_effect(),
            29..=30 => self.carried(),
            31..=35 => self.permute(),
            36..=43 => self.global_set(),
            44..=55 => self.store(),
            56..=66 => self.call_effect(),
            67..=70 => self.bulk(),
            71..=73 => {
                let node = self.service();
                Node::new(Op::Drop, vec![node], [])
            }
            74..=77 => {
                let ty = self.rng.ty();
                self.node(Op::Drop, &[ty], [])
            }
            78..=85 => self.block(&[]),
            86..=90 => self.guarded_exit(),
            91..=93 => self.br_if_effect(),
            94..=98 => self.counted(),
            _ => Node::new(Op::Nop, Vec::new(), []),
        }
    }

    /// Sets a local, or several at once: swaps and rotations.
    fn set_locals(&mut self) -> Node {
        let count = if self.rng.chance(75) {
            1
        } else {
            2 + self.rng.below(3)
        };
        let ty = self.rng.ty();
        let types: Vec<_> = (0..count)
            .map(|_| {
                if self.rng.chance(70) {
                    ty
                } else {
                    self.rng.ty()
                }
            })
            .collect();
        let node = self.node(Op::Nop, &types, []);
        let locals = types.iter().rev().map(|ty| self.writable(*ty)).collect();
        Node {
            op: Op::SetLocals(locals),
            ..node
        }
    }

    fn global_set(&mut self) -> Node {
        let globals = self.globals(|global| global.mutable);
        if globals.is_empty() {
            return self.set_locals();
        }
        let global = *self.rng.pick(&globals);
        let ty = self.env.globals[global].init.ty();
        self.node(Op::GlobalSet(global), &[ty], [])
    }

    fn call_effect(&mut self) -> Node {
        let call = if self.rng.chance(60) {
            let hosts: Vec<_> = HostFn::all()
                .filter(|host| host.effect() != Effect::Fail || self.rng.chance(3))
                .collect();
            let host = *self.rng.pick(&hosts);
            self.call_host(host)
        } else {
            let func = self.rng.below(self.env.sigs.len());
            self.call_func(func)
        };
        dropped(call)
    }

    /// `if` something, leave: with a branch, a return, a tail call or a trap.
    fn guarded_exit(&mut self) -> Node {
        self.spend();
        let args = self.condition();
        let label = self.scope(Vec::new());
        let mut nodes = Vec::new();
        if self.rng.chance(40) {
            nodes.push(self.effect());
        }
        nodes.push(self.never(&[]));
        self.scopes.pop();
        let then = Body {
            label,
            params: Vec::new(),
            nodes,
        };
        Node::new(
            Op::If {
                then,
                other: Vec::new(),
            },
            args,
            [],
        )
    }

    fn br_if_effect(&mut self) -> Node {
        self.spend();
        let scope = self.rng.pick(&self.scopes).clone();
        let mut args = self.values(&scope.types);
        args.extend(self.condition());
        dropped(Node::new(Op::BrIf(scope.label), args, scope.types))
    }

    /// A loop with a fixed number of rounds.
    fn counted(&mut self) -> Node {
        if self.is_spent() || self.counters.len() >= 3 {
            return self.set_locals();
        }
        self.spend();
        let counter = self.counter();
        let label = self.scope(Vec::new());
        let way = self.counting();
        // Two loops of which nothing is between the beginnings.
        let mut nodes = vec![match way == Counting::Together && self.rng.chance(60) {
            true => self.counted(),
            false => self.effect(),
        }];
        while self.rng.chance(60) {
            nodes.push(self.effect());
        }
        // What a loop carries from round to round, moved at its end.
        if self.rng.chance(40) {
            nodes.push(self.permute());
        }
        self.scopes.pop();
        let rounds = 1 + self.rng.below(6) as i32;
        let body = Body {
            label,
            params: Vec::new(),
            nodes,
        };
        Node::new(
            Op::Counted {
                body,
                counter,
                rounds,
                way,
            },
            Vec::new(),
            [],
        )
    }
}

/// The node, and its results thrown away.
pub(crate) fn dropped(node: Node) -> Node {
    if node.types.is_empty() {
        node
    } else {
        Node::new(Op::Drop, vec![node], Vec::<Ty>::new())
    }
}
