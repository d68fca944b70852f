//! Where a decoder writes: a place for the records of one message, published all or none.

use crate::record::Record;

/// There is no room for the next record; nothing of the open message is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Receives messages record by record.
///
/// `put` writes the next record of the open message; `commit` publishes all records put since the last `commit` or
/// `abort`; `abort` forgets them. Records put may be patched (`patch`) until the commit, so that a header can be
/// completed after its levels are counted.
pub trait Sink {
    /// Appends a record to the open message.
    fn put(&mut self, record: &Record) -> Result<(), Full>;
    /// Records put since the last commit or abort.
    fn pending(&self) -> usize;
    /// The record at `index` (0 = first) of the open message.
    fn patch(&mut self, index: usize) -> &mut Record;
    /// Publishes the open message.
    fn commit(&mut self);
    /// Forgets the open message.
    fn abort(&mut self);
    /// Most records one message may ever hold here; a larger one is an error, not `Full`.
    fn capacity(&self) -> usize;
}

/// A growable sink for callers that want the records themselves.
#[derive(Debug, Default)]
pub struct VecSink {
    records: Vec<Record>,
    committed: usize,
}

impl VecSink {
    /// The published records, oldest first.
    #[inline]
    pub fn records(&self) -> &[Record] {
        &self.records[..self.committed]
    }
    /// Forgets everything, keeping the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.records.clear();
        self.committed = 0;
    }
}

impl Sink for VecSink {
    #[inline]
    fn put(&mut self, record: &Record) -> Result<(), Full> {
        self.records.push(*record);
        Ok(())
    }
    #[inline]
    fn pending(&self) -> usize {
        self.records.len() - self.committed
    }
    #[inline]
    fn patch(&mut self, index: usize) -> &mut Record {
        &mut self.records[self.committed + index]
    }
    #[inline]
    fn commit(&mut self) {
        self.committed = self.records.len();
    }
    #[inline]
    fn abort(&mut self) {
        self.records.truncate(self.committed);
    }
    fn capacity(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::{Sink, VecSink};
    use crate::record::Record;

    #[test]
    fn only_committed_records_are_visible() {
        let mut sink = VecSink::default();
        sink.put(&Record { seq: 1, ..Record::default() }).unwrap();
        sink.commit();
        sink.put(&Record::default()).unwrap();
        sink.patch(0).seq = 2;
        assert_eq!((sink.records().len(), sink.pending()), (1, 1));
        sink.abort();
        assert_eq!((sink.records().len(), sink.pending()), (1, 0));
    }
}
