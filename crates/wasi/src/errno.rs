//! Error numbers of WASI preview 1.
//!
//! The numbers are those of the type `errno` in the witx description of
//! `wasi_snapshot_preview1`; `wasi_unstable` has the same ones. Every number is
//! here, also those which no function of this crate returns yet, because an
//! embedder's stream may want to name them.

use std::io;

macro_rules! errnos {
    ($( $name:ident = $number:literal, $text:literal; )*) => {
        /// Why a WASI function failed; the guest receives the number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Errno {
            $( #[doc = concat!($text, ".")] #[error($text)] $name = $number, )*
        }

        impl Errno {
            /// All error numbers, ascending.
            pub const ALL: &[Self] = &[$( Self::$name ),*];
        }
    };
}

errnos! {
    TooBig = 1, "argument list too long";
    Acces = 2, "permission denied";
    AddrInUse = 3, "address in use";
    AddrNotAvail = 4, "address not available";
    AfNoSupport = 5, "address family not supported";
    Again = 6, "resource unavailable, or operation would block";
    Already = 7, "connection already in progress";
    BadF = 8, "bad file descriptor";
    BadMsg = 9, "bad message";
    Busy = 10, "device or resource busy";
    Canceled = 11, "operation canceled";
    Child = 12, "no child processes";
    ConnAborted = 13, "connection aborted";
    ConnRefused = 14, "connection refused";
    ConnReset = 15, "connection reset";
    Deadlk = 16, "resource deadlock would occur";
    DestAddrReq = 17, "destination address required";
    Dom = 18, "mathematics argument out of domain of function";
    Dquot = 19, "disk quota exceeded";
    Exist = 20, "file exists";
    Fault = 21, "bad address";
    FBig = 22, "file too large";
    HostUnreach = 23, "host is unreachable";
    IdRm = 24, "identifier removed";
    IlSeq = 25, "illegal byte sequence";
    InProgress = 26, "operation in progress";
    Intr = 27, "interrupted function";
    Inval = 28, "invalid argument";
    Io = 29, "input or output error";
    IsConn = 30, "socket is connected";
    IsDir = 31, "is a directory";
    Loop = 32, "too many levels of symbolic links";
    MFile = 33, "file descriptor value too large";
    MLink = 34, "too many links";
    MsgSize = 35, "message too large";
    MultiHop = 36, "multihop attempted";
    NameTooLong = 37, "file name too long";
    NetDown = 38, "network is down";
    NetReset = 39, "connection aborted by network";
    NetUnreach = 40, "network unreachable";
    NFile = 41, "too many files open in system";
    NoBufs = 42, "no buffer space available";
    NoDev = 43, "no such device";
    NoEnt = 44, "no such file or directory";
    NoExec = 45, "executable file format error";
    NoLck = 46, "no locks available";
    NoLink = 47, "link has been severed";
    NoMem = 48, "not enough space";
    NoMsg = 49, "no message of the desired type";
    NoProtoOpt = 50, "protocol not available";
    NoSpc = 51, "no space left on device";
    NoSys = 52, "function not supported";
    NotConn = 53, "socket is not connected";
    NotDir = 54, "not a directory";
    NotEmpty = 55, "directory not empty";
    NotRecoverable = 56, "state not recoverable";
    NotSock = 57, "not a socket";
    NotSup = 58, "not supported";
    NotTty = 59, "inappropriate input or output control operation";
    Nxio = 60, "no such device or address";
    Overflow = 61, "value too large to be stored in data type";
    OwnerDead = 62, "previous owner died";
    Perm = 63, "operation not permitted";
    Pipe = 64, "broken pipe";
    Proto = 65, "protocol error";
    ProtoNoSupport = 66, "protocol not supported";
    ProtoType = 67, "protocol wrong type for socket";
    Range = 68, "result too large";
    Rofs = 69, "read-only file system";
    SPipe = 70, "invalid seek";
    Srch = 71, "no such process";
    Stale = 72, "stale handle";
    TimedOut = 73, "connection timed out";
    TxtBsy = 74, "text file busy";
    XDev = 75, "cross-device link";
    NotCapable = 76, "capabilities insufficient";
}

impl Errno {
    /// The number that the guest sees.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl From<io::Error> for Errno {
    /// The number that the operating system gave, if there is one and WASI knows
    /// it; otherwise what the kind of the error says.
    ///
    /// An error of kind `PermissionDenied` without a number of the system is the
    /// refusal to leave a preopened directory: [`Errno::Perm`].
    fn from(error: io::Error) -> Self {
        #[cfg(unix)]
        if let Some(errno) = system::from_system(&error) {
            return errno;
        }
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exist,
            io::ErrorKind::BrokenPipe => Self::Pipe,
            io::ErrorKind::ConnectionAborted => Self::ConnAborted,
            io::ErrorKind::ConnectionReset => Self::ConnReset,
            io::ErrorKind::DirectoryNotEmpty => Self::NotEmpty,
            io::ErrorKind::Interrupted => Self::Intr,
            io::ErrorKind::InvalidInput => Self::Inval,
            io::ErrorKind::IsADirectory => Self::IsDir,
            io::ErrorKind::NotADirectory => Self::NotDir,
            io::ErrorKind::NotConnected => Self::NotConn,
            io::ErrorKind::NotFound => Self::NoEnt,
            io::ErrorKind::OutOfMemory => Self::NoMem,
            io::ErrorKind::PermissionDenied => Self::Perm,
            io::ErrorKind::ReadOnlyFilesystem => Self::Rofs,
            io::ErrorKind::StorageFull => Self::NoSpc,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::Unsupported => Self::NotSup,
            io::ErrorKind::WouldBlock => Self::Again,
            _ => Self::Io,
        }
    }
}

/// Numbers of the operating system below.
#[cfg(unix)]
mod system {
    use std::io;

    use rustix::io::Errno as System;

    use super::Errno;

    /// The same error in WASI's numbers.
    pub(super) fn from_system(error: &io::Error) -> Option<Errno> {
        let system = System::from_io_error(error)?;
        let known = KNOWN.iter().find(|(known, _)| *known == system);
        Some(known.map_or(Errno::Io, |(_, errno)| *errno))
    }

    /// Not a `match`, because some systems give one number two names.
    const KNOWN: &[(System, Errno)] = &[
        (System::ACCESS, Errno::Acces),
        (System::ADDRINUSE, Errno::AddrInUse),
        (System::ADDRNOTAVAIL, Errno::AddrNotAvail),
        (System::AFNOSUPPORT, Errno::AfNoSupport),
        (System::AGAIN, Errno::Again),
        (System::ALREADY, Errno::Already),
        (System::BADF, Errno::BadF),
        (System::BADMSG, Errno::BadMsg),
        (System::BUSY, Errno::Busy),
        (System::CANCELED, Errno::Canceled),
        (System::CHILD, Errno::Child),
        (System::CONNABORTED, Errno::ConnAborted),
        (System::CONNREFUSED, Errno::ConnRefused),
        (System::CONNRESET, Errno::ConnReset),
        (System::DEADLK, Errno::Deadlk),
        (System::DESTADDRREQ, Errno::DestAddrReq),
        (System::DOM, Errno::Dom),
        (System::DQUOT, Errno::Dquot),
        (System::EXIST, Errno::Exist),
        (System::FAULT, Errno::Fault),
        (System::FBIG, Errno::FBig),
        (System::HOSTUNREACH, Errno::HostUnreach),
        (System::IDRM, Errno::IdRm),
        (System::ILSEQ, Errno::IlSeq),
        (System::INPROGRESS, Errno::InProgress),
        (System::INTR, Errno::Intr),
        (System::INVAL, Errno::Inval),
        (System::IO, Errno::Io),
        (System::ISCONN, Errno::IsConn),
        (System::ISDIR, Errno::IsDir),
        (System::LOOP, Errno::Loop),
        (System::MFILE, Errno::MFile),
        (System::MLINK, Errno::MLink),
        (System::MSGSIZE, Errno::MsgSize),
        (System::MULTIHOP, Errno::MultiHop),
        (System::NAMETOOLONG, Errno::NameTooLong),
        (System::NETDOWN, Errno::NetDown),
        (System::NETRESET, Errno::NetReset),
        (System::NETUNREACH, Errno::NetUnreach),
        (System::NFILE, Errno::NFile),
        (System::NOBUFS, Errno::NoBufs),
        (System::NODEV, Errno::NoDev),
        (System::NOENT, Errno::NoEnt),
        (System::NOEXEC, Errno::NoExec),
        (System::NOLCK, Errno::NoLck),
        (System::NOLINK, Errno::NoLink),
        (System::NOMEM, Errno::NoMem),
        (System::NOMSG, Errno::NoMsg),
        (System::NOPROTOOPT, Errno::NoProtoOpt),
        (System::NOSPC, Errno::NoSpc),
        (System::NOSYS, Errno::NoSys),
        (System::NOTCONN, Errno::NotConn),
        (System::NOTDIR, Errno::NotDir),
        (System::NOTEMPTY, Errno::NotEmpty),
        (System::NOTRECOVERABLE, Errno::NotRecoverable),
        (System::NOTSOCK, Errno::NotSock),
        (System::NOTSUP, Errno::NotSup),
        (System::NOTTY, Errno::NotTty),
        (System::NXIO, Errno::Nxio),
        (System::OPNOTSUPP, Errno::NotSup),
        (System::OVERFLOW, Errno::Overflow),
        (System::OWNERDEAD, Errno::OwnerDead),
        (System::PERM, Errno::Perm),
        (System::PIPE, Errno::Pipe),
        (System::PROTO, Errno::Proto),
        (System::PROTONOSUPPORT, Errno::ProtoNoSupport),
        (System::PROTOTYPE, Errno::ProtoType),
        (System::RANGE, Errno::Range),
        (System::ROFS, Errno::Rofs),
        (System::SPIPE, Errno::SPipe),
        (System::SRCH, Errno::Srch),
        (System::STALE, Errno::Stale),
        (System::TIMEDOUT, Errno::TimedOut),
        (System::TOOBIG, Errno::TooBig),
        (System::TXTBSY, Errno::TxtBsy),
        (System::WOULDBLOCK, Errno::Again),
        (System::XDEV, Errno::XDev),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_from_one() {
        let numbers: Vec<u16> = Errno::ALL.iter().map(|errno| errno.number()).collect();
        assert_eq!(numbers, (1..=76).collect::<Vec<u16>>());
    }

    #[test]
    fn io_errors_keep_their_meaning() {
        assert_eq!(
            Errno::from(io::Error::from(io::ErrorKind::BrokenPipe)),
            Errno::Pipe
        );
        assert_eq!(Errno::from(io::Error::other("strange")), Errno::Io);
        let escape = io::Error::new(io::ErrorKind::PermissionDenied, "outside");
        assert_eq!(Errno::from(escape), Errno::Perm);
    }

    /// All of them have a number there but the last, which is WASI's own.
    #[test]
    #[cfg(target_os = "linux")]
    fn every_number_comes_from_one_of_the_system() {
        let found: std::collections::HashSet<Errno> = (1..200)
            .map(|number| Errno::from(io::Error::from_raw_os_error(number)))
            .collect();
        let missing = |errno: &&Errno| !found.contains(errno);
        let missing: Vec<&Errno> = Errno::ALL.iter().filter(missing).collect();
        assert_eq!(missing, [&Errno::NotCapable]);
        // `EHOSTUNREACH`, which a stream of the embedder's may give.
        assert_eq!(
            Errno::from(io::Error::from_raw_os_error(113)),
            Errno::HostUnreach
        );
    }

    #[test]
    #[cfg(unix)]
    fn numbers_of_the_system_come_before_kinds() {
        // Both are `PermissionDenied` to the standard library.
        for (system, errno) in [
            (rustix::io::Errno::ACCESS, Errno::Acces),
            (rustix::io::Errno::PERM, Errno::Perm),
            (rustix::io::Errno::LOOP, Errno::Loop),
        ] {
            assert_eq!(Errno::from(io::Error::from(system)), errno);
        }
    }
}
