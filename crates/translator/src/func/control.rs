//! Blocks and branches.
//!
//! Parameters of a loop and results of a block live in the homes of their
//! heights wherever control joins. Where it does not, because no branch goes to
//! the end of a block, its results stay symbolic.
//!
//! The body of the function is the outermost block. A branch to it returns.

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use damson_core::types::ValType;
use damson_ir::{
    Br, BrTable as Switch, CheckEpoch, CopySpan, Label, MAX_PARTS, Op, Operand, Operands,
    Operation, Slot,
};
use wasmparser::{BlockType, BrTable, FrameKind};

use super::carry::Carried;
use super::tile::{Consumer, Root};
use super::typing::Class;
use super::value::{Entry, Value};
use super::{FuncTranslator, Stop};
use crate::convert;

/// More values than this are moved by one instruction instead of one each.
const FEW: usize = 4;

/// A block that is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    kind: ControlKind,
    ty: BlockType,
    /// Where branches to it go.
    label: Label,
    /// Whether there is such a branch.
    used: bool,
    /// Height of the operand stack below the block's parameters.
    height: usize,
    /// What `br_table` jumps to on the way to the label, to move values.
    shim: Option<Label>,
    /// The locals that were set for certain before the block.
    locals_mark: usize,
    /// What charges for the operators around the block.
    fuel: Option<usize>,
    /// Of a loop: what the accumulator holds on the way in and on the ways back.
    entry: [Option<Slot>; 2],
    carried: Carried,
}

#[derive(Debug, Clone, Copy)]
enum ControlKind {
    /// The function's body.
    Function,
    Block,
    Loop,
    /// The first arm of an `if`; `else_label` is where its condition branches
    /// to, `else_reachable` whether the other arm can be reached at all.
    If {
        else_label: Option<Label>,
        else_reachable: bool,
    },
    /// The second arm of an `if`.
    Else,
    /// A block that cannot be reached.
    Unreachable,
}

impl FuncTranslator<'_> {
    /// Begins the function.
    pub(crate) fn begin(&mut self, func_index: u32) -> Result<(), Stop> {
        let ty = self
            .shape
            .funcs
            .get(func_index as usize)
            .copied()
            .unwrap_or_default();
        self.charge()?;
        self.check_epoch()?;
        self.clear_locals()?;
        self.open(ControlKind::Function, BlockType::FuncType(ty), 0);
        Ok(())
    }

    /// How many parameters a block has.
    fn num_params(&self, ty: BlockType) -> usize {
        match ty {
            BlockType::Empty | BlockType::Type(_) => 0,
            BlockType::FuncType(index) => self
                .shape
                .types
                .get(index as usize)
                .map_or(0, |ty| ty.params().len()),
        }
    }

    /// How many results a block has.
    fn num_results(&self, ty: BlockType) -> usize {
        match ty {
            BlockType::Empty => 0,
            BlockType::Type(_) => 1,
            BlockType::FuncType(index) => self
                .shape
                .types
                .get(index as usize)
                .map_or(0, |ty| ty.results().len()),
        }
    }

    /// Pushes the parameters of a block, which are at home.
    fn push_params(&mut self, ty: BlockType) {
        if let BlockType::FuncType(index) = ty
            && let Some(ty) = self.shape.types.get(index as usize)
        {
            self.push_homes(ty.params());
        }
    }

    /// Pushes the results of a block, which are at home.
    fn push_results(&mut self, ty: BlockType) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(ty) => {
                if let Ok(ty) = convert::val_type(ty, 0) {
                    self.push_homes(&[ty]);
                }
            }
            BlockType::FuncType(index) => {
                if let Some(ty) = self.shape.types.get(index as usize) {
                    self.push_homes(ty.results());
                }
            }
        }
    }

    /// The kind of the innermost block. Of one that cannot be reached only the validator knows
    /// it.
    pub(crate) fn innermost_frame(&self) -> Option<FrameKind> {
        Some(match self.controls.last()?.kind {
            ControlKind::Function | ControlKind::Block => FrameKind::Block,
            ControlKind::Loop => FrameKind::Loop,
            ControlKind::If { .. } => FrameKind::If,
            ControlKind::Else => FrameKind::Else,
            ControlKind::Unreachable => self.validator.get_control_frame(0)?.kind,
        })
    }

    fn open(&mut self, kind: ControlKind, ty: BlockType, height: usize) {
        let label = self.builder.new_label();
        let locals_mark = self.locals.mark();
        self.controls.push(Control {
            kind,
            ty,
            label,
            used: false,
            height,
            shim: None,
            locals_mark,
            fuel: self.fuel,
            entry: self.int_acc(),
            carried: Carried::Unknown,
        });
    }

    /// Lets others interrupt the code here.
    fn check_epoch(&mut self) -> Result<(), Stop> {
        if self.check_epochs {
            self.mark_offset();
            self.emit(CheckEpoch::CheckEpoch, &[], None)?;
        }
        Ok(())
    }

    /// What follows cannot be reached until the innermost block ends.
    pub(crate) fn become_unreachable(&mut self) {
        self.reachable = false;
        let height = self.controls.last().map_or(0, |control| control.height);
        self.stack.truncate(height);
    }

    /// Opens a block in code that cannot be reached.
    pub(crate) fn open_unreachable(&mut self, ty: BlockType) {
        let height = self.stack.height();
        self.open(ControlKind::Unreachable, ty, height);
    }

    pub(crate) fn block(&mut self, ty: BlockType) -> Result<(), Stop> {
        let height = self.stack.height();
        self.settle_all(height)?;
        self.stack.mark_settled(height);
        let params = self.num_params(ty);
        self.open(ControlKind::Block, ty, height.saturating_sub(params));
        Ok(())
    }

    pub(crate) fn loop_(&mut self, ty: BlockType) -> Result<(), Stop> {
        let height = self.stack.height();
        let params = self.num_params(ty);
        let base = height.saturating_sub(params);
        self.settle_all(height)?;
        self.settle_span(base, height)?;
        self.stack.mark_settled(height);
        self.open(ControlKind::Loop, ty, base);
        if let Some(control) = self.controls.last() {
            let label = control.label;
            self.bind(label);
        }
        self.charge()?;
        self.check_epoch()
    }

    pub(crate) fn if_(&mut self, ty: BlockType) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        let params = self.num_params(ty);
        let base = top.saturating_sub(params);
        self.settle_all(top)?;
        self.settle_span(base, top)?;
        let (mut else_label, mut else_reachable) = (None, true);
        if let Some(Entry {
            value: Value::Const(bits),
            ..
        }) = self.stack.get(top)
        {
            self.stack.pop();
            self.reachable = bits as u32 != 0;
            else_reachable = !self.reachable;
        } else {
            let label = self.builder.new_label();
            else_label = Some(label);
            self.branch_on_top(label, true)?;
        }
        self.stack.mark_settled(top);
        self.open(
            ControlKind::If {
                else_label,
                else_reachable,
            },
            ty,
            base,
        );
        if self.reachable {
            self.charge()?;
        }
        Ok(())
    }

    pub(crate) fn else_(&mut self) -> Result<(), Stop> {
        let Some(control) = self.controls.last().copied() else {
            return Ok(());
        };
        let ControlKind::If {
            else_label,
            else_reachable,
        } = control.kind
        else {
            return Ok(());
        };
        let mut used = control.used;
        if self.reachable {
            let height = self.stack.height();
            self.settle_span(control.height, height)?;
            self.emit(Br::Br, &[Operand::Target(control.label.into())], None)?;
            used = true;
        }
        self.locals.unset_since(control.locals_mark);
        self.stack.truncate(control.height);
        self.reachable = else_reachable;
        if let Some(control) = self.controls.last_mut() {
            control.kind = ControlKind::Else;
            control.used = used;
        }
        if else_reachable {
            if let Some(label) = else_label {
                self.bind(label);
            }
            self.push_params(control.ty);
            self.charge()?;
        }
        Ok(())
    }

    pub(crate) fn end(&mut self) -> Result<(), Stop> {
        let Some(mut control) = self.controls.last().copied() else {
            return Ok(());
        };
        // Whoever comes to the end has come past the beginning, where what follows is paid
        // for together with what is before. Only what no way but branches lead to is a
        // stretch of its own: one of many cases, as a rule. Where fuel is to be exact, all that
        // a branch leads to is.
        let falls_through = !self.exact_fuel
            && (self.reachable
                || matches!(control.kind, ControlKind::If { .. } | ControlKind::Else));
        match control.kind {
            ControlKind::Unreachable => {
                self.controls.pop();
                return Ok(());
            }
            ControlKind::Function => {
                if self.reachable {
                    self.return_()?;
                }
                self.controls.pop();
                return Ok(());
            }
            ControlKind::Loop => {
                // Branches go to its beginning: nothing joins here.
                self.controls.pop();
                if !self.exact_fuel {
                    self.fuel = control.fuel;
                }
                self.carry(control.label, control.carried, control.entry)?;
                if !self.reachable {
                    self.stack.truncate(control.height);
                }
                return Ok(());
            }
            ControlKind::If {
                else_label,
                else_reachable,
            } => {
                // Without `else`, parameters and results are of the same
                // types, and the other way leaves the parameters at home.
                control.used |= else_reachable;
                self.join(&control)?;
                if let Some(label) = else_label {
                    self.builder.bind(label);
                }
            }
            ControlKind::Block | ControlKind::Else => self.join(&control)?,
        }
        self.controls.pop();
        if falls_through {
            self.fuel = control.fuel;
        }
        if control.used {
            self.bind(control.label);
            self.locals.unset_since(control.locals_mark);
            self.stack.truncate(control.height);
            self.push_results(control.ty);
            self.reachable = true;
            if !falls_through {
                self.charge()?;
            }
        } else if !self.reachable {
            self.stack.truncate(control.height);
        }
        Ok(())
    }

    /// At the end of a block: brings the results to where branches to the end leave them, or
    /// returns at once if nothing else happens there. Then the result need not go home first,
    /// and of the branches each can [return by itself](FunctionBuilder::finish).
    fn join(&mut self, control: &Control) -> Result<(), Stop> {
        if !self.reachable || !control.used {
            return Ok(());
        }
        // Where fuel is exact, the operators behind the end are charged there.
        if !self.exact_fuel
            && self.results == 1
            && self.num_results(control.ty) == 1
            && self.returns_next()
        {
            self.return_()?;
            self.reachable = false;
            return Ok(());
        }
        self.settle_span(control.height, self.stack.height())
    }

    /// Pushes values that are at home.
    pub(crate) fn push_homes(&mut self, types: &[ValType]) {
        self.work += types.len() as u64;
        for ty in types {
            self.stack.push(*ty, Value::Home);
        }
    }

    fn target(&self, depth: u32) -> Option<(usize, Control)> {
        let index = self.controls.len().checked_sub(1 + depth as usize)?;
        Some((index, *self.controls.get(index)?))
    }

    /// How many values a branch to the block takes along.
    fn arity(&self, control: &Control) -> usize {
        match control.kind {
            ControlKind::Loop => self.num_params(control.ty),
            _ => self.num_results(control.ty),
        }
    }

    /// Notes a branch to a block, after it was emitted.
    fn mark_used(&mut self, index: usize) {
        let acc = self.int_acc();
        if let Some(control) = self.controls.get_mut(index) {
            control.used = true;
            control.carried.meet(acc);
        }
    }

    pub(crate) fn br(&mut self, depth: u32) -> Result<(), Stop> {
        let Some((index, control)) = self.target(depth) else {
            return Ok(());
        };
        if matches!(control.kind, ControlKind::Function) {
            self.return_()?;
            self.become_unreachable();
            return Ok(());
        }
        let count = self.arity(&control);
        let from = self.stack.height().saturating_sub(count);
        self.settle_ordered(from)?;
        if from != control.height {
            // Nobody needs what is below, but what waits there for an accumulator would be
            // brought home when that is written: over values that were moved.
            self.release_accs(from)?;
        }
        self.move_values(from, control.height, count)?;
        self.emit(Br::Br, &[Operand::Target(control.label.into())], None)?;
        self.mark_used(index);
        self.become_unreachable();
        Ok(())
    }

    /// Moves the topmost `count` values, which begin at the height `from`, to
    /// the homes from the height `to` on. The stack may not be used afterwards.
    ///
    /// The values move down, so in ascending order none is overwritten before
    /// it is read: a value reads homes only from its own height on.
    fn move_values(&mut self, from: usize, to: usize, count: usize) -> Result<(), Stop> {
        if from == to {
            return self.settle_span(from, from + count);
        }
        if count > FEW {
            self.settle_span(from, from + count)?;
            return self.copy_span(from, to, count);
        }
        for index in 0..count {
            let (position, dst) = (from + index, self.frame.home(to + index)?);
            if self.stack.tree(position).is_some() {
                self.force(position, Operand::Rs(dst), Value::Home)?;
            } else {
                self.copy_value(position, Operand::To(dst))?;
            }
        }
        Ok(())
    }

    /// Copies a value that is no tree and leaves it where it is. No
    /// accumulator changes.
    fn copy_value(&mut self, position: usize, dst: Operand) -> Result<(), Stop> {
        let Some(entry) = self.stack.get(position) else {
            return Ok(());
        };
        match entry.value {
            Value::Const(bits) => self.copy_const(entry.ty, bits, dst),
            Value::Local(local) => {
                let src = self.frame.local(local)?;
                self.copy_slot(entry.class(), src, dst)
            }
            Value::Home | Value::Acc | Value::Tree(_) => {
                let src = self.frame.home(position)?;
                self.copy_slot(entry.class(), src, dst)
            }
        }
    }

    fn copy_span(&mut self, from: usize, to: usize, count: usize) -> Result<(), Stop> {
        let (src, dst) = (self.frame.homes(from, count)?, self.frame.homes(to, count)?);
        let operands = [
            Operand::Span(dst),
            Operand::Span(src),
            Operand::Count(count as u32),
        ];
        self.count_slots(count as u32);
        self.emit(CopySpan::CopySpan, &operands, None)?;
        // Some slots changed; which, matters to nobody before the next label.
        self.known.forget();
        Ok(())
    }

    pub(crate) fn br_if(&mut self, depth: u32) -> Result<(), Stop> {
        self.branch_if(depth)?;
        match self.reachable {
            true => self.charge_block(),
            false => Ok(()),
        }
    }

    fn branch_if(&mut self, depth: u32) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        if let Some(Entry {
            value: Value::Const(bits),
            ..
        }) = self.stack.get(top)
        {
            self.stack.pop();
            return if bits as u32 == 0 {
                Ok(())
            } else {
                self.br(depth)
            };
        }
        let Some((index, control)) = self.target(depth) else {
            return Ok(());
        };
        let count = self.arity(&control);
        let from = top.saturating_sub(count);
        let returns = matches!(control.kind, ControlKind::Function);
        // If the branch is taken, what was computed before it must have
        // happened, and if it is not, the values stay.
        self.settle_ordered(top)?;
        if !returns && (count == 0 || from == control.height) {
            self.settle_span(from, top)?;
            self.branch_on_top(control.label, false)?;
            self.mark_used(index);
            return Ok(());
        }
        if count > FEW || (returns && count > 1) {
            self.settle_span(from, top)?;
        }
        for position in from..top {
            if self.stack.tree(position).is_some() {
                self.settle(position)?;
            }
        }
        let skip = self.builder.new_label();
        self.branch_on_top(skip, true)?;
        // Nothing here changes an accumulator. The slots that are written here are not
        // where code goes on.
        let known = self.known;
        if returns {
            self.return_values(from, count)?;
        } else {
            self.copy_values(from, control.height, count)?;
            self.emit(Br::Br, &[Operand::Target(control.label.into())], None)?;
            self.mark_used(index);
        }
        self.builder.bind(skip);
        self.known = known;
        Ok(())
    }

    /// Copies values of which none is a tree; those of a long row are at home.
    fn copy_values(&mut self, from: usize, to: usize, count: usize) -> Result<(), Stop> {
        if count > FEW {
            return self.copy_span(from, to, count);
        }
        for index in 0..count {
            let dst = self.frame.home(to + index)?;
            self.copy_value(from + index, Operand::To(dst))?;
        }
        Ok(())
    }

    /// The instruction that jumps by the value at `top`: its operation, its operands but the
    /// targets, and where it can trap.
    fn switch(&mut self, top: usize) -> Result<(Op, Operands, ArrayVec<u32, MAX_PARTS>), Stop> {
        let consumer = Consumer {
            root: Root::Switch,
            op: Switch::BrTable.op(),
            order: &[0],
            classes: [Class::Int; 3],
            head: Operand::R,
            tail: Some(Operand::Targets(0)),
        };
        if let Some(tile) = self.compose(top, &[consumer])? {
            let tree = self.stack.detached_mut(tile.tree);
            let op = tree.op.ok_or(Stop::Operator)?;
            let operands = &mut tree.operands[1..];
            self.known
                .replace_slots(op, tree.kinds, operands, &tree.classes);
            let count = operands.len().saturating_sub(1);
            let operands = operands.iter().take(count).copied().collect();
            let sites = tree.sites.clone();
            self.stack.free_tree(tile.tree);
            return Ok((op, operands, sites));
        }
        let mut leaves = self.gather(top, false)?;
        self.fit(top, &mut leaves, |leaves| {
            !matches!(leaves.first(), Some(Operand::Imm(_)))
        })?;
        let index = leaves.first().copied().unwrap_or(Operand::Acc);
        let operands = core::iter::once(index).collect();
        Ok((Switch::BrTable.op(), operands, ArrayVec::new()))
    }

    pub(crate) fn br_table(&mut self, table: &BrTable<'_>) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        let Some((_, default)) = self.target(table.default()) else {
            return Ok(());
        };
        let count = self.arity(&default);
        let from = top.saturating_sub(count);
        self.settle_ordered(from)?;
        self.settle_span(from, top)?;
        let switch = self.switch(top)?;
        self.stack.pop();

        let mut labels = Vec::new();
        let mut shims = Vec::new();
        // The validator has read the targets already.
        for depth in table
            .targets()
            .filter_map(Result::ok)
            .chain([table.default()])
        {
            self.work += 1;
            let Some((index, control)) = self.target(depth) else {
                continue;
            };
            let returns = matches!(control.kind, ControlKind::Function);
            if !returns && (count == 0 || from == control.height) {
                self.mark_used(index);
                labels.push(control.label);
                continue;
            }
            let shim = match control.shim {
                Some(shim) => shim,
                None => {
                    let shim = self.builder.new_label();
                    if let Some(control) = self.controls.get_mut(index) {
                        control.shim = Some(shim);
                    }
                    shims.push((index, shim));
                    shim
                }
            };
            labels.push(shim);
        }
        self.work += 1;
        let (op, operands, sites) = switch;
        let at = self.builder.push_switch(op, &operands, &labels)?;
        for (site, offset) in sites.into_iter().enumerate() {
            self.builder.mark_site(at, site, offset);
        }
        for (index, shim) in shims {
            let Some(control) = self.controls.get_mut(index) else {
                continue;
            };
            control.shim = None;
            let control = *control;
            self.bind(shim);
            if matches!(control.kind, ControlKind::Function) {
                self.return_values(from, count)?;
            } else {
                self.copy_values(from, control.height, count)?;
                self.emit(Br::Br, &[Operand::Target(control.label.into())], None)?;
                self.mark_used(index);
            }
        }
        self.become_unreachable();
        Ok(())
    }
}
