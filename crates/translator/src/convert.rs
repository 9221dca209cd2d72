//! From the parser's types to Damson's.
//!
//! Everything here runs after the validator has accepted the section, so a
//! type outside the supported proposals cannot appear; if one does
//! nevertheless, because the validator's idea of a proposal changed, it is an
//! error and not a panic.

use alloc::vec::Vec;
use damson_core::{
    ConstExpr, ConstOp, FuncType, GlobalType, MemoryType, Mutability, RefType, TableType, ValType,
};
use wasmparser as wp;

use crate::error::Error;

#[cold]
fn unexpected(what: &'static str, offset: u64) -> Error {
    Error::Invalid {
        message: what.into(),
        offset,
    }
}

pub(crate) fn ref_type(ty: wp::RefType, offset: u64) -> Result<RefType, Error> {
    match ty {
        wp::RefType::FUNCREF => Ok(RefType::Func),
        wp::RefType::EXTERNREF => Ok(RefType::Extern),
        _ => Err(unexpected("unknown reference type", offset)),
    }
}

pub(crate) fn val_type(ty: wp::ValType, offset: u64) -> Result<ValType, Error> {
    Ok(match ty {
        wp::ValType::I32 => ValType::I32,
        wp::ValType::I64 => ValType::I64,
        wp::ValType::F32 => ValType::F32,
        wp::ValType::F64 => ValType::F64,
        wp::ValType::V128 => return Err(unexpected("unknown value type", offset)),
        wp::ValType::Ref(ty) => match ref_type(ty, offset)? {
            RefType::Func => ValType::FuncRef,
            _ => ValType::ExternRef,
        },
    })
}

pub(crate) fn func_type(ty: &wp::FuncType, offset: u64) -> Result<FuncType, Error> {
    let convert = |types: &[wp::ValType]| -> Result<Vec<ValType>, Error> {
        types.iter().map(|ty| val_type(*ty, offset)).collect()
    };
    Ok(FuncType::new(convert(ty.params())?, convert(ty.results())?))
}

pub(crate) fn global_type(ty: wp::GlobalType, offset: u64) -> Result<GlobalType, Error> {
    let mutability = if ty.mutable {
        Mutability::Var
    } else {
        Mutability::Const
    };
    Ok(GlobalType::new(
        val_type(ty.content_type, offset)?,
        mutability,
    ))
}

pub(crate) fn memory_type(ty: wp::MemoryType) -> MemoryType {
    MemoryType::of_pages(ty.initial, ty.maximum)
}

pub(crate) fn table_type(ty: wp::TableType, offset: u64) -> Result<TableType, Error> {
    let size = |n: u64| u32::try_from(n).map_err(|_| unexpected("table size", offset));
    let maximum = ty.maximum.map(size).transpose()?;
    Ok(TableType::new(
        ref_type(ty.element_type, offset)?,
        size(ty.initial)?,
        maximum,
    ))
}

/// The operators of a constant expression, without its `end`.
pub(crate) fn const_expr(expr: &wp::ConstExpr<'_>) -> Result<ConstExpr, Error> {
    if let Some(op) = i32_const(expr) {
        return Ok(ConstExpr::new([op]));
    }
    let mut ops = Vec::new();
    let mut reader = expr.get_operators_reader();
    loop {
        let (op, offset) = reader
            .read_with_offset()
            .map_err(|error| Error::from_parser(&error))?;
        ops.push(match op {
            wp::Operator::I32Const { value } => ConstOp::I32Const(value),
            wp::Operator::I64Const { value } => ConstOp::I64Const(value),
            wp::Operator::F32Const { value } => ConstOp::F32Const(value.bits()),
            wp::Operator::F64Const { value } => ConstOp::F64Const(value.bits()),
            wp::Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            wp::Operator::RefNull { .. } => ConstOp::RefNull,
            wp::Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
            wp::Operator::I32Add => ConstOp::I32Add,
            wp::Operator::I32Sub => ConstOp::I32Sub,
            wp::Operator::I32Mul => ConstOp::I32Mul,
            wp::Operator::I64Add => ConstOp::I64Add,
            wp::Operator::I64Sub => ConstOp::I64Sub,
            wp::Operator::I64Mul => ConstOp::I64Mul,
            wp::Operator::End => break,
            _ => return Err(unexpected("constant expression required", offset)),
        });
    }
    Ok(ConstExpr::new(ops))
}

/// The operator of an expression that is one `i32.const`, as the offsets of nearly all
/// segments are. Linkers make tens of thousands of those, and to read an operator of any
/// kind takes ten times as long.
fn i32_const(expr: &wp::ConstExpr<'_>) -> Option<ConstOp> {
    const I32_CONST: u8 = 0x41;
    const END: u8 = 0x0b;
    let mut reader = expr.get_binary_reader();
    if reader.read_u8().ok()? != I32_CONST {
        return None;
    }
    let value = reader.read_var_i32().ok()?;
    (reader.read_u8().ok()? == END && reader.eof()).then_some(ConstOp::I32Const(value))
}
