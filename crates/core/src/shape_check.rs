//! Whether a [`ModuleShape`] is consistent.
//!
//! This is the part of module validation (specification, section 3.4) that the
//! store relies on. A shape made by a translator from a valid module passes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::const_expr::{ConstExpr, ConstOp};
use crate::instance::sort_exports;
use crate::shape::{ElementItems, ImportType, ModuleShape, SegmentMode};
use crate::types::{ExternKind, Mutability, RefType, ValType};

/// A module shape contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// An index points nowhere.
    #[error("{user} {user_index} names {space} {index}, but there are only {len}")]
    Index {
        /// What holds the index.
        user: &'static str,
        /// Which one of these.
        user_index: usize,
        /// What the index should name.
        space: &'static str,
        /// The index.
        index: u32,
        /// How many of these there are.
        len: usize,
    },
    /// An index space does not begin with what is imported.
    #[error("imported {kind} {index} is not declared with the type that it is imported with")]
    Import {
        /// The index space.
        kind: ExternKind,
        /// The index in it.
        index: usize,
    },
    /// An initial value is missing, or an imported thing has one.
    #[error(
        "{kind} {index} has to have an initial value exactly if it is a global that is not imported"
    )]
    Init {
        /// The index space.
        kind: ExternKind,
        /// The index in it.
        index: usize,
    },
    /// A constant expression does not yield one value of the expected type.
    #[error("the constant expression of {user} {user_index} does not yield one {expected}")]
    ConstExpr {
        /// What the expression belongs to.
        user: &'static str,
        /// Which one of these.
        user_index: usize,
        /// The type that it should have.
        expected: ValType,
    },
    /// An element segment and its table have different types.
    #[error("element segment {index} holds {found}, but its table {expected}")]
    ElementType {
        /// The element segment.
        index: usize,
        /// The type of the table's elements.
        expected: RefType,
        /// The type of the segment's elements.
        found: RefType,
    },
    /// A data segment is declared without being used.
    #[error("data segment {index} is declarative, which only element segments can be")]
    DeclaredData {
        /// The data segment.
        index: usize,
    },
    /// Two exports have one name.
    #[error("more than one export has the name `{}`", name.escape_debug())]
    DuplicateExport {
        /// The name.
        name: Box<str>,
    },
    /// The start function takes or returns something.
    #[error("the start function {index} has a type other than () -> ()")]
    StartType {
        /// Its index.
        index: u32,
    },
    /// An index space has more members than indices can count.
    #[error("more than 2^32 - 1 of: {space}")]
    TooMany {
        /// What there are too many of.
        space: &'static str,
    },
}

/// Who uses an index or an expression.
type User = (&'static str, usize);

impl ModuleShape {
    /// Checks that the parts of the shape fit together: indices, imports at the
    /// start of their index spaces, types of constant expressions, names of
    /// exports. Instantiation does it, too.
    ///
    /// Limits of memories and tables are not looked at here; making the entity
    /// does that.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] says which part does not fit.
    pub fn check(&self) -> Result<(), ShapeError> {
        self.check_sizes()?;
        for (i, &ty) in self.funcs.iter().enumerate() {
            in_range(("function", i), "type", ty, self.types.len())?;
        }
        self.check_imports()?;
        self.check_inits()?;
        self.check_exports()?;
        if let Some(index) = self.start {
            in_range(("start function", 0), "function", index, self.funcs.len())?;
            if self.func_type(index).is_none_or(|ty| ty.cells() != 0) {
                return Err(ShapeError::StartType { index });
            }
        }
        self.check_elements()?;
        self.check_data()
    }

    fn check_sizes(&self) -> Result<(), ShapeError> {
        let sizes = [
            ("types", self.types.len()),
            ("imports", self.imports.len()),
            ("functions", self.funcs.len()),
            ("tables", self.tables.len()),
            ("memories", self.memories.len()),
            ("globals", self.globals.len()),
            ("exports", self.exports.len()),
            ("element segments", self.elements.len()),
            ("data segments", self.data.len()),
        ];
        for (space, len) in sizes {
            if u32::try_from(len).is_err() {
                return Err(ShapeError::TooMany { space });
            }
        }
        Ok(())
    }

    fn check_imports(&self) -> Result<(), ShapeError> {
        let [mut funcs, mut tables, mut memories, mut globals] = [0usize; 4];
        for (i, import) in self.imports.iter().enumerate() {
            // The position in its index space, and whether that agrees.
            let (index, fits) = match import.ty {
                ImportType::Func(ty) => {
                    in_range(("import", i), "type", ty, self.types.len())?;
                    let index = next(&mut funcs);
                    (index, self.funcs.get(index) == Some(&ty))
                }
                ImportType::Table(ty) => {
                    let index = next(&mut tables);
                    (
                        index,
                        self.tables.get(index).is_some_and(|table| table.ty == ty),
                    )
                }
                ImportType::Memory(ty) => {
                    let index = next(&mut memories);
                    (index, self.memories.get(index) == Some(&ty))
                }
                ImportType::Global(ty) => {
                    let index = next(&mut globals);
                    (
                        index,
                        self.globals
                            .get(index)
                            .is_some_and(|global| global.ty == ty),
                    )
                }
            };
            if !fits {
                return Err(ShapeError::Import {
                    kind: import.ty.kind(),
                    index,
                });
            }
        }
        Ok(())
    }

    fn check_inits(&self) -> Result<(), ShapeError> {
        let imported = self.num_imported_globals() as usize;
        for (i, global) in self.globals.iter().enumerate() {
            match &global.init {
                Some(init) if i >= imported => {
                    self.check_expr(init, global.ty.content(), i, ("global", i))?;
                }
                None if i < imported => {}
                _ => {
                    return Err(ShapeError::Init {
                        kind: ExternKind::Global,
                        index: i,
                    });
                }
            }
        }
        let imported = self.num_imported_tables() as usize;
        for (i, table) in self.tables.iter().enumerate() {
            if let Some(init) = &table.init {
                if i < imported {
                    return Err(ShapeError::Init {
                        kind: ExternKind::Table,
                        index: i,
                    });
                }
                let expected = table.ty.element().into();
                self.check_expr(init, expected, self.globals.len(), ("table", i))?;
            }
        }
        Ok(())
    }

    fn check_exports(&self) -> Result<(), ShapeError> {
        for (i, export) in self.exports.iter().enumerate() {
            let (space, len) = match export.kind {
                ExternKind::Func => ("function", self.funcs.len()),
                ExternKind::Table => ("table", self.tables.len()),
                ExternKind::Memory => ("memory", self.memories.len()),
                ExternKind::Global => ("global", self.globals.len()),
            };
            in_range(("export", i), space, export.index, len)?;
        }
        let order = sort_exports(&self.exports);
        for pair in order.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|index| &self.exports[index as usize].name);
            if a == b {
                return Err(ShapeError::DuplicateExport { name: a.clone() });
            }
        }
        Ok(())
    }

    fn check_elements(&self) -> Result<(), ShapeError> {
        for (i, segment) in self.elements.iter().enumerate() {
            let user = ("element segment", i);
            match &segment.items {
                ElementItems::Funcs(items) => {
                    if segment.ty != RefType::Func {
                        let (expected, found) = (RefType::Func, segment.ty);
                        return Err(ShapeError::ElementType {
                            index: i,
                            expected,
                            found,
                        });
                    }
                    for &item in items {
                        in_range(user, "function", item, self.funcs.len())?;
                    }
                }
                ElementItems::Exprs(items) => {
                    for item in items {
                        self.check_expr(item, segment.ty.into(), self.globals.len(), user)?;
                    }
                }
            }
            if let SegmentMode::Active { index, offset } = &segment.mode {
                in_range(user, "table", *index, self.tables.len())?;
                let expected = self.tables[*index as usize].ty.element();
                if expected != segment.ty {
                    let found = segment.ty;
                    return Err(ShapeError::ElementType {
                        index: i,
                        expected,
                        found,
                    });
                }
                self.check_expr(offset, ValType::I32, self.globals.len(), user)?;
            }
        }
        Ok(())
    }

    fn check_data(&self) -> Result<(), ShapeError> {
        for (i, segment) in self.data.iter().enumerate() {
            let user = ("data segment", i);
            match &segment.mode {
                SegmentMode::Passive => {}
                SegmentMode::Declared => return Err(ShapeError::DeclaredData { index: i }),
                SegmentMode::Active { index, offset } => {
                    in_range(user, "memory", *index, self.memories.len())?;
                    self.check_expr(offset, ValType::I32, self.globals.len(), user)?;
                }
            }
        }
        Ok(())
    }

    /// Checks that `expr` yields one `expected` and reads only the first `globals`
    /// globals, and no mutable one.
    fn check_expr(
        &self,
        expr: &ConstExpr,
        expected: ValType,
        globals: usize,
        user: User,
    ) -> Result<(), ShapeError> {
        use ValType::{F32, F64, FuncRef, I32, I64};

        // Nearly all are this one, of tens of thousands of segments.
        if let ([ConstOp::I32Const(_)], I32) = (expr.ops(), expected) {
            return Ok(());
        }
        let bad = ShapeError::ConstExpr {
            user: user.0,
            user_index: user.1,
            expected,
        };
        let mut stack = Vec::new();
        for &op in expr.ops() {
            let operand = match op {
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => Some(I32),
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => Some(I64),
                _ => None,
            };
            let result = match op {
                ConstOp::I32Const(_) => I32,
                ConstOp::I64Const(_) => I64,
                ConstOp::F32Const(_) => F32,
                ConstOp::F64Const(_) => F64,
                ConstOp::RefNull if expected.is_ref() => expected,
                ConstOp::RefNull => return Err(bad),
                ConstOp::RefFunc(index) => {
                    in_range(user, "function", index, self.funcs.len())?;
                    FuncRef
                }
                ConstOp::GlobalGet(index) => {
                    in_range(user, "global", index, globals)?;
                    let ty = self.globals[index as usize].ty;
                    if ty.mutability() == Mutability::Var {
                        return Err(bad);
                    }
                    ty.content()
                }
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => I32,
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => I64,
            };
            if operand.is_some() && (stack.pop() != operand || stack.pop() != operand) {
                return Err(bad);
            }
            stack.push(result);
        }
        if *stack == [expected] {
            Ok(())
        } else {
            Err(bad)
        }
    }
}

/// The present value of a counter, which is increased.
fn next(counter: &mut usize) -> usize {
    let index = *counter;
    *counter += 1;
    index
}

fn in_range(user: User, space: &'static str, index: u32, len: usize) -> Result<(), ShapeError> {
    if (index as usize) < len {
        Ok(())
    } else {
        Err(ShapeError::Index {
            user: user.0,
            user_index: user.1,
            space,
            index,
            len,
        })
    }
}

#[cfg(test)]
mod tests;
