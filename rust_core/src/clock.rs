//! The two clocks. Durations use the monotonic one, time stamps the wall clock; never the other way round.

use rustix::time::{ClockId, clock_gettime};

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds since 1970-01-01 UTC.
#[inline]
pub fn wall_ns() -> i64 {
    read(ClockId::Realtime)
}

/// Nanoseconds on the monotonic clock, the one of Python's `time.monotonic_ns`.
#[inline]
pub fn monotonic_ns() -> i64 {
    read(ClockId::Monotonic)
}

#[cfg(test)]
mod tests {
    use super::{monotonic_ns, wall_ns};

    #[test]
    fn clocks_run_forward_and_differ() {
        let first = monotonic_ns();
        assert!(monotonic_ns() >= first);
        assert!(wall_ns() > 1_700_000_000_000_000_000);
    }
}
