//! Checked access to the guest's linear memory.
//!
//! Every address and length that reaches this module was chosen by the guest.
//! An access that is not wholly inside the memory is [`Errno::Fault`]; no
//! arithmetic wraps, and nothing here allocates, so that a length can never
//! make the host reserve memory. Alignment does not matter to the host and is
//! not checked.

use crate::Errno;

/// The most vectors one call may pass; a longer list is [`Errno::Inval`].
///
/// The value is the `IOV_MAX` of common systems. Without it a guest could make
/// one call run through hundreds of millions of vectors.
pub(crate) const IOV_MAX: u32 = 1024;

/// The linear memory of the calling instance.
#[derive(Debug)]
pub(crate) struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

/// An address and a length that lie inside the memory they were checked
/// against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IoVec {
    pub(crate) address: u32,
    pub(crate) length: u32,
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

    /// The vector number `index` of the list at `list`; both it and the bytes
    /// it names lie inside the memory.
    pub(crate) fn io_vec(&self, list: u32, index: u32) -> Result<IoVec, Errno> {
        let at = offset(list, index, 8)?;
        let address = self.read_u32(at)?;
        let length = self.read_u32(at.checked_add(4).ok_or(Errno::Fault)?)?;
        self.slice(address, length)?;
        Ok(IoVec { address, length })
    }

    /// Checks a whole list of vectors before the first is used, so that a call
    /// with a bad vector has no effect.
    ///
    /// The lengths must add up to at most `u32::MAX`, because that is the
    /// largest count a call can report.
    pub(crate) fn check_io_vecs(&self, list: u32, count: u32) -> Result<(), Errno> {
        if count > IOV_MAX {
            return Err(Errno::Inval);
        }
        let mut total = 0_u32;
        for index in 0..count {
            let vector = self.io_vec(list, index)?;
            total = total.checked_add(vector.length).ok_or(Errno::Inval)?;
        }
        Ok(())
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
        assert_eq!(memory.check_io_vecs(0, 1), Ok(()));
        memory.write_u32(8, 33).unwrap();
        memory.write_u32(12, 32).unwrap();
        assert_eq!(memory.check_io_vecs(0, 2), Err(Errno::Fault));
        assert_eq!(memory.check_io_vecs(0, IOV_MAX + 1), Err(Errno::Inval));
        assert_eq!(memory.check_io_vecs(60, 1), Err(Errno::Fault));
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
        assert_eq!(memory.check_io_vecs(0, 512), Ok(()));
        assert_eq!(memory.check_io_vecs(0, IOV_MAX), Err(Errno::Inval));
    }
}
