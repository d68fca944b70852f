//! Books and sets fed with whole messages. Sides have tests of their own, and so have the rules.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{BookSet, Changes, First, Next, OrderBook, Outcome, SequenceRule, unknown_symbol};
use crate::record::{Kind, Record, Slot, flags};

const USDM: SequenceRule = SequenceRule { first: First::Straddle, next: Next::PrevLink, buffer: 5 };

type Side = BTreeMap<u32, u32>;
type Listed = Vec<(f64, f64)>;

/// A message of levels given as (is an ask, price, quantity).
fn message(kind: Kind, symbol: u32, links: [i64; 2], seq: u64, levels: &[(bool, u32, u32)]) -> Vec<Record> {
    let mut slots = [Slot::i64(0); 4];
    slots[0] = Slot::i64(links[0]);
    slots[1] = Slot::i64(links[1]);
    let header = Record { kind: kind as u8, symbol, seq, slots, ..Record::default() };
    let mut records = vec![header];
    records.extend(levels.iter().map(|&(ask, price, quantity)| {
        let mut slots = [Slot::default(); 4];
        slots[0] = Slot::f64(f64::from(price));
        slots[1] = Slot::f64(f64::from(quantity));
        let side = if ask { flags::SIDE } else { 0 };
        Record { kind: Kind::Level as u8, flags: side, symbol, seq, slots, ..Record::default() }
    }));
    let last = records.len() - 1;
    records[..last].iter_mut().for_each(|record| record.flags |= flags::MORE);
    records
}

fn delta(symbol: u32, prev: u64, seq: u64, levels: &[(bool, u32, u32)]) -> Vec<Record> {
    message(Kind::BookDelta, symbol, [prev as i64 + 1, prev as i64], seq, levels)
}

fn snapshot(symbol: u32, seq: u64, levels: &[(bool, u32, u32)]) -> Vec<Record> {
    message(Kind::BookSnapshot, symbol, [-1, -1], seq, levels)
}

fn levels(book: &OrderBook) -> (Listed, Listed) {
    (book.bids().collect(), book.asks().collect())
}

#[test]
fn a_set_reports_changes_and_incidents_by_row() {
    let (mut set, mut changes) = (BookSet::new(Some(USDM)), Changes::default());
    let bid = [(false, 9, 1)];
    let batch = [
        snapshot(3, 10, &bid),
        delta(1, 4, 5, &bid),
        delta(3, 8, 12, &[(true, 10, 2)]),
        delta(3, 13, 14, &bid),
        snapshot(1, 5, &bid),
        delta(1, 5, 6, &[(true, 8, 1)]),
    ]
    .concat();
    assert_eq!(unknown_symbol(&batch, 4), None);
    assert_eq!(unknown_symbol(&batch, 3), Some(0));
    set.apply(&batch, &mut changes);
    assert_eq!(changes.changed, [1]);
    let incidents: Vec<_> =
        changes.incidents.iter().map(|seen| (seen.row, seen.symbol, seen.outcome)).collect();
    assert_eq!(incidents, [(6, 3, Outcome::Gap), (10, 1, Outcome::Crossed)]);
    assert_eq!(set.ids().collect::<Vec<_>>(), [1, 3]);
    set.reset(1);
    set.apply(&[], &mut changes);
    assert!(changes.changed.is_empty() && changes.incidents.is_empty());
    assert!(set.book(1).is_some_and(|book| !book.lock().is_live() && book.lock().last_seq() == 0));
}

#[test]
fn what_waits_is_bounded() {
    let mut book = OrderBook::new(Some(USDM));
    for seq in 1..=9 {
        assert_eq!(book.apply(&delta(0, seq, seq + 1, &[])), Outcome::Buffered);
    }
    assert_eq!(book.apply_snapshot(&snapshot(0, 5, &[])), Outcome::NeedSnapshot);
    assert_eq!(book.apply_snapshot(&snapshot(0, 6, &[])), Outcome::Applied);
    assert_eq!(book.last_seq(), 10);
}

proptest! {
    /// Deltas that are lost, repeated and overtaken, with snapshots of any age between: a live book is the venue's book
    /// as it was at its last number, and a syncing one is empty.
    #[test]
    fn a_live_book_is_the_venues(
        steps in prop::collection::vec(
            (0..10u8, prop::collection::vec((any::<bool>(), 1..9u32, 0..3u32), 0..9), 0..6usize),
            1..60,
        ),
    ) {
        let mut book = OrderBook::new(Some(USDM));
        let mut sides = [Side::new(), Side::new()];
        let mut history = vec![sides.clone()];
        let mut sent: Vec<Vec<Record>> = Vec::new();
        for (fate, changes, back) in steps {
            for &(ask, price, quantity) in &changes {
                let side = &mut sides[usize::from(ask)];
                if quantity > 0 { side.insert(price, quantity); } else { side.remove(&price); }
            }
            history.push(sides.clone());
            let seq = history.len() as u64 - 1;
            sent.push(delta(0, seq - 1, seq, &changes));
            match fate {
                0 => {}
                1 => {
                    let at = history.len().saturating_sub(1 + back);
                    let whole: Vec<_> = [false, true]
                        .into_iter()
                        .flat_map(|ask| history[at][usize::from(ask)].iter().map(move |(&p, &q)| (ask, p, q)))
                        .collect();
                    book.apply_snapshot(&snapshot(0, at as u64, &whole));
                }
                2 => {
                    book.apply(&sent[sent.len().saturating_sub(1 + back)]);
                }
                _ => {
                    book.apply(&sent[sent.len() - 1]);
                }
            }
            let expected = if book.is_live() { history[book.last_seq() as usize].clone() } else { Default::default() };
            let [bids, asks] = expected.map(|side| {
                side.into_iter().map(|(price, quantity)| (f64::from(price), f64::from(quantity))).collect::<Vec<_>>()
            });
            prop_assert_eq!(levels(&book), (bids.into_iter().rev().collect(), asks));
        }
    }
}
