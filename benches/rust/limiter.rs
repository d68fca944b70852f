//! One grant, alone and of a set of three, with the clock read and without. Waiting is nobody's business here.
#![allow(missing_docs, reason = "criterion_group! makes undocumented functions")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tradewire_core::clock::monotonic_ns;
use tradewire_core::limiter::{BucketSet, TokenBucket};

/// Never runs dry: a nanosecond a unit.
fn plenty() -> Arc<TokenBucket> {
    Arc::new(TokenBucket::new(1e9, 1 << 31).expect("a valid limit"))
}

fn try_acquire(criterion: &mut Criterion) {
    let bucket = plenty();
    criterion.bench_function("limiter/try_acquire, clock read", |bencher| {
        bencher.iter(|| bucket.try_acquire(black_box(1), monotonic_ns() as u64));
    });
    let mut now = 0;
    criterion.bench_function("limiter/try_acquire", |bencher| {
        bencher.iter(|| {
            now += 1;
            bucket.try_acquire(black_box(1), now)
        });
    });
    let set = BucketSet::new(vec![plenty(), plenty(), plenty()]).expect("three distinct buckets");
    criterion.bench_function("limiter/set of three", |bencher| {
        bencher.iter(|| {
            now += 1;
            set.try_acquire(black_box(&[1, 1, 1]), now)
        });
    });
    let empty = TokenBucket::new(1e-3, 1).expect("a valid limit");
    assert_eq!(empty.try_acquire(1, 0), 0);
    criterion
        .bench_function("limiter/refused", |bencher| bencher.iter(|| empty.try_acquire(black_box(1), 0)));
}

criterion_group!(benches, try_acquire);
criterion_main!(benches);
