//! The types of values, functions and externals (specification, section 2.3); those
//! with limits, memories and tables, are in `limits.rs`.
//!
//! They are plain data. Whether a type is *valid* (its minimum not above its
//! maximum, its size within the address space) is checked where an entity of
//! that type is made, not here.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use crate::limits::{MemoryType, MemoryTypeBuilder, MemoryTypeError, TableType};

/// Bytes in a page of linear memory.
pub const PAGE_SIZE: usize = 65_536;
/// The most pages that a memory with 32-bit addresses can have.
pub const MAX_PAGES: u64 = 65_536;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit IEEE 754 number.
    F32,
    /// A 64-bit IEEE 754 number.
    F64,
    /// A nullable reference to a function.
    FuncRef,
    /// A nullable reference to an object of the host.
    ExternRef,
}

impl ValType {
    /// The reference type, if the value is a reference.
    #[must_use]
    pub const fn as_ref_type(self) -> Option<RefType> {
        match self {
            Self::FuncRef => Some(RefType::Func),
            Self::ExternRef => Some(RefType::Extern),
            Self::I32 | Self::I64 | Self::F32 | Self::F64 => None,
        }
    }

    /// Whether the value is a reference.
    #[must_use]
    pub const fn is_ref(self) -> bool {
        self.as_ref_type().is_some()
    }

    /// The reference type, if the value is a reference; the same as
    /// [`ValType::as_ref_type`].
    #[must_use]
    pub const fn as_ref(&self) -> Option<RefType> {
        self.as_ref_type()
    }

    /// Whether the value is a number.
    #[must_use]
    pub const fn is_num(self) -> bool {
        !self.is_ref()
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
        })
    }
}

/// The type of a reference: what tables and element segments hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefType {
    /// `funcref`
    Func,
    /// `externref`
    Extern,
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> Self {
        match ty {
            RefType::Func => Self::FuncRef,
            RefType::Extern => Self::ExternRef,
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ValType::from(*self).fmt(f)
    }
}

/// Whether a global can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// The value never changes.
    Const,
    /// The value can be set.
    Var,
}

impl Mutability {
    /// Whether the value never changes.
    #[must_use]
    pub const fn is_const(&self) -> bool {
        matches!(self, Self::Const)
    }

    /// Whether the value can be set.
    #[must_use]
    pub const fn is_mut(&self) -> bool {
        matches!(self, Self::Var)
    }
}

/// The type of a function: its parameters and its results. Cheap to clone.
///
/// # Example
///
/// ```
/// use damson_core::{FuncType, ValType};
///
/// let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::I64]);
/// assert_eq!(ty.params(), [ValType::I32, ValType::F64]);
/// assert_eq!(ty.results(), [ValType::I64]);
/// assert_eq!(ty.to_string(), "(i32, f64) -> i64");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType {
    /// The parameters, then the results.
    types: Arc<[ValType]>,
    params: usize,
}

impl FuncType {
    /// The type of a function from `params` to `results`.
    pub fn new<P, R>(params: P, results: R) -> Self
    where
        P: IntoIterator<Item = ValType>,
        R: IntoIterator<Item = ValType>,
    {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len();
        types.extend(results);
        Self {
            types: types.into(),
            params,
        }
    }

    /// The types of the parameters.
    #[must_use]
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.params]
    }

    /// The types of the results.
    #[must_use]
    pub fn results(&self) -> &[ValType] {
        &self.types[self.params..]
    }

    /// How many cells a call needs: its parameters are passed, and its results
    /// returned, in the same cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.params.max(self.types.len() - self.params)
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(f: &mut fmt::Formatter<'_>, types: &[ValType]) -> fmt::Result {
            for (i, ty) in types.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                ty.fmt(f)?;
            }
            Ok(())
        }
        f.write_str("(")?;
        list(f, self.params())?;
        f.write_str(") -> ")?;
        if let [result] = self.results() {
            return result.fmt(f);
        }
        f.write_str("(")?;
        list(f, self.results())?;
        f.write_str(")")
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FuncType[{self}]")
    }
}

/// The type of a global.
///
/// # Example
///
/// ```
/// use damson_core::{GlobalType, Mutability, ValType};
///
/// let ty = GlobalType::new(ValType::F32, Mutability::Var);
/// assert_eq!((ty.content(), ty.mutability()), (ValType::F32, Mutability::Var));
/// assert_eq!(ty.to_string(), "global (mut f32)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GlobalType {
    content: ValType,
    mutability: Mutability,
}

impl GlobalType {
    /// The type of a global that holds a `content`.
    #[must_use]
    pub const fn new(content: ValType, mutability: Mutability) -> Self {
        Self {
            content,
            mutability,
        }
    }

    /// The type of the value.
    #[must_use]
    pub const fn content(&self) -> ValType {
        self.content
    }

    /// Whether the value can be set.
    #[must_use]
    pub const fn mutability(&self) -> Mutability {
        self.mutability
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Const => write!(f, "global {}", self.content),
            Mutability::Var => write!(f, "global (mut {})", self.content),
        }
    }
}

/// The kinds of things that a module imports and exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExternKind {
    /// A function.
    Func,
    /// A table.
    Table,
    /// A linear memory.
    Memory,
    /// A global.
    Global,
}

impl fmt::Display for ExternKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Func => "function",
            Self::Table => "table",
            Self::Memory => "memory",
            Self::Global => "global",
        })
    }
}

/// The type of something imported or exported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A global.
    Global(GlobalType),
    /// A linear memory.
    Memory(MemoryType),
    /// A table.
    Table(TableType),
}

impl ExternType {
    /// The kind without the details.
    #[must_use]
    pub const fn kind(&self) -> ExternKind {
        match self {
            Self::Func(_) => ExternKind::Func,
            Self::Global(_) => ExternKind::Global,
            Self::Memory(_) => ExternKind::Memory,
            Self::Table(_) => ExternKind::Table,
        }
    }

    /// The type of a function, if this is one.
    #[must_use]
    pub const fn func(&self) -> Option<&FuncType> {
        if let Self::Func(ty) = self {
            Some(ty)
        } else {
            None
        }
    }

    /// The type of a global, if this is one.
    #[must_use]
    pub const fn global(&self) -> Option<&GlobalType> {
        if let Self::Global(ty) = self {
            Some(ty)
        } else {
            None
        }
    }

    /// The type of a memory, if this is one.
    #[must_use]
    pub const fn memory(&self) -> Option<&MemoryType> {
        if let Self::Memory(ty) = self {
            Some(ty)
        } else {
            None
        }
    }

    /// The type of a table, if this is one.
    #[must_use]
    pub const fn table(&self) -> Option<&TableType> {
        if let Self::Table(ty) = self {
            Some(ty)
        } else {
            None
        }
    }

    /// Whether something of this type can be imported as an `expected`
    /// (specification, section 3.4.8, "External Types: Import Subtyping").
    ///
    /// The minimum of a memory or table has to be its current size.
    #[must_use]
    pub fn matches(&self, expected: &Self) -> bool {
        fn limits(found: (u64, Option<u64>), expected: (u64, Option<u64>)) -> bool {
            found.0 >= expected.0
                && match (found.1, expected.1) {
                    (_, None) => true,
                    (Some(found), Some(expected)) => found <= expected,
                    (None, Some(_)) => false,
                }
        }
        match (self, expected) {
            (Self::Func(found), Self::Func(expected)) => found == expected,
            (Self::Global(found), Self::Global(expected)) => found == expected,
            (Self::Memory(found), Self::Memory(expected)) => limits(
                (found.minimum(), found.maximum()),
                (expected.minimum(), expected.maximum()),
            ),
            (Self::Table(found), Self::Table(expected)) => {
                found.element() == expected.element()
                    && limits(
                        (found.minimum(), found.maximum()),
                        (expected.minimum(), expected.maximum()),
                    )
            }
            _ => false,
        }
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Func(ty) => write!(f, "function {ty}"),
            Self::Global(ty) => ty.fmt(f),
            Self::Memory(ty) => ty.fmt(f),
            Self::Table(ty) => ty.fmt(f),
        }
    }
}

macro_rules! extern_type_from {
    ($($variant:ident($ty:ty)),*) => {$(
        impl From<$ty> for ExternType {
            fn from(ty: $ty) -> Self {
                Self::$variant(ty)
            }
        }
    )*};
}

extern_type_from!(
    Func(FuncType),
    Global(GlobalType),
    Memory(MemoryType),
    Table(TableType)
);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn func_types_know_where_their_results_start() {
        use ValType::{F32, I32, I64};
        let a = FuncType::new([I32, I64], [F32]);
        let b = FuncType::new([I32], [I64, F32]);
        assert_eq!(a.params(), [I32, I64]);
        assert_eq!(a.results(), [F32]);
        assert_eq!(a.cells(), 2);
        assert_eq!(b.cells(), 2);
        assert_ne!(a, b);
        assert_eq!(a, FuncType::new([I32, I64], [F32]));
        assert_eq!(FuncType::new([], []).cells(), 0);
    }

    #[test]
    fn types_print_as_a_user_writes_them() {
        use ValType::{ExternRef, F32, F64, FuncRef, I32, I64};
        assert_eq!(
            FuncType::new([I32, I64], [F32]).to_string(),
            "(i32, i64) -> f32"
        );
        assert_eq!(FuncType::new([], []).to_string(), "() -> ()");
        assert_eq!(
            FuncType::new([F64], [FuncRef, ExternRef]).to_string(),
            "(f64) -> (funcref, externref)"
        );
        assert_eq!(
            GlobalType::new(I32, Mutability::Var).to_string(),
            "global (mut i32)"
        );
        assert_eq!(
            ExternType::from(MemoryType::new(1, None)).to_string(),
            "memory of 1.. pages"
        );
        assert_eq!(
            TableType::new(RefType::Func, 2, Some(3)).to_string(),
            "table of 2..=3 funcref"
        );
    }

    #[test]
    fn matching_follows_the_specification() {
        use ValType::{I32, I64};
        let memory = |min: u32, max: Option<u32>| ExternType::Memory(MemoryType::new(min, max));
        assert!(memory(2, Some(3)).matches(&memory(1, Some(4))));
        assert!(memory(2, Some(3)).matches(&memory(2, None)));
        assert!(!memory(2, None).matches(&memory(1, Some(4))));
        assert!(!memory(0, Some(3)).matches(&memory(1, Some(4))));
        assert!(!memory(2, Some(5)).matches(&memory(1, Some(4))));

        let table = |element| ExternType::Table(TableType::new(element, 0, None));
        assert!(table(RefType::Func).matches(&table(RefType::Func)));
        assert!(!table(RefType::Func).matches(&table(RefType::Extern)));

        let global = |mutability| ExternType::Global(GlobalType::new(I32, mutability));
        assert!(global(Mutability::Var).matches(&global(Mutability::Var)));
        assert!(!global(Mutability::Var).matches(&global(Mutability::Const)));

        let func = |ty| ExternType::Func(FuncType::new([ty], []));
        assert!(func(I32).matches(&func(I32)));
        assert!(!func(I32).matches(&func(I64)));
        assert!(!func(I32).matches(&memory(0, None)));
    }
}
