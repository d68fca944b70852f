//! Eight bytes at a time: loads, digits, closing quotes. Not for judging: what looks odd is None, and `message` decides.
//!
//! The hot loops read through windows: one length check for all loads of a step, where a check for each of them would be
//! a third of the instructions.
#![expect(
    clippy::inline_always,
    reason = "a call costs as much as the work; all of these sit in the hot loops"
)]

use super::numbers;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse4.1")))]
pub(super) use super::portable::{integer, number, quote, short_text, value, values};
#[cfg(all(target_arch = "x86_64", target_feature = "sse4.1"))]
pub(super) use super::vector::{integer, number, quote, short_text, value, values};

/// Bytes of a window.
pub(super) const REACH: usize = 80;
/// Bytes at the end of a payload that are read from a copy with zeros behind.
pub(super) const TAIL: usize = 96;

/// The bytes that one step may look at.
pub(super) type Window = [u8; REACH];
/// The end of a payload, and zeros: a window fits behind each of its bytes.
pub(super) type Tail = [u8; TAIL + REACH];

/// The eight bytes at `at` (below 64), the first one lowest.
#[inline(always)]
pub(super) fn load(window: &Window, at: usize) -> u64 {
    // The mask changes nothing; it tells the compiler that no check is needed.
    let at = at & 63;
    let mut word = [0; 8];
    word.copy_from_slice(&window[at..at + 8]);
    u64::from_le_bytes(word)
}

/// The bytes of `text` as a word, and the mask of those bytes; at most eight.
pub(super) fn word(text: &[u8]) -> (u64, u64) {
    let value = text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    (value, u64::MAX.checked_shr(64 - 8 * text.len().min(8) as u32).unwrap_or(0))
}

/// Copies the end of `data` to where the zeros begin, so that a reader can run to its last byte.
#[inline]
pub(super) fn copy_tail(data: &[u8], tail: &mut Tail) {
    if let Some(end) = data.last_chunk::<TAIL>() {
        tail[..TAIL].copy_from_slice(end);
    } else {
        tail[TAIL - data.len()..TAIL].copy_from_slice(data);
    }
}

/// A payload, read from left to right, whose windows never end before it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    tail: &'a Tail,
    /// Bytes of `rest` that are not the payload's.
    surplus: usize,
}

impl<'a> Reader<'a> {
    /// At the start of `data`, whose end is in `tail`.
    #[inline(always)]
    pub fn new(data: &'a [u8], tail: &'a Tail) -> Self {
        Self { rest: data, tail, surplus: 0 }
    }

    /// The bytes from here on.
    #[inline(always)]
    pub fn window(&mut self) -> Option<&'a Window> {
        if self.rest.len() < REACH {
            if self.surplus != 0 {
                return None;
            }
            // The same place in the copy of the end.
            self.rest = self.tail.get(TAIL.wrapping_sub(self.rest.len())..)?;
            self.surplus = REACH;
        }
        self.rest.first_chunk()
    }

    /// Goes on by `count` bytes; None: there are not as many at hand.
    #[inline(always)]
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// The bytes from `ahead` on, as far as they are at hand.
    #[inline(always)]
    pub fn rest(&self, ahead: usize) -> &'a [u8] {
        self.rest.get(ahead..).unwrap_or(&[])
    }

    /// Bytes of the payload that are left; None: it is over.
    #[inline(always)]
    pub fn left(&self) -> Option<usize> {
        self.rest.len().checked_sub(self.surplus)
    }
}

/// The unsigned integer that `rest` begins with, of any length, and its length.
#[cold]
#[inline(never)]
pub(super) fn longer_integer(rest: &[u8]) -> Option<(i64, usize)> {
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (value, _) = numbers::integer(&rest[..end]).ok()?;
    Some((value, end))
}

/// The unsigned decimal that `rest` begins with, of any length but exact, and its length.
#[cold]
#[inline(never)]
pub(super) fn longer_decimal(rest: &[u8]) -> Option<(f64, usize)> {
    let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
    let decimal = numbers::decimal(&rest[..end], false).ok()?;
    (!decimal.inexact).then_some((decimal.value, end))
}

#[cfg(test)]
mod tests {
    use super::{REACH, Reader, TAIL, Window, copy_tail, load, longer_decimal, longer_integer, word};
    use crate::decode::numbers;
    use proptest::prelude::*;

    fn window(text: &[u8]) -> Window {
        let mut window = [0; REACH];
        window[..text.len()].copy_from_slice(text);
        window
    }

    #[test]
    fn words_hold_bytes_in_order() {
        assert_eq!(load(&window(b"abcdefghij"), 1), u64::from_le_bytes(*b"bcdefghi"));
        assert_eq!((word(b"ab"), word(b""), word(&[1; 8]).1), ((0x6261, 0xFFFF), (0, 0), u64::MAX));
    }

    #[test]
    fn windows_reach_the_last_byte_of_any_length() {
        for length in 1..400_usize {
            let data: Vec<u8> = (0..length).map(|at| (at % 251) as u8 + 1).collect();
            let mut tail = [255; TAIL + REACH];
            tail[TAIL..].fill(0);
            copy_tail(&data, &mut tail);
            let mut reader = Reader::new(&data, &tail);
            for at in 0..=length {
                let window = reader.window().unwrap();
                assert_eq!(reader.left(), Some(length - at));
                let expected: Vec<u8> = data[at..].iter().copied().chain([0; REACH]).take(REACH).collect();
                assert_eq!(&window[..], expected, "{at} of {length}");
                assert!(reader.rest(0).len() >= REACH);
                assert_eq!(reader.skip(1), Some(()));
            }
            assert_eq!((reader.window(), reader.left()), (None, None));
        }
    }

    /// The same tests for both ways of doing it.
    macro_rules! ways {
        ($($way:ident $(: $feature:literal)?),*) => {$(
            $(#[cfg(target_feature = $feature)])?
            mod $way {
                use super::window;
                use crate::decode::numbers;
                use crate::decode::$way::{integer, number, quote, short_text, value, values};
                use crate::decode::words::word;
                use proptest::prelude::*;

                #[test]
                fn quotes_are_found_in_plain_text_only() {
                    let padded = |text: &[u8]| quote(&window(text));
                    assert_eq!((padded(b"btcusdt@aggTrade\"x"), padded(b"\"")), (Some(16), Some(0)));
                    let odd = [
                        &b"abc"[..], b"abcdefgh", b"a\\\"b\"", b"a\x1f\"", b"a\x00\"", b"caf\xc3\xa9\"", b"aaaaaaaaaa\n\"",
                    ];
                    for odd in odd {
                        assert_eq!((padded(odd), quote(odd)), (None, None), "{}", odd.escape_ascii());
                    }
                    let short = |text: &[u8]| short_text(&window(text), 0);
                    assert_eq!(short(b"BTCUSDT\","), Some(([word(b"BTCUSDT").0, 0], 7)));
                    assert_eq!(short(b"12345678\""), Some(([word(b"12345678").0, 0], 8)));
                    assert_eq!(short(b"1000SHIBUSDT\""), Some(([word(b"1000SHIB").0, word(b"USDT").0], 12)));
                    assert_eq!((short(b"\""), short(b"0123456789abcdef\"")), (Some(([0, 0], 0)), None));
                }

                proptest! {
                    #[test]
                    fn numbers_in_pairs(first in "[0-9]{1,6}(\\.[0-9]{1,8})?", second in "[0-9]{1,6}(\\.[0-9]{1,8})?") {
                        let data = window(format!("{first}\",\"{second}\"").as_bytes());
                        if let Some((one, length)) = number(&data, 0)
                            && let Some((two, _)) = number(&data, length + 3)
                        {
                            let (one, two) = values(one, two);
                            prop_assert_eq!(one.to_bits(), first.parse::<f64>().unwrap().to_bits());
                            prop_assert_eq!(two.to_bits(), second.parse::<f64>().unwrap().to_bits());
                        }
                    }

                    #[test]
                    fn numbers_agree_with_the_careful_path(
                        text in "[0-9]{0,17}(\\.[0-9]{0,12})?", after in "[\",x}/:]", at in 0..24_usize,
                    ) {
                        let data = window(format!("{}{text}{after}1.5", " ".repeat(at)).as_bytes());
                        let careful = numbers::decimal(text.as_bytes(), false).ok();
                        let careful = careful.map(|decimal| (decimal.value.to_bits(), text.len()));
                        let found = number(&data, at).map(|(number, length)| (value(number).to_bits(), length));
                        // `1.` is read as far as it goes, or not at all; what follows tells.
                        prop_assert!(found.is_none() || found == careful || text.ends_with('.'));
                        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                        if careful.is_some() && whole.len() < 8 && fraction.len() < 8 {
                            prop_assert_eq!(found, careful);
                        }
                        let careful = numbers::integer(whole.as_bytes()).ok().map(|(value, _)| (value, whole.len()));
                        let short = careful.filter(|_| whole.len() < 16);
                        prop_assert_eq!(integer(&data, at), short);
                    }
                }
            }
        )*};
    }

    ways!(portable, vector: "sse4.1");

    proptest! {
        #[test]
        fn long_numbers_agree_with_the_careful_path(text in "[0-9]{0,20}(\\.[0-9]{0,12})?", after in "[\",x}]") {
            let data = window(format!("{text}{after}").as_bytes());
            let careful = numbers::decimal(text.as_bytes(), false).ok().filter(|decimal| !decimal.inexact);
            let careful = careful.map(|decimal| (decimal.value.to_bits(), text.len()));
            prop_assert_eq!(longer_decimal(&data).map(|(value, end)| (value.to_bits(), end)), careful);
            let digits = text.split('.').next().unwrap_or("");
            let careful = numbers::integer(digits.as_bytes()).ok().map(|(value, _)| (value, digits.len()));
            prop_assert_eq!(longer_integer(&data), careful);
        }
    }
}
