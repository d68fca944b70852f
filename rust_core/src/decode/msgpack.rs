//! `MessagePack`: is this payload well-formed, and what stands where in it? Not for what values mean (`values`).
//!
//! Every form of the specification is read, and none needs to be the shortest one. Behind `check`, walking never meets a
//! head that is cut off; on other input the results are meaningless, but nothing here panics or loops for ever.

use std::ops::Range;

use super::error::Reason;
use super::grammar::{DEEPEST, Fault, Form, Grammar, Member};
use super::values::Value;

/// Extension type of timestamps.
const TIMESTAMP: u8 = -1_i8 as u8;

/// Codec `msgpack`.
pub(super) struct Msgpack;

/// What a value's first byte says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Nil,
    Bool,
    /// An integer of either sign.
    Integer,
    Float,
    Text,
    Binary,
    Array,
    Map,
    Extension,
}

/// A value without the values inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    kind: Type,
    /// Offset of what it holds itself: digits, bytes.
    body: usize,
    /// Offset behind that.
    end: usize,
    /// Values inside: a map's keys count.
    inside: u64,
}

/// The value at `at`; None: there is none, it is cut off, or begins with the byte that none begins with.
#[inline]
fn head(data: &[u8], at: usize) -> Option<Head> {
    let first = *data.get(at)?;
    // Number of bytes of the length or count behind the first byte.
    let sized = |kind, width: usize| {
        let size = unsigned(data.get(at + 1..at + 1 + width)?);
        let body = at + 1 + width;
        match kind {
            Type::Array => Head::of(data, kind, body, 0, size),
            Type::Map => Head::of(data, kind, body, 0, 2 * size),
            Type::Extension => Head::of(data, kind, body, size + 1, 0),
            _ => Head::of(data, kind, body, size, 0),
        }
    };
    let fixed = |kind, size: u64| Head::of(data, kind, at + 1, size, 0);
    match first {
        0x00..=0x7F | 0xE0..=0xFF => Head::of(data, Type::Integer, at, 1, 0),
        0x80..=0x8F => Head::of(data, Type::Map, at + 1, 0, 2 * u64::from(first & 0x0F)),
        0x90..=0x9F => Head::of(data, Type::Array, at + 1, 0, u64::from(first & 0x0F)),
        0xA0..=0xBF => fixed(Type::Text, u64::from(first & 0x1F)),
        0xC0 => fixed(Type::Nil, 0),
        0xC1 => None,
        0xC2 | 0xC3 => fixed(Type::Bool, 0),
        0xC4..=0xC6 => sized(Type::Binary, 1 << (first - 0xC4)),
        0xC7..=0xC9 => sized(Type::Extension, 1 << (first - 0xC7)),
        0xCA => fixed(Type::Float, 4),
        0xCB => fixed(Type::Float, 8),
        0xCC..=0xCF => fixed(Type::Integer, 1 << (first - 0xCC)),
        0xD0..=0xD3 => fixed(Type::Integer, 1 << (first - 0xD0)),
        // The type of the extension comes first.
        0xD4..=0xD8 => fixed(Type::Extension, 1 + (1 << (first - 0xD4))),
        0xD9..=0xDB => sized(Type::Text, 1 << (first - 0xD9)),
        0xDC | 0xDD => sized(Type::Array, 2 << (first - 0xDC)),
        0xDE | 0xDF => sized(Type::Map, 2 << (first - 0xDE)),
    }
}

impl Head {
    #[inline]
    fn of(data: &[u8], kind: Type, body: usize, size: u64, inside: u64) -> Option<Self> {
        let left = data.len().checked_sub(body)?;
        // Compared before it is added: a length may be anything.
        (size <= left as u64).then(|| Self { kind, body, end: body + size as usize, inside })
    }
}

/// A big-endian number of at most eight bytes.
#[inline]
fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The offset behind the value at `at`, and all that is inside it.
fn value_end(data: &[u8], at: usize) -> usize {
    let (mut at, mut left) = (at, 1_u64);
    while left > 0 {
        let Some(head) = head(data, at) else { return data.len() };
        at = head.end;
        left = left - 1 + head.inside;
    }
    at
}

/// What an integer's bytes say, the first one of a value included.
fn integer(raw: &[u8]) -> Value<'_> {
    let Some((&first, bytes)) = raw.split_first() else { return Value::Other };
    let unused = 64 - 8 * bytes.len() as u32;
    match first {
        0x00..=0x7F => Value::Unsigned(u64::from(first)),
        0xD0..=0xD3 => Value::Signed((unsigned(bytes) << unused).cast_signed() >> unused),
        0xE0..=0xFF => Value::Signed(i64::from(first.cast_signed())),
        _ => Value::Unsigned(unsigned(bytes)),
    }
}

fn float(bytes: &[u8]) -> f64 {
    match bytes.try_into() {
        Ok(single) => f64::from(f32::from_be_bytes(single)),
        Err(_) => f64::from_bits(unsigned(bytes)),
    }
}

impl Grammar for Msgpack {
    fn check(data: &[u8]) -> Result<usize, Fault> {
        let fault = |reason, offset| Fault { reason, offset };
        // Values still to come in each open container.
        let mut open = [0_u64; DEEPEST as usize];
        let (mut at, mut depth) = (0, 0);
        loop {
            let head = head(data, at).ok_or(fault(Reason::Syntax, at))?;
            match head.kind {
                Type::Text => {
                    if let Err(error) = std::str::from_utf8(&data[head.body..head.end]) {
                        return Err(fault(Reason::Utf8, head.body + error.valid_up_to()));
                    }
                }
                Type::Array | Type::Map if depth == open.len() => return Err(fault(Reason::Nesting, at)),
                _ => {}
            }
            at = head.end;
            if head.inside > 0 {
                open[depth] = head.inside;
                depth += 1;
                continue;
            }
            // Behind a value: it may have been the last one of its container, and that of the one around it.
            loop {
                let Some(outer) = depth.checked_sub(1) else {
                    return if at == data.len() { Ok(0) } else { Err(fault(Reason::Syntax, at)) };
                };
                open[outer] -= 1;
                if open[outer] > 0 {
                    break;
                }
                depth = outer;
            }
        }
    }

    #[inline]
    fn form(data: &[u8], at: usize) -> Form {
        match head(data, at).map(|head| head.kind) {
            Some(Type::Map) => Form::Object,
            Some(Type::Array) => Form::Array,
            Some(Type::Nil) => Form::Null,
            _ => Form::Other,
        }
    }

    fn members(data: &[u8], open: usize) -> impl Iterator<Item = Member> {
        Values::inside(data, open, Type::Map).pairs().filter_map(move |(key, value)| {
            let head = head(data, key.start)?;
            (head.kind == Type::Text).then_some(Member { key: head.body..head.end, value })
        })
    }

    fn elements(data: &[u8], open: usize) -> impl Iterator<Item = Range<usize>> {
        Values::inside(data, open, Type::Array)
    }

    #[inline]
    fn key<'a>(raw: &'a [u8], _: &'a mut Vec<u8>) -> &'a [u8] {
        raw
    }

    fn value<'a>(data: &'a [u8], range: &Range<usize>, _: &'a mut Vec<u8>) -> Value<'a> {
        let Some(head) = head(data, range.start) else { return Value::Other };
        let body = &data[head.body..head.end];
        match (head.kind, body) {
            (Type::Text, text) => Value::Text(text),
            (Type::Integer, _) => integer(&data[range.start..head.end]),
            (Type::Float, bytes) => Value::Float(float(bytes)),
            (Type::Bool, _) => Value::Bool(data[range.start] == 0xC3),
            (Type::Extension, [TIMESTAMP, stamp @ ..]) => Value::Timestamp(stamp),
            _ => Value::Other,
        }
    }
}

/// Values that follow each other.
struct Values<'a> {
    data: &'a [u8],
    at: usize,
    left: u64,
}

impl<'a> Values<'a> {
    /// Those of the container of this type at `open`.
    fn inside(data: &'a [u8], open: usize, kind: Type) -> Self {
        let (at, left) = match head(data, open) {
            Some(head) if head.kind == kind => (head.end, head.inside),
            _ => (open, 0),
        };
        Self { data, at, left }
    }

    fn pairs(mut self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        std::iter::from_fn(move || self.next().zip(self.next()))
    }
}

impl Iterator for Values<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        if self.left == 0 || self.at >= self.data.len() {
            return None;
        }
        self.left -= 1;
        let start = self.at;
        self.at = value_end(self.data, start);
        Some(start..self.at)
    }
}

#[cfg(test)]
mod tests;
