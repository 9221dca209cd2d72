//! Checked access to the guest's linear memory.
//!
//! Every address and length that reaches this module was chosen by the guest.
//! An access that is not wholly inside the memory is [`Errno::Fault`]; no
//! arithmetic wraps, and nothing here allocates, so that a length can never
//! make the host reserve memory. Alignment does not matter to the host and is
//! not checked.

use std::io;

use crate::Errno;

/// The most vectors that one call looks at; of a longer list it uses the first ones,
/// and the count that it reports is short, which every caller must expect.
///
/// The value is the `IOV_MAX` of common systems. Without it a guest could make
/// one call run through hundreds of millions of vectors.
pub(crate) const IOV_MAX: u32 = 1024;

/// The linear memory of the calling instance.
#[derive(Debug)]
pub(crate) struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

/// The length from which on a path is [`Errno::NameTooLong`]. It is the `PATH_MAX`
/// of Linux, which counts a terminator.
const PATH_MAX: u32 = 4096;

/// A list of vectors (`iovec_array`), as a guest passes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IoVecs {
    pub(crate) list: u32,
    pub(crate) count: u32,
}

/// An address and a length that lie inside the memory they were checked
/// against.
#[derive(Debug, Clone, Copy)]
struct IoVec {
    address: u32,
    length: u32,
}

/// When a list of vectors is full enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// After one read, as for a stream.
    Once,
    /// When all are full or nothing more comes, as for a file.
    All,
}

impl<'a> GuestMemory<'a> {
    /// A view of the bytes of a linear memory.
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes `address..address + length`.
    pub(crate) fn slice(&self, address: u32, length: u32) -> Result<&[u8], Errno> {
        let start = usize::try_from(address).map_err(|_| Errno::Fault)?;
        let length = usize::try_from(length).map_err(|_| Errno::Fault)?;
        let end = start.checked_add(length).ok_or(Errno::Fault)?;
        self.bytes.get(start..end).ok_or(Errno::Fault)
    }

    /// The bytes `address..address + length`, to be written.
    pub(crate) fn slice_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], Errno> {
        let start = usize::try_from(address).map_err(|_| Errno::Fault)?;
        let length = usize::try_from(length).map_err(|_| Errno::Fault)?;
        let end = start.checked_add(length).ok_or(Errno::Fault)?;
        self.bytes.get_mut(start..end).ok_or(Errno::Fault)
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Errno> {
        let start = usize::try_from(address).map_err(|_| Errno::Fault)?;
        let tail = self.bytes.get(start..).ok_or(Errno::Fault)?;
        tail.first_chunk().copied().ok_or(Errno::Fault)
    }

    /// Writes all of `bytes` at `address`.
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.slice_mut(address, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// The byte at `address`.
    pub(crate) fn read_u8(&self, address: u32) -> Result<u8, Errno> {
        self.array::<1>(address).map(|[byte]| byte)
    }

    /// The little-endian number at `address`.
    pub(crate) fn read_u16(&self, address: u32) -> Result<u16, Errno> {
        self.array(address).map(u16::from_le_bytes)
    }

    /// The little-endian number at `address`.
    pub(crate) fn read_u32(&self, address: u32) -> Result<u32, Errno> {
        self.array(address).map(u32::from_le_bytes)
    }

    /// The little-endian number at `address`.
    pub(crate) fn read_u64(&self, address: u32) -> Result<u64, Errno> {
        self.array(address).map(u64::from_le_bytes)
    }

    /// Writes `value` in little-endian order.
    pub(crate) fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes `value` in little-endian order.
    pub(crate) fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// The path at `address`.
    ///
    /// Longer ones than any system takes are refused before they are looked at, so
    /// that no copy of them is ever made.
    pub(crate) fn path(&self, address: u32, length: u32) -> Result<&str, Errno> {
        let bytes = self.slice(address, length)?;
        if length >= PATH_MAX {
            return Err(Errno::NameTooLong);
        }
        let path = str::from_utf8(bytes).map_err(|_| Errno::IlSeq)?;
        if path.contains('\0') {
            return Err(Errno::Inval);
        }
        Ok(path)
    }

    /// The vector number `index` of a list; both it and the bytes it names lie
    /// inside the memory.
    fn io_vec(&self, vectors: IoVecs, index: u32) -> Result<IoVec, Errno> {
        let at = offset(vectors.list, index, 8)?;
        let address = self.read_u32(at)?;
        let length = self.read_u32(at.checked_add(4).ok_or(Errno::Fault)?)?;
        self.slice(address, length)?;
        Ok(IoVec { address, length })
    }

    /// Checks a list of vectors before the first is used, so that a call with a bad
    /// vector has no effect, and returns those that are used.
    ///
    /// The lengths must add up to at most `u32::MAX`, because that is the
    /// largest count a call can report.
    pub(crate) fn check_io_vecs(&self, vectors: IoVecs) -> Result<IoVecs, Errno> {
        self.slice(vectors.list, offset(0, vectors.count, 8)?)?;
        let vectors = IoVecs {
            count: vectors.count.min(IOV_MAX),
            ..vectors
        };
        let mut total = 0_u32;
        for index in 0..vectors.count {
            let vector = self.io_vec(vectors, index)?;
            total = total.checked_add(vector.length).ok_or(Errno::Inval)?;
        }
        Ok(vectors)
    }

    /// Fills the vectors by calling `read` with the bytes of each and the number of
    /// those before it, and returns how many bytes there were.
    ///
    /// It ends with the first read that finds less than there is room for. With
    /// [`Fill::Once`] it ends with the first read at all, because a further one
    /// could block although there are bytes to report.
    pub(crate) fn scatter(
        &mut self,
        vectors: IoVecs,
        fill: Fill,
        mut read: impl FnMut(&mut [u8], u32) -> io::Result<usize>,
    ) -> Result<u32, Errno> {
        let mut total = 0_u32;
        for index in 0..vectors.count {
            let vector = self.io_vec(vectors, index)?;
            if vector.length == 0 {
                continue;
            }
            let done = match read(self.slice_mut(vector.address, vector.length)?, total) {
                Ok(done) => u32::try_from(done).map_err(|_| Errno::Overflow)?,
                // What was read before counts; the next call meets the error.
                Err(_) if total != 0 => break,
                Err(error) => return Err(error.into()),
            };
            total = total.checked_add(done).ok_or(Errno::Overflow)?;
            if done < vector.length || fill == Fill::Once {
                break;
            }
        }
        Ok(total)
    }

    /// Hands the vectors' bytes to `write`, with the number of those before, until
    /// it takes less than it is given, and returns how many it took.
    pub(crate) fn gather(
        &self,
        vectors: IoVecs,
        mut write: impl FnMut(&[u8], u32) -> io::Result<usize>,
    ) -> Result<u32, Errno> {
        let mut total = 0_u32;
        for index in 0..vectors.count {
            let vector = self.io_vec(vectors, index)?;
            if vector.length == 0 {
                continue;
            }
            let done = match write(self.slice(vector.address, vector.length)?, total) {
                Ok(done) => u32::try_from(done).map_err(|_| Errno::Overflow)?,
                // What was written before counts; the next call meets the error.
                Err(_) if total != 0 => break,
                Err(error) => return Err(error.into()),
            };
            total = total.checked_add(done).ok_or(Errno::Overflow)?;
            if done < vector.length {
                break;
            }
        }
        Ok(total)
    }
}

/// `base + index * size`, or a fault when that is no address.
pub(crate) fn offset(base: u32, index: u32, size: u32) -> Result<u32, Errno> {
    index
        .checked_mul(size)
        .and_then(|delta| base.checked_add(delta))
        .ok_or(Errno::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_text_without_zeros() {
        let mut bytes = vec![b'a'; 8192];
        bytes[10] = 0;
        bytes[20] = 0xff;
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.path(0, 10), Ok("aaaaaaaaaa"));
        assert_eq!(memory.path(0, 0), Ok(""));
        assert_eq!(memory.path(0, 11), Err(Errno::Inval));
        assert_eq!(memory.path(20, 1), Err(Errno::IlSeq));
        assert_eq!(memory.path(4096, 4095).map(str::len), Ok(4095));
        assert_eq!(memory.path(4096, 4096), Err(Errno::NameTooLong));
        assert_eq!(memory.path(4097, 4096), Err(Errno::Fault));
    }

    #[test]
    fn accesses_end_at_the_last_byte() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.write_u64(8, 0x0102_0304_0506_0708), Ok(()));
        assert_eq!(memory.read_u64(8), Ok(0x0102_0304_0506_0708));
        assert_eq!(memory.read_u16(14), Ok(0x0102));
        assert_eq!(memory.write_u64(9, 0), Err(Errno::Fault));
        assert_eq!(memory.read_u32(13), Err(Errno::Fault));
        assert_eq!(memory.read_u8(16), Err(Errno::Fault));
        assert_eq!(memory.read_u8(15), Ok(1));
    }

    #[test]
    fn nothing_wraps_around() {
        let mut bytes = [0; 16];
        let memory = GuestMemory::new(&mut bytes);
        assert!(memory.slice(u32::MAX, u32::MAX).is_err());
        assert!(memory.slice(16, 0).is_ok());
        assert!(memory.slice(17, 0).is_err());
        assert_eq!(memory.read_u64(u32::MAX), Err(Errno::Fault));
        assert_eq!(offset(8, u32::MAX, 8), Err(Errno::Fault));
    }

    #[test]
    fn vectors_are_checked_as_a_list() {
        let mut bytes = [0; 64];
        let mut memory = GuestMemory::new(&mut bytes);
        memory.write_u32(0, 32).unwrap();
        memory.write_u32(4, 32).unwrap();
        let check = |memory: &GuestMemory<'_>, list, count| {
            let checked = memory.check_io_vecs(IoVecs { list, count });
            checked.map(|vectors| (vectors.list, vectors.count))
        };
        assert_eq!(check(&memory, 0, 1), Ok((0, 1)));
        memory.write_u32(8, 33).unwrap();
        memory.write_u32(12, 32).unwrap();
        assert_eq!(check(&memory, 0, 2), Err(Errno::Fault));
        assert_eq!(check(&memory, 60, 1), Err(Errno::Fault));
        for count in [9, IOV_MAX + 1, u32::MAX] {
            assert_eq!(check(&memory, 0, count), Err(Errno::Fault));
        }
        let mut bytes = [0; 8 * IOV_MAX as usize + 16];
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(check(&memory, 8, IOV_MAX + 1), Ok((8, IOV_MAX)));
        assert_eq!(check(&memory, 8, IOV_MAX + 2), Err(Errno::Fault));
    }

    #[test]
    fn vectors_of_more_bytes_than_can_be_counted_are_refused() {
        let mut bytes = vec![0; 1 << 23];
        let mut memory = GuestMemory::new(&mut bytes);
        // 1024 vectors that all name the same 2^23 - 8192 bytes.
        for index in 0..IOV_MAX {
            memory.write_u32(index * 8, 8192).unwrap();
            memory.write_u32(index * 8 + 4, (1 << 23) - 8192).unwrap();
        }
        let check = |count| memory.check_io_vecs(IoVecs { list: 0, count });
        assert!(check(512).is_ok());
        assert!(matches!(check(IOV_MAX), Err(Errno::Inval)));
    }
}
