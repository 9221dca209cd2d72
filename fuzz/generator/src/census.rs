//! What programs consist of, counted: each thing that programs are for must occur.

use crate::ast::{Callee, Const, Counting, Node, Op, Program, Ty};
use crate::emit::guard_position;
use crate::host::Effect;
use crate::numeric::Kind;

/// A thing that programs are for, and what it looks like.
type Item = (&'static str, fn(&Node) -> bool);

const ITEMS: &[Item] = &[
    (
        "a local overwritten while its old value is on the operand stack",
        overwrites_pending,
    ),
    ("a block with parameters", |node| match &node.op {
        Op::Block(body) => !body.params.is_empty(),
        _ => false,
    }),
    ("a loop with parameters", |node| match &node.op {
        Op::Loop(body) => !body.params.is_empty(),
        _ => false,
    }),
    ("an if with parameters", |node| match &node.op {
        Op::If { then, .. } => !then.params.is_empty(),
        _ => false,
    }),
    ("a block with several results", |node| {
        matches!(node.op, Op::Block(_) | Op::Loop(_) | Op::If { .. }) && node.types.len() > 1
    }),
    ("a br_table with values", |node| {
        matches!(node.op, Op::BrTable(_)) && operands(node).len() > 1
    }),
    ("a br_if with values", |node| {
        matches!(node.op, Op::BrIf(_)) && operands(node).len() > 1
    }),
    ("a call among the arguments of a call", |node| {
        is_call(node) && node.args.iter().any(|arg| arg.any(&mut is_call))
    }),
    ("a pending operation below a call's arguments", |node| {
        matches!(node.op, Op::Numeric(_))
            && node.args.len() > 1
            && matches!(node.args[0].op, Op::Numeric(_))
            && node.args[1..].iter().any(is_call)
    }),
    (
        "a pending operation on two results of one node below a call",
        |node| {
            matches!(node.op, Op::Numeric(_))
                && node.args.len() > 1
                && matches!(node.args[0].op, Op::Numeric(_))
                && node.args[0].args.len() == 1
                && node.args[0].args[0].types.len() == 2
                && node.args[1..].iter().any(is_call)
        },
    ),
    ("a constant at the edge of 8 bits", |node| {
        is_int(node, &[127, 128, -128, -129, 255, 256])
    }),
    ("a constant at the edge of 16 bits", |node| {
        is_int(node, &[0x7fff, 0x8000, -0x8000, -0x8001, 0xffff, 0x1_0000])
    }),
    ("a constant at the edge of 32 bits", |node| {
        is_int(
            node,
            &[
                0x7fff_ffff,
                -0x8000_0000,
                0x8000_0000,
                0xffff_ffff,
                0x1_0000_0000,
            ],
        )
    }),
    ("a constant at the edge of 64 bits", |node| {
        is_int(node, &[i64::MAX, i64::MIN])
    }),
    (
        "a NaN, an infinity or a zero with a sign",
        |node| match node.op {
            Op::Const(Const::F64(bits)) => {
                let value = f64::from_bits(bits);
                !value.is_finite() || bits == 1 << 63
            }
            _ => false,
        },
    ),
    (
        "what may trap after a side effect, under one operation",
        |node| {
            let effect = node.args.iter().position(is_effect);
            effect.is_some_and(|at| node.args[at..].iter().any(|arg| arg.any(&mut may_trap)))
        },
    ),
    (
        "what may trap before a side effect, under one operation",
        |node| {
            let effect = node.args.iter().rposition(is_effect);
            effect.is_some_and(|at| node.args[..at].iter().any(|arg| arg.any(&mut may_trap)))
        },
    ),
    ("growth between two loads of one operation", |node| {
        let loads = |nodes: &[Node]| nodes.iter().any(|node| node.any(&mut is_load));
        let grow = node.args.iter().position(|arg| {
            arg.types.is_empty() && arg.any(&mut |node| matches!(node.op, Op::MemoryGrow(_)))
        });
        grow.is_some_and(|at| loads(&node.args[..at]) && loads(&node.args[at + 1..]))
    }),
    ("a tail call of a function", |node| {
        matches!(node.op, Op::ReturnCall(Callee::Func(_)))
    }),
    (
        "a tail call of a host function",
        |node| matches!(node.op, Op::ReturnCall(Callee::Host(host)) if host.module() == "host"),
    ),
    ("an indirect tail call", |node| {
        matches!(node.op, Op::ReturnCallIndirect(..))
    }),
    (
        "a call into another instance",
        |node| matches!(node.op, Op::Call(Callee::Host(host)) if host.effect() == Effect::Peer),
    ),
    (
        "a tail call into another instance",
        |node| matches!(node.op, Op::ReturnCall(Callee::Host(host)) if host.module() == "peer"),
    ),
    (
        "a call into another instance that calls back",
        |node| matches!(node.op, Op::Call(Callee::Host(host)) if host.effect() == Effect::PeerCallBack),
    ),
    (
        "a host function that calls back",
        |node| matches!(node.op, Op::Call(Callee::Host(host)) if host.effect() == Effect::CallBack),
    ),
    ("code after what never falls through", |node| {
        let nodes = || node.sequences().map(|nodes| nodes.split_last());
        nodes()
            .flatten()
            .any(|(_, before)| before.iter().any(leaves))
    }),
    ("an access to another memory", |node| {
        matches!(node.op, Op::Load(_, 1, _) | Op::Store(_, 1, _))
    }),
    ("a copy between memories", |node| match node.op {
        Op::MemoryCopy(to, from) => to != from,
        _ => false,
    }),
    ("address arithmetic under a load", |node| {
        is_load(node)
            && matches!(
                node.args[..],
                [Node {
                    op: Op::Numeric(_),
                    ..
                }]
            )
    }),
    ("address arithmetic under a store", |node| {
        matches!(node.op, Op::Store(..)) && matches!(node.args[0].op, Op::Numeric(_))
    }),
    ("a load with a local as its address", |node| {
        is_load(node)
            && matches!(
                node.args[..],
                [Node {
                    op: Op::LocalGet(_),
                    ..
                }]
            )
    }),
    ("a comparison and a branch", |node| {
        matches!(node.op, Op::BrIf(_) | Op::If { .. }) && node.args.last().is_some_and(is_compare)
    }),
    ("a comparison and a select", |node| {
        matches!(node.op, Op::Select(_)) && node.args.last().is_some_and(is_compare)
    }),
    ("a loop that counts up by local.tee", |node| {
        counts(node, |way| matches!(way, Counting::UpTee(_)))
    }),
    ("a loop that counts up by local.set", |node| {
        counts(node, |way| matches!(way, Counting::UpSet(_)))
    }),
    ("a loop that is left when it has counted", |node| {
        counts(node, |way| *way == Counting::UpExit)
    }),
    ("a loop that counts down", |node| {
        counts(node, |way| *way == Counting::Down)
    }),
    (
        "a tree of two operations on locals, constants and loads",
        |node| tree(node) == Some(2),
    ),
    (
        "a tree of three operations on locals, constants and loads",
        |node| tree(node) == Some(3),
    ),
    ("a cycle of locals", is_cycle),
    (
        "a cycle of locals at the end of a loop",
        |node| match &node.op {
            Op::Counted { body, .. } => body.nodes.last().is_some_and(is_cycle),
            Op::Loop(body) => body.nodes.iter().any(is_cycle),
            _ => false,
        },
    ),
    (
        "a global written while its old value is on the operand stack",
        |node| {
            node.args.iter().enumerate().any(|(at, arg)| match arg.op {
                Op::GlobalGet(global) => node.args[at + 1..]
                    .iter()
                    .any(|later| later.any(&mut |node| node.op == Op::GlobalSet(global))),
                _ => false,
            })
        },
    ),
    ("a loop that begins with another", |node| {
        begins_with_body(node)
            && matches!(bodies(node).next(), Some(Node { op, .. })
                if matches!(op, Op::Loop(_) | Op::Counted { way: Counting::Together, .. }))
    }),
    (
        "a short loop that begins with what its last statement wrote",
        carries,
    ),
    (
        "a branch with several values over an operation that waits",
        |node| node.sequences().any(|nodes| leaves_behind(nodes)),
    ),
    (
        "an operation that waits for a branch with a value, which is dropped",
        |node| {
            matches!(node.op, Op::Numeric(_))
                && node.args.len() == 3
                && matches!(node.args[1].op, Op::Drop)
                && matches!(
                    node.args[1].args[..],
                    [Node {
                        op: Op::BrIf(_),
                        ..
                    }]
                )
        },
    ),
    (
        "a comparison of floats as a value, while another float waits",
        |node| {
            let waits = node.args.iter().position(|arg| {
                matches!(arg.op, Op::Numeric(_)) && matches!(arg.types[..], [Ty::F32 | Ty::F64])
            });
            waits.is_some_and(|at| node.args[at..].iter().any(sets_to_comparison))
        },
    ),
    ("a select of references", |node| {
        matches!(node.op, Op::Select(_)) && node.types == [Ty::Func]
    }),
];

/// The nodes in the body of a loop.
fn bodies(node: &Node) -> impl Iterator<Item = &Node> {
    match &node.op {
        Op::Loop(body) | Op::Counted { body, .. } => body.nodes.iter(),
        _ => [].iter(),
    }
}

/// Whether nothing stands between a loop and its body, nor between two of them.
fn begins_with_body(node: &Node) -> bool {
    match &node.op {
        Op::Loop(body) => guard_position(body.label, &body.nodes).is_some_and(|at| at > 0),
        Op::Counted { way, .. } => *way == Counting::Together,
        _ => false,
    }
}

fn carries(node: &Node) -> bool {
    let nodes: Vec<&Node> = bodies(node).collect();
    if !begins_with_body(node) || !(2..=4).contains(&nodes.len()) {
        return false;
    }
    let mut first = nodes[0];
    while let Some(inner) = bodies(first).next().or(first.args.first()) {
        first = inner;
    }
    let Op::LocalGet(local) = first.op else {
        return false;
    };
    let writes = |node: &Node| match &node.op {
        Op::LocalTee(tee) => *tee == local,
        Op::SetLocals(locals) => locals.contains(&local),
        _ => false,
    };
    let mut last = nodes[nodes.len() - 2..].iter();
    last.any(|node| node.any(&mut |node| writes(node)))
}

fn leaves_behind(nodes: &[Node]) -> bool {
    let waits = nodes
        .iter()
        .position(|node| matches!(node.op, Op::Numeric(_)));
    let several = |node: &Node| match node.op {
        Op::Br(_) => operands(node).len() > 1,
        Op::BrIf(_) => operands(node).len() > 2,
        _ => false,
    };
    waits.is_some_and(|at| {
        nodes[at..].iter().any(|node| match node.op {
            Op::SetLocals(_) => node.args.iter().any(several),
            _ => several(node),
        })
    })
}

fn sets_to_comparison(node: &Node) -> bool {
    let is = |value: &Node| {
        is_compare(value)
            && matches!(value.args[0].op, Op::Numeric(_))
            && matches!(value.args[0].types[..], [Ty::F32 | Ty::F64])
    };
    matches!(node.op, Op::SetLocals(_)) && matches!(&node.args[..], [value] if is(value))
}

fn operands(node: &Node) -> Vec<Ty> {
    node.args
        .iter()
        .flat_map(|arg| arg.types.iter().copied())
        .collect()
}

fn is_call(node: &Node) -> bool {
    matches!(node.op, Op::Call(_) | Op::CallIndirect(..))
}

fn is_load(node: &Node) -> bool {
    matches!(node.op, Op::Load(..))
}

fn is_compare(node: &Node) -> bool {
    matches!(node.op, Op::Numeric(numeric) if numeric.kind == Kind::Compare)
}

fn is_effect(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Store(..) | Op::GlobalSet(_) | Op::MemoryFill(_) | Op::Call(_)
    ) && node.types.is_empty()
}

fn may_trap(node: &Node) -> bool {
    match node.op {
        Op::Numeric(numeric) => matches!(numeric.kind, Kind::Divide | Kind::Convert),
        Op::Load(..) | Op::Store(..) | Op::CallIndirect(..) | Op::Unreachable => true,
        _ => false,
    }
}

fn leaves(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Br(_)
            | Op::BrTable(_)
            | Op::Return
            | Op::Unreachable
            | Op::ReturnCall(_)
            | Op::ReturnCallIndirect(..)
    )
}

fn counts(node: &Node, is: fn(&Counting) -> bool) -> bool {
    matches!(&node.op, Op::Counted { way, .. } if is(way))
}

fn is_int(node: &Node, edges: &[i64]) -> bool {
    match node.op {
        Op::Const(Const::I32(value)) => edges.contains(&value.into()),
        Op::Const(Const::I64(value)) => edges.contains(&value),
        _ => false,
    }
}

/// Whether a local is written by something that comes after a read of it in the same
/// sequence, or in an operand.
fn overwrites_pending(node: &Node) -> bool {
    node.args.iter().enumerate().any(|(at, arg)| match arg.op {
        Op::LocalGet(local) => node.args[at + 1..].iter().any(|later| {
            later.any(&mut |node| match &node.op {
                Op::SetLocals(locals) => locals.contains(&local),
                Op::LocalTee(tee) => *tee == local,
                _ => false,
            })
        }),
        _ => false,
    })
}

/// How many operations are in a tree of nothing but pure ones.
fn tree(node: &Node) -> Option<usize> {
    let mut sum = 0;
    for arg in &node.args {
        sum += match arg.op {
            Op::LocalGet(_) | Op::Const(_) => 0,
            Op::Load(..) => tree(arg)?.saturating_sub(1),
            Op::Numeric(_) => tree(arg)?,
            _ => return None,
        };
    }
    matches!(node.op, Op::Numeric(_) | Op::Load(..)).then_some(sum + 1)
}

/// Whether the values of locals go to each other.
fn is_cycle(node: &Node) -> bool {
    let Op::SetLocals(locals) = &node.op else {
        return false;
    };
    let from = |local: u32| {
        let at = locals.iter().rev().position(|to| *to == local)?;
        match node.args.get(at)?.op {
            Op::LocalGet(from) => Some(from),
            _ => None,
        }
    };
    // Every operand gives one value.
    node.args.len() == locals.len()
        && locals.iter().any(|start| {
            let mut at = *start;
            for round in 1..=locals.len() {
                match from(at) {
                    Some(next) if next == *start => return round > 1,
                    Some(next) => at = next,
                    None => return false,
                }
            }
            false
        })
}

/// Counts, in `programs` programs, in how many each item occurs.
fn census(programs: u64) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<_> = ITEMS.iter().map(|(name, _)| (*name, 0)).collect();
    for seed in 0..programs {
        let program = Program::generate(seed);
        for ((_, is), (_, count)) in ITEMS.iter().zip(&mut counts) {
            let mut has = |node: &Node| is(node);
            let bodies = || program.funcs.iter().flat_map(|func| &func.body);
            *count += u64::from(bodies().any(|node| node.any(&mut has)));
        }
    }
    counts
}

#[test]
fn everything_that_programs_are_for_occurs() {
    let counts = census(2000);
    for (name, count) in &counts {
        println!("{count:5}  {name}");
    }
    for (name, count) in counts {
        assert!(count >= 40, "only {count} of 2,000 programs have {name}");
    }
}
