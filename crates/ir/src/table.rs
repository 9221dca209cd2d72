//! The instruction table: the one place that says which instructions exist.
//!
//! A *family* is a set of operations that share their operands. A *form* says
//! where each operand lives. Every operation of a family exists in every form,
//! so an opcode is the triple (family, operation, form) and nobody writes an
//! addressing form by hand.
//!
//! A row reads
//!
//! ```text
//! /// formula of the family
//! Family {
//!     ops { /// formula of the operation
//!           Variant "wasm.name" [semantics], ... }
//!     operands(name, ...)
//!     forms { (Kind ...) ... }
//! }
//! ```
//!
//! where `[semantics]` is what the executor turns into code:
//!
//! | semantics | meaning |
//! |---|---|
//! | `[f: a, b -> c]` | the function `damson_core::num::f` of two operands |
//! | `[f: a -> c]` | the function `damson_core::num::f` of one operand |
//! | `[load m -> c]` | read an `m` from memory, extend it to `c` |
//! | `[store c -> m]` | truncate a `c` to `m`, write it to memory |
//! | `[class c]` | the operation only moves a value of type `c` |
//! | `[]` | a single instruction whose handler is written out |
//!
//! The kinds of places are explained at [`Kind`](crate::Kind).

/// Calls the macro `$then` with the whole instruction table.
///
/// This is how opcodes, encoder, decoder, disassembler and verifier (here) and
/// the handler table (in the executor) are derived from one declaration.
#[macro_export]
macro_rules! instruction_table {
    ($then:ident) => {
        $then! {
            /// `dst = lhs op rhs` on integers. Division and remainder trap.
            IntBinary {
                ops {
                    /// `lhs + rhs`, wrapping.
                    I32Add "i32.add" [i32_add: i32, i32 -> i32],
                    /// `lhs - rhs`, wrapping.
                    I32Sub "i32.sub" [i32_sub: i32, i32 -> i32],
                    /// `lhs * rhs`, wrapping.
                    I32Mul "i32.mul" [i32_mul: i32, i32 -> i32],
                    /// `lhs / rhs`, signed, rounded toward zero; traps.
                    I32DivS "i32.div_s" [i32_div_s: i32, i32 -> i32],
                    /// `lhs / rhs`, unsigned; traps.
                    I32DivU "i32.div_u" [i32_div_u: i32, i32 -> i32],
                    /// `lhs % rhs`, sign of the dividend; traps.
                    I32RemS "i32.rem_s" [i32_rem_s: i32, i32 -> i32],
                    /// `lhs % rhs`, unsigned; traps.
                    I32RemU "i32.rem_u" [i32_rem_u: i32, i32 -> i32],
                    /// `lhs & rhs`.
                    I32And "i32.and" [i32_and: i32, i32 -> i32],
                    /// `lhs | rhs`.
                    I32Or "i32.or" [i32_or: i32, i32 -> i32],
                    /// `lhs ^ rhs`.
                    I32Xor "i32.xor" [i32_xor: i32, i32 -> i32],
                    /// `lhs << (rhs mod 32)`.
                    I32Shl "i32.shl" [i32_shl: i32, i32 -> i32],
                    /// `lhs >> (rhs mod 32)`, arithmetic.
                    I32ShrS "i32.shr_s" [i32_shr_s: i32, i32 -> i32],
                    /// `lhs >> (rhs mod 32)`, logical.
                    I32ShrU "i32.shr_u" [i32_shr_u: i32, i32 -> i32],
                    /// `lhs` rotated left by `rhs mod 32`.
                    I32Rotl "i32.rotl" [i32_rotl: i32, i32 -> i32],
                    /// `lhs` rotated right by `rhs mod 32`.
                    I32Rotr "i32.rotr" [i32_rotr: i32, i32 -> i32],
                    /// `lhs + rhs`, wrapping.
                    I64Add "i64.add" [i64_add: i64, i64 -> i64],
                    /// `lhs - rhs`, wrapping.
                    I64Sub "i64.sub" [i64_sub: i64, i64 -> i64],
                    /// `lhs * rhs`, wrapping.
                    I64Mul "i64.mul" [i64_mul: i64, i64 -> i64],
                    /// `lhs / rhs`, signed, rounded toward zero; traps.
                    I64DivS "i64.div_s" [i64_div_s: i64, i64 -> i64],
                    /// `lhs / rhs`, unsigned; traps.
                    I64DivU "i64.div_u" [i64_div_u: i64, i64 -> i64],
                    /// `lhs % rhs`, sign of the dividend; traps.
                    I64RemS "i64.rem_s" [i64_rem_s: i64, i64 -> i64],
                    /// `lhs % rhs`, unsigned; traps.
                    I64RemU "i64.rem_u" [i64_rem_u: i64, i64 -> i64],
                    /// `lhs & rhs`.
                    I64And "i64.and" [i64_and: i64, i64 -> i64],
                    /// `lhs | rhs`.
                    I64Or "i64.or" [i64_or: i64, i64 -> i64],
                    /// `lhs ^ rhs`.
                    I64Xor "i64.xor" [i64_xor: i64, i64 -> i64],
                    /// `lhs << (rhs mod 64)`.
                    I64Shl "i64.shl" [i64_shl: i64, i64 -> i64],
                    /// `lhs >> (rhs mod 64)`, arithmetic.
                    I64ShrS "i64.shr_s" [i64_shr_s: i64, i64 -> i64],
                    /// `lhs >> (rhs mod 64)`, logical.
                    I64ShrU "i64.shr_u" [i64_shr_u: i64, i64 -> i64],
                    /// `lhs` rotated left by `rhs mod 64`.
                    I64Rotl "i64.rotl" [i64_rotl: i64, i64 -> i64],
                    /// `lhs` rotated right by `rhs mod 64`.
                    I64Rotr "i64.rotr" [i64_rotr: i64, i64 -> i64],
                }
                operands(dst, lhs, rhs)
                forms {
                    (R Slot Slot) (R Slot Acc) (R Acc Slot) (R Slot Imm) (R Acc Imm) (R Imm Slot) (R Imm Acc)
                    (Rs Slot Slot) (Rs Slot Acc) (Rs Acc Slot) (Rs Slot Imm) (Rs Acc Imm) (Rs Imm Slot) (Rs Imm Acc)
                }
            }

            /// `dst = lhs op rhs` on floats.
            FloatBinary {
                ops {
                    /// `lhs + rhs`.
                    F32Add "f32.add" [f32_add: f32, f32 -> f32],
                    /// `lhs - rhs`.
                    F32Sub "f32.sub" [f32_sub: f32, f32 -> f32],
                    /// `lhs * rhs`.
                    F32Mul "f32.mul" [f32_mul: f32, f32 -> f32],
                    /// `lhs / rhs`.
                    F32Div "f32.div" [f32_div: f32, f32 -> f32],
                    /// The lesser; NaN if either is.
                    F32Min "f32.min" [f32_min: f32, f32 -> f32],
                    /// The greater; NaN if either is.
                    F32Max "f32.max" [f32_max: f32, f32 -> f32],
                    /// `lhs` with the sign of `rhs`.
                    F32Copysign "f32.copysign" [f32_copysign: f32, f32 -> f32],
                    /// `lhs + rhs`.
                    F64Add "f64.add" [f64_add: f64, f64 -> f64],
                    /// `lhs - rhs`.
                    F64Sub "f64.sub" [f64_sub: f64, f64 -> f64],
                    /// `lhs * rhs`.
                    F64Mul "f64.mul" [f64_mul: f64, f64 -> f64],
                    /// `lhs / rhs`.
                    F64Div "f64.div" [f64_div: f64, f64 -> f64],
                    /// The lesser; NaN if either is.
                    F64Min "f64.min" [f64_min: f64, f64 -> f64],
                    /// The greater; NaN if either is.
                    F64Max "f64.max" [f64_max: f64, f64 -> f64],
                    /// `lhs` with the sign of `rhs`.
                    F64Copysign "f64.copysign" [f64_copysign: f64, f64 -> f64],
                }
                operands(dst, lhs, rhs)
                forms {
                    (R Slot Slot) (R Slot Acc) (R Acc Slot) (R Slot Imm) (R Acc Imm) (R Imm Slot) (R Imm Acc)
                    (Rs Slot Slot) (Rs Slot Acc) (Rs Acc Slot) (Rs Slot Imm) (Rs Acc Imm) (Rs Imm Slot) (Rs Imm Acc)
                }
            }

            /// `dst = lhs op rhs` as 0 or 1, or a branch on it, on integers.
            IntCompare {
                ops {
                    /// `lhs == rhs`.
                    I32Eq "i32.eq" [i32_eq: i32, i32 -> bool],
                    /// `lhs != rhs`.
                    I32Ne "i32.ne" [i32_ne: i32, i32 -> bool],
                    /// `lhs < rhs`, signed.
                    I32LtS "i32.lt_s" [i32_lt_s: i32, i32 -> bool],
                    /// `lhs < rhs`, unsigned.
                    I32LtU "i32.lt_u" [i32_lt_u: i32, i32 -> bool],
                    /// `lhs > rhs`, signed.
                    I32GtS "i32.gt_s" [i32_gt_s: i32, i32 -> bool],
                    /// `lhs > rhs`, unsigned.
                    I32GtU "i32.gt_u" [i32_gt_u: i32, i32 -> bool],
                    /// `lhs <= rhs`, signed.
                    I32LeS "i32.le_s" [i32_le_s: i32, i32 -> bool],
                    /// `lhs <= rhs`, unsigned.
                    I32LeU "i32.le_u" [i32_le_u: i32, i32 -> bool],
                    /// `lhs >= rhs`, signed.
                    I32GeS "i32.ge_s" [i32_ge_s: i32, i32 -> bool],
                    /// `lhs >= rhs`, unsigned.
                    I32GeU "i32.ge_u" [i32_ge_u: i32, i32 -> bool],
                    /// `lhs == rhs`.
                    I64Eq "i64.eq" [i64_eq: i64, i64 -> bool],
                    /// `lhs != rhs`.
                    I64Ne "i64.ne" [i64_ne: i64, i64 -> bool],
                    /// `lhs < rhs`, signed.
                    I64LtS "i64.lt_s" [i64_lt_s: i64, i64 -> bool],
                    /// `lhs < rhs`, unsigned.
                    I64LtU "i64.lt_u" [i64_lt_u: i64, i64 -> bool],
                    /// `lhs > rhs`, signed.
                    I64GtS "i64.gt_s" [i64_gt_s: i64, i64 -> bool],
                    /// `lhs > rhs`, unsigned.
                    I64GtU "i64.gt_u" [i64_gt_u: i64, i64 -> bool],
                    /// `lhs <= rhs`, signed.
                    I64LeS "i64.le_s" [i64_le_s: i64, i64 -> bool],
                    /// `lhs <= rhs`, unsigned.
                    I64LeU "i64.le_u" [i64_le_u: i64, i64 -> bool],
                    /// `lhs >= rhs`, signed.
                    I64GeS "i64.ge_s" [i64_ge_s: i64, i64 -> bool],
                    /// `lhs >= rhs`, unsigned.
                    I64GeU "i64.ge_u" [i64_ge_u: i64, i64 -> bool],
                }
                operands(dst, lhs, rhs)
                forms {
                    (R Slot Slot) (R Slot Acc) (R Acc Slot) (R Slot Imm) (R Acc Imm)
                    (Rs Slot Slot) (Rs Slot Acc) (Rs Acc Slot) (Rs Slot Imm) (Rs Acc Imm)
                    (BrIf Slot Slot) (BrIf Slot Acc) (BrIf Acc Slot) (BrIf Slot Imm) (BrIf Acc Imm)
                }
            }

            /// `dst = lhs op rhs` as 0 or 1, or a branch on it, on floats.
            FloatCompare {
                ops {
                    /// `lhs == rhs`.
                    F32Eq "f32.eq" [f32_eq: f32, f32 -> bool],
                    /// `lhs != rhs`.
                    F32Ne "f32.ne" [f32_ne: f32, f32 -> bool],
                    /// `lhs < rhs`.
                    F32Lt "f32.lt" [f32_lt: f32, f32 -> bool],
                    /// `lhs > rhs`.
                    F32Gt "f32.gt" [f32_gt: f32, f32 -> bool],
                    /// `lhs <= rhs`.
                    F32Le "f32.le" [f32_le: f32, f32 -> bool],
                    /// `lhs >= rhs`.
                    F32Ge "f32.ge" [f32_ge: f32, f32 -> bool],
                    /// `lhs == rhs`.
                    F64Eq "f64.eq" [f64_eq: f64, f64 -> bool],
                    /// `lhs != rhs`.
                    F64Ne "f64.ne" [f64_ne: f64, f64 -> bool],
                    /// `lhs < rhs`.
                    F64Lt "f64.lt" [f64_lt: f64, f64 -> bool],
                    /// `lhs > rhs`.
                    F64Gt "f64.gt" [f64_gt: f64, f64 -> bool],
                    /// `lhs <= rhs`.
                    F64Le "f64.le" [f64_le: f64, f64 -> bool],
                    /// `lhs >= rhs`.
                    F64Ge "f64.ge" [f64_ge: f64, f64 -> bool],
                }
                operands(dst, lhs, rhs)
                forms {
                    (R Slot Slot) (R Slot Acc) (R Acc Slot) (R Slot Imm) (R Acc Imm)
                    (Rs Slot Slot) (Rs Slot Acc) (Rs Acc Slot) (Rs Slot Imm) (Rs Acc Imm)
                    (BrIf Slot Slot) (BrIf Slot Acc) (BrIf Acc Slot) (BrIf Slot Imm) (BrIf Acc Imm)
                    (BrUnless Slot Slot) (BrUnless Slot Acc) (BrUnless Acc Slot) (BrUnless Slot Imm) (BrUnless Acc Imm)
                }
            }

            /// `dst = op(src)` as 0 or 1, or a branch on it. References are 64-bit cells, so
            /// `ref.is_null` is `i64.eqz`.
            IntTest {
                ops {
                    /// `src == 0`.
                    I32Eqz "i32.eqz" [i32_eqz: i32 -> bool],
                    /// `src == 0`.
                    I64Eqz "i64.eqz" [i64_eqz: i64 -> bool],
                    /// `src != 0`: what `br_if` and `if` test.
                    I32Nez "i32.nez" [i32_nez: i32 -> bool],
                    /// `src != 0`.
                    I64Nez "i64.nez" [i64_nez: i64 -> bool],
                }
                operands(dst, src)
                forms { (R Slot) (R Acc) (Rs Slot) (Rs Acc) (BrIf Slot) (BrIf Acc) }
            }

            /// `dst = op(src)`. Conversions from floats may trap.
            Unary {
                ops {
                    /// Leading zero bits.
                    I32Clz "i32.clz" [i32_clz: i32 -> i32],
                    /// Trailing zero bits.
                    I32Ctz "i32.ctz" [i32_ctz: i32 -> i32],
                    /// One bits.
                    I32Popcnt "i32.popcnt" [i32_popcnt: i32 -> i32],
                    /// Low 8 bits, sign-extended.
                    I32Extend8S "i32.extend8_s" [i32_extend8_s: i32 -> i32],
                    /// Low 16 bits, sign-extended.
                    I32Extend16S "i32.extend16_s" [i32_extend16_s: i32 -> i32],
                    /// Leading zero bits.
                    I64Clz "i64.clz" [i64_clz: i64 -> i64],
                    /// Trailing zero bits.
                    I64Ctz "i64.ctz" [i64_ctz: i64 -> i64],
                    /// One bits.
                    I64Popcnt "i64.popcnt" [i64_popcnt: i64 -> i64],
                    /// Low 8 bits, sign-extended.
                    I64Extend8S "i64.extend8_s" [i64_extend8_s: i64 -> i64],
                    /// Low 16 bits, sign-extended.
                    I64Extend16S "i64.extend16_s" [i64_extend16_s: i64 -> i64],
                    /// Low 32 bits, sign-extended.
                    I64Extend32S "i64.extend32_s" [i64_extend32_s: i64 -> i64],
                    /// Low 32 bits.
                    I32WrapI64 "i32.wrap_i64" [i32_wrap_i64: i64 -> i32],
                    /// Sign-extended.
                    I64ExtendI32S "i64.extend_i32_s" [i64_extend_i32_s: i32 -> i64],
                    /// Zero-extended.
                    I64ExtendI32U "i64.extend_i32_u" [i64_extend_i32_u: i32 -> i64],
                    /// Sign bit cleared.
                    F32Abs "f32.abs" [f32_abs: f32 -> f32],
                    /// Sign bit flipped.
                    F32Neg "f32.neg" [f32_neg: f32 -> f32],
                    /// Rounded up.
                    F32Ceil "f32.ceil" [f32_ceil: f32 -> f32],
                    /// Rounded down.
                    F32Floor "f32.floor" [f32_floor: f32 -> f32],
                    /// Rounded toward zero.
                    F32Trunc "f32.trunc" [f32_trunc: f32 -> f32],
                    /// Rounded to nearest, ties to even.
                    F32Nearest "f32.nearest" [f32_nearest: f32 -> f32],
                    /// Square root.
                    F32Sqrt "f32.sqrt" [f32_sqrt: f32 -> f32],
                    /// Sign bit cleared.
                    F64Abs "f64.abs" [f64_abs: f64 -> f64],
                    /// Sign bit flipped.
                    F64Neg "f64.neg" [f64_neg: f64 -> f64],
                    /// Rounded up.
                    F64Ceil "f64.ceil" [f64_ceil: f64 -> f64],
                    /// Rounded down.
                    F64Floor "f64.floor" [f64_floor: f64 -> f64],
                    /// Rounded toward zero.
                    F64Trunc "f64.trunc" [f64_trunc: f64 -> f64],
                    /// Rounded to nearest, ties to even.
                    F64Nearest "f64.nearest" [f64_nearest: f64 -> f64],
                    /// Square root.
                    F64Sqrt "f64.sqrt" [f64_sqrt: f64 -> f64],
                    /// Rounded to single precision.
                    F32DemoteF64 "f32.demote_f64" [f32_demote_f64: f64 -> f32],
                    /// Widened exactly.
                    F64PromoteF32 "f64.promote_f32" [f64_promote_f32: f32 -> f64],
                    /// Truncated, signed; traps.
                    I32TruncF32S "i32.trunc_f32_s" [i32_trunc_f32_s: f32 -> i32],
                    /// Truncated, unsigned; traps.
                    I32TruncF32U "i32.trunc_f32_u" [i32_trunc_f32_u: f32 -> i32],
                    /// Truncated, signed; traps.
                    I32TruncF64S "i32.trunc_f64_s" [i32_trunc_f64_s: f64 -> i32],
                    /// Truncated, unsigned; traps.
                    I32TruncF64U "i32.trunc_f64_u" [i32_trunc_f64_u: f64 -> i32],
                    /// Truncated, signed; traps.
                    I64TruncF32S "i64.trunc_f32_s" [i64_trunc_f32_s: f32 -> i64],
                    /// Truncated, unsigned; traps.
                    I64TruncF32U "i64.trunc_f32_u" [i64_trunc_f32_u: f32 -> i64],
                    /// Truncated, signed; traps.
                    I64TruncF64S "i64.trunc_f64_s" [i64_trunc_f64_s: f64 -> i64],
                    /// Truncated, unsigned; traps.
                    I64TruncF64U "i64.trunc_f64_u" [i64_trunc_f64_u: f64 -> i64],
                    /// Truncated, signed, saturating.
                    I32TruncSatF32S "i32.trunc_sat_f32_s" [i32_trunc_sat_f32_s: f32 -> i32],
                    /// Truncated, unsigned, saturating.
                    I32TruncSatF32U "i32.trunc_sat_f32_u" [i32_trunc_sat_f32_u: f32 -> i32],
                    /// Truncated, signed, saturating.
                    I32TruncSatF64S "i32.trunc_sat_f64_s" [i32_trunc_sat_f64_s: f64 -> i32],
                    /// Truncated, unsigned, saturating.
                    I32TruncSatF64U "i32.trunc_sat_f64_u" [i32_trunc_sat_f64_u: f64 -> i32],
                    /// Truncated, signed, saturating.
                    I64TruncSatF32S "i64.trunc_sat_f32_s" [i64_trunc_sat_f32_s: f32 -> i64],
                    /// Truncated, unsigned, saturating.
                    I64TruncSatF32U "i64.trunc_sat_f32_u" [i64_trunc_sat_f32_u: f32 -> i64],
                    /// Truncated, signed, saturating.
                    I64TruncSatF64S "i64.trunc_sat_f64_s" [i64_trunc_sat_f64_s: f64 -> i64],
                    /// Truncated, unsigned, saturating.
                    I64TruncSatF64U "i64.trunc_sat_f64_u" [i64_trunc_sat_f64_u: f64 -> i64],
                    /// Nearest float, signed.
                    F32ConvertI32S "f32.convert_i32_s" [f32_convert_i32_s: i32 -> f32],
                    /// Nearest float, unsigned.
                    F32ConvertI32U "f32.convert_i32_u" [f32_convert_i32_u: i32 -> f32],
                    /// Nearest float, signed.
                    F32ConvertI64S "f32.convert_i64_s" [f32_convert_i64_s: i64 -> f32],
                    /// Nearest float, unsigned.
                    F32ConvertI64U "f32.convert_i64_u" [f32_convert_i64_u: i64 -> f32],
                    /// Nearest float, signed.
                    F64ConvertI32S "f64.convert_i32_s" [f64_convert_i32_s: i32 -> f64],
                    /// Nearest float, unsigned.
                    F64ConvertI32U "f64.convert_i32_u" [f64_convert_i32_u: i32 -> f64],
                    /// Nearest float, signed.
                    F64ConvertI64S "f64.convert_i64_s" [f64_convert_i64_s: i64 -> f64],
                    /// Nearest float, unsigned.
                    F64ConvertI64U "f64.convert_i64_u" [f64_convert_i64_u: i64 -> f64],
                    /// The same bits.
                    I32ReinterpretF32 "i32.reinterpret_f32" [i32_reinterpret_f32: f32 -> i32],
                    /// The same bits.
                    I64ReinterpretF64 "i64.reinterpret_f64" [i64_reinterpret_f64: f64 -> i64],
                    /// The same bits.
                    F32ReinterpretI32 "f32.reinterpret_i32" [f32_reinterpret_i32: i32 -> f32],
                    /// The same bits.
                    F64ReinterpretI64 "f64.reinterpret_i64" [f64_reinterpret_i64: i64 -> f64],
                }
                operands(dst, src)
                forms { (R Slot) (R Acc) (Rs Slot) (Rs Acc) }
            }

            /// `dst = memory[addr + at]`. Traps out of bounds.
            Load {
                ops {
                    /// 4 bytes.
                    I32Load "i32.load" [load u32 -> u32],
                    /// 1 byte, sign-extended.
                    I32Load8S "i32.load8_s" [load i8 -> i32],
                    /// 1 byte.
                    I32Load8U "i32.load8_u" [load u8 -> u32],
                    /// 2 bytes, sign-extended.
                    I32Load16S "i32.load16_s" [load i16 -> i32],
                    /// 2 bytes.
                    I32Load16U "i32.load16_u" [load u16 -> u32],
                    /// 8 bytes.
                    I64Load "i64.load" [load u64 -> u64],
                    /// 1 byte, sign-extended.
                    I64Load8S "i64.load8_s" [load i8 -> i64],
                    /// 1 byte.
                    I64Load8U "i64.load8_u" [load u8 -> u64],
                    /// 2 bytes, sign-extended.
                    I64Load16S "i64.load16_s" [load i16 -> i64],
                    /// 2 bytes.
                    I64Load16U "i64.load16_u" [load u16 -> u64],
                    /// 4 bytes, sign-extended.
                    I64Load32S "i64.load32_s" [load i32 -> i64],
                    /// 4 bytes.
                    I64Load32U "i64.load32_u" [load u32 -> u64],
                    /// 4 bytes.
                    F32Load "f32.load" [load f32 -> f32],
                    /// 8 bytes.
                    F64Load "f64.load" [load f64 -> f64],
                }
                operands(dst, addr, at)
                forms {
                    (R Slot Offset) (R Acc Offset) (R Imm Offset)
                    (Rs Slot Offset) (Rs Acc Offset) (Rs Imm Offset)
                    (R Slot MemOffset) (Rs Slot MemOffset) (R Acc MemOffset) (Rs Acc MemOffset)
                }
            }

            /// `memory[addr + at] = value` for integers. Traps out of bounds. Constants of
            /// float type are stored as the integers of the same bits.
            IntStore {
                ops {
                    /// 4 bytes.
                    I32Store "i32.store" [store u32 -> u32],
                    /// The low byte.
                    I32Store8 "i32.store8" [store u32 -> u8],
                    /// The low 2 bytes.
                    I32Store16 "i32.store16" [store u32 -> u16],
                    /// 8 bytes.
                    I64Store "i64.store" [store i64 -> i64],
                    /// The low byte.
                    I64Store8 "i64.store8" [store i64 -> u8],
                    /// The low 2 bytes.
                    I64Store16 "i64.store16" [store i64 -> u16],
                    /// The low 4 bytes.
                    I64Store32 "i64.store32" [store i64 -> u32],
                }
                operands(addr, value, at)
                forms {
                    (Slot Slot Offset) (Slot Acc Offset) (Slot Imm Offset)
                    (Acc Slot Offset) (Acc Imm Offset)
                    (Imm Slot Offset) (Imm Acc Offset) (Imm Imm Offset)
                    (Slot Slot MemOffset) (Slot Acc MemOffset) (Slot Imm MemOffset) (Acc Slot MemOffset) (Acc Imm MemOffset)
                }
            }

            /// `memory[addr + at] = value` for floats. Traps out of bounds.
            FloatStore {
                ops {
                    /// 4 bytes.
                    F32Store "f32.store" [store f32 -> f32],
                    /// 8 bytes.
                    F64Store "f64.store" [store f64 -> f64],
                }
                operands(addr, value, at)
                forms {
                    (Slot Slot Offset) (Slot Acc Offset)
                    (Acc Slot Offset) (Acc Acc Offset)
                    (Imm Slot Offset) (Imm Acc Offset)
                    (Slot Slot MemOffset) (Slot Acc MemOffset) (Acc Slot MemOffset) (Acc Acc MemOffset)
                }
            }

            /// `dst = src`. With the destination `To` no accumulator changes.
            CopyValue {
                ops {
                    /// An integer or a reference.
                    IntCopy "copy" [class i64],
                    /// A single-precision float.
                    F32Copy "f32.copy" [class f32],
                    /// A double-precision float.
                    F64Copy "f64.copy" [class f64],
                }
                operands(dst, src)
                forms {
                    (To Slot) (To Acc) (To Imm) (To Imm64)
                    (R Slot) (R Imm) (R Imm64)
                    (Rs Slot) (Rs Imm) (Rs Imm64)
                }
            }

            /// Sets `count` slots from `dst` on to zero; no accumulator changes. What a function
            /// begins with if its locals need their initial value.
            Zero {
                ops {
                    /// `slots[dst..][..count] = 0`.
                    Zero "zero" [],
                }
                operands(dst, count)
                forms { (Span Count) }
            }

            /// Copies `count` slots from `src` on to `dst` on; the spans may overlap.
            CopySpan {
                ops {
                    /// `slots[dst..][..count] = slots[src..][..count]`.
                    CopySpan "copy_span" [],
                }
                operands(dst, src, count)
                forms { (Span Span Count) }
            }

            /// `dst = if cond != 0 { lhs } else { rhs }` for integers and references.
            IntSelect {
                ops {
                    /// An integer or a reference.
                    IntSelect "select" [class i64],
                }
                operands(dst, cond, lhs, rhs)
                forms {
                    (R Slot Slot Slot) (R Slot Slot Imm) (R Slot Imm Slot) (R Slot Imm Imm)
                    (R Acc Slot Slot) (R Acc Slot Imm) (R Acc Imm Slot) (R Acc Imm Imm)
                    (R Slot Acc Slot) (R Slot Slot Acc)
                    (Rs Slot Slot Slot) (Rs Slot Slot Imm) (Rs Slot Imm Slot) (Rs Slot Imm Imm)
                    (Rs Acc Slot Slot) (Rs Acc Slot Imm) (Rs Acc Imm Slot) (Rs Acc Imm Imm)
                    (Rs Slot Acc Slot) (Rs Slot Slot Acc)
                }
            }

            /// `dst = if cond != 0 { lhs } else { rhs }` for floats.
            FloatSelect {
                ops {
                    /// A single-precision float.
                    F32Select "f32.select" [class f32],
                    /// A double-precision float.
                    F64Select "f64.select" [class f64],
                }
                operands(dst, cond, lhs, rhs)
                forms {
                    (R Slot Slot Slot) (R Slot Acc Slot) (R Slot Slot Acc)
                    (R Acc Slot Slot) (R Acc Acc Slot) (R Acc Slot Acc)
                    (Rs Slot Slot Slot) (Rs Slot Acc Slot) (Rs Slot Slot Acc)
                    (Rs Acc Slot Slot) (Rs Acc Acc Slot) (Rs Acc Slot Acc)
                }
            }

            /// `dst = globals[global]`.
            GlobalGet {
                ops {
                    /// An integer or a reference.
                    IntGlobalGet "global.get" [class i64],
                    /// A single-precision float.
                    F32GlobalGet "f32.global.get" [class f32],
                    /// A double-precision float.
                    F64GlobalGet "f64.global.get" [class f64],
                }
                operands(dst, global)
                forms { (R Global) (Rs Global) }
            }

            /// `globals[global] = value`.
            GlobalSet {
                ops {
                    /// An integer or a reference.
                    IntGlobalSet "global.set" [class i64],
                    /// A single-precision float.
                    F32GlobalSet "f32.global.set" [class f32],
                    /// A double-precision float.
                    F64GlobalSet "f64.global.set" [class f64],
                }
                operands(global, value)
                forms { (GlobalMut Slot) (GlobalMut Acc) (GlobalMut Imm) }
            }

            /// Jumps to `target`.
            Br {
                ops {
                    /// `goto target`.
                    Br "br" [],
                }
                operands(target)
                forms { (Target) }
            }

            /// Jumps to `targets[min(index, last)]`.
            BrTable {
                ops {
                    /// `goto targets[min(index, last)]`, the index is an unsigned 32-bit integer.
                    BrTable "br_table" [],
                }
                operands(index, targets)
                forms { (Slot Targets) (Acc Targets) }
            }

            /// Traps.
            Unreachable {
                ops {
                    /// The trap of the Wasm instruction of that name.
                    Unreachable "unreachable" [],
                }
                operands()
                forms { () }
            }

            /// Takes `amount` units of fuel; traps when there are fewer.
            ConsumeFuel {
                ops {
                    /// `fuel -= amount`.
                    ConsumeFuel "consume_fuel" [],
                }
                operands(amount)
                forms { (Count) }
            }

            /// Lets others interrupt the code.
            CheckEpoch {
                ops {
                    /// Leaves the loop if the epoch has reached the store's deadline.
                    CheckEpoch "check_epoch" [],
                }
                operands()
                forms { () }
            }

            /// Returns; the results are in the slots from 0 on.
            Return {
                ops {
                    /// Leaves the frame.
                    Return "return" [],
                }
                operands(linkage)
                forms { (Linkage) }
            }

            /// Returns one result, in slot 0 and in the accumulator of its type.
            ReturnValue {
                ops {
                    /// An integer or a reference.
                    IntReturn "return" [class i64],
                    /// A single-precision float.
                    F32Return "f32.return" [class f32],
                    /// A double-precision float.
                    F64Return "f64.return" [class f64],
                }
                operands(linkage, value)
                forms { (Linkage Slot) (Linkage Acc) (Linkage Imm) (Linkage Imm64) }
            }

            /// Returns `count` results that are in the slots from `src` on.
            ReturnSpan {
                ops {
                    /// `slots[0..count] = slots[src..][..count]`, then leaves the frame.
                    ReturnSpan "return_span" [],
                }
                operands(linkage, src, count)
                forms { (Linkage Span Count) }
            }

            /// Calls a function that the same module defines.
            Call {
                ops {
                    /// Arguments and results are in the slots from `base` on.
                    Call "call" [],
                }
                operands(func, base, linkage)
                forms { (DefinedFunc Base CalleeLinkage) }
            }

            /// Calls an imported function.
            CallImport {
                ops {
                    /// Arguments and results are in the slots from `base` on.
                    CallImport "call_import" [],
                }
                operands(func, base, linkage)
                forms { (ImportedFunc Base CalleeLinkage) }
            }

            /// Calls `table[index]` if it has type `ty`.
            CallIndirect {
                ops {
                    /// Arguments and results are in the slots from `base` on.
                    CallIndirect "call_indirect" [],
                }
                operands(index, table, ty, base, linkage)
                forms { (Slot FuncTable Type Base CalleeLinkage) (Acc FuncTable Type Base CalleeLinkage) (Imm FuncTable Type Base CalleeLinkage) }
            }

            /// Replaces the frame by a call of a function that the same module defines.
            ReturnCall {
                ops {
                    /// Moves `count` arguments from `src` on to slot 0 on, then jumps.
                    ReturnCall "return_call" [],
                }
                operands(func, linkage, src, count, callee_linkage)
                forms { (DefinedFunc Linkage Span Count TailLinkage) }
            }

            /// Replaces the frame by a call of an imported function.
            ReturnCallImport {
                ops {
                    /// Moves `count` arguments from `src` on to slot 0 on, then jumps.
                    ReturnCallImport "return_call_import" [],
                }
                operands(func, linkage, src, count, callee_linkage)
                forms { (ImportedFunc Linkage Span Count TailLinkage) }
            }

            /// Replaces the frame by a call of `table[index]` if it has type `ty`.
            ReturnCallIndirect {
                ops {
                    /// Moves `count` arguments from `src` on to slot 0 on, then jumps.
                    ReturnCallIndirect "return_call_indirect" [],
                }
                operands(index, table, ty, linkage, src, count, callee_linkage)
                forms {
                    (Slot FuncTable Type Linkage Span Count TailLinkage)
                    (Acc FuncTable Type Linkage Span Count TailLinkage)
                }
            }

            /// `dst = ref.func func`.
            RefFunc {
                ops {
                    /// A reference to a function of the instance.
                    RefFunc "ref.func" [],
                }
                operands(dst, func)
                forms { (R Func) (Rs Func) }
            }

            /// `dst = size of the memory in pages`.
            MemorySize {
                ops {
                    /// In pages of 64 KiB.
                    MemorySize "memory.size" [],
                }
                operands(dst, memory)
                forms { (R Memory) (Rs Memory) }
            }

            /// Grows a memory by `delta` pages; the old size, or -1, is the result.
            MemoryGrow {
                ops {
                    /// Leaves the dispatch loop: the store's limiter is asked.
                    MemoryGrow "memory.grow" [],
                }
                operands(dst, memory, delta)
                forms { (Rs Memory Slot) }
            }

            /// `memory[dst..][..len] = value`.
            MemoryFill {
                ops {
                    /// Traps out of bounds before anything is written.
                    MemoryFill "memory.fill" [],
                }
                operands(memory, dst, value, len)
                forms { (Memory Slot Slot Slot) }
            }

            /// `to[dst..][..len] = from[src..][..len]`.
            MemoryCopy {
                ops {
                    /// Traps out of bounds before anything is written.
                    MemoryCopy "memory.copy" [],
                }
                operands(to, from, dst, src, len)
                forms { (Memory Memory Slot Slot Slot) }
            }

            /// `memory[dst..][..len] = data[src..][..len]`.
            MemoryInit {
                ops {
                    /// Traps out of bounds before anything is written.
                    MemoryInit "memory.init" [],
                }
                operands(memory, data, dst, src, len)
                forms { (Memory Data Slot Slot Slot) }
            }

            /// Drops a data segment.
            DataDrop {
                ops {
                    /// The segment is empty afterwards.
                    DataDrop "data.drop" [],
                }
                operands(data)
                forms { (Data) }
            }

            /// `dst = table[index]`.
            TableGet {
                ops {
                    /// Traps out of bounds.
                    TableGet "table.get" [],
                }
                operands(dst, table, index)
                forms { (R Table Slot) (Rs Table Slot) }
            }

            /// `table[index] = value`.
            TableSet {
                ops {
                    /// Traps out of bounds.
                    TableSet "table.set" [],
                }
                operands(table, index, value)
                forms { (Table Slot Slot) }
            }

            /// `dst = number of elements of the table`.
            TableSize {
                ops {
                    /// In elements.
                    TableSize "table.size" [],
                }
                operands(dst, table)
                forms { (R Table) (Rs Table) }
            }

            /// Grows a table by `delta` elements `value`; the old size, or -1, is the result.
            TableGrow {
                ops {
                    /// Leaves the dispatch loop: the store's limiter is asked.
                    TableGrow "table.grow" [],
                }
                operands(dst, table, value, delta)
                forms { (Rs Table Slot Slot) }
            }

            /// `table[dst..][..len] = value`.
            TableFill {
                ops {
                    /// Traps out of bounds before anything is written.
                    TableFill "table.fill" [],
                }
                operands(table, dst, value, len)
                forms { (Table Slot Slot Slot) }
            }

            /// `to[dst..][..len] = from[src..][..len]`.
            TableCopy {
                ops {
                    /// Traps out of bounds before anything is written.
                    TableCopy "table.copy" [],
                }
                operands(to, from, dst, src, len)
                forms { (Table Table Slot Slot Slot) }
            }

            /// `table[dst..][..len] = elements[src..][..len]`.
            TableInit {
                ops {
                    /// Traps out of bounds before anything is written.
                    TableInit "table.init" [],
                }
                operands(table, elem, dst, src, len)
                forms { (Table Elem Slot Slot Slot) }
            }

            /// Drops an element segment.
            ElemDrop {
                ops {
                    /// The segment is empty afterwards.
                    ElemDrop "elem.drop" [],
                }
                operands(elem)
                forms { (Elem) }
            }
        }
    };
}
