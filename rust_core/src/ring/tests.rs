//! A ring against a queue that is plain to see, and two threads on one ring. Every interleaving: `tests/loom_ring.rs`.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{Ring, are_whole, whole_messages};
use crate::record::{Record, Slot, flags::MORE};
use crate::sink::{Full, Sink};

fn message(first_seq: u64, length: usize) -> Vec<Record> {
    (0..length)
        .map(|at| Record {
            kind: 1,
            flags: if at + 1 < length { MORE } else { 0 },
            seq: first_seq + at as u64,
            ..Record::default()
        })
        .collect()
}

fn taken(ring: &Ring, limit: usize) -> Vec<u64> {
    let mut reader = ring.reader().unwrap();
    reader.take(limit, |first, second| first.iter().chain(second).map(|record| record.seq).collect())
}

#[test]
fn nothing_is_visible_before_the_commit() {
    let ring = Ring::new(4);
    let mut writer = ring.writer().unwrap();
    writer.put(&message(7, 1)[0]).unwrap();
    assert_eq!((ring.len(), writer.pending()), (0, 1));
    writer.abort();
    writer.put(&message(8, 1)[0]).unwrap();
    writer.patch(0).seq = 9;
    writer.commit();
    assert_eq!(taken(&ring, 10), [9]);
}

#[test]
fn a_dropped_writer_forgets_its_open_message() {
    let ring = Ring::new(2);
    ring.writer().unwrap().put(&message(1, 1)[0]).unwrap();
    let mut writer = ring.writer().unwrap();
    assert_eq!(writer.push(&message(2, 2)), 2);
    assert_eq!(writer.put(&message(4, 1)[0]), Err(Full));
    drop(writer);
    assert_eq!(taken(&ring, 10), [2, 3]);
}

/// Resident memory of this process, bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn a_new_ring_takes_no_memory_until_it_is_written_to() {
    const CAPACITY: usize = 1 << 22;
    let before = resident();
    let ring = Ring::new(CAPACITY);
    // Other tests take some meanwhile, but not half of it.
    assert!(resident() < before + CAPACITY * size_of::<Record>() / 2);
    assert_eq!(ring.writer().unwrap().push(&message(7, 1)), 1);
    assert_eq!(taken(&ring, 10), [7]);
}

#[test]
fn each_side_has_one_holder() {
    let ring = Ring::new(1);
    let (writer, reader) = (ring.writer(), ring.reader());
    assert!(writer.is_some() && reader.is_some());
    assert!(ring.writer().is_none() && ring.reader().is_none());
    drop((writer, reader));
    assert!(ring.writer().is_some() && ring.reader().is_some());
}

#[test]
fn a_message_longer_than_the_limit_is_given_alone() {
    let ring = Ring::starting_at(8, 5);
    ring.writer().unwrap().push(&[message(0, 3), message(3, 4), message(7, 1)].concat());
    assert_eq!(taken(&ring, 2), [0, 1, 2]);
    assert_eq!(taken(&ring, 4), [3, 4, 5, 6]);
    assert_eq!(taken(&ring, 4), [7]);
    assert_eq!(taken(&ring, 4), [0; 0]);
}

#[test]
fn whole_runs_are_found() {
    let records = [message(0, 2), message(2, 3)].concat();
    assert_eq!([1, 2, 4, 5, 9].map(|most| whole_messages(&records, most)), [0, 2, 2, 5, 5]);
    assert!(
        are_whole(&records, 3)
            && !are_whole(&records, 2)
            && !are_whole(&records[..4], 3)
            && are_whole(&[], 1)
    );
}

#[derive(Clone, Debug)]
enum Step {
    Push(Vec<usize>),
    Message(usize),
    Abort(usize),
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(1..5_usize, 0..5).prop_map(Step::Push),
        (1..6_usize).prop_map(Step::Message),
        (1..6_usize).prop_map(Step::Abort),
        (1..12_usize).prop_map(Step::Take),
    ]
}

proptest! {
    /// Against a queue of messages, from any start index.
    #[test]
    fn behaves_like_a_queue_of_messages(
        capacity in 1..9_usize,
        start in 0..18_usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let ring = Ring::starting_at(capacity, start % (2 * capacity));
        let mut model: VecDeque<Vec<u64>> = VecDeque::new();
        let mut next = 0;
        for step in steps {
            let waiting: usize = model.iter().map(Vec::len).sum();
            let mut room = capacity - waiting;
            match step {
                Step::Push(lengths) => {
                    let records: Vec<_> = lengths.iter().flat_map(|&length| {
                        next += length as u64;
                        message(next - length as u64, length)
                    }).collect();
                    let mut expected = 0;
                    let mut seqs = records.iter().map(|record| record.seq);
                    for &length in &lengths {
                        if length > room { break; }
                        room -= length;
                        expected += length;
                        model.push_back(seqs.by_ref().take(length).collect());
                    }
                    prop_assert_eq!(ring.writer().unwrap().push(&records), expected);
                }
                Step::Message(length) | Step::Abort(length) => {
                    let mut writer = ring.writer().unwrap();
                    let records = message(next, length);
                    next += length as u64;
                    let fits = records.iter().all(|record| writer.put(record).is_ok());
                    prop_assert_eq!(fits, length <= room);
                    if fits && matches!(step, Step::Message(_)) {
                        writer.commit();
                        model.push_back(records.iter().map(|record| record.seq).collect());
                    } else {
                        writer.abort();
                    }
                }
                Step::Take(limit) => {
                    let mut expected: Vec<u64> = Vec::new();
                    while let Some(front) = model.front() {
                        if !expected.is_empty() && expected.len() + front.len() > limit { break; }
                        expected.extend(model.pop_front().unwrap());
                    }
                    prop_assert_eq!(taken(&ring, limit), expected);
                }
            }
            prop_assert_eq!(ring.len(), model.iter().map(Vec::len).sum::<usize>());
        }
    }
}

#[test]
fn two_threads_lose_and_reorder_nothing() {
    pass_between_threads(1_000_000);
}

#[test]
#[ignore = "10^8 records: `make records`"]
fn two_threads_lose_and_reorder_nothing_for_long() {
    pass_between_threads(100_000_000);
}

/// Every record carries a checksum of its number, and the numbers must come in order.
fn pass_between_threads(records: u64) {
    let ring = Ring::new(1021);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = ring.writer().unwrap();
            let mut seq = 0;
            while seq < records {
                let length = (1 + seq % 7).min(records - seq);
                let mut put = 0;
                while put < length {
                    let flags = if put + 1 < length { MORE } else { 0 };
                    let value = Slot((seq + put).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    let record = Record { flags, seq: seq + put, slots: [value; 4], ..Record::default() };
                    match writer.put(&record) {
                        Ok(()) => put += 1,
                        Err(Full) => std::thread::yield_now(),
                    }
                }
                writer.commit();
                seq += length;
            }
        });
        let mut reader = ring.reader().unwrap();
        let mut expected = 0;
        while expected < records {
            let count = reader.take(256, |first, second| {
                for record in first.iter().chain(second) {
                    assert_eq!(record.seq, expected);
                    assert_eq!(record.slots, [Slot(expected.wrapping_mul(0x9E37_79B9_7F4A_7C15)); 4]);
                    expected += 1;
                }
                assert!(second.last().or(first.last()).is_none_or(|last| last.flags & MORE == 0));
                first.len() + second.len()
            });
            if count == 0 {
                std::thread::yield_now();
            }
        }
        assert!(ring.is_empty());
    });
}
