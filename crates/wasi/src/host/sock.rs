//! Functions on sockets. There are none, so every open descriptor is `notsock`.

use super::Call;
use crate::Errno;
use crate::guest::IoVecs;

impl Call<'_> {
    fn socket(&mut self, fd: u32) -> Result<(), Errno> {
        self.ctx.fds.get(fd)?;
        Err(Errno::NotSock)
    }

    pub(crate) fn sock_accept(
        &mut self,
        fd: u32,
        _flags: u32,
        _accepted: u32,
    ) -> Result<(), Errno> {
        self.socket(fd)
    }

    pub(crate) fn sock_recv(
        &mut self,
        fd: u32,
        _iovs: IoVecs,
        _flags: u32,
        _read: u32,
        _out_flags: u32,
    ) -> Result<(), Errno> {
        self.socket(fd)
    }

    pub(crate) fn sock_send(
        &mut self,
        fd: u32,
        _iovs: IoVecs,
        _flags: u32,
        _written: u32,
    ) -> Result<(), Errno> {
        self.socket(fd)
    }

    pub(crate) fn sock_shutdown(&mut self, fd: u32, _how: u32) -> Result<(), Errno> {
        self.socket(fd)
    }
}
