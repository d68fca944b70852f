//! One side of a book: price levels in order, with the best at the end. Knows nothing of sequences.
//!
//! Prices and quantities lie in two arrays, so that a search reads prices only, 8 to a cache line. The searches of four
//! levels run in step, branch-free: a mispredicted branch or the latency of one search costs as much as four searches
//! (half the time of one by one, and the same at any depth). A deleted level stays as a tombstone of quantity zero: near
//! the touch the same prices come and go all the time, and neither their going nor their coming back moves any memory.
//! Tombstones behind the best are cut off at once; when there are more of them than levels, they are swept out. New
//! prices of a message are put in together, so that a message moves a level at most once however many are new.

use std::hint::select_unpredictable;

/// Levels searched for in step.
pub const GROUP: usize = 4;

/// Tombstones that a side may always keep; beyond it, no more than it has levels.
const SPARE_TOMBSTONES: usize = 64;

/// One side of a book. Invariant: keys strictly ascend, and the last one, if any, has a quantity above zero.
#[derive(Debug, Default)]
pub struct Levels {
    /// Ranks, best last: the price of a bid, the negated price of an ask.
    keys: Vec<f64>,
    /// Quantity of each key; zero for a tombstone.
    quantities: Vec<f64>,
    /// Quantities above zero.
    live: usize,
    /// Levels set since `settle` whose keys are unknown, in order of arrival. Empty between messages.
    new: Vec<(f64, f64)>,
}

impl Levels {
    /// Sets one level; a quantity not above zero deletes it. `settle` must follow before anything is read.
    ///
    /// A key that is not finite is passed over: it has no place in the order.
    #[inline]
    pub fn set(&mut self, key: f64, quantity: f64) {
        let at = self.keys.partition_point(|&other| other < key);
        self.set_at(at, key, quantity);
    }

    /// `set` of several levels, in order.
    #[inline]
    pub fn set_group(&mut self, levels: [(f64, f64); GROUP]) {
        let places = self.places(levels.map(|(key, _)| key));
        for ((key, quantity), at) in levels.into_iter().zip(places) {
            self.set_at(at, key, quantity);
        }
    }

    /// Number of keys below each of `wanted`.
    #[inline]
    fn places(&self, wanted: [f64; GROUP]) -> [usize; GROUP] {
        let mut places = [0; GROUP];
        let mut size = self.keys.len();
        if size == 0 {
            return places;
        }
        while size > 1 {
            let half = size / 2;
            for (place, key) in places.iter_mut().zip(wanted) {
                *place = select_unpredictable(self.keys[*place + half] <= key, *place + half, *place);
            }
            size -= half;
        }
        for (place, key) in places.iter_mut().zip(wanted) {
            *place += usize::from(self.keys[*place] < key);
        }
        places
    }

    /// Sets the level that is at `at` if it is known.
    #[inline]
    fn set_at(&mut self, at: usize, key: f64, quantity: f64) {
        let quantity = quantity.max(0.0);
        if self.keys.get(at) == Some(&key) {
            let old = std::mem::replace(&mut self.quantities[at], quantity);
            self.live = self.live + usize::from(quantity > 0.0) - usize::from(old > 0.0);
        } else if (quantity > 0.0 || !self.new.is_empty()) && key.is_finite() {
            self.new.push((key, quantity));
        }
    }

    /// Restores the invariant after a run of `set`: puts new levels in, cuts off or sweeps out tombstones.
    #[inline]
    pub fn settle(&mut self) {
        if !self.new.is_empty() {
            self.merge();
        }
        while self.quantities.last() == Some(&0.0) {
            self.quantities.pop();
            self.keys.pop();
        }
        if self.keys.len() > 2 * self.live + SPARE_TOMBSTONES {
            self.sweep();
        }
    }

    /// Puts the new levels in, from the best down, so that every other level moves once.
    fn merge(&mut self) {
        self.sort_new();
        let mut end = self.keys.len();
        let mut gap = self.new.len();
        self.live += gap;
        self.keys.resize(end + gap, 0.0);
        self.quantities.resize(end + gap, 0.0);
        for (key, quantity) in self.new.drain(..) {
            let at = self.keys[..end].partition_point(|&other| other < key);
            self.keys.copy_within(at..end, at + gap);
            self.quantities.copy_within(at..end, at + gap);
            gap -= 1;
            self.keys[at + gap] = key;
            self.quantities[at + gap] = quantity;
            end = at;
        }
    }

    /// Brings the new levels into order, best first; of equal keys the last to come wins.
    fn sort_new(&mut self) {
        // Venues send either order, and the stable sort takes both in one pass. Reversed, the last of equals is first.
        self.new.sort_by(|left, right| left.0.total_cmp(&right.0));
        self.new.reverse();
        self.new.dedup_by_key(|level| level.0);
        self.new.retain(|level| level.1 > 0.0);
    }

    #[cold]
    fn sweep(&mut self) {
        let mut kept = 0;
        for at in 0..self.keys.len() {
            if self.quantities[at] > 0.0 {
                self.keys[kept] = self.keys[at];
                self.quantities[kept] = self.quantities[at];
                kept += 1;
            }
        }
        self.keys.truncate(kept);
        self.quantities.truncate(kept);
    }

    /// Replaces the whole side; of equal keys the last one wins.
    pub fn replace(&mut self, levels: impl Iterator<Item = (f64, f64)>) {
        self.clear();
        self.new.extend(levels.filter(|(key, _)| key.is_finite()));
        self.sort_new();
        self.keys.extend(self.new.iter().rev().map(|level| level.0));
        self.quantities.extend(self.new.iter().rev().map(|level| level.1));
        self.live = self.new.len();
        self.new.clear();
    }

    /// Forgets all levels, keeping the memory.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.quantities.clear();
        self.live = 0;
    }

    /// Key and quantity of the best level.
    #[inline]
    pub fn best(&self) -> Option<(f64, f64)> {
        Some((*self.keys.last()?, *self.quantities.last()?))
    }

    /// Keys and quantities, best first.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let levels = self.keys.iter().zip(&self.quantities).rev();
        levels.filter(|(_, quantity)| **quantity > 0.0).map(|(&key, &quantity)| (key, quantity))
    }

    /// Levels held.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{GROUP, Levels, SPARE_TOMBSTONES};

    fn listed(levels: &Levels) -> Vec<(f64, f64)> {
        levels.iter().collect()
    }

    #[test]
    fn tombstones_are_bounded_and_never_shown() {
        let mut levels = Levels::default();
        for key in 0..10_000 {
            levels.set(f64::from(key), 1.0);
        }
        for key in 0..9_990 {
            levels.set(f64::from(key), 0.0);
            levels.settle();
        }
        assert_eq!(levels.len(), 10);
        assert_eq!(listed(&levels).len(), 10);
        assert!(levels.keys.len() <= 20 + SPARE_TOMBSTONES);
    }

    #[test]
    fn what_is_not_a_level_is_passed_over() {
        let mut levels = Levels::default();
        for (key, quantity) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN), (2.0, -1.0)] {
            levels.set(key, quantity);
        }
        levels.settle();
        assert!(levels.is_empty());
        levels.replace([(f64::NAN, 1.0), (1.0, -2.0), (2.0, f64::NAN), (3.0, 4.0)].into_iter());
        assert_eq!(listed(&levels), [(3.0, 4.0)]);
    }

    proptest! {
        #[test]
        fn equals_a_map(
            first in prop::collection::vec((-40..40i32, -1..4i32), 0..60),
            diffs in prop::collection::vec(prop::collection::vec((-40..40i32, -1..4i32), 1..20), 0..40),
        ) {
            let mut levels = Levels::default();
            let mut model = BTreeMap::new();
            let put = |model: &mut BTreeMap<i32, i32>, key, quantity| {
                if quantity > 0 { model.insert(key, quantity); } else { model.remove(&key); }
            };
            levels.replace(first.iter().map(|&(key, quantity)| (f64::from(key) / 4.0, f64::from(quantity))));
            for (key, quantity) in first { put(&mut model, key, quantity); }
            for diff in diffs {
                let (groups, rest) = diff.as_chunks::<GROUP>();
                for group in groups {
                    levels.set_group(group.map(|(key, quantity)| (f64::from(key) / 4.0, f64::from(quantity))));
                }
                for &(key, quantity) in rest {
                    levels.set(f64::from(key) / 4.0, f64::from(quantity));
                }
                for (key, quantity) in diff { put(&mut model, key, quantity); }
                levels.settle();
                let expected: Vec<_> =
                    model.iter().rev().map(|(&key, &quantity)| (f64::from(key) / 4.0, f64::from(quantity))).collect();
                prop_assert_eq!(listed(&levels), expected.clone());
                prop_assert_eq!(levels.best(), expected.first().copied());
                prop_assert_eq!(levels.len(), expected.len());
            }
        }
    }
}
