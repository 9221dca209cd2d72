//! What the machine code of one handler does on its way to the next.
//!
//! The dispatch is an indirect jump: `jmp rax`, `jmp [rdi]`. A call or a use of
//! the native stack is a finding if a dispatch can be reached from it; code that
//! ends in a return, or in a jump out of the function to outlined code, is
//! cold and may do as it likes. One thing it may not: call indirectly where no
//! dispatch follows, for that is what a tail call looks like that was not turned
//! into a jump, and the native stack grows with it.
//!
//! An indirect jump may also be a jump table. Its targets are not followed;
//! instead reachability is judged from every instruction of the function, not
//! only from those reachable from its entry, and a jump table counts as a
//! dispatch, so nothing hides behind one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Formatter, Instruction, InstructionInfoFactory,
    IntelFormatter, Mnemonic, OpKind, Register,
};

use super::binary::Function;

/// What a handler does that handlers do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Makes a call on a path to its dispatch.
    Call,
    /// Uses the native stack on a path to its dispatch.
    Spill,
    /// Calls through a register or pointer and then does not dispatch: a tail
    /// call that is none.
    IndirectCall,
    /// Never dispatches.
    NoDispatch,
    /// Holds bytes that are no instructions.
    Undecodable,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "makes a call on its way to the dispatch",
            Self::Spill => "uses the native stack on its way to the dispatch",
            Self::IndirectCall => "calls indirectly without a dispatch after it",
            Self::NoDispatch => "has no dispatch",
            Self::Undecodable => "holds bytes that are no instructions",
        })
    }
}

/// Something a handler does, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// From the start of the function, in bytes.
    pub(super) offset: u64,
    pub(super) instruction: String,
}

/// All findings in a function, in order of their place.
pub(super) fn findings(function: &Function<'_>) -> Vec<Finding> {
    let code = decode(function);
    let live = reaching_dispatch(function, &code);
    let mut info = InstructionInfoFactory::new();
    let mut findings = Vec::new();
    let mut find = |kind, instruction: &Instruction| {
        let offset = instruction.ip() - function.address;
        findings.push(Finding {
            kind,
            offset,
            instruction: text(instruction),
        });
    };
    for instruction in &code {
        let on_the_way = live.contains(&instruction.ip());
        if instruction.is_invalid() {
            find(Kind::Undecodable, instruction);
        } else if is_call(instruction) {
            if on_the_way {
                find(Kind::Call, instruction);
            } else if calls_unknown(instruction) {
                find(Kind::IndirectCall, instruction);
            }
        } else if on_the_way && uses_stack(instruction, &mut info) {
            find(Kind::Spill, instruction);
        }
    }
    if dispatches(&code).next().is_none()
        && let Some(last) = code.last()
    {
        find(Kind::NoDispatch, last);
    }
    findings
}

/// The instructions of a function as text, each with its offset.
pub(super) fn disassemble(function: &Function<'_>) -> Vec<(u64, String)> {
    let offset = |instruction: &Instruction| instruction.ip() - function.address;
    decode(function)
        .iter()
        .map(|instruction| (offset(instruction), text(instruction)))
        .collect()
}

fn decode(function: &Function<'_>) -> Vec<Instruction> {
    Decoder::with_ip(64, function.code, function.address, DecoderOptions::NONE)
        .into_iter()
        .collect()
}

fn text(instruction: &Instruction) -> String {
    let mut text = String::new();
    IntelFormatter::new().format(instruction, &mut text);
    text
}

/// The addresses of instructions from which a dispatch can be reached, itself
/// included.
fn reaching_dispatch(function: &Function<'_>, code: &[Instruction]) -> BTreeSet<u64> {
    let mut before: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for instruction in code {
        for next in successors(function, instruction) {
            before.entry(next).or_default().push(instruction.ip());
        }
    }
    let mut reaching = BTreeSet::new();
    let mut pending: Vec<_> = dispatches(code).map(|at| code[at].ip()).collect();
    while let Some(address) = pending.pop() {
        if reaching.insert(address) {
            pending.extend(before.get(&address).into_iter().flatten());
        }
    }
    reaching
}

/// Where control goes inside the function after an instruction.
fn successors(function: &Function<'_>, instruction: &Instruction) -> impl Iterator<Item = u64> {
    let next = Some(instruction.next_ip());
    let end = function.address + function.code.len() as u64;
    let target = Some(instruction.near_branch_target())
        .filter(|target| (function.address..end).contains(target));
    let (next, target) = match instruction.flow_control() {
        FlowControl::Next => (next, None),
        FlowControl::Call | FlowControl::IndirectCall => {
            let callee = instruction.near_branch_target();
            (
                next.filter(|_| function.diverging.binary_search(&callee).is_err()),
                None,
            )
        }
        FlowControl::ConditionalBranch => (next, target),
        FlowControl::UnconditionalBranch => (None, target),
        // `int3` and `syscall` do not occur; nothing is lost by going on.
        FlowControl::Interrupt | FlowControl::XbeginXabortXend => (next, target),
        FlowControl::IndirectBranch | FlowControl::Return | FlowControl::Exception => (None, None),
    };
    next.into_iter().chain(target)
}

/// The places of the dispatches in `code`.
fn dispatches(code: &[Instruction]) -> impl Iterator<Item = usize> {
    (0..code.len()).filter(|&at| is_dispatch(code, at))
}

/// Whether `code[at]` jumps to an address that the program computes.
fn is_dispatch(code: &[Instruction], at: usize) -> bool {
    let jump = &code[at];
    if jump.flow_control() != FlowControl::IndirectBranch || is_through_got(jump) {
        return false;
    }
    // `mov rax, [rip + x]; ...; jmp rax` is a jump by way of the global offset
    // table too, with the address loaded early.
    let loads_target = |instruction: &&Instruction| {
        instruction.op0_kind() == OpKind::Register
            && instruction.op0_register() == jump.op0_register()
    };
    let load = code[..at]
        .iter()
        .rev()
        .take_while(|instruction| instruction.flow_control() == FlowControl::Next)
        .find(loads_target);
    !load.is_some_and(|load| load.mnemonic() == Mnemonic::Mov && is_through_got(load))
}

fn is_call(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::Call | FlowControl::IndirectCall
    )
}

/// A call whose target is not written in the program: `call rax`, `call [rdi]`.
fn calls_unknown(instruction: &Instruction) -> bool {
    instruction.flow_control() == FlowControl::IndirectCall && !is_through_got(instruction)
}

/// `[rip + x]`: a function of another object, reached by way of the global
/// offset table.
fn is_through_got(instruction: &Instruction) -> bool {
    instruction.is_ip_rel_memory_operand()
}

fn uses_stack(instruction: &Instruction, info: &mut InstructionInfoFactory) -> bool {
    // Padding between blocks may be written as a move of an address.
    if instruction.mnemonic() == Mnemonic::Nop {
        return false;
    }
    let stack = [Register::RSP, Register::ESP];
    let frame = [Register::RBP, Register::EBP];
    let info = info.info(instruction);
    info.used_registers()
        .iter()
        .any(|used| stack.contains(&used.register()))
        || info
            .used_memory()
            .iter()
            .any(|used| frame.contains(&used.base()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x1000;

    fn kinds_with(code: &[u8], diverging: &[u64]) -> Vec<(Kind, u64)> {
        let function = Function {
            names: Vec::new(),
            address: BASE,
            code,
            diverging: diverging.to_vec(),
        };
        findings(&function)
            .into_iter()
            .map(|finding| (finding.kind, finding.offset))
            .collect()
    }

    fn kinds(code: &[u8]) -> Vec<(Kind, u64)> {
        kinds_with(code, &[])
    }

    /// Joins instructions.
    fn code(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    const JMP_RAX: &[u8] = &[0xff, 0xe0];
    const JMP_RSI: &[u8] = &[0xff, 0x26]; // jmp [rsi]
    const CALL: &[u8] = &[0xe8, 0, 1, 0, 0]; // call +0x100, outside
    const CALL_RAX: &[u8] = &[0xff, 0xd0];
    const CALL_GOT: &[u8] = &[0xff, 0x15, 0, 0, 0, 0]; // call [rip+0]
    const JMP_OUT: &[u8] = &[0xe9, 0, 1, 0, 0]; // jmp +0x100, outside
    const RET: &[u8] = &[0xc3];
    const ADD: &[u8] = &[0x48, 0x01, 0xd8]; // add rax, rbx
    const PUSH: &[u8] = &[0x50];
    const POP: &[u8] = &[0x58];

    #[test]
    fn a_plain_handler_is_fine() {
        assert_eq!(kinds(&code(&[ADD, JMP_RAX])), []);
        assert_eq!(kinds(&code(&[ADD, JMP_RSI])), []);
        // mov [rdx+8], r8
        assert_eq!(kinds(&code(&[&[0x4c, 0x89, 0x42, 0x08], JMP_RSI])), []);
    }

    #[test]
    fn a_call_before_the_dispatch_is_found() {
        assert_eq!(kinds(&code(&[ADD, CALL, JMP_RAX])), [(Kind::Call, 3)]);
        assert_eq!(kinds(&code(&[CALL_GOT, JMP_RAX])), [(Kind::Call, 0)]);
        assert_eq!(kinds(&code(&[CALL_RAX, JMP_RAX])), [(Kind::Call, 0)]);
    }

    #[test]
    fn a_call_on_a_branch_that_comes_back_is_found() {
        // je +5; call; jmp rax
        assert_eq!(
            kinds(&code(&[&[0x74, 5], CALL, JMP_RAX])),
            [(Kind::Call, 2)]
        );
        // je +2; jmp rax; call; jmp -9 (to the jmp rax)
        let code = code(&[&[0x74, 2], JMP_RAX, CALL, &[0xeb, 0xf7]]);
        assert_eq!(kinds(&code), [(Kind::Call, 4)]);
    }

    #[test]
    fn cold_code_may_call_and_spill() {
        // je +2; jmp rax; push; call; pop; ret
        assert_eq!(
            kinds(&code(&[&[0x74, 2], JMP_RAX, PUSH, CALL, POP, RET])),
            []
        );
        assert_eq!(kinds(&code(&[&[0x74, 2], JMP_RAX, JMP_OUT])), []);
    }

    #[test]
    fn a_conditional_jump_out_of_the_function_is_fine() {
        // je far outside
        assert_eq!(kinds(&code(&[&[0x0f, 0x84, 0, 1, 0, 0], JMP_RAX])), []);
    }

    #[test]
    fn a_call_that_never_returns_ends_its_path() {
        // je +2; jmp rax; call; and behind it an arm that dispatches
        let code = code(&[&[0x74, 2], JMP_RAX, CALL, ADD, JMP_RAX]);
        assert_eq!(kinds(&code), [(Kind::Call, 4)]);
        let callee = BASE + 4 + 5 + 0x100;
        assert_eq!(kinds_with(&code, &[callee]), []);
    }

    #[test]
    fn every_use_of_the_stack_before_the_dispatch_is_found() {
        let found = |part: &[u8]| {
            assert_eq!(
                kinds(&code(&[part, JMP_RAX])),
                [(Kind::Spill, 0)],
                "{part:x?}"
            );
        };
        found(PUSH);
        found(POP);
        found(&[0x48, 0x83, 0xec, 0x18]); // sub rsp, 24
        found(&[0x48, 0x8d, 0x64, 0x24, 0xe8]); // lea rsp, [rsp-24]
        found(&[0x48, 0x89, 0x44, 0x24, 0xf8]); // mov [rsp-8], rax
        found(&[0x48, 0x8b, 0x44, 0x24, 0x08]); // mov rax, [rsp+8]: a stack argument
        found(&[0x48, 0x89, 0x45, 0xf8]); // mov [rbp-8], rax
        found(&[0xf3, 0x0f, 0x11, 0x44, 0x24, 0xfc]); // movss [rsp-4], xmm0
    }

    #[test]
    fn rbp_as_an_ordinary_register_is_no_spill() {
        // add rax, rbp
        assert_eq!(kinds(&code(&[&[0x48, 0x01, 0xe8], JMP_RAX])), []);
    }

    #[test]
    fn a_tail_call_that_is_none_is_found() {
        assert_eq!(
            kinds(&code(&[&[0x74, 2], JMP_RAX, CALL_RAX, RET])),
            [(Kind::IndirectCall, 4)]
        );
        // A call by way of the global offset table is an ordinary cold one.
        assert_eq!(kinds(&code(&[&[0x74, 2], JMP_RAX, CALL_GOT, RET])), []);
    }

    #[test]
    fn a_missing_dispatch_is_found() {
        assert_eq!(kinds(&code(&[ADD, RET])), [(Kind::NoDispatch, 3)]);
        assert_eq!(kinds(JMP_OUT), [(Kind::NoDispatch, 0)]);
        // jmp [rip+0]: a function of another object, no handler
        assert_eq!(kinds(&[0xff, 0x25, 0, 0, 0, 0]), [(Kind::NoDispatch, 0)]);
        // push; call rax; pop; ret
        let code = code(&[PUSH, CALL_RAX, POP, RET]);
        assert_eq!(
            kinds(&code),
            [(Kind::IndirectCall, 1), (Kind::NoDispatch, 4)]
        );
    }

    #[test]
    fn a_jump_by_way_of_the_global_offset_table_is_no_dispatch() {
        let load: &[u8] = &[0x48, 0x8b, 0x05, 0, 0, 0, 0]; // mov rax, [rip+0]
        // je +2; jmp rax; push; load; pop rcx; jmp rax
        let cold = code(&[&[0x74, 2], JMP_RAX, PUSH, load, &[0x59], JMP_RAX]);
        assert_eq!(kinds(&cold), []);
        assert_eq!(kinds(&code(&[load, JMP_RAX])), [(Kind::NoDispatch, 7)]);
        // The address is changed after it was loaded: add rax, rbx.
        assert_eq!(
            kinds(&code(&[PUSH, load, ADD, JMP_RAX])),
            [(Kind::Spill, 0)]
        );
        // mov rax, [rsi]; jmp rax
        assert_eq!(
            kinds(&code(&[PUSH, &[0x48, 0x8b, 0x06], JMP_RAX])),
            [(Kind::Spill, 0)]
        );
    }

    #[test]
    fn padding_and_bytes_that_are_none() {
        // nop [rsp+0] in several bytes is padding.
        assert_eq!(kinds(&code(&[&[0x0f, 0x1f, 0x44, 0x24, 0], JMP_RAX])), []);
        assert_eq!(kinds(&code(&[JMP_RAX, &[0x06]])), [(Kind::Undecodable, 2)]);
    }

    #[test]
    fn what_a_jump_table_leads_to_is_judged_too() {
        // jmp rax (a table); then an arm that spills and dispatches
        assert_eq!(kinds(&code(&[JMP_RAX, PUSH, JMP_RAX])), [(Kind::Spill, 2)]);
    }

    #[test]
    fn code_is_shown_as_text() {
        let code = code(&[ADD, JMP_RAX]);
        let function = Function {
            names: Vec::new(),
            address: BASE,
            code: &code,
            diverging: Vec::new(),
        };
        let shown = disassemble(&function);
        assert_eq!(
            shown,
            [(0, "add rax,rbx".to_owned()), (3, "jmp rax".to_owned())]
        );
    }
}
