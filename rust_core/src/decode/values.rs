//! One JSON value to one number, by codec. Not for deciding which value, or where the number goes.

use std::ops::Range;

use super::compile::Source;
use super::error::Reason;
use super::numbers::{self, Decimal};
use super::plan::{Codec, Sign, Token};
use super::scan::text;
use super::times;

/// A value of a payload that `json::validate` has accepted.
pub(super) enum Value<'a> {
    /// A string, escapes undone.
    Text(&'a [u8]),
    /// A number, as written.
    Number(&'a [u8]),
    Bool(bool),
    /// An object, an array or null.
    Other,
}

impl<'a> Value<'a> {
    /// The value at `range`; `buffer` holds a string's text when it has escapes.
    pub fn at(data: &'a [u8], range: &Range<usize>, buffer: &'a mut Vec<u8>) -> Self {
        let raw = &data[range.clone()];
        match raw {
            [b'"', inside @ .., b'"'] => Self::Text(text(inside, buffer)),
            [b'-' | b'0'..=b'9', ..] => Self::Number(raw),
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            _ => Self::Other,
        }
    }

    /// Whether a filter's or a code's token is this value.
    pub fn is(&self, token: &Token) -> bool {
        match (self, token) {
            (Self::Text(text), Token::Text(known)) => *text == known.as_bytes(),
            (Self::Bool(value), Token::Bool(known)) => value == known,
            (Self::Number(text), Token::Integer(known)) => {
                numbers::integer(text).is_ok_and(|(value, _)| value == *known)
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
        Value::Bool(_) | Value::Other => return Err(Reason::Type),
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
        Codec::Decimal | Codec::Timestamp | Codec::Symbol => Err(Reason::Type),
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
        Value::Bool(_) | Value::Other => Err(Reason::Type),
    }
}
