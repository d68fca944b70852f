//! What a decoder has seen: counters by name, and the last messages that it could not use.

use std::collections::VecDeque;

use super::error::{Reason, excerpt};
use crate::record::Kind;

/// Entries that the quarantine keeps.
const KEPT: usize = 16;

/// Kinds of messages with their counter names.
pub const KINDS: [(Kind, &str); 9] = [
    (Kind::Trade, "trade"),
    (Kind::Quote, "quote"),
    (Kind::BookDelta, "book_delta"),
    (Kind::BookSnapshot, "book_snapshot"),
    (Kind::MarkPrice, "mark_price"),
    (Kind::Bar, "bar"),
    (Kind::Ticker, "ticker"),
    (Kind::Liquidation, "liquidation"),
    (Kind::Control, "control"),
];

/// Totals since construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages delivered.
    pub messages: u64,
    kinds: [u64; KINDS.len()],
    reasons: [u64; Reason::ALL.len()],
    /// Rows that a filter refused.
    pub filtered: u64,
    /// Messages of symbols that the table does not hold.
    pub unknown_symbol: u64,
    /// Messages that no shape fits; delivered as Control.
    pub unknown_event: u64,
    /// Repeated keys.
    pub duplicate_key: u64,
    /// Messages with a value of more than 15 significant digits.
    pub inexact: u64,
}

impl Counters {
    /// Messages delivered of a kind.
    pub fn kind(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize - 1]
    }

    /// Messages refused for a reason; of `Time` also those delivered with a time out of range.
    pub fn reason(&self, reason: Reason) -> u64 {
        self.reasons[reason as usize]
    }

    /// All of them by name, in the order of `protocols.py`.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let kinds = KINDS.iter().zip(self.kinds).map(|((_, name), count)| (*name, count));
        let reasons = Reason::ALL.iter().zip(self.reasons).map(|((_, name), count)| (*name, count));
        let others = [
            ("filtered", self.filtered),
            ("unknown_symbol", self.unknown_symbol),
            ("unknown_event", self.unknown_event),
            ("duplicate_key", self.duplicate_key),
            ("inexact", self.inexact),
        ];
        std::iter::once(("messages", self.messages)).chain(kinds).chain(reasons).chain(others)
    }

    /// Counts a delivered message.
    #[inline]
    pub(super) fn deliver(&mut self, kind: Kind) {
        self.messages += 1;
        self.kinds[kind as usize - 1] += 1;
    }

    /// Counts delivered messages by kind code.
    #[inline]
    pub(super) fn deliver_all(&mut self, messages: u32, kinds: &[u32; 16]) {
        self.messages += u64::from(messages);
        for (total, count) in self.kinds.iter_mut().zip(&kinds[1..]) {
            *total += u64::from(*count);
        }
    }

    /// Counts a message under a reason.
    pub(super) fn fault(&mut self, reason: Reason) {
        self.reasons[reason as usize] += 1;
    }

    /// Adds the counts of one payload.
    pub(super) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        for (total, count) in self.kinds.iter_mut().zip(other.kinds) {
            *total += count;
        }
        for (total, count) in self.reasons.iter_mut().zip(other.reasons) {
            *total += count;
        }
        self.filtered += other.filtered;
        self.unknown_symbol += other.unknown_symbol;
        self.unknown_event += other.unknown_event;
        self.duplicate_key += other.duplicate_key;
        self.inexact += other.inexact;
    }
}

/// A message that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// A reason, `unknown_symbol` or `unknown_event`.
    pub class: &'static str,
    /// At most 64 bytes around the problem, as received.
    pub excerpt: Vec<u8>,
}

/// The last messages that could not be used, oldest first.
#[derive(Debug, Default)]
pub(super) struct Quarantine(VecDeque<Quarantined>);

impl Quarantine {
    /// Keeps what is at `offset`, and forgets the oldest.
    pub fn push(&mut self, class: &'static str, data: &[u8], offset: usize) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Quarantined { class, excerpt: excerpt(data, offset).to_vec() });
    }

    /// Takes over what one payload left.
    pub fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Quarantined> {
        self.0.iter()
    }
}
