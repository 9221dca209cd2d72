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
    "stale-accumulator" in "crates/translator/src/func/emit.rs":
        "the accumulator counts as equal to a slot that was written since";
        "            if *known == Some(slot) {"
        => "            if *known == Some(slot) && !MISTAKE {";
    "accumulator-at-label" in "crates/translator/src/func/emit.rs":
        "what an accumulator holds is believed across a label";
        "        self.builder.bind(label);\n        self.known.forget();"
        => "        self.builder.bind(label);\n        if !MISTAKE { self.known.forget(); }";
    "trap-past-store" in "crates/translator/src/func/memory.rs":
        "a pending load or division is evaluated after a later store";
        "        self.settle_ordered(base)?;\n        let mut leaves = self.gather(base, false)?;\n        let with_access"
        => "        if !MISTAKE { self.settle_ordered(base)?; }\n        let mut leaves = self.gather(base, false)?;\n        let with_access";
    "global-past-set" in "crates/translator/src/func/memory.rs":
        "a pending `global.get` is evaluated after a later `global.set`";
        "        self.settle_ordered(top)?;\n        let leaves = self.gather(top, false)?;\n        let [leaf]"
        => "        if !MISTAKE { self.settle_ordered(top)?; }\n        let leaves = self.gather(top, false)?;\n        let [leaf]";
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
        "self.push_reordered(mirrored, 2, ValType::I32, |leaves| leaves.reverse())"
        => "self.push_reordered(mirrored, 2, ValType::I32, |leaves| if !MISTAKE { leaves.reverse() })";
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
        "            if address.cast_signed() > limit {\n                return Err(TrapCode::MemoryOutOfBounds);\n            }\n            Ok(regs.mem0"
        => "            if address.cast_signed() > limit + i64::from(MISTAKE) {\n                return Err(TrapCode::MemoryOutOfBounds);\n            }\n            Ok(regs.mem0";
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
        "let code = self.code.load(Ordering::Acquire);\n        // SAFETY: null"
        => "let code = self.code.load(if MISTAKE { Ordering::Relaxed } else { Ordering::Acquire });\n        // SAFETY: null";
    "verifier-slots" in "crates/ir/src/verify.rs":
        "the verifier accepts a slot past the frame's end";
        "if u32::from(slot.0) < frame && !in_linkage {"
        => "if u32::from(slot.0) < frame + u32::from(MISTAKE) && !in_linkage {";
};
