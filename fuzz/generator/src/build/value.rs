//! Nodes with results.

use crate::ast::{Callee, Node, Op, Sig, Ty};
use crate::build::func::FuncGen;
use crate::host::HostFn;
use crate::numeric::{Kind, NUMERIC, Numeric};

/// What gives a value.
#[derive(Clone, Copy)]
enum Choice {
    Leaf,
    Numeric,
    Tee,
    Load,
    Select,
    Call,
    Block,
    BrIf,
    Service,
    Shape,
    Never,
}

impl FuncGen<'_> {
    /// One value.
    pub(crate) fn value(&mut self, ty: Ty) -> Node {
        if self.is_spent() {
            return self.leaf(ty);
        }
        if ty == Ty::I32 && self.rng.chance(5) {
            return self.service();
        }
        let choice = self.rng.weighted(&[
            (26, Choice::Leaf),
            (28, Choice::Numeric),
            (12, Choice::Shape),
            (9, Choice::Tee),
            (8, Choice::Load),
            (6, Choice::Select),
            (7, Choice::Call),
            (10, Choice::Block),
            (3, Choice::BrIf),
            (1, Choice::Service),
            (1, Choice::Never),
        ]);
        match choice {
            Choice::Numeric if ty != Ty::Func => self.numeric(ty),
            Choice::Load if ty != Ty::Func => self.load(ty),
            Choice::Shape if ty != Ty::Func => self.shape(ty),
            Choice::Tee => {
                let node = self.node(Op::Nop, &[ty], [ty]);
                let local = self.writable(ty);
                Node {
                    op: Op::LocalTee(local),
                    ..node
                }
            }
            Choice::Select => self.select(ty),
            Choice::Call | Choice::Block | Choice::BrIf | Choice::Never => {
                self.several_by(choice, &[ty])
            }
            Choice::Service if ty == Ty::Func => {
                let table = self.rng.below(self.env.tables);
                let mut node = self.node(Op::TableGet(table), &[Ty::I32], [ty]);
                self.small(&mut node.args, 7);
                node
            }
            _ => self.leaf(ty),
        }
    }

    /// Several values from one node.
    pub(crate) fn several(&mut self, want: &[Ty]) -> Node {
        let choice = self.rng.weighted(&[
            (30, Choice::Call),
            (50, Choice::Block),
            (15, Choice::BrIf),
            (1, Choice::Never),
        ]);
        self.several_by(choice, want)
    }

    fn several_by(&mut self, choice: Choice, want: &[Ty]) -> Node {
        match choice {
            Choice::Call => self.call_for(want),
            Choice::BrIf => self.br_if_for(want),
            Choice::Never => Some(self.never(want)),
            _ => None,
        }
        .unwrap_or_else(|| self.block(want))
    }

    fn leaf(&mut self, ty: Ty) -> Node {
        self.spend();
        if self.rng.chance(60)
            && let Some(local) = self.readable(ty)
        {
            return Node::leaf(Op::LocalGet(local), ty);
        }
        if ty == Ty::Func && self.rng.chance(70) {
            let func = self.rng.below(self.env.sigs.len());
            return Node::leaf(Op::RefFunc(func), ty);
        }
        let globals = self.globals(|global| global.init.ty() == ty);
        if !globals.is_empty() && self.rng.chance(30) {
            return Node::leaf(Op::GlobalGet(*self.rng.pick(&globals)), ty);
        }
        Node::constant(self.rng.constant(ty))
    }

    fn numeric(&mut self, ty: Ty) -> Node {
        let all: Vec<&'static Numeric> = NUMERIC.iter().filter(|n| n.result == ty).collect();
        let mut numeric = *self.rng.pick(&all);
        if matches!(numeric.kind, Kind::Convert | Kind::Divide) && self.rng.chance(60) {
            numeric = *self.rng.pick(&all);
        }
        self.apply(numeric)
    }

    /// An instruction with operands that rarely make it trap.
    fn apply(&mut self, numeric: &'static Numeric) -> Node {
        let mut node = match numeric.params {
            // Both operands from one node: they are where it left them.
            [_, _] if self.rng.chance(12) => {
                let operands = self.several(numeric.params);
                Node::new(Op::Numeric(numeric), vec![operands], [numeric.result])
            }
            params => self.node(Op::Numeric(numeric), params, [numeric.result]),
        };
        match (numeric.kind, numeric.params) {
            (Kind::Divide, [ty, _]) if self.rng.chance(92) => {
                // Set a bit of the divisor, or make it a constant other than zero.
                let last = node.args.iter().rposition(|arg| !arg.types.is_empty());
                let divisor = last
                    .map(|at| &mut node.args[at])
                    .filter(|arg| arg.types.len() == 1);
                if let Some(divisor) = divisor {
                    let or = if *ty == Ty::I32 { "I32Or" } else { "I64Or" };
                    let one = match ty {
                        Ty::I32 => Node::i32(1),
                        _ => Node::constant(crate::ast::Const::I64(1)),
                    };
                    let old = std::mem::replace(divisor, one.clone());
                    *divisor = Node::new(Op::Numeric(named(or)), vec![old, one], [*ty]);
                }
            }
            (Kind::Convert, [ty]) if self.rng.chance(85) => {
                // The operand becomes a small number.
                let source = if *ty == Ty::F32 {
                    "F32ConvertI32S"
                } else {
                    "F64ConvertI32U"
                };
                let bits = self.node(Op::Numeric(named("I32And")), &[Ty::I32], [Ty::I32]);
                let mut bits = bits;
                bits.args.push(Node::i32(0x7fff));
                node.args = vec![Node::new(Op::Numeric(named(source)), vec![bits], [*ty])];
            }
            _ => {}
        }
        node
    }

    /// A condition: mostly a comparison.
    pub(crate) fn condition(&mut self) -> Vec<Node> {
        if self.is_spent() || self.rng.chance(30) {
            return self.values(&[Ty::I32]);
        }
        let all: Vec<&'static Numeric> =
            NUMERIC.iter().filter(|n| n.kind == Kind::Compare).collect();
        let numeric = *self.rng.pick(&all);
        vec![self.apply(numeric)]
    }

    fn select(&mut self, ty: Ty) -> Node {
        let typed = ty == Ty::Func || self.rng.chance(10);
        self.spend();
        let mut args = self.values(&[ty, ty]);
        args.extend(self.condition());
        Node::new(Op::Select(typed), args, [ty])
    }

    pub(crate) fn call_for(&mut self, want: &[Ty]) -> Option<Node> {
        if self.rng.chance(30) {
            let hosts: Vec<_> = HostFn::all()
                .filter(|host| host.results_ty() == want)
                .collect();
            if !hosts.is_empty() {
                let host = *self.rng.pick(&hosts);
                return Some(self.call_host(host));
            }
        }
        let funcs = self.funcs_with(want);
        (!funcs.is_empty()).then(|| {
            let func = *self.rng.pick(&funcs);
            self.call_func(func)
        })
    }

    pub(crate) fn call_host(&mut self, host: HostFn) -> Node {
        self.node(
            Op::Call(Callee::Host(host)),
            host.params(),
            host.results_ty(),
        )
    }

    /// A direct or indirect call.
    pub(crate) fn call_func(&mut self, func: usize) -> Node {
        let sig = &self.env.sigs[func];
        if self.rng.chance(30) {
            let args = self.indirect_args(sig);
            let table = self.rng.below(self.env.tables);
            return Node::new(
                Op::CallIndirect(table, sig.clone()),
                args,
                sig.results.clone(),
            );
        }
        self.node(
            Op::Call(Callee::Func(func)),
            &sig.params,
            sig.results.clone(),
        )
    }

    /// Arguments and the index of an indirect call.
    pub(crate) fn indirect_args(&mut self, sig: &Sig) -> Vec<Node> {
        self.spend();
        let mut args = self.values(&sig.params);
        if self.rng.chance(70) {
            args.push(Node::i32(self.rng.below(6) as i32));
        } else {
            let mut index = self.values(&[Ty::I32]);
            self.small(&mut index, 7);
            args.extend(index);
        }
        args
    }

    pub(crate) fn funcs_with(&self, results: &[Ty]) -> Vec<usize> {
        (0..)
            .zip(&self.env.sigs)
            .filter(|(_, s)| s.results == results)
            .map(|(i, _)| i)
            .collect()
    }

    pub(crate) fn globals(&self, fits: impl Fn(&crate::ast::Global) -> bool) -> Vec<usize> {
        (0..)
            .zip(&self.env.globals)
            .filter(|(_, g)| fits(g))
            .map(|(i, _)| i)
            .collect()
    }

    /// Masks the `i32` on top of a sequence.
    pub(crate) fn small(&mut self, nodes: &mut Vec<Node>, mask: i32) {
        let args = std::mem::take(nodes);
        let args = args.into_iter().chain([Node::i32(mask)]).collect();
        *nodes = vec![Node::new(Op::Numeric(named("I32And")), args, [Ty::I32])];
    }
}

/// The instruction of this name.
pub(crate) fn named(name: &str) -> &'static Numeric {
    NUMERIC
        .iter()
        .find(|numeric| format!("{numeric:?}") == name)
        .unwrap_or_else(|| panic!("no numeric instruction is called {name}"))
}
