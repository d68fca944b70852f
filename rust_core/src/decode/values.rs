//! One value to one number, by codec. Not for deciding which value, or where the number goes.

use super::compile::Source;
use super::error::Reason;
use super::numbers::{self, Decimal};
use super::plan::{Codec, Sign, Token};
use super::times;

/// A value of a well-formed payload.
pub(super) enum Value<'a> {
    /// A string, escapes undone.
    Text(&'a [u8]),
    /// A number in digits, as written.
    Number(&'a [u8]),
    /// An integer.
    Unsigned(u64),
    /// An integer.
    Signed(i64),
    /// A binary float, which may be infinite or NaN.
    Float(f64),
    /// What a timestamp extension holds.
    Timestamp(&'a [u8]),
    Bool(bool),
    /// An object, an array, null, bytes or another extension.
    Other,
}

impl Value<'_> {
    /// Whether a filter's or a code's token is this value.
    pub fn is(&self, token: &Token) -> bool {
        match (self, token) {
            (Self::Text(text), Token::Text(known)) => *text == known.as_bytes(),
            (Self::Bool(value), Token::Bool(known)) => value == known,
            (Self::Number(text), Token::Integer(known)) => {
                numbers::integer(text).is_ok_and(|(value, _)| value == *known)
            }
            (Self::Unsigned(_) | Self::Signed(_), Token::Integer(known)) => {
                integer(self).is_ok_and(|(value, _)| value == *known)
            }
            _ => false,
        }
    }
}

/// Whether a number, written with or without a minus, has a sign that the plan allows.
#[inline]
pub(super) fn allowed(sign: Sign, negative: bool, zero: bool) -> bool {
    match sign {
        Sign::Any => true,
        Sign::Zero => !negative,
        Sign::Positive => !negative && !zero,
    }
}

/// Reads codec decimal.
pub(super) fn decimal(value: &Value<'_>, sign: Sign) -> Result<Decimal, Reason> {
    let decimal = match value {
        Value::Text(text) => numbers::decimal(text, false)?,
        Value::Number(text) => numbers::decimal(text, true)?,
        Value::Unsigned(number) => Decimal {
            value: *number as f64,
            negative: false,
            inexact: *number as f64 as u128 != u128::from(*number),
        },
        Value::Signed(number) => Decimal {
            value: *number as f64,
            negative: *number < 0,
            inexact: *number as f64 as i128 != i128::from(*number),
        },
        Value::Float(number) if !number.is_finite() => return Err(Reason::Number),
        Value::Float(number) => {
            Decimal { value: *number, negative: number.is_sign_negative(), inexact: false }
        }
        Value::Timestamp(_) | Value::Bool(_) | Value::Other => return Err(Reason::Type),
    };
    if allowed(sign, decimal.negative, decimal.value == 0.0) { Ok(decimal) } else { Err(Reason::Range) }
}

/// Reads the codecs that give an integer; None: a time that is out of range.
pub(super) fn integral(value: &Value<'_>, source: &Source) -> Result<Option<i64>, Reason> {
    match source.codec {
        Codec::Integer => {
            let (number, negative) = integer(value)?;
            if allowed(source.sign, negative, number == 0) { Ok(Some(number)) } else { Err(Reason::Range) }
        }
        Codec::Ms | Codec::Us | Codec::Ns => {
            let unit = unit_ns(source.codec);
            match integer(value) {
                Ok((_, true)) | Err(Reason::Range) => Ok(None),
                Ok((count, false)) => Ok(times::scaled(count, unit)),
                Err(reason) => Err(reason),
            }
        }
        Codec::Rfc3339 => match value {
            Value::Text(text) => times::rfc3339(text),
            Value::Timestamp(stamp) => times::timestamp(stamp),
            _ => Err(Reason::Type),
        },
        Codec::Timestamp => match value {
            Value::Timestamp(stamp) => times::timestamp(stamp),
            _ => Err(Reason::Type),
        },
        Codec::Code => match value {
            Value::Text(_) | Value::Bool(_) => source
                .codes
                .iter()
                .find(|(token, _)| value.is(token))
                .map(|(_, code)| Some(*code))
                .ok_or(Reason::Code),
            _ => Err(Reason::Type),
        },
        Codec::Decimal | Codec::Symbol => Err(Reason::Type),
    }
}

/// Nanoseconds of one step of a time codec.
pub(super) const fn unit_ns(codec: Codec) -> i64 {
    match codec {
        Codec::Ms => 1_000_000,
        Codec::Us => 1_000,
        _ => 1,
    }
}

fn integer(value: &Value<'_>) -> Result<(i64, bool), Reason> {
    match value {
        Value::Number(text) if text.len() <= 40 && text.iter().any(|byte| b".eE".contains(byte)) => {
            Err(Reason::Type)
        }
        Value::Text(text) | Value::Number(text) => numbers::integer(text),
        Value::Unsigned(number) => i64::try_from(*number).map(|it| (it, false)).map_err(|_| Reason::Range),
        Value::Signed(number) => Ok((*number, *number < 0)),
        Value::Float(_) | Value::Timestamp(_) | Value::Bool(_) | Value::Other => Err(Reason::Type),
    }
}
