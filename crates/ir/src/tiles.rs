//! The tile table: instructions that do what several of the
//! [instruction table](crate::instruction_table) do, with one dispatch.
//!
//! A *tile* is a tree of operations, or a sequence of two instructions. A *shape* says how the
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
//! }
//! ```
//!
//! Operands are in the order of the formula, which is that of the parts, each with its own
//! operands around those of the parts inside of it. In a `sequence` the operands of the second
//! instruction follow those of the first.

/// Calls the macro `$then` with the whole tile table after `$state`.
#[macro_export]
macro_rules! tile_table {
    ($then:ident $($state:tt)*) => {
        $then! {
            $($state)*
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

            /// An addition, then an operation
            AddThenBin sequence {
                operands(dst, a, b, then_dst, c, d)
                forms {
                    (Rs Slot Imm R Slot Imm) (Rs Slot Imm R Slot Slot) (Rs Slot Imm R Acc Imm)
                    (Rs Slot Imm R Slot Acc) (Rs Slot Imm Rs Slot Imm) (Rs Slot Imm Rs Slot Slot)
                    (Rs Slot Imm Rs Acc Imm) (Rs Slot Imm Rs Slot Acc) (Rs Slot Slot R Slot Imm)
                    (Rs Slot Slot R Slot Slot) (Rs Slot Slot R Acc Imm) (Rs Slot Slot R Slot Acc)
                    (Rs Slot Slot Rs Slot Imm) (Rs Slot Slot Rs Slot Slot) (Rs Slot Slot Rs Acc Imm)
                    (Rs Slot Slot Rs Slot Acc)
                }
                sets {
                    AddThenBin {
                        IntBinary(I32Add I64Add)
                        IntBinary(I32Add I32Sub I32And I32Or I32Shl I32ShrU I64Add)
                    }
                }
            }

            /// An addition, then a branch
            AddThenBr sequence {
                operands(dst, a, b, target)
                forms {
                    (Rs Slot Imm Target) (Rs Slot Slot Target) (Rs Slot Acc Target)
                }
                sets {
                    AddThenBr { IntBinary(I32Add I64Add) Br(Br) }
                }
            }

            /// An addition, then a comparing branch
            AddThenCompare sequence {
                operands(dst, a, b, branch, c, d)
                forms {
                    (Rs Slot Imm BrIf Acc Slot) (Rs Slot Imm BrIf Acc Imm) (Rs Slot Imm BrIf Slot Acc)
                    (Rs Slot Imm BrIf Slot Slot) (Rs Slot Imm BrIf Slot Imm)
                    (Rs Slot Slot BrIf Acc Slot) (Rs Slot Slot BrIf Acc Imm)
                    (Rs Slot Slot BrIf Slot Acc) (Rs Slot Slot BrIf Slot Slot)
                    (Rs Slot Slot BrIf Slot Imm)
                }
                sets {
                    AddThenCompare32 {
                        IntBinary(I32Add)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                    AddThenCompare64 {
                        IntBinary(I64Add)
                        IntCompare(I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU)
                    }
                }
            }

            /// An addition, then a testing branch
            AddThenTest sequence {
                operands(dst, a, b, branch, c)
                forms {
                    (Rs Slot Imm BrIf Acc) (Rs Slot Imm BrIf Slot) (Rs Slot Slot BrIf Acc)
                    (Rs Slot Slot BrIf Slot) (Rs Slot Acc BrIf Acc) (Rs Slot Acc BrIf Slot)
                }
                sets {
                    AddThenTest { IntBinary(I32Add I64Add) IntTest(I32Eqz I32Nez I64Eqz I64Nez) }
                }
            }

            /// An addition, then a copy
            AddThenCopy sequence {
                operands(dst, a, b, to, from)
                forms {
                    (Rs Slot Imm To Slot) (Rs Slot Imm To Acc) (Rs Slot Imm To Imm)
                    (Rs Slot Slot To Slot) (Rs Slot Slot To Acc) (Rs Slot Slot To Imm)
                    (Rs Slot Acc To Slot) (Rs Slot Acc To Acc) (Rs Slot Acc To Imm)
                }
                sets {
                    AddThenCopy { IntBinary(I32Add I64Add) CopyValue(IntCopy) }
                }
            }

            /// An addition, then a read
            AddThenLoad sequence {
                operands(dst, a, b, then_dst, c, at)
                forms {
                    (Rs Slot Imm R Slot Offset) (Rs Slot Imm R Acc Offset) (Rs Slot Imm Rs Slot Offset)
                    (Rs Slot Imm Rs Acc Offset) (Rs Slot Slot R Slot Offset) (Rs Slot Slot R Acc Offset)
                    (Rs Slot Slot Rs Slot Offset) (Rs Slot Slot Rs Acc Offset)
                }
                sets {
                    AddThenLoad {
                        IntBinary(I32Add)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load I64Load32S I64Load32U F32Load F64Load)
                    }
                }
            }

            /// An addition, then a write
            AddThenStore sequence {
                operands(dst, a, b, c, value, at)
                forms {
                    (Rs Slot Imm Slot Slot Offset) (Rs Slot Imm Slot Acc Offset)
                    (Rs Slot Imm Slot Imm Offset) (Rs Slot Imm Acc Slot Offset)
                    (Rs Slot Imm Acc Imm Offset) (Rs Slot Slot Slot Slot Offset)
                    (Rs Slot Slot Slot Acc Offset) (Rs Slot Slot Slot Imm Offset)
                    (Rs Slot Slot Acc Slot Offset) (Rs Slot Slot Acc Imm Offset)
                }
                sets {
                    AddThenStore { IntBinary(I32Add) IntStore(I32Store I32Store8 I32Store16 I64Store) }
                }
            }

            /// A copy, then an operation
            CopyThenBin sequence {
                operands(to, from, dst, a, b)
                forms {
                    (To Slot R Slot Imm) (To Slot R Slot Slot) (To Slot R Acc Imm) (To Slot R Slot Acc)
                    (To Slot Rs Slot Imm) (To Slot Rs Slot Slot) (To Slot Rs Acc Imm)
                    (To Slot Rs Slot Acc) (To Acc R Slot Imm) (To Acc R Slot Slot) (To Acc R Acc Imm)
                    (To Acc R Slot Acc) (To Acc Rs Slot Imm) (To Acc Rs Slot Slot) (To Acc Rs Acc Imm)
                    (To Acc Rs Slot Acc) (To Imm R Slot Imm) (To Imm R Slot Slot) (To Imm R Acc Imm)
                    (To Imm R Slot Acc) (To Imm Rs Slot Imm) (To Imm Rs Slot Slot) (To Imm Rs Acc Imm)
                    (To Imm Rs Slot Acc)
                }
                sets {
                    CopyThenBin { CopyValue(IntCopy) IntBinary(I32Add I32Sub I32And I32Or I32Shl I32ShrU I64Add) }
                }
            }

            /// Two copies
            CopyThenCopy sequence {
                operands(to, from, then_to, then_from)
                forms {
                    (To Slot To Slot) (To Slot To Acc) (To Slot To Imm) (To Acc To Slot) (To Acc To Acc)
                    (To Acc To Imm) (To Imm To Slot) (To Imm To Acc) (To Imm To Imm)
                }
                sets {
                    CopyThenCopy { CopyValue(IntCopy) CopyValue(IntCopy) }
                }
            }

            /// A copy, then a branch
            CopyThenBr sequence {
                operands(to, from, target)
                forms {
                    (To Slot Target) (To Acc Target) (To Imm Target)
                }
                sets {
                    CopyThenBr { CopyValue(IntCopy) Br(Br) }
                }
            }

            /// A copy, then a comparing branch
            CopyThenCompare sequence {
                operands(to, from, branch, a, b)
                forms {
                    (To Slot BrIf Acc Slot) (To Slot BrIf Acc Imm) (To Slot BrIf Slot Acc)
                    (To Slot BrIf Slot Slot) (To Slot BrIf Slot Imm) (To Acc BrIf Acc Slot)
                    (To Acc BrIf Acc Imm) (To Acc BrIf Slot Acc) (To Acc BrIf Slot Slot)
                    (To Acc BrIf Slot Imm) (To Imm BrIf Acc Slot) (To Imm BrIf Acc Imm)
                    (To Imm BrIf Slot Acc) (To Imm BrIf Slot Slot) (To Imm BrIf Slot Imm)
                }
                sets {
                    CopyThenCompare {
                        CopyValue(IntCopy)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// A copy, then a testing branch
            CopyThenTest sequence {
                operands(to, from, branch, a)
                forms {
                    (To Slot BrIf Acc) (To Slot BrIf Slot) (To Acc BrIf Acc) (To Acc BrIf Slot)
                    (To Imm BrIf Acc) (To Imm BrIf Slot)
                }
                sets {
                    CopyThenTest { CopyValue(IntCopy) IntTest(I32Eqz I32Nez I64Eqz I64Nez) }
                }
            }

            /// A copy, then a read
            CopyThenLoad sequence {
                operands(to, from, dst, a, at)
                forms {
                    (To Slot R Slot Offset) (To Slot R Acc Offset) (To Slot Rs Slot Offset)
                    (To Slot Rs Acc Offset) (To Acc R Slot Offset) (To Acc R Acc Offset)
                    (To Acc Rs Slot Offset) (To Acc Rs Acc Offset) (To Imm R Slot Offset)
                    (To Imm R Acc Offset) (To Imm Rs Slot Offset) (To Imm Rs Acc Offset)
                }
                sets {
                    CopyThenLoad {
                        CopyValue(IntCopy)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load I64Load32S I64Load32U F32Load F64Load)
                    }
                }
            }

            /// A copy, then a write
            CopyThenStore sequence {
                operands(to, from, a, value, at)
                forms {
                    (To Slot Slot Slot Offset) (To Slot Slot Acc Offset) (To Slot Slot Imm Offset)
                    (To Slot Acc Slot Offset) (To Slot Acc Imm Offset) (To Acc Slot Slot Offset)
                    (To Acc Slot Acc Offset) (To Acc Slot Imm Offset) (To Acc Acc Slot Offset)
                    (To Acc Acc Imm Offset) (To Imm Slot Slot Offset) (To Imm Slot Acc Offset)
                    (To Imm Slot Imm Offset) (To Imm Acc Slot Offset) (To Imm Acc Imm Offset)
                }
                sets {
                    CopyThenStore { CopyValue(IntCopy) IntStore(I32Store I32Store8 I32Store16 I64Store) }
                }
            }

            /// Two reads
            LoadThenLoad sequence {
                operands(dst, a, at, then_dst, b, then_at)
                forms {
                    (Rs Slot Offset R Slot Offset) (Rs Slot Offset R Acc Offset)
                    (Rs Slot Offset Rs Slot Offset) (Rs Slot Offset Rs Acc Offset)
                    (Rs Acc Offset R Slot Offset) (Rs Acc Offset R Acc Offset)
                    (Rs Acc Offset Rs Slot Offset) (Rs Acc Offset Rs Acc Offset)
                }
                sets {
                    LoadThenLoad { Load(I32Load I32Load8U I64Load F64Load) Load(I32Load I32Load8U I64Load F64Load) }
                }
            }

            /// A read, then an operation
            LoadThenBin sequence {
                operands(dst, a, at, then_dst, b, c)
                forms {
                    (Rs Slot Offset R Slot Imm) (Rs Slot Offset R Slot Slot) (Rs Slot Offset R Acc Imm)
                    (Rs Slot Offset R Slot Acc) (Rs Slot Offset Rs Slot Imm)
                    (Rs Slot Offset Rs Slot Slot) (Rs Slot Offset Rs Acc Imm)
                    (Rs Slot Offset Rs Slot Acc) (Rs Acc Offset R Slot Imm) (Rs Acc Offset R Slot Slot)
                    (Rs Acc Offset R Acc Imm) (Rs Acc Offset R Slot Acc) (Rs Acc Offset Rs Slot Imm)
                    (Rs Acc Offset Rs Slot Slot) (Rs Acc Offset Rs Acc Imm) (Rs Acc Offset Rs Slot Acc)
                }
                sets {
                    LoadThenBin { Load(I32Load I32Load8U) IntBinary(I32Add I32Sub I32And I32Shl I32ShrU) }
                }
            }

            /// A read, then a comparing branch
            LoadThenCompare sequence {
                operands(dst, a, at, branch, b, c)
                forms {
                    (Rs Slot Offset BrIf Acc Slot) (Rs Slot Offset BrIf Acc Imm)
                    (Rs Slot Offset BrIf Slot Acc) (Rs Slot Offset BrIf Slot Slot)
                    (Rs Acc Offset BrIf Acc Slot) (Rs Acc Offset BrIf Acc Imm)
                    (Rs Acc Offset BrIf Slot Acc) (Rs Acc Offset BrIf Slot Slot)
                }
                sets {
                    LoadThenCompare {
                        Load(I32Load I32Load8U)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// A read, then a testing branch
            LoadThenTest sequence {
                operands(dst, a, at, branch, b)
                forms {
                    (Rs Slot Offset BrIf Acc) (Rs Slot Offset BrIf Slot) (Rs Acc Offset BrIf Acc)
                    (Rs Acc Offset BrIf Slot)
                }
                sets {
                    LoadThenTest { Load(I32Load I32Load8U I32Load8S) IntTest(I32Eqz I32Nez) }
                }
            }

            /// A read, then a copy
            LoadThenCopy sequence {
                operands(dst, a, at, to, from)
                forms {
                    (Rs Slot Offset To Slot) (Rs Slot Offset To Acc) (Rs Slot Offset To Imm)
                    (Rs Acc Offset To Slot) (Rs Acc Offset To Acc) (Rs Acc Offset To Imm)
                }
                sets {
                    LoadThenCopy { Load(I32Load I32Load8U I64Load F64Load) CopyValue(IntCopy) }
                }
            }

            /// A write, then an addition
            StoreThenAdd sequence {
                operands(a, value, at, dst, b, c)
                forms {
                    (Slot Slot Offset Rs Slot Imm) (Slot Slot Offset Rs Slot Slot)
                    (Slot Acc Offset Rs Slot Imm) (Slot Acc Offset Rs Slot Slot)
                    (Slot Imm Offset Rs Slot Imm) (Slot Imm Offset Rs Slot Slot)
                    (Acc Slot Offset Rs Slot Imm) (Acc Slot Offset Rs Slot Slot)
                }
                sets {
                    StoreThenAdd {
                        IntStore(I32Store I32Store8 I32Store16 I64Store I64Store8 I64Store16 I64Store32)
                        IntBinary(I32Add I64Add)
                    }
                }
            }

            /// A write of a float, then an addition
            FloatStoreThenAdd sequence {
                operands(a, value, at, dst, b, c)
                forms {
                    (Slot Slot Offset Rs Slot Imm) (Slot Slot Offset Rs Slot Slot)
                    (Slot Acc Offset Rs Slot Imm) (Slot Acc Offset Rs Slot Slot)
                    (Acc Slot Offset Rs Slot Imm) (Acc Slot Offset Rs Slot Slot)
                    (Acc Acc Offset Rs Slot Imm) (Acc Acc Offset Rs Slot Slot)
                }
                sets {
                    FloatStoreThenAdd { FloatStore(F32Store F64Store) IntBinary(I32Add I64Add) }
                }
            }

            /// Two writes
            StoreThenStore sequence {
                operands(a, value, at, b, then_value, then_at)
                forms {
                    (Slot Slot Offset Slot Slot Offset) (Slot Slot Offset Slot Acc Offset)
                    (Slot Slot Offset Slot Imm Offset) (Slot Acc Offset Slot Slot Offset)
                    (Slot Acc Offset Slot Acc Offset) (Slot Acc Offset Slot Imm Offset)
                    (Slot Imm Offset Slot Slot Offset) (Slot Imm Offset Slot Acc Offset)
                    (Slot Imm Offset Slot Imm Offset)
                }
                sets {
                    StoreThenStore { IntStore(I32Store I32Store8 I64Store) IntStore(I32Store I32Store8 I64Store) }
                }
            }

            /// A write, then a branch
            StoreThenBr sequence {
                operands(a, value, at, target)
                forms {
                    (Slot Slot Offset Target) (Slot Acc Offset Target) (Slot Imm Offset Target)
                    (Acc Slot Offset Target)
                }
                sets {
                    StoreThenBr {
                        IntStore(I32Store I32Store8 I32Store16 I64Store I64Store8 I64Store16 I64Store32)
                        Br(Br)
                    }
                }
            }

            /// A comparing branch that is not taken, then an addition
            CompareThenAdd sequence {
                operands(branch, a, b, dst, c, d)
                forms {
                    (BrIf Acc Slot Rs Slot Imm) (BrIf Acc Slot Rs Slot Slot) (BrIf Acc Imm Rs Slot Imm)
                    (BrIf Acc Imm Rs Slot Slot) (BrIf Slot Acc Rs Slot Imm) (BrIf Slot Acc Rs Slot Slot)
                    (BrIf Slot Slot Rs Slot Imm) (BrIf Slot Slot Rs Slot Slot)
                    (BrIf Slot Imm Rs Slot Imm) (BrIf Slot Imm Rs Slot Slot)
                }
                sets {
                    CompareThenAdd {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        IntBinary(I32Add I64Add)
                    }
                }
            }

            /// A comparing branch that is not taken, then a copy
            CompareThenCopy sequence {
                operands(branch, a, b, to, from)
                forms {
                    (BrIf Acc Slot To Slot) (BrIf Acc Slot To Acc) (BrIf Acc Slot To Imm)
                    (BrIf Acc Imm To Slot) (BrIf Acc Imm To Acc) (BrIf Acc Imm To Imm)
                    (BrIf Slot Acc To Slot) (BrIf Slot Acc To Acc) (BrIf Slot Acc To Imm)
                    (BrIf Slot Slot To Slot) (BrIf Slot Slot To Acc) (BrIf Slot Slot To Imm)
                    (BrIf Slot Imm To Slot) (BrIf Slot Imm To Acc) (BrIf Slot Imm To Imm)
                }
                sets {
                    CompareThenCopy {
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                        CopyValue(IntCopy)
                    }
                }
            }
        }
    };
}
