//! The memory of a ring. Not for deciding who may touch which slot: `ring` does that, and calls the unsafe methods here.
//!
//! Under `--cfg loom` the slots are loom's cells, which check that no access races with another.
#![allow(
    unsafe_code,
    reason = "two threads share one allocation, slot by slot; `ring` keeps their ranges apart"
)]

use crate::record::Record;

#[cfg(loom)]
use loom::cell::UnsafeCell;
#[cfg(not(loom))]
use std::cell::UnsafeCell;

/// `capacity` slots.
///
/// # Safety of all methods
///
/// No slot may be written while it is read or written elsewhere. `ring` keeps the writer's range (from `head`, as long
/// as there is room) and the reader's range (from `tail` to `head`) apart, and gives each side to one holder.
#[derive(Debug)]
pub(super) struct Slots(Box<[UnsafeCell<Record>]>);

// SAFETY: a Record is plain data; the rule above keeps accesses to one slot ordered by the indices' Release/Acquire.
unsafe impl Sync for Slots {}

#[cfg(not(loom))]
impl Slots {
    /// Zeroed memory as the system gives it: no page is touched before its first record is written.
    pub(super) fn new(capacity: usize) -> Self {
        let zeroed = vec![[0_u64; size_of::<Record>() / size_of::<u64>()]; capacity].into_boxed_slice();
        // SAFETY: the layouts are the same (`record` asserts 64 bytes aligned to 8, UnsafeCell<Record> is laid out as
        // Record), a Record is plain data that may be all zeros, and the box is owned.
        Self(unsafe { Box::from_raw(Box::into_raw(zeroed) as *mut [UnsafeCell<Record>]) })
    }

    /// Copies `records` into the slots from `start`; writer only, inside its range.
    #[inline]
    pub(super) unsafe fn write(&self, start: usize, records: &[Record]) {
        let slots = &self.0[start..start + records.len()];
        // SAFETY: bounds checked above; UnsafeCell<Record> is laid out as Record; the range is the writer's alone.
        unsafe {
            let to = UnsafeCell::raw_get(slots.as_ptr());
            std::ptr::copy_nonoverlapping(records.as_ptr(), to, records.len());
        }
    }

    /// One slot to be changed; writer only, inside its range.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "the caller's `&mut Writer` bounds this borrow")]
    pub(super) unsafe fn patch(&self, slot: usize) -> &mut Record {
        // SAFETY: the slot is the writer's alone, and the caller's `&mut Writer` admits one such reference at a time.
        unsafe { &mut *self.0[slot].get() }
    }

    /// Shows `count` records from `start`, `first` of them before the end of the memory; reader only, inside its range.
    #[inline]
    pub(super) unsafe fn read<R>(
        &self,
        start: usize,
        first: usize,
        count: usize,
        show: impl FnOnce(&[Record], &[Record]) -> R,
    ) -> R {
        let (first, second) = (&self.0[start..start + first], &self.0[..count - first]);
        // SAFETY: bounds checked above; UnsafeCell<Record> is laid out as Record; nobody writes to the reader's range
        // until `tail` passes it, which happens after `show` returns.
        unsafe {
            show(
                std::slice::from_raw_parts(first.as_ptr().cast::<Record>(), first.len()),
                std::slice::from_raw_parts(second.as_ptr().cast::<Record>(), second.len()),
            )
        }
    }
}

#[cfg(loom)]
impl Slots {
    pub(super) fn new(capacity: usize) -> Self {
        Self((0..capacity).map(|_| UnsafeCell::new(Record::default())).collect())
    }

    pub(super) unsafe fn write(&self, start: usize, records: &[Record]) {
        for (slot, record) in self.0[start..].iter().zip(records) {
            // SAFETY: the range is the writer's alone; loom fails the test if it is not.
            slot.with_mut(|to| unsafe { *to = *record });
        }
    }

    #[expect(clippy::mut_from_ref, reason = "the caller's `&mut Writer` bounds this borrow")]
    pub(super) unsafe fn patch(&self, slot: usize) -> &mut Record {
        // SAFETY: as in `write`.
        self.0[slot].with_mut(|record| unsafe { &mut *record })
    }

    pub(super) unsafe fn read<R>(
        &self,
        start: usize,
        first: usize,
        count: usize,
        show: impl FnOnce(&[Record], &[Record]) -> R,
    ) -> R {
        // SAFETY: nobody writes to the reader's range; loom fails the test if somebody does.
        let copy = |slot: &UnsafeCell<Record>| slot.with(|record| unsafe { *record });
        let first_part: Vec<Record> = self.0[start..start + first].iter().map(copy).collect();
        let second_part: Vec<Record> = self.0[..count - first].iter().map(copy).collect();
        show(&first_part, &second_part)
    }
}
