//! Reading DWARF within bounds.
//!
//! DWARF is the guest's, and a little of it can stand for very much: any number of files
//! may share one long path, any number of functions one list of ranges, any number of units
//! one table of lines, and entries nest as deep as they like. What is read here is therefore
//! paid for: [`Budget`] has as much as a module of that size can need, and when it is used
//! up, reading fails as at the end of the data. The same happens where the native stack has
//! become deep.
//!
//! What has been read is kept by whoever reads it, and not read again. So the budget is for
//! all of a module's life, and limits memory as well as time.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use gimli::{EndianArcSlice, Error, LittleEndian, Reader, ReaderOffsetId};

/// What one read costs besides its bytes: about what is kept of the smallest things that
/// are read, such as a row of a table of lines.
const READ: u64 = 32;

/// What a byte of DWARF may cost altogether: it is read two or three times.
const PER_BYTE: u64 = 128;

/// What small modules may cost besides.
pub(super) const AT_LEAST: u64 = 16 << 20;

/// How many bytes of native stack a reader may take.
const STACK: usize = 512 << 10;

/// How much may still be read of one module's DWARF, in bytes of memory that this may take.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    /// An address on the native stack where reading began.
    stack: AtomicUsize,
}

impl Budget {
    /// That of a module with so many bytes of DWARF.
    pub(super) fn new(dwarf: u64) -> Arc<Self> {
        let left = dwarf.saturating_mul(PER_BYTE).saturating_add(AT_LEAST);
        let budget = Self {
            left: AtomicU64::new(left),
            stack: AtomicUsize::new(0),
        };
        budget.begin();
        Arc::new(budget)
    }

    /// To be called where a thread begins to read; one thread reads at a time.
    pub(super) fn begin(&self) {
        self.stack.store(here(), Relaxed);
    }

    /// Pays for a read that `bytes` are kept of; `false` if that is too much.
    fn pay(&self, bytes: usize) -> bool {
        let cost = READ.saturating_add(bytes as u64);
        let left = self.left.load(Relaxed);
        // What is left stays, so that a smaller read could go on; who failed once gives up.
        let Some(left) = left.checked_sub(cost) else {
            return false;
        };
        self.left.store(left, Relaxed);
        here().abs_diff(self.stack.load(Relaxed)) < STACK
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.left.load(Relaxed)
    }
}

/// About where the native stack ends now.
fn here() -> usize {
    let local = 0_u8;
    core::ptr::from_ref(core::hint::black_box(&local)).addr()
}

/// Bytes of a section, which are paid for when they are read.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    bytes: EndianArcSlice<LittleEndian>,
    budget: Arc<Budget>,
}

impl Bounded {
    pub(super) fn new(bytes: Arc<[u8]>, budget: &Arc<Budget>) -> Self {
        Self {
            bytes: EndianArcSlice::new(bytes, LittleEndian),
            budget: Arc::clone(budget),
        }
    }

    /// The bytes, for nothing.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    fn pay(&self, bytes: usize) -> gimli::Result<()> {
        if self.budget.pay(bytes) {
            Ok(())
        } else {
            Err(Error::UnexpectedEof(self.offset_id()))
        }
    }
}

impl Reader for Bounded {
    type Endian = LittleEndian;
    type Offset = usize;

    fn endian(&self) -> LittleEndian {
        LittleEndian
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn empty(&mut self) {
        self.bytes.empty();
    }

    fn truncate(&mut self, len: usize) -> gimli::Result<()> {
        self.bytes.truncate(len)
    }

    fn offset_from(&self, base: &Self) -> usize {
        self.bytes.offset_from(&base.bytes)
    }

    fn offset_id(&self) -> ReaderOffsetId {
        self.bytes.offset_id()
    }

    fn lookup_offset_id(&self, id: ReaderOffsetId) -> Option<usize> {
        self.bytes.lookup_offset_id(id)
    }

    fn find(&self, byte: u8) -> gimli::Result<usize> {
        let found = self.bytes.find(byte);
        self.pay(*found.as_ref().unwrap_or(&self.bytes.len()))?;
        found
    }

    fn skip(&mut self, len: usize) -> gimli::Result<()> {
        self.pay(0)?;
        self.bytes.skip(len)
    }

    fn split(&mut self, len: usize) -> gimli::Result<Self> {
        self.pay(0)?;
        let bytes = self.bytes.split(len)?;
        let budget = Arc::clone(&self.budget);
        Ok(Self { bytes, budget })
    }

    fn to_slice(&self) -> gimli::Result<Cow<'_, [u8]>> {
        self.pay(self.bytes.len())?;
        self.bytes.to_slice()
    }

    fn to_string(&self) -> gimli::Result<Cow<'_, str>> {
        self.pay(self.bytes.len())?;
        self.bytes.to_string()
    }

    fn to_string_lossy(&self) -> gimli::Result<Cow<'_, str>> {
        // A byte that is no UTF-8 becomes three, and what is appended to may have twice the
        // room it needs.
        self.pay(self.bytes.len().saturating_mul(6))?;
        self.bytes.to_string_lossy()
    }

    fn read_slice(&mut self, buffer: &mut [u8]) -> gimli::Result<()> {
        self.pay(buffer.len())?;
        self.bytes.read_slice(buffer)
    }
}
