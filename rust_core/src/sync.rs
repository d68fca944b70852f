//! The only home of atomics: `std` in a normal build, `loom`'s models under `--cfg loom`.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Called in a loop that waits for another thread's next few instructions: a pause first, then the rest of the time
/// slice, in case that thread is not running.
#[cfg(not(loom))]
pub fn relax(spins: &mut u32) {
    *spins += 1;
    if *spins < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
}

/// Under loom, a wait that does not yield would never end.
#[cfg(loom)]
pub fn relax(_: &mut u32) {
    loom::thread::yield_now();
}
