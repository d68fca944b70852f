//! One book: levels of both sides, its place in the venue's numbering, and the deltas that wait for a snapshot.

use std::collections::VecDeque;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::levels::{GROUP, Levels};
use super::rule::{Link, Next, SequenceRule, Span};
use crate::record::{Kind, Record, flags};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// The book holds it.
    Applied,
    /// Kept until a snapshot comes.
    Buffered,
    /// Older than the book; ignored.
    Stale,
    /// The chain is broken; the book is empty and syncing.
    Gap,
    /// The snapshot is older than the deltas at hand; the book is empty and syncing.
    NeedSnapshot,
    /// The book holds it, and its best bid is at or above its best ask.
    Crossed,
}

impl Outcome {
    /// The names, by value; `BookOutcome` in `protocols.py`.
    pub const NAMES: [&'static str; 6] = ["applied", "buffered", "stale", "gap", "need_snapshot", "crossed"];

    /// The name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for a snapshot.
    Syncing,
    /// Holds a snapshot and no delta yet.
    Joining,
    /// Holds a snapshot and an unbroken chain of deltas.
    Chained,
}

/// One book of absolute price levels.
#[derive(Debug)]
pub struct OrderBook {
    rule: Option<SequenceRule>,
    state: State,
    bids: Levels,
    asks: Levels,
    last_seq: u64,
    event_ns: i64,
    waiting: VecDeque<Vec<Record>>,
}

fn span(header: &Record) -> Span {
    Span {
        first_seq: header.slots[0].as_i64(),
        last_seq: header.seq,
        prev_seq: header.slots[1].as_i64(),
        event_ns: header.event_ns,
    }
}

fn is_level(record: &Record) -> bool {
    record.kind == Kind::Level as u8
}

/// Whether it is an ask, price and quantity of each level of a message.
fn levels_of(message: &[Record]) -> impl Iterator<Item = (bool, f64, f64)> + Clone + '_ {
    message
        .iter()
        .filter(|record| record.kind == Kind::Level as u8)
        .map(|record| (record.flags & flags::SIDE != 0, record.slots[0].as_f64(), record.slots[1].as_f64()))
}

impl OrderBook {
    /// An empty book; without a rule deltas apply as they come.
    pub fn new(rule: Option<SequenceRule>) -> Self {
        Self {
            rule,
            state: if rule.is_none() { State::Chained } else { State::Syncing },
            bids: Levels::default(),
            asks: Levels::default(),
            last_seq: 0,
            event_ns: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Applies a delta message, or keeps it until the snapshot.
    #[inline]
    pub fn apply(&mut self, message: &[Record]) -> Outcome {
        let Some(header) = message.first() else { return Outcome::Stale };
        let delta = span(header);
        if let Some(rule) = self.rule {
            let link = match self.state {
                State::Chained => rule.next(self.last_seq, self.event_ns, delta),
                State::Joining => rule.first(self.last_seq, delta),
                // What arrived before the snapshot of an unnumbered feed is older than it.
                State::Syncing if rule.next == Next::None => Link::Old,
                State::Syncing => {
                    self.keep(message, rule.buffer);
                    return Outcome::Buffered;
                }
            };
            match link {
                Link::Next => self.state = State::Chained,
                Link::Old => return Outcome::Stale,
                Link::Broken => {
                    let outcome =
                        if self.state == State::Joining { Outcome::NeedSnapshot } else { Outcome::Gap };
                    self.empty();
                    self.keep(message, rule.buffer);
                    return outcome;
                }
            }
        }
        self.set_levels(&message[1..]);
        self.bids.settle();
        self.asks.settle();
        self.last_seq = delta.last_seq;
        self.event_ns = delta.event_ns;
        self.outcome()
    }

    #[inline]
    fn set_levels(&mut self, levels: &[Record]) {
        let (groups, rest) = levels.as_chunks::<GROUP>();
        for group in groups {
            let side = group[0].flags & flags::SIDE;
            let alike = |record: &Record| is_level(record) && record.flags & flags::SIDE == side;
            if !group.iter().all(alike) {
                self.set_each(group);
            } else if side == 0 {
                self.bids.set_group(group.map(|record| (record.slots[0].as_f64(), record.slots[1].as_f64())));
            } else {
                self.asks
                    .set_group(group.map(|record| (-record.slots[0].as_f64(), record.slots[1].as_f64())));
            }
        }
        self.set_each(rest);
    }

    fn set_each(&mut self, levels: &[Record]) {
        for (is_ask, price, quantity) in levels_of(levels) {
            if is_ask {
                self.asks.set(-price, quantity);
            } else {
                self.bids.set(price, quantity);
            }
        }
    }

    /// Replaces the book by a snapshot message, then replays the deltas that waited for it.
    pub fn apply_snapshot(&mut self, message: &[Record]) -> Outcome {
        let Some(header) = message.first() else { return Outcome::Stale };
        self.apply_snapshot_levels(levels_of(message), header.seq, header.event_ns)
    }

    /// As `apply_snapshot`, from levels given as (is an ask, price, quantity).
    pub fn apply_snapshot_levels(
        &mut self,
        levels: impl Iterator<Item = (bool, f64, f64)> + Clone,
        last_seq: u64,
        event_ns: i64,
    ) -> Outcome {
        self.replace(levels, last_seq, event_ns);
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some(message) = waiting.pop_front() {
            let outcome = self.apply(&message);
            if matches!(outcome, Outcome::Gap | Outcome::NeedSnapshot) {
                self.waiting.append(&mut waiting);
                return outcome;
            }
        }
        self.outcome()
    }

    /// Replaces the book by a message that holds its top only; such a feed has no deltas to wait for.
    pub fn apply_top(&mut self, message: &[Record]) -> Outcome {
        let Some(header) = message.first() else { return Outcome::Stale };
        self.waiting.clear();
        self.replace(levels_of(message), header.seq, header.event_ns);
        self.outcome()
    }

    /// Back to the beginning: empty, syncing, nothing waiting.
    pub fn reset(&mut self) {
        self.empty();
        self.waiting.clear();
        self.last_seq = 0;
        self.event_ns = 0;
    }

    fn replace(
        &mut self,
        levels: impl Iterator<Item = (bool, f64, f64)> + Clone,
        last_seq: u64,
        event_ns: i64,
    ) {
        self.bids.replace(levels.clone().filter(|level| !level.0).map(|level| (level.1, level.2)));
        self.asks.replace(levels.filter(|level| level.0).map(|level| (-level.1, level.2)));
        self.last_seq = last_seq;
        self.event_ns = event_ns;
        self.state = if self.rule.is_none() { State::Chained } else { State::Joining };
    }

    fn empty(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.state = if self.rule.is_none() { State::Chained } else { State::Syncing };
    }

    fn keep(&mut self, message: &[Record], limit: usize) {
        if self.waiting.len() >= limit {
            self.waiting.pop_front();
        }
        self.waiting.push_back(message.to_vec());
    }

    #[inline]
    fn outcome(&self) -> Outcome {
        match (self.bids.best(), self.asks.best()) {
            (Some((bid, _)), Some((ask, _))) if bid >= -ask => Outcome::Crossed,
            _ => Outcome::Applied,
        }
    }

    /// Price and quantity of the best bid.
    #[inline]
    pub fn best_bid(&self) -> Option<(f64, f64)> {
        self.bids.best()
    }

    /// Price and quantity of the best ask.
    #[inline]
    pub fn best_ask(&self) -> Option<(f64, f64)> {
        self.asks.best().map(|(key, quantity)| (-key, quantity))
    }

    /// Bids, best first.
    pub fn bids(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.bids.iter()
    }

    /// Asks, best first.
    pub fn asks(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.asks.iter().map(|(key, quantity)| (-key, quantity))
    }

    /// Whether a snapshot is applied and the chain unbroken.
    pub fn is_live(&self) -> bool {
        self.state != State::Syncing
    }

    /// Sequence of the last applied delta or snapshot.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Venue time of the last applied delta or snapshot.
    pub fn event_ns(&self) -> i64 {
        self.event_ns
    }

    /// Levels on both sides.
    pub fn len(&self) -> usize {
        self.bids.len() + self.asks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// First 16 hex digits of SHA-256 over the lines `B price quantity` (descending), then `A price quantity`.
    pub fn digest(&self) -> String {
        let bids = self.bids().map(|level| ('B', level));
        let asks = self.asks().map(|level| ('A', level));
        let mut text = String::new();
        for (side, (price, quantity)) in bids.chain(asks) {
            // `Display` of f64 is the shortest decimal that reads back the same, without exponent. Writing to a
            // `String` cannot fail.
            let _ = writeln!(text, "{side} {price} {quantity}");
        }
        text.pop();
        Sha256::digest(text.as_bytes())[..8].iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
