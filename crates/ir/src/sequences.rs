//! The rows of the [tile table](crate::tile_table) that are sequences: two or three
//! instructions that follow each other in one.
//!
//! A sequence is what its parts do one after the other, so it needs no rule of its own but
//! that only its last part may be a terminator, and that a branch that is not its last part
//! stays in it when it is not taken.
//!
//! What comes before a call does not branch, and of several instructions none traps: the code
//! of the callee is asked for before they change anything, and compiling it takes fuel, which
//! a call that does not happen must not.
//!
//! Instructions of a sequence may be trees: `Shape::tree_at` says which.

/// Adds the rows of sequences to those of trees.
#[doc(hidden)]
#[macro_export]
macro_rules! sequence_table {
    ($then:tt $($trees:tt)*) => {
        $crate::choose_tiles! {
            $then
            $($trees)*
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
                compact {
                    AddThenAdd { IntBinary(I32Add) IntBinary(I32Add) }
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
                compact {
                    AddThenBr { IntBinary(I32Add I64Add) Br(Br) }
                }
            }

            /// An addition, then a comparing branch
            AddThenCompare sequence {
                operands(dst, a, b, branch, c, d)
                forms {
                    (Rs Slot Imm BrIf Acc Slot) (Rs Slot Imm BrIf Acc Imm)
                    (Rs Slot Imm BrIf Slot Slot) (Rs Slot Imm BrIf Slot Imm)
                    (Rs Slot Slot BrIf Acc Slot) (Rs Slot Slot BrIf Acc Imm)
                    (Rs Slot Slot BrIf Slot Slot)
                    (Rs Slot Slot BrIf Slot Imm)
                    (Rs Acc Imm BrIf Acc Slot) (Rs Acc Imm BrIf Acc Imm) (Rs Acc Slot BrIf Acc Slot)
                }
                sets {
                    AddThenCompare32 {
                        IntBinary(I32Add I32And)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                    AddThenCompare64 {
                        IntBinary(I64Add)
                        IntCompare(I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU)
                    }
                }
                compact {
                    AddThenEqual { IntBinary(I32Add) IntCompare(I32Eq I32Ne I32LtS I32LtU) }
                }
            }

            /// An addition, then a testing branch
            AddThenTest sequence {
                operands(dst, a, b, branch, c)
                forms {
                    (Rs Slot Imm BrIf Acc) (Rs Slot Imm BrIf Slot) (Rs Slot Slot BrIf Acc)
                    (Rs Slot Slot BrIf Slot) (Rs Slot Acc BrIf Acc) (Rs Slot Acc BrIf Slot)
                    (Rs Acc Imm BrIf Acc)
                }
                sets {
                    AddThenTest { IntBinary(I32Add I32And I64Add) IntTest(I32Eqz I32Nez I64Eqz I64Nez) }
                }
                compact {
                    AddThenTest32 { IntBinary(I32Add) IntTest(I32Eqz I32Nez) }
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
                compact {
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
                compact {
                    CopyThenAdd { CopyValue(IntCopy) IntBinary(I32Add) }
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
                compact {
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
                compact {
                    CopyThenBr { CopyValue(IntCopy) Br(Br) }
                }
            }

            /// A copy, then a comparing branch
            CopyThenCompare sequence {
                operands(to, from, branch, a, b)
                forms {
                    (To Slot BrIf Acc Slot) (To Slot BrIf Acc Imm)
                    (To Slot BrIf Slot Slot) (To Slot BrIf Slot Imm) (To Acc BrIf Acc Slot)
                    (To Acc BrIf Acc Imm) (To Acc BrIf Slot Slot)
                    (To Acc BrIf Slot Imm) (To Imm BrIf Acc Slot) (To Imm BrIf Acc Imm)
                    (To Imm BrIf Slot Slot) (To Imm BrIf Slot Imm)
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
                compact {
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
                    (Rs Slot Offset BrIf Slot Slot)
                    (Rs Acc Offset BrIf Acc Slot) (Rs Acc Offset BrIf Acc Imm)
                    (Rs Acc Offset BrIf Slot Slot)
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
                compact {
                    I32StoreThenAdd { IntStore(I32Store I32Store8) IntBinary(I32Add) }
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
                    (Slot Imm Offset Slot Imm Offset) (Acc Slot Offset Acc Slot Offset)
                    (Acc Slot Offset Acc Imm Offset) (Acc Imm Offset Acc Slot Offset)
                    (Acc Imm Offset Acc Imm Offset)
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
                    (BrIf Acc Imm Rs Slot Slot)
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

            /// An addition, then an addition, then a branch
            AddThenAddThenBr sequence {
                operands(dst, a, b, then_dst, then_a, then_b, target)
                forms {
                    (Rs Slot Imm Rs Slot Imm Target) (Rs Slot Imm Rs Slot Slot Target)
                    (Rs Slot Imm Rs Slot Acc Target) (Rs Slot Slot Rs Slot Imm Target)
                    (Rs Slot Slot Rs Slot Slot Target) (Rs Slot Slot Rs Slot Acc Target)
                }
                sets {
                    AddThenAddThenBr { IntBinary(I32Add I64Add) IntBinary(I32Add I64Add) Br(Br) }
                }
            }

            /// An addition, then an addition, then a testing branch
            AddThenAddThenTest sequence {
                operands(dst, a, b, then_dst, then_a, then_b, branch, c)
                forms {
                    (Rs Slot Imm Rs Slot Imm BrIf Acc) (Rs Slot Imm Rs Slot Imm BrIf Slot)
                    (Rs Slot Imm Rs Slot Slot BrIf Acc) (Rs Slot Imm Rs Slot Slot BrIf Slot)
                    (Rs Slot Imm Rs Slot Acc BrIf Acc) (Rs Slot Imm Rs Slot Acc BrIf Slot)
                    (Rs Slot Slot Rs Slot Imm BrIf Acc) (Rs Slot Slot Rs Slot Imm BrIf Slot)
                    (Rs Slot Slot Rs Slot Slot BrIf Acc) (Rs Slot Slot Rs Slot Slot BrIf Slot)
                    (Rs Slot Slot Rs Slot Acc BrIf Acc) (Rs Slot Slot Rs Slot Acc BrIf Slot)
                }
                sets {
                    AddThenAddThenTest { IntBinary(I32Add I64Add) IntBinary(I32Add I64Add) IntTest(I32Eqz I32Nez) }
                }
            }

            /// An addition, then an addition, then a comparing branch
            AddThenAddThenCompare sequence {
                operands(dst, a, b, then_dst, then_a, then_b, branch, c, d)
                forms {
                    (Rs Slot Imm Rs Slot Imm BrIf Acc Slot) (Rs Slot Imm Rs Slot Imm BrIf Acc Imm)
                    (Rs Slot Imm Rs Slot Imm BrIf Slot Slot) (Rs Slot Imm Rs Slot Imm BrIf Slot Imm)
                    (Rs Slot Imm Rs Slot Slot BrIf Acc Slot) (Rs Slot Imm Rs Slot Slot BrIf Acc Imm)
                    (Rs Slot Imm Rs Slot Slot BrIf Slot Slot)
                    (Rs Slot Imm Rs Slot Slot BrIf Slot Imm) (Rs Slot Imm Rs Slot Acc BrIf Acc Slot)
                    (Rs Slot Imm Rs Slot Acc BrIf Acc Imm) (Rs Slot Imm Rs Slot Acc BrIf Slot Slot)
                    (Rs Slot Imm Rs Slot Acc BrIf Slot Imm) (Rs Slot Slot Rs Slot Imm BrIf Acc Slot)
                    (Rs Slot Slot Rs Slot Imm BrIf Acc Imm)
                    (Rs Slot Slot Rs Slot Imm BrIf Slot Slot)
                    (Rs Slot Slot Rs Slot Imm BrIf Slot Imm)
                    (Rs Slot Slot Rs Slot Slot BrIf Acc Slot)
                    (Rs Slot Slot Rs Slot Slot BrIf Acc Imm)
                    (Rs Slot Slot Rs Slot Slot BrIf Slot Slot)
                    (Rs Slot Slot Rs Slot Slot BrIf Slot Imm)
                    (Rs Slot Slot Rs Slot Acc BrIf Acc Slot) (Rs Slot Slot Rs Slot Acc BrIf Acc Imm)
                    (Rs Slot Slot Rs Slot Acc BrIf Slot Slot)
                    (Rs Slot Slot Rs Slot Acc BrIf Slot Imm)
                }
                sets {
                    AddThenAddThenCompare {
                        IntBinary(I32Add)
                        IntBinary(I32Add)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// An addition, then a copy, then a branch
            AddThenCopyThenBr sequence {
                operands(dst, a, b, then_to, then_from, target)
                forms {
                    (Rs Slot Imm To Slot Target) (Rs Slot Imm To Acc Target)
                    (Rs Slot Imm To Imm Target) (Rs Slot Slot To Slot Target)
                    (Rs Slot Slot To Acc Target) (Rs Slot Slot To Imm Target)
                }
                sets {
                    AddThenCopyThenBr { IntBinary(I32Add I64Add) CopyValue(IntCopy) Br(Br) }
                }
            }

            /// An addition, then a copy, then a testing branch
            AddThenCopyThenTest sequence {
                operands(dst, a, b, then_to, then_from, branch, c)
                forms {
                    (Rs Slot Imm To Slot BrIf Acc) (Rs Slot Imm To Slot BrIf Slot)
                    (Rs Slot Imm To Acc BrIf Acc) (Rs Slot Imm To Acc BrIf Slot)
                    (Rs Slot Imm To Imm BrIf Acc) (Rs Slot Imm To Imm BrIf Slot)
                    (Rs Slot Slot To Slot BrIf Acc) (Rs Slot Slot To Slot BrIf Slot)
                    (Rs Slot Slot To Acc BrIf Acc) (Rs Slot Slot To Acc BrIf Slot)
                    (Rs Slot Slot To Imm BrIf Acc) (Rs Slot Slot To Imm BrIf Slot)
                    (Rs Acc Imm To Acc BrIf Acc)
                }
                sets {
                    AddThenCopyThenTest { IntBinary(I32Add I64Add) CopyValue(IntCopy) IntTest(I32Eqz I32Nez) }
                }
            }

            /// An addition, then a copy, then a comparing branch
            AddThenCopyThenCompare sequence {
                operands(dst, a, b, then_to, then_from, branch, c, d)
                forms {
                    (Rs Slot Imm To Slot BrIf Acc Slot) (Rs Slot Imm To Slot BrIf Acc Imm)
                    (Rs Slot Imm To Slot BrIf Slot Slot) (Rs Slot Imm To Slot BrIf Slot Imm)
                    (Rs Slot Imm To Acc BrIf Acc Slot) (Rs Slot Imm To Acc BrIf Acc Imm)
                    (Rs Slot Imm To Acc BrIf Slot Slot) (Rs Slot Imm To Acc BrIf Slot Imm)
                    (Rs Slot Imm To Imm BrIf Acc Slot) (Rs Slot Imm To Imm BrIf Acc Imm)
                    (Rs Slot Imm To Imm BrIf Slot Slot) (Rs Slot Imm To Imm BrIf Slot Imm)
                    (Rs Slot Slot To Slot BrIf Acc Slot) (Rs Slot Slot To Slot BrIf Acc Imm)
                    (Rs Slot Slot To Slot BrIf Slot Slot) (Rs Slot Slot To Slot BrIf Slot Imm)
                    (Rs Slot Slot To Acc BrIf Acc Slot) (Rs Slot Slot To Acc BrIf Acc Imm)
                    (Rs Slot Slot To Acc BrIf Slot Slot) (Rs Slot Slot To Acc BrIf Slot Imm)
                    (Rs Slot Slot To Imm BrIf Acc Slot) (Rs Slot Slot To Imm BrIf Acc Imm)
                    (Rs Slot Slot To Imm BrIf Slot Slot) (Rs Slot Slot To Imm BrIf Slot Imm)
                    (Rs Acc Imm To Acc BrIf Acc Slot) (Rs Acc Imm To Acc BrIf Acc Imm)
                }
                sets {
                    AddThenCopyThenCompare {
                        IntBinary(I32Add)
                        CopyValue(IntCopy)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// A copy, then an addition, then a branch
            CopyThenAddThenBr sequence {
                operands(to, from, then_dst, then_a, then_b, target)
                forms {
                    (To Slot Rs Slot Imm Target) (To Slot Rs Slot Slot Target)
                    (To Slot Rs Slot Acc Target) (To Acc Rs Slot Imm Target)
                    (To Acc Rs Slot Slot Target) (To Acc Rs Slot Acc Target)
                    (To Imm Rs Slot Imm Target) (To Imm Rs Slot Slot Target)
                    (To Imm Rs Slot Acc Target)
                }
                sets {
                    CopyThenAddThenBr { CopyValue(IntCopy) IntBinary(I32Add I64Add) Br(Br) }
                }
            }

            /// A copy, then an addition, then a testing branch
            CopyThenAddThenTest sequence {
                operands(to, from, then_dst, then_a, then_b, branch, c)
                forms {
                    (To Slot Rs Slot Imm BrIf Acc) (To Slot Rs Slot Imm BrIf Slot)
                    (To Slot Rs Slot Slot BrIf Acc) (To Slot Rs Slot Slot BrIf Slot)
                    (To Slot Rs Slot Acc BrIf Acc) (To Slot Rs Slot Acc BrIf Slot)
                    (To Acc Rs Slot Imm BrIf Acc) (To Acc Rs Slot Imm BrIf Slot)
                    (To Acc Rs Slot Slot BrIf Acc) (To Acc Rs Slot Slot BrIf Slot)
                    (To Acc Rs Slot Acc BrIf Acc) (To Acc Rs Slot Acc BrIf Slot)
                    (To Imm Rs Slot Imm BrIf Acc) (To Imm Rs Slot Imm BrIf Slot)
                    (To Imm Rs Slot Slot BrIf Acc) (To Imm Rs Slot Slot BrIf Slot)
                    (To Imm Rs Slot Acc BrIf Acc) (To Imm Rs Slot Acc BrIf Slot)
                }
                sets {
                    CopyThenAddThenTest { CopyValue(IntCopy) IntBinary(I32Add I64Add) IntTest(I32Eqz I32Nez) }
                }
            }

            /// A copy, then an addition, then a comparing branch
            CopyThenAddThenCompare sequence {
                operands(to, from, then_dst, then_a, then_b, branch, c, d)
                forms {
                    (To Slot Rs Slot Imm BrIf Acc Slot) (To Slot Rs Slot Imm BrIf Acc Imm)
                    (To Slot Rs Slot Imm BrIf Slot Slot) (To Slot Rs Slot Imm BrIf Slot Imm)
                    (To Slot Rs Slot Slot BrIf Acc Slot) (To Slot Rs Slot Slot BrIf Acc Imm)
                    (To Slot Rs Slot Slot BrIf Slot Slot) (To Slot Rs Slot Slot BrIf Slot Imm)
                    (To Slot Rs Slot Acc BrIf Acc Slot) (To Slot Rs Slot Acc BrIf Acc Imm)
                    (To Slot Rs Slot Acc BrIf Slot Slot) (To Slot Rs Slot Acc BrIf Slot Imm)
                    (To Acc Rs Slot Imm BrIf Acc Slot) (To Acc Rs Slot Imm BrIf Acc Imm)
                    (To Acc Rs Slot Imm BrIf Slot Slot) (To Acc Rs Slot Imm BrIf Slot Imm)
                    (To Acc Rs Slot Slot BrIf Acc Slot) (To Acc Rs Slot Slot BrIf Acc Imm)
                    (To Acc Rs Slot Slot BrIf Slot Slot) (To Acc Rs Slot Slot BrIf Slot Imm)
                    (To Acc Rs Slot Acc BrIf Acc Slot) (To Acc Rs Slot Acc BrIf Acc Imm)
                    (To Acc Rs Slot Acc BrIf Slot Slot) (To Acc Rs Slot Acc BrIf Slot Imm)
                    (To Imm Rs Slot Imm BrIf Acc Slot) (To Imm Rs Slot Imm BrIf Acc Imm)
                    (To Imm Rs Slot Imm BrIf Slot Slot) (To Imm Rs Slot Imm BrIf Slot Imm)
                    (To Imm Rs Slot Slot BrIf Acc Slot) (To Imm Rs Slot Slot BrIf Acc Imm)
                    (To Imm Rs Slot Slot BrIf Slot Slot) (To Imm Rs Slot Slot BrIf Slot Imm)
                    (To Imm Rs Slot Acc BrIf Acc Slot) (To Imm Rs Slot Acc BrIf Acc Imm)
                    (To Imm Rs Slot Acc BrIf Slot Slot) (To Imm Rs Slot Acc BrIf Slot Imm)
                }
                sets {
                    CopyThenAddThenCompare {
                        CopyValue(IntCopy)
                        IntBinary(I32Add)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// A copy, then a copy, then a branch
            CopyThenCopyThenBr sequence {
                operands(to, from, then_to, then_from, target)
                forms {
                    (To Slot To Slot Target) (To Slot To Acc Target) (To Slot To Imm Target)
                    (To Acc To Slot Target) (To Acc To Acc Target) (To Acc To Imm Target)
                    (To Imm To Slot Target) (To Imm To Acc Target) (To Imm To Imm Target)
                }
                sets {
                    CopyThenCopyThenBr { CopyValue(IntCopy) CopyValue(IntCopy) Br(Br) }
                }
            }

            /// A copy, then a copy, then a testing branch
            CopyThenCopyThenTest sequence {
                operands(to, from, then_to, then_from, branch, c)
                forms {
                    (To Slot To Slot BrIf Acc) (To Slot To Slot BrIf Slot) (To Slot To Acc BrIf Acc)
                    (To Slot To Acc BrIf Slot) (To Slot To Imm BrIf Acc) (To Slot To Imm BrIf Slot)
                    (To Acc To Slot BrIf Acc) (To Acc To Slot BrIf Slot) (To Acc To Acc BrIf Acc)
                    (To Acc To Acc BrIf Slot) (To Acc To Imm BrIf Acc) (To Acc To Imm BrIf Slot)
                    (To Imm To Slot BrIf Acc) (To Imm To Slot BrIf Slot) (To Imm To Acc BrIf Acc)
                    (To Imm To Acc BrIf Slot) (To Imm To Imm BrIf Acc) (To Imm To Imm BrIf Slot)
                }
                sets {
                    CopyThenCopyThenTest { CopyValue(IntCopy) CopyValue(IntCopy) IntTest(I32Eqz I32Nez) }
                }
            }

            /// A copy, then a copy, then a comparing branch
            CopyThenCopyThenCompare sequence {
                operands(to, from, then_to, then_from, branch, c, d)
                forms {
                    (To Slot To Slot BrIf Acc Slot) (To Slot To Slot BrIf Acc Imm)
                    (To Slot To Slot BrIf Slot Slot) (To Slot To Slot BrIf Slot Imm)
                    (To Slot To Acc BrIf Acc Slot) (To Slot To Acc BrIf Acc Imm)
                    (To Slot To Acc BrIf Slot Slot) (To Slot To Acc BrIf Slot Imm)
                    (To Slot To Imm BrIf Acc Slot) (To Slot To Imm BrIf Acc Imm)
                    (To Slot To Imm BrIf Slot Slot) (To Slot To Imm BrIf Slot Imm)
                    (To Acc To Slot BrIf Acc Slot) (To Acc To Slot BrIf Acc Imm)
                    (To Acc To Slot BrIf Slot Slot) (To Acc To Slot BrIf Slot Imm)
                    (To Acc To Acc BrIf Acc Slot) (To Acc To Acc BrIf Acc Imm)
                    (To Acc To Acc BrIf Slot Slot) (To Acc To Acc BrIf Slot Imm)
                    (To Acc To Imm BrIf Acc Slot) (To Acc To Imm BrIf Acc Imm)
                    (To Acc To Imm BrIf Slot Slot) (To Acc To Imm BrIf Slot Imm)
                    (To Imm To Slot BrIf Acc Slot) (To Imm To Slot BrIf Acc Imm)
                    (To Imm To Slot BrIf Slot Slot) (To Imm To Slot BrIf Slot Imm)
                    (To Imm To Acc BrIf Acc Slot) (To Imm To Acc BrIf Acc Imm)
                    (To Imm To Acc BrIf Slot Slot) (To Imm To Acc BrIf Slot Imm)
                    (To Imm To Imm BrIf Acc Slot) (To Imm To Imm BrIf Acc Imm)
                    (To Imm To Imm BrIf Slot Slot) (To Imm To Imm BrIf Slot Imm)
                }
                sets {
                    CopyThenCopyThenCompare {
                        CopyValue(IntCopy)
                        CopyValue(IntCopy)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// An addition, then a read, then a testing branch
            AddThenLoadThenTest sequence {
                operands(dst, a, b, then_dst, c, at, branch, d)
                forms {
                    (Rs Slot Imm Rs Slot Offset BrIf Acc) (Rs Slot Imm Rs Acc Offset BrIf Acc)
                    (Rs Slot Slot Rs Slot Offset BrIf Acc) (Rs Slot Slot Rs Acc Offset BrIf Acc)
                }
                sets {
                    AddThenLoadThenTest {
                        IntBinary(I32Add)
                        Load(I32Load I32Load8S I32Load8U I32Load16S I32Load16U)
                        IntTest(I32Eqz I32Nez)
                    }
                }
            }

            /// An addition, then a read, then a comparing branch
            AddThenLoadThenCompare sequence {
                operands(dst, a, b, then_dst, c, at, branch, d, e)
                forms {
                    (Rs Slot Imm Rs Slot Offset BrIf Acc Slot)
                    (Rs Slot Imm Rs Slot Offset BrIf Acc Imm)
                    (Rs Slot Imm Rs Acc Offset BrIf Acc Slot)
                    (Rs Slot Imm Rs Acc Offset BrIf Acc Imm)
                    (Rs Slot Slot Rs Slot Offset BrIf Acc Slot)
                    (Rs Slot Slot Rs Slot Offset BrIf Acc Imm)
                    (Rs Slot Slot Rs Acc Offset BrIf Acc Slot)
                    (Rs Slot Slot Rs Acc Offset BrIf Acc Imm)
                }
                sets {
                    AddThenLoadThenCompare {
                        IntBinary(I32Add)
                        Load(I32Load I32Load8U)
                        IntCompare(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU)
                    }
                }
            }

            /// A value made of a global, then a write
            BinGlobalThenStore sequence {
                operands(dst, global, b, addr, value, at)
                forms {
                    (Rs Global Imm Acc Slot Offset) (Rs Global Imm Acc Imm Offset)
                }
                sets {
                    BinGlobalThenStore {
                        IntBinary(I32Add) GlobalGet(IntGlobalGet) IntStore(I32Store I64Store)
                    }
                }
            }

            /// A value made of a global, which becomes that of a global
            BinGlobalThenGlobalSet sequence {
                operands(dst, global, b, set, value)
                forms {
                    (Rs Global Imm GlobalMut Acc)
                }
                sets {
                    BinGlobalThenGlobalSet {
                        IntBinary(I32Add) GlobalGet(IntGlobalGet) GlobalSet(IntGlobalSet)
                    }
                }
            }

            /// A value made of a global, which becomes that of a global, then a write
            BinGlobalThenGlobalSetThenStore sequence {
                operands(dst, global, b, set, value, addr, stored, at)
                forms {
                    (Rs Global Imm GlobalMut Acc Acc Slot Offset)
                    (Rs Global Imm GlobalMut Acc Acc Imm Offset)
                }
                sets {
                    BinGlobalThenGlobalSetThenStore {
                        IntBinary(I32Add)
                        GlobalGet(IntGlobalGet)
                        GlobalSet(IntGlobalSet)
                        IntStore(I32Store I64Store)
                    }
                }
            }

            /// A global receives a value, then a return
            GlobalSetBinThenReturn sequence {
                operands(global, a, b, linkage)
                forms {
                    (GlobalMut Slot Imm Linkage) (GlobalMut Acc Imm Linkage)
                }
                sets {
                    GlobalSetBinThenReturn {
                        GlobalSet(IntGlobalSet) IntBinary(I32Add) Return(Return)
                    }
                }
            }

            /// A global receives a value, then a return of another
            GlobalSetBinThenReturnValue sequence {
                operands(global, a, b, linkage, value)
                forms {
                    (GlobalMut Slot Imm Linkage Acc) (GlobalMut Slot Imm Linkage Slot)
                    (GlobalMut Acc Imm Linkage Slot)
                }
                sets {
                    GlobalSetBinThenReturnValue {
                        GlobalSet(IntGlobalSet) IntBinary(I32Add) ReturnValue(IntReturn)
                    }
                }
            }

            /// A read, then a global receives a value
            LoadThenGlobalSetBin sequence {
                operands(dst, a, at, global, b, c)
                forms {
                    (Rs Slot Offset GlobalMut Slot Imm) (Rs Acc Offset GlobalMut Slot Imm)
                }
                sets {
                    LoadThenGlobalSetBin {
                        Load(I32Load I64Load) GlobalSet(IntGlobalSet) IntBinary(I32Add)
                    }
                }
            }

            /// A read, then a global receives a value, then a return
            LoadThenGlobalSetBinThenReturnValue sequence {
                operands(dst, a, at, global, b, c, linkage, value)
                forms {
                    (Rs Slot Offset GlobalMut Slot Imm Linkage Acc)
                    (Rs Acc Offset GlobalMut Slot Imm Linkage Acc)
                }
                sets {
                    LoadThenGlobalSetBinThenReturnValue {
                        Load(I32Load I64Load)
                        GlobalSet(IntGlobalSet)
                        IntBinary(I32Add)
                        ReturnValue(IntReturn)
                    }
                }
            }

            /// A read, then a call
            LoadThenCall sequence {
                operands(dst, a, at, func, base, linkage)
                forms {
                    (Rs Slot Offset DefinedFunc Base CalleeLinkage)
                    (Rs Acc Offset DefinedFunc Base CalleeLinkage)
                }
                sets {
                    LoadThenCall { Load(I32Load I32Load8U I64Load) Call(Call) }
                }
            }

            /// An operation, then a call
            BinThenCall sequence {
                operands(dst, a, b, func, base, linkage)
                forms {
                    (Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Acc DefinedFunc Base CalleeLinkage)
                    (Rs Acc Imm DefinedFunc Base CalleeLinkage)
                    (Rs Acc Slot DefinedFunc Base CalleeLinkage)
                }
                sets {
                    BinThenCall { IntBinary(I32Add I32Sub I32And I32Or I32Shl I32ShrU I64Add) Call(Call) }
                }
                compact {
                    AddThenCall { IntBinary(I32Add) Call(Call) }
                }
            }

            /// A copy, then a call
            CopyThenCall sequence {
                operands(to, from, func, base, linkage)
                forms {
                    (To Slot DefinedFunc Base CalleeLinkage) (To Acc DefinedFunc Base CalleeLinkage)
                    (To Imm DefinedFunc Base CalleeLinkage)
                }
                sets {
                    CopyThenCall { CopyValue(IntCopy) Call(Call) }
                }
                compact {
                    CopyThenCall { CopyValue(IntCopy) Call(Call) }
                }
            }

            /// Two copies, then a call
            CopyThenCopyThenCall sequence {
                operands(to, from, then_to, then_from, func, base, linkage)
                forms {
                    (To Slot To Slot DefinedFunc Base CalleeLinkage)
                    (To Slot To Acc DefinedFunc Base CalleeLinkage)
                    (To Slot To Imm DefinedFunc Base CalleeLinkage)
                    (To Acc To Slot DefinedFunc Base CalleeLinkage)
                    (To Acc To Acc DefinedFunc Base CalleeLinkage)
                    (To Acc To Imm DefinedFunc Base CalleeLinkage)
                    (To Imm To Slot DefinedFunc Base CalleeLinkage)
                    (To Imm To Acc DefinedFunc Base CalleeLinkage)
                    (To Imm To Imm DefinedFunc Base CalleeLinkage)
                }
                sets {
                    CopyThenCopyThenCall { CopyValue(IntCopy) CopyValue(IntCopy) Call(Call) }
                }
                compact {
                    CopyThenCopyThenCall { CopyValue(IntCopy) CopyValue(IntCopy) Call(Call) }
                }
            }

            /// A copy, then an operation, then a call
            CopyThenBinThenCall sequence {
                operands(to, from, dst, a, b, func, base, linkage)
                forms {
                    (To Slot Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (To Slot Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (To Slot Rs Slot Acc DefinedFunc Base CalleeLinkage)
                    (To Acc Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (To Acc Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (To Acc Rs Slot Acc DefinedFunc Base CalleeLinkage)
                    (To Imm Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (To Imm Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (To Imm Rs Slot Acc DefinedFunc Base CalleeLinkage)
                }
                sets {
                    CopyThenBinThenCall { CopyValue(IntCopy) IntBinary(I32Add I64Add) Call(Call) }
                }
            }

            /// An operation, then a copy, then a call
            BinThenCopyThenCall sequence {
                operands(dst, a, b, to, from, func, base, linkage)
                forms {
                    (Rs Slot Imm To Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Imm To Acc DefinedFunc Base CalleeLinkage)
                    (Rs Slot Imm To Imm DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot To Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot To Acc DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot To Imm DefinedFunc Base CalleeLinkage)
                    (Rs Slot Acc To Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Acc To Acc DefinedFunc Base CalleeLinkage)
                    (Rs Slot Acc To Imm DefinedFunc Base CalleeLinkage)
                }
                sets {
                    BinThenCopyThenCall { IntBinary(I32Add I64Add) CopyValue(IntCopy) Call(Call) }
                }
            }

            /// Two operations, then a call
            BinThenBinThenCall sequence {
                operands(dst, a, b, then_dst, c, d, func, base, linkage)
                forms {
                    (Rs Slot Imm Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (Rs Slot Imm Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Imm Rs Slot Acc DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot Rs Slot Imm DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot Rs Slot Slot DefinedFunc Base CalleeLinkage)
                    (Rs Slot Slot Rs Slot Acc DefinedFunc Base CalleeLinkage)
                }
                sets {
                    BinThenBinThenCall { IntBinary(I32Add I64Add) IntBinary(I32Add I64Add) Call(Call) }
                }
            }

            /// An addition, then a return
            AddThenReturn sequence {
                operands(dst, a, b, linkage, value)
                forms {
                    (Rs Slot Imm Linkage Acc) (Rs Slot Slot Linkage Acc) (Rs Slot Acc Linkage Acc)
                    (Rs Slot Imm Linkage Slot) (Rs Slot Slot Linkage Slot)
                    (Rs Slot Acc Linkage Slot)
                }
                sets {
                    AddThenReturn { IntBinary(I32Add I64Add) ReturnValue(IntReturn) }
                }
            }

            /// Two operations on floats
            FloatThenFloat sequence {
                operands(dst, a, b, then_dst, c, d)
                forms {
                    (Rs Slot Slot R Slot Slot) (Rs Slot Slot R Slot Acc) (Rs Slot Slot R Acc Slot)
                    (Rs Slot Slot Rs Slot Slot) (Rs Slot Slot Rs Slot Acc)
                    (Rs Slot Slot Rs Acc Slot) (Rs Slot Acc R Slot Slot) (Rs Slot Acc R Slot Acc)
                    (Rs Slot Acc R Acc Slot) (Rs Slot Acc Rs Slot Slot) (Rs Slot Acc Rs Slot Acc)
                    (Rs Slot Acc Rs Acc Slot) (Rs Acc Slot R Slot Slot) (Rs Acc Slot R Slot Acc)
                    (Rs Acc Slot R Acc Slot) (Rs Acc Slot Rs Slot Slot) (Rs Acc Slot Rs Slot Acc)
                    (Rs Acc Slot Rs Acc Slot)
                }
                sets {
                    F64ThenF64 { FloatBinary(F64Add F64Sub F64Mul) FloatBinary(F64Add F64Sub F64Mul) }
                }
            }

            /// An operation on floats, then a copy
            FloatThenCopy sequence {
                operands(dst, a, b, to, from)
                forms {
                    (Rs Slot Slot To Slot) (Rs Slot Slot To Acc) (Rs Slot Acc To Slot)
                    (Rs Slot Acc To Acc) (Rs Acc Slot To Slot) (Rs Acc Slot To Acc)
                }
                sets {
                    FloatThenCopy { FloatBinary(F64Add F64Sub F64Mul F64Div) CopyValue(IntCopy F64Copy) }
                }
            }
        }
    };
}
