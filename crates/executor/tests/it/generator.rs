//! Random functions: mostly valid instructions with mostly valid operands.

use crate::support::*;
use damson_executor::ir::*;
use damson_executor::store::shape::{
    ConstExpr, ConstOp, ElementDecl, ElementItems, GlobalDecl, Import, ImportType, SegmentMode,
};
use damson_executor::store::types::{GlobalType, MemoryType, Mutability, RefType};
use damson_executor::store::{FuncType, ModuleShape, ValType};
use std::sync::Arc;

/// The source of choices: bytes as long as there are any, then numbers that look random and
/// are the same everywhere (splitmix64).
pub(crate) struct Random {
    bytes: Vec<u8>,
    next: usize,
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            bytes: Vec::new(),
            next: 0,
            state: seed,
        }
    }

    /// Choices as few bytes as possible each, so that a changed byte changes one of them.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            next: 0,
            state: bytes.len() as u64,
        }
    }

    /// So many bytes as a number, if they are there.
    fn take(&mut self, count: usize) -> Option<u64> {
        let taken = self.bytes.get(self.next..self.next + count)?;
        self.next += count;
        Some(
            taken
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte)),
        )
    }

    pub(crate) fn bits(&mut self) -> u64 {
        if let Some(bits) = self.take(8) {
            return bits;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let width = if end <= 1 << 8 { 1 } else { 2 };
        if let Some(choice) = self.take(width) {
            return choice as u32 % end.max(1);
        }
        (((self.bits() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// True in so many of 100 cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn choose<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    /// An argument or a stored value.
    pub(crate) fn value(&mut self) -> u64 {
        let edges = [
            0,
            1,
            2,
            3,
            8,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            1 << 63,
            u64::MAX,
        ];
        match self.below(4) {
            0 => self.choose(&edges),
            1 => u64::from(self.below(16)),
            2 => u64::from(self.below(1 << 17)),
            _ => self.bits(),
        }
    }
}

/// Types of the module's functions: any two of them with as many results may tail call.
pub(crate) fn types() -> [FuncType; 5] {
    [
        FuncType::new([], []),
        FuncType::new([I64; 2], [I64]),
        FuncType::new([I64], [I64; 3]),
        FuncType::new([I64; 5], []),
        FuncType::new([I64], [I64]),
    ]
}

/// Types of the imported functions, then of those that the module defines.
pub(crate) const IMPORTED: [u32; 3] = [1, 0, 2];
pub(crate) const DEFINED: [u32; 6] = [1, 0, 2, 3, 4, 1];

/// A module with something of every kind, of which memory 0, table 0 and global 0 are shared.
pub(crate) fn shape() -> Arc<ModuleShape> {
    let mut module = Module::default();
    for ty in types() {
        module.ty_of(&ty);
    }
    for ty in IMPORTED {
        module.import_func(ty);
    }
    module.import_memory(MEMORY);
    module.import_table(8);
    let import = Import {
        module: "host".into(),
        name: "global".into(),
        ty: ImportType::Global(GLOBAL),
    };
    let mut imports = module.shape.imports.into_vec();
    imports.push(import);
    module.shape.imports = imports.into();
    module.shape.globals = [GlobalDecl {
        ty: GLOBAL,
        init: None,
    }]
    .into();
    module.global(I64, constant(7));
    module.global(ValType::FuncRef, ConstExpr::new([ConstOp::RefFunc(4)]));
    module.memory(1, Some(2));
    module.table(RefType::Extern, 3, Some(5));
    module.table(RefType::Func, 4, Some(6));
    for ty in DEFINED {
        module.declare(ty);
    }
    module.fill_table(0, 0, &[0, 3, 4, 5, 6, 7]);
    module.elements(&[8, 0, 1]);
    let objects = ElementDecl {
        ty: RefType::Extern,
        items: ElementItems::Exprs([ConstExpr::new([ConstOp::RefNull])].into()),
        mode: SegmentMode::Passive,
    };
    let mut elements = module.shape.elements.into_vec();
    elements.push(objects);
    module.shape.elements = elements.into();
    module.data(b"some bytes to begin with");
    module.data(b"");
    module.shape.funcs = module.funcs.into();
    module.shape.check().unwrap();
    Arc::new(module.shape)
}

pub(crate) const MEMORY: MemoryType = MemoryType::new(1, Some(3));
pub(crate) const GLOBAL: GlobalType = GlobalType::new(I64, Mutability::Var);

/// What a generated function is like.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// Wrong operands and damaged cells occur.
    pub(crate) wild: bool,
}

struct Generator<'a> {
    random: &'a mut Random,
    style: Style,
    shape: &'a ModuleShape,
    ty: &'a FuncType,
    linkage: u16,
    frame: u16,
    labels: Vec<Label>,
    /// Which instructions take fuel.
    fuels: Vec<usize>,
}

/// Makes function `func_index` of [`shape`].
pub(crate) fn function(
    random: &mut Random,
    style: Style,
    shape: &ModuleShape,
    func_index: u32,
) -> Function {
    let ty = shape.func_type(func_index).unwrap();
    let linkage = ty.cells() as u16;
    let least = if style.wild { 0 } else { 8 };
    let frame = linkage + 2 + least + random.below(30) as u16;
    let mut code = FunctionBuilder::new(ty.params().len() as u16, ty.results().len() as u16);
    let len = 2 + random.below(40) as usize;
    let labels = (0..=len).map(|_| code.new_label()).collect();
    let mut generator = Generator {
        random,
        style,
        shape,
        ty,
        linkage,
        frame,
        labels,
        fuels: vec![0],
    };
    generator.body(&mut code, len);
    let mut function = code.finish(frame.into()).unwrap();
    if style.wild && random.percent(30) {
        damage(random, &mut function);
    }
    function
}

fn damage(random: &mut Random, function: &mut Function) {
    for _ in 0..=random.below(2) {
        let at = random.below(function.cells.len() as u32) as usize;
        let shift = 8 * random.below(8);
        match random.below(3) {
            0 => function.cells[at] ^= 1 << random.below(64),
            1 => function.cells[at] ^= (random.bits() & 0xff) << shift,
            _ => function.cells[at] = u64::from(random.below(Opcode::COUNT as u32)),
        }
    }
}

/// The opcodes of a family.
fn opcodes(family: &FamilyInfo) -> std::ops::Range<usize> {
    let first = usize::from(family.first);
    first..first + family.ops.len() * family.forms.len()
}

impl Generator<'_> {
    fn body(&mut self, code: &mut FunctionBuilder, len: usize) {
        // Instructions that take fuel are where branches back go.
        let marks: Vec<bool> = (0..len)
            .map(|at| at == 0 || self.random.percent(12))
            .collect();
        for (at, mark) in marks.into_iter().enumerate() {
            code.bind(self.labels[at]);
            if mark && !(self.style.wild && self.random.percent(3)) {
                self.fuels.push(at);
                code.op(
                    ConsumeFuel::ConsumeFuel,
                    &[Operand::Count(1 + self.random.below(3))],
                );
                if at == 0 {
                    self.clear(code, 0);
                }
                continue;
            }
            let opcode = self.opcode();
            self.instruction(code, opcode, at, len);
        }
        code.bind(self.labels[len]);
        match self.ty.results().len() {
            1 => {
                let class = self.random.choose(ReturnValue::ALL);
                let value = self.slot();
                code.op(class, &[code.linkage(), Operand::Slot(value)]);
            }
            _ => code.op(Return::Return, &[code.linkage()]),
        }
    }

    /// Makes what is in the frame above the parameters known: it would else depend on
    /// addresses that calls have left there.
    fn clear(&mut self, code: &mut FunctionBuilder, from: u16) {
        let params = self.ty.params().len() as u16;
        if from == 0 && params < self.linkage {
            let count = Operand::Count((self.linkage - params).into());
            code.op(Zero::Zero, &[span(params), count]);
        }
        let from = from.max(self.linkage + 2);
        let count = Operand::Count((self.frame.saturating_sub(from)).into());
        code.op(Zero::Zero, &[span(from), count]);
    }

    fn opcode(&mut self) -> Opcode {
        loop {
            // Small families are met as often as large ones, and every opcode in the end.
            let family = &FAMILIES[self.random.below(FAMILIES.len() as u32) as usize];
            let range = match self.random.percent(50) {
                true => opcodes(family),
                false => 0..Opcode::COUNT,
            };
            let number = range.start + self.random.below(range.len() as u32) as usize;
            let opcode = Opcode::new(number).unwrap();
            let op = opcode.op();
            let parts = op.parts();
            let decides = match op.shape().is_some_and(Shape::is_sequence) {
                true => parts[parts.len() - 1],
                false => parts[0],
            };
            let family = decides.family();
            // Terminators in the middle make the rest hard to reach.
            let rare = matches!(
                family,
                Family::Return
                    | Family::ReturnValue
                    | Family::ReturnSpan
                    | Family::Unreachable
                    | Family::ReturnCall
                    | Family::ReturnCallImport
                    | Family::ReturnCallIndirect
            );
            // With two NaNs, processor and compiler may choose one.
            let open = has_part(opcode, Family::FloatBinary) && !self.style.wild;
            if !open && (!rare || self.random.percent(25)) {
                return opcode;
            }
        }
    }

    fn wrong(&mut self) -> bool {
        self.style.wild && self.random.below(400) == 0
    }

    fn slot(&mut self) -> Slot {
        if self.wrong() {
            return Slot(self.random.below(80) as u16);
        }
        let count = self.frame - 2;
        if count == 0 {
            return Slot(0);
        }
        let slot = self.random.below(count.into()) as u16;
        Slot(if slot < self.linkage { slot } else { slot + 2 })
    }

    /// The first of `count` slots above the linkage, if there are so many.
    fn span(&mut self, count: u16) -> u16 {
        let free = (self.frame - self.linkage - 2).saturating_sub(count);
        self.linkage + 2 + self.random.below(u32::from(free) + 1) as u16
    }

    fn target(&mut self, at: usize, len: usize) -> Label {
        let ahead = at + 1 + self.random.below((len - at) as u32) as usize;
        let back = self.random.choose(&self.fuels);
        let any = self.random.below(len as u32) as usize;
        let index = if self.wrong() {
            any
        } else if self.random.percent(40) {
            back
        } else {
            ahead
        };
        self.labels[index.min(len)]
    }

    fn index(&mut self, len: usize) -> u32 {
        if self.wrong() {
            self.random.below(20)
        } else {
            self.random.below(len as u32)
        }
    }

    /// A function type with as many results as this function, if `tail`.
    fn callee(&mut self, funcs: std::ops::Range<u32>, tail: bool) -> u32 {
        let results = self.ty.results().len();
        for _ in 0..20 {
            let func = funcs.start + self.random.below(funcs.len() as u32);
            let ty = self.shape.func_type(func).unwrap();
            if !tail || ty.results().len() == results {
                return func;
            }
        }
        funcs.start
    }

    fn instruction(&mut self, code: &mut FunctionBuilder, opcode: Opcode, at: usize, len: usize) {
        let kinds = opcode.form().kinds;
        let has = |kind| kinds.contains(&kind);
        let tail = has(Kind::TailLinkage);
        let imported = IMPORTED.len() as u32;
        let funcs = imported + DEFINED.len() as u32;
        // What depends on each other is chosen first.
        let func = if has(Kind::ImportedFunc) {
            self.callee(0..imported, tail)
        } else {
            self.callee(imported..funcs, tail)
        };
        let type_index = self.shape.funcs[func as usize];
        let callee = self.shape.types[type_index as usize].clone();
        let count = match opcode.family() {
            Family::ReturnSpan => self.ty.results().len() as u16,
            Family::ConsumeFuel => 1,
            _ if tail => callee.params().len() as u16,
            _ => self.random.below(6) as u16,
        };
        // Some functions have no use for some instructions.
        let results = self.ty.results().len();
        let useless = tail && callee.results().len() != results
            || has_part(opcode, Family::ReturnValue) && results != 1;
        if useless && !self.style.wild {
            return;
        }
        let base = self.span(callee.cells() as u16);
        let ref_table = self.random.choose(&[(0, 1), (2, 1), (1, 2), (0, 1)]);
        let mut targets = Vec::new();
        let mut operands = Vec::new();
        for &kind in kinds {
            let operand = match kind {
                Kind::R => Operand::R,
                Kind::Acc => Operand::Acc,
                Kind::Rs => Operand::Rs(self.slot()),
                Kind::To => Operand::To(self.slot()),
                Kind::Slot => Operand::Slot(self.slot()),
                Kind::BrIf => Operand::BrIf(self.target(at, len).into()),
                Kind::BrUnless => Operand::BrUnless(self.target(at, len).into()),
                Kind::Target => Operand::Target(self.target(at, len).into()),
                Kind::Targets => {
                    targets = (0..=self.random.below(4))
                        .map(|_| self.target(at, len))
                        .collect();
                    continue;
                }
                Kind::Imm => Operand::Imm(self.random.value() as i32),
                Kind::Imm64 => Operand::Imm64(self.random.value()),
                Kind::Offset => Operand::Offset(self.offset()),
                Kind::MemOffset => Operand::MemOffset(self.index(2), self.offset()),
                Kind::Func => Operand::Func(self.index(self.shape.funcs.len())),
                Kind::DefinedFunc => Operand::DefinedFunc(func),
                Kind::ImportedFunc => Operand::ImportedFunc(func),
                Kind::Type => Operand::Type(type_index),
                Kind::Memory => Operand::Memory(self.index(2)),
                Kind::Table if has(Kind::Elem) => Operand::Table(ref_table.0),
                Kind::Table if opcode.family() == Family::TableCopy => {
                    Operand::Table(self.random.choose(&[0, 2]))
                }
                Kind::Table => Operand::Table(self.index(3)),
                Kind::FuncTable => Operand::FuncTable(self.random.choose(&[0, 0, 2])),
                Kind::Global => Operand::Global(self.index(3)),
                Kind::GlobalMut => Operand::GlobalMut(self.index(3)),
                Kind::Data => Operand::Data(self.index(2)),
                Kind::Elem => Operand::Elem(ref_table.1),
                Kind::Base => Operand::Base(Slot(base)),
                Kind::CalleeLinkage => Operand::CalleeLinkage(Slot(base + callee.cells() as u16)),
                Kind::TailLinkage => Operand::TailLinkage(Slot(callee.cells() as u16)),
                Kind::Linkage => code.linkage(),
                Kind::Span => Operand::Span(Slot(self.span(count))),
                Kind::Count => Operand::Count(count.into()),
            };
            operands.push(operand);
        }
        if has(Kind::Targets) {
            code.push_switch(opcode.op(), &operands, &targets).unwrap();
            return;
        }
        push_opcode(code, opcode, &operands);
        if has(Kind::Base) {
            self.clear(code, base + callee.cells() as u16);
        }
    }

    fn offset(&mut self) -> u32 {
        match self.random.below(10) {
            0 => self.random.value() as u32,
            _ => self.random.below(100),
        }
    }
}

/// Whether a tile has a part of the family.
fn has_part(opcode: Opcode, family: Family) -> bool {
    let parts = opcode.op().parts();
    parts.iter().any(|part| part.family() == family)
}
