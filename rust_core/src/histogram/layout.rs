//! Which value is counted where: the bucket arithmetic of `HdrHistogram`, without any counts.
//!
//! Values are shifted right until `bits` significant bits are left. The first bucket has `2**bits` slots of the lowest
//! unit; every further one covers twice the range with half as many slots, as its lower half is the bucket before.

use std::ops::RangeInclusive;

/// Decimal digits that a histogram may keep.
pub const DIGITS: RangeInclusive<u8> = 1..=5;
/// Largest `highest`.
pub const HIGHEST_LIMIT: u64 = (1 << 62) - 1;

/// Range and resolution; decides everything but the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub lowest: u64,
    pub highest: u64,
    pub digits: u8,
    /// Values are told apart in steps of `2**unit_shift`, the power of two at or below `lowest`.
    unit_shift: u32,
    /// Binary logarithm of the slots that a bucket adds.
    half_bits: u32,
    /// By the number of bits of a value. Two loads: computing them takes twice as long, as shifts by a variable are slow
    /// on processors without BMI2.
    places: [Place; 64],
}

/// Where the values of one length go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    base: u32,
    shift: u32,
}

/// Bits that tell `2 * 10**digits` values apart, as one digit too many is needed at the bottom of a bucket.
fn bits(digits: u8) -> u32 {
    (2 * 10_u64.pow(digits.into())).next_power_of_two().trailing_zeros()
}

/// Largest `lowest` with so many digits: its bucket must stay below 2**62.
pub fn highest_lowest(digits: u8) -> u64 {
    (1 << (62 - bits(digits))) - 1
}

impl Layout {
    pub fn new(lowest: u64, highest: u64, digits: u8) -> Option<Self> {
        if !DIGITS.contains(&digits)
            || !(1..=highest_lowest(digits)).contains(&lowest)
            || !(2 * lowest..=HIGHEST_LIMIT).contains(&highest)
        {
            return None;
        }
        let (unit_shift, half_bits) = (lowest.ilog2(), bits(digits) - 1);
        let mut places = [Place::default(); 64];
        for (last_bit, place) in (0..).zip(&mut places[..62]) {
            let bucket = u32::saturating_sub(last_bit, half_bits + unit_shift);
            *place = Place { base: bucket << half_bits, shift: bucket + unit_shift };
        }
        Some(Self { lowest, highest, digits, unit_shift, half_bits, places })
    }

    /// Slots needed for values up to `highest`.
    pub fn len(&self) -> usize {
        let mut buckets = 1;
        while 1_u64 << (self.half_bits + self.unit_shift + buckets) <= self.highest {
            buckets += 1;
        }
        (buckets as usize + 1) << self.half_bits
    }

    /// Slot of a value up to `highest`.
    #[inline]
    pub fn index(&self, value: u64) -> usize {
        let place = self.places[(value | 1).ilog2() as usize];
        // Wrapping: an overflow check would cost as much as the shift, and neither can overflow.
        (value.wrapping_shr(place.shift) as usize).wrapping_add(place.base as usize)
    }

    /// Smallest value of a slot.
    pub fn lowest_at(&self, slot: usize) -> u64 {
        let (bucket, half) = (slot >> self.half_bits, 1 << self.half_bits);
        let inside = if bucket == 0 { slot } else { (slot & (half - 1)) + half };
        (inside as u64) << (bucket.saturating_sub(1) as u32 + self.unit_shift)
    }

    /// Largest value of a slot.
    pub fn highest_equivalent_at(&self, slot: usize) -> u64 {
        self.lowest_at(slot) + (self.width_at(slot) - 1)
    }

    /// Middle value of a slot, rounded up.
    pub fn middle_at(&self, slot: usize) -> u64 {
        self.lowest_at(slot) + self.width_at(slot) / 2
    }

    /// Smallest value counted where `value` is.
    pub fn lowest_equivalent(&self, value: u64) -> u64 {
        self.lowest_at(self.index(value))
    }

    fn width_at(&self, slot: usize) -> u64 {
        1 << ((slot >> self.half_bits).saturating_sub(1) as u32 + self.unit_shift)
    }
}
