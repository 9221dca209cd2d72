//! Blocks, branches and other ways to leave.

use crate::ast::{Body, Callee, Node, Op, Ty};
use crate::build::func::{FuncGen, Scope};
use crate::host::HostFn;

impl FuncGen<'_> {
    /// A block, a loop, an `if` or a switch with these results.
    pub(crate) fn block(&mut self, results: &[Ty]) -> Node {
        if self.is_spent() {
            // Nothing but the results.
            let label = self.scope(results.to_vec());
            let nodes = self.values(results);
            self.scopes.pop();
            return Node::new(
                Op::Block(Body {
                    label,
                    params: Vec::new(),
                    nodes,
                }),
                vec![],
                results,
            );
        }
        match self.rng.below(10) {
            0..=3 => self.plain_block(results),
            4..=6 => self.if_else(results),
            7..=8 => self.repeat(results),
            _ => self.switch(results),
        }
    }

    fn params(&mut self) -> Vec<Ty> {
        if self.rng.chance(50) {
            return Vec::new();
        }
        (0..1 + self.rng.below(3)).map(|_| self.rng.ty()).collect()
    }

    fn plain_block(&mut self, results: &[Ty]) -> Node {
        if results.len() > 1 && self.rng.chance(20) {
            return self.left_behind(results);
        }
        self.spend();
        let params = self.params();
        let args = self.values(&params);
        let label = self.scope(results.to_vec());
        let nodes = self.body(&params, results);
        self.scopes.pop();
        Node::new(
            Op::Block(Body {
                label,
                params,
                nodes,
            }),
            args,
            results,
        )
    }

    fn if_else(&mut self, results: &[Ty]) -> Node {
        self.spend();
        let params = self.params();
        let mut args = self.values(&params);
        args.extend(self.condition());
        let label = self.scope(results.to_vec());
        let nodes = self.body(&params, results);
        let other = if results.is_empty() && params.is_empty() && self.rng.chance(50) {
            Vec::new()
        } else {
            self.body(&params, results)
        };
        self.scopes.pop();
        Node::new(
            Op::If {
                then: Body {
                    label,
                    params,
                    nodes,
                },
                other,
            },
            args,
            results,
        )
    }

    /// A loop that goes on under a condition.
    fn repeat(&mut self, results: &[Ty]) -> Node {
        self.spend();
        let params = self.params();
        let args = self.values(&params);
        let label = self.scope(params.clone());
        let mut nodes = self.begin(&params);
        // At the same place another loop may begin.
        if params.is_empty() && !self.is_spent() && self.rng.chance(20) {
            nodes.push(self.repeat(&[]));
        }
        if self.rng.chance(70) {
            nodes.push(self.effect());
        }
        // The values of the next round are often those of this one, moved.
        if params.is_empty() && self.rng.chance(40) {
            nodes.push(self.permute());
        }
        let mut again = self.values(&params);
        again.extend(self.condition());
        let branch = Node::new(Op::BrIf(label), again, params.clone());
        if params == results {
            nodes.push(branch);
        } else {
            let kept = params.is_empty();
            nodes.push(if kept {
                branch
            } else {
                Node::new(Op::Drop, vec![branch], [])
            });
            nodes.extend(self.values(results));
        }
        self.scopes.pop();
        Node::new(
            Op::Loop(Body {
                label,
                params,
                nodes,
            }),
            args,
            results,
        )
    }

    /// Nested blocks, left through a `br_table` in the innermost.
    fn switch(&mut self, results: &[Ty]) -> Node {
        self.spend();
        let count = 1 + self.rng.below(4);
        let labels: Vec<_> = (0..count).map(|_| self.scope(results.to_vec())).collect();
        let mut args = self.values(results);
        let mut index = self.values(&[Ty::I32]);
        if self.rng.chance(70) {
            self.small(&mut index, 7);
        }
        args.extend(index);
        // The scope outside may be a target as well.
        let outside: Vec<_> = self
            .scopes
            .iter()
            .filter(|scope| scope.types == results)
            .map(|scope| scope.label)
            .collect();
        let targets = (0..1 + self.rng.below(6))
            .map(|_| {
                if self.rng.chance(85) {
                    *self.rng.pick(&labels)
                } else {
                    *self.rng.pick(&outside)
                }
            })
            .collect();
        let mut nodes = Vec::new();
        if self.rng.chance(30) {
            nodes.push(self.effect());
        }
        nodes.push(Node::new(Op::BrTable(targets), args, results));
        let mut labels = labels;
        loop {
            let label = labels.pop().expect("one block for each label");
            self.scopes.pop();
            let body = Body {
                label,
                params: Vec::new(),
                nodes,
            };
            let block = Node::new(Op::Block(body), Vec::new(), results);
            if labels.is_empty() {
                return block;
            }
            // In the block around it: what happens after one arm was left.
            nodes = vec![block];
            if self.rng.chance(60) {
                nodes.push(self.effect());
            }
            if !results.is_empty() && self.rng.chance(40) {
                let locals = results.iter().rev().map(|ty| self.writable(*ty)).collect();
                nodes = vec![Node::new(Op::SetLocals(locals), nodes, [])];
                nodes.extend(self.values(results));
            }
        }
    }

    /// A body that begins with its parameters on the stack.
    fn body(&mut self, params: &[Ty], results: &[Ty]) -> Vec<Node> {
        // They may stay, below everything that the body does, and be results.
        if !params.is_empty() && results.starts_with(params) && self.rng.chance(60) {
            let mut nodes = vec![Node::new(Op::Incoming, Vec::new(), params)];
            if self.rng.chance(60) {
                nodes.push(self.effect());
            }
            nodes.extend(self.values(&results[params.len()..]));
            return nodes;
        }
        let mut nodes = self.begin(params);
        while self.budget > 4 && self.rng.chance(40) {
            nodes.push(self.effect());
        }
        nodes.extend(self.values(results));
        nodes
    }

    /// Takes a block's parameters off the stack.
    fn begin(&mut self, params: &[Ty]) -> Vec<Node> {
        if params.is_empty() {
            return Vec::new();
        }
        let mut args = vec![Node::new(Op::Incoming, Vec::new(), params)];
        if self.rng.chance(50) {
            args.push(self.effect());
        }
        let callees: Vec<_> = HostFn::all()
            .filter(|h| h.params().starts_with(params))
            .collect();
        if !callees.is_empty() && self.rng.chance(25) {
            let host = *self.rng.pick(&callees);
            args.extend(self.values(&host.params()[params.len()..]));
            let call = Node::new(Op::Call(Callee::Host(host)), args, host.results_ty());
            return vec![if call.types.is_empty() {
                call
            } else {
                Node::new(Op::Drop, vec![call], [])
            }];
        }
        if self.rng.chance(15) {
            return vec![Node::new(Op::Drop, args, [])];
        }
        let locals = params.iter().rev().map(|ty| self.writable(*ty)).collect();
        vec![Node::new(Op::SetLocals(locals), args, [])]
    }

    /// Values that a conditional branch leaves on the stack.
    pub(crate) fn br_if_for(&mut self, want: &[Ty]) -> Option<Node> {
        let fitting: Vec<Scope> = self
            .scopes
            .iter()
            .filter(|scope| scope.types == want)
            .cloned()
            .collect();
        if fitting.is_empty() {
            return None;
        }
        self.spend();
        let label = self.rng.pick(&fitting).label;
        let mut args = self.values(want);
        args.extend(self.condition());
        Some(Node::new(Op::BrIf(label), args, want))
    }

    /// A node that never falls through; what it claims to leave does not matter.
    pub(crate) fn never(&mut self, claim: &[Ty]) -> Node {
        self.spend();
        let (op, args) = match self.rng.below(20) {
            0 => (Op::Unreachable, Vec::new()),
            1..=3 => (Op::Return, self.values(self.results())),
            4..=10 => self.tail_call(),
            11..=13 => self.br_table(),
            _ => {
                let scope = self.rng.pick(&self.scopes).clone();
                (Op::Br(scope.label), self.values(&scope.types))
            }
        };
        Node::new(op, args, claim)
    }

    fn tail_call(&mut self) -> (Op, Vec<Node>) {
        let results = self.results();
        let hosts: Vec<_> = HostFn::all()
            .filter(|host| host.results_ty() == results)
            .collect();
        if !hosts.is_empty() && self.rng.chance(40) {
            let host = *self.rng.pick(&hosts);
            return (
                Op::ReturnCall(Callee::Host(host)),
                self.values(host.params()),
            );
        }
        // At least this function itself has its results.
        let funcs = self.funcs_with(results);
        let func = *self.rng.pick(&funcs);
        let sig = &self.env.sigs[func];
        if self.rng.chance(40) {
            let table = self.rng.below(self.env.tables);
            let args = self.indirect_args(sig);
            return (Op::ReturnCallIndirect(table, sig.clone()), args);
        }
        (Op::ReturnCall(Callee::Func(func)), self.values(&sig.params))
    }

    fn br_table(&mut self) -> (Op, Vec<Node>) {
        let types = self.rng.pick(&self.scopes).types.clone();
        let fitting: Vec<_> = self
            .scopes
            .iter()
            .filter(|s| s.types == types)
            .map(|s| s.label)
            .collect();
        let labels = (0..1 + self.rng.below(5))
            .map(|_| *self.rng.pick(&fitting))
            .collect();
        let mut args = self.values(&types);
        args.extend(self.values(&[Ty::I32]));
        (Op::BrTable(labels), args)
    }
}
