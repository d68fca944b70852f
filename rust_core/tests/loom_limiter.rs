//! Every interleaving of sets that share buckets, and of a set with a bucket used alone. Run with
//! `RUSTFLAGS="--cfg loom" cargo test --release -p tradewire-core --test loom_limiter`.
#![cfg(loom)]

use std::sync::Arc;

use loom::thread;
use tradewire_core::limiter::{BucketSet, TokenBucket};

/// Two buckets that do not refill during a test, the one at the lower address first: addresses decide the order in which
/// sets hold buckets, and loom needs every execution to be alike.
fn two(burst: u64) -> [Arc<TokenBucket>; 2] {
    let make = || Arc::new(TokenBucket::new(1e-3, burst).expect("a valid limit"));
    let mut pair = [make(), make()];
    pair.sort_by_key(|bucket| Arc::as_ptr(bucket).addr());
    pair
}

fn set(buckets: &[&Arc<TokenBucket>]) -> BucketSet {
    BucketSet::new(buckets.iter().map(|bucket| Arc::clone(bucket)).collect()).expect("distinct buckets")
}

#[test]
fn of_two_sets_in_opposite_order_one_gets_the_last_weight() {
    loom::model(|| {
        let [low, high] = two(1);
        let (one, other) = (set(&[&low, &high]), set(&[&high, &low]));
        let first = thread::spawn(move || one.try_acquire(&[1, 1], 0) == 0);
        let second = other.try_acquire(&[1, 1], 0) == 0;
        assert!(first.join().expect("no panic") != second);
        assert_eq!((low.available(0), high.available(0)), (0, 0));
    });
}

/// A set that is refused must not make the other caller wait: nothing was taken, not even for a moment.
#[test]
fn a_refused_set_is_not_seen_by_others() {
    loom::model(|| {
        let [low, high] = two(1);
        assert_eq!(high.try_acquire(1, 0), 0);
        let both = set(&[&low, &high]);
        let refused = thread::spawn(move || both.try_acquire(&[1, 1], 0) > 0);
        assert_eq!(low.try_acquire(1, 0), 0);
        assert!(refused.join().expect("no panic"));
    });
}

#[test]
fn a_grant_to_a_set_is_never_lost() {
    loom::model(|| {
        let [low, high] = two(3);
        let both = set(&[&low, &high]);
        let alone = Arc::clone(&low);
        let thread = thread::spawn(move || alone.try_acquire(1, 0));
        assert_eq!(both.try_acquire(&[2, 1], 0), 0);
        assert_eq!(thread.join().expect("no panic"), 0);
        assert_eq!((low.available(0), high.available(0)), (0, 2));
    });
}
