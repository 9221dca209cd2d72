//! What one guest may see and do: [`WasiCtx`], made by [`WasiCtxBuilder`].
//!
//! A context belongs to one run of one module. By default it grants nothing:
//! no arguments, no environment, an empty standard input, and output that
//! vanishes; time and random numbers come from the system.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::clock::{Clock, SystemClock};
use crate::fd_table::{FdTable, Object};
use crate::fs::{Dir, Permissions, open_ambient};
use crate::random::{RandomSource, SystemRandom};
use crate::stream::{Input, Output};

/// The state of WASI for one guest.
pub struct WasiCtx {
    pub(crate) args: StringList,
    pub(crate) env: StringList,
    pub(crate) fds: FdTable,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) random: Box<dyn RandomSource>,
}

impl std::fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values of the environment are often secrets, so they stay out.
        f.debug_struct("WasiCtx")
            .field("args", &self.args.strings.len())
            .field("env", &self.env.strings.len())
            .field("fds", &self.fds)
            .finish_non_exhaustive()
    }
}

/// Strings that the guest asks for as C strings: no zero byte inside, and the
/// number of bytes with terminators fits 32 bits.
#[derive(Debug, Default)]
pub(crate) struct StringList {
    pub(crate) strings: Vec<Vec<u8>>,
    /// Bytes of all strings and their terminators.
    pub(crate) size: u32,
}

impl StringList {
    fn new(strings: Vec<Vec<u8>>) -> Result<Self, BuildError> {
        let mut size = 0_u32;
        for string in &strings {
            if string.contains(&0) {
                return Err(BuildError::ZeroByte {
                    string: lossy(string),
                });
            }
            size = u32::try_from(string.len())
                .ok()
                .and_then(|length| length.checked_add(1))
                .and_then(|length| size.checked_add(length))
                .ok_or(BuildError::TooLarge)?;
        }
        u32::try_from(strings.len()).map_err(|_| BuildError::TooLarge)?;
        Ok(Self { strings, size })
    }

    /// How many strings there are.
    pub(crate) fn count(&self) -> u32 {
        // `new` has checked that the count fits.
        u32::try_from(self.strings.len()).unwrap_or(u32::MAX)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Why a context could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The guest receives C strings, which end at the first zero byte.
    #[error("{string:?} contains a zero byte, which arguments and environment variables cannot")]
    ZeroByte {
        /// The string, invalid UTF-8 replaced.
        string: String,
    },
    /// The guest would find another variable than was meant.
    #[error("the environment variable name {name:?} is empty or contains `=`")]
    VariableName {
        /// The name, invalid UTF-8 replaced.
        name: String,
    },
    /// The guest's addresses have 32 bits.
    #[error("arguments or environment take more than 4 GiB")]
    TooLarge,
    /// A directory of the host could not be opened.
    #[error("the directory {path:?} cannot be opened")]
    Directory {
        /// The path on the host.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The guest asks for the names of its directories as paths.
    #[error("the guest path {guest_path:?} contains a zero byte or is too long")]
    GuestPath {
        /// The path that the guest should have got.
        guest_path: String,
    },
}

/// Half of what systems commonly grant a process.
const DEFAULT_MAX_DESCRIPTORS: usize = 512;

/// Collects what a guest gets, and makes a [`WasiCtx`].
///
/// ```
/// use damson_wasi::{OutputPipe, SeededRandom, VirtualClock, WasiCtxBuilder};
///
/// let output = OutputPipe::new(1 << 20);
/// let wasi = WasiCtxBuilder::new()
///     .args(["program", "--verbose"])
///     .env("LANG", "C.UTF-8")
///     .stdin(&b"some input"[..])
///     .stdout(output.clone())
///     .clock(VirtualClock::new(0, 1_000))
///     .random(SeededRandom::new(1))
///     .build()?;
/// # let _ = wasi;
/// assert!(output.contents().is_empty());
/// # Ok::<(), damson_wasi::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
    directories: Vec<Preopen>,
    max_descriptors: usize,
    clock: Option<Box<dyn Clock>>,
    random: Box<dyn RandomSource>,
}

/// A directory for the guest.
#[derive(Debug)]
struct Preopen {
    source: PreopenSource,
    guest_path: String,
    permissions: Permissions,
}

#[derive(Debug)]
enum PreopenSource {
    /// Opened when the context is built.
    Path(PathBuf),
    Open(cap_std::fs::Dir),
}

impl Preopen {
    fn open(self) -> Result<Dir, BuildError> {
        let guest_path = self.guest_path;
        if guest_path.contains('\0') || u32::try_from(guest_path.len()).is_err() {
            return Err(BuildError::GuestPath { guest_path });
        }
        let dir = match self.source {
            PreopenSource::Open(dir) => dir,
            PreopenSource::Path(path) => match open_ambient(&path) {
                Ok(dir) => dir,
                Err(source) => return Err(BuildError::Directory { path, source }),
            },
        };
        Ok(Dir::preopened(dir, guest_path, self.permissions))
    }
}

impl std::fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiCtxBuilder")
            .field("args", &self.args.len())
            .field("env", &self.env.len())
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("directories", &self.directories)
            .finish_non_exhaustive()
    }
}

impl Default for WasiCtxBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl WasiCtxBuilder {
    /// A builder that grants nothing yet.
    pub fn new() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            stdin: Input::Custom(Box::new(io::empty())),
            stdout: Output::custom(io::sink()),
            stderr: Output::custom(io::sink()),
            directories: Vec::new(),
            max_descriptors: DEFAULT_MAX_DESCRIPTORS,
            clock: None,
            random: Box::new(SystemRandom),
        }
    }

    /// Adds an argument. The first one is, by convention, the program's name.
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<[u8]>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_vec()));
        self
    }

    /// Sets an environment variable; a later value replaces an earlier one.
    pub fn env(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref().to_vec());
        match self.env.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.env.push((name.to_vec(), value)),
        }
        self
    }

    /// Connects all three standard streams to those of this process.
    pub fn inherit_stdio(self) -> Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Lets the guest read this process's standard input.
    pub fn inherit_stdin(mut self) -> Self {
        self.stdin = Input::Inherited;
        self
    }

    /// Lets the guest write to this process's standard output.
    pub fn inherit_stdout(mut self) -> Self {
        self.stdout = Output::Stdout;
        self
    }

    /// Lets the guest write to this process's standard error.
    pub fn inherit_stderr(mut self) -> Self {
        self.stderr = Output::Stderr;
        self
    }

    /// Lets the guest read `reader`; bytes in memory are a reader, too.
    pub fn stdin(mut self, reader: impl Read + Send + 'static) -> Self {
        self.stdin = Input::Custom(Box::new(reader));
        self
    }

    /// Lets the guest write its standard output to `writer`, for instance an
    /// [`OutputPipe`](crate::OutputPipe).
    pub fn stdout(mut self, writer: impl Write + Send + 'static) -> Self {
        self.stdout = Output::custom(writer);
        self
    }

    /// Lets the guest write its standard error to `writer`.
    pub fn stderr(mut self, writer: impl Write + Send + 'static) -> Self {
        self.stderr = Output::custom(writer);
        self
    }

    /// Gives the guest a directory of the host under the name `guest_path`.
    ///
    /// The directory is opened by [`build`](Self::build). What lies outside of it
    /// stays out of reach: neither `..` nor absolute paths nor symbolic links lead
    /// there.
    ///
    /// C libraries find a file by the longest guest path that begins its path; the
    /// guest paths `/` and `.` are common.
    pub fn preopened_dir(
        mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl Into<String>,
        permissions: Permissions,
    ) -> Self {
        self.directories.push(Preopen {
            source: PreopenSource::Path(host_path.as_ref().to_owned()),
            guest_path: guest_path.into(),
            permissions,
        });
        self
    }

    /// As [`preopened_dir`](Self::preopened_dir), for a directory that is open
    /// already.
    pub fn preopened_cap_dir(
        mut self,
        dir: cap_std::fs::Dir,
        guest_path: impl Into<String>,
        permissions: Permissions,
    ) -> Self {
        self.directories.push(Preopen {
            source: PreopenSource::Open(dir),
            guest_path: guest_path.into(),
            permissions,
        });
        self
    }

    /// Sets how many descriptors of this process the guest may take; by default 512.
    ///
    /// Each of its own counts, standard streams and preopened directories included, and
    /// a directory that it has begun to read and not read to the end counts three times.
    pub fn max_descriptors(mut self, limit: usize) -> Self {
        self.max_descriptors = limit;
        self
    }

    /// Sets the source of time; by default a [`SystemClock`] that starts when
    /// the context is built.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Sets the source of random numbers; by default [`SystemRandom`].
    pub fn random(mut self, random: impl RandomSource + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Makes the context.
    ///
    /// # Errors
    ///
    /// When an argument or variable cannot be a C string, a variable's name
    /// could not be found again, there is more than a guest can address, or a
    /// directory cannot be opened.
    pub fn build(self) -> Result<WasiCtx, BuildError> {
        let mut env = Vec::with_capacity(self.env.len());
        for (mut name, value) in self.env {
            if name.is_empty() || name.contains(&b'=') {
                return Err(BuildError::VariableName { name: lossy(&name) });
            }
            name.push(b'=');
            name.extend_from_slice(&value);
            env.push(name);
        }
        let mut descriptors = vec![
            Object::Input(self.stdin).into(),
            Object::Output(self.stdout).into(),
            Object::Output(self.stderr).into(),
        ];
        for directory in self.directories {
            descriptors.push(Object::Dir(directory.open()?).into());
        }
        Ok(WasiCtx {
            args: StringList::new(self.args)?,
            env: StringList::new(env)?,
            fds: FdTable::new(descriptors, self.max_descriptors),
            clock: self.clock.unwrap_or_else(|| Box::new(SystemClock::new())),
            random: self.random,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_values_of_a_variable_replace_earlier_ones() {
        let ctx = WasiCtxBuilder::new()
            .env("A", "1")
            .env("B", "2")
            .env("A", "3")
            .build()
            .unwrap();
        assert_eq!(ctx.env.strings, [b"A=3".to_vec(), b"B=2".to_vec()]);
        assert_eq!(ctx.env.size, 8);
    }

    #[test]
    fn strings_that_the_guest_would_misread_are_refused() {
        let zero = |builder: WasiCtxBuilder| match builder.build() {
            Err(BuildError::ZeroByte { string }) => string,
            other => panic!("{other:?}"),
        };
        assert_eq!(zero(WasiCtxBuilder::new().arg("a\0b")), "a\0b");
        assert_eq!(zero(WasiCtxBuilder::new().env("A", "a\0b")), "A=a\0b");
        for wrong in ["", "A=B"] {
            match WasiCtxBuilder::new().env(wrong, "x").build() {
                Err(BuildError::VariableName { name }) => assert_eq!(name, wrong),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_directory_that_cannot_be_opened_is_named() {
        let missing = Path::new("/nonexistent/directory");
        let error = WasiCtxBuilder::new()
            .preopened_dir(missing, "/", Permissions::ReadOnly)
            .build()
            .unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/directory"),
            "{error}"
        );
        let error = WasiCtxBuilder::new()
            .preopened_dir(".", "a\0b", Permissions::ReadOnly)
            .build()
            .unwrap_err();
        assert!(matches!(error, BuildError::GuestPath { .. }), "{error}");
    }
}
