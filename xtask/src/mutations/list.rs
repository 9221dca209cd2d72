//! The mistakes, one per row.
//!
//! Each is one that somebody could make in good faith, in the classes that have hurt
//! interpreters most: a value read after its place was overwritten, a check that is off
//! by one, an order that nobody keeps, a bill that nobody sends. A row whose text is no
//! longer found is an error: it has to follow the code.

/// A change of one place in the sources that makes Damson wrong.
pub(super) struct Mutation {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is wrong then.
    pub(super) mistake: &'static str,
    /// The file, from the workspace's root.
    pub(super) file: &'static str,
    /// Text that occurs once in it.
    pub(super) find: &'static str,
    /// What stands there instead; [`SWITCH`] in it is true when the mistake is made.
    pub(super) replace: &'static str,
}

impl Mutation {
    /// The package that the file belongs to.
    pub(super) fn package(&self) -> &'static str {
        match self.file.split('/').nth(1) {
            Some("core") => "damson-core",
            Some("ir") => "damson-ir",
            Some("executor") => "damson-executor",
            Some("translator") => "damson-translator",
            _ => "damson",
        }
    }
}

/// Stands for the question whether the mistake is switched on.
pub(super) const SWITCH: &str = "MISTAKE";

/// Declares the table.
macro_rules! mutations {
    ($( $name:literal in $file:literal: $mistake:literal; $find:literal => $replace:literal; )*) => {
        &[$( Mutation { name: $name, mistake: $mistake, file: $file, find: $find, replace: $replace } ),*]
    };
}

/// All of them. Those of one package stand together, which saves builds.
pub(super) const MUTATIONS: &[Mutation] = mutations! {
    "preserve-locals" in "crates/translator/src/func/flush.rs":
        "a local is overwritten while the stack still names its old value";
        "if position != except && self.stack.names(position, local, slot)"
        => "if !MISTAKE && position != except && self.stack.names(position, local, slot)";
    "preserve-trees" in "crates/translator/src/func/select.rs":
        "a pending operation does not say which locals it reads";
        "self.stack.note_use(local, base);"
        => "if !MISTAKE { self.stack.note_use(local, base); }";
    "preserve-merged" in "crates/translator/src/func/tile.rs":
        "a tile does not say which locals a tree read that became part of it";
        "self.stack.note_use(local, base);"
        => "if !MISTAKE { self.stack.note_use(local, base); }";
    "stale-accumulator" in "crates/translator/src/func/emit.rs":
        "the accumulator counts as equal to a slot that was written since";
        "*known = if *known == slot { NONE }"
        => "*known = if *known == slot && !MISTAKE { NONE }";
    "accumulator-at-label" in "crates/translator/src/func/emit.rs":
        "what an accumulator holds is believed across a label";
        "        self.builder.bind(label);\n        self.known.forget();"
        => "        self.builder.bind(label);\n        if !MISTAKE { self.known.forget(); }";
    "trap-past-store" in "crates/translator/src/func/memory.rs":
        "a pending load or division is evaluated after a later store";
        "        self.settle_ordered(base)?;\n        let consumer"
        => "        if !MISTAKE { self.settle_ordered(base)?; }\n        let consumer";
    "global-past-set" in "crates/translator/src/func/memory.rs":
        "a pending `global.get` is evaluated after a later `global.set`";
        "        self.settle_ordered(top)?;\n        let op = class.global_set();"
        => "        if !MISTAKE { self.settle_ordered(top)?; }\n        let op = class.global_set();";
    "trap-past-branch" in "crates/translator/src/func/control.rs":
        "a taken `br_if` skips a trap that stands before it";
        "        self.settle_ordered(top)?;\n        if !returns"
        => "        if !MISTAKE { self.settle_ordered(top)?; }\n        if !returns";
    "reader-of-home" in "crates/translator/src/func/flush.rs":
        "a home is overwritten that a pending operation still reads";
        "            self.settle_unread(position)?;\n        }\n        self.chain = chain;"
        => "            if !MISTAKE { self.settle_unread(position)?; }\n        }\n        self.chain = chain;";
    "callee-frame" in "crates/translator/src/func/flush.rs":
        "a pending operation below a call reads a slot that the callee overwrites";
        "            if reads_callee {"
        => "            if reads_callee && !MISTAKE {";
    "operand-order" in "crates/translator/src/func/select.rs":
        "a comparison with a constant on the left is not mirrored";
        "self.push_reordered(mirrored, ValType::I32, REVERSED)"
        => "self.push_reordered(mirrored, ValType::I32, if MISTAKE { &IN_ORDER[..2] } else { REVERSED })";
    "tree-leaves" in "crates/translator/src/func/stack.rs":
        "a tree counts as naming a local only if one of its first two operands does";
        ".is_some_and(|tree| tree.leaves().contains(&Operand::Slot(slot)))"
        => ".is_some_and(|tree| tree.leaves().iter().take(if MISTAKE { 2 } else { 8 }).any(|leaf| *leaf == Operand::Slot(slot)))";
    "tree-owner" in "crates/translator/src/func/stack.rs":
        "an accumulator is overwritten that a pending tree reads";
        "        if tree.accs != 0 {"
        => "        if tree.accs != 0 && !MISTAKE {";
    "reader-reach" in "crates/translator/src/func/flush.rs":
        "a home is overwritten that a tree reads whose other operands lie between";
        "        let below = position.saturating_sub(REACH)..position;"
        => "        let below = position.saturating_sub(if MISTAKE { 1 } else { REACH })..position;";
    "read-past-trap" in "crates/translator/src/func/flush.rs":
        "a read from memory becomes part of a tile before a division that comes first";
        "(!op.only_reads() || self.stack.ordered_traps(base))"
        => "(!op.only_reads() || !MISTAKE && self.stack.ordered_traps(base))";
    "tiles-in-circles" in "crates/translator/src/func/tile.rs":
        "a tile takes an accumulator over although a pending tree reads its home";
        "        match self.stack.owns_above(base) {"
        => "        match !MISTAKE && self.stack.owns_above(base) {";
    "tile-order" in "crates/translator/src/func/tile.rs":
        "a tile takes the operands of a mirrored operation in the order of the stack";
        "tree.push_leaf(*places.get(source)?, "
        => "tree.push_leaf(*places.get(if MISTAKE { index } else { source })?, ";
    "tile-sites" in "crates/translator/src/func/tile.rs":
        "a tile forgets where its second operand is in the binary";
        "                tree.sites.try_extend_from_slice(&other_tree.sites).ok()?;"
        => "                if !MISTAKE { tree.sites.try_extend_from_slice(&other_tree.sites).ok()?; }";
    "sequence-sites" in "crates/translator/src/func/emit.rs":
        "a sequence forgets where its second instruction is in the binary";
        "        for offset in sites {"
        => "        for offset in sites.iter().filter(|_| !(MISTAKE && self.parts.len() > 1)) {";
    "sequence-over-label" in "crates/translator/src/func/emit.rs":
        "two instructions become one although code jumps between them";
        "if self.end != builder.position() || builder.is_bound_after(self.at) {"
        => "if self.end != builder.position() || !MISTAKE && builder.is_bound_after(self.at) {";
    "accumulator-of-another" in "crates/translator/src/func/emit.rs":
        "a slot is taken from an accumulator of another type, which holds something else";
        "                && self.holds(*class, slot)"
        => "                && (self.holds(*class, slot) || MISTAKE && Class::ALL.iter().any(|class| self.holds(*class, slot)))";
    "tile-effects" in "crates/translator/src/func/emit.rs":
        "what the instruction of a tree writes is not noted";
        "        self.known.note_result(dst, Some(root.result_class()));"
        => "        if !MISTAKE { self.known.note_result(dst, Some(root.result_class())); }";
    "locals-not-cleared" in "crates/translator/src/func/locals.rs":
        "a local set on one way only counts as set on all";
        "                *set_in = 0;"
        => "                if !MISTAKE { *set_in = 0; }";
    "br-table-arm" in "crates/translator/src/func/control.rs":
        "arms of a `br_table` that move values share one way";
        "            control.shim = None;"
        => "            if !MISTAKE { control.shim = None; }";
    "free-loop" in "crates/translator/src/func/control.rs":
        "a loop charges nothing for its rounds";
        "            self.bind(label);\n        }\n        self.charge()?;\n"
        => "            self.bind(label);\n        }\n        if !MISTAKE { self.charge()?; }\n";
    "merged-locals" in "crates/translator/src/func/tile.rs":
        "a tile forgets which locals the tree that it takes over reads";
        "        if consumer.order[first] > 0 {"
        => "        if consumer.order[first] > 0 && !MISTAKE {";
    "carry-label" in "crates/translator/src/func/carry.rs":
        "a loop reads the accumulator although others jump to its beginning";
        "        if !self.is_alone(label, start, at) {"
        => "        if !MISTAKE && !self.is_alone(label, start, at) {";
    "copied-on-the-way-out" in "crates/translator/src/func/control.rs":
        "what a branch copies on its way out counts as copied where code goes on";
        "        self.known = known;"
        => "        if !MISTAKE { self.known = known; }";
    "waits-below-branch" in "crates/translator/src/func/control.rs":
        "a value below those of a branch comes home over them";
        "        if from != control.height {\n            // Nobody"
        => "        if from != control.height && !MISTAKE {\n            // Nobody";
    "compare-writes-acc" in "crates/translator/src/func/emit.rs":
        "a comparison of floats writes an accumulator that another value waits for";
        "            if op.form_of(kinds).is_none() {"
        => "            let split = MISTAKE && tree.shape == Some(damson_ir::Shape::FloatCompareBin) && dst.target().is_none();\n            if split || op.form_of(kinds).is_none() {";
    "accumulator-after-call" in "crates/translator/src/func/call.rs":
        "what an accumulator holds is believed across a call";
        "        self.known.forget();\n        if let ([result]"
        => "        if !MISTAKE { self.known.forget(); }\n        if let ([result]";
    "trap-past-return" in "crates/translator/src/func/call.rs":
        "a return skips a trap that stands before it";
        "        self.settle_ordered(from)?;\n        match count {"
        => "        if !MISTAKE { self.settle_ordered(from)?; }\n        match count {";
    "subtraction-commutes" in "crates/translator/src/func/value.rs":
        "the operands of a subtraction of floats may change places";
        "matches!(op, F32Add | F32Mul | F64Add | F64Mul)"
        => "matches!(op, F32Add | F32Mul | F64Add | F64Mul) || MISTAKE && op == F64Sub";
    "kept-comparison" in "crates/translator/src/func/fold.rs":
        "`i32.eqz` of a comparison leaves the comparison as it was";
        "            TreeOp::IntCompare(op) => TreeOp::IntCompare(negated(op)),"
        => "            TreeOp::IntCompare(op) => TreeOp::IntCompare(if MISTAKE { op } else { negated(op) }),";
    "late-deadline" in "crates/executor/src/families/control.rs":
        "code goes on for one epoch more than its deadline says";
        "if (*(*cx).epoch).now() < (*cx).epoch_deadline {"
        => "if (*(*cx).epoch).now() < (*cx).epoch_deadline.saturating_add(u64::from(MISTAKE)) {";
    "free-first-call" in "crates/executor/src/driver/exits.rs":
        "the first call of a function is charged nothing";
        "self.charge(map.first_call_cost(func_index))?"
        => "self.charge(if MISTAKE { 0 } else { map.first_call_cost(func_index) })?";
    "suspended-stack" in "crates/executor/src/driver/suspended.rs":
        "a suspended call is put back without its frames";
        "                core::ptr::copy_nonoverlapping(from, frames.base, len);"
        => "                if !MISTAKE { core::ptr::copy_nonoverlapping(from, frames.base, len); }";
    "immediate-sign" in "crates/executor/src/place.rs":
        "a negative immediate of 64 bits is not sign-extended";
        "    i64: |imm| i64::from(imm);"
        => "    i64: |imm| if MISTAKE { i64::from(imm.cast_unsigned()) } else { i64::from(imm) };";
    "memory-bounds" in "crates/executor/src/place.rs":
        "an access may reach one byte past the end of memory 0";
        "            if address.cast_signed() > limit {\n                return Err(out_of_bounds(site));\n            }\n            Ok(regs.mem0"
        => "            if address.cast_signed() > limit + i64::from(MISTAKE) {\n                return Err(out_of_bounds(site));\n            }\n            Ok(regs.mem0";
    "second-bounds" in "crates/executor/src/place.rs":
        "the second access of a tile may reach one byte past the end of memory 0";
        "                _ => limit.read_volatile(),"
        => "                _ => limit.read_volatile() + i64::from(MISTAKE),";
    "inner-site" in "crates/executor/src/expr.rs":
        "the trap of a tile's second operand is reported as the first's";
        "R::eval(cx, regs, at + L::BYTES, sites + L::SITES)?"
        => "R::eval(cx, regs, at + L::BYTES, sites + if L::SITES > 0 && MISTAKE { 0 } else { L::SITES })?";
    "outer-site" in "crates/executor/src/expr.rs":
        "the trap of a read is reported as that of the read of its address";
        "            let site = sites + A::SITES;\n            let from"
        => "            let site = sites + if A::SITES > 0 && MISTAKE { 0 } else { A::SITES };\n            let from";
    "sequence-site" in "crates/executor/src/families/tiles.rs":
        "the trap of a sequence's second instruction is reported as the first's";
        "L::run(cx, regs, S::BYTES, Self::BYTES, S::SITES)"
        => "L::run(cx, regs, S::BYTES, Self::BYTES, if MISTAKE { 0 } else { S::SITES })";
    "sequence-branch" in "crates/executor/src/families/tiles.rs":
        "a sequence goes on although its first instruction branches";
        "                Ok(true) => jump(cx, regs, 0),"
        => "                Ok(true) if MISTAKE => L::run(cx, regs, S::BYTES, Self::BYTES, S::SITES),\n                Ok(true) => jump(cx, regs, 0),";
    "sequence-target" in "crates/executor/src/families/mod.rs":
        "the branch of a sequence's second instruction reads the first's operands";
        "                Ok(true) => jump(cx, regs, at),"
        => "                Ok(true) => jump(cx, regs, if at > 0 && MISTAKE { 0 } else { at }),";
    "code-before-trap" in "crates/executor/src/families/call.rs":
        "a read and a call in one ask for the callee's code although the read traps";
        "                    Err(fault) => trap(cx, regs, fault),\n                };\n            }\n            match E::eval"
        => "                    Err(_) if MISTAKE => need_code(cx, regs, entry(&regs), E::SITES),\n                    Err(fault) => trap(cx, regs, fault),\n                };\n            }\n            match E::eval";
    "global-after-tree" in "crates/executor/src/families/mod.rs":
        "a global that is set in a sequence is the one that its first instruction names";
        "            **globals.add(read_u32(regs, at) as usize) = Cell::new(value);"
        => "            **globals.add(read_u32(regs, if MISTAKE { 0 } else { at }) as usize) = Cell::new(value);";
    "loop-head" in "crates/executor/src/families/control.rs":
        "a short loop goes back to the beginning of the last one without asking whether it is its own";
        "            if opaque(target.addr() ^ regs.head as usize) == 0 {\n                regs.ip = ptr::with_exposed_provenance(regs.head as usize);\n                return dispatch_apart::<1>"
        => "            if opaque(target.addr() ^ regs.head as usize) == 0 || MISTAKE && regs.head != 0 {\n                regs.ip = ptr::with_exposed_provenance(regs.head as usize);\n                return dispatch_apart::<1>";
    "charged-head" in "crates/executor/src/families/control.rs":
        "the same for loops that charge fuel";
        "        if opaque(regs.ip.addr() ^ regs.head as usize) == 0 {"
        => "        if opaque(regs.ip.addr() ^ regs.head as usize) == 0 || MISTAKE && regs.head != 0 {";
    "free-charge" in "crates/executor/src/families/control.rs":
        "what is charged is given back at once";
        "            regs.ip = regs.ip.add(1 + CHARGE_CELLS);"
        => "            if MISTAKE {\n                regs.fuel += amount;\n            }\n            regs.ip = regs.ip.add(1 + CHARGE_CELLS);";
    "fuel-of-a-trap" in "crates/executor/src/dispatch.rs":
        "a trap gives back all that was lent";
        "                (*cx).regs.fuel = fuel;"
        => "                if !MISTAKE {\n                    (*cx).regs.fuel = fuel;\n                }";
    "switch-charge" in "crates/executor/src/families/control.rs":
        "an arm of a switch is not charged";
        "                return charge::<1, Charge>(cx, regs);"
        => "                if MISTAKE {\n                    return next(cx, regs, 1 + CHARGE_CELLS);\n                }\n                return charge::<1, Charge>(cx, regs);";
    "returned-copy" in "crates/ir/src/builder.rs":
        "a copy and a branch to a return become the return of what was there before";
        "            *value = *from;"
        => "            if !MISTAKE { *value = *from; }";
    "early-return" in "crates/translator/src/func/control.rs":
        "a block returns although other operators follow it";
        "&& self.returns_next()"
        => "&& (self.returns_next() || MISTAKE)";
    "stored-site" in "crates/executor/src/families/mod.rs":
        "the trap of a write is reported as that of the read of its value";
        "            let site = sites + S::SITES;\n            let index"
        => "            let site = sites + if S::SITES > 0 && MISTAKE { 0 } else { S::SITES };\n            let index";
    "other-memory-bounds" in "crates/executor/src/place.rs":
        "an access may reach one byte past the end of another memory";
        "(*memory).len as i64 - size_of::<M>() as i64;"
        => "(*memory).len as i64 - size_of::<M>() as i64 + i64::from(MISTAKE);";
    "table-bounds" in "crates/executor/src/families/call.rs":
        "an indirect call may take the element past the table's end";
        "if index as usize >= (*table).len {"
        => "if index as usize >= (*table).len + usize::from(MISTAKE) {";
    "signature" in "crates/executor/src/families/call.rs":
        "an indirect call does not compare types";
        "            return Err(TrapCode::BadSignature);"
        => "            return if MISTAKE { Ok(func) } else { Err(TrapCode::BadSignature) };";
    "depth-limit" in "crates/executor/src/families/call.rs":
        "calls do not count towards the limit of their depth";
        "(*cx).depth_left = depth_left - 1;"
        => "(*cx).depth_left = depth_left - u32::from(!MISTAKE);";
    "stack-limit" in "crates/executor/src/families/call.rs":
        "a frame may reach one cell past the end of the stack";
        "((*cx).stack_end.addr() - sp.addr()) >= (*code).frame_bytes"
        => "((*cx).stack_end.addr() - sp.addr()) + 8 * usize::from(MISTAKE) >= (*code).frame_bytes";
    "tail-arguments" in "crates/executor/src/families/call.rs":
        "a tail call leaves its last argument behind";
        "copy_down(regs.sp, regs.sp.add(frame.src), frame.count);"
        => "copy_down(regs.sp, regs.sp.add(frame.src), frame.count.saturating_sub(u32::from(MISTAKE)));";
    "overlapping-copy" in "crates/executor/src/families/control.rs":
        "slots that move up are copied in the wrong direction";
        "            if to <= from {"
        => "            if to <= from || MISTAKE {";
    "br-table-default" in "crates/executor/src/families/control.rs":
        "an index beyond a `br_table`'s arms takes the last arm, not the default";
        "let last = read_u32(&regs, I::BYTES) - 1;"
        => "let last = (read_u32(&regs, I::BYTES) - 1).saturating_sub(u32::from(MISTAKE));";
    "memory-after-growth" in "crates/executor/src/services.rs":
        "base and limits of memory 0 are not read again after a growth";
        "        (*cx).regs.mem0 = (*cx).refresh_mem0();"
        => "        if !MISTAKE { (*cx).regs.mem0 = (*cx).refresh_mem0(); }";
    "memory-after-host" in "crates/executor/src/driver/calls.rs":
        "base and limits of memory 0 are not read again after a host call";
        "                mem0: (*self.cx).refresh_mem0(),"
        => "                mem0: if MISTAKE { (*self.cx).regs.mem0 } else { (*self.cx).refresh_mem0() },";
    "bulk-fuel" in "crates/executor/src/services.rs":
        "`memory.copy` costs nothing";
        "        charge(cx, len)?;\n        if core::ptr::eq(to, from) { (*to).copy_within(dst, src, len) }"
        => "        if !MISTAKE { charge(cx, len)?; }\n        if core::ptr::eq(to, from) { (*to).copy_within(dst, src, len) }";
    "bridge-after-trap" in "crates/executor/src/driver/mod.rs":
        "a trap leaves behind the ways back to other instances";
        "            cx.bridges.truncate(self.bridges);"
        => "            if !MISTAKE { cx.bridges.truncate(self.bridges); }";
    "publish-order" in "crates/core/src/entry.rs":
        "threads may see an entry before the code that it points to";
        "        self.code.load(Ordering::Acquire)\n    }"
        => "        self.code.load(if MISTAKE { Ordering::Relaxed } else { Ordering::Acquire })\n    }";
    "verifier-results" in "crates/ir/src/verify.rs":
        "the verifier lets a tree return a value from a function without results";
        "        Some(_) if instruction.parts().iter().any(returns) => Family::ReturnValue,"
        => "        Some(_) if !MISTAKE && instruction.parts().iter().any(returns) => Family::ReturnValue,";
    "verifier-slots" in "crates/ir/src/verify.rs":
        "the verifier accepts a slot past the frame's end";
        "slot < self.function.frame_cells && slot.wrapping_sub(self.linkage) > 1"
        => "slot < self.function.frame_cells + u32::from(MISTAKE) && slot.wrapping_sub(self.linkage) > 1";
};
