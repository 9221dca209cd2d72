//! What of a program the host's calls can reach; the rest is not emitted, so that
//! a shrunk program is also a short module.

use std::collections::BTreeSet;

use crate::ast::{Callee, Node, Op, Program};
use crate::host::{Effect, HostFn};

/// The indices, in the program, of what is emitted.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) funcs: BTreeSet<usize>,
    /// Functions that a `ref.func` names.
    pub(crate) referenced: BTreeSet<usize>,
    pub(crate) hosts: Vec<HostFn>,
    pub(crate) globals: BTreeSet<usize>,
    pub(crate) tables: BTreeSet<usize>,
    pub(crate) data: BTreeSet<usize>,
    pub(crate) elements: BTreeSet<usize>,
    pub(crate) memories: BTreeSet<usize>,
}

impl Uses {
    pub(crate) fn of(program: &Program) -> Self {
        let mut uses = Self::default();
        let mut todo: Vec<usize> = program.invocations.iter().map(|call| call.func).collect();
        while let Some(func) = todo.pop() {
            if uses.funcs.insert(func) {
                for node in &program.funcs[func].body {
                    node.any(&mut |node| {
                        uses.node(program, node, &mut todo);
                        false
                    });
                }
            }
        }
        uses
    }

    fn node(&mut self, program: &Program, node: &Node, todo: &mut Vec<usize>) {
        match node.op {
            Op::RefFunc(func) => {
                self.referenced.insert(func);
                todo.push(func);
            }
            Op::Call(callee) | Op::ReturnCall(callee) => match callee {
                Callee::Func(func) => todo.push(func),
                Callee::Host(host) => {
                    if !self.hosts.contains(&host) {
                        self.hosts.push(host);
                    }
                    match host.effect() {
                        Effect::Grow | Effect::Poke => {
                            self.memories.insert(0);
                        }
                        Effect::CallBack | Effect::PeerCallBack => todo.push(0),
                        Effect::None | Effect::Peer | Effect::Fail => {}
                    }
                }
            },
            Op::GlobalGet(global) | Op::GlobalSet(global) => {
                self.globals.insert(global);
            }
            Op::Load(_, memory, _)
            | Op::Store(_, memory, _)
            | Op::MemorySize(memory)
            | Op::MemoryGrow(memory)
            | Op::MemoryFill(memory) => {
                self.memories.insert(memory);
            }
            Op::MemoryCopy(to, from) => self.memories.extend([to, from]),
            Op::MemoryInit(memory, data) => {
                self.memories.insert(memory);
                self.data.insert(data);
            }
            Op::DataDrop(data) => {
                self.data.insert(data);
            }
            Op::CallIndirect(table, _)
            | Op::ReturnCallIndirect(table, _)
            | Op::TableGet(table)
            | Op::TableSet(table)
            | Op::TableSize(table)
            | Op::TableGrow(table)
            | Op::TableFill(table) => self.table(program, table, todo),
            Op::TableCopy(to, from) => {
                self.table(program, to, todo);
                self.table(program, from, todo);
            }
            Op::TableInit(table, elements) => {
                self.table(program, table, todo);
                self.passive(program, elements, todo);
            }
            Op::ElemDrop(elements) => self.passive(program, elements, todo),
            _ => {}
        }
    }

    fn table(&mut self, program: &Program, table: usize, todo: &mut Vec<usize>) {
        if self.tables.insert(table) {
            todo.extend(program.tables[table].elements.iter().flatten());
        }
    }

    fn passive(&mut self, program: &Program, elements: usize, todo: &mut Vec<usize>) {
        if self.elements.insert(elements) {
            todo.extend(program.elements[elements].iter().flatten());
        }
    }

    /// The index in the module of the thing with this index in the program.
    pub(crate) fn position(set: &BTreeSet<usize>, index: usize) -> u32 {
        set.range(..index).count() as u32
    }
}

/// Whether a function may call one of the program, directly or not.
pub(crate) fn calls(body: &[Node]) -> bool {
    body.iter().any(|node| {
        node.any(&mut |node| match node.op {
            Op::Call(Callee::Host(host)) | Op::ReturnCall(Callee::Host(host)) => host.calls_back(),
            Op::Call(_) | Op::ReturnCall(_) | Op::CallIndirect(..) | Op::ReturnCallIndirect(..) => {
                true
            }
            _ => false,
        })
    })
}
