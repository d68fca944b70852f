//! Digits and quotes eight bytes at a time, on any machine. Not for judging: what is odd or long is None.
#![expect(clippy::verbose_bit_mask, reason = "bytes are compared, not bits counted")]
#![expect(
    clippy::inline_always,
    reason = "a call costs as much as the work; all of these sit in the hot loops"
)]

use super::numbers::{POWERS, TENS};
use super::words::{Window, load};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many of the low bytes are digits; `word` holds them as values (`^ 0x30`).
#[inline(always)]
fn digits_in(word: u64) -> usize {
    let others = (word.wrapping_add(0x76 * ONES) | word) & HIGH;
    others.trailing_zeros() as usize / 8
}

/// The number that eight digit values make, the lowest byte leading.
#[inline(always)]
fn eight(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The first `count` (1..=8) digits of a word of digit values.
#[inline(always)]
fn leading(word: u64, count: usize) -> u64 {
    eight(word << (64_usize.wrapping_sub(8 * (count & 15)) & 63))
}

/// The unsigned integer at `at` (below 32), and its length, up to 15.
#[inline(always)]
pub(super) fn integer(window: &Window, at: usize) -> Option<(i64, usize)> {
    let first = load(window, at) ^ (0x30 * ONES);
    let count = digits_in(first);
    if count < 8 {
        // A zero stands alone.
        if count == 0 || (first & 0xFF == 0 && count > 1) {
            return None;
        }
        return Some((leading(first, count) as i64, count));
    }
    let second = load(window, at.wrapping_add(8)) ^ (0x30 * ONES);
    let more = digits_in(second);
    if first & 0xFF == 0 || more == 8 {
        return None;
    }
    let upper = eight(first);
    let value = if more == 0 {
        upper
    } else {
        upper.wrapping_mul(TENS[more & 15]).wrapping_add(leading(second, more))
    };
    Some((value as i64, more.wrapping_add(8)))
}

/// The unsigned decimal without exponent at `at` (below 47), and its length; up to 7 digits before the point and 8
/// behind it.
#[inline(always)]
pub(super) fn number(window: &Window, at: usize) -> Option<(f64, usize)> {
    let whole = load(window, at) ^ (0x30 * ONES);
    let count = digits_in(whole);
    if count == 0 || count == 8 || (whole & 0xFF == 0 && count > 1) {
        return None;
    }
    let value = leading(whole, count);
    let point = at.wrapping_add(count);
    // `^ 0x30` of a point.
    if whole >> (8 * (count & 7)) & 0xFF != 0x1E {
        return Some((value as f64, count));
    }
    let behind = point.wrapping_add(1);
    let fraction = load(window, behind) ^ (0x30 * ONES);
    let places = digits_in(fraction);
    let end = behind.wrapping_add(places);
    if places == 0 || (places == 8 && window[end & 63].is_ascii_digit()) {
        return None;
    }
    // At most 7 + 8 digits: below 2^53, so both operands are exact, and the one rounding is the right one.
    let mantissa = value.wrapping_mul(TENS[places & 15]).wrapping_add(leading(fraction, places));
    Some((mantissa as i64 as f64 / POWERS[places & 15], end.wrapping_sub(at)))
}

/// The high bit of each byte that is zero; exact up to the first one.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// The length of the text that `rest` begins with and a quote ends: plain ASCII without escapes only.
#[inline(always)]
pub(super) fn quote(rest: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let word = u64::from_le_bytes(*rest.get(at..)?.first_chunk()?);
        let quotes = zeros(word ^ (u64::from(b'"') * ONES));
        let escapes = zeros(word ^ (u64::from(b'\\') * ONES));
        let odd = (word.wrapping_sub(0x20 * ONES) | word) & HIGH;
        let stops = quotes | escapes | odd;
        if stops != 0 {
            let first = stops & stops.wrapping_neg();
            return (quotes & first != 0).then_some(at.wrapping_add(first.trailing_zeros() as usize / 8));
        }
        at = at.wrapping_add(8);
    }
}

/// The text of up to 15 bytes at `at` (below 32) that ends at a quote, as `names::Cache` wants it, and its length.
#[inline(always)]
pub(super) fn short_text(window: &Window, at: usize) -> Option<([u64; 2], usize)> {
    let first = load(window, at);
    let quotes = zeros(first ^ (u64::from(b'"') * ONES));
    if quotes != 0 {
        let below = (quotes & quotes.wrapping_neg()) >> 7;
        return Some(([first & below.wrapping_sub(1), 0], quotes.trailing_zeros() as usize / 8));
    }
    let second = load(window, at.wrapping_add(8));
    let quotes = zeros(second ^ (u64::from(b'"') * ONES));
    let below = (quotes & quotes.wrapping_neg()) >> 7;
    (quotes != 0)
        .then_some(([first, second & below.wrapping_sub(1)], 8 + quotes.trailing_zeros() as usize / 8))
}

/// The value of a number.
#[inline(always)]
pub(super) fn value(number: f64) -> f64 {
    number
}

/// The values of two numbers.
#[inline(always)]
pub(super) fn values(first: f64, second: f64) -> (f64, f64) {
    (first, second)
}
