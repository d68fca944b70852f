//! Single-writer, single-reader ring of whole messages. Lossless: it says `Full`, it never overwrites.
//!
//! Not for waiting: both sides poll. Not for several readers: batches are copied out and shared from there.
//!
//! # Ownership
//!
//! Any number of threads may hold the ring. [`Ring::writer`] and [`Ring::reader`] hand out the two sides; a side is
//! taken by one holder at a time and given back on drop, also when its holder panics.
//!
//! # Ordering
//!
//! Two indices: `head`, stored by the writer only, and `tail`, stored by the reader only. Records are written before
//! `head` is stored with Release, and read after it was loaded with Acquire; they are copied out before `tail` is
//! stored with Release, and overwritten after it was loaded with Acquire. `head` always lies on the end of a message.
//!
//! # Progress
//!
//! Wait-free on both sides (but for [`Writer::push_patiently`], bounded): no loop depends on the other thread. The reader finds the end of its batch by stepping
//! back over one message at most.
//!
//! # Capacity
//!
//! Exact, 1 to [`MOST`] records. Indices run in `0..2 * capacity`, so that full (`capacity` apart) differs from empty
//! (equal) without a spare slot or a power of two. A new ring has touched none of its memory: a part of it that was
//! never written to takes none, and the first lap pays for the pages.
//!
//! # Failure
//!
//! A record that finds no room is [`Full`]; the open message is then forgotten by `abort` or by dropping the writer,
//! and nothing of it was visible. A message over the capacity can never be written: see [`Writer::capacity`].
#![allow(unsafe_code, reason = "two threads share one allocation; the indices keep their ranges apart")]

mod slots;

use std::time::Duration;

use crate::record::{Record, flags};
use crate::sink::{Full, Sink};
use crate::sync::{AtomicBool, AtomicUsize, Ordering};
use slots::Slots;

/// Most records a ring may hold.
pub const MOST: usize = 1 << 26;

/// Records that `push` publishes at a time: 64 KiB, small enough to be in the reader's reach while still in cache.
const PORTION: usize = 1024;

/// Times that `push_patiently` finds no room before it gives up.
const PATIENCE: u32 = 4;
/// A sleep, not a spin: on a busy machine the reader may need this very CPU. Linux adds some 50 us to it.
const STEP_ASIDE: Duration = Duration::from_micros(10);

/// On cache lines of its own, two of them because CPUs fetch lines in pairs: each side writes its index without
/// taking the other's line away.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

/// What one side stores: its index, and whether somebody holds the side.
#[derive(Debug)]
struct Side {
    index: AtomicUsize,
    held: AtomicBool,
}

impl Side {
    fn at(index: usize) -> Padded<Self> {
        Padded(Self { index: AtomicUsize::new(index), held: AtomicBool::new(false) })
    }

    fn take(&self) -> bool {
        // Acquire: pairs with the Release of `give_back`, so that the next holder sees the index of the last one.
        !self.held.swap(true, Ordering::Acquire)
    }

    fn give_back(&self) {
        // Release: pairs with the Acquire of `take`.
        self.held.store(false, Ordering::Release);
    }
}

/// The ring; see the module.
#[derive(Debug)]
pub struct Ring {
    slots: Slots,
    capacity: usize,
    /// Behind the last published record.
    head: Padded<Side>,
    /// The oldest record not yet given back.
    tail: Padded<Side>,
}

impl Ring {
    /// A ring of exactly `capacity` records, 1 to [`MOST`].
    pub fn new(capacity: usize) -> Self {
        Self::starting_at(capacity, 0)
    }

    /// A ring whose indices start at `index`, so that tests reach the wrap in a few steps.
    #[doc(hidden)]
    pub fn starting_at(capacity: usize, index: usize) -> Self {
        assert!(
            (1..=MOST).contains(&capacity) && index < 2 * capacity,
            "capacity and index are checked by the caller"
        );
        Self { slots: Slots::new(capacity), capacity, head: Side::at(index), tail: Side::at(index) }
    }

    /// Most records it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Records waiting. A third thread sees a moment's estimate.
    pub fn len(&self) -> usize {
        // Relaxed, both: the number is a report; nobody reads records on the strength of it.
        let tail = self.tail.0.index.load(Ordering::Relaxed);
        let head = self.head.0.index.load(Ordering::Relaxed);
        self.distance(tail, head).min(self.capacity)
    }

    /// Whether no record waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The writing side; None while somebody holds it.
    pub fn writer(&self) -> Option<Writer<'_>> {
        if !self.head.0.take() {
            return None;
        }
        // Relaxed: only holders of this side store it, and `take` ordered them.
        let head = self.head.0.index.load(Ordering::Relaxed);
        let mut writer = Writer { ring: self, head, next: self.slot(head), open: 0, free: 0 };
        writer.look_for_room();
        Some(writer)
    }

    /// The reading side; None while somebody holds it.
    pub fn reader(&self) -> Option<Reader<'_>> {
        self.tail.0.take().then_some(Reader { ring: self })
    }

    /// Steps from one index forward to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + 2 * self.capacity - from }
    }

    /// The index `count` (at most `capacity`) records behind `index`.
    fn advance(&self, index: usize, count: usize) -> usize {
        let next = index + count;
        if next >= 2 * self.capacity { next - 2 * self.capacity } else { next }
    }

    /// The slot of an index.
    fn slot(&self, index: usize) -> usize {
        if index >= self.capacity { index - self.capacity } else { index }
    }
}

/// The writing side. Records are written straight into the ring, behind what the reader can see; `commit` publishes.
#[derive(Debug)]
pub struct Writer<'ring> {
    ring: &'ring Ring,
    /// Copy of the published index; nobody else stores it.
    head: usize,
    /// Slot of the next record.
    next: usize,
    /// Records of the open message.
    open: usize,
    /// Free records behind `head` when `tail` was last loaded; there may be more by now.
    free: usize,
}

impl Writer<'_> {
    #[cold]
    fn look_for_room(&mut self) {
        // Acquire: pairs with the Release of `Reader::consume`; slots are overwritten only after they were copied out.
        let tail = self.ring.tail.0.index.load(Ordering::Acquire);
        self.free = self.ring.capacity - self.ring.distance(tail, self.head);
    }

    /// Records there is room for at this moment, the open ones included.
    pub fn room(&mut self) -> usize {
        self.look_for_room();
        self.free
    }

    /// Writes and publishes whole messages from `records`, oldest first, while there is room, also room that the
    /// reader makes meanwhile. Returns the records written. `records` must end on the end of a message.
    pub fn push(&mut self, records: &[Record]) -> usize {
        self.abort();
        let mut done = 0;
        loop {
            let rest = &records[done..];
            let room = self.room();
            // Published in portions, so that the reader copies one while the next is written.
            let count = match whole_messages(rest, room.min(PORTION)) {
                0 => whole_messages(rest, room),
                count => count,
            };
            if count == 0 {
                return done;
            }
            let first = count.min(self.ring.capacity - self.next);
            // SAFETY: `count` records behind `head` are free, so they are the writer's alone.
            unsafe {
                self.ring.slots.write(self.next, &rest[..first]);
                self.ring.slots.write(0, &rest[first..count]);
            }
            self.open = count;
            self.next = self.ring.slot(self.ring.advance(self.head, count));
            self.commit();
            done += count;
        }
    }
}

impl Writer<'_> {
    /// `push`, which when the ring is full steps aside for the reader (for less than a millisecond) before it gives
    /// up: for a thread that would only ask again, and would take the reader's time to do so.
    pub fn push_patiently(&mut self, records: &[Record]) -> usize {
        let (mut done, mut fruitless) = (0, 0);
        while done < records.len() && fruitless < PATIENCE {
            let count = self.push(&records[done..]);
            done += count;
            if count == 0 {
                fruitless += 1;
                std::thread::sleep(STEP_ASIDE);
            } else {
                fruitless = 0;
            }
        }
        done
    }
}

impl Sink for Writer<'_> {
    #[inline]
    fn put(&mut self, record: &Record) -> Result<(), Full> {
        if self.open == self.free {
            self.look_for_room();
            if self.open == self.free {
                return Err(Full);
            }
        }
        // SAFETY: `open < free`, so the slot is the writer's alone.
        unsafe { *self.ring.slots.patch(self.next) = *record };
        self.next = if self.next + 1 == self.ring.capacity { 0 } else { self.next + 1 };
        self.open += 1;
        Ok(())
    }

    fn pending(&self) -> usize {
        self.open
    }

    #[inline]
    fn patch(&mut self, index: usize) -> &mut Record {
        assert!(index < self.open, "Invariant: only open records are patched");
        let slot = self.ring.slot(self.ring.advance(self.head, index));
        // SAFETY: the slot is not published, so it is the writer's alone, and `&mut self` admits one reference.
        unsafe { self.ring.slots.patch(slot) }
    }

    #[inline]
    fn commit(&mut self) {
        self.head = self.ring.advance(self.head, self.open);
        self.free -= self.open;
        self.open = 0;
        // Release: pairs with the Acquire of `Reader::peek`; the records are visible before the index is.
        self.ring.head.0.index.store(self.head, Ordering::Release);
    }

    #[inline]
    fn abort(&mut self) {
        self.open = 0;
        self.next = self.ring.slot(self.head);
    }

    fn capacity(&self) -> usize {
        self.ring.capacity
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.ring.head.0.give_back();
    }
}

/// The reading side.
#[derive(Debug)]
pub struct Reader<'ring> {
    ring: &'ring Ring,
}

impl Reader<'_> {
    /// Takes up to `limit` records, whole messages only, oldest first: `copy` gets them in one or two parts (the
    /// second is empty unless they wrap), and their slots are given back when it returns. A single message longer
    /// than `limit` is given alone.
    pub fn take<R>(&mut self, limit: usize, copy: impl FnOnce(&[Record], &[Record]) -> R) -> R {
        let ring = self.ring;
        // Relaxed: only holders of this side store it, and `take` ordered them.
        let tail = ring.tail.0.index.load(Ordering::Relaxed);
        // Acquire: pairs with the Release of `Writer::commit`; the records up to it are complete.
        let head = ring.head.0.index.load(Ordering::Acquire);
        let waiting = ring.distance(tail, head);
        let start = ring.slot(tail);
        let choose = |first: &[Record], second: &[Record]| {
            let count = batch_len(first, second, limit);
            let split = count.min(first.len());
            (copy(&first[..split], &second[..count - split]), count)
        };
        // SAFETY: `waiting` records from `tail` are published; the writer leaves them alone until `tail` passes them.
        let (result, count) =
            unsafe { ring.slots.read(start, waiting.min(ring.capacity - start), waiting, choose) };
        // Release: pairs with the Acquire of `look_for_room`; the records were copied before their slots are free.
        ring.tail.0.index.store(ring.advance(tail, count), Ordering::Release);
        result
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.ring.tail.0.give_back();
    }
}

/// Length of the batch to give for `limit`, out of all waiting records (two parts that end on the end of a message).
fn batch_len(first: &[Record], second: &[Record], limit: usize) -> usize {
    let waiting = first.len() + second.len();
    if waiting <= limit {
        return waiting;
    }
    let ends = |index: usize| {
        let record = first.get(index).unwrap_or_else(|| &second[index - first.len()]);
        record.flags & flags::MORE == 0
    };
    let last = (0..limit).rev().find(|&index| ends(index));
    last.or_else(|| (limit..waiting).find(|&index| ends(index))).map_or(waiting, |end| end + 1)
}

/// Length of the longest run of whole messages that `records` starts with, at most `most` records.
pub fn whole_messages(records: &[Record], most: usize) -> usize {
    let head = &records[..records.len().min(most)];
    head.iter().rposition(|record| record.flags & flags::MORE == 0).map_or(0, |end| end + 1)
}

/// Whether `records` are whole messages of at most `most` records each. Looks at a few records per `most`.
pub fn are_whole(records: &[Record], most: usize) -> bool {
    let mut rest = records;
    while !rest.is_empty() {
        // All messages that end inside the window start inside it too; only one may reach beyond.
        match whole_messages(rest, most) {
            0 => return false,
            length => rest = &rest[length..],
        }
    }
    true
}

#[cfg(all(test, not(loom)))]
mod tests;
