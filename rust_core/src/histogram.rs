//! HDR histogram: counts in log-linear buckets, after Gil Tene's `HdrHistogram`. Own counts instead of the `hdrhistogram`
//! crate because recording a whole array must run at memory speed; the layout and the V2 encoding are the same, bit for
//! bit, so that all `HdrHistogram` tools read them. Keeps no time: what a value measures is the caller's business.

mod encoding;
mod layout;

use layout::Layout;

pub use encoding::EncodingError;
pub use layout::{DIGITS, HIGHEST_LIMIT, highest_lowest};

/// No count grows beyond this, so that no sum of counts leaves 64 bits.
const MOST: u64 = 1 << 62;
/// Counts added up in one go while looking for a percentile.
const CHUNK: usize = 64;

/// Counts of values `0..=highest`, each within `10**-digits` of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    layout: Layout,
    counts: Box<[u64]>,
    total: u64,
    negative: u64,
    overflow: u64,
}

impl Histogram {
    /// None: digits outside `DIGITS`, lowest outside `1..=highest_lowest(digits)`, or highest outside
    /// `2 * lowest..=HIGHEST_LIMIT`.
    pub fn new(lowest: u64, highest: u64, digits: u8) -> Option<Self> {
        let layout = Layout::new(lowest, highest, digits)?;
        let counts = vec![0; layout.len()].into();
        Some(Self { layout, counts, total: 0, negative: 0, overflow: 0 })
    }

    /// Counts one value, or the fact that it is out of range.
    #[inline]
    pub fn record(&mut self, value: i64) {
        // As an unsigned number a negative one is above every `highest`: one comparison finds both.
        if value as u64 > self.layout.highest {
            self.refuse(value, 1);
        } else {
            self.counts[self.layout.index(value as u64)] += 1;
            self.total += 1;
        }
    }

    /// Counts many values.
    #[inline]
    pub fn record_many(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        let mut recorded = 0_u64;
        for value in values {
            if value as u64 > self.layout.highest {
                self.refuse(value, 1);
            } else {
                let count = &mut self.counts[self.layout.index(value as u64)];
                *count = count.wrapping_add(1);
                recorded = recorded.wrapping_add(1);
            }
        }
        self.total += recorded;
    }

    /// Counts `value`, then `value - interval`, `value - 2 * interval`, ... down to `interval`: what a stall hid.
    ///
    /// Works bucket by bucket, so its cost is bounded by the number of buckets, not by `value / interval`.
    /// Invariant: `interval` is 1 or more.
    pub fn record_corrected(&mut self, value: i64, interval: i64) {
        self.record(value);
        let mut hidden = value.saturating_sub(interval);
        while hidden >= interval {
            let above = hidden as u64 > self.layout.highest;
            let floor =
                if above { self.layout.highest + 1 } else { self.layout.lowest_equivalent(hidden as u64) };
            let times = (hidden - interval.max(floor as i64)) / interval + 1;
            if above {
                self.refuse(hidden, times as u64);
            } else {
                let times = (times as u64).min(MOST.saturating_sub(self.total));
                self.counts[self.layout.index(hidden as u64)] += times;
                self.total += times;
            }
            hidden -= times * interval;
        }
    }

    /// Highest value equivalent to the one at `percentile` (`0..=100`); 0 when empty.
    ///
    /// The one at a percentile is the smallest value that has at least that share of the values at or below it. As in
    /// the Java original the percentile is taken one float lower, so that 99.9 % of 1,000 values is 999 of them.
    pub fn percentile(&self, percentile: f64) -> u64 {
        let share = percentile.next_down().clamp(0.0, 100.0) * self.total as f64 / 100.0;
        let rank = (share.ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0_u64;
        for (chunk, counts) in self.counts.chunks(CHUNK).enumerate() {
            // Wrapping: overflow checks would keep the loop from being vectorised, and MOST bounds the sum.
            let sum = counts.iter().fold(0_u64, |sum, &count| sum.wrapping_add(count));
            if seen + sum >= rank {
                let inside = counts.iter().position(|&count| {
                    seen += count;
                    seen >= rank
                });
                return self.layout.highest_equivalent_at(chunk * CHUNK + inside.unwrap_or_default());
            }
            seen += sum;
        }
        0
    }

    /// Adds the counts of another histogram. False: it has another range or digits, and nothing was added.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.layout != other.layout {
            return false;
        }
        for (count, &more) in self.counts.iter_mut().zip(&other.counts) {
            let more = more.min(MOST.saturating_sub(self.total));
            *count += more;
            self.total += more;
        }
        self.negative = MOST.min(self.negative.saturating_add(other.negative));
        self.overflow = MOST.min(self.overflow.saturating_add(other.overflow));
        true
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.counts.fill(0);
        (self.total, self.negative, self.overflow) = (0, 0, 0);
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Lowest value equivalent to the smallest recorded one; 0 when empty.
    pub fn min(&self) -> u64 {
        self.counts.iter().position(|&count| count > 0).map_or(0, |at| self.layout.lowest_at(at))
    }

    /// Highest value equivalent to the largest recorded one; 0 when empty.
    pub fn max(&self) -> u64 {
        self.last().map_or(0, |at| self.layout.highest_equivalent_at(at))
    }

    /// Mean of the values, each taken as the middle of its bucket; 0 when empty.
    pub fn mean(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        let used = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let sum: u128 =
            used.map(|(at, &count)| u128::from(count) * u128::from(self.layout.middle_at(at))).sum();
        sum as f64 / self.total as f64
    }

    /// Negative values seen.
    pub fn negative(&self) -> u64 {
        self.negative
    }

    /// Values over `highest` seen.
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Smallest value told apart from 0.
    pub fn lowest(&self) -> u64 {
        self.layout.lowest
    }

    /// Largest value recorded.
    pub fn highest(&self) -> u64 {
        self.layout.highest
    }

    /// Decimal digits kept.
    pub fn digits(&self) -> u8 {
        self.layout.digits
    }

    /// Position of the last count above zero.
    fn last(&self) -> Option<usize> {
        self.counts.iter().rposition(|&count| count > 0)
    }

    #[cold]
    fn refuse(&mut self, value: i64, times: u64) {
        let counter = if value < 0 { &mut self.negative } else { &mut self.overflow };
        *counter = MOST.min(counter.saturating_add(times));
    }
}

#[cfg(test)]
mod tests;
