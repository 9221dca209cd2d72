//! Which operator goes where.
//!
//! The parser calls a method for each operator, in which it is validated and then
//! translated. Which operator it is, is known in that method when the crate is
//! compiled, so in an optimised build [`FuncTranslator::operator`] is the text of all
//! those methods and not a choice made at run time.

use alloc::vec::Vec;
use core::mem::ManuallyDrop;

use damson_core::types::ValType;
use damson_ir::{FloatStore, IntStore, IntTest, Load, Unreachable};
use wasmparser::{FrameKind, FrameStack, Operator, VisitOperator};

use super::call::Callee;
use super::memory::Store;
use super::select::{Numeric, numeric};
use super::value::{TreeOp, Value};
use super::{FuncTranslator, Stop};

/// Why the body of a function is not translated to its end.
pub(crate) enum Halt {
    Invalid(wasmparser::Error),
    Stop(Stop),
}

impl From<wasmparser::Error> for Halt {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid(error)
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

macro_rules! validate_and_translate {
    ($(
        @$proposal:ident $Op:ident $({ $($arg:ident: $Arg:ty),* })? => $visit:ident $arity:tt
    )*) => {$(
        fn $visit(&mut self $($(, $arg: $Arg)*)?) -> Self::Output {
            let offset = self.offset;
            self.validator.visitor(offset.into()).$visit($($($arg.clone()),*)?)?;
            validate_and_translate!(@$proposal self Operator::$Op $({ $($arg),* })?)
        }
    )*};
    // An operator that was validated owns no memory; so much for its destructor, which asks.
    (@mvp $self:ident $($operator:tt)*) => {
        Ok($self.operator(&ManuallyDrop::new($($operator)*))?)
    };
    (@sign_extension $($rest:tt)*) => { validate_and_translate!(@mvp $($rest)*) };
    (@saturating_float_to_int $($rest:tt)*) => { validate_and_translate!(@mvp $($rest)*) };
    (@bulk_memory $($rest:tt)*) => { validate_and_translate!(@mvp $($rest)*) };
    (@reference_types $($rest:tt)*) => { validate_and_translate!(@mvp $($rest)*) };
    (@tail_call $($rest:tt)*) => { validate_and_translate!(@mvp $($rest)*) };
    // The validator accepts no operator of another proposal, because none is enabled.
    (@$other:ident $($rest:tt)*) => { Err(Stop::Operator.into()) };
}

impl<'a> VisitOperator<'a> for FuncTranslator<'_> {
    type Output = Result<(), Halt>;

    wasmparser::for_each_visit_operator!(validate_and_translate);
}

impl FrameStack for FuncTranslator<'_> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.innermost_frame()
    }
}

impl FuncTranslator<'_> {
    /// Translates an operator that was validated.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see above")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), Stop> {
        self.work += 1;
        if !self.reachable {
            return self.unreachable_operator(operator);
        }
        self.count_operator();
        if let Some(op) = numeric(operator) {
            return self.numeric(op);
        }
        match *operator {
            Operator::Unreachable => {
                self.settle_ordered(self.stack.height())?;
                self.mark_offset();
                self.emit(Unreachable::Unreachable, &[], None)?;
                self.become_unreachable();
                Ok(())
            }
            Operator::Nop => Ok(()),
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.loop_(blockty),
            Operator::If { blockty } => self.if_(blockty),
            Operator::Else => self.else_(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::BrTable { ref targets } => self.br_table(targets),
            Operator::Return => {
                self.return_()?;
                self.become_unreachable();
                Ok(())
            }
            Operator::Call { function_index } => self.call(Callee::Func(function_index)),
            Operator::CallIndirect {
                type_index,
                table_index,
            } => self.call(Callee::Indirect {
                table: table_index,
                ty: type_index,
            }),
            Operator::ReturnCall { function_index } => {
                self.return_call(Callee::Func(function_index))
            }
            Operator::ReturnCallIndirect {
                type_index,
                table_index,
            } => self.return_call(Callee::Indirect {
                table: table_index,
                ty: type_index,
            }),
            Operator::Drop => self.drop_top(),
            Operator::Select | Operator::TypedSelect { .. } => self.select(),
            Operator::LocalGet { local_index } => {
                let ty = self.result_type();
                self.local_get(local_index, ty);
                Ok(())
            }
            Operator::LocalSet { local_index } => self.local_set(local_index, false),
            Operator::LocalTee { local_index } => self.local_set(local_index, true),
            Operator::GlobalGet { global_index } => self.global_get(global_index),
            Operator::GlobalSet { global_index } => self.global_set(global_index),
            Operator::I32Const { value } => {
                self.push_const(ValType::I32, u64::from(value.cast_unsigned()))
            }
            Operator::I64Const { value } => self.push_const(ValType::I64, value.cast_unsigned()),
            Operator::F32Const { value } => self.push_const(ValType::F32, u64::from(value.bits())),
            Operator::F64Const { value } => self.push_const(ValType::F64, value.bits()),
            Operator::RefNull { .. } => {
                let ty = self.result_type();
                self.push_const(ty, 0)
            }
            // References are cells, and null is zero.
            Operator::RefIsNull => self.numeric(Numeric::IntTest(IntTest::I64Eqz)),
            Operator::RefFunc { function_index } => {
                self.push_operation(TreeOp::RefFunc(function_index), 0, ValType::FuncRef)
            }
            Operator::MemorySize { mem } => self.memory_size(mem),
            Operator::MemoryGrow { mem } => self.memory_grow(mem),
            Operator::MemoryFill { mem } => self.memory_fill(mem),
            Operator::MemoryCopy { dst_mem, src_mem } => self.memory_copy(dst_mem, src_mem),
            Operator::MemoryInit { data_index, mem } => self.memory_init(mem, data_index),
            Operator::DataDrop { data_index } => self.data_drop(data_index),
            Operator::TableGet { table } => self.table_get(table),
            Operator::TableSet { table } => self.table_set(table),
            Operator::TableSize { table } => self.table_size(table),
            Operator::TableGrow { table } => self.table_grow(table),
            Operator::TableFill { table } => self.table_fill(table),
            Operator::TableCopy {
                dst_table,
                src_table,
            } => self.table_copy(dst_table, src_table),
            Operator::TableInit { elem_index, table } => self.table_init(table, elem_index),
            Operator::ElemDrop { elem_index } => self.elem_drop(elem_index),
            _ => self.access(operator),
        }
    }

    /// Loads and stores.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "as above")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn access(&mut self, operator: &Operator<'_>) -> Result<(), Stop> {
        macro_rules! accesses {
            (
                load { $($LoadOp:ident $ty:ident)* }
                store_int { $($IntOp:ident)* }
                store_float { $($FloatOp:ident)* }
            ) => {
                match operator {
                    $( Operator::$LoadOp { memarg } => {
                        self.load(Load::$LoadOp, memarg, ValType::$ty)
                    } )*
                    $( Operator::$IntOp { memarg } => {
                        self.store(Store::Int(IntStore::$IntOp), memarg)
                    } )*
                    $( Operator::$FloatOp { memarg } => {
                        self.store(Store::Float(FloatStore::$FloatOp), memarg)
                    } )*
                    // Not one of those that are translated.
                    _ => Err(Stop::Operator),
                }
            };
        }
        accesses! {
            load {
                I32Load I32 I32Load8S I32 I32Load8U I32 I32Load16S I32 I32Load16U I32
                I64Load I64 I64Load8S I64 I64Load8U I64 I64Load16S I64 I64Load16U I64
                I64Load32S I64 I64Load32U I64 F32Load F32 F64Load F64
            }
            store_int {
                I32Store I32Store8 I32Store16 I64Store I64Store8 I64Store16 I64Store32
            }
            store_float { F32Store F64Store }
        }
    }

    /// Follows the nesting of blocks where nothing is translated.
    fn unreachable_operator(&mut self, operator: &Operator<'_>) -> Result<(), Stop> {
        match *operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.open_unreachable(blockty);
                Ok(())
            }
            Operator::Else => self.else_(),
            Operator::End => self.end(),
            _ => Ok(()),
        }
    }

    fn push_const(&mut self, ty: ValType, bits: u64) -> Result<(), Stop> {
        self.stack.push(ty, Value::Const(bits));
        Ok(())
    }

    /// The type of the value that the current operator has produced, of which
    /// the validator knows.
    fn result_type(&self) -> ValType {
        use wasmparser::{RefType, ValType as Wasm};
        match self.validator.get_operand_type(0).flatten() {
            Some(Wasm::I64) => ValType::I64,
            Some(Wasm::F32) => ValType::F32,
            Some(Wasm::F64) => ValType::F64,
            Some(Wasm::Ref(RefType::FUNCREF)) => ValType::FuncRef,
            Some(Wasm::Ref(_)) => ValType::ExternRef,
            _ => ValType::I32,
        }
    }
}
