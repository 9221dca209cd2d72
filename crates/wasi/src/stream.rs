//! Standard streams: where the guest's descriptors 0, 1 and 2 lead.
//!
//! A stream is inherited from the process, or any `Read` or `Write` of the
//! embedder, or absent (reads find the end, writes vanish). [`OutputPipe`]
//! keeps what the guest writes in memory.

use std::fmt;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::abi::FileType;

/// Where the guest reads its standard input from.
pub(crate) enum Input {
    Inherited,
    Custom(Box<dyn Read + Send>),
}

impl Input {
    /// One read, as much as is there and fits.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Inherited => read_stdin(buffer),
            Self::Custom(reader) => {
                let count = reader.read(buffer)?;
                // A wrong count from foreign code must not reach the guest.
                if count > buffer.len() {
                    Err(io::Error::other("too large a count"))
                } else {
                    Ok(count)
                }
            }
        }
    }

    /// Whether this is the process's own standard input.
    pub(crate) fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited)
    }

    /// What the guest is told that it reads from.
    pub(crate) fn file_type(&self) -> FileType {
        match self {
            Self::Inherited if io::stdin().is_terminal() => FileType::CharacterDevice,
            _ => FileType::Unknown,
        }
    }
}

/// Reads without the standard library's buffer: `poll_oneoff` asks the operating
/// system whether there is something to read, and it knows nothing of bytes that wait
/// in a buffer.
#[cfg(unix)]
fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::read(io::stdin(), buffer)?)
}

#[cfg(not(unix))]
fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
    io::stdin().read(buffer)
}

/// Writes without the standard library's buffer, which takes all bytes and keeps those
/// that a stream which does not block has no room for: the guest would be told that there
/// was none, and write them again. What this process itself has written comes before.
#[cfg(unix)]
fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    io::stdout().flush()?;
    Ok(rustix::io::write(io::stdout(), bytes)?)
}

#[cfg(not(unix))]
fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    io::stdout().write(bytes)
}

/// Writes without the standard library's lock, which a write that waits for a reader
/// would keep from everybody else who has something to say.
#[cfg(unix)]
fn write_stderr(bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(io::stderr(), bytes)?)
}

#[cfg(not(unix))]
fn write_stderr(bytes: &[u8]) -> io::Result<usize> {
    io::stderr().write(bytes)
}

/// Hands on what a buffer of the standard library holds; on Unix nothing is put there.
fn flush(mut stream: impl Write) -> io::Result<()> {
    if cfg!(unix) { Ok(()) } else { stream.flush() }
}

/// Where the guest writes its output to.
pub(crate) enum Output {
    Stdout,
    Stderr,
    Custom {
        writer: Box<dyn Write + Send>,
        /// Why bytes that the stream had taken could not be handed on; the next call
        /// reports it.
        failed: Option<io::Error>,
    },
}

impl Output {
    pub(crate) fn custom(writer: impl Write + Send + 'static) -> Self {
        Self::Custom {
            writer: Box::new(writer),
            failed: None,
        }
    }

    /// One write; the count may be less than the length.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout => write_stdout(bytes),
            Self::Stderr => write_stderr(bytes),
            Self::Custom { writer, failed } => {
                if let Some(error) = failed.take() {
                    return Err(error);
                }
                let count = writer.write(bytes)?;
                if count > bytes.len() {
                    Err(io::Error::other("too large a count"))
                } else {
                    Ok(count)
                }
            }
        }
    }

    /// Hands buffered bytes on. Done after every call of the guest, which has
    /// buffers of its own and expects a write to be visible when it returns.
    ///
    /// The guest must not be told that a call failed that has taken `taken` bytes: it
    /// would write them again. So the failure is that of the next call.
    pub(crate) fn flush_after(&mut self, taken: u32) -> io::Result<()> {
        match self {
            Self::Stdout => flush(io::stdout()),
            Self::Stderr => flush(io::stderr()),
            Self::Custom { writer, failed } => match writer.flush() {
                Err(error) if taken > 0 => {
                    *failed = Some(error);
                    Ok(())
                }
                flushed => flushed,
            },
        }
    }

    /// The guest is done with it.
    pub(crate) fn close(mut self) -> io::Result<()> {
        match &mut self {
            Self::Custom {
                failed: Some(_), ..
            } => self.write(&[]).map(drop),
            _ => self.flush_after(0),
        }
    }

    /// What the guest is told that it writes to. C programs write line by line
    /// to a terminal and in larger pieces to anything else.
    pub(crate) fn file_type(&self) -> FileType {
        let terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::Custom { .. } => false,
        };
        if terminal {
            FileType::CharacterDevice
        } else {
            FileType::Unknown
        }
    }
}

/// An output stream that keeps everything in memory. Clones share their bytes,
/// so that one goes to the guest and one stays with the embedder.
///
/// A limit bounds what a guest can make the host keep: a write beyond it takes
/// what still fits, and then fails as a full device does.
#[derive(Debug, Clone)]
pub struct OutputPipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl OutputPipe {
    /// An empty pipe that takes at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Arc::default(),
            limit,
        }
    }

    /// A copy of everything written so far.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        self.bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes out everything written so far and leaves the pipe empty.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for OutputPipe {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit.saturating_sub(bytes.len());
        if room == 0 && !data.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = room.min(data.len());
        bytes.try_reserve(count)?;
        bytes.extend_from_slice(&data[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inherited => "Inherited",
            Self::Custom(_) => "Custom",
        })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "Stdout",
            Self::Stderr => "Stderr",
            Self::Custom { .. } => "Custom",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_shares_its_bytes_and_stops_at_its_limit() {
        let pipe = OutputPipe::new(5);
        let mut writer = pipe.clone();
        assert_eq!(writer.write(b"abc").unwrap(), 3);
        assert_eq!(writer.write(b"def").unwrap(), 2);
        assert_eq!(pipe.contents(), b"abcde");
        assert_eq!(
            writer.write(b"f").unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert_eq!(writer.write(b"").unwrap(), 0);
        assert_eq!(pipe.take(), b"abcde");
        assert_eq!(writer.write(b"f").unwrap(), 1);
    }

    #[test]
    fn wrong_counts_of_foreign_streams_are_errors() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len() + 1)
            }
        }
        impl Write for Liar {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len() + 1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Input::Custom(Box::new(Liar)).read(&mut [0; 4]).is_err());
        assert!(Output::custom(Liar).write(&[0; 4]).is_err());
    }

    /// Takes everything, and hands nothing on.
    struct Full(OutputPipe);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn bytes_that_a_stream_has_taken_are_not_written_twice() {
        let pipe = OutputPipe::new(100);
        let mut output = Output::custom(Full(pipe.clone()));
        assert_eq!(output.write(b"abc").unwrap(), 3);
        output.flush_after(3).unwrap();
        // The failure is the next call's, and then it is over.
        let error = output.write(b"def").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(output.write(b"def").unwrap(), 3);
        output.flush_after(3).unwrap();
        assert_eq!(pipe.contents(), b"abcdef");
        assert!(output.close().is_err());
        // Where nothing was taken, there is nobody else to tell.
        assert!(Output::custom(Full(pipe)).flush_after(0).is_err());
    }
}
