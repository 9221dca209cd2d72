//! The values of options: how they are written.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use damson::Config;

/// A directory for the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dir {
    /// Where it is.
    pub(crate) host: PathBuf,
    /// What the guest calls it.
    pub(crate) guest: String,
}

/// A parser of values that need not be text.
pub(super) fn os<T: Clone + Send + Sync + 'static>(
    parse: fn(&OsStr) -> Result<T, String>,
) -> impl TypedValueParser<Value = T> {
    OsStringValueParser::new().try_map(move |text| parse(&text))
}

/// The parts before and after the first `separator`, which is ASCII.
#[cfg(unix)]
fn split_once(text: &OsStr, separator: &str) -> Option<(OsString, OsString)> {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = text.as_bytes();
    let mut windows = bytes.windows(separator.len());
    let at = windows.position(|window| window == separator.as_bytes())?;
    let [first, second] = [&bytes[..at], &bytes[at + separator.len()..]];
    Some(
        [first, second]
            .map(|part| OsStr::from_bytes(part).to_owned())
            .into(),
    )
}

/// The parts before and after the first `separator`; only of text.
#[cfg(not(unix))]
fn split_once(text: &OsStr, separator: &str) -> Option<(OsString, OsString)> {
    let (first, second) = text.to_str()?.split_once(separator)?;
    Some((first.into(), second.into()))
}

/// Reads `HOST` or `HOST::GUEST`.
pub(super) fn dir(text: &OsStr) -> Result<Dir, String> {
    let (host, guest) = split_once(text, "::").unwrap_or((text.to_owned(), text.to_owned()));
    if host.is_empty() || guest.is_empty() {
        return Err("expected HOST or HOST::GUEST".to_owned());
    }
    Ok(Dir {
        host: host.into(),
        guest: guest.into_string().map_err(|_| {
            "the name for the guest must be UTF-8; HOST::GUEST gives another one".to_owned()
        })?,
    })
}

/// Reads `NAME=VALUE`, or `NAME` for a variable of this process.
pub(super) fn variable(text: &OsStr) -> Result<(OsString, OsString), String> {
    match split_once(text, "=") {
        None if text.is_empty() => Err("expected NAME or NAME=VALUE".to_owned()),
        None => match std::env::var_os(text) {
            Some(value) => Ok((text.to_owned(), value)),
            None => Err("this variable is not set, and there is no `=VALUE`".to_owned()),
        },
        Some((name, _)) if name.is_empty() => Err("the name before `=` is empty".to_owned()),
        Some(pair) => Ok(pair),
    }
}

/// Reads a duration: `10` (seconds), `500ms`, `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| humantime::parse_duration(text).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "expected a time, as in 10, 500ms, 10s or 2m".to_owned())
}

/// Reads a number of bytes: `100000`, `64K`, `16M`, `2G`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1_usize << 10),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1 << 20),
            None => match text.strip_suffix(['G', 'g']) {
                Some(digits) => (digits, 1 << 30),
                None => (text, 1),
            },
        },
    };
    let number = digits.parse::<usize>();
    number
        .ok()
        .filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "expected a number of bytes, as in 65536, 64K, 16M or 1G".to_owned())
}

/// Reads the size of the stack.
pub(super) fn stack_size(text: &str) -> Result<usize, String> {
    const LEAST: usize = 1024;
    match size(text)? {
        bytes if bytes < LEAST => Err(format!("a stack has at least {LEAST} bytes")),
        bytes => Ok(bytes),
    }
}

/// A proposal that can be turned on and off.
#[derive(Clone, Copy)]
pub(crate) struct Proposal {
    pub(crate) name: &'static str,
    /// Turns it on or off.
    pub(crate) set: fn(&mut Config, bool) -> &mut Config,
}

impl std::fmt::Debug for Proposal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Proposal {
    /// All that are supported. They are on unless they are turned off.
    pub(crate) const ALL: &'static [Self] = &[
        Self {
            name: "mutable-global",
            set: Config::wasm_mutable_global,
        },
        Self {
            name: "sign-extension",
            set: Config::wasm_sign_extension,
        },
        Self {
            name: "nontrapping-float-to-int",
            set: Config::wasm_saturating_float_to_int,
        },
        Self {
            name: "multi-value",
            set: Config::wasm_multi_value,
        },
        Self {
            name: "bulk-memory",
            set: Config::wasm_bulk_memory,
        },
        Self {
            name: "reference-types",
            set: Config::wasm_reference_types,
        },
        Self {
            name: "tail-call",
            set: Config::wasm_tail_call,
        },
        Self {
            name: "extended-const",
            set: Config::wasm_extended_const,
        },
        Self {
            name: "multi-memory",
            set: Config::wasm_multi_memory,
        },
    ];
}

/// Proposals that are not supported. They can be turned off, which changes nothing.
const UNSUPPORTED: &[&str] = &[
    "simd",
    "relaxed-simd",
    "memory64",
    "custom-page-sizes",
    "wide-arithmetic",
    "function-references",
    "gc",
    "exception-handling",
    "threads",
    "shared-everything-threads",
    "stack-switching",
    "component-model",
];

/// The list of proposals, for a help text.
pub(super) static PROPOSALS_HELP: LazyLock<String> = LazyLock::new(|| {
    let mut text = "Proposals that are supported, for `--wasm NAME[=y|n]`:".to_owned();
    for proposal in Proposal::ALL {
        let _ = write!(text, "\n  {}", proposal.name);
    }
    text
});

/// Reads `NAME`, `NAME=y` or `NAME=n`.
pub(super) fn proposal(text: &str) -> Result<(Proposal, bool), String> {
    let (name, enable) = match text.split_once('=') {
        None => (text, true),
        Some((name, "y" | "yes" | "true")) => (name, true),
        Some((name, "n" | "no" | "false")) => (name, false),
        Some((_, other)) => return Err(format!("expected `y` or `n`, found `{other}`")),
    };
    let unsupported = UNSUPPORTED.iter().find(|unsupported| **unsupported == name);
    if let (Some(name), false) = (unsupported, enable) {
        fn set(config: &mut Config, _: bool) -> &mut Config {
            config
        }
        return Ok((Proposal { name, set }, false));
    }
    let mut all = Proposal::ALL.iter();
    let found = all.find(|proposal| proposal.name == name);
    let names = || Proposal::ALL.iter().map(|proposal| proposal.name);
    found.map(|proposal| (*proposal, enable)).ok_or_else(|| {
        let names: Vec<&str> = names().collect();
        format!(
            "no proposal of this name is supported, only {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_split_at_the_first_sign() {
        let variable = |text: &str| variable(text.as_ref());
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(variable("A="), Ok(("A".into(), "".into())));
        assert!(variable("").is_err());
        assert!(variable("DAMSON_TEST_NOT_SET").is_err());
        let path = std::env::var_os("PATH").expect("set for all tests");
        assert_eq!(variable("PATH"), Ok(("PATH".into(), path)));
        assert!(variable("=b").is_err());
    }

    #[test]
    fn directories_have_their_own_name_or_another_one() {
        let found = |text: &str| {
            let dir = dir(text.as_ref()).ok()?;
            Some((dir.host.to_string_lossy().into_owned(), dir.guest))
        };
        let pair = |host: &str, guest: &str| Some((host.to_owned(), guest.to_owned()));
        assert_eq!(found("/a"), pair("/a", "/a"));
        assert_eq!(found(".::/"), pair(".", "/"));
        assert_eq!(found("c:/x::/y"), pair("c:/x", "/y"));
        assert_eq!(found("a::b::c"), pair("a", "b::c"));
        for wrong in ["", "::", "a::", "::b"] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("123"), Ok(123));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("3m"), Ok(3 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        for wrong in ["", "K", "-1", "+1", "1.5M", "1T", "99999999999999G", "1 K"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(stack_size("1023").is_err());
        assert_eq!(stack_size("1K"), Ok(1024));
    }

    #[test]
    fn times_have_units() {
        for (text, millis) in [("2", 2000), ("0.5", 500), ("500ms", 500), ("1m 1s", 61_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "0", "-1", "inf", "nan", "1x", "1e300"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn proposals_are_on_or_off() {
        for (text, enable) in [
            ("tail-call", true),
            ("tail-call=y", true),
            ("tail-call=no", false),
        ] {
            let (proposal, found) = proposal(text).unwrap();
            assert_eq!((proposal.name, found), ("tail-call", enable));
        }
        assert!(proposal("tail-call=maybe").is_err());
        let (proposal, found) = super::proposal("simd=n").unwrap();
        assert_eq!((proposal.name, found), ("simd", false));
        for on in ["simd", "simd=y"] {
            let refused = super::proposal(on).unwrap_err();
            assert!(
                refused.contains("supported, only mutable-global"),
                "{refused}"
            );
        }
        let proposal = super::proposal;
        assert!(
            proposal("tail_call")
                .unwrap_err()
                .contains("multi-value, bulk-memory")
        );
    }
}
