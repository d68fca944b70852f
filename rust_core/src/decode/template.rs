//! What a message looked like: the bytes between its values, and what to do with each value. Not for learning it
//! (`learn`) or using it (`fast`).
//!
//! A message with the same bytes in between has the same keys in the same places, so the same plan entries apply; what is
//! left to check are the values.

use super::compile::{SLOTS, Words};
use super::plan::Sign;
use super::words;
use crate::record::{Kind, Record};

/// Up to eight bytes that must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Literal {
    bytes: u64,
    mask: u64,
    pub length: usize,
}

impl Literal {
    pub fn new(text: &[u8]) -> Self {
        let (bytes, mask) = words::word(text);
        Self { bytes, mask, length: text.len() }
    }

    /// Whether it is what `word` begins with.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "two instructions")]
    pub fn fits(&self, word: u64) -> bool {
        (word ^ self.bytes) & self.mask == 0
    }
}

/// What is done with the value behind a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// There is no value here; more literal follows.
    Literal,
    /// Any value at all, but where `plain`, no object.
    Skip { plain: bool },
    /// An integer, times `unit`, to one or two words.
    Integer { to: [u8; 2], unit: i64, positive: bool },
    /// A decimal, to one or two words.
    Decimal { to: [u8; 2], sign: Sign },
    /// RFC 3339 text, to one or two words.
    Rfc3339 { to: [u8; 2] },
    /// The symbol.
    Symbol,
    /// One of `Template::codes[first..last]`, to a word, or to a flag.
    Code { first: u8, last: u8, to: u8, flag: u8 },
    /// A list of levels.
    Levels { ask: bool },
}

/// A length that has been the same for a while, kept twice.
///
/// Where the next value starts hangs on where this one ends: found in the bytes, that is a chain of some twenty cycles a
/// value, all waiting for the one before. A usual length that only has to be confirmed lets the processor go on with the
/// next value at once. It is kept twice so that the compiler cannot see that what is used is what was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usual {
    compared: usize,
    used: usize,
}

impl Usual {
    /// `found`, by way of what is usual.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a compare and a jump")]
    pub fn confirm(&mut self, found: usize) -> usize {
        if found == self.compared {
            self.used
        } else {
            (self.compared, self.used) = (found, found);
            found
        }
    }
}

/// A literal and the value behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub literal: Literal,
    pub act: Act,
    /// Of the value.
    pub length: Usual,
}

/// How the levels of a message are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LevelForm {
    pub open: Literal,
    pub middle: Literal,
    pub close: Literal,
    /// Of the first and the second number.
    pub lengths: [Usual; 2],
    /// The quantity comes first.
    pub swapped: bool,
}

/// What the stream name tells about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamNeeds {
    /// Its symbol.
    pub symbol: bool,
    /// Its shape, which hung on the channel part.
    pub shape: bool,
    /// The channel part, if there was a stream name.
    pub channel: Option<Box<[u8]>>,
}

/// A message as learnt.
#[derive(Debug)]
pub(super) struct Template {
    /// What it begins with, compared when it is chosen.
    pub head: [Literal; 2],
    /// Length of what of the head no step compares again.
    pub begun: usize,
    pub steps: Box<[Step]>,
    pub codes: Box<[(Literal, i64)]>,
    pub levels: Option<LevelForm>,
    pub kind: Kind,
    /// The records without the values read.
    pub words: Words,
    pub two_records: bool,
    pub own_second_seq: bool,
    /// None: the stream name does not matter.
    pub stream: Option<StreamNeeds>,
    /// A header value comes behind levels.
    pub late: bool,
}

impl Template {
    /// A level record of the message with this header.
    #[inline]
    pub fn level(header: &Record) -> Record {
        let mut level = *header;
        level.kind = Kind::Level as u8;
        level.slots = Default::default();
        level
    }

    /// Words of the level counts.
    pub const COUNTS: usize = SLOTS + 2;
}
