//! What some handlers may do although handlers in general may not.
//!
//! An entry names a family of instructions and what its handlers do; the audit
//! fails on an entry that no handler needs any more, so the table stays true.

use super::function::Kind;

/// A family of handlers and what it may do.
pub(super) struct Exception {
    /// The name of a type in the handler's generic arguments.
    pub(super) family: &'static str,
    /// What handlers of the family do.
    pub(super) allows: &'static [Kind],
    /// Why they may.
    pub(super) reason: &'static str,
}

impl Exception {
    /// Whether all names of a function are of the family. Functions with the
    /// same code share an address and may belong to several families.
    pub(super) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| {
            name.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == self.family)
        })
    }
}

/// A family that leaves the dispatch loop and so never dispatches.
const fn leaves(family: &'static str, reason: &'static str) -> Exception {
    Exception {
        family,
        allows: &[Kind::NoDispatch],
        reason,
    }
}

/// A family that saves registers on its way to the dispatch.
const fn spills(family: &'static str, reason: &'static str) -> Exception {
    Exception {
        family,
        allows: &[Kind::Spill],
        reason,
    }
}

/// A family that moves any number of bytes.
const fn bulk(family: &'static str) -> Exception {
    Exception {
        family,
        allows: &[Kind::Call, Kind::Spill],
        reason: "the call moves the bytes, and is the work",
    }
}

const SERVICE: &str = "the driver does it, outside the loop";
const TAIL: &str = "moves arguments over the frame while it holds where that returns to";
const SPAN: &str = "a loop that copies any number of cells";

/// All exceptions.
pub(super) const EXCEPTIONS: &[Exception] = &[
    leaves("DataDrop", SERVICE),
    leaves("ElemDrop", SERVICE),
    bulk("MemoryCopy"),
    bulk("MemoryFill"),
    leaves("MemoryGrow", SERVICE),
    leaves("MemoryInit", SERVICE),
    leaves("TableCopy", SERVICE),
    leaves("TableFill", SERVICE),
    leaves("TableGrow", SERVICE),
    leaves("TableInit", SERVICE),
    leaves("TableSet", SERVICE),
    leaves("Halt", "ends the run"),
    leaves("OutOfFuel", "the embedder may give more"),
    leaves("ReturnToInstance", "the driver switches instances"),
    leaves("Unreachable", "always traps"),
    spills("ReturnCall", TAIL),
    spills("ReturnCallImport", TAIL),
    spills("ReturnCallIndirect", TAIL),
    spills("CopySpan", SPAN),
    spills("ReturnSpan", SPAN),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_whole_word_of_every_name() {
        let exception = Exception {
            family: "Grow",
            allows: &[Kind::Call],
            reason: "",
        };
        let covers = |names: &[&str]| {
            exception.covers(
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(covers(&["handler::<ops::Grow>"]));
        assert!(covers(&[
            "handler::<ops::Grow<u32>>",
            "handler::<ops::Un<Grow>>"
        ]));
        assert!(!covers(&["handler::<ops::GrowTable>"]));
        assert!(!covers(&["handler::<ops::Grow>", "handler::<ops::Add>"]));
    }

    #[test]
    fn every_exception_has_a_reason_and_allows_something() {
        for exception in EXCEPTIONS {
            assert!(!exception.reason.is_empty() && !exception.allows.is_empty());
        }
    }
}
