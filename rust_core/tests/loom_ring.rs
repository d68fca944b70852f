//! Every interleaving of a writer and a reader on rings of 1 to 4 records, from every start index (so also over the
//! wrap). Run with `RUSTFLAGS="--cfg loom" cargo test --release -p tradewire-core --test loom_ring`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use tradewire_core::record::{Record, flags::MORE};
use tradewire_core::ring::Ring;
use tradewire_core::sink::Sink;

fn record(seq: u64, flags: u8) -> Record {
    Record { seq, flags, ..Record::default() }
}

/// Writes messages of the given lengths, each as long as there is room; stops at the first that does not fit.
fn write(ring: &Ring, lengths: &[u64]) -> u64 {
    let mut writer = ring.writer().expect("one writer");
    let mut seq = 0;
    for &length in lengths {
        for at in 0..length {
            let flags = if at + 1 < length { MORE } else { 0 };
            if writer.put(&record(seq + at, flags)).is_err() {
                writer.abort();
                return seq;
            }
        }
        writer.patch(0).event_ns = 1;
        writer.commit();
        seq += length;
    }
    seq
}

/// Reads with the given limits; checks order and that every batch ends on the end of a message.
fn read(ring: &Ring, from: u64, limits: &[usize]) -> u64 {
    let mut reader = ring.reader().expect("one reader");
    let mut expected = from;
    for &limit in limits {
        reader.take(limit, |first, second| {
            for record in first.iter().chain(second) {
                assert_eq!(record.seq, expected);
                expected += 1;
            }
            let last = second.last().or(first.last());
            assert!(last.is_none_or(|last| last.flags & MORE == 0));
        });
    }
    expected
}

fn every_interleaving(capacity: usize, start: usize, lengths: &'static [u64], limits: &'static [usize]) {
    loom::model(move || {
        let ring = Arc::new(Ring::starting_at(capacity, start));
        let writer = thread::spawn({
            let ring = Arc::clone(&ring);
            move || write(&ring, lengths)
        });
        let seen = read(&ring, 0, limits);
        let written = writer.join().unwrap();
        assert!(seen <= written);
        assert_eq!(ring.len() as u64, written - seen);
        assert_eq!(read(&ring, seen, &[8]), written);
    });
}

#[test]
fn single_records() {
    for capacity in 1..=4 {
        for start in 0..2 * capacity {
            every_interleaving(capacity, start, &[1, 1, 1], &[1, 2, 8]);
        }
    }
}

#[test]
fn chains() {
    for capacity in 2..=4 {
        for start in 0..2 * capacity {
            every_interleaving(capacity, start, &[2, 1, 2], &[1, 8, 2]);
        }
    }
}

#[test]
fn sides_are_handed_over() {
    loom::model(|| {
        let ring = Arc::new(Ring::starting_at(2, 3));
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.writer().map_or(0, |mut writer| writer.push(&[record(1, 0)]))
        });
        let mine = ring.writer().map_or(0, |mut writer| writer.push(&[record(1, 0)]));
        let written = mine + other.join().unwrap();
        assert!(written >= 1);
        assert_eq!(ring.len(), written);
    });
}
