//! The functions that programs import: of the host, from the module `host`, and of
//! another instance, from the module `peer` (see [`PEER`]).
//!
//! What they do is stated here, how is the business of who runs the programs:
//! each call is logged with its arguments, and the results depend on nothing but
//! the arguments (see [`HostFn::results`]), except where the name says otherwise.

use crate::ast::{Const, Ty};

/// A function of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostFn(u8);

/// What a function does besides logging its arguments and giving results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Grows the memory `memory` by the lowest bit of its argument; the result is
    /// the old size in pages, or -1.
    Grow,
    /// Writes its second argument, as a byte, to the memory `memory`, at its first
    /// argument modulo the memory's size.
    Poke,
    /// Calls the export `f0` with its argument, unless that has happened
    /// [`HostFn::MAX_NESTING`] times already; the result is that of `f0`, or -1
    /// when it traps or is not called.
    CallBack,
    /// Fails.
    Fail,
    /// It is a function of [`PEER`], and nobody logs it.
    Peer,
    /// The same, and it may call the export `f0`.
    PeerCallBack,
}

/// The module of which an instance is there before the program's, if the program
/// imports from it. Whoever runs programs puts the program's export `f0` into the
/// first element of the table `table`, if there is such an export.
///
/// It has a memory, a table and a global of its own, so that calls change what
/// memory 0 is, and it tail-calls the host and calls back indirectly.
pub const PEER: &str = r#"(module
    (type $unary (func (param i32) (result i32)))
    (import "host" "id_i64" (func $id (param i64) (result i64)))
    (memory (export "memory") 1 3)
    (table (export "table") 2 2 funcref)
    (global $counter (export "counter") (mut i32) (i32.const 3))
    (global $depth (mut i32) (i32.const 0))
    (elem (i32.const 1) $peek)
    (func (export "peer_bump") (param i32) (result i32)
      (global.set $counter (i32.add (global.get $counter) (local.get 0)))
      (i32.store (i32.shl (i32.and (global.get $counter) (i32.const 15)) (i32.const 2))
        (global.get $counter))
      (global.get $counter))
    (func $peek (export "peer_peek") (param i32) (result i32)
      (i32.load (i32.and (local.get 0) (i32.const 60))))
    (func (export "peer_tail") (param i64) (result i64)
      (return_call $id (i64.add (local.get 0) (i64.const 1))))
    (func (export "peer_pair") (param i32 i64 f64) (result f64 i64)
      (local.get 2)
      (i64.add (local.get 1) (i64.extend_i32_s (local.get 0))))
    (func (export "peer_grow") (param i32) (result i32)
      (memory.grow (i32.and (local.get 0) (i32.const 1))))
    (func (export "peer_back") (param i32) (result i32) (local i32)
      (if (i32.ge_u (global.get $depth) (i32.const 3)) (then (return (i32.const -1))))
      (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
      (local.set 1 (call_indirect (type $unary) (local.get 0) (i32.const 0)))
      (global.set $depth (i32.sub (global.get $depth) (i32.const 1)))
      (local.get 1))
    (func (export "peer_tail_back") (param i32) (result i32)
      (if (i32.ge_u (global.get $depth) (i32.const 3)) (then (return (i32.const -1))))
      (return_call_indirect (type $unary) (local.get 0) (i32.const 1))))"#;

struct Decl {
    name: &'static str,
    params: &'static [Ty],
    results: &'static [Ty],
    effect: Effect,
}

use Ty::{F32, F64, I32, I64};

const fn peer(name: &'static str, params: &'static [Ty], results: &'static [Ty]) -> Decl {
    Decl {
        effect: Effect::Peer,
        ..decl(name, params, results)
    }
}

const fn decl(name: &'static str, params: &'static [Ty], results: &'static [Ty]) -> Decl {
    let effect = Effect::None;
    Decl {
        name,
        params,
        results,
        effect,
    }
}

static DECLS: &[Decl] = &[
    decl("nop", &[], &[]),
    decl("log_i32", &[I32], &[]),
    decl("log_i64", &[I64], &[]),
    decl("log_f32", &[F32], &[]),
    decl("log_f64", &[F64], &[]),
    decl("id_i32", &[I32], &[I32]),
    decl("id_i64", &[I64], &[I64]),
    decl("id_f32", &[F32], &[F32]),
    decl("id_f64", &[F64], &[F64]),
    decl("mix", &[I32, I64, F32, F64], &[I32]),
    decl("log_pair", &[I64, I32], &[]),
    decl("pair", &[I32, I64], &[I64, I32]),
    decl("float_pair", &[F64, I32, F32], &[F32, F64]),
    decl("source", &[], &[I32, I64, F32]),
    decl(
        "many",
        &[
            I32, I64, F32, F64, I32, I64, F32, F64, I32, I32, I64, I64, F64, F64, F32, F32, I32,
            I64, I32, I64,
        ],
        &[I64, F64, F32, I32, I32, I32, I64, F64, I64, F32],
    ),
    decl(
        "few_to_many",
        &[I32],
        &[I32, I32, I64, F64, F32, I32, I64, I32, I64],
    ),
    Decl {
        name: "grow",
        params: &[I32],
        results: &[I32],
        effect: Effect::Grow,
    },
    Decl {
        name: "poke",
        params: &[I32, I32],
        results: &[],
        effect: Effect::Poke,
    },
    Decl {
        name: "call_back",
        params: &[I32],
        results: &[I32],
        effect: Effect::CallBack,
    },
    Decl {
        name: "fail",
        params: &[],
        results: &[],
        effect: Effect::Fail,
    },
    peer("peer_bump", &[I32], &[I32]),
    peer("peer_peek", &[I32], &[I32]),
    peer("peer_tail", &[I64], &[I64]),
    peer("peer_pair", &[I32, I64, F64], &[F64, I64]),
    peer("peer_grow", &[I32], &[I32]),
    peer("peer_tail_back", &[I32], &[I32]),
    Decl {
        effect: Effect::PeerCallBack,
        ..decl("peer_back", &[I32], &[I32])
    },
];

impl HostFn {
    /// How often [`Effect::CallBack`] may be inside itself.
    pub const MAX_NESTING: u32 = 3;

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..).zip(DECLS).map(|(index, _)| Self(index))
    }

    fn decl(self) -> &'static Decl {
        &DECLS[usize::from(self.0)]
    }

    /// The module it is imported from.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self.effect() {
            Effect::Peer | Effect::PeerCallBack => "peer",
            _ => "host",
        }
    }

    /// Whether it may call the program.
    #[must_use]
    pub fn calls_back(self) -> bool {
        matches!(self.effect(), Effect::CallBack | Effect::PeerCallBack)
    }

    /// The name it is imported by.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.decl().name
    }

    /// Its parameters.
    #[must_use]
    pub fn params(self) -> &'static [Ty] {
        self.decl().params
    }

    /// Its results.
    #[must_use]
    pub fn results_ty(self) -> &'static [Ty] {
        self.decl().results
    }

    /// What else it does.
    #[must_use]
    pub fn effect(self) -> Effect {
        self.decl().effect
    }

    /// The results for these arguments.
    ///
    /// A function whose arguments and results have the same types gives its
    /// arguments back; the others mix what they get. NaNs count as one.
    #[must_use]
    pub fn results(self, args: &[Const]) -> Vec<Const> {
        let decl = self.decl();
        if decl.params == decl.results {
            return args.to_vec();
        }
        let mut state = args.iter().fold(u64::from(self.0) + 1, |state, arg| {
            (state ^ canonical_bits(*arg))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
        decl.results
            .iter()
            .map(|ty| {
                state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31);
                let small = i16::from_le_bytes([state as u8, (state >> 8) as u8]);
                match ty {
                    Ty::I32 => Const::I32((state >> 7) as i32),
                    Ty::I64 => Const::I64(state as i64),
                    Ty::F32 => Const::F32((f32::from(small) / 4.0).to_bits()),
                    Ty::F64 => Const::F64((f64::from(small) / 8.0).to_bits()),
                    Ty::Func => Const::NullFunc,
                }
            })
            .collect()
    }
}

/// The bits of a value, the same for all NaNs of a type.
#[must_use]
pub fn canonical_bits(value: Const) -> u64 {
    match value {
        Const::I32(value) => u64::from(value.cast_unsigned()),
        Const::I64(value) => value.cast_unsigned(),
        Const::F32(bits) if f32::from_bits(bits).is_nan() => u64::from(f32::NAN.to_bits()),
        Const::F32(bits) => u64::from(bits),
        Const::F64(bits) if f64::from_bits(bits).is_nan() => f64::NAN.to_bits(),
        Const::F64(bits) => bits,
        Const::NullFunc => 0,
    }
}
