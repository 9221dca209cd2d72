//! Element and data segments of an instance (specification, sections 4.2.10 and
//! 4.2.11): what `table.init` and `memory.init` copy from until it is dropped.

use alloc::boxed::Box;

use bytes::Bytes;

use crate::cell::Cell;

/// The segments that an instance has not dropped yet.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// `None` if dropped. The bytes are shared with the module.
    pub(crate) data: Box<[Option<Bytes>]>,
    /// Empty if dropped.
    pub(crate) elements: Box<[Box<[Cell]>]>,
}

impl Segments {
    pub(crate) fn data(&self, index: u32) -> &[u8] {
        match self.data.get(index as usize) {
            Some(Some(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(crate) fn drop_data(&mut self, index: u32) {
        if let Some(segment) = self.data.get_mut(index as usize) {
            *segment = None;
        }
    }

    pub(crate) fn elements(&self, index: u32) -> &[Cell] {
        match self.elements.get(index as usize) {
            Some(cells) => cells,
            None => &[],
        }
    }

    pub(crate) fn drop_elements(&mut self, index: u32) {
        if let Some(segment) = self.elements.get_mut(index as usize) {
            *segment = Box::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn dropped_and_missing_segments_are_empty() {
        let bytes = Bytes::from(b"abc".to_vec());
        let mut segments = Segments {
            data: vec![Some(bytes.clone())].into(),
            elements: vec![vec![Cell::new(1u32)].into()].into(),
        };
        assert_eq!(segments.data(0), b"abc");
        assert_eq!(segments.elements(0).len(), 1);
        assert!(!bytes.is_unique());
        segments.drop_data(0);
        segments.drop_elements(0);
        assert!(bytes.is_unique(), "a dropped segment is released");
        for index in [0, 1, u32::MAX] {
            assert!(segments.data(index).is_empty());
            assert!(segments.elements(index).is_empty());
            segments.drop_data(index);
            segments.drop_elements(index);
        }
    }
}
