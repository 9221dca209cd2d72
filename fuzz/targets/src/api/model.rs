//! What the stores must hold and what functions must give.

use std::collections::{BTreeMap, HashMap};

use damson::{
    ExternRef, Func, Global, Memory, Nullable, Ref, RefType, Table, TrapCode, Val, ValType,
};

use super::modules::What;

/// A value that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    I32(i32),
    I64(i64),
    F64(u64),
    Func(Option<Func>),
    Object(Option<ExternRef>),
}

impl Value {
    pub(super) const fn ty(self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F64(_) => ValType::F64,
            Self::Func(_) => ValType::FuncRef,
            Self::Object(_) => ValType::ExternRef,
        }
    }

    pub(super) fn to_val(self) -> Val {
        match self {
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
            Self::F64(bits) => Val::F64(damson::F64::from_bits(bits)),
            Self::Func(func) => Val::FuncRef(func.into()),
            Self::Object(object) => Val::ExternRef(object.into()),
        }
    }

    pub(super) fn to_ref(self) -> Ref {
        match self {
            Self::Object(object) => Ref::Extern(object.into()),
            Self::Func(func) => Ref::Func(func.into()),
            _ => Ref::null(RefType::Func),
        }
    }

    pub(super) fn of_ref(value: Ref) -> Self {
        match value {
            Ref::Func(func) => Self::Func(func.into()),
            Ref::Extern(object) => Self::Object(object.into()),
        }
    }
}

impl From<&Val> for Value {
    fn from(value: &Val) -> Self {
        match *value {
            Val::I32(value) => Self::I32(value),
            Val::I64(value) => Self::I64(value),
            Val::F64(value) => Self::F64(value.to_bits()),
            Val::FuncRef(Nullable::Val(func)) => Self::Func(Some(func)),
            Val::FuncRef(Nullable::Null) => Self::Func(None),
            Val::ExternRef(Nullable::Val(object)) => Self::Object(Some(object)),
            Val::ExternRef(Nullable::Null) => Self::Object(None),
            _ => panic!("no other type is ever used"),
        }
    }
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Results(Vec<Value>),
    Trap(TrapCode),
    /// A host function failed.
    HostFailed,
}

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// An export of an instance, with what it works on.
    Export { what: What, of: Parts },
    /// A host function that adds a number to its argument.
    Adds(i32),
    /// One that fails.
    Fails,
    /// One that calls another function of its type; how deep that goes.
    CallsBack(Func, usize),
    /// The function `f` that a module defines.
    Same,
}

/// What the functions of an instance work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) f: Func,
    pub(super) memory: Memory,
    pub(super) table: Table,
    pub(super) global: Global,
}

#[derive(Debug, Clone)]
pub(super) struct MemoryModel {
    /// The pages that it was made with.
    pub(super) minimum: u64,
    pub(super) pages: u64,
    pub(super) maximum: u64,
    /// The bytes that are not zero, and some that are.
    pub(super) bytes: BTreeMap<usize, u8>,
}

#[derive(Debug, Clone)]
pub(super) struct TableModel {
    pub(super) element: RefType,
    pub(super) maximum: usize,
    pub(super) elements: Vec<Value>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct GlobalModel {
    pub(super) mutable: bool,
    pub(super) value: Value,
}

/// What all stores hold.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) funcs: HashMap<Func, Does>,
    pub(super) memories: HashMap<Memory, MemoryModel>,
    pub(super) tables: HashMap<Table, TableModel>,
    pub(super) globals: HashMap<Global, GlobalModel>,
    pub(super) objects: HashMap<ExternRef, u64>,
}

pub(super) const PAGE: usize = 65536;

impl MemoryModel {
    pub(super) fn len(&self) -> usize {
        self.pages as usize * PAGE
    }

    /// The size before, if it grows.
    pub(super) fn grow(&mut self, pages: u64) -> Option<u64> {
        let before = self.pages;
        (before.checked_add(pages)? <= self.maximum).then(|| {
            self.pages += pages;
            before
        })
    }
}

impl Model {
    /// Parameters and results.
    pub(super) fn ty(&self, func: Func) -> (Vec<ValType>, Vec<ValType>) {
        use ValType::{ExternRef, F64, FuncRef, I32, I64};
        let (params, results): (&[_], &[_]) = match self.funcs[&func] {
            Does::Export { what, .. } => match what {
                What::Add | What::Div | What::Indirect => (&[I32, I32], &[I32]),
                What::Store => (&[I32, I32], &[]),
                What::Get => (&[], &[I32]),
                What::Set => (&[I32], &[]),
                What::Pick => (&[I32], &[FuncRef]),
                What::Put => (&[I32, FuncRef], &[]),
                What::Swap => (&[I64, F64], &[F64, I64]),
                What::Object => (&[ExternRef], &[ExternRef]),
                What::Load | What::Grow | What::Deep | What::CallF | What::TailF => {
                    (&[I32], &[I32])
                }
            },
            Does::Adds(_) | Does::Fails | Does::CallsBack(..) | Does::Same => (&[I32], &[I32]),
        };
        (params.to_vec(), results.to_vec())
    }

    pub(super) fn is_unary(&self, func: Func) -> bool {
        self.ty(func) == (vec![ValType::I32], vec![ValType::I32])
    }

    /// How many calls of host functions, and of code, may be inside each other in a
    /// call of the function.
    pub(super) fn depth(&self, func: Func) -> usize {
        match self.funcs[&func] {
            Does::CallsBack(_, depth) => depth,
            Does::Export {
                what: What::CallF | What::TailF,
                of,
            } => 1 + self.depth(of.f),
            _ => 1,
        }
    }

    /// Calls the function with arguments of its types.
    pub(super) fn call(&mut self, func: Func, args: &[Value]) -> End {
        let one = |value| End::Results(vec![value]);
        match (self.funcs[&func], args) {
            (Does::Adds(number), [Value::I32(x)]) => one(Value::I32(x.wrapping_add(number))),
            (Does::Same, [Value::I32(x)]) => one(Value::I32(*x)),
            (Does::Fails, _) => End::HostFailed,
            (Does::CallsBack(inner, _), _) => self.call(inner, args),
            (Does::Export { what, of }, _) => self.export(what, of, args),
            _ => unreachable!("the arguments fit"),
        }
    }

    fn export(&mut self, what: What, of: Parts, args: &[Value]) -> End {
        let one = |value| End::Results(vec![value]);
        let none = || End::Results(Vec::new());
        let memory = self.memories.get_mut(&of.memory).expect("a known memory");
        let table = self.tables.get_mut(&of.table).expect("a known table");
        match (what, args) {
            (What::Add, [Value::I32(a), Value::I32(b)]) => one(Value::I32(a.wrapping_add(*b))),
            (What::Div, [_, Value::I32(0)]) => End::Trap(TrapCode::IntegerDivisionByZero),
            (What::Div, [Value::I32(a), Value::I32(b)]) => match a.checked_div(*b) {
                Some(quotient) => one(Value::I32(quotient)),
                None => End::Trap(TrapCode::IntegerOverflow),
            },
            (What::Load, [Value::I32(at)]) => {
                let at = at.cast_unsigned() as usize;
                if at >= memory.len() {
                    return End::Trap(TrapCode::MemoryOutOfBounds);
                }
                one(Value::I32(
                    memory.bytes.get(&at).copied().unwrap_or(0).into(),
                ))
            }
            (What::Store, [Value::I32(at), Value::I32(value)]) => {
                let at = at.cast_unsigned() as usize;
                if at >= memory.len() {
                    return End::Trap(TrapCode::MemoryOutOfBounds);
                }
                memory.bytes.insert(at, *value as u8);
                none()
            }
            (What::Grow, [Value::I32(pages)]) => {
                let before = memory.grow(pages.cast_unsigned().into());
                one(Value::I32(before.map_or(-1, |pages| pages as i32)))
            }
            (What::Pick, [Value::I32(at)]) => {
                match table.elements.get(at.cast_unsigned() as usize) {
                    Some(element) => one(*element),
                    None => End::Trap(TrapCode::TableOutOfBounds),
                }
            }
            (What::Put, [Value::I32(at), value]) => {
                match table.elements.get_mut(at.cast_unsigned() as usize) {
                    Some(element) => {
                        *element = *value;
                        none()
                    }
                    None => End::Trap(TrapCode::TableOutOfBounds),
                }
            }
            (What::Indirect, [Value::I32(at), x]) => {
                match table.elements.get(at.cast_unsigned() as usize).copied() {
                    None => End::Trap(TrapCode::TableOutOfBounds),
                    Some(Value::Func(Some(func))) if self.is_unary(func) => self.call(func, &[*x]),
                    Some(Value::Func(Some(_))) => End::Trap(TrapCode::BadSignature),
                    Some(_) => End::Trap(TrapCode::IndirectCallToNull),
                }
            }
            (What::Get, []) => one(self.globals[&of.global].value),
            (What::Set, [value]) => {
                let global = self.globals.get_mut(&of.global).expect("a known global");
                global.value = *value;
                none()
            }
            (What::Swap, [a, b]) => End::Results(vec![*b, *a]),
            (What::Object, [object]) => one(*object),
            (What::Deep, [Value::I32(x)]) => one(Value::I32((*x).max(0))),
            (What::TailF, [_]) => self.call(of.f, args),
            (What::CallF, [_]) => match self.call(of.f, args) {
                End::Results(results) => match results[..] {
                    [Value::I32(x)] => one(Value::I32(x.wrapping_add(1))),
                    _ => unreachable!("`f` has one result"),
                },
                end => end,
            },
            _ => unreachable!("the arguments fit"),
        }
    }
}
