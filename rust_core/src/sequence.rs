//! Continuity of numbered streams. Not for books, which check their own chains (`book`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::record::{Record, flags};

/// How the numbers of a stream go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// Each number is the last one plus one.
    Contiguous,
    /// Each number is above the last one.
    Increasing,
}

/// How a number stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// As it should be, or the first of its stream.
    Expected,
    /// So many numbers were skipped.
    Gap(u64),
    /// The same again.
    Duplicate,
    /// Below the last one.
    Reordered,
}

impl Observed {
    /// The name; `SequenceOutcome` in `protocols.py`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Gap(_) => "gap",
            Self::Duplicate => "duplicate",
            Self::Reordered => "reordered",
        }
    }
}

/// Kind codes that a rule may be given for; codes of messages are 1..=9.
const KINDS: usize = 10;

/// Mixes a stream's key: kinds and symbol numbers are ours, so nobody can choose colliding ones.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, key: u64) {
        // Fibonacci hashing (Knuth, volume 3, 6.4), folded so that the low bits depend on all bits of the key.
        let product = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}

fn key(kind: u8, symbol: u32) -> u64 {
    u64::from(kind) << 32 | u64::from(symbol)
}

/// The last number of each (kind, symbol).
#[derive(Debug)]
pub struct SequenceTracker {
    rules: [Option<Continuity>; KINDS],
    last: HashMap<u64, u64, BuildHasherDefault<KeyHasher>>,
}

impl SequenceTracker {
    /// Tracks the kinds that have a rule. Codes beyond those of messages are ignored.
    pub fn new(rules: impl IntoIterator<Item = (u8, Continuity)>) -> Self {
        let mut tracker = Self { rules: [None; KINDS], last: HashMap::default() };
        for (kind, rule) in rules {
            if let Some(place) = tracker.rules.get_mut(usize::from(kind)) {
                *place = Some(rule);
            }
        }
        tracker
    }

    /// Kinds with a rule, ascending.
    pub fn kinds(&self) -> impl Iterator<Item = u8> + '_ {
        (0..).zip(&self.rules).filter(|(_, rule)| rule.is_some()).map(|(kind, _)| kind)
    }

    /// How `seq` goes on its stream; None: the kind has no rule.
    #[inline]
    pub fn observe(&mut self, kind: u8, symbol: u32, seq: u64) -> Option<Observed> {
        let rule = (*self.rules.get(usize::from(kind))?)?;
        let mut is_first = false;
        let last = self.last.entry(key(kind, symbol)).or_insert_with(|| {
            is_first = true;
            seq
        });
        if is_first {
            return Some(Observed::Expected);
        }
        if seq <= *last {
            return Some(if seq == *last { Observed::Duplicate } else { Observed::Reordered });
        }
        let skipped = seq - *last - 1;
        *last = seq;
        Some(match rule {
            Continuity::Contiguous if skipped > 0 => Observed::Gap(skipped),
            _ => Observed::Expected,
        })
    }

    /// Observes a batch of whole messages; reports the row of each that was not as expected.
    ///
    /// Messages without a number (0) and those fetched afterwards (`BACKFILL`) are passed over.
    pub fn apply(&mut self, batch: &[Record], mut report: impl FnMut(usize, Observed)) {
        let mut is_header = true;
        for (row, record) in batch.iter().enumerate() {
            if is_header && record.seq != 0 && record.flags & flags::BACKFILL == 0 {
                match self.observe(record.kind, record.symbol, record.seq) {
                    None | Some(Observed::Expected) => {}
                    Some(observed) => report(row, observed),
                }
            }
            is_header = record.flags & flags::MORE == 0;
        }
    }

    /// Forgets a stream.
    pub fn reset(&mut self, kind: u8, symbol: u32) {
        self.last.remove(&key(kind, symbol));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Continuity, Observed, SequenceTracker};
    use crate::record::{Kind, Record, flags};

    const TRADE: u8 = Kind::Trade as u8;
    const QUOTE: u8 = Kind::Quote as u8;

    fn tracker() -> SequenceTracker {
        SequenceTracker::new([(TRADE, Continuity::Contiguous), (QUOTE, Continuity::Increasing)])
    }

    #[test]
    fn streams_are_apart_and_holes_are_counted() {
        let mut tracker = tracker();
        assert_eq!(tracker.observe(TRADE, 1, u64::MAX - 1), Some(Observed::Expected));
        assert_eq!(tracker.observe(TRADE, 1, u64::MAX), Some(Observed::Expected));
        assert_eq!(tracker.observe(TRADE, 2, 5), Some(Observed::Expected));
        assert_eq!(tracker.observe(TRADE, 2, 9), Some(Observed::Gap(3)));
        assert_eq!(tracker.observe(TRADE, 2, 9), Some(Observed::Duplicate));
        assert_eq!(tracker.observe(TRADE, 2, 8), Some(Observed::Reordered));
        assert_eq!(tracker.observe(TRADE, 2, 10), Some(Observed::Expected));
        assert_eq!(tracker.observe(QUOTE, 2, 5), Some(Observed::Expected));
        assert_eq!(tracker.observe(QUOTE, 2, 900), Some(Observed::Expected));
        assert_eq!(tracker.observe(Kind::Bar as u8, 2, 5), None);
        tracker.reset(TRADE, 2);
        assert_eq!(tracker.observe(TRADE, 2, 3), Some(Observed::Expected));
    }

    #[test]
    fn a_batch_is_read_message_by_message() {
        let record = |kind, flags, seq| Record { kind, flags, seq, ..Record::default() };
        let batch = [
            record(TRADE, flags::MORE, 1),
            record(TRADE, 0, 77),
            record(TRADE, 0, 2),
            record(TRADE, 0, 0),
            record(TRADE, flags::BACKFILL, 1),
            record(TRADE, 0, 4),
        ];
        let mut seen = Vec::new();
        tracker().apply(&batch, |row, observed| seen.push((row, observed)));
        assert_eq!(seen, [(5, Observed::Gap(1))]);
    }

    proptest! {
        #[test]
        fn a_hole_is_as_wide_as_what_is_missing(steps in prop::collection::vec(1..5u64, 1..50)) {
            let (mut tracker, mut seq) = (tracker(), 100);
            tracker.observe(TRADE, 0, seq);
            for step in steps {
                seq += step;
                let expected = if step == 1 { Observed::Expected } else { Observed::Gap(step - 1) };
                prop_assert_eq!(tracker.observe(TRADE, 0, seq), Some(expected));
            }
        }
    }
}
