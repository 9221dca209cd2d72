//! What is computed from the tables when the crate is compiled, so that an opcode is found and
//! understood in constant time.
//!
//! There are two directions: from an opcode to its form and what follows from that ([`Row`]),
//! and from an operation and the kinds of operands to an opcode, by hashing ([`find_opcode`]).

use crate::op::{FAMILIES, FAMILY_COUNT, FAMILY_ORDER, Family, Form, OPCODE_COUNT, Ops};
use crate::{Kind, Kinds, Opcode};

/// What is the same for all opcodes of one form of one family.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) form: &'static Form,
    pub(crate) family: Family,
    /// Number of cells, without the targets of a `br_table`.
    pub(crate) cells: u8,
    /// Number of bytes of the operands.
    pub(crate) bytes: u8,
    /// Whether control never reaches the instruction after this one.
    pub(crate) is_terminator: bool,
    /// At which bytes of the operands slots are that must be in the frame.
    slots: [u8; MAX_SLOTS],
    num_slots: u8,
    /// Whether the verifier looks at nothing else.
    pub(crate) has_slots_only: bool,
    /// At which byte of the operands the target of a branch is.
    pub(crate) target_at: Option<u8>,
    /// Whether memory 0 is accessed.
    pub(crate) uses_memory: bool,
    /// Whether the verifier looks at operands of other kinds.
    pub(crate) has_others: bool,
    /// Whether operands must be something together, or depend on the function's type.
    pub(crate) has_relations: bool,
    /// At which byte of the operands the number of targets is.
    pub(crate) targets_at: Option<u8>,
    /// At which byte of the operands the index of a function is that the module defines.
    pub(crate) defined_func_at: Option<u8>,
}

/// No form has more operands that are slots.
const MAX_SLOTS: usize = 8;

impl Row {
    /// At which bytes of the operands slots are that must be in the frame.
    pub(crate) fn slots(&self) -> &[u8] {
        &self.slots[..usize::from(self.num_slots)]
    }
}

/// What is the same for all opcodes of one family.
struct FamilyRow {
    /// Its first opcode.
    opcode: u16,
    /// Its first row in [`ROWS`].
    first: u16,
    /// Its first slot in [`SLOTS`], of which there are a power of two.
    slots: u16,
    mask: u8,
    /// The number of its forms.
    forms: u8,
}

/// The number of forms of all families.
const FORM_COUNT: usize = {
    let (mut sum, mut family) = (0, 0);
    while family < FAMILY_COUNT {
        sum += FAMILIES[family].forms.len();
        family += 1;
    }
    sum
};

/// Every form of every family.
static ROWS: [Row; FORM_COUNT] = ALL_ROWS;

const ALL_ROWS: [Row; FORM_COUNT] = {
    let mut rows = [const { row(0, 0) }; FORM_COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILY_COUNT {
        let mut form = 0;
        while form < FAMILIES[family].forms.len() {
            rows[at] = row(family, form);
            at += 1;
            form += 1;
        }
        family += 1;
    }
    rows
};

/// The kinds of operands of each row, by a number that differs for different kinds.
static KEYS: [u64; FORM_COUNT] = {
    let mut keys = [0; FORM_COUNT];
    let mut at = 0;
    while at < FORM_COUNT {
        keys[at] = ALL_ROWS[at].form.key;
        at += 1;
    }
    keys
};

/// The row of each opcode.
static ROW_OF: [u16; OPCODE_COUNT] = {
    let mut table = [0; OPCODE_COUNT];
    let (mut at, mut first, mut family) = (0, 0, 0);
    while family < FAMILY_COUNT {
        let (ops, forms) = (FAMILIES[family].ops.len(), FAMILIES[family].forms.len());
        let mut index = 0;
        while index < ops * forms {
            table[at] = (first + index % forms) as u16;
            at += 1;
            index += 1;
        }
        first += forms;
        family += 1;
    }
    table
};

/// For each family a hash table from kinds of operands to the index of a form.
static SLOTS: [u8; slots_before(FAMILY_COUNT)] = {
    let mut slots = [EMPTY; slots_before(FAMILY_COUNT)];
    let mut family = 0;
    while family < FAMILY_COUNT {
        let forms = FAMILIES[family].forms;
        let (first, count) = (slots_before(family), slot_count(forms.len()));
        let mut form = 0;
        while form < forms.len() {
            let mut slot = hash(forms[form].key) & (count - 1);
            while slots[first + slot] != EMPTY {
                slot = (slot + 1) & (count - 1);
            }
            slots[first + slot] = form as u8;
            form += 1;
        }
        family += 1;
    }
    slots
};

/// No form is there.
const EMPTY: u8 = u8::MAX;

static FAMILY_ROWS: [FamilyRow; FAMILY_COUNT] = {
    let mut rows = [const {
        FamilyRow {
            opcode: 0,
            first: 0,
            slots: 0,
            mask: 0,
            forms: 0,
        }
    }; FAMILY_COUNT];
    let (mut first, mut family) = (0, 0);
    while family < FAMILY_COUNT {
        let forms = FAMILIES[family].forms.len();
        assert!(forms < EMPTY as usize, "the index of a form fits 8 bits");
        rows[family] = FamilyRow {
            opcode: FAMILIES[family].first,
            first: first as u16,
            slots: slots_before(family) as u16,
            mask: (slot_count(forms) - 1) as u8,
            forms: forms as u8,
        };
        first += forms;
        family += 1;
    }
    rows
};

/// The size of the hash table of a family: at most half of it is full, so that a search for
/// what is not there ends.
const fn slot_count(forms: usize) -> usize {
    (2 * forms).next_power_of_two()
}

/// How many slots the families before this one have.
const fn slots_before(family: usize) -> usize {
    let (mut sum, mut index) = (0, 0);
    while index < family {
        sum += slot_count(FAMILIES[index].forms.len());
        index += 1;
    }
    sum
}

const fn hash(key: u64) -> usize {
    // The golden ratio, as is usual for multiplicative hashing.
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

const fn row(family: usize, index: usize) -> Row {
    let info = &FAMILIES[family];
    let form = &info.forms[index];
    let (is_terminator, mut has_relations) = match &info.ops {
        Ops::Single(_) => {
            let family = FAMILY_ORDER[family];
            (ends(family), relates(family))
        }
        // Only the last of a sequence and the outermost of a tree can be a terminator.
        Ops::Tiles { parts, .. } => {
            let (mut ends_so, mut relates_so, mut part) = (false, false, 0);
            while part < parts.len() {
                // The operations of a part belong to one family.
                let family = parts[part][0].family();
                ends_so |= ends(family);
                relates_so |= relates(family);
                part += 1;
            }
            (ends_so, relates_so)
        }
    };
    let (mut slots, mut num_slots) = ([0; MAX_SLOTS], 0);
    let (mut target_at, mut targets_at, mut defined_func_at) = (None, None, None);
    let (mut uses_memory, mut has_others) = (false, false);
    let (mut bytes, mut operand) = (0, 0);
    while operand < form.kinds.len() {
        match form.kinds[operand] {
            Kind::R | Kind::Acc | Kind::Imm | Kind::Imm64 | Kind::Count => {}
            Kind::Rs | Kind::To | Kind::Slot => {
                slots[num_slots] = bytes as u8;
                num_slots += 1;
            }
            Kind::BrIf | Kind::BrUnless | Kind::Target => {
                assert!(target_at.is_none(), "a form branches to one place");
                target_at = Some(bytes as u8);
            }
            Kind::Offset => uses_memory = true,
            Kind::DefinedFunc => {
                assert!(defined_func_at.is_none(), "a form calls one function");
                defined_func_at = Some(bytes as u8);
            }
            Kind::Targets => {
                targets_at = Some(bytes as u8);
                has_others = true;
            }
            // They depend on a callee.
            Kind::Base | Kind::CalleeLinkage | Kind::TailLinkage => has_relations = true,
            _ => has_others = true,
        }
        bytes += form.kinds[operand].bytes();
        operand += 1;
    }
    Row {
        form,
        family: FAMILY_ORDER[family],
        cells: (1 + bytes.div_ceil(8)) as u8,
        bytes: bytes as u8,
        is_terminator,
        slots,
        num_slots: num_slots as u8,
        has_slots_only: !(uses_memory || has_others || has_relations)
            && target_at.is_none()
            && defined_func_at.is_none(),
        target_at,
        uses_memory,
        has_others,
        has_relations,
        targets_at,
        defined_func_at,
    }
}

/// Whether control never reaches what follows an instruction of the family.
const fn ends(family: Family) -> bool {
    use Family::{
        Br, BrTable, Return, ReturnCall, ReturnCallImport, ReturnCallIndirect, ReturnSpan,
        ReturnValue, Unreachable,
    };
    matches!(
        family,
        Br | BrTable
            | Return
            | ReturnValue
            | ReturnSpan
            | ReturnCall
            | ReturnCallImport
            | ReturnCallIndirect
            | Unreachable
    )
}

/// Whether the verifier looks at the operands of the family together, too.
const fn relates(family: Family) -> bool {
    use Family::{ReturnSpan, ReturnValue, TableCopy, TableInit};
    matches!(family, ReturnValue | ReturnSpan | TableCopy | TableInit)
}

impl Opcode {
    /// What the tables say about the opcode.
    #[inline]
    pub(crate) fn row(self) -> &'static Row {
        &ROWS[usize::from(ROW_OF[self.number()])]
    }
}

/// The number of the opcode of the operation `index` of a family with operands of these kinds.
pub(crate) fn find_opcode(family: Family, index: u16, kinds: Kinds) -> Option<u16> {
    let row = &FAMILY_ROWS[family as usize];
    let (first, slots) = (usize::from(row.first), usize::from(row.slots));
    let mask = usize::from(row.mask);
    let mut slot = hash(kinds.key()) & mask;
    loop {
        match SLOTS[slots + slot] {
            EMPTY => return None,
            form if KEYS[first + usize::from(form)] == kinds.key() => {
                return Some(row.opcode + index * u16::from(row.forms) + u16::from(form));
            }
            _ => slot = (slot + 1) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_by_their_kinds_and_no_others_are() {
        for family in FAMILY_ORDER {
            let forms = family.info().forms;
            for (index, form) in forms.iter().enumerate() {
                let kinds = Kinds::of(form.kinds);
                let number = family.info().first + index as u16;
                assert_eq!(find_opcode(family, 0, kinds), Some(number), "{family:?}");
                // One operand more.
                let more = kinds.and(Kind::R);
                assert_eq!(find_opcode(family, 0, more), None, "{family:?}");
            }
        }
    }

    #[test]
    fn each_opcode_has_the_row_of_its_form() {
        for family in FAMILY_ORDER {
            let info = family.info();
            for number in 0..info.ops.len() * info.forms.len() {
                let opcode = Opcode::new(usize::from(info.first) + number).unwrap();
                let row = opcode.row();
                assert_eq!(row.family, family);
                assert_eq!(row.form.key, info.forms[number % info.forms.len()].key);
                let parts = opcode.op().parts();
                let any = |is: fn(Family) -> bool| parts.iter().any(|part| is(part.family()));
                assert_eq!(row.is_terminator, any(ends), "{opcode}");
                let depends = |kind: &Kind| {
                    matches!(kind, Kind::Base | Kind::CalleeLinkage | Kind::TailLinkage)
                };
                let depends = row.form.kinds.iter().any(depends);
                assert_eq!(row.has_relations, depends || any(relates), "{opcode}");
            }
        }
    }
}
