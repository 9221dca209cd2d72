//! What people see: colours, sizes and times.
//!
//! Colours are for terminals: `anstream` takes them out where the output goes elsewhere, and
//! where the environment says so (`NO_COLOR`, `CLICOLOR`).

use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
pub(crate) const HEADING: Style = Style::new().effects(Effects::BOLD);
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);
pub(crate) const CODE: Style = AnsiColor::Green.on_default();

/// `text` in a style.
pub(crate) fn styled(style: Style, text: impl fmt::Display) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{style}{text}{style:#}"))
}

/// Text of a module, as one line: what could move the cursor of a terminal, change its
/// colours or the order of the text is written as an escape.
pub(crate) fn plain(text: &str) -> String {
    escaped(text, |_| false)
}

/// Like [`plain`] for a message, which may have several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, allowed: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        // Ends of lines and paragraphs, and what reorders text.
        let acts = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() || acts) && !allowed(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// `count` and a noun that forms its plural by an `s`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A duration with three digits or so.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 1e-3 => format!("{:.3} ms", s * 1e3),
        s => format!("{:.3} us", s * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fitting_units() {
        assert_eq!(time(Duration::from_nanos(1500)), "1.500 us");
        assert_eq!(time(Duration::from_micros(1500)), "1.500 ms");
        assert_eq!(time(Duration::from_millis(61_500)), "61.500 s");
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        assert_eq!(plain("naïve `f`\t"), "naïve `f`\\t");
        assert_eq!(plain("\u{1b}[31m\r\n"), r"\u{1b}[31m\r\n");
        assert_eq!(plain("\u{202e}\u{9b}\u{7f}"), r"\u{202e}\u{9b}\u{7f}");
        assert_eq!(plain_lines("a\n\tb\u{7}"), "a\n\tb\\u{7}");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "import"), "1 import");
        assert_eq!(counted(0, "import"), "0 imports");
    }
}
