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
    fn one_is_singular() {
        assert_eq!(counted(1, "import"), "1 import");
        assert_eq!(counted(0, "import"), "0 imports");
    }
}
