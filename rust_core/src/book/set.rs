//! All books of a feed, fed from batches. One book may be read from outside while the set goes on writing it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::order_book::{OrderBook, Outcome};
use super::rule::SequenceRule;
use crate::record::{Kind, Messages, Record, flags};

/// A book of the set.
#[derive(Clone, Debug)]
pub struct SharedBook(Arc<Mutex<OrderBook>>);

impl SharedBook {
    /// An empty book.
    pub fn new(rule: Option<SequenceRule>) -> Self {
        Self(Arc::new(Mutex::new(OrderBook::new(rule))))
    }

    /// The book, for as long as the guard lives. A panic elsewhere does not lock readers out: every change of a book is
    /// checked against its sequence again.
    pub fn lock(&self) -> MutexGuard<'_, OrderBook> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that did not simply apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Index of the message's first record in the batch.
    pub row: usize,
    /// Symbol number.
    pub symbol: u32,
    /// Anything but `Applied` and `Buffered`.
    pub outcome: Outcome,
}

/// What a batch did to the books.
#[derive(Debug, Default)]
pub struct Changes {
    /// Symbols of the books that changed and are live, each once, in order of first change.
    pub changed: Vec<u32>,
    /// Messages that did not simply apply, in order.
    pub incidents: Vec<Incident>,
}

#[derive(Debug)]
struct Entry {
    book: SharedBook,
    /// The last batch that changed it.
    batch: u64,
}

/// All books of a feed.
#[derive(Debug)]
pub struct BookSet {
    rule: Option<SequenceRule>,
    /// By symbol number; the numbers of a table are dense.
    entries: Vec<Option<Entry>>,
    batches: u64,
}

fn is_book(record: &Record) -> bool {
    record.kind == Kind::BookDelta as u8 || record.kind == Kind::BookSnapshot as u8
}

/// Row of the first book message whose symbol number a table of `symbols` numbers never gave out.
pub fn unknown_symbol(batch: &[Record], symbols: usize) -> Option<usize> {
    batch.iter().position(|record| is_book(record) && record.symbol as usize >= symbols)
}

impl BookSet {
    /// No books yet; they are made when their first message arrives.
    pub fn new(rule: Option<SequenceRule>) -> Self {
        Self { rule, entries: Vec::new(), batches: 0 }
    }

    /// Applies the book messages of a batch of whole messages; `changes` is filled anew.
    pub fn apply(&mut self, batch: &[Record], changes: &mut Changes) {
        changes.changed.clear();
        changes.incidents.clear();
        self.batches += 1;
        let mut row = 0;
        for message in Messages(batch) {
            if is_book(&message[0]) {
                self.apply_message(message, row, changes);
            }
            row += message.len();
        }
        changes.changed.retain(|&symbol| self.book(symbol).is_some_and(|book| book.lock().is_live()));
    }

    fn apply_message(&mut self, message: &[Record], row: usize, changes: &mut Changes) {
        let header = &message[0];
        let batch = self.batches;
        let entry = self.entry(header.symbol);
        let outcome = {
            let mut book = entry.book.lock();
            if header.kind == Kind::BookDelta as u8 {
                book.apply(message)
            } else if header.flags & flags::PARTIAL == 0 {
                book.apply_snapshot(message)
            } else {
                book.apply_top(message)
            }
        };
        let applied = matches!(outcome, Outcome::Applied | Outcome::Crossed);
        if applied && entry.batch != batch {
            entry.batch = batch;
            changes.changed.push(header.symbol);
        }
        if !matches!(outcome, Outcome::Applied | Outcome::Buffered) {
            changes.incidents.push(Incident { row, symbol: header.symbol, outcome });
        }
    }

    fn entry(&mut self, symbol: u32) -> &mut Entry {
        let at = symbol as usize;
        if self.entries.len() <= at {
            self.entries.resize_with(at + 1, || None);
        }
        self.entries[at].get_or_insert_with(|| Entry { book: SharedBook::new(self.rule), batch: 0 })
    }

    /// The book of a symbol, if it has one.
    pub fn book(&self, symbol: u32) -> Option<&SharedBook> {
        self.entries.get(symbol as usize)?.as_ref().map(|entry| &entry.book)
    }

    /// Puts a book back to its beginning (after a reconnect).
    pub fn reset(&mut self, symbol: u32) {
        if let Some(book) = self.book(symbol) {
            book.lock().reset();
        }
    }

    /// Symbol numbers with a book, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.entries).filter(|(_, entry)| entry.is_some()).map(|(symbol, _)| symbol)
    }
}
