//! Digits and quotes sixteen bytes at a time, with SSE4.1. The same answers as `portable`, for longer numbers too.
#![expect(
    unsafe_code,
    reason = "half the instructions of a number; no pointers, just calls that need SSE4.1"
)]
#![expect(
    clippy::inline_always,
    reason = "a call costs as much as the work; all of these sit in the hot loops"
)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_cvtepi32_pd, _mm_cvtsd_f64,
    _mm_div_pd, _mm_extract_epi64, _mm_madd_epi16, _mm_maddubs_epi16, _mm_min_epu8, _mm_movemask_epi8,
    _mm_or_si128, _mm_packus_epi32, _mm_set_epi64x, _mm_set_pd, _mm_set1_epi8, _mm_set1_epi16,
    _mm_set1_epi32, _mm_shuffle_epi8, _mm_unpackhi_epi64, _mm_unpackhi_pd,
};

use super::numbers::POWERS;
use super::words::Window;

/// A number whose text was found good.
#[derive(Clone, Copy)]
pub(super) struct Number {
    /// Digit values of the text, from its first byte on; what is no digit is some other value.
    values: __m128i,
    /// Offset of the point; where there is none, the length.
    point: usize,
    length: usize,
}

/// The unsigned decimal without exponent at `at` (below 48), and its length, up to 15.
#[inline(always)]
pub(super) fn number(window: &Window, at: usize) -> Option<(Number, usize)> {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { find_number(window, at) }
}

/// The value of a number.
#[inline(always)]
pub(super) fn value(number: Number) -> f64 {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { number.value() }
}

/// The values of two numbers; cheaper than one after the other.
#[inline(always)]
pub(super) fn values(first: Number, second: Number) -> (f64, f64) {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { both_values(first, second) }
}

/// The unsigned integer at `at` (below 48), and its length, up to 15.
#[inline(always)]
pub(super) fn integer(window: &Window, at: usize) -> Option<(i64, usize)> {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { find_integer(window, at) }
}

/// The length of the text that `rest` begins with and a quote ends: plain ASCII without escapes only.
#[inline(always)]
pub(super) fn quote(rest: &[u8]) -> Option<usize> {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { find_quote(rest) }
}

/// The text of up to 15 bytes at `at` (below 48) that ends at a quote, as `names::Cache` wants it, and its length.
#[inline(always)]
pub(super) fn short_text(window: &Window, at: usize) -> Option<([u64; 2], usize)> {
    // SAFETY: this module is only built where the whole program is built for SSE4.1.
    unsafe { find_short_text(window, at) }
}

/// The sixteen bytes at `at` (below 64).
#[inline]
#[target_feature(enable = "sse4.1")]
fn load16(window: &Window, at: usize) -> __m128i {
    // The mask changes nothing; it tells the compiler that no check is needed.
    let at = at & 63;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&window[at..at + 16]);
    let both = u128::from_le_bytes(bytes);
    vector([both as u64, (both >> 64) as u64])
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn vector(words: [u64; 2]) -> __m128i {
    _mm_set_epi64x(words[1] as i64, words[0] as i64)
}

/// One bit a byte.
#[inline]
#[target_feature(enable = "sse4.1")]
fn bits(mask: __m128i) -> u32 {
    _mm_movemask_epi8(mask) as u32
}

/// By place of the point and length of the number: the shuffle that puts its digits, without the point, to the right.
/// Point and length the same: a number without a point.
const RIGHT: [[[u64; 2]; 16]; 16] = {
    let mut table = [[[0; 2]; 16]; 16];
    let mut point = 0;
    while point < 16 {
        let mut length = point;
        while length < 16 {
            let count = if point == length { length } else { length - 1 };
            let mut lane = 0;
            while lane < 16 {
                // An index with the high bit set gives a zero.
                let mut index = 0x80;
                if lane + count >= 16 {
                    let digit = lane + count - 16;
                    index = digit + if digit >= point { 1 } else { 0 };
                }
                table[point][length][lane / 8] |= (index as u64) << (lane % 8 * 8);
                lane += 1;
            }
            length += 1;
        }
        point += 1;
    }
    table
};

/// By place of the point and length of the number: the power of ten of the digits behind the point.
const SCALE: [[f64; 16]; 16] = {
    let mut table = [[1.0; 16]; 16];
    let mut point = 0;
    while point < 16 {
        let mut length = point + 1;
        while length < 16 {
            table[point][length] = POWERS[length - point - 1];
            length += 1;
        }
        point += 1;
    }
    table
};

/// Digit values of the bytes, and a bit for each byte that is no digit (bit 16 and up set).
#[inline]
#[target_feature(enable = "sse4.1")]
fn digits(text: __m128i) -> (__m128i, u32) {
    let values = _mm_add_epi8(text, _mm_set1_epi8(-0x30));
    let are = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
    (values, !bits(are))
}

/// The two numbers of eight digits each.
#[inline]
#[target_feature(enable = "sse4.1")]
fn eights(digits: __m128i) -> __m128i {
    let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_0064));
    _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x0001_2710))
}

impl Number {
    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn to_the_right(self) -> __m128i {
        _mm_shuffle_epi8(self.values, vector(RIGHT[self.point & 15][self.length & 15]))
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn scale(self) -> f64 {
        SCALE[self.point & 15][self.length & 15]
    }

    /// All digits as one integer, below 10^15.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn mantissa(self) -> i64 {
        let both = _mm_extract_epi64::<0>(eights(self.to_the_right())) as u64;
        (both & 0xFFFF_FFFF).wrapping_mul(100_000_000).wrapping_add(both >> 32) as i64
    }

    /// Below 2^53, so both operands are exact, and the one rounding is the right one.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn value(self) -> f64 {
        self.mantissa() as f64 / self.scale()
    }
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn both_values(first: Number, second: Number) -> (f64, f64) {
    // Eight digits, or seven and the point and one more.
    if first.length > 8 || second.length > 8 {
        return (first.value(), second.value());
    }
    let digits = _mm_unpackhi_epi64(first.to_the_right(), second.to_the_right());
    let values = _mm_div_pd(_mm_cvtepi32_pd(eights(digits)), _mm_set_pd(second.scale(), first.scale()));
    (_mm_cvtsd_f64(values), _mm_cvtsd_f64(_mm_unpackhi_pd(values, values)))
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn find_number(window: &Window, at: usize) -> Option<(Number, usize)> {
    let text = load16(window, at);
    let (values, others) = digits(text);
    let point = others.trailing_zeros() as usize;
    // A zero stands alone.
    if point.wrapping_sub(1) > 14 || (window[at & 63] == b'0' && point > 1) {
        return None;
    }
    if window[at.wrapping_add(point) & 63] != b'.' {
        return Some((Number { values, point, length: point }, point));
    }
    let length = (others & others.wrapping_sub(1)).trailing_zeros() as usize;
    if length == point + 1 || length > 15 {
        return None;
    }
    Some((Number { values, point, length }, length))
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn find_integer(window: &Window, at: usize) -> Option<(i64, usize)> {
    let text = load16(window, at);
    let (values, others) = digits(text);
    let length = others.trailing_zeros() as usize;
    // A zero stands alone.
    if length.wrapping_sub(1) > 14 || (window[at & 63] == b'0' && length > 1) {
        return None;
    }
    Some((Number { values, point: length, length }.mantissa(), length))
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn find_quote(rest: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let chunk: &[u8; 16] = rest.get(at..)?.first_chunk()?;
        let both = u128::from_le_bytes(*chunk);
        let text = vector([both as u64, (both >> 64) as u64]);
        let quotes = _mm_cmpeq_epi8(text, _mm_set1_epi8(b'"' as i8));
        let escapes = _mm_cmpeq_epi8(text, _mm_set1_epi8(b'\\' as i8));
        // Bytes from 0x80 on are negative.
        let odd = _mm_cmplt_epi8(text, _mm_set1_epi8(0x20));
        let stops = bits(_mm_or_si128(_mm_or_si128(quotes, escapes), odd));
        if stops != 0 {
            let length = at.wrapping_add(stops.trailing_zeros() as usize);
            return (rest.get(length) == Some(&b'"')).then_some(length);
        }
        at = at.wrapping_add(16);
    }
}

/// By length: ones where the text is.
const TEXT: [[u64; 2]; 16] = {
    let mut table = [[0; 2]; 16];
    let mut length = 1;
    while length < 16 {
        let ones = (1_u128 << (8 * length)) - 1;
        table[length] = [ones as u64, (ones >> 64) as u64];
        length += 1;
    }
    table
};

#[inline]
#[target_feature(enable = "sse4.1")]
fn find_short_text(window: &Window, at: usize) -> Option<([u64; 2], usize)> {
    let text = load16(window, at);
    let quotes = bits(_mm_cmpeq_epi8(text, _mm_set1_epi8(b'"' as i8)));
    if quotes == 0 {
        return None;
    }
    let length = quotes.trailing_zeros() as usize;
    let text = _mm_and_si128(text, vector(TEXT[length & 15]));
    Some(([_mm_extract_epi64::<0>(text) as u64, _mm_extract_epi64::<1>(text) as u64], length))
}
