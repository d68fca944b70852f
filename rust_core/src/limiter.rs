//! Token buckets in GCRA form, alone or several at once. Decides only; waiting and queueing are the caller's.
//!
//! *Arithmetic*: one unit of weight is worth `interval_ns`, 1e9 / rate rounded **up** to whole nanoseconds, so rounding
//! can only let less through, never more. The state is the time at which the bucket will be full again (the
//! "theoretical arrival time" of ITU-T I.371, Annex A). Weight w is granted at `now` when
//! `max(state, now) + w * interval <= now + burst * interval`; the left side becomes the new state. As the state never
//! moves back, a clock that steps back refunds nothing.
//! *Ordering*: the state is one word that says all; a bucket alone needs no more than its own modification order. A set
//! holds its buckets by their top bit, lowest address first, so two sets cannot wait for each other in a circle.
//! *Progress*: a bucket alone is lock-free but for the few instructions during which a set holds it.

use std::sync::Arc;

use crate::sync::{AtomicU64, Ordering, relax};

/// Smallest and largest rate, per second.
pub const RATES: std::ops::RangeInclusive<f64> = 1e-6..=1e9;
/// Largest burst.
pub const HIGHEST_BURST: u64 = 1 << 31;
/// Largest time that a limiter understands, ns.
pub const HIGHEST_NOW_NS: u64 = (1 << 62) - 1;
/// Most buckets in a set.
pub const MOST_BUCKETS: usize = 16;

/// Longest time from empty to full, ns. Together with `HIGHEST_NOW_NS` it keeps the state below `HELD`.
const LONGEST_REFILL_NS: u64 = 1 << 62;
/// Set while a `BucketSet` decides; the other bits stay readable.
const HELD: u64 = 1 << 63;

/// At most `burst + rate * T` weight in any window T.
#[derive(Debug)]
pub struct TokenBucket {
    full_at_ns: AtomicU64,
    interval_ns: u64,
    refill_ns: u64,
    rate_per_s: f64,
    burst: u64,
}

/// 1e9 / rate, rounded up, exactly: a float is `mantissa / 2**exponent`. None: outside `RATES`.
fn interval_ns(rate_per_s: f64) -> Option<u64> {
    if !RATES.contains(&rate_per_s) {
        return None;
    }
    let bits = rate_per_s.to_bits();
    let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    // 23..=72 within `RATES`, so that the shifted value stays under 2**102.
    let exponent = 1075 - (bits >> 52);
    Some((1_000_000_000_u128 << exponent).div_ceil(mantissa) as u64)
}

impl TokenBucket {
    /// The largest burst at this rate. None: the rate is outside `RATES`.
    pub fn highest_burst(rate_per_s: f64) -> Option<u64> {
        interval_ns(rate_per_s).map(|interval| HIGHEST_BURST.min(LONGEST_REFILL_NS / interval))
    }

    /// A full bucket. None: the rate outside `RATES`, or the burst outside `1..=highest_burst(rate)`.
    pub fn new(rate_per_s: f64, burst: u64) -> Option<Self> {
        let interval_ns = interval_ns(rate_per_s)?;
        if burst == 0 || burst > Self::highest_burst(rate_per_s)? {
            return None;
        }
        let refill_ns = burst * interval_ns;
        Some(Self { full_at_ns: AtomicU64::new(0), interval_ns, refill_ns, rate_per_s, burst })
    }

    /// 0: granted. Otherwise nothing was taken, and asking again is worth it after that many ns.
    ///
    /// Invariant: weight `1..=burst`, `now_ns` `0..=HIGHEST_NOW_NS`.
    #[inline]
    pub fn try_acquire(&self, weight: u64, now_ns: u64) -> u64 {
        // Relaxed throughout: the word is all there is to agree on.
        let mut state = self.full_at_ns.load(Ordering::Relaxed);
        let mut spins = 0;
        loop {
            if state & HELD != 0 {
                relax(&mut spins);
                state = self.full_at_ns.load(Ordering::Relaxed);
                continue;
            }
            let next = match self.decide(state, weight, now_ns) {
                Ok(next) => next,
                Err(wait_ns) => return wait_ns,
            };
            match self.full_at_ns.compare_exchange_weak(state, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return 0,
                Err(seen) => state = seen,
            }
        }
    }

    /// Weight that would be granted now.
    pub fn available(&self, now_ns: u64) -> u64 {
        let full_at_ns = self.full_at_ns.load(Ordering::Relaxed) & !HELD;
        self.refill_ns.saturating_sub(full_at_ns.saturating_sub(now_ns)) / self.interval_ns
    }

    /// Units of weight per second.
    pub fn rate_per_s(&self) -> f64 {
        self.rate_per_s
    }

    /// Weight of a full bucket.
    pub fn burst(&self) -> u64 {
        self.burst
    }

    /// The state after a grant, or how long to wait.
    #[inline]
    fn decide(&self, full_at_ns: u64, weight: u64, now_ns: u64) -> Result<u64, u64> {
        let next = full_at_ns.max(now_ns) + weight * self.interval_ns;
        let latest = now_ns + self.refill_ns;
        if next <= latest { Ok(next) } else { Err(next - latest) }
    }

    fn hold(&self) -> u64 {
        let mut spins = 0;
        loop {
            // Acquire pairs with the Release of `let_go`: what this set decides comes after what the last one did.
            let state = self.full_at_ns.load(Ordering::Relaxed);
            if state & HELD == 0
                && self
                    .full_at_ns
                    .compare_exchange_weak(state, state | HELD, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return state;
            }
            relax(&mut spins);
        }
    }

    fn let_go(&self, full_at_ns: u64) {
        self.full_at_ns.store(full_at_ns, Ordering::Release);
    }
}

/// Why some buckets do not make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError {
    /// None, or more than `MOST_BUCKETS`.
    Count,
    /// One bucket twice.
    Repeated,
}

/// Several buckets, taken all or nothing.
#[derive(Debug)]
pub struct BucketSet {
    buckets: Vec<Arc<TokenBucket>>,
    /// Positions in `buckets` in the order in which they are held.
    order: Vec<usize>,
}

impl BucketSet {
    /// A set of 1..=16 distinct buckets, which other sets may share.
    pub fn new(buckets: Vec<Arc<TokenBucket>>) -> Result<Self, SetError> {
        if !(1..=MOST_BUCKETS).contains(&buckets.len()) {
            return Err(SetError::Count);
        }
        let mut order: Vec<usize> = (0..buckets.len()).collect();
        order.sort_by_key(|&at| Arc::as_ptr(&buckets[at]).addr());
        if order.windows(2).any(|pair| Arc::ptr_eq(&buckets[pair[0]], &buckets[pair[1]])) {
            return Err(SetError::Repeated);
        }
        Ok(Self { buckets, order })
    }

    /// The buckets, in the order given.
    pub fn buckets(&self) -> &[Arc<TokenBucket>] {
        &self.buckets
    }

    /// 0: every bucket granted its weight. Otherwise nothing was taken, and the longest wait in ns.
    ///
    /// Invariant: one weight a bucket, `0..=burst` (0: not asked); `now_ns` `0..=HIGHEST_NOW_NS`.
    pub fn try_acquire(&self, weights: &[u64], now_ns: u64) -> u64 {
        assert_eq!(weights.len(), self.buckets.len(), "Invariant: one weight a bucket");
        let mut states = [0; MOST_BUCKETS];
        let mut wait_ns = 0;
        let asked = || self.order.iter().copied().filter(|&at| weights[at] > 0);
        for at in asked() {
            states[at] = self.buckets[at].hold();
        }
        let mut granted = states;
        for at in asked() {
            match self.buckets[at].decide(states[at], weights[at], now_ns) {
                Ok(next) => granted[at] = next,
                Err(wait) => wait_ns = wait_ns.max(wait),
            }
        }
        for at in asked() {
            self.buckets[at].let_go(if wait_ns == 0 { granted[at] } else { states[at] });
        }
        wait_ns
    }
}

#[cfg(test)]
mod tests;
