//! Time stamps to nanoseconds since 1970. Not for clocks.

use super::error::Reason;

/// Nanoseconds of a count of `unit`s; None before 1970 or after 2262.
#[inline]
pub(super) fn scaled(count: i64, unit: i64) -> Option<i64> {
    if count < 0 { None } else { count.checked_mul(unit) }
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.fffffffff]Z`, 0 to 9 fraction digits. None: written like that, but no moment between 1970
/// and 2262 (30 February, a leap second).
pub(super) fn rfc3339(text: &[u8]) -> Result<Option<i64>, Reason> {
    let found = moment(text);
    if found.is_none() && !has_form(text) { Err(Reason::Time) } else { Ok(found) }
}

/// The moment that such a text names, if it is one and names one.
pub(super) fn moment(text: &[u8]) -> Option<i64> {
    let (stamp, rest) = text.split_at_checked(19)?;
    let pair = |at: usize| two(stamp[at], stamp[at + 1]);
    let marks = [stamp[4], stamp[7], stamp[10], stamp[13], stamp[16]];
    if marks != *b"--T::" {
        return None;
    }
    let (year, month, day) = (pair(0)? * 100 + pair(2)?, pair(5)?, pair(8)?);
    let (hour, minute, second) = (pair(11)?, pair(14)?, pair(17)?);
    if !(1970..=2262).contains(&year) || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59
    {
        return None;
    }
    if day < 1 || day > days_of(year, month) {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction(rest)?)
}

/// Whether a text is written as such a time.
#[cold]
fn has_form(text: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.split_at_checked(19).is_some_and(|(stamp, rest)| {
        stamp.iter().zip(b"0000-00-00T00:00:00").all(fits) && fraction(rest).is_some()
    })
}

/// Reads what a `MessagePack` timestamp extension holds: 32, 64 or 96 bits. None: no moment between 1970 and 2262.
pub(super) fn timestamp(stamp: &[u8]) -> Result<Option<i64>, Reason> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |value: u64, &byte| value << 8 | u64::from(byte));
    let (seconds, nanoseconds) = match stamp.len() {
        4 => (number(stamp), 0),
        8 => (number(stamp) & ((1 << 34) - 1), number(stamp) >> 34),
        12 => (number(&stamp[4..]), number(&stamp[..4])),
        _ => return Err(Reason::Time),
    };
    if nanoseconds > 999_999_999 {
        return Ok(None);
    }
    let total = seconds.cast_signed().checked_mul(1_000_000_000);
    let total = total.and_then(|total| total.checked_add(nanoseconds.cast_signed()));
    Ok(total.filter(|ns| *ns >= 0))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// Nanoseconds of `.123Z`; of `Z`: 0.
fn fraction(text: &[u8]) -> Option<i64> {
    let digits = match text {
        b"Z" => return Some(0),
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(value * 10_i64.pow(9 - digits.len() as u32))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    DAYS[month as usize - 1] + i64::from(month == 2 && is_leap(year))
}

/// Howard Hinnant's `days_from_civil`, for years after 1969.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{Reason, rfc3339, scaled, timestamp};

    #[test]
    fn stamps_of_the_venues() {
        for (text, ns) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2021-02-22T15:51:44.208Z", 1_614_009_104_208_000_000),
            ("2021-02-22T15:51:45.335689322Z", 1_614_009_105_335_689_322),
            ("2023-04-06T13:15:42.83540958Z", 1_680_786_942_835_409_580),
            ("2024-02-29T23:59:59.9Z", 1_709_251_199_900_000_000),
            ("2262-04-11T23:47:16.854775807Z", i64::MAX),
        ] {
            assert_eq!(rfc3339(text.as_bytes()), Ok(Some(ns)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "Z",
            "2021-02-22",
            "2021-02-22T19:15:00",
            "2021-02-22t19:15:00Z",
            "2021-02-22T19:15:00z",
            "2021-02-22 19:15:00Z",
            "2021-02-22T19:15:00+00:00",
            "2021-02-22T19:15:00.Z",
            "2021-02-29T00:00:00.Z",
            "1969-12-31T23:59:59",
            "2021-02-22T19:15:00.1234567890Z",
            "2021-02-22T19:15:00.12a4Z",
            "202a-02-22T19:15:00Z",
            "2021-02-22T19:15:00ZZ",
        ] {
            assert_eq!(rfc3339(bad.as_bytes()), Err(Reason::Time), "{bad}");
        }
    }

    #[test]
    fn what_is_no_moment_between_1970_and_2262_is_out_of_range() {
        for text in [
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-00-01T00:00:00Z",
            "2021-04-31T00:00:00Z",
            "2021-04-00T00:00:00Z",
            "2021-02-22T24:00:00Z",
            "2021-02-22T23:60:00Z",
            "2016-12-31T23:59:60Z",
            "0000-00-00T00:00:00Z",
            "1969-12-31T23:59:59.999999999Z",
            "2262-04-11T23:47:16.854775808Z",
            "2263-01-01T00:00:00Z",
            "9999-99-99T99:99:99.999999999Z",
        ] {
            assert_eq!(rfc3339(text.as_bytes()), Ok(None), "{text}");
        }
    }

    #[test]
    fn counts_stay_inside_1970_to_2262() {
        assert_eq!(scaled(1_723_161_256_353, 1_000_000), Some(1_723_161_256_353_000_000));
        assert_eq!(scaled(-1, 1), None);
        assert_eq!(scaled(i64::MAX, 1000), None);
    }

    #[test]
    fn extensions_of_all_widths() {
        let long = |nanoseconds: u32, seconds: i64| {
            timestamp(&[&nanoseconds.to_be_bytes()[..], &seconds.to_be_bytes()].concat())
        };
        let middle = |nanoseconds: u64, seconds: u64| timestamp(&(nanoseconds << 34 | seconds).to_be_bytes());
        assert_eq!(timestamp(&u32::MAX.to_be_bytes()), Ok(Some(4_294_967_295_000_000_000)));
        assert_eq!(middle(335_689_322, 1_614_009_105), Ok(Some(1_614_009_105_335_689_322)));
        assert_eq!(middle(999_999_999, 4_294_967_296), Ok(Some(4_294_967_296_999_999_999)));
        assert_eq!(long(335_689_322, 1_614_009_105), Ok(Some(1_614_009_105_335_689_322)));
        assert_eq!(long(854_775_807, 9_223_372_036), Ok(Some(i64::MAX)));
        for out_of_range in [
            long(854_775_808, 9_223_372_036),
            long(999_999_999, -1),
            long(0, i64::MIN),
            long(0, i64::MAX),
            long(1_000_000_000, 1),
            middle(1_000_000_000, 1),
            middle(0, (1 << 34) - 1),
        ] {
            assert_eq!(out_of_range, Ok(None));
        }
        for length in (0..20).filter(|length| ![4, 8, 12].contains(length)) {
            assert_eq!(timestamp(&vec![0; length]), Err(Reason::Time), "{length}");
        }
    }
}
