//! Calls and returns.
//!
//! A call's arguments are brought home, where the callee's frame begins; its
//! results replace them.

use damson_core::types::FuncType;
use damson_ir::{
    Call, CallImport, CallIndirect, Operand, Operation, Return, ReturnCall, ReturnCallImport,
    ReturnCallIndirect, ReturnSpan, ReturnValue, Slot,
};

use super::tile::{Consumer, Root};
use super::typing::{Class, immediate};
use super::value::Value;
use super::{FuncTranslator, Stop};

/// What a call calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callee {
    Func(u32),
    /// The index into the table is on top of the operand stack.
    Indirect {
        table: u32,
        ty: u32,
    },
}

impl<'a> FuncTranslator<'a> {
    fn callee_type(&self, callee: Callee) -> Option<&'a FuncType> {
        match callee {
            Callee::Func(func) => self.shape.func_type(func),
            Callee::Indirect { ty, .. } => self.shape.types.get(ty as usize),
        }
    }

    pub(crate) fn call(&mut self, callee: Callee) -> Result<(), Stop> {
        let Some(ty) = self.callee_type(callee) else {
            return Ok(());
        };
        let base = self.bring_arguments_home(callee, ty)?;
        let index = self.table_index(callee)?;
        let cells = ty.cells();
        let (slot, linkage) = self.callee_frame(base, cells)?;
        self.mark_offset();
        match callee {
            Callee::Func(func) if func < self.num_imported => self.emit(
                CallImport::CallImport,
                &[Operand::ImportedFunc(func), slot, linkage],
                None,
            )?,
            Callee::Func(func) => {
                self.emit(
                    Call::Call,
                    &[Operand::DefinedFunc(func), slot, linkage],
                    None,
                )?;
            }
            Callee::Indirect { table, ty } => self.emit(
                CallIndirect::CallIndirect,
                &[
                    index,
                    Operand::FuncTable(table),
                    Operand::Type(ty),
                    slot,
                    linkage,
                ],
                None,
            )?,
        }
        self.stack.truncate(base);
        self.known.forget();
        if let ([result], Operand::Base(slot)) = (ty.results(), slot) {
            self.known.acc_written(Class::of(*result), Some(slot));
        }
        self.push_homes(ty.results());
        Ok(())
    }

    pub(crate) fn return_call(&mut self, callee: Callee) -> Result<(), Stop> {
        let Some(ty) = self.callee_type(callee) else {
            return Ok(());
        };
        let base = self.bring_arguments_home(callee, ty)?;
        let index = match (callee, self.table_index(callee)?) {
            // A tail call is rare enough to have no form with an immediate.
            (Callee::Indirect { .. }, Operand::Imm(_)) => {
                let top = self.stack.height().saturating_sub(1);
                self.settle(top)?;
                Operand::Slot(self.frame.home(top)?)
            }
            (_, index) => index,
        };
        let count = ty.params().len();
        let src = if count == 0 {
            Slot(0)
        } else {
            self.frame.homes(base, count)?
        };
        let own = self.builder.linkage();
        // Parameters and results are at most a thousand each.
        let arguments = [Operand::Span(src), Operand::Count(count as u32)];
        let linkage = Operand::TailLinkage(Slot(ty.cells() as u16));
        let [span, number] = arguments;
        self.count_slots(count as u32);
        self.mark_offset();
        match callee {
            Callee::Func(func) if func < self.num_imported => self.emit(
                ReturnCallImport::ReturnCallImport,
                &[Operand::ImportedFunc(func), own, span, number, linkage],
                None,
            )?,
            Callee::Func(func) => self.emit(
                ReturnCall::ReturnCall,
                &[Operand::DefinedFunc(func), own, span, number, linkage],
                None,
            )?,
            Callee::Indirect { table, ty } => self.emit(
                ReturnCallIndirect::ReturnCallIndirect,
                &[
                    index,
                    Operand::FuncTable(table),
                    Operand::Type(ty),
                    own,
                    span,
                    number,
                    linkage,
                ],
                None,
            )?,
        }
        self.become_unreachable();
        Ok(())
    }

    /// Brings the arguments home; returns the height of the first. The index
    /// of an indirect call stays on the stack above them.
    fn bring_arguments_home(&mut self, callee: Callee, ty: &FuncType) -> Result<usize, Stop> {
        let above = match callee {
            Callee::Func(_) => 0,
            Callee::Indirect { .. } => 1,
        };
        let end = self.stack.height().saturating_sub(above);
        let base = end.saturating_sub(ty.params().len());
        self.make_room_for_call(base)?;
        self.settle_span(base, end)?;
        Ok(base)
    }

    /// Where the index of an indirect call is.
    fn table_index(&mut self, callee: Callee) -> Result<Operand, Stop> {
        if let Callee::Func(_) = callee {
            return Ok(Operand::Acc);
        }
        let top = self.stack.height().saturating_sub(1);
        let leaves = self.gather(top, false)?;
        Ok(leaves.first().copied().unwrap_or(Operand::Acc))
    }

    /// Where a callee's frame begins and where it keeps its linkage.
    fn callee_frame(&mut self, base: usize, cells: usize) -> Result<(Operand, Operand), Stop> {
        let slot = self.frame.homes(base, cells)?;
        // Checked by `homes`: a slot number can still be one larger.
        let linkage = Slot(slot.0 + cells as u16);
        Ok((Operand::Base(slot), Operand::CalleeLinkage(linkage)))
    }

    /// Returns the values on top of the stack.
    pub(crate) fn return_(&mut self) -> Result<(), Stop> {
        let count = usize::from(self.results);
        let from = self.stack.height().saturating_sub(count);
        self.settle_ordered(from)?;
        match count {
            1 if self.stack.tree(from).is_some() => {
                let class = self
                    .stack
                    .get(from)
                    .map_or(Class::Int, |entry| entry.class());
                let consumer = Consumer {
                    root: Root::Return,
                    op: class.return_value().op(),
                    order: &[0],
                    classes: [class; 3],
                    head: self.builder.linkage(),
                    tail: None,
                };
                if self.statement_of_tiles(from, &consumer, false)? {
                    return Ok(());
                }
                self.force_to_acc(from)?;
                let value = match self.stack.get(from).map(|entry| entry.value) {
                    Some(Value::Acc) => Operand::Acc,
                    _ => Operand::Slot(self.frame.home(from)?),
                };
                self.emit_return_value(class, value)
            }
            0 | 1 => self.return_values(from, count),
            _ => {
                self.settle_span(from, from + count)?;
                self.return_values(from, count)
            }
        }
    }

    /// Returns values of which none is a tree; several are at home. The stack
    /// and the accumulators stay as they are.
    pub(crate) fn return_values(&mut self, from: usize, count: usize) -> Result<(), Stop> {
        let linkage = self.builder.linkage();
        match count {
            0 => self.emit(Return::Return, &[linkage], None),
            1 => {
                let Some(entry) = self.stack.get(from) else {
                    return Ok(());
                };
                let class = entry.class();
                let leaf = match entry.value {
                    Value::Const(bits) => {
                        let value =
                            immediate(entry.ty, bits).map_or(Operand::Imm64(bits), Operand::Imm);
                        return self.emit_return_value(class, value);
                    }
                    Value::Local(local) => Operand::Slot(self.frame.local(local)?),
                    Value::Home | Value::Acc | Value::Tree(_) => {
                        Operand::Slot(self.frame.home(from)?)
                    }
                };
                let op = class.return_value();
                let value = self.prefer_acc(op, class, leaf, |value| {
                    [linkage, value].into_iter().collect()
                });
                self.emit_return_value(class, value)
            }
            _ => {
                let src = self.frame.homes(from, count)?;
                let operands = [linkage, Operand::Span(src), Operand::Count(count as u32)];
                self.count_slots(count as u32);
                self.emit(ReturnSpan::ReturnSpan, &operands, None)
            }
        }
    }

    fn emit_return_value(&mut self, class: Class, value: Operand) -> Result<(), Stop> {
        let op: ReturnValue = class.return_value();
        self.emit(op, &[self.builder.linkage(), value], None)
    }
}
