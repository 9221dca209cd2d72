//! From a program to smaller ones.
//!
//! A program has a numbered series of simplifications. Trying them from the first
//! to the last, starting over from what still fails, ends with a program of which
//! no single part can be left out.
//!
//! # Invariants
//!
//! - A simplification of a valid program is valid: a node is only replaced by
//!   nodes with the same results.
//! - It has fewer nodes other than constants and `drop`, or as many of these and
//!   fewer nodes, or simpler constants: there is no infinite descent.

use crate::ast::{Body, Const, Label, Node, Op, Program, Ty};

impl Program {
    /// The simplification of this number, counted from `from`, and its number; none
    /// when there are no further ones.
    ///
    /// Large simplifications come first.
    #[must_use]
    pub fn simplify(&self, from: usize) -> Option<(usize, Self)> {
        let mut search = Search {
            skip: from,
            number: 0,
        };
        self.simpler(&mut search)
            .map(|program| (search.number - 1, program))
    }

    fn simpler(&self, search: &mut Search) -> Option<Self> {
        // Without a call.
        for call in 0..self.invocations.len() {
            if self.invocations.len() > 1 && search.here() {
                let mut program = self.clone();
                program.invocations.remove(call);
                return Some(program);
            }
        }
        // A function that does nothing.
        for (index, func) in self.funcs.iter().enumerate() {
            let plain = zeros(&func.sig.results);
            if func.body != plain && search.here() {
                let mut program = self.clone();
                program.funcs[index].body = plain;
                return Some(program);
            }
        }
        for (index, func) in self.funcs.iter().enumerate() {
            if let Some(body) = sequence(&func.body, search, true) {
                let mut program = self.clone();
                program.funcs[index].body = body;
                return Some(program);
            }
        }
        self.simpler_data(search)
    }

    /// Simpler arguments, data and elements.
    fn simpler_data(&self, search: &mut Search) -> Option<Self> {
        for (call, invocation) in self.invocations.iter().enumerate() {
            for (at, arg) in invocation.args.iter().enumerate() {
                if let Some(simpler) = search.constant(*arg) {
                    let mut program = self.clone();
                    program.invocations[call].args[at] = simpler;
                    return Some(program);
                }
            }
        }
        for (at, global) in self.globals.iter().enumerate() {
            if let Some(simpler) = search.constant(global.init) {
                let mut program = self.clone();
                program.globals[at].init = simpler;
                return Some(program);
            }
        }
        for memory in 0..self.memories.len() {
            for at in 0..self.memories[memory].active.len() {
                if search.here() {
                    let mut program = self.clone();
                    program.memories[memory].active.remove(at);
                    return Some(program);
                }
            }
        }
        for (at, table) in self.tables.iter().enumerate() {
            for element in 0..table.elements.len() {
                if table.elements[element].is_some() && search.here() {
                    let mut program = self.clone();
                    program.tables[at].elements[element] = None;
                    return Some(program);
                }
            }
        }
        None
    }
}

/// Counts simplifications up to the one that is wanted.
struct Search {
    skip: usize,
    number: usize,
}

impl Search {
    /// Whether this is the one.
    const fn here(&mut self) -> bool {
        self.number += 1;
        self.number > self.skip
    }

    fn constant(&mut self, value: Const) -> Option<Const> {
        let (zero, one) = (Const::zero(value.ty()), one(value.ty()));
        if value != zero && self.here() {
            return Some(zero);
        }
        (value != zero && value != one && self.here()).then_some(one)
    }
}

const fn one(ty: Ty) -> Const {
    match ty {
        Ty::I32 => Const::I32(1),
        Ty::I64 => Const::I64(1),
        Ty::F32 => Const::F32(0x3f80_0000),
        Ty::F64 => Const::F64(0x3ff0_0000_0000_0000),
        Ty::Func => Const::NullFunc,
    }
}

fn zeros(types: &[Ty]) -> Vec<Node> {
    types
        .iter()
        .map(|ty| Node::constant(Const::zero(*ty)))
        .collect()
}

/// A simpler sequence with the same results.
fn sequence(nodes: &[Node], search: &mut Search, whole: bool) -> Option<Vec<Node>> {
    // Runs of nodes without results, then single ones.
    if whole && nodes.iter().filter(|node| node.types.is_empty()).count() > 1 && search.here() {
        return Some(
            nodes
                .iter()
                .filter(|node| !node.types.is_empty())
                .cloned()
                .collect(),
        )
        .filter(|rest: &Vec<Node>| has_incoming(nodes) == has_incoming(rest));
    }
    for (at, node) in nodes.iter().enumerate() {
        if let Some(instead) = replacement(node, search) {
            let mut nodes = nodes.to_vec();
            nodes.splice(at..=at, instead);
            return Some(nodes);
        }
    }
    // Then inside.
    for (at, node) in nodes.iter().enumerate() {
        if let Some(simpler) = inside(node, search) {
            let mut nodes = nodes.to_vec();
            nodes[at] = simpler;
            return Some(nodes);
        }
    }
    None
}

/// Whether the parameters of the block around these nodes are among them.
fn has_incoming(nodes: &[Node]) -> bool {
    nodes.iter().any(holds_incoming)
}

/// The same for a node: the bodies of blocks have their own.
fn holds_incoming(node: &Node) -> bool {
    node.op == Op::Incoming || has_incoming(&node.args)
}

/// Something simpler that gives the same results in place of a node.
fn replacement(node: &Node, search: &mut Search) -> Option<Vec<Node>> {
    let plain = zeros(&node.types);
    let keeps_incoming = holds_incoming(node);
    if !keeps_incoming && plain != std::slice::from_ref(node) && !is_constant(node) && search.here()
    {
        return Some(plain);
    }
    if let Op::Const(value) = node.op {
        return search
            .constant(value)
            .map(|value| vec![Node::constant(value)]);
    }
    if node.op == Op::Incoming {
        return None;
    }
    // Its operands, where they are what it gives.
    if node.args.len() > 1 || !node.args.is_empty() && !is_constant(&node.args[0]) {
        let types: Vec<Ty> = node
            .args
            .iter()
            .flat_map(|arg| arg.types.iter().copied())
            .collect();
        if types == node.types && search.here() {
            return Some(node.args.clone());
        }
    }
    for arg in &node.args {
        let loses_incoming = keeps_incoming && !holds_incoming(arg);
        if arg.types == node.types && node.args.len() > 1 && !loses_incoming && search.here() {
            return Some(vec![arg.clone()]);
        }
    }
    // One operand for what it does, and zeros for the results.
    if node.op != Op::Drop {
        for arg in &node.args {
            let loses_incoming = keeps_incoming && !holds_incoming(arg);
            if !is_constant(arg) && !loses_incoming && search.here() {
                let effect = match arg.types.is_empty() {
                    true => arg.clone(),
                    false => Node::new(Op::Drop, vec![arg.clone()], []),
                };
                return Some([vec![effect], plain].concat());
            }
        }
    }
    // Its body, where nothing branches out of it.
    let bodies: Vec<(Label, &Vec<Node>)> = match &node.op {
        Op::Block(Body { label, nodes, .. })
        | Op::Loop(Body { label, nodes, .. })
        | Op::Counted {
            body: Body { label, nodes, .. },
            ..
        } => vec![(*label, nodes)],
        Op::If { then, other } => vec![(then.label, &then.nodes), (then.label, other)],
        _ => Vec::new(),
    };
    let is_if = matches!(node.op, Op::If { .. });
    for (label, nodes) in bodies {
        let is_target = nodes
            .iter()
            .any(|n| n.any(&mut |inner| inner.targets().contains(&label)));
        let has_params = has_incoming(nodes);
        if is_target || keeps_incoming && !has_params || is_if && nodes.is_empty() {
            continue;
        }
        if search.here() {
            let mut args = node.args.clone();
            if is_if && pop_condition(&mut args).is_none() {
                continue;
            }
            return Some(if has_params {
                nodes
                    .iter()
                    .map(|node| with_incoming(node, &args))
                    .collect::<Vec<_>>()
                    .concat()
            } else {
                // The operands have no taker any more.
                args.retain(|arg| arg.types.is_empty());
                args.extend(nodes.iter().cloned());
                args
            });
        }
    }
    None
}

/// Takes the node that gives the last operand off, if it gives nothing else.
fn pop_condition(args: &mut Vec<Node>) -> Option<Node> {
    let at = args.iter().rposition(|arg| !arg.types.is_empty())?;
    (args[at].types.len() == 1).then(|| args.remove(at))
}

/// The node with other nodes where the block's parameters stood.
fn with_incoming(node: &Node, args: &[Node]) -> Vec<Node> {
    if node.op == Op::Incoming {
        return args.to_vec();
    }
    let mut node = node.clone();
    node.args = node
        .args
        .iter()
        .flat_map(|arg| with_incoming(arg, args))
        .collect();
    vec![node]
}

fn is_constant(node: &Node) -> bool {
    matches!(node.op, Op::Const(_))
}

/// The node with something simpler inside.
fn inside(node: &Node, search: &mut Search) -> Option<Node> {
    if let Op::Counted {
        body,
        counter,
        rounds: rounds @ 2..,
        way,
    } = &node.op
        && search.here()
    {
        let op = Op::Counted {
            body: body.clone(),
            counter: *counter,
            rounds: rounds - 1,
            way: *way,
        };
        return Some(Node { op, ..node.clone() });
    }
    if let Op::BrTable(labels) = &node.op
        && labels.len() > 1
        && search.here()
    {
        return Some(Node {
            op: Op::BrTable(labels[1..].to_vec()),
            ..node.clone()
        });
    }
    if let Op::Load(load, memory, 1..) = node.op
        && search.here()
    {
        return Some(Node {
            op: Op::Load(load, memory, 0),
            ..node.clone()
        });
    }
    if let Op::Store(store, memory, 1..) = node.op
        && search.here()
    {
        return Some(Node {
            op: Op::Store(store, memory, 0),
            ..node.clone()
        });
    }
    let count = node.sequences().count();
    for which in 0..count {
        let nodes = node.sequences().nth(which)?;
        if let Some(simpler) = sequence(nodes, search, true) {
            let mut node = node.clone();
            *node.sequences_mut().nth(which)? = simpler;
            return Some(node);
        }
    }
    None
}
