//! Accuracy against an exact sort, coordinated omission, encoding, and the laws of merging.

use proptest::prelude::*;

use super::{EncodingError, HIGHEST_LIMIT, Histogram, highest_lowest};

fn of(values: &[i64]) -> Histogram {
    let mut histogram = Histogram::new(1, 3_600_000_000_000, 3).unwrap();
    histogram.record_many(values.iter().copied());
    histogram
}

fn merged(into: &Histogram, other: &Histogram) -> Histogram {
    let mut sum = into.clone();
    assert!(sum.merge(other));
    sum
}

#[test]
fn ranges_are_checked() {
    assert!(Histogram::new(1, 2, 1).is_some());
    for digits in 1..=5 {
        let lowest = highest_lowest(digits);
        let mut histogram = Histogram::new(lowest, HIGHEST_LIMIT, digits).unwrap();
        histogram.record(HIGHEST_LIMIT as i64);
        assert_eq!(histogram.percentile(100.0), HIGHEST_LIMIT);
        assert!(Histogram::new(lowest + 1, HIGHEST_LIMIT, digits).is_none());
    }
    assert!(Histogram::new(0, 10, 3).is_none());
    assert!(Histogram::new(6, 11, 3).is_none());
    assert!(Histogram::new(1, HIGHEST_LIMIT + 1, 3).is_none());
    assert!(Histogram::new(1, 10, 0).is_none());
    assert!(Histogram::new(1, 10, 6).is_none());
}

#[test]
fn out_of_range_values_are_counted_apart() {
    let histogram = of(&[0, 5, -1, i64::MIN, 3_600_000_000_000, 3_600_000_000_001, i64::MAX]);
    assert_eq!((histogram.count(), histogram.negative(), histogram.overflow()), (3, 2, 2));
    assert_eq!(histogram.min(), 0);
}

#[test]
fn a_stall_shows_only_when_corrected() {
    let (mut raw, mut corrected) = (of(&[]), of(&[]));
    for _ in 0..10_000 {
        raw.record(1_000_000);
        corrected.record_corrected(1_000_000, 10_000_000);
    }
    raw.record(100_000_000_000);
    corrected.record_corrected(100_000_000_000, 10_000_000);
    assert!(raw.percentile(99.99) < 1_001_000);
    assert_eq!(corrected.count(), 20_000);
    assert!(corrected.percentile(50.0) < 1_001_000);
    let stalled = corrected.percentile(75.0);
    assert!((49_900_000_000..=50_100_000_000).contains(&stalled), "{stalled}");
}

#[test]
fn the_largest_correction_is_as_quick_as_any() {
    let mut histogram = Histogram::new(1, HIGHEST_LIMIT, 3).unwrap();
    for _ in 0..8 {
        histogram.record_corrected(i64::MAX, 1);
    }
    assert!(histogram.count() <= 1 << 62);
    assert!(histogram.percentile(100.0) <= HIGHEST_LIMIT);
}

#[test]
fn an_empty_histogram_says_zero() {
    let histogram = of(&[]);
    let zeros = (histogram.min(), histogram.max(), histogram.percentile(50.0), histogram.mean());
    assert_eq!(zeros, (0, 0, 0, 0.0));
    assert_eq!(Histogram::decode(&histogram.encode()), Ok(histogram));
}

#[test]
fn bad_encodings_are_named() {
    let good = of(&[1, 2, 3]).encode();
    assert_eq!(Histogram::decode(&good[1..]), Err(EncodingError::Base64));
    assert_eq!(Histogram::decode("AAAAAAAAAAAA"), Err(EncodingError::Cookie));
    assert_eq!(Histogram::decode(""), Err(EncodingError::Cookie));
    assert_eq!(Histogram::decode(&good[..good.len() - 8]), Err(EncodingError::Length));
}

/// Values of very different sizes: a random magnitude first, then a random value of it.
fn values(most: usize) -> impl Strategy<Value = Vec<i64>> {
    let value = (0..42_u32).prop_flat_map(|bits| 0..(1_i64 << bits).min(3_600_000_000_001));
    prop::collection::vec(value, 1..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]
    #[test]
    fn quantiles_are_within_the_precision(values in values(400)) {
        let histogram = of(&values);
        let mut sorted = values;
        sorted.sort_unstable();
        for percentile in [0.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0] {
            let rank = (percentile * sorted.len() as f64 / 100.0 - 1e-9).ceil().max(1.0) as usize;
            let (exact, told) = (sorted[rank - 1] as u64, histogram.percentile(percentile));
            prop_assert!(told >= exact && told - exact <= exact / 1_000, "{percentile}: {exact}, told {told}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn merging_is_associative_and_commutative(a in values(50), b in values(50), c in values(50)) {
        let (x, y, z) = (of(&a), of(&b), of(&c));
        prop_assert_eq!(merged(&x, &y), merged(&y, &x));
        prop_assert_eq!(merged(&merged(&x, &y), &z), merged(&x, &merged(&y, &z)));
        prop_assert_eq!(merged(&x, &y), of(&[a, b].concat()));
    }

    #[test]
    fn an_encoded_histogram_comes_back(values in values(200), digits in 1..=5_u8, lowest in 1..5_000_u64) {
        let mut histogram = Histogram::new(lowest, 3_600_000_000_000, digits).unwrap();
        histogram.record_many(values.iter().copied());
        let back = Histogram::decode(&histogram.encode());
        prop_assert_eq!(back, Ok(histogram));
    }

    #[test]
    fn a_damaged_encoding_is_refused_or_harmless(values in values(30), at in 0..200_usize, byte in 43..123_u8) {
        let mut text = of(&values).encode().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = Histogram::decode(&String::from_utf8(text).unwrap());
    }

    /// The correction in bulk equals the definition, value by value.
    #[test]
    fn corrections_are_those_of_the_definition(value in 0..5_000_000_i64, interval in 1..50_000_i64) {
        let (mut quick, mut slow) = (Histogram::new(1, 4_000_000, 2).unwrap(), Histogram::new(1, 4_000_000, 2).unwrap());
        quick.record_corrected(value, interval);
        slow.record(value);
        let mut hidden = value - interval;
        while hidden >= interval {
            slow.record(hidden);
            hidden -= interval;
        }
        prop_assert_eq!(quick, slow);
    }
}
