//! One function's body, instruction by instruction.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::{
    BlockType, Function, HeapType, Ieee32, Ieee64, Instruction, MemArg, MemArgTarget, ValType,
};

use crate::ast::{Body, Const, Counting, Func, Label, Node, Op, Sig, Ty};
use crate::numeric::Kind;

use super::uses::{Uses, calls};
use super::{Emitter, Form};

/// The instructions of one function, and what they need to know.
struct Writer<'e, 'p> {
    emitter: &'e mut Emitter<'p>,
    func: &'p Func,
    /// New indices of the locals that are used, after the parameters.
    locals: BTreeMap<u32, u32>,
    /// Types of the locals after the parameters, in the new order.
    types: Vec<Ty>,
    /// Locals that make NaNs the same: for `f32` and for `f64`.
    canonical: [Option<u32>; 2],
    labels: Vec<Option<Label>>,
    /// Counters that were set before a loop that begins together with theirs.
    begun: BTreeSet<u32>,
    out: Vec<Instruction<'static>>,
}

impl<'p> Emitter<'p> {
    pub(super) fn body(&mut self, func: &'p Func) -> Function {
        let mut writer = Writer {
            emitter: self,
            func,
            locals: BTreeMap::new(),
            types: Vec::new(),
            canonical: [None; 2],
            labels: vec![Some(Label(0))],
            begun: BTreeSet::new(),
            out: Vec::new(),
        };
        if calls(&func.body) {
            writer.guard();
        }
        writer.sequence(&func.body);
        writer.push(Instruction::End);
        let locals = writer.types.iter().map(|ty| (1, ValType::from(*ty)));
        let mut function = Function::new(locals);
        for instruction in &writer.out {
            function.instruction(instruction);
        }
        function
    }
}

impl Writer<'_, '_> {
    fn push(&mut self, instruction: Instruction<'static>) {
        self.out.push(instruction);
    }

    fn sequence(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn local(&mut self, local: u32) -> u32 {
        let params = self.func.sig.params.len() as u32;
        if local < params {
            return local;
        }
        if let Some(known) = self.locals.get(&local) {
            return *known;
        }
        let new = self.new_local(self.func.locals[(local - params) as usize]);
        self.locals.insert(local, new);
        new
    }

    fn new_local(&mut self, ty: Ty) -> u32 {
        self.types.push(ty);
        (self.func.sig.params.len() + self.types.len() - 1) as u32
    }

    fn constant(&mut self, value: Const) {
        self.push(match value {
            Const::I32(value) => Instruction::I32Const(value),
            Const::I64(value) => Instruction::I64Const(value),
            Const::F32(bits) => Instruction::F32Const(Ieee32::new(bits)),
            Const::F64(bits) => Instruction::F64Const(Ieee64::new(bits)),
            Const::NullFunc => Instruction::RefNull(HeapType::FUNC),
        });
    }

    /// Takes one off the counter, or returns zeros when it is used up.
    fn guard(&mut self) {
        if self.emitter.form == Form::Endless {
            return;
        }
        self.emitter.metered = true;
        let fuel = self.emitter.fuel_index();
        self.push(Instruction::GlobalGet(fuel));
        self.push(Instruction::I32Eqz);
        self.push(Instruction::If(BlockType::Empty));
        for ty in self.func.sig.results.clone() {
            self.constant(Const::zero(ty));
        }
        self.push(Instruction::Return);
        self.push(Instruction::End);
        self.push(Instruction::GlobalGet(fuel));
        self.push(Instruction::I32Const(1));
        self.push(Instruction::I32Sub);
        self.push(Instruction::GlobalSet(fuel));
    }

    fn block_type(&mut self, params: &[Ty], results: &[Ty]) -> BlockType {
        match (params, results) {
            ([], []) => BlockType::Empty,
            ([], [result]) => BlockType::Result((*result).into()),
            _ => {
                let sig = Sig {
                    params: params.to_vec(),
                    results: results.to_vec(),
                };
                BlockType::FunctionType(self.emitter.type_index(&sig))
            }
        }
    }

    fn depth(&self, label: Label) -> u32 {
        let depth = self
            .labels
            .iter()
            .rev()
            .position(|scope| *scope == Some(label));
        depth.expect("branches stay inside their blocks") as u32
    }

    fn enclosed(&mut self, label: Option<Label>, nodes: &[Node]) {
        self.labels.push(label);
        self.sequence(nodes);
        self.labels.pop();
    }

    /// Replaces a NaN on top of the stack by the one with the plainest bits, unless
    /// the bits of `operand` are certain.
    fn canonicalise(&mut self, ty: Ty, operand: Option<&Node>) {
        if !matches!(ty, Ty::F32 | Ty::F64) || operand.is_some_and(is_exact) {
            return;
        }
        let (at, nan, eq) = match ty {
            Ty::F32 => (0, Const::F32(f32::NAN.to_bits()), Instruction::F32Eq),
            _ => (1, Const::F64(f64::NAN.to_bits()), Instruction::F64Eq),
        };
        let local = match self.canonical[at] {
            Some(local) => local,
            None => self.new_local(ty),
        };
        self.canonical[at] = Some(local);
        self.push(Instruction::LocalTee(local));
        self.constant(nan);
        self.push(Instruction::LocalGet(local));
        self.push(Instruction::LocalGet(local));
        self.push(eq);
        self.select(false, ty);
    }

    fn node(&mut self, node: &Node) {
        self.sequence(&node.args);
        let operand = node.args.iter().rfind(|arg| !arg.types.is_empty());
        if self.control(node) || self.instance(node) {
            return;
        }
        match &node.op {
            Op::Const(value) => self.constant(*value),
            Op::RefFunc(func) => {
                let index = self.emitter.func_index(crate::ast::Callee::Func(*func));
                self.push(Instruction::RefFunc(index));
            }
            Op::RefIsNull => self.push(Instruction::RefIsNull),
            Op::LocalGet(local) => {
                let local = self.local(*local);
                self.push(Instruction::LocalGet(local));
            }
            Op::LocalTee(local) => {
                let local = self.local(*local);
                self.push(Instruction::LocalTee(local));
            }
            Op::SetLocals(locals) => {
                for local in locals {
                    let local = self.local(*local);
                    self.push(Instruction::LocalSet(local));
                }
            }
            Op::Numeric(numeric) => {
                if let (Kind::Sink, Some(ty)) = (numeric.kind, numeric.params.last()) {
                    self.canonicalise(*ty, operand);
                }
                self.push(numeric.instruction.clone());
            }
            Op::Select(typed) => self.select(*typed, node.types[0]),
            Op::Drop => {
                for _ in node.args.iter().flat_map(|arg| &arg.types) {
                    self.push(Instruction::Drop);
                }
            }
            Op::Nop => self.push(Instruction::Nop),
            Op::Load(load, memory, offset) => {
                let argument = self.mem_arg(*memory, *offset);
                self.push((load.instruction)(argument));
            }
            Op::Store(store, memory, offset) => {
                self.canonicalise(store.ty, operand);
                let argument = self.mem_arg(*memory, *offset);
                self.push((store.instruction)(argument));
            }
            _ => {}
        }
    }

    /// Emits what leaves or structures the function; says whether it did.
    fn control(&mut self, node: &Node) -> bool {
        match &node.op {
            Op::Block(Body {
                label,
                params,
                nodes,
            }) => {
                let ty = self.block_type(params, &node.types);
                self.push(Instruction::Block(ty));
                self.enclosed(Some(*label), nodes);
                self.push(Instruction::End);
            }
            Op::Loop(Body {
                label,
                params,
                nodes,
            }) => {
                let ty = self.block_type(params, &node.types);
                self.push(Instruction::Loop(ty));
                self.labels.push(Some(*label));
                let guard = guard_position(*label, nodes);
                for (at, node) in nodes.iter().enumerate() {
                    if guard == Some(at) {
                        self.guard();
                    }
                    self.node(node);
                }
                self.labels.pop();
                self.push(Instruction::End);
            }
            Op::Counted {
                body,
                counter,
                rounds,
                way,
            } => self.counted(body, *counter, *rounds, *way),
            Op::If { then, other } => self.if_else(then, other, &node.types),
            Op::Br(label) => self.push(Instruction::Br(self.depth(*label))),
            Op::BrIf(label) => self.push(Instruction::BrIf(self.depth(*label))),
            Op::BrTable(labels) => {
                let mut depths: Vec<_> = labels.iter().map(|label| self.depth(*label)).collect();
                let default = depths.pop().expect("a br_table has a default");
                self.push(Instruction::BrTable(Cow::Owned(depths), default));
            }
            Op::Return => self.push(Instruction::Return),
            Op::Unreachable => self.push(Instruction::Unreachable),
            Op::Call(callee) => self.push(Instruction::Call(self.emitter.func_index(*callee))),
            Op::ReturnCall(callee) => {
                self.push(Instruction::ReturnCall(self.emitter.func_index(*callee)));
            }
            Op::CallIndirect(table, sig) => {
                let type_index = self.emitter.type_index(sig);
                let table_index = self.table(*table);
                self.push(Instruction::CallIndirect {
                    type_index,
                    table_index,
                });
            }
            Op::ReturnCallIndirect(table, sig) => {
                let type_index = self.emitter.type_index(sig);
                let table_index = self.table(*table);
                self.push(Instruction::ReturnCallIndirect {
                    type_index,
                    table_index,
                });
            }
            _ => return false,
        }
        true
    }

    fn select(&mut self, typed: bool, ty: Ty) {
        if self.emitter.form != Form::Plain {
            self.push(if typed {
                Instruction::TypedSelect(ty.into())
            } else {
                Instruction::Select
            });
            return;
        }
        let (condition, second, first) = (
            self.new_local(Ty::I32),
            self.new_local(ty),
            self.new_local(ty),
        );
        self.push(Instruction::LocalSet(condition));
        self.push(Instruction::LocalSet(second));
        self.push(Instruction::LocalSet(first));
        self.push(Instruction::LocalGet(condition));
        self.push(Instruction::If(BlockType::Result(ty.into())));
        self.push(Instruction::LocalGet(first));
        self.push(Instruction::Else);
        self.push(Instruction::LocalGet(second));
        self.push(Instruction::End);
    }

    fn if_else(&mut self, then: &Body, other: &[Node], results: &[Ty]) {
        let mut params = &then.params[..];
        let mut carried = Vec::new();
        if self.emitter.form == Form::Plain && !params.is_empty() {
            let condition = self.new_local(Ty::I32);
            self.push(Instruction::LocalSet(condition));
            carried = params.iter().map(|ty| self.new_local(*ty)).collect();
            for local in carried.iter().rev() {
                self.push(Instruction::LocalSet(*local));
            }
            self.push(Instruction::LocalGet(condition));
            params = &[];
        }
        let ty = self.block_type(params, results);
        self.push(Instruction::If(ty));
        self.arm(then.label, &carried, &then.nodes);
        if !other.is_empty() {
            self.push(Instruction::Else);
            self.arm(then.label, &carried, other);
        }
        self.push(Instruction::End);
    }

    fn arm(&mut self, label: Label, carried: &[u32], nodes: &[Node]) {
        for local in carried {
            self.push(Instruction::LocalGet(*local));
        }
        self.enclosed(Some(label), nodes);
    }

    fn counted(&mut self, body: &Body, counter: u32, rounds: i32, way: Counting) {
        if !self.begun.remove(&counter) {
            self.begin_counting(counter, rounds, way);
            // Those that begin at the same place, so that nothing is between.
            let mut first = body.nodes.first();
            while let (
                Counting::Together,
                Some(Op::Counted {
                    body,
                    counter,
                    rounds,
                    way: Counting::Together,
                }),
            ) = (way, first.map(|node| &node.op))
            {
                self.begin_counting(*counter, *rounds, Counting::Together);
                self.begun.insert(*counter);
                first = body.nodes.first();
            }
        }
        let counter = self.local(counter);
        let step = match way {
            Counting::Down | Counting::Together => Instruction::I32Sub,
            _ => Instruction::I32Add,
        };
        if way == Counting::UpExit {
            self.push(Instruction::Block(BlockType::Empty));
            self.labels.push(None);
        }
        self.push(Instruction::Loop(BlockType::Empty));
        self.labels.push(None);
        // A branch to the label goes on with the next round.
        let is_target = is_target(body.label, &body.nodes);
        if is_target {
            self.push(Instruction::Block(BlockType::Empty));
            self.enclosed(Some(body.label), &body.nodes);
            self.push(Instruction::End);
        } else {
            self.sequence(&body.nodes);
        }
        self.labels.pop();
        self.push(Instruction::LocalGet(counter));
        self.push(Instruction::I32Const(1));
        self.push(step);
        match way {
            Counting::Down => {
                self.push(Instruction::LocalTee(counter));
                self.push(Instruction::BrIf(0));
            }
            Counting::Together => {
                self.push(Instruction::LocalTee(counter));
                self.push(Instruction::I32Const(0));
                self.push(Instruction::I32GtS);
                self.push(Instruction::BrIf(0));
            }
            Counting::UpTee(less) => {
                self.push(Instruction::LocalTee(counter));
                self.push(Instruction::I32Const(rounds));
                self.push(less.instruction.clone());
                self.push(Instruction::BrIf(0));
            }
            Counting::UpSet(less) => {
                self.push(Instruction::LocalSet(counter));
                self.push(Instruction::LocalGet(counter));
                self.push(Instruction::I32Const(rounds));
                self.push(less.instruction.clone());
                self.push(Instruction::BrIf(0));
            }
            Counting::UpExit => {
                self.push(Instruction::LocalTee(counter));
                self.push(Instruction::I32Const(rounds));
                self.push(Instruction::I32GeS);
                self.push(Instruction::BrIf(1));
                self.push(Instruction::Br(0));
            }
        }
        self.push(Instruction::End);
        if way == Counting::UpExit {
            self.labels.pop();
            self.push(Instruction::End);
        }
    }

    fn begin_counting(&mut self, counter: u32, rounds: i32, way: Counting) {
        let counter = self.local(counter);
        let start = match way {
            Counting::Down | Counting::Together => rounds,
            _ => 0,
        };
        self.push(Instruction::I32Const(start));
        self.push(Instruction::LocalSet(counter));
    }

    fn mem_arg(&self, memory: usize, offset: u64) -> MemArg {
        MemArg {
            offset,
            align: 0,
            target: MemArgTarget::Memory(self.memory(memory)),
            ordering: None,
        }
    }

    fn memory(&self, memory: usize) -> u32 {
        Uses::position(&self.emitter.uses.memories, memory)
    }

    fn table(&self, table: usize) -> u32 {
        Uses::position(&self.emitter.uses.tables, table)
    }

    /// Emits what uses a thing of the instance; says whether it did.
    fn instance(&mut self, node: &Node) -> bool {
        let uses = &self.emitter.uses;
        let instruction = match &node.op {
            Op::GlobalGet(global) => Instruction::GlobalGet(Uses::position(&uses.globals, *global)),
            Op::GlobalSet(global) => Instruction::GlobalSet(Uses::position(&uses.globals, *global)),
            Op::MemorySize(memory) => Instruction::MemorySize(self.memory(*memory)),
            Op::MemoryGrow(memory) => Instruction::MemoryGrow(self.memory(*memory)),
            Op::MemoryFill(memory) => Instruction::MemoryFill(self.memory(*memory)),
            Op::MemoryCopy(to, from) => Instruction::MemoryCopy {
                src_mem: self.memory(*from),
                dst_mem: self.memory(*to),
            },
            Op::MemoryInit(memory, data) => Instruction::MemoryInit {
                mem: self.memory(*memory),
                data_index: Uses::position(&uses.data, *data),
            },
            Op::DataDrop(data) => Instruction::DataDrop(Uses::position(&uses.data, *data)),
            Op::TableGet(table) => Instruction::TableGet(self.table(*table)),
            Op::TableSet(table) => Instruction::TableSet(self.table(*table)),
            Op::TableSize(table) => Instruction::TableSize(self.table(*table)),
            Op::TableGrow(table) => Instruction::TableGrow(self.table(*table)),
            Op::TableFill(table) => Instruction::TableFill(self.table(*table)),
            Op::TableCopy(to, from) => Instruction::TableCopy {
                src_table: self.table(*from),
                dst_table: self.table(*to),
            },
            Op::TableInit(table, elements) => Instruction::TableInit {
                elem_index: Uses::position(&uses.elements, *elements),
                table: self.table(*table),
            },
            Op::ElemDrop(elements) => {
                Instruction::ElemDrop(Uses::position(&uses.elements, *elements))
            }
            _ => return false,
        };
        self.push(instruction);
        true
    }
}

/// Before which node of a loop's body a round is counted; nowhere if nothing repeats it.
///
/// If a single node goes back, and is in the body itself, all rounds come by it and by
/// what stands before it. So the loop can begin with what it does, as loops of compilers.
pub(crate) fn guard_position(label: Label, nodes: &[Node]) -> Option<usize> {
    let branches = |node: &Node| node.targets().contains(&label);
    let mut count = 0;
    for node in nodes {
        node.any(&mut |node| {
            count += usize::from(branches(node));
            false
        });
    }
    let last = nodes.iter().position(|node| match &node.op {
        Op::Drop => node.args.iter().any(branches),
        _ => branches(node),
    });
    match (count, last) {
        (0, _) => None,
        // Some begin with the count for all that.
        (1, Some(last)) if !label.0.is_multiple_of(4) && last > 0 => {
            Some(1 + label.0 as usize % last)
        }
        _ => Some(0),
    }
}

/// Whether something in these nodes branches to the label.
fn is_target(label: Label, nodes: &[Node]) -> bool {
    nodes
        .iter()
        .any(|node| node.any(&mut |node| node.targets().contains(&label)))
}

/// Whether a float's bits are the same on every engine.
fn is_exact(node: &Node) -> bool {
    match &node.op {
        Op::Const(_) | Op::Load(..) => true,
        Op::Numeric(numeric) => numeric.kind == Kind::Exact || is_number(node),
        _ => false,
    }
}

/// Whether an operation gives a NaN only if its first operand is one that all engines have: its
/// operands are a converted integer, or what was read from memory, and a constant that is a
/// number other than zero. With a single NaN every processor gives that one, made quiet.
fn is_number(node: &Node) -> bool {
    use Instruction::{F32Add, F32Div, F32Mul, F32Sub, F64Add, F64Div, F64Mul, F64Sub};
    let (Op::Numeric(numeric), [first, second]) = (&node.op, &node.args[..]) else {
        return false;
    };
    let keeps = matches!(
        numeric.instruction,
        F32Add | F32Div | F32Mul | F32Sub | F64Add | F64Div | F64Mul | F64Sub
    );
    let is_certain = match &first.op {
        Op::Load(..) => true,
        Op::Numeric(numeric) => matches!(
            numeric.instruction,
            Instruction::F32ConvertI32S
                | Instruction::F32ConvertI32U
                | Instruction::F32ConvertI64S
                | Instruction::F32ConvertI64U
                | Instruction::F64ConvertI32S
                | Instruction::F64ConvertI32U
                | Instruction::F64ConvertI64S
                | Instruction::F64ConvertI64U
        ),
        _ => false,
    };
    let is_number = match second.op {
        Op::Const(Const::F32(bits)) => f32::from_bits(bits).is_normal(),
        Op::Const(Const::F64(bits)) => f64::from_bits(bits).is_normal(),
        _ => false,
    };
    keeps && is_certain && is_number
}
