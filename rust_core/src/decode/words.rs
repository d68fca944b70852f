//! Eight bytes at a time: loads, digits, closing quotes. Not for judging: what looks odd is None, and `message` decides.
#![expect(clippy::verbose_bit_mask, reason = "bytes are compared, not bits counted")]
#![expect(
    clippy::inline_always,
    reason = "a call costs as much as the work; all of these sit in the loops that matter"
)]

use super::numbers::{self, POWERS};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The eight bytes at `at`, the first one lowest; zeros behind the end.
#[inline(always)]
pub(super) fn load(data: &[u8], at: usize) -> u64 {
    match data.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => load_end(data, at),
    }
}

#[cold]
#[inline(never)]
fn load_end(data: &[u8], at: usize) -> u64 {
    data.get(at..).unwrap_or(&[]).iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The bytes of `text` as a word, and the mask of those bytes; at most eight.
pub(super) fn word(text: &[u8]) -> (u64, u64) {
    let value = load_end(text, 0);
    (value, u64::MAX.checked_shr(64 - 8 * text.len().min(8) as u32).unwrap_or(0))
}

/// How many of the low bytes are digits; `word` holds them as values (`^ 0x30`).
#[inline(always)]
fn digits_in(word: u64) -> u32 {
    let others = (word.wrapping_add(0x76 * ONES) | word) & HIGH;
    others.trailing_zeros() / 8
}

/// The number that eight digit values make, the lowest byte leading.
#[inline(always)]
fn number(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The first `count` (1..=8) digits of a word of digit values.
#[inline(always)]
fn leading(word: u64, count: u32) -> u64 {
    number(word << (64 - 8 * count))
}

const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The unsigned integer at `at`, and where it ends.
#[inline(always)]
pub(super) fn integer(data: &[u8], at: usize) -> Option<(i64, usize)> {
    let first = load(data, at) ^ (0x30 * ONES);
    let count = digits_in(first);
    if count < 8 {
        // A zero stands alone.
        if count == 0 || (first & 0xFF == 0 && count > 1) {
            return None;
        }
        return Some((leading(first, count) as i64, at + count as usize));
    }
    let second = load(data, at + 8) ^ (0x30 * ONES);
    let more = digits_in(second);
    if first & 0xFF == 0 || more == 8 {
        return longer(data, at);
    }
    if more == 0 {
        return Some((number(first) as i64, at + 8));
    }
    let value = number(first).wrapping_mul(TENS[more as usize]).wrapping_add(leading(second, more));
    Some((value as i64, at + 8 + more as usize))
}

#[cold]
#[inline(never)]
fn longer(data: &[u8], at: usize) -> Option<(i64, usize)> {
    let rest = data.get(at..)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (value, _) = numbers::integer(&rest[..end]).ok()?;
    Some((value, at + end))
}

/// The unsigned decimal without exponent at `at`, at most 15 significant digits, and where it ends.
#[inline(always)]
pub(super) fn decimal(data: &[u8], at: usize) -> Option<(f64, usize)> {
    let whole = load(data, at) ^ (0x30 * ONES);
    let count = digits_in(whole);
    if count == 0 || count == 8 || (whole & 0xFF == 0 && count > 1) {
        return longer_decimal(data, at);
    }
    let value = leading(whole, count);
    let point = at + count as usize;
    // `^ 0x30` of a point.
    if whole >> (8 * count) & 0xFF != 0x1E {
        return Some((value as f64, point));
    }
    let fraction = load(data, point + 1) ^ (0x30 * ONES);
    let places = digits_in(fraction);
    if places == 0 || places == 8 && data.get(point + 9).is_none_or(u8::is_ascii_digit) {
        return longer_decimal(data, at);
    }
    // At most 7 + 8 digits: below 2^53, so both operands are exact, and the one rounding is the right one.
    let mantissa = value.wrapping_mul(TENS[places as usize]).wrapping_add(leading(fraction, places));
    Some((mantissa as f64 / POWERS[places as usize], point + 1 + places as usize))
}

#[cold]
#[inline(never)]
fn longer_decimal(data: &[u8], at: usize) -> Option<(f64, usize)> {
    let rest = data.get(at..)?;
    let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.')).unwrap_or(rest.len());
    let decimal = numbers::decimal(&rest[..end], false).ok()?;
    (!decimal.inexact).then_some((decimal.value, at + end))
}

/// The high bit of each byte that is zero; exact up to the first one.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Where the string whose text starts at `at` has its closing quote: plain ASCII text without escapes only.
#[inline(always)]
pub(super) fn quote(data: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let word = load(data, at);
        let quotes = zeros(word ^ (u64::from(b'"') * ONES));
        let escapes = zeros(word ^ (u64::from(b'\\') * ONES));
        let odd = (word.wrapping_sub(0x20 * ONES) | word) & HIGH;
        let stops = quotes | escapes | odd;
        if stops != 0 {
            let first = stops & stops.wrapping_neg();
            return (quotes & first != 0).then_some(at + first.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
}

/// The text of up to 16 bytes at `at` that ends at a quote, as `names::Cache` wants it, and its length.
#[inline(always)]
pub(super) fn short_text(data: &[u8], at: usize) -> Option<([u64; 2], usize)> {
    let first = load(data, at);
    let quotes = zeros(first ^ (u64::from(b'"') * ONES));
    if quotes != 0 {
        let below = (quotes & quotes.wrapping_neg()) >> 7;
        return Some(([first & below.wrapping_sub(1), 0], quotes.trailing_zeros() as usize / 8));
    }
    let second = load(data, at + 8);
    let quotes = zeros(second ^ (u64::from(b'"') * ONES));
    let below = (quotes & quotes.wrapping_neg()) >> 7;
    (quotes != 0)
        .then_some(([first, second & below.wrapping_sub(1)], 8 + quotes.trailing_zeros() as usize / 8))
}

#[cfg(test)]
mod tests {
    use super::{decimal, integer, load, quote, short_text, word};
    use crate::decode::numbers;
    use proptest::prelude::*;

    #[test]
    fn loads_stop_at_the_end() {
        assert_eq!(load(b"abcdefgh", 0), u64::from_le_bytes(*b"abcdefgh"));
        assert_eq!(load(b"abc", 1), 0x6362);
        assert_eq!((load(b"abc", 3), load(b"abc", 99)), (0, 0));
        assert_eq!((word(b"ab"), word(b""), word(&[1; 8]).1), ((0x6261, 0xFFFF), (0, 0), u64::MAX));
    }

    #[test]
    fn quotes_are_found_in_plain_text_only() {
        assert_eq!(quote(b"btcusdt@aggTrade\"x", 0), Some(16));
        assert_eq!(quote(b"\"", 0), Some(0));
        for odd in [
            &b"abc"[..],
            b"abcdefgh",
            b"a\\\"b\"",
            b"a\x1f\"",
            b"a\x00\"",
            b"caf\xc3\xa9\"",
            b"aaaaaaaaaa\n\"",
        ] {
            assert_eq!(quote(odd, 0), None, "{}", odd.escape_ascii());
        }
        assert_eq!(short_text(b"BTCUSDT\",", 0), Some(([word(b"BTCUSDT").0, 0], 7)));
        assert_eq!(short_text(b"12345678\"", 0), Some(([word(b"12345678").0, 0], 8)));
        assert_eq!(short_text(b"1000SHIBUSDT\"", 0), Some(([word(b"1000SHIB").0, word(b"USDT").0], 12)));
        assert_eq!(short_text(b"0123456789abcdef\"", 0), None);
    }

    proptest! {
        #[test]
        fn numbers_agree_with_the_careful_path(text in "[0-9]{0,20}(\\.[0-9]{0,12})?", after in "[\",x}.]?") {
            let data = format!("{text}{after}");
            let careful = numbers::decimal(text.as_bytes(), false);
            if let Some((value, end)) = decimal(data.as_bytes(), 0) && end == text.len() {
                prop_assert_eq!(value.to_bits(), careful.unwrap().value.to_bits());
            } else if let Ok(careful) = careful {
                prop_assert!(careful.inexact || after == ".");
            }
            let digits = text.split('.').next().unwrap();
            let careful = numbers::integer(digits.as_bytes());
            match integer(data.as_bytes(), 0) {
                Some((value, end)) => {
                    prop_assert_eq!(end, digits.len());
                    prop_assert_eq!(Ok((value, false)), careful);
                }
                None => prop_assert!(careful.is_err()),
            }
        }
    }
}
