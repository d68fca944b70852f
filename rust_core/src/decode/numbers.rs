//! Numeric text to floats and integers, under the strict grammar of `RELIABILITY.md` section 3. Not for finding the text.

use super::error::Reason;

/// Longest numeric text.
const LONGEST: usize = 40;
/// Largest exponent, either sign.
const LARGEST_EXPONENT: i64 = 30;
/// Integers up to here are exact floats.
pub(super) const EXACT: u64 = 1 << 53;
/// Powers of ten that are exact floats.
pub(super) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten that an integer may be scaled by.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse4.1"))))]
pub(super) const TENS: [u64; 16] = {
    let mut tens = [1; 16];
    let mut at = 1;
    while at < 16 {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

/// A decimal number as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decimal {
    /// Correctly rounded.
    pub value: f64,
    /// Written with a minus sign.
    pub negative: bool,
    /// More than 15 significant digits.
    pub inexact: bool,
}

/// The digits of a number, taken apart.
#[derive(Default)]
struct Digits {
    /// Up to 19 significant digits.
    mantissa: u64,
    /// Significant digits, those after the 19th included; leading zeros are not.
    count: usize,
    /// Zeros at the end of them.
    zeros: usize,
    /// Digits after the point.
    fraction: i64,
}

impl Digits {
    /// Takes digits from `text`, returns the rest; None if there is none.
    fn take<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        for &byte in &text[..end] {
            if self.count > 0 || byte != b'0' {
                self.count += 1;
                self.zeros = if byte == b'0' { self.zeros + 1 } else { 0 };
            }
            if self.count <= 19 {
                self.mantissa = self.mantissa * 10 + u64::from(byte - b'0');
            }
        }
        (end > 0).then(|| &text[end..])
    }
}

/// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, with `exponent` also `([eE][+-]?[0-9]+)?`.
pub(super) fn decimal(text: &[u8], exponent: bool) -> Result<Decimal, Reason> {
    if text.len() > LONGEST {
        return Err(Reason::Number);
    }
    split(text, exponent).ok_or(Reason::Number)
}

fn split(text: &[u8], exponent: bool) -> Option<Decimal> {
    let negative = text.first() == Some(&b'-');
    let unsigned = &text[usize::from(negative)..];
    let mut digits = Digits::default();
    let mut rest = digits.take(unsigned)?;
    if unsigned[0] == b'0' && unsigned.len() - rest.len() > 1 {
        return None;
    }
    if let [b'.', fraction @ ..] = rest {
        rest = digits.take(fraction)?;
        digits.fraction = (fraction.len() - rest.len()) as i64;
    }
    let mut power = -digits.fraction;
    if exponent && let [b'e' | b'E', written @ ..] = rest {
        let (minus, written) = match written {
            [b'-', written @ ..] => (true, written),
            written => (false, written.strip_prefix(b"+").unwrap_or(written)),
        };
        let mut value = Digits::default();
        rest = value.take(written)?;
        let size = if value.count > 9 { i64::MAX } else { value.mantissa as i64 };
        if size > LARGEST_EXPONENT {
            return None;
        }
        power += if minus { -size } else { size };
    }
    if !rest.is_empty() {
        return None;
    }
    let magnitude = if digits.count <= 19 && digits.mantissa <= EXACT && power.unsigned_abs() <= 22 {
        exact(digits.mantissa, power)
    } else {
        // Correctly rounded whatever the length; the grammar was checked above, so this cannot fail.
        std::str::from_utf8(unsigned).ok()?.parse().ok()?
    };
    Some(Decimal {
        value: if negative { -magnitude } else { magnitude },
        negative,
        inexact: digits.count - digits.zeros > 15,
    })
}

/// Clinger's fast path: both operands are exact, so the one rounding is the right one.
fn exact(mantissa: u64, power: i64) -> f64 {
    let scale = POWERS[power.unsigned_abs() as usize];
    if power < 0 { mantissa as f64 / scale } else { mantissa as f64 * scale }
}

/// An integer as read: `range` beyond i64. Second: written with a minus sign.
pub(super) fn integer(text: &[u8]) -> Result<(i64, bool), Reason> {
    if text.len() > LONGEST {
        return Err(Reason::Number);
    }
    let negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(negative)..];
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    if digits.is_empty() || leading_zero || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::Number);
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = i64::from(byte - b'0');
        value = value
            .checked_mul(10)
            .and_then(|tens| if negative { tens.checked_sub(digit) } else { tens.checked_add(digit) })
            .ok_or(Reason::Range)?;
    }
    Ok((value, negative))
}

#[cfg(test)]
mod tests {
    use super::{Decimal, Reason, decimal, integer};
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Decimal> {
        decimal(text.as_bytes(), false).ok()
    }

    #[test]
    fn the_grammar_is_strict() {
        for bad in [
            "",
            "-",
            "+1",
            "01",
            "-01",
            "00",
            "1.",
            ".5",
            "-.5",
            "1e5",
            "1E5",
            "NaN",
            "Infinity",
            "-Infinity",
            "1_000",
            " 1",
            "1 ",
            "1.2.3",
            "0x10",
            "1,5",
            "\u{ff11}\u{ff12}",
            "--1",
            "1-",
            "1e400",
        ] {
            assert_eq!(decimal(bad.as_bytes(), false), Err(Reason::Number), "{bad:?}");
        }
        assert_eq!(decimal("1".repeat(41).as_bytes(), false), Err(Reason::Number));
        assert!(read(&"1".repeat(40)).is_some());
    }

    #[test]
    fn exponents_end_at_thirty() {
        assert_eq!(decimal(b"1e30", true).unwrap().value.to_bits(), 1e30_f64.to_bits());
        assert_eq!(decimal(b"1.5E-030", true).unwrap().value.to_bits(), 1.5e-30_f64.to_bits());
        for bad in ["1e31", "1e-31", "1e99999999999999999999", "1e", "1e+"] {
            assert_eq!(decimal(bad.as_bytes(), true), Err(Reason::Number), "{bad}");
        }
    }

    #[test]
    fn inexact_counts_significant_digits() {
        for (text, inexact) in [
            ("123456789012345", false),
            ("1234567890123456", true),
            ("0.00000000000000000012345", false),
            ("123456789012345000000", false),
            ("0.123456789012345000", false),
            ("61837.63000000", false),
            ("9007199254740993", true),
            ("100000000000000000.1", true),
        ] {
            assert_eq!(read(text).unwrap().inexact, inexact, "{text}");
        }
    }

    #[test]
    fn integers_end_at_i64() {
        assert_eq!(integer(b"9223372036854775807"), Ok((i64::MAX, false)));
        assert_eq!(integer(b"-9223372036854775808"), Ok((i64::MIN, true)));
        assert_eq!(integer(b"9223372036854775808"), Err(Reason::Range));
        assert_eq!(integer(b"-0"), Ok((0, true)));
        for bad in ["", "-", "007", "1.0", "1e3", "+1", " 1"] {
            assert_eq!(integer(bad.as_bytes()), Err(Reason::Number), "{bad:?}");
        }
        assert_eq!(integer("1".repeat(41).as_bytes()), Err(Reason::Number));
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_std(text in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,19})?") {
            prop_assert_eq!(read(&text).unwrap().value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        }

        #[test]
        fn exponents_round_like_std(text in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?[eE][+-]?[0-2]?[0-9]") {
            let value = decimal(text.as_bytes(), true).unwrap().value;
            prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
