//! The tile table: instructions that do what several of the
//! [instruction table](crate::instruction_table) do, with one dispatch.
//!
//! A *tile* is a tree of operations, or a sequence of instructions, which have a
//! [file of their own](crate::sequence_table). A *shape* says how the
//! parts belong together and which forms there are; each of its *sets* is a family: every way
//! to choose one operation from each list, in every form. So a tile is never chosen for one
//! program: families are closed, and which of them earn their place is measured.
//!
//! A row reads
//!
//! ```text
//! /// formula of the shape
//! Shape tree {
//!     operands(name, ...)
//!     forms { (Kind ...) ... }
//!     sets { Family { OuterFamily(Op ...) InnerFamily(Op ...) } ... }
//!     compact { Family { OuterFamily(Op ...) InnerFamily(Op ...) } ... }
//! }
//! ```
//!
//! A *compact* build has the sets that `compact` names instead, which are few: it is for
//! programs that must be small, and for builds without optimisation, where all tiles take the
//! compiler more than a minute and several gigabytes.
//!
//! Operands are in the order of the formula, which is that of the parts, each with its own
//! operands around those of the parts inside of it. In a `sequence` the operands of each
//! instruction follow those of the one before.

/// Calls the macro `$then` with the whole tile table after `$state`.
#[macro_export]
macro_rules! tile_table {
    ($then:ident $($state:tt)*) => {
        $crate::sequence_table! {
            { $then { $($state)* } }
            /// `dst = outer(inner(a, b), c)`
            BinBin tree {
                operands(dst, a, b, c)
                forms {
                    (R Slot Slot Slot) (R Slot Slot Imm) (R Slot Slot Acc) (R Slot Imm Slot)
                    (R Slot Imm Imm) (R Slot Imm Acc) (R Acc Slot Slot) (R Acc Slot Imm)
                    (R Acc Imm Slot) (R Acc Imm Imm) (Rs Slot Slot Slot) (Rs Slot Slot Imm)
                    (Rs Slot Slot Acc) (Rs Slot Imm Slot) (Rs Slot Imm Imm) (Rs Slot Imm Acc)
                    (Rs Acc Slot Slot) (Rs Acc Slot Imm) (Rs Acc Imm Slot) (Rs Acc Imm Imm)
                }
                sets {
                    I32BinBin {
                        IntBinary(I32Add I32Sub I32And I32Or I32Xor I32Shl I32ShrU)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                    }
                    I64BinBin {
                        IntBinary(I64Add I64Sub I64And I64Or I64Xor)
                        IntBinary(I64Add I64Mul I64And I64Xor I64Shl I64ShrU I64Rotl)
                    }
                    F64BinBin {
                        FloatBinary(F64Add F64Sub F64Mul F64Div)
                        FloatBinary(F64Add F64Sub F64Mul F64Div)
                    }
                    F32BinBin {
                        FloatBinary(F32Add F32Sub F32Mul F32Div)
                        FloatBinary(F32Add F32Sub F32Mul F32Div)
                    }
                }
                compact {
                    I32AddBin { IntBinary(I32Add) IntBinary(I32Add I32Mul I32Shl) }
                    I32AndBin { IntBinary(I32And) IntBinary(I32Add I32ShrU) }
                }
            }

            /// `dst = outer(a, inner(b, c))`, for operations that do not commute
            BinRightBin tree {
                operands(dst, a, b, c)
                forms {
                    (R Slot Slot Slot) (R Slot Slot Imm) (R Slot Acc Slot) (R Slot Acc Imm)
                    (R Acc Slot Slot) (R Acc Slot Imm) (R Imm Slot Slot) (R Imm Slot Imm)
                    (Rs Slot Slot Slot) (Rs Slot Slot Imm) (Rs Slot Acc Slot) (Rs Slot Acc Imm)
                    (Rs Acc Slot Slot) (Rs Acc Slot Imm) (Rs Imm Slot Slot) (Rs Imm Slot Imm)
                }
                sets {
                    I32SubBin {
                        IntBinary(I32Sub)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                    }
                    I32ShiftBin { IntBinary(I32Shl I32ShrS I32ShrU) IntBinary(I32Add I32Sub I32And) }
                    I64SubBin { IntBinary(I64Sub) IntBinary(I64Add I64Mul I64And I64Shl I64ShrU) }
                    I64ShiftBin { IntBinary(I64Shl I64ShrU) IntBinary(I64Add I64Sub I64And) }
                    F64RightBin { FloatBinary(F64Sub F64Div) FloatBinary(F64Add F64Sub F64Mul F64Div) }
                    F32RightBin { FloatBinary(F32Sub F32Div) FloatBinary(F32Add F32Sub F32Mul F32Div) }
                }
            }

            /// `dst = outer(inner(a, b), other(c, d))`
            BinBothBin tree {
                operands(dst, a, b, c, d)
                forms {
                    (R Slot Slot Slot Slot) (R Acc Slot Slot Slot) (R Slot Slot Acc Slot)
                    (Rs Slot Slot Slot Slot) (Rs Acc Slot Slot Slot) (Rs Slot Slot Acc Slot)
                }
                sets {
                    F64BothBin {
                        FloatBinary(F64Add F64Sub F64Mul)
                        FloatBinary(F64Add F64Sub F64Mul)
                        FloatBinary(F64Add F64Sub F64Mul)
                    }
                }
            }

            /// `dst = outer(memory[a + at], c)`
            BinLoad tree {
                operands(dst, a, at, c)
                forms {
                    (R Slot Offset Slot) (R Slot Offset Imm) (R Slot Offset Acc) (R Acc Offset Slot)
                    (R Acc Offset Imm) (Rs Slot Offset Slot) (Rs Slot Offset Imm) (Rs Slot Offset Acc)
                    (Rs Acc Offset Slot) (Rs Acc Offset Imm)
                }
                sets {
                    I32BinLoad {
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U)
                    }
                    I64BinLoad {
                        IntBinary(I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrU)
                        Load(I64Load I64Load8U I64Load32U)
                    }
                    F64BinLoad { FloatBinary(F64Add F64Sub F64Mul F64Div) Load(F64Load) }
                    F32BinLoad { FloatBinary(F32Add F32Sub F32Mul F32Div) Load(F32Load) }
                }
                compact {
                    I32AddLoad { IntBinary(I32Add) Load(I32Load) }
                    F64AddLoad { FloatBinary(F64Add F64Mul) Load(F64Load) }
                }
            }

            /// `dst = outer(a, memory[b + at])`, for operations that do not commute
            BinRightLoad tree {
                operands(dst, a, b, at)
                forms {
                    (R Slot Slot Offset) (R Slot Acc Offset) (R Acc Slot Offset) (R Imm Slot Offset)
                    (Rs Slot Slot Offset) (Rs Slot Acc Offset) (Rs Acc Slot Offset) (Rs Imm Slot Offset)
                }
                sets {
                    I32SubLoad { IntBinary(I32Sub) Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U) }
                    I64SubLoad { IntBinary(I64Sub) Load(I64Load I64Load8U I64Load32U) }
                    F64RightLoad { FloatBinary(F64Sub F64Div) Load(F64Load) }
                    F32RightLoad { FloatBinary(F32Sub F32Div) Load(F32Load) }
                }
            }

            /// `dst = outer(memory[a + at], memory[b + bt])`
            BinLoadLoad tree {
                operands(dst, a, at, b, bt)
                forms {
                    (R Slot Offset Slot Offset) (R Acc Offset Slot Offset) (R Slot Offset Acc Offset)
                    (Rs Slot Offset Slot Offset) (Rs Acc Offset Slot Offset) (Rs Slot Offset Acc Offset)
                }
                sets {
                    I32BinLoadLoad {
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                        Load(I32Load)
                        Load(I32Load)
                    }
                    I32BinBytes { IntBinary(I32Sub I32Xor I32Add) Load(I32Load8U) Load(I32Load8U) }
                    F64BinLoadLoad { FloatBinary(F64Add F64Sub F64Mul F64Div) Load(F64Load) Load(F64Load) }
                    F32BinLoadLoad { FloatBinary(F32Add F32Sub F32Mul F32Div) Load(F32Load) Load(F32Load) }
                }
            }

            /// `dst = outer(inner(memory[a + at], b), c)`
            BinBinLoad tree {
                operands(dst, a, at, b, c)
                forms {
                    (R Slot Offset Slot Slot) (R Slot Offset Slot Acc) (R Slot Offset Acc Slot)
                    (R Slot Offset Imm Slot) (R Slot Offset Imm Acc) (R Slot Offset Slot Imm)
                    (R Acc Offset Imm Slot) (R Acc Offset Slot Slot) (Rs Slot Offset Slot Slot)
                    (Rs Slot Offset Slot Acc) (Rs Slot Offset Acc Slot) (Rs Slot Offset Imm Slot)
                    (Rs Slot Offset Imm Acc) (Rs Slot Offset Slot Imm) (Rs Acc Offset Imm Slot)
                    (Rs Acc Offset Slot Slot)
                }
                sets {
                    I32ShiftedLoad { IntBinary(I32Add I32Or) IntBinary(I32Shl) Load(I32Load8U I32Load16U) }
                    F64BinBinLoad {
                        FloatBinary(F64Add F64Sub F64Mul)
                        FloatBinary(F64Add F64Sub F64Mul)
                        Load(F64Load)
                    }
                }
            }

            /// `dst = memory[inner(a, b) + at]`
            LoadBin tree {
                operands(dst, a, b, at)
                forms {
                    (R Slot Slot Offset) (R Slot Imm Offset) (R Acc Slot Offset) (R Acc Imm Offset)
                    (Rs Slot Slot Offset) (Rs Slot Imm Offset) (Rs Acc Slot Offset) (Rs Acc Imm Offset)
                }
                sets {
                    LoadBin {
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load I64Load32S I64Load32U F32Load F64Load)
                        IntBinary(I32Add I32Sub I32And I32Shl)
                    }
                }
                compact {
                    LoadAdd { Load(I32Load I32Load8U I64Load F64Load) IntBinary(I32Add) }
                }
            }

            /// `dst = memory[outer(inner(a, b), c) + at]`
            LoadBinBin tree {
                operands(dst, a, b, c, at)
                forms {
                    (R Slot Slot Slot Offset) (R Slot Slot Imm Offset) (R Slot Imm Slot Offset)
                    (R Slot Imm Acc Offset) (R Slot Imm Imm Offset) (R Acc Imm Slot Offset)
                    (R Acc Imm Imm Offset) (R Acc Slot Slot Offset) (Rs Slot Slot Slot Offset)
                    (Rs Slot Slot Imm Offset) (Rs Slot Imm Slot Offset) (Rs Slot Imm Acc Offset)
                    (Rs Slot Imm Imm Offset) (Rs Acc Imm Slot Offset) (Rs Acc Imm Imm Offset)
                    (Rs Acc Slot Slot Offset)
                }
                sets {
                    LoadBinBin {
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load I64Load32S I64Load32U F32Load F64Load)
                        IntBinary(I32Add)
                        IntBinary(I32Add I32Mul I32Shl)
                    }
                }
            }

            /// `dst = memory[memory[a + inner_at] + at]`
            LoadLoad tree {
                operands(dst, a, inner_at, at)
                forms {
                    (R Slot Offset Offset) (R Acc Offset Offset) (Rs Slot Offset Offset)
                    (Rs Acc Offset Offset)
                }
                sets {
                    LoadLoad {
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load I64Load8S I64Load8U I64Load16S I64Load16U I64Load32S I64Load32U F32Load F64Load)
                        Load(I32Load)
                    }
                }
                compact {
                    WordLoadLoad { Load(I32Load) Load(I32Load) }
                }
            }

            /// Branches if `compare(inner(a, b), c)`
            CompareBin tree {
                operands(dst, a, b, c)
                forms {
                    (BrIf Slot Slot Slot) (BrIf Slot Slot Imm) (BrIf Slot Imm Slot) (BrIf Slot Imm Imm)
                    (BrIf Acc Slot Slot) (BrIf Acc Slot Imm) (BrIf Acc Imm Slot) (BrIf Acc Imm Imm)
                }
                sets {
                    I32CompareBin {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        IntBinary(I32Add I32Sub I32And I32Shl I32ShrU)
                    }
                    I64CompareBin {
                        IntCompare(I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU)
                        IntBinary(I64Add I64And)
                    }
                }
            }

            /// Branches if `test(inner(a, b))`
            TestBin tree {
                operands(dst, a, b)
                forms {
                    (BrIf Slot Slot) (BrIf Slot Imm) (BrIf Acc Slot) (BrIf Acc Imm) (BrIf Slot Acc)
                }
                sets {
                    I32TestBin {
                        IntTest(I32Eqz I32Nez)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                    }
                    I64TestBin { IntTest(I64Eqz I64Nez) IntBinary(I64Sub I64And I64Or I64Xor I64ShrU) }
                }
                compact {
                    I32TestAnd { IntTest(I32Eqz I32Nez) IntBinary(I32And) }
                }
            }

            /// Branches if `compare(memory[a + at], c)`
            CompareLoad tree {
                operands(dst, a, at, c)
                forms {
                    (BrIf Slot Offset Slot) (BrIf Slot Offset Imm) (BrIf Acc Offset Slot)
                    (BrIf Acc Offset Imm)
                }
                sets {
                    I32CompareLoad {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U)
                    }
                    I64CompareLoad {
                        IntCompare(I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU)
                        Load(I64Load)
                    }
                }
                compact {
                    I32EqualLoad { IntCompare(I32Eq I32Ne) Load(I32Load I32Load8U) }
                }
            }

            /// Branches if `compare(memory[a + at], memory[b + bt])`
            CompareLoadLoad tree {
                operands(dst, a, at, b, bt)
                forms {
                    (BrIf Slot Offset Slot Offset) (BrIf Acc Offset Slot Offset) (BrIf Slot Offset Acc Offset)
                    (R Slot Offset Slot Offset) (R Acc Offset Slot Offset) (R Slot Offset Acc Offset)
                    (Rs Slot Offset Slot Offset) (Rs Acc Offset Slot Offset) (Rs Slot Offset Acc Offset)
                }
                sets {
                    I32CompareLoadLoad {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        Load(I32Load)
                        Load(I32Load)
                    }
                    I32CompareBytes {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        Load(I32Load8U)
                        Load(I32Load8U)
                    }
                }
            }

            /// Branches if `test(memory[a + at])`
            TestLoad tree {
                operands(dst, a, at)
                forms {
                    (BrIf Slot Offset) (BrIf Acc Offset)
                }
                sets {
                    I32TestLoad { IntTest(I32Eqz I32Nez) Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U) }
                    I64TestLoad { IntTest(I64Eqz I64Nez) Load(I64Load) }
                }
                compact {
                    I32TestLoad { IntTest(I32Eqz I32Nez) Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U) }
                    I64TestLoad { IntTest(I64Eqz I64Nez) Load(I64Load) }
                }
            }

            /// Branches if `test(inner(memory[a + at], b))`
            TestBinLoad tree {
                operands(dst, a, at, b)
                forms {
                    (BrIf Slot Offset Imm) (BrIf Slot Offset Slot) (BrIf Acc Offset Imm)
                }
                sets {
                    I32TestBinLoad {
                        IntTest(I32Eqz I32Nez)
                        IntBinary(I32And I32Shl)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U)
                    }
                }
            }

            /// Branches if `compare(inner(memory[a + at], b), c)`
            CompareBinLoad tree {
                operands(dst, a, at, b, c)
                forms {
                    (BrIf Slot Offset Imm Imm) (BrIf Acc Offset Imm Imm)
                }
                sets {
                    I32CompareBinLoad {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        IntBinary(I32Add I32And)
                        Load(I32Load I32Load8U)
                    }
                }
            }

            /// `memory[a + at] = inner(b, c)`
            StoreBin tree {
                operands(a, b, c, at)
                forms {
                    (Slot Slot Slot Offset) (Slot Slot Imm Offset) (Slot Acc Slot Offset)
                    (Slot Acc Imm Offset) (Acc Slot Slot Offset) (Acc Slot Imm Offset)
                }
                sets {
                    I32StoreBin {
                        IntStore(I32Store I32Store8 I32Store16)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                    }
                    I64StoreBin {
                        IntStore(I64Store I64Store32)
                        IntBinary(I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl)
                    }
                }
                compact {
                    I32StoreAdd { IntStore(I32Store) IntBinary(I32Add) }
                }
            }

            /// `memory[a + at] = inner(b, c)` for floats
            FloatStoreBin tree {
                operands(a, b, c, at)
                forms {
                    (Slot Slot Slot Offset) (Slot Slot Imm Offset) (Slot Acc Slot Offset)
                    (Slot Acc Imm Offset) (Acc Slot Slot Offset) (Acc Slot Imm Offset)
                    (Acc Acc Slot Offset) (Acc Acc Imm Offset)
                }
                sets {
                    F64StoreBin { FloatStore(F64Store) FloatBinary(F64Add F64Sub F64Mul F64Div) }
                    F32StoreBin { FloatStore(F32Store) FloatBinary(F32Add F32Sub F32Mul F32Div) }
                }
            }

            /// `memory[a + at] = inner(memory[b + bt], c)`
            StoreBinLoad tree {
                operands(a, b, bt, c, at)
                forms {
                    (Slot Slot Offset Slot Offset) (Slot Slot Offset Imm Offset)
                    (Slot Slot Offset Acc Offset) (Acc Slot Offset Imm Offset)
                    (Acc Slot Offset Slot Offset)
                }
                sets {
                    I32StoreBinLoad {
                        IntStore(I32Store)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                        Load(I32Load)
                    }
                    I32StoreBinByte {
                        IntStore(I32Store8)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                        Load(I32Load8U I32Load8S)
                    }
                    I64StoreBinLoad {
                        IntStore(I64Store)
                        IntBinary(I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl)
                        Load(I64Load)
                    }
                    F64StoreBinLoad { FloatStore(F64Store) FloatBinary(F64Add F64Sub F64Mul F64Div) Load(F64Load) }
                    F32StoreBinLoad { FloatStore(F32Store) FloatBinary(F32Add F32Sub F32Mul F32Div) Load(F32Load) }
                }
            }

            /// `memory[a + at] = memory[b + bt]`
            StoreLoad tree {
                operands(a, b, bt, at)
                forms {
                    (Slot Slot Offset Offset) (Slot Acc Offset Offset) (Acc Slot Offset Offset)
                }
                sets {
                    I32StoreLoad { IntStore(I32Store) Load(I32Load) }
                    I32StoreByte { IntStore(I32Store8) Load(I32Load8U I32Load8S) }
                    I32StoreShort { IntStore(I32Store16) Load(I32Load16U I32Load16S) }
                    I64StoreLoad { IntStore(I64Store) Load(I64Load) }
                    F64StoreLoad { FloatStore(F64Store) Load(F64Load) }
                    F32StoreLoad { FloatStore(F32Store) Load(F32Load) }
                }
            }

            /// `memory[inner(a, b) + at] = value`
            StoreAt tree {
                operands(a, b, value, at)
                forms {
                    (Slot Slot Slot Offset) (Slot Slot Acc Offset) (Slot Slot Imm Offset)
                    (Slot Imm Slot Offset) (Slot Imm Acc Offset) (Slot Imm Imm Offset)
                    (Acc Slot Slot Offset) (Acc Slot Imm Offset) (Acc Imm Slot Offset)
                    (Acc Imm Imm Offset)
                }
                sets {
                    IntStoreAt {
                        IntStore(I32Store I32Store8 I32Store16 I64Store I64Store8 I64Store16 I64Store32)
                        IntBinary(I32Add I32Shl)
                    }
                }
            }

            /// `memory[inner(a, b) + at] = value` for floats
            FloatStoreAt tree {
                operands(a, b, value, at)
                forms {
                    (Slot Slot Slot Offset) (Slot Slot Acc Offset) (Slot Imm Slot Offset)
                    (Slot Imm Acc Offset) (Acc Slot Slot Offset) (Acc Imm Slot Offset)
                    (Acc Slot Acc Offset) (Acc Imm Acc Offset)
                }
                sets {
                    FloatStoreAt { FloatStore(F32Store F64Store) IntBinary(I32Add I32Shl) }
                }
            }

            /// `memory[outer(inner(a, b), c) + at] = value`
            StoreAtBinBin tree {
                operands(a, b, c, value, at)
                forms {
                    (Slot Imm Slot Slot Offset) (Slot Imm Slot Acc Offset) (Slot Imm Slot Imm Offset)
                    (Acc Imm Slot Slot Offset)
                }
                sets {
                    IntStoreAtBinBin {
                        IntStore(I32Store I32Store8 I32Store16 I64Store I64Store8 I64Store16 I64Store32)
                        IntBinary(I32Add)
                        IntBinary(I32Shl I32Mul)
                    }
                    FloatStoreAtBinBin { FloatStore(F32Store F64Store) IntBinary(I32Add) IntBinary(I32Shl I32Mul) }
                }
            }

            /// `dst = if compare(a, b) { lhs } else { rhs }`
            SelectCompare tree {
                operands(dst, a, b, lhs, rhs)
                forms {
                    (R Slot Slot Slot Slot) (R Slot Slot Slot Imm) (R Slot Slot Imm Slot)
                    (R Slot Slot Imm Imm) (R Slot Imm Slot Slot) (R Slot Imm Slot Imm)
                    (R Slot Imm Imm Slot) (R Slot Imm Imm Imm) (R Acc Slot Slot Slot)
                    (R Acc Imm Slot Slot) (R Acc Imm Slot Imm) (R Acc Imm Imm Slot) (R Acc Imm Imm Imm)
                    (Rs Slot Slot Slot Slot) (Rs Slot Slot Slot Imm) (Rs Slot Slot Imm Slot)
                    (Rs Slot Slot Imm Imm) (Rs Slot Imm Slot Slot) (Rs Slot Imm Slot Imm)
                    (Rs Slot Imm Imm Slot) (Rs Slot Imm Imm Imm) (Rs Acc Slot Slot Slot)
                    (Rs Acc Imm Slot Slot) (Rs Acc Imm Slot Imm) (Rs Acc Imm Imm Slot)
                    (Rs Acc Imm Imm Imm)
                }
                sets {
                    I32SelectCompare {
                        IntSelect(IntSelect)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// Jumps to `targets[min(memory[a + at], last)]`
            SwitchLoad tree {
                operands(a, at, targets)
                forms {
                    (Slot Offset Targets) (Acc Offset Targets)
                }
                sets {
                    SwitchLoad { BrTable(BrTable) Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U) }
                }
                compact {
                    SwitchLoad { BrTable(BrTable) Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U) }
                }
            }

            /// Jumps to `targets[min(inner(a, b), last)]`
            SwitchBin tree {
                operands(a, b, targets)
                forms {
                    (Slot Imm Targets) (Acc Imm Targets)
                }
                sets {
                    SwitchBin { BrTable(BrTable) IntBinary(I32Add I32Sub I32And I32ShrU) }
                }
            }

            /// Returns `inner(a, b)`
            ReturnBin tree {
                operands(linkage, a, b)
                forms {
                    (Linkage Slot Slot) (Linkage Slot Imm) (Linkage Acc Slot) (Linkage Acc Imm)
                    (Linkage Slot Acc)
                }
                sets {
                    IntReturnBin {
                        ReturnValue(IntReturn)
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl)
                    }
                    F64ReturnBin { ReturnValue(F64Return) FloatBinary(F64Add F64Sub F64Mul F64Div) }
                    F32ReturnBin { ReturnValue(F32Return) FloatBinary(F32Add F32Sub F32Mul F32Div) }
                }
            }

            /// Returns `memory[a + at]`
            ReturnLoad tree {
                operands(linkage, a, at)
                forms {
                    (Linkage Slot Offset) (Linkage Acc Offset)
                }
                sets {
                    ReturnLoad {
                        ReturnValue(IntReturn)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load)
                    }
                }
            }

            /// Returns `memory[memory[a + inner_at] + at]`
            ReturnLoadLoad tree {
                operands(linkage, a, inner_at, at)
                forms {
                    (Linkage Slot Offset Offset) (Linkage Acc Offset Offset)
                }
                sets {
                    ReturnLoadLoad {
                        ReturnValue(IntReturn)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load)
                        Load(I32Load)
                    }
                }
            }

            /// `dst = outer(globals[global], c)`
            BinGlobal tree {
                operands(dst, global, c)
                forms {
                    (R Global Slot) (R Global Imm) (Rs Global Slot) (Rs Global Imm)
                }
                sets {
                    I32BinGlobal {
                        IntBinary(I32Add I32Sub I32Mul I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl)
                        GlobalGet(IntGlobalGet)
                    }
                    I64BinGlobal {
                        IntBinary(I64Add I64Sub I64Mul I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl)
                        GlobalGet(IntGlobalGet)
                    }
                }
            }

            /// `globals[global] = inner(a, b)`
            GlobalSetBin tree {
                operands(global, a, b)
                forms {
                    (GlobalMut Slot Slot) (GlobalMut Slot Imm) (GlobalMut Acc Slot) (GlobalMut Acc Imm)
                }
                sets {
                    GlobalSetBin { GlobalSet(IntGlobalSet) IntBinary(I32Add I32Sub I64Add I64Sub) }
                }
            }

            /// `globals[global] = inner(globals[from], b)`
            GlobalSetBinGlobal tree {
                operands(global, from, b)
                forms {
                    (GlobalMut Global Slot) (GlobalMut Global Imm)
                }
                sets {
                    GlobalSetBinGlobal {
                        GlobalSet(IntGlobalSet)
                        IntBinary(I32Add I32Sub I64Add I64Sub)
                        GlobalGet(IntGlobalGet)
                    }
                }
            }

            /// `dst = if cond { inner(a, b) } else { rhs }`
            SelectBin tree {
                operands(dst, cond, a, b, rhs)
                forms {
                    (R Slot Slot Slot Slot) (R Slot Slot Slot Imm) (R Slot Slot Imm Slot)
                    (R Slot Slot Imm Imm) (R Acc Slot Slot Slot) (R Acc Slot Slot Imm)
                    (R Acc Slot Imm Slot) (R Acc Slot Imm Imm) (Rs Slot Slot Slot Slot)
                    (Rs Slot Slot Slot Imm) (Rs Slot Slot Imm Slot) (Rs Slot Slot Imm Imm)
                    (Rs Acc Slot Slot Slot) (Rs Acc Slot Slot Imm) (Rs Acc Slot Imm Slot)
                    (Rs Acc Slot Imm Imm)
                }
                sets {
                    I32SelectBin { IntSelect(IntSelect) IntBinary(I32Add I32Sub I32And I32Or I32Xor I32Shl I32ShrU) }
                }
            }

            /// `dst = if cond { lhs } else { inner(a, b) }`
            SelectRightBin tree {
                operands(dst, cond, lhs, a, b)
                forms {
                    (R Slot Slot Slot Slot) (R Slot Slot Slot Imm) (R Slot Imm Slot Slot)
                    (R Slot Imm Slot Imm) (R Acc Slot Slot Slot) (R Acc Slot Slot Imm)
                    (R Acc Imm Slot Slot) (R Acc Imm Slot Imm) (Rs Slot Slot Slot Slot)
                    (Rs Slot Slot Slot Imm) (Rs Slot Imm Slot Slot) (Rs Slot Imm Slot Imm)
                    (Rs Acc Slot Slot Slot) (Rs Acc Slot Slot Imm) (Rs Acc Imm Slot Slot)
                    (Rs Acc Imm Slot Imm)
                }
                sets {
                    I32SelectRightBin { IntSelect(IntSelect) IntBinary(I32Add I32Sub I32And I32Or I32Xor I32Shl I32ShrU) }
                }
            }

            /// `dst = outer(middle(inner(a, b), c), e)`
            BinBinBin tree {
                operands(dst, a, b, c, e)
                forms {
                    (R Slot Imm Slot Imm) (R Slot Imm Imm Slot) (R Slot Imm Slot Slot)
                    (R Acc Imm Slot Imm) (R Acc Imm Imm Slot) (Rs Slot Imm Slot Imm)
                    (Rs Slot Imm Imm Slot) (Rs Slot Imm Slot Slot) (Rs Acc Imm Slot Imm)
                    (Rs Acc Imm Imm Slot)
                }
                sets {
                    I32BinBinBin {
                        IntBinary(I32Add I32And I32Xor)
                        IntBinary(I32Add I32And I32Xor)
                        IntBinary(I32Add I32Shl I32ShrU)
                    }
                }
            }

            /// Branches if `compare(globals[global], c)`
            CompareGlobal tree {
                operands(dst, global, c)
                forms {
                    (BrIf Global Slot) (BrIf Global Imm)
                }
                sets {
                    I32CompareGlobal {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        GlobalGet(IntGlobalGet)
                    }
                }
            }

            /// Branches if `test(globals[global])`
            TestGlobal tree {
                operands(dst, global)
                forms {
                    (BrIf Global)
                }
                sets {
                    TestGlobal { IntTest(I32Eqz I32Nez) GlobalGet(IntGlobalGet) }
                }
            }

            /// `dst = compare(inner(a, b), c)` for floats, or a branch on it. As a value, too: in
            /// two instructions the first would write another accumulator than the second.
            FloatCompareBin tree {
                operands(dst, a, b, c)
                forms {
                    (BrIf Slot Slot Slot) (BrIf Slot Slot Imm) (BrIf Acc Slot Slot)
                    (BrIf Acc Slot Imm) (BrIf Slot Acc Slot) (BrIf Slot Acc Imm)
                    (BrUnless Slot Slot Slot) (BrUnless Slot Slot Imm) (BrUnless Acc Slot Slot)
                    (BrUnless Acc Slot Imm) (BrUnless Slot Acc Slot) (BrUnless Slot Acc Imm)
                    (R Slot Slot Slot) (R Slot Slot Imm) (R Acc Slot Slot) (R Acc Slot Imm)
                    (R Slot Acc Slot) (R Slot Acc Imm) (Rs Slot Slot Slot) (Rs Slot Slot Imm)
                    (Rs Acc Slot Slot) (Rs Acc Slot Imm) (Rs Slot Acc Slot) (Rs Slot Acc Imm)
                }
                sets {
                    F64CompareBin { FloatCompare(F64Lt F64Gt F64Le F64Ge) FloatBinary(F64Add F64Sub F64Mul) }
                }
            }
        }
    };
}

/// Hands the rows on with the sets of this build: all of them.
#[cfg(not(damson_compact))]
#[doc(hidden)]
#[macro_export]
macro_rules! choose_tiles {
    ({ $then:ident { $($state:tt)* } } $(
        $(#[$doc:meta])*
        $Shape:ident $sort:ident {
            operands $operands:tt
            forms $forms:tt
            sets $sets:tt
            $( compact $compact:tt )?
        }
    )*) => {
        $then! {
            $($state)*
            $(
                $(#[$doc])*
                $Shape $sort { operands $operands forms $forms sets $sets }
            )*
        }
    };
}

/// Hands the rows on with the sets of this build: those of a compact one.
#[cfg(damson_compact)]
#[doc(hidden)]
#[macro_export]
macro_rules! choose_tiles {
    ({ $then:ident { $($state:tt)* } } $(
        $(#[$doc:meta])*
        $Shape:ident $sort:ident {
            operands $operands:tt
            forms $forms:tt
            sets $sets:tt
            $( compact { $($compact:tt)* } )?
        }
    )*) => {
        $then! {
            $($state)*
            $(
                $(#[$doc])*
                $Shape $sort { operands $operands forms $forms sets { $( $($compact)* )? } }
            )*
        }
    };
}
