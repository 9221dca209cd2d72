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

/// All exceptions.
pub(super) const EXCEPTIONS: &[Exception] = &[];

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
