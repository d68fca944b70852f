//! A value that is used by one caller at a time and never waited for. Not for values that threads share: `Mutex` is.
//!
//! Against `Mutex::try_lock` it saves the second locked instruction and the poison check, 10 ns of a call that decodes a
//! message in 100.
#![allow(
    unsafe_code,
    reason = "an exclusive reference out of a shared one; every block says why it is sound"
)]

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

use tradewire_core::sync::{AtomicBool, Ordering};

/// The value, and whether somebody has it.
#[derive(Debug)]
pub struct Lent<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `take` gives the value to one holder at a time, so sharing the cell is sending the value back and forth.
unsafe impl<T: Send> Sync for Lent<T> {}

impl<T> Lent<T> {
    pub fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, until the holder is dropped; None while somebody else has it.
    #[inline]
    pub fn take(&self) -> Option<Holder<'_, T>> {
        // Acquire pairs with the Release in `drop`: what the last holder wrote is seen.
        (!self.taken.swap(true, Ordering::Acquire)).then_some(Holder(self))
    }
}

/// The right to use the value.
pub struct Holder<'a, T>(&'a Lent<T>);

impl<T> Deref for Holder<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one holder at a time.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Holder<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: there is one holder at a time, and it is borrowed exclusively.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Holder<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Lent;

    #[test]
    fn one_holder_at_a_time_and_given_back_on_a_panic() {
        let lent = Lent::new(1);
        let mut first = lent.take().unwrap();
        assert!(lent.take().is_none());
        *first += 1;
        drop(first);
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let _holder = lent.take().unwrap();
                panic!("on purpose");
            }))
            .is_err()
        );
        assert_eq!(*lent.take().unwrap(), 2);
    }
}
