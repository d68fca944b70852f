//! The limiter against its promise: never over `burst + rate * window`, and waits that are neither too long nor short.

use std::sync::Arc;

use proptest::prelude::*;

use super::{BucketSet, HIGHEST_NOW_NS, SetError, TokenBucket, interval_ns};

/// The rate as the fraction `numerator / 2**exponent` that the float is.
fn fraction(rate: f64) -> (u128, u64) {
    let bits = rate.to_bits();
    (u128::from(bits & ((1 << 52) - 1) | 1 << 52), 1075 - (bits >> 52))
}

/// Whether more than `burst + rate * window` passed in any window between two grants, in exact arithmetic.
fn over_limit(grants: &[(u64, u64)], rate: f64, burst: u64) -> bool {
    let (numerator, exponent) = fraction(rate);
    (0..grants.len()).any(|first| {
        let mut passed = 0;
        grants[first..].iter().any(|&(now, weight)| {
            passed += weight;
            let window = u128::from(now - grants[first].0);
            passed > burst
                && u128::from(passed - burst) * 1_000_000_000 > (numerator * window) >> exponent
                && (u128::from(passed - burst) * 1_000_000_000) << exponent > numerator * window
        })
    })
}

#[test]
fn intervals_are_rounded_up() {
    assert_eq!(interval_ns(1e9), Some(1));
    assert_eq!((interval_ns(3e8), interval_ns(5e8), interval_ns(999_999_999.0)), (Some(4), Some(2), Some(2)));
    assert_eq!(interval_ns(20.0), Some(50_000_000));
    assert_eq!(interval_ns(3.0), Some(333_333_334));
    assert_eq!(interval_ns(1.0), Some(1_000_000_000));
    assert_eq!(interval_ns(0.999_999_999_999), Some(1_000_000_001));
    assert_eq!(interval_ns(1e-6), Some(1_000_000_000_000_001), "1e-6 as a float is a little below 1e-6");
    for outside in [0.0, -1.0, 9e-7, 1.1e9, f64::NAN, f64::INFINITY] {
        assert_eq!(interval_ns(outside), None);
    }
}

#[test]
fn extremes_stay_inside_the_word() {
    for rate in [1e-6, 0.1, 20.0, 1e9] {
        let burst = TokenBucket::highest_burst(rate).unwrap();
        assert!(TokenBucket::new(rate, burst + 1).is_none());
        let bucket = TokenBucket::new(rate, burst).unwrap();
        assert_eq!(bucket.try_acquire(burst, HIGHEST_NOW_NS), 0);
        assert!(bucket.try_acquire(burst, HIGHEST_NOW_NS) > 0);
        assert!(bucket.try_acquire(burst, 0) > HIGHEST_NOW_NS);
        assert_eq!(bucket.available(0), 0);
    }
}

#[test]
fn a_clock_that_steps_back_refunds_nothing() {
    let bucket = TokenBucket::new(10.0, 5).unwrap();
    assert_eq!(bucket.try_acquire(5, 1_000_000_000), 0);
    assert_eq!(bucket.try_acquire(1, 0), 1_100_000_000);
    assert_eq!(bucket.try_acquire(1, 1_000_000_000), 100_000_000);
    assert_eq!(bucket.try_acquire(1, 1_100_000_000), 0);
}

#[test]
fn a_set_takes_all_or_nothing() {
    let fast = Arc::new(TokenBucket::new(10.0, 10).unwrap());
    let slow = Arc::new(TokenBucket::new(1.0, 2).unwrap());
    let set = BucketSet::new(vec![fast.clone(), slow.clone()]).unwrap();
    assert_eq!(set.try_acquire(&[3, 2], 0), 0);
    assert_eq!(set.try_acquire(&[3, 1], 0), 1_000_000_000);
    assert_eq!((fast.available(0), slow.available(0)), (7, 0));
    assert_eq!(set.try_acquire(&[7, 0], 0), 0);
    assert_eq!(set.try_acquire(&[10, 1], 0), 1_000_000_000, "the longer of two waits");
    assert!(matches!(BucketSet::new(vec![fast.clone(), fast]), Err(SetError::Repeated)));
    assert!(matches!(BucketSet::new(vec![]), Err(SetError::Count)));
}

#[test]
fn threads_share_buckets_between_sets_without_losing_a_grant() {
    const BURST: u64 = 30_000;
    let buckets: Vec<_> = (0..3).map(|_| Arc::new(TokenBucket::new(1e-3, BURST).unwrap())).collect();
    let sets: Vec<_> = [[0, 1], [1, 2], [2, 0]]
        .iter()
        .map(|pair| BucketSet::new(pair.iter().map(|&at| buckets[at].clone()).collect()).unwrap())
        .collect();
    let taken: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = sets
            .iter()
            .map(|set| {
                scope.spawn(move || (0..20_000).filter(|_| set.try_acquire(&[1, 1], 0) == 0).count() as u64)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (at, users) in [[0, 2], [0, 1], [1, 2]].iter().enumerate() {
        let used = taken[users[0]] + taken[users[1]];
        assert_eq!(buckets[at].available(0), BURST - used, "bucket {at}, grants {taken:?}");
    }
    assert!(buckets.iter().any(|bucket| bucket.available(0) == 0), "saturated: {taken:?}");
}

prop_compose! {
    fn limits()(exponent in -6.0..9.0_f64, burst in 1..200_u64) -> (f64, u64) {
        (10_f64.powf(exponent).clamp(1e-6, 1e9), burst)
    }
}

prop_compose! {
    /// Rate, burst, and asks as (time, weight). Steps are drawn in units of the interval, as below.
    fn asked()(
        (rate, burst) in limits(),
        asks in prop::collection::vec((0.0..2.0_f64, 1..200_u64), 1..60),
    ) -> (f64, u64, Vec<(u64, u64)>) {
        let interval = interval_ns(rate).unwrap() as f64;
        let mut now = 0;
        let ask = |(step, weight): (f64, u64)| {
            now += (step * interval) as u64;
            (now, weight.min(burst))
        };
        (rate, burst, asks.into_iter().map(ask).collect())
    }
}

proptest! {
    /// Steps are drawn in units of the interval, so that slow and fast limits meet the interesting moments alike.
    #[test]
    fn never_over_the_limit_in_any_window(
        (rate, burst) in limits(),
        asks in prop::collection::vec((0.0..3.0_f64, 1..200_u64, 0..8_u8), 1..150),
    ) {
        let bucket = TokenBucket::new(rate, burst).unwrap();
        let interval = interval_ns(rate).unwrap() as f64;
        let (mut now, mut grants) = (0, vec![]);
        for (step, weight, patience) in asks {
            now += (step * interval) as u64;
            let weight = weight.min(burst);
            let wait = bucket.try_acquire(weight, now);
            if wait == 0 {
                grants.push((now, weight));
            } else if patience == 0 {
                now += wait;
                prop_assert_eq!(bucket.try_acquire(weight, now), 0);
                grants.push((now, weight));
            }
        }
        prop_assert!(!over_limit(&grants, rate, burst), "rate {rate}, burst {burst}, grants {grants:?}");
    }

    #[test]
    fn the_told_wait_is_enough_and_one_less_is_not((rate, burst, asks) in asked()) {
        let bucket = TokenBucket::new(rate, burst).unwrap();
        for (now, weight) in asks {
            let wait = bucket.try_acquire(weight, now);
            if wait > 0 {
                prop_assert_eq!(bucket.try_acquire(weight, now + wait - 1), 1);
                prop_assert_eq!(bucket.try_acquire(weight, now + wait), 0);
            }
        }
    }

    #[test]
    fn what_is_available_is_granted_and_one_more_is_not((rate, burst, asks) in asked()) {
        let bucket = TokenBucket::new(rate, burst).unwrap();
        for (now, weight) in asks {
            let available = bucket.available(now);
            if available < burst {
                prop_assert!(bucket.try_acquire(available + 1, now) > 0);
            }
            if available > 0 {
                prop_assert_eq!(bucket.try_acquire(available.min(weight), now), 0);
            }
        }
    }

    /// A set grants exactly when every bucket alone would have, and its wait is the longest of theirs.
    #[test]
    fn a_set_does_what_its_buckets_would(
        limits in prop::collection::vec(limits(), 1..5),
        asks in prop::collection::vec((0..10_u64.pow(10), prop::collection::vec(0..200_u64, 5)), 1..60),
    ) {
        let make = || limits.iter().map(|&(rate, burst)| Arc::new(TokenBucket::new(rate, burst).unwrap()));
        let alone: Vec<_> = make().collect();
        let set = BucketSet::new(make().collect()).unwrap();
        let mut now = 0;
        for (step, weights) in asks {
            now += step;
            let weights: Vec<_> = weights.iter().zip(&limits).map(|(&weight, limit)| weight.min(limit.1)).collect();
            let fits = |at: usize| weights[at] <= alone[at].available(now);
            let expected = (0..limits.len()).all(fits);
            let wait = set.try_acquire(&weights, now);
            prop_assert_eq!(wait == 0, expected);
            if wait == 0 {
                for (bucket, &weight) in alone.iter().zip(&weights).filter(|pair| *pair.1 > 0) {
                    prop_assert_eq!(bucket.try_acquire(weight, now), 0);
                }
            } else {
                let short = (0..limits.len()).filter(|&at| !fits(at));
                let longest = short.map(|at| alone[at].try_acquire(weights[at], now)).max();
                prop_assert_eq!(Some(wait), longest);
            }
        }
    }
}
