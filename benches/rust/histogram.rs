//! Latencies of 1 us to 1 s: recording one and 100,000, a percentile, and the V2 encoding.
#![allow(missing_docs, reason = "criterion_group! makes undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewire_core::histogram::Histogram;

/// Spread evenly over the orders of magnitude, as latencies roughly are; the same in every run.
fn values() -> Vec<i64> {
    (0..100_000).map(|at| 10_f64.powf(3.0 + 6.0 * (f64::from(at) * 0.618_034).fract()) as i64).collect()
}

fn histogram() -> Histogram {
    Histogram::new(1, 3_600_000_000_000, 3).expect("a valid range")
}

fn record(criterion: &mut Criterion) {
    let values = values();
    let mut histogram = histogram();
    let mut group = criterion.benchmark_group("histogram");
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function("record", |bencher| {
        bencher.iter(|| values.iter().for_each(|&value| histogram.record(black_box(value))));
    });
    group.bench_function("record_many", |bencher| {
        bencher.iter(|| histogram.record_many(black_box(&values).iter().copied()));
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut histogram = histogram();
    histogram.record_many(values().into_iter());
    criterion
        .bench_function("histogram/p99", |bencher| bencher.iter(|| histogram.percentile(black_box(99.0))));
    criterion.bench_function("histogram/encode", |bencher| bencher.iter(|| histogram.encode()));
    let encoded = histogram.encode();
    criterion.bench_function("histogram/decode", |bencher| {
        bencher.iter(|| Histogram::decode(black_box(&encoded)));
    });
}

criterion_group!(benches, record, read);
criterion_main!(benches);
