//! The two clocks.

use pyo3::prelude::*;

/// Nanoseconds on the monotonic clock (the clock of `time.monotonic_ns`).
#[pyfunction]
pub fn monotonic_ns() -> i64 {
    tradewire_core::clock::monotonic_ns()
}

/// Nanoseconds since 1970 UTC (the clock of `time.time_ns`).
#[pyfunction]
pub fn wall_ns() -> i64 {
    tradewire_core::clock::wall_ns()
}
