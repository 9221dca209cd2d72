//! The functions that execute a tile, and its parts.

use crate::generator::Random;
use crate::support::*;
use damson_executor::ir::*;

/// What [`nested`] would say of a single operation.
const NOT_NESTED: &[&[usize]] = &[&[]];

/// For each part of a tree, outermost first, which of its sources are parts in their turn.
fn nested(shape: Shape) -> &'static [&'static [usize]] {
    use Shape::*;
    match shape {
        BinBin | BinLoad | LoadBin | LoadLoad | CompareBin | CompareLoad | TestBin | TestLoad
        | StoreAt | FloatStoreAt | SelectCompare | SwitchLoad | SwitchBin | BinGlobal
        | CompareGlobal | TestGlobal | FloatCompareBin => &[&[0], &[]],
        BinRightBin | BinRightLoad | StoreBin | FloatStoreBin | StoreLoad | ReturnBin
        | ReturnLoad | GlobalSetBin | SelectBin => &[&[1], &[]],
        SelectRightBin => &[&[2], &[]],
        BinBothBin | BinLoadLoad | CompareLoadLoad => &[&[0, 1], &[], &[]],
        BinBinBin | BinBinLoad | LoadBinBin | TestBinLoad | CompareBinLoad | StoreAtBinBin => {
            &[&[0], &[0], &[]]
        }
        StoreBinLoad | GlobalSetBinGlobal | ReturnLoadLoad => &[&[1], &[0], &[]],
        other if other.is_sequence() => &[],
        other => panic!("which sources of {other:?} are parts has to be said here"),
    }
}

/// What an operand of a tile is to the part that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Position {
    part: Op,
    /// Which of the instructions of a sequence it belongs to.
    instruction: usize,
    name: &'static str,
    /// Whether it makes an address.
    pub(super) address: bool,
}

/// The operands of a tile, in the order of the table.
fn positions(op: Op) -> Vec<Position> {
    let mut found = Vec::new();
    for (number, instruction) in op.instructions().iter().enumerate() {
        let nested = instruction.shape().map_or(NOT_NESTED, nested);
        let parts = instruction.parts();
        collect(&parts, nested, number, &mut 0, false, &mut found);
    }
    assert_eq!(found.len(), op.family().info().operands.len(), "{op}");
    found
}

fn position(part: Op, instruction: usize, name: &'static str, address: bool) -> Position {
    Position {
        part,
        instruction,
        name,
        address: address || name == "addr",
    }
}

/// Notes the operands of the parts of an instruction, of which there may be several.
fn collect(
    parts: &[Op],
    nested: &[&[usize]],
    instruction: usize,
    next: &mut usize,
    address: bool,
    found: &mut Vec<Position>,
) {
    let index = *next;
    *next += 1;
    let mut source = 0;
    for name in parts[index].family().info().operands {
        if *name == "dst" {
            if index == 0 {
                found.push(position(parts[0], instruction, name, false));
            }
            continue;
        }
        let address = address || *name == "addr";
        if nested[index].contains(&source) {
            collect(parts, nested, instruction, next, address, found);
        } else {
            found.push(position(parts[index], instruction, name, address));
        }
        source += 1;
    }
}

/// Which accumulator holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Int,
    F32,
    F64,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Int, Self::F32, Self::F64];

    fn copy(self) -> CopyValue {
        match self {
            Self::Int => CopyValue::IntCopy,
            Self::F32 => CopyValue::F32Copy,
            Self::F64 => CopyValue::F64Copy,
        }
    }
}

impl Position {
    pub(super) fn class(&self) -> Class {
        let only_ints = ["addr", "index", "cond"].contains(&self.name);
        match self.part.name() {
            name if name.starts_with("f32.") && !only_ints => Class::F32,
            name if name.starts_with("f64.") && !only_ints => Class::F64,
            _ => Class::Int,
        }
    }
}

/// Whether the operation counts among those that can trap.
pub(super) fn traps(part: &Op) -> bool {
    matches!(
        part.family(),
        Family::Load | Family::IntStore | Family::FloatStore
    )
}

// The frame of a function: its parameters, the linkage, and then
/// the slots that the operands name,
pub(super) const WORK: u16 = 18;
/// how many there are (an operand of a tile at most has one of its own),
pub(super) const SLOTS: u16 = 10;
/// the accumulators,
const ACCS: u16 = WORK + SLOTS;
/// the globals,
const GLOBALS: u16 = ACCS + 3;
/// which way was taken;
pub(super) const WAY: u16 = GLOBALS + 2;
/// these are the results, and what follows is for parts.
const SCRATCH: u16 = WAY + 1;
pub(super) const RESULTS: u16 = SCRATCH - WORK;
/// Where the frame of a callee begins.
const CALLEE: u16 = SCRATCH + 12;
const FRAME: u32 = 64;

/// What functions begin with: the slots, the accumulators and the globals, then one more.
pub(super) const ARGUMENTS: usize = SLOTS as usize + 6;

/// The function that instructions call: it adds one to its parameter.
pub(super) const CALLED: u32 = 0;

/// The ways out of an instruction: on, or by one of its targets.
pub(super) const WAYS: usize = 5;
/// The offset that the first trap of an instruction reports.
pub(super) const FIRST_SITE: u32 = 100;

/// How operands share slots.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sharing {
    /// Each has its own.
    Apart,
    /// A result goes where an operand was, and the next instruction takes it there.
    Chained,
    /// All have the same.
    Same,
}

pub(super) const SHARINGS: [Sharing; 3] = [Sharing::Apart, Sharing::Chained, Sharing::Same];

/// The slot, counted from [`WORK`], of each operand that has one.
fn slots(opcode: Opcode, positions: &[Position], sharing: Sharing) -> Vec<u16> {
    let kinds = opcode.form().kinds;
    assert!(kinds.len() <= usize::from(SLOTS), "{opcode}");
    let is_later = |at: usize| positions[at].instruction > 0;
    let first_of =
        |wanted: fn(Kind) -> bool| (0..kinds.len()).find(|&at| !is_later(at) && wanted(kinds[at]));
    let source = first_of(|kind| kind == Kind::Slot);
    let result = first_of(|kind| matches!(kind, Kind::Rs | Kind::To));
    let slot = |at: usize| match (sharing, kinds[at]) {
        (Sharing::Apart, _) => at,
        (Sharing::Same, _) => 0,
        (Sharing::Chained, Kind::Rs | Kind::To) if !is_later(at) => source.unwrap_or(at),
        (Sharing::Chained, Kind::Slot) if is_later(at) && result.is_some() => {
            source.or(result).unwrap_or(at)
        }
        (Sharing::Chained, _) => at,
    };
    (0..kinds.len()).map(|at| slot(at) as u16).collect()
}

fn immediate(random: &mut Random, position: &Position) -> i32 {
    match position.class() {
        _ if position.address => random.choose(&[0, 1, 3, 8, 65530, -1]),
        Class::Int => random.choose(&[0, 1, 2, -1, 7, 31, 33, 65, i32::MIN, i32::MAX]),
        Class::F32 | Class::F64 => random
            .choose(&[0.0_f32, -0.0, 1.5, -2.5, 1e30, f32::INFINITY, f32::NAN])
            .to_bits()
            .cast_signed(),
    }
}

/// What a slot or an accumulator begins with.
pub(super) fn value(random: &mut Random, class: Class, address: bool) -> u64 {
    // A 32-bit value has noise above it, which must not matter.
    let narrow = |bits: u32| 0xdead_beef_0000_0000 | u64::from(bits);
    match class {
        Class::Int if address => narrow(match random.below(3) {
            0 => random.choose(&[65536, 65535, 65534, 65533, 65532, 65529, 65528, u32::MAX]),
            _ => random.choose(&[0, 1, 2, 3, 4, 8, 12, 28]),
        }),
        Class::Int => match random.below(4) {
            0 => random.choose(&[0, 1, 2]),
            1 => random.choose(&[0, 1, u64::MAX, 63, 65, 1 << 32, 1 << 63, i64::MAX as u64]),
            2 => narrow(random.choose(&[0, 1, 31, 33, 0x7fff_ffff, 0x8000_0000, u32::MAX])),
            _ => random.bits(),
        },
        Class::F32 => u64::from(
            random
                .choose(&[
                    0.0_f32,
                    -0.0,
                    1.5,
                    -2.5,
                    3e9,
                    -1e30,
                    f32::INFINITY,
                    f32::NAN,
                ])
                .to_bits(),
        ),
        Class::F64 => random
            .choose(&[
                0.0_f64,
                -0.0,
                1.5,
                -2.5,
                3e9,
                -1e300,
                f64::INFINITY,
                f64::NAN,
            ])
            .to_bits(),
    }
}

/// One way to fill in the operands of an opcode.
pub(super) struct Case {
    pub(super) opcode: Opcode,
    pub(super) positions: Vec<Position>,
    pub(super) slots: Vec<u16>,
    pub(super) immediates: Vec<i32>,
    pub(super) offsets: Vec<u32>,
}

impl Case {
    pub(super) fn new(random: &mut Random, opcode: Opcode, sharing: Sharing) -> Self {
        let positions = positions(opcode.op());
        let slots = slots(opcode, &positions, sharing);
        Self {
            opcode,
            slots,
            immediates: positions
                .iter()
                .map(|position| immediate(random, position))
                .collect(),
            offsets: positions
                .iter()
                .map(|_| random.choose(&[0, 0, 1, 4, 8, 65528, 65533, u32::MAX]))
                .collect(),
            positions,
        }
    }

    pub(super) fn kinds(&self) -> &'static [Kind] {
        self.opcode.form().kinds
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds().contains(&kind)
    }

    /// The operands; those that are counted come from elsewhere.
    fn operands(&self, code: &FunctionBuilder, ways: &[Label]) -> Vec<Operand> {
        let operand = |(at, kind): (usize, &Kind)| {
            let slot = Slot(WORK + self.slots[at]);
            Some(match kind {
                Kind::R => Operand::R,
                Kind::Rs => Operand::Rs(slot),
                Kind::To => Operand::To(slot),
                Kind::Slot => Operand::Slot(slot),
                Kind::Acc => Operand::Acc,
                Kind::Imm => Operand::Imm(self.immediates[at]),
                Kind::Offset => Operand::Offset(self.offsets[at]),
                Kind::BrIf => br_if(ways[1]),
                Kind::BrUnless => Operand::BrUnless(ways[1].into()),
                Kind::DefinedFunc => Operand::DefinedFunc(CALLED),
                Kind::Base => Operand::Base(Slot(CALLEE)),
                Kind::CalleeLinkage => Operand::CalleeLinkage(Slot(CALLEE + 1)),
                Kind::Target => Operand::Target(ways[1].into()),
                Kind::Linkage => code.linkage(),
                Kind::Global => Operand::Global(u32::from(self.slots[at] % 2)),
                Kind::GlobalMut => Operand::GlobalMut(u32::from(self.slots[at] % 2)),
                Kind::Targets => return None,
                other => panic!("{other:?} in a tile has to be understood here"),
            })
        };
        self.kinds()
            .iter()
            .enumerate()
            .filter_map(operand)
            .collect()
    }

    /// Appends a function; `body` is handed the operands, and the targets of a `br_table`.
    fn function(
        &self,
        module: &mut Module,
        ty: u32,
        body: impl FnOnce(&mut FunctionBuilder, &[Operand], &[Label]),
    ) -> u32 {
        module.func(ty, FRAME, |code| {
            let all = Operand::Count(SLOTS.into());
            code.op(CopySpan::CopySpan, &[span(WORK), span(0), all]);
            if self.has(Kind::Base) {
                code.op(CopyValue::IntCopy, &[to(CALLEE), s(0)]);
            }
            let globals = self.has(Kind::Global) || self.has(Kind::GlobalMut);
            for index in (0..2).filter(|_| globals) {
                let from = s(SLOTS + 3 + index);
                let global = Operand::GlobalMut(index.into());
                code.op(GlobalSet::IntGlobalSet, &[global, from]);
            }
            load_accs(code, SLOTS);
            let ways: [Label; WAYS] = std::array::from_fn(|_| code.new_label());
            let operands = self.operands(code, &ways);
            body(code, &operands, &ways[1..]);
            if self.has(Kind::Linkage) {
                return;
            }
            let end = code.new_label();
            let used = match () {
                () if self.has(Kind::Targets) => WAYS,
                () if [Kind::BrIf, Kind::BrUnless, Kind::Target]
                    .into_iter()
                    .any(|kind| self.has(kind)) =>
                {
                    2
                }
                () => 1,
            };
            for (number, way) in ways.into_iter().take(used).enumerate() {
                code.bind(way);
                code.op(CopyValue::IntCopy, &[to(WAY), imm(number as i32)]);
                if number + 1 < used {
                    code.op(Br::Br, &[Operand::Target(end.into())]);
                }
            }
            code.bind(end);
            for (at, class) in (ACCS..).zip(Class::ALL) {
                code.op(class.copy(), &[to(at), Operand::Acc]);
            }
            for index in (0..2).filter(|_| globals) {
                let global = Operand::Global(index.into());
                code.op(GlobalGet::IntGlobalGet, &[rs(GLOBALS + index), global]);
            }
            if !globals {
                code.op(Zero::Zero, &[span(GLOBALS), Operand::Count(2)]);
            }
            let count = Operand::Count(RESULTS.into());
            code.op(ReturnSpan::ReturnSpan, &[code.linkage(), span(WORK), count]);
        })
    }

    /// A function that executes the tile.
    pub(super) fn tile(&self, module: &mut Module, ty: u32) -> u32 {
        self.function(module, ty, |code, operands, targets| {
            let parts = self.opcode.op().parts();
            for site in 0..parts.iter().filter(|part| traps(part)).count() {
                code.mark_site(code.position(), site, FIRST_SITE + site as u32);
            }
            if self.has(Kind::Targets) {
                code.push_switch(self.opcode.op(), operands, targets)
                    .unwrap();
            } else {
                push_opcode(code, self.opcode, operands);
            }
        })
    }

    /// A function that executes its parts.
    pub(super) fn parts(&self, module: &mut Module, ty: u32) -> u32 {
        self.function(module, ty, |code, operands, targets| {
            let op = self.opcode.op();
            let mut parts = Parts {
                case: self,
                operands: operands.to_vec(),
                at: 0,
                next: 0,
                scratch: SCRATCH,
                accs: SLOTS,
                site: FIRST_SITE,
            };
            let instructions = op.instructions();
            for (index, &instruction) in instructions.iter().enumerate() {
                let count = instruction.family().info().operands.len();
                match instruction.shape() {
                    None => {
                        let own = &operands[parts.at..][..count];
                        parts.push(code, instruction, own, targets);
                        parts.at += count;
                    }
                    Some(_) => {
                        if index > 0 {
                            parts.save_accs(code);
                        }
                        parts.next = 0;
                        parts.tree(code, instruction, targets);
                    }
                }
            }
        })
    }
}

fn load_accs(code: &mut FunctionBuilder, from: u16) {
    for (at, class) in (from..).zip(Class::ALL) {
        code.op(class.copy(), &[Operand::R, s(at)]);
    }
}

/// Appends the parts of a tile as single instructions.
struct Parts<'a> {
    case: &'a Case,
    operands: Vec<Operand>,
    /// The operand that comes next.
    at: usize,
    /// The part of its tree that comes next.
    next: usize,
    /// A slot that nobody uses.
    scratch: u16,
    /// Where the accumulators are while the parts of a tree use them.
    accs: u16,
    /// What the next operation that can trap reports.
    site: u32,
}

impl Parts<'_> {
    fn push(
        &mut self,
        code: &mut FunctionBuilder,
        op: Op,
        operands: &[Operand],
        targets: &[Label],
    ) {
        if traps(&op) {
            code.mark_offset(self.site);
            self.site += 1;
        }
        match op.family() {
            Family::BrTable => {
                let at = code.push_switch(op, operands, targets);
                at.unwrap();
            }
            _ => code.op(op, operands),
        }
    }

    fn free_slot(&mut self) -> u16 {
        self.scratch += 1;
        self.scratch - 1
    }

    /// The next operand as a slot, if it is a value.
    fn leaf(&mut self, code: &mut FunctionBuilder) -> Option<Operand> {
        let operand = self.operands.get(self.at).copied();
        let class = self.case.positions[self.at].class();
        self.at += 1;
        Some(match operand? {
            Operand::Acc => s(self.accs + class as u16),
            constant @ Operand::Imm(_) => {
                let slot = self.free_slot();
                code.op(class.copy(), &[to(slot), constant]);
                s(slot)
            }
            other => other,
        })
    }

    /// Keeps the accumulators as they are, for a tree that is not the first instruction.
    fn save_accs(&mut self, code: &mut FunctionBuilder) {
        self.accs = self.scratch;
        for class in Class::ALL {
            let slot = self.free_slot();
            code.op(class.copy(), &[to(slot), Operand::Acc]);
        }
    }

    /// Appends the next part of a tree after those inside of it; tells where its value is, if
    /// that is not for the outermost part to say.
    fn tree(&mut self, code: &mut FunctionBuilder, op: Op, targets: &[Label]) -> Operand {
        let (parts, index) = (op.parts(), self.next);
        self.next += 1;
        let inner = nested(op.shape().expect("a tile"))[index];
        let result = self.free_slot();
        let mut operands = Vec::new();
        let mut source = 0;
        for name in parts[index].family().info().operands {
            if *name == "dst" && index > 0 {
                operands.push(rs(result));
                continue;
            }
            if *name != "dst" {
                source += 1;
            }
            if *name != "dst" && inner.contains(&(source - 1)) {
                let value = self.tree(code, op, targets);
                operands.push(value);
            } else {
                operands.extend(self.leaf(code));
            }
        }
        if index == 0 {
            // The parts have left something there.
            load_accs(code, self.accs);
        }
        self.push(code, parts[index], &operands, targets);
        s(result)
    }
}
