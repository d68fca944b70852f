//! Depth diffs of 20 + 20 levels applied to a book of 400 to 5,000 levels a side. Not for decoding them.
#![allow(missing_docs, reason = "criterion_group! makes undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tradewire_core::book::{BookSet, Changes, First, Next, OrderBook, SequenceRule};
use tradewire_core::record::{Kind, Record, Slot, flags};

const RULE: SequenceRule = SequenceRule { first: First::Straddle, next: Next::PrevLink, buffer: 1000 };
const MID: u64 = 970_000;
const LEVELS: u64 = 20;

/// `SplitMix64` (Steele, Lea, Flood 2014): the same market in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (value ^ (value >> 31)) % limit
    }
}

fn level(ask: bool, tick: u64, quantity: f64) -> Record {
    let price = tick as f64 / 10.0;
    let mut slots = [Slot::default(); 4];
    slots[0] = Slot::f64(price);
    slots[1] = Slot::f64(quantity);
    let side = if ask { flags::SIDE } else { 0 };
    Record { kind: Kind::Level as u8, flags: side | flags::MORE, slots, ..Record::default() }
}

fn message(kind: Kind, levels: Vec<Record>) -> Vec<Record> {
    let header = Record { kind: kind as u8, flags: flags::MORE, ..Record::default() };
    let mut records = vec![header];
    records.extend(levels);
    if let Some(last) = records.last_mut() {
        last.flags &= !flags::MORE;
    }
    records
}

/// Diffs as the venue sends them: 20 + 20 of `reach` ticks around a wandering touch, three in ten deleting.
fn diffs(reach: u64) -> Vec<Vec<Record>> {
    let mut random = Random(4);
    (0..256)
        .map(|_| {
            let mid = MID - 20 + random.below(41);
            let mut levels = Vec::new();
            for ask in [false, true] {
                let mut ticks = std::collections::BTreeSet::new();
                while ticks.len() < LEVELS as usize {
                    ticks.insert(1 + random.below(reach - 1));
                }
                for tick in ticks {
                    let quantity = if random.below(10) < 3 { 0.0 } else { 1.0 + random.below(50) as f64 };
                    levels.push(level(ask, if ask { mid + 1 + tick } else { mid - tick }, quantity));
                }
            }
            message(Kind::BookDelta, levels)
        })
        .collect()
}

fn snapshot(depth: u64) -> Vec<Record> {
    let bids = (1..=depth).map(|tick| level(false, MID - tick, 1.0));
    message(Kind::BookSnapshot, bids.chain((1..=depth).map(|tick| level(true, MID + tick, 1.0))).collect())
}

/// Gives a message the next numbers of an unbroken chain.
fn chain(message: &mut [Record], seq: &mut u64) {
    message[0].slots[0] = Slot::i64(*seq as i64);
    message[0].slots[1] = Slot::i64(*seq as i64);
    *seq += 1;
    message[0].seq = *seq;
}

fn book(criterion: &mut Criterion) {
    for (depth, reach) in [(400, 400), (1000, 400), (5000, 400), (5000, 5000)] {
        let (mut messages, mut seq, mut at) = (diffs(reach), 0, 0);
        let mut book = OrderBook::new(Some(RULE));
        book.apply_snapshot(&snapshot(depth));
        criterion.bench_function(
            &format!("apply 20+20 within {reach} ticks, {depth} levels a side"),
            |bencher| {
                bencher.iter(|| {
                    at = (at + 1) % messages.len();
                    chain(&mut messages[at], &mut seq);
                    black_box(book.apply(&messages[at]))
                });
            },
        );
        assert!(book.is_live() && book.last_seq() == seq);
    }
    let (mut messages, mut seq, mut at) = (diffs(400), 0, 0);
    let (mut set, mut changes) = (BookSet::new(Some(RULE)), Changes::default());
    set.apply(&snapshot(1000), &mut changes);
    criterion.bench_function("book set, 20+20 within 400 ticks, 1000 levels a side", |bencher| {
        bencher.iter(|| {
            at = (at + 1) % messages.len();
            chain(&mut messages[at], &mut seq);
            set.apply(&messages[at], &mut changes);
            black_box(changes.changed.len())
        });
    });
    assert!(changes.incidents.iter().all(|incident| incident.outcome.name() == "crossed"));
    let deep = snapshot(5000);
    let mut book = OrderBook::new(Some(RULE));
    criterion.bench_function("snapshot of 5000 levels a side", |bencher| {
        bencher.iter(|| black_box(book.apply_snapshot(&deep)));
    });
    criterion
        .bench_function("best", |bencher| bencher.iter(|| black_box((book.best_bid(), book.best_ask()))));
}

criterion_group!(benches, book);
criterion_main!(benches);
