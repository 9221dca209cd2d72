//! One function's body: the state of its generation, and sequences of values.

use crate::ast::{Func, Label, Node, Op, Ty};
use crate::build::Env;
use crate::rng::Rng;

/// A label in scope.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) label: Label,
    /// What a branch to it takes.
    pub(crate) types: Vec<Ty>,
}

/// Generates one function.
pub(crate) struct FuncGen<'a> {
    pub(crate) rng: &'a mut Rng,
    pub(crate) env: &'a Env,
    index: usize,
    /// Types of parameters and locals.
    pub(crate) locals: Vec<Ty>,
    /// The counters of [`Op::Counted`], which only their loops write.
    pub(crate) counters: Vec<u32>,
    pub(crate) scopes: Vec<Scope>,
    labels: u32,
    /// Locals of which an old value may be on the operand stack, unconsumed.
    pending: Vec<u32>,
    /// How many more nodes are wanted, roughly.
    pub(crate) budget: usize,
    pub(crate) depth: usize,
}

/// Nesting beyond which only leaves are generated.
const MAX_DEPTH: usize = 12;

impl<'a> FuncGen<'a> {
    pub(crate) fn new(rng: &'a mut Rng, env: &'a Env, index: usize, budget: usize) -> Self {
        let mut locals = env.sigs[index].params.clone();
        // Few types, so that locals of one type meet in expressions.
        let types = [rng.number_ty(), rng.number_ty(), rng.ty()];
        locals.extend((0..2 + rng.below(5)).map(|_| *rng.pick(&types)));
        Self {
            rng,
            env,
            index,
            locals,
            counters: Vec::new(),
            scopes: Vec::new(),
            labels: 0,
            pending: Vec::new(),
            budget,
            depth: 0,
        }
    }

    /// The function.
    pub(crate) fn func(mut self) -> Func {
        let sig = self.env.sigs[self.index].clone();
        self.scope(sig.results.clone());
        let mut body = Vec::new();
        while self.budget > 10 && self.rng.chance(85) {
            body.push(self.effect());
        }
        match sig.results[..] {
            // What is returned is computed on the way.
            [ty] if ty != Ty::Func && self.rng.chance(25) => body.push(self.operation(ty)),
            _ => body.extend(self.values(&sig.results)),
        }
        let locals = self.locals.split_off(sig.params.len());
        Func { sig, locals, body }
    }

    /// The types of the function's results.
    pub(crate) fn results(&self) -> &'a [Ty] {
        &self.env.sigs[self.index].results
    }

    /// Opens a scope that branches with these types leave or repeat.
    pub(crate) fn scope(&mut self, types: Vec<Ty>) -> Label {
        let label = Label(self.labels);
        self.labels += 1;
        self.scopes.push(Scope { label, types });
        label
    }

    /// A local that nothing but a counted loop writes.
    pub(crate) fn counter(&mut self) -> u32 {
        let local = self.new_local(Ty::I32);
        self.counters.push(local);
        local
    }

    pub(crate) fn new_local(&mut self, ty: Ty) -> u32 {
        self.locals.push(ty);
        (self.locals.len() - 1) as u32
    }

    /// A local to read.
    pub(crate) fn readable(&mut self, ty: Ty) -> Option<u32> {
        self.any_local(ty, true)
    }

    /// A local to write: preferably one whose old value is still pending.
    pub(crate) fn writable(&mut self, ty: Ty) -> u32 {
        if self.rng.chance(60) {
            let fits =
                |local: &u32| self.locals[*local as usize] == ty && !self.counters.contains(local);
            let hot: Vec<_> = self.pending.iter().copied().filter(fits).collect();
            if !hot.is_empty() {
                return *self.rng.pick(&hot);
            }
        }
        self.any_local(ty, false)
            .unwrap_or_else(|| self.new_local(ty))
    }

    fn any_local(&mut self, ty: Ty, counters: bool) -> Option<u32> {
        let all: Vec<_> = (0u32..)
            .zip(&self.locals)
            .filter(|(local, t)| **t == ty && (counters || !self.counters.contains(local)))
            .map(|(local, _)| local)
            .collect();
        if all.is_empty() {
            return None;
        }
        // Two out of three times one of the first two: they become hot.
        let some = if self.rng.chance(66) {
            &all[..all.len().min(2)]
        } else {
            &all[..]
        };
        Some(*self.rng.pick(some))
    }

    /// Whether only leaves are wanted.
    pub(crate) fn is_spent(&self) -> bool {
        self.budget == 0 || self.depth >= MAX_DEPTH
    }

    /// Takes a node off the budget.
    pub(crate) fn spend(&mut self) {
        self.budget = self.budget.saturating_sub(1);
    }

    /// A sequence of nodes with these results, with effects between them.
    pub(crate) fn values(&mut self, want: &[Ty]) -> Vec<Node> {
        let pending = self.pending.len();
        let mut nodes = Vec::new();
        let mut rest = want;
        self.depth += 1;
        while let [first, others @ ..] = rest {
            if self.rng.chance(if nodes.is_empty() { 4 } else { 22 }) && !self.is_spent() {
                nodes.push(self.effect());
            }
            let take = if !others.is_empty() && self.rng.chance(15) {
                2 + self.rng.below(others.len().min(3))
            } else {
                1
            };
            let node = if take > 1 && !self.is_spent() {
                self.several(&rest[..take])
            } else {
                self.value(*first)
            };
            if let Op::LocalGet(local) | Op::LocalTee(local) = node.op {
                self.pending.push(local);
            }
            rest = &rest[node.types.len()..];
            nodes.push(node);
        }
        if !nodes.is_empty() && self.rng.chance(8) && !self.is_spent() {
            nodes.push(self.effect());
        }
        self.depth -= 1;
        self.pending.truncate(pending);
        nodes
    }

    /// Operands of known types for an operation.
    pub(crate) fn node(&mut self, op: Op, params: &[Ty], results: impl Into<Vec<Ty>>) -> Node {
        self.spend();
        let args = self.values(params);
        Node::new(op, args, results)
    }
}
