//! From a seed to a program.
//!
//! First the declarations are drawn (types, globals, tables, memory), then each
//! function's body against them ([`func`]), then what the host calls.
//!
//! # Invariants
//!
//! - Function 0 takes and gives an `i32`: it is what the host calls back.
//! - Result types come from a short list that the host's functions share, so that
//!   tail calls find partners.

mod consts;
mod control;
mod effect;
mod frame;
mod func;
mod memory;
mod rules;
mod run;
mod shape;
mod tile;
mod value;

use crate::ast::{Func, Global, Invocation, Memory, Program, Sig, Table, Ty};
use crate::build::func::FuncGen;
use crate::host::HostFn;
use crate::rng::Rng;

/// What bodies may refer to.
pub(crate) struct Env {
    pub(crate) sigs: Vec<Sig>,
    pub(crate) globals: Vec<Global>,
    pub(crate) memories: usize,
    pub(crate) tables: usize,
    pub(crate) data: usize,
    pub(crate) elements: usize,
}

impl Program {
    /// The program of a seed; the same seed gives the same program.
    #[must_use]
    pub fn generate(seed: u64) -> Self {
        Self::draw(&mut Rng::new(seed))
    }

    /// The program that these bytes stand for: each is a choice, and when they are
    /// used up, a seed that the first eight are makes the rest.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::draw(&mut Rng::from_bytes(bytes))
    }

    fn draw(rng: &mut Rng) -> Self {
        let count = 2 + rng.below(5);
        let mut sigs = vec![Sig {
            params: vec![Ty::I32],
            results: vec![Ty::I32],
        }];
        sigs.extend((1..count).map(|_| sig(rng)));
        let globals: Vec<_> = (0..2 + rng.below(5))
            .map(|_| {
                let ty = rng.number_ty();
                Global {
                    init: rng.constant(ty),
                    mutable: rng.chance(85),
                }
            })
            .collect();
        let tables: Vec<_> = (0..1 + rng.below(2)).map(|_| table(rng, count)).collect();
        let memories: Vec<_> = (0..rng.weighted(&[(70, 1), (30, 2)]))
            .map(|_| memory(rng))
            .collect();
        let data: Vec<_> = (0..1 + rng.below(2)).map(|_| bytes(rng)).collect();
        let elements: Vec<_> = (0..1 + rng.below(2))
            .map(|_| elements(rng, count))
            .collect();
        let env = Env {
            sigs,
            globals,
            memories: memories.len(),
            tables: tables.len(),
            data: data.len(),
            elements: elements.len(),
        };
        let funcs: Vec<_> = (0..count).map(|index| body(rng, &env, index)).collect();
        let invocations = invocations(rng, &funcs);
        Self {
            funcs,
            globals: env.globals,
            memories,
            tables,
            data,
            elements,
            invocations,
        }
    }
}

fn body(rng: &mut Rng, env: &Env, index: usize) -> Func {
    let budget = rng.weighted(&[(30, 12), (40, 30), (25, 70), (5, 250)]);
    FuncGen::new(rng, env, index, budget).func()
}

fn invocations(rng: &mut Rng, funcs: &[Func]) -> Vec<Invocation> {
    let mut calls = Vec::new();
    for (func, Func { sig, .. }) in funcs.iter().enumerate() {
        for _ in 0..1 + rng.below(2) {
            let args = sig.params.iter().map(|ty| rng.constant(*ty)).collect();
            calls.push(Invocation { func, args });
        }
    }
    calls
}

fn sig(rng: &mut Rng) -> Sig {
    let results = match rng.below(20) {
        0 => (0..2 + rng.below(12)).map(|_| rng.ty()).collect(),
        1..=6 => {
            let hosts: Vec<_> = HostFn::all().collect();
            rng.pick(&hosts).results_ty().to_vec()
        }
        7..=9 => rng
            .pick(&[vec![Ty::I32, Ty::I32], vec![Ty::I64, Ty::I64]])
            .clone(),
        10..=11 => Vec::new(),
        _ => vec![rng.number_ty()],
    };
    let params = match rng.below(12) {
        0 => (0..8 + rng.below(20)).map(|_| rng.ty()).collect(),
        1..=3 => Vec::new(),
        _ => (0..rng.below(5)).map(|_| rng.ty()).collect(),
    };
    Sig { params, results }
}

fn table(rng: &mut Rng, funcs: usize) -> Table {
    Table {
        elements: elements(rng, funcs),
        maximum: 12,
    }
}

fn elements(rng: &mut Rng, funcs: usize) -> Vec<Option<usize>> {
    (0..3 + rng.below(6))
        .map(|_| rng.chance(85).then(|| rng.below(funcs)))
        .collect()
}

fn memory(rng: &mut Rng) -> Memory {
    let minimum = rng.weighted(&[(80, 1), (10, 0), (10, 2)]);
    let active = if minimum == 0 {
        Vec::new()
    } else {
        (0..1 + rng.below(2))
            .map(|_| (rng.below(64) as i32, bytes(rng)))
            .collect()
    };
    Memory {
        minimum,
        maximum: minimum + rng.below(4) as u64,
        active,
    }
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    (0..8 + rng.below(64)).map(|_| rng.bits() as u8).collect()
}

impl Rng {
    /// A type of numbers.
    pub(crate) fn number_ty(&mut self) -> Ty {
        self.weighted(&[(40, Ty::I32), (30, Ty::I64), (13, Ty::F32), (17, Ty::F64)])
    }

    /// A type.
    pub(crate) fn ty(&mut self) -> Ty {
        if self.chance(4) {
            Ty::Func
        } else {
            self.number_ty()
        }
    }
}
