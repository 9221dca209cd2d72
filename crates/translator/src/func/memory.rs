//! Loads, stores, and the operators on globals, memories, tables and segments.

use arrayvec::ArrayVec;
use damson_core::shape::{ConstOp, GlobalDecl};
use damson_core::types::{Mutability, ValType};
use damson_ir::{
    DataDrop, ElemDrop, FloatStore, IntStore, Load, MemoryCopy, MemoryFill, MemoryGrow, MemoryInit,
    Operand, Operation, TableCopy, TableFill, TableGrow, TableInit, TableSet,
};
use wasmparser::{MemArg, MemArgTarget};

use super::tile::{Consumer, Root};
use super::typing::Class;
use super::value::{TreeOp, Value, access, has_form};
use super::{FuncTranslator, Stop};

/// The instructions that a store operator may become.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store {
    Int(IntStore),
    Float(FloatStore),
}

/// The memory and the offset of an access.
fn memory_and_offset(memarg: &MemArg) -> (u32, u32) {
    let memory = match memarg.target {
        MemArgTarget::Memory(memory) => memory,
        // Arrays belong to a proposal that the validator refuses.
        MemArgTarget::Array(_) => 0,
    };
    // Memories have 32-bit addresses, so the validator allows no more.
    (memory, memarg.offset as u32)
}

/// The bits of a global's initial value, if the module says it with a single
/// number.
fn constant(global: &GlobalDecl) -> Option<u64> {
    match *global.init.as_ref()?.ops() {
        [ConstOp::I32Const(value)] => Some(u64::from(value.cast_unsigned())),
        [ConstOp::I64Const(value)] => Some(value.cast_unsigned()),
        [ConstOp::F32Const(bits)] => Some(u64::from(bits)),
        [ConstOp::F64Const(bits)] => Some(bits),
        _ => None,
    }
}

impl FuncTranslator<'_> {
    pub(crate) fn load(&mut self, op: Load, memarg: &MemArg, ty: ValType) -> Result<(), Stop> {
        let (memory, offset) = memory_and_offset(memarg);
        self.push_operation(TreeOp::Load { op, memory, offset }, 1, ty)
    }

    pub(crate) fn store(&mut self, store: Store, memarg: &MemArg) -> Result<(), Stop> {
        let (memory, offset) = memory_and_offset(memarg);
        let at = access(memory, offset);
        match store {
            Store::Int(op) => self.store_as(op, at, Class::Int),
            Store::Float(op) => {
                let top = self.stack.height().saturating_sub(1);
                let is_const = matches!(
                    self.stack.get(top).map(|entry| entry.value),
                    Some(Value::Const(_))
                );
                match (op, is_const) {
                    // A constant is stored as the integer of the same bits.
                    (FloatStore::F32Store, true) => {
                        self.stack.set_type(top, ValType::I32);
                        self.store_as(IntStore::I32Store, at, Class::Int)
                    }
                    (FloatStore::F64Store, true) => {
                        self.stack.set_type(top, ValType::I64);
                        self.store_as(IntStore::I64Store, at, Class::Int)
                    }
                    (FloatStore::F32Store, false) => self.store_as(op, at, Class::F32),
                    (FloatStore::F64Store, false) => self.store_as(op, at, Class::F64),
                }
            }
        }
    }

    fn store_as(
        &mut self,
        op: impl Operation,
        at: Operand,
        value_class: Class,
    ) -> Result<(), Stop> {
        let base = self.stack.height().saturating_sub(2);
        self.settle_ordered(base)?;
        let consumer = Consumer {
            root: match value_class {
                Class::Int => Root::IntStore,
                Class::F32 | Class::F64 => Root::FloatStore,
            },
            op: op.op(),
            order: &[0, 1],
            classes: [Class::Int, value_class, Class::Int],
            head: at,
            tail: Some(at),
        };
        if self.statement_of_tiles(base, &consumer, true)? {
            return Ok(());
        }
        let mut leaves = self.gather(base, false)?;
        let with_access = |addr: Operand, value: Operand| [addr, value, at];
        self.fit(base, &mut leaves, |leaves| match leaves[..] {
            [addr, value] => has_form(op.op(), &with_access(addr, value)),
            _ => true,
        })?;
        let [addr, value] = leaves[..] else {
            return Ok(());
        };
        self.stack.truncate(base);
        let value = self.prefer_acc(op, value_class, value, |value| {
            with_access(addr, value).into_iter().collect()
        });
        let addr = self.prefer_acc(op, Class::Int, addr, |addr| {
            with_access(addr, value).into_iter().collect()
        });
        self.mark_offset();
        self.emit(op, &with_access(addr, value), None)
    }

    pub(crate) fn global_get(&mut self, global: u32) -> Result<(), Stop> {
        let Some(decl) = self.shape.globals.get(global as usize) else {
            return Ok(());
        };
        let ty = decl.ty.content();
        let state = decl.ty.mutability() == Mutability::Var;
        if let (false, Some(bits)) = (state, constant(decl)) {
            self.stack.push(ty, Value::Const(bits));
            return Ok(());
        }
        let op = TreeOp::GlobalGet {
            op: Class::of(ty).global_get(),
            global,
            state,
        };
        self.push_operation(op, 0, ty)
    }

    pub(crate) fn global_set(&mut self, global: u32) -> Result<(), Stop> {
        let Some(decl) = self.shape.globals.get(global as usize) else {
            return Ok(());
        };
        let class = Class::of(decl.ty.content());
        let top = self.stack.height().saturating_sub(1);
        self.settle_ordered(top)?;
        let op = class.global_set();
        let target = Operand::GlobalMut(global);
        let consumer = Consumer {
            root: Root::GlobalSet,
            op: op.op(),
            order: &[0],
            classes: [class; 3],
            head: target,
            tail: None,
        };
        if self.statement_of_tiles(top, &consumer, false)? {
            return Ok(());
        }
        let leaves = self.gather(top, false)?;
        let [leaf] = leaves[..] else { return Ok(()) };
        self.stack.truncate(top);
        let value = self.prefer_acc(op, class, leaf, |value| {
            [target, value].into_iter().collect()
        });
        self.emit(op, &[target, value], None)
    }

    /// A statement that takes `count` values from slots; `before` are the
    /// operands that say on what it works.
    fn statement(
        &mut self,
        op: impl Operation,
        before: &[Operand],
        count: usize,
    ) -> Result<(), Stop> {
        let base = self.stack.height().saturating_sub(count);
        self.settle_ordered(base)?;
        let leaves = self.gather(base, true)?;
        self.stack.truncate(base);
        let mut operands: ArrayVec<Operand, 8> = before.iter().copied().collect();
        operands.extend(leaves);
        self.mark_offset();
        self.emit(op, &operands, None)
    }

    /// A growth: takes `count` values from slots, and its result is at home.
    fn growth(&mut self, op: impl Operation, what: Operand, count: usize) -> Result<(), Stop> {
        let base = self.stack.height().saturating_sub(count);
        self.settle_ordered(base)?;
        let leaves = self.gather(base, true)?;
        // The host may be asked, as in a call.
        self.release_accs(base)?;
        self.clear_readers(base)?;
        self.stack.truncate(base);
        let home = self.frame.home(base)?;
        let mut operands: ArrayVec<Operand, 8> = [Operand::Rs(home), what].into_iter().collect();
        operands.extend(leaves);
        self.known.forget();
        self.mark_offset();
        self.emit(op, &operands, Some(Class::Int))?;
        self.push_homes(&[ValType::I32]);
        Ok(())
    }

    pub(crate) fn memory_size(&mut self, memory: u32) -> Result<(), Stop> {
        self.push_operation(TreeOp::MemorySize(memory), 0, ValType::I32)
    }

    pub(crate) fn memory_grow(&mut self, memory: u32) -> Result<(), Stop> {
        self.growth(MemoryGrow::MemoryGrow, Operand::Memory(memory), 1)
    }

    pub(crate) fn memory_fill(&mut self, memory: u32) -> Result<(), Stop> {
        self.statement(MemoryFill::MemoryFill, &[Operand::Memory(memory)], 3)
    }

    pub(crate) fn memory_copy(&mut self, to: u32, from: u32) -> Result<(), Stop> {
        self.statement(
            MemoryCopy::MemoryCopy,
            &[Operand::Memory(to), Operand::Memory(from)],
            3,
        )
    }

    pub(crate) fn memory_init(&mut self, memory: u32, data: u32) -> Result<(), Stop> {
        self.statement(
            MemoryInit::MemoryInit,
            &[Operand::Memory(memory), Operand::Data(data)],
            3,
        )
    }

    pub(crate) fn data_drop(&mut self, data: u32) -> Result<(), Stop> {
        self.statement(DataDrop::DataDrop, &[Operand::Data(data)], 0)
    }

    pub(crate) fn table_get(&mut self, table: u32) -> Result<(), Stop> {
        let Some(decl) = self.shape.tables.get(table as usize) else {
            return Ok(());
        };
        let ty = decl.ty.element().into();
        self.push_operation(TreeOp::TableGet(table), 1, ty)
    }

    pub(crate) fn table_set(&mut self, table: u32) -> Result<(), Stop> {
        self.statement(TableSet::TableSet, &[Operand::Table(table)], 2)
    }

    pub(crate) fn table_size(&mut self, table: u32) -> Result<(), Stop> {
        self.push_operation(TreeOp::TableSize(table), 0, ValType::I32)
    }

    pub(crate) fn table_grow(&mut self, table: u32) -> Result<(), Stop> {
        self.growth(TableGrow::TableGrow, Operand::Table(table), 2)
    }

    pub(crate) fn table_fill(&mut self, table: u32) -> Result<(), Stop> {
        self.statement(TableFill::TableFill, &[Operand::Table(table)], 3)
    }

    pub(crate) fn table_copy(&mut self, to: u32, from: u32) -> Result<(), Stop> {
        self.statement(
            TableCopy::TableCopy,
            &[Operand::Table(to), Operand::Table(from)],
            3,
        )
    }

    pub(crate) fn table_init(&mut self, table: u32, elem: u32) -> Result<(), Stop> {
        self.statement(
            TableInit::TableInit,
            &[Operand::Table(table), Operand::Elem(elem)],
            3,
        )
    }

    pub(crate) fn elem_drop(&mut self, elem: u32) -> Result<(), Stop> {
        self.statement(ElemDrop::ElemDrop, &[Operand::Elem(elem)], 0)
    }

    /// `local.set`, or `local.tee` if the value stays on the stack.
    pub(crate) fn local_set(&mut self, local: u32, keep: bool) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        let Some(entry) = self.stack.get(top) else {
            return Ok(());
        };
        self.locals.set(local);
        let slot = self.frame.local(local)?;
        if !matches!(entry.value, Value::Local(same) if same == local) {
            self.preserve(local, top)?;
            let to = Operand::To(slot);
            // Preserving others may have moved the value home.
            match self.stack.get(top).map_or(Value::Home, |entry| entry.value) {
                Value::Const(bits) => self.copy_const(entry.ty, bits, to)?,
                Value::Local(src) => {
                    let src = self.frame.local(src)?;
                    self.copy_slot(entry.class(), src, to)?;
                }
                Value::Home => {
                    let home = self.frame.home(top)?;
                    self.copy_slot(entry.class(), home, to)?;
                }
                Value::Acc => self.emit(entry.class().copy(), &[to, Operand::Acc], None)?,
                Value::Tree(_) => self.force(top, Operand::Rs(slot), Value::Home)?,
            }
        }
        self.stack.pop();
        if keep {
            match entry.value {
                Value::Const(_) => self.stack.push(entry.ty, entry.value),
                _ => self.push_local(local, entry.ty),
            }
        }
        Ok(())
    }

    pub(crate) fn local_get(&mut self, local: u32, ty: ValType) {
        self.locals.read(local);
        self.push_local(local, ty);
    }

    fn push_local(&mut self, local: u32, ty: ValType) {
        self.stack.note_use(local, self.stack.height());
        self.stack.push(ty, Value::Local(local));
        self.work += 1;
    }

    /// Pops a value; what can trap is evaluated.
    pub(crate) fn drop_top(&mut self) -> Result<(), Stop> {
        let top = self.stack.height().saturating_sub(1);
        if self.stack.tree(top).is_some_and(|tree| tree.traps()) {
            self.force(top, Operand::R, Value::Home)?;
        }
        self.stack.pop();
        Ok(())
    }
}
