//! `cargo xtask dispatch-audit`: does every handler end in one jump?
//!
//! The executor's speed, and in the tail-call build its bound on the native
//! stack, rest on something the language does not promise: that LLVM turns the
//! last call of each handler into a jump, and that nothing on the way to it
//! calls a function or needs a stack frame. Whether that holds can only be seen
//! in the machine code. So this task builds the release program, finds the
//! handlers by their symbols ([`binary`]), which name generic arguments
//! (`.cargo/config.toml`), looks at their instructions ([`function`]) and reports
//! each that calls, spills or does not jump. What a handler may do nevertheless,
//! and why, is in one table ([`exceptions`]).
//!
//! Deliberately not judged: how long a handler is, and what cold code does that
//! a handler leaves for with a jump of its own. x86-64 only.

mod binary;
mod exceptions;
mod function;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use self::binary::Function;
use self::exceptions::{EXCEPTIONS, Exception};
use self::function::{Finding, Kind};
use crate::release;

/// How the name of a handler begins once demangled: handlers are instances of
/// one generic function of the executor.
const HANDLER: &str = "damson_executor::dispatch::handler::<";

/// Check the machine code of the handlers: no calls, no spills, one last jump
///
/// Builds the release program, and disassembles every handler. Fails on a handler that makes a call or uses the
/// native stack on its way to the next handler, or that does not jump to one,
/// unless the table of exceptions says why it may; and on an exception that no
/// handler needs any more.
#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Audit this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Print the instructions of the handlers whose name contains TEXT, and stop
    #[arg(long, value_name = "TEXT")]
    show: Option<String>,
    /// How many of the largest handlers to list
    #[arg(long, default_value_t = 10)]
    largest: usize,
}

/// Runs the task.
///
/// # Errors
///
/// When the program cannot be built or read, or the audit finds something.
pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<()> {
    if !cfg!(target_arch = "x86_64") {
        println!("dispatch-audit reads x86-64 code only; nothing was audited");
        return Ok(());
    }
    let program = match &args.program {
        Some(program) => program.clone(),
        None => release::build()?.join("damson"),
    };
    let bytes =
        std::fs::read(&program).with_context(|| format!("could not read {}", program.display()))?;
    let handlers = binary::functions(&bytes, HANDLER)?;
    anyhow::ensure!(
        !handlers.is_empty(),
        "{} has no symbol that begins with `{HANDLER}`: was it built with v0 symbol mangling \
         and tail-call dispatch?",
        program.display()
    );
    if let Some(text) = &args.show {
        return show(&handlers, text);
    }

    let audit = audit(&handlers, EXCEPTIONS);
    report(&handlers, &audit, args.largest);
    let (bad, stale) = (audit.violations.len(), audit.stale.len());
    anyhow::ensure!(
        bad + stale == 0,
        "{bad} handlers do what none may, {stale} exceptions are no longer needed"
    );
    Ok(())
}

/// What the audit found.
struct Audit<'a> {
    /// Handlers with findings no exception allows.
    violations: Vec<(&'a Function<'a>, Vec<Finding>)>,
    /// How many handlers needed an exception, by its family.
    excused: BTreeMap<&'static str, usize>,
    /// Exceptions, or parts of them, that no handler needed.
    stale: Vec<(&'static Exception, Kind)>,
}

/// Looks at each handler and compares what it does with what it may do.
fn audit<'a>(handlers: &'a [Function<'a>], exceptions: &'static [Exception]) -> Audit<'a> {
    let mut violations = Vec::new();
    let mut excused: BTreeMap<_, usize> = BTreeMap::new();
    let mut needed = Vec::new();
    for handler in handlers {
        let mut findings = function::findings(handler);
        let mut families = Vec::new();
        findings.retain(|finding| {
            let mut allowed = exceptions
                .iter()
                .filter(|e| e.covers(&handler.names) && e.allows.contains(&finding.kind))
                .peekable();
            let violates = allowed.peek().is_none();
            for exception in allowed {
                needed.push((exception.family, finding.kind));
                families.push(exception.family);
            }
            violates
        });
        families.sort_unstable();
        families.dedup();
        for family in families {
            *excused.entry(family).or_default() += 1;
        }
        if !findings.is_empty() {
            violations.push((handler, findings));
        }
    }
    let stale = exceptions
        .iter()
        .flat_map(|exception| exception.allows.iter().map(move |&kind| (exception, kind)))
        .filter(|(exception, kind)| !needed.contains(&(exception.family, *kind)))
        .collect();
    Audit {
        violations,
        excused,
        stale,
    }
}

fn report(handlers: &[Function<'_>], audit: &Audit<'_>, largest: usize) {
    let bytes: usize = handlers.iter().map(|handler| handler.code.len()).sum();
    println!("{} handlers, {bytes} bytes of code", handlers.len());

    let mut by_size: Vec<_> = handlers.iter().collect();
    by_size.sort_by_key(|handler| (std::cmp::Reverse(handler.code.len()), handler.address));
    println!("\nthe largest:");
    for handler in by_size.iter().take(largest) {
        println!("{:>6}  {}", handler.code.len(), short(handler));
    }

    println!("\nexceptions, with the number of handlers that need them:");
    for exception in EXCEPTIONS {
        let count = audit.excused.get(exception.family).copied().unwrap_or(0);
        println!("{count:>6}  {}: {}", exception.family, exception.reason);
    }
    for (exception, kind) in &audit.stale {
        println!(
            "\nno handler of `{}` {kind} any more; remove the exception",
            exception.family
        );
    }
    for (handler, findings) in &audit.violations {
        println!("\n{}", short(handler));
        // One line for each kind: where one register is saved, others follow.
        let mut by_kind: BTreeMap<Kind, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            by_kind.entry(finding.kind).or_default().push(finding);
        }
        for (kind, findings) in by_kind {
            let first = findings[0];
            let more = match findings.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            println!(
                "    {kind}, at +{:#x}: {}{more}",
                first.offset, first.instruction
            );
        }
    }
    println!();
}

/// A handler's name without what all of them share, and without modules.
fn short(handler: &Function<'_>) -> String {
    let name = handler.names.first().map_or("", String::as_str);
    let name = name
        .strip_prefix(HANDLER)
        .map_or(name, |name| name.strip_suffix('>').unwrap_or(name));
    let name: String = name
        .split_inclusive(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .map(|path| path.rsplit_once("::").map_or(path, |(_, last)| last))
        .collect();
    match handler.names.len() {
        0 | 1 => name,
        count => format!("{name} (and {} with the same code)", count - 1),
    }
}

fn show(handlers: &[Function<'_>], text: &str) -> anyhow::Result<()> {
    let mut shown = 0;
    for handler in handlers
        .iter()
        .filter(|h| h.names.iter().any(|name| name.contains(text)))
    {
        println!("{:#x} {}", handler.address, handler.names.join("\n  = "));
        for (offset, instruction) in function::disassemble(handler) {
            println!("    +{offset:<5x} {instruction}");
        }
        println!();
        shown += 1;
    }
    anyhow::ensure!(shown > 0, "no handler's name contains {text:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLS: Exception = Exception {
        family: "Grow",
        allows: &[Kind::Call, Kind::Spill],
        reason: "calls the host",
    };

    fn function<'a>(name: &str, code: &'a [u8]) -> Function<'a> {
        let names = vec![format!("{HANDLER}damson_executor::ops::{name}<u32>>")];
        Function {
            names,
            address: 0x1000,
            code,
            diverging: Vec::new(),
        }
    }

    /// `call +0; jmp rax`
    const CALLING: &[u8] = &[0xe8, 0, 0, 0, 0, 0xff, 0xe0];
    /// `push rax; pop rax; jmp rax`
    const SPILLING: &[u8] = &[0x50, 0x58, 0xff, 0xe0];
    /// `jmp rax`
    const PLAIN: &[u8] = &[0xff, 0xe0];

    #[test]
    fn a_short_name_leaves_out_what_is_clear() {
        let mut handler = function("Set", PLAIN);
        handler.names[0] = format!("{HANDLER}a::b::Set<u32, a::place::R, a::Add<a::Acc, i8>>>");
        assert_eq!(short(&handler), "Set<u32, R, Add<Acc, i8>>");
        handler.names.push(String::new());
        assert_eq!(
            short(&handler),
            "Set<u32, R, Add<Acc, i8>> (and 1 with the same code)"
        );
    }

    #[test]
    fn a_handler_without_an_exception_is_a_violation() {
        let handlers = [function("Add", PLAIN), function("Load", CALLING)];
        let audit = audit(&handlers, &[]);
        assert_eq!(audit.violations.len(), 1);
        assert!(short(audit.violations[0].0).contains("Load"));
    }

    #[test]
    fn an_exception_excuses_its_family_and_only_what_it_allows() {
        static EXCEPTIONS: [Exception; 1] = [CALLS];
        let handlers = [
            function("Grow", CALLING),
            function("Grow", SPILLING),
            function("GrowTable", CALLING),
            // Lacks the last jump, which the exception does not allow.
            function("Grow", &[0xc3]),
        ];
        let audit = audit(&handlers, &EXCEPTIONS);
        let violations: Vec<_> = audit
            .violations
            .iter()
            .map(|(handler, _)| short(handler))
            .collect();
        assert_eq!(violations.len(), 2, "{violations:?}");
        assert!(violations[0].contains("GrowTable"));
        assert!(violations[1].contains("Grow<"));
        assert_eq!(audit.excused["Grow"], 2);
        assert!(audit.stale.is_empty());
    }

    #[test]
    fn an_exception_that_is_not_needed_is_a_violation() {
        static EXCEPTIONS: [Exception; 1] = [CALLS];
        let handlers = [function("Grow", CALLING)];
        let audit = audit(&handlers, &EXCEPTIONS);
        let stale: Vec<_> = audit
            .stale
            .iter()
            .map(|(e, kind)| (e.family, *kind))
            .collect();
        assert_eq!(stale, [("Grow", Kind::Spill)]);
    }
}
