//! Walking JSON that `json::validate` has accepted: members, elements, values, text. Not for deciding what is JSON.
//!
//! On other input the results are meaningless, but still inside the data: nothing here panics or loops for ever.

use std::ops::Range;

use super::grammar::{Fault, Form, Grammar, Member};
use super::json::{byte, skip_space, unit, validate};
use super::values::Value;
use super::words;

/// Codec `json`.
pub(super) struct Json;

impl Grammar for Json {
    fn check(data: &[u8]) -> Result<usize, Fault> {
        validate(data)?;
        Ok(skip_space(data, 0))
    }

    #[inline]
    fn form(data: &[u8], at: usize) -> Form {
        match byte(data, at) {
            b'{' => Form::Object,
            b'[' => Form::Array,
            b'n' => Form::Null,
            _ => Form::Other,
        }
    }

    #[inline]
    fn members(data: &[u8], open: usize) -> impl Iterator<Item = Member> {
        Members::new(data, open)
    }

    #[inline]
    fn elements(data: &[u8], open: usize) -> impl Iterator<Item = Range<usize>> {
        Elements::new(data, open)
    }

    #[inline]
    fn key<'a>(raw: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        text(raw, buffer)
    }

    #[inline]
    fn value<'a>(data: &'a [u8], range: &Range<usize>, buffer: &'a mut Vec<u8>) -> Value<'a> {
        let raw = &data[range.clone()];
        match raw {
            [b'"', inside @ .., b'"'] => Value::Text(text(inside, buffer)),
            [b'-' | b'0'..=b'9', ..] => Value::Number(raw),
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            _ => Value::Other,
        }
    }
}

/// The members of the object that opens at an offset, in order.
pub(super) struct Members<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// Of the object whose opening brace is at `open`.
    pub fn new(data: &'a [u8], open: usize) -> Self {
        Self { data, at: open }
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    #[inline]
    fn next(&mut self) -> Option<Member> {
        let quote = skip_space(self.data, self.at + 1);
        if byte(self.data, quote) != b'"' {
            return None;
        }
        let end = string_end(self.data, quote);
        let colon = skip_space(self.data, end);
        let start = skip_space(self.data, colon + 1);
        let value = start..value_end(self.data, start);
        self.at = skip_space(self.data, value.end);
        Some(Member { key: quote + 1..end - 1, value })
    }
}

/// The elements of the array that opens at an offset, in order, as written.
pub(super) struct Elements<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    /// Of the array whose opening bracket is at `open`.
    pub fn new(data: &'a [u8], open: usize) -> Self {
        Self { data, at: open }
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        if matches!(byte(self.data, self.at), b']' | 0) {
            return None;
        }
        let start = skip_space(self.data, self.at + 1);
        if matches!(byte(self.data, start), b']' | 0) {
            return None;
        }
        let end = value_end(self.data, start);
        self.at = skip_space(self.data, end);
        Some(start..end)
    }
}

/// The offset behind the string that opens at `at`.
#[inline]
fn string_end(data: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    if let Some(length) = data.get(at..).and_then(words::quote) {
        return at + length + 1;
    }
    while let Some(&byte) = data.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    data.len()
}

/// The offset behind the value at `at`.
pub(super) fn value_end(data: &[u8], at: usize) -> usize {
    match byte(data, at) {
        b'"' => string_end(data, at),
        b'{' | b'[' => container_end(data, at),
        _ => {
            let rest = &data[at.min(data.len())..];
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            let length = rest.iter().position(ends);
            // At least one byte, so that a walk always ends.
            (at + length.unwrap_or(rest.len()).max(1)).min(data.len())
        }
    }
}

fn container_end(data: &[u8], open: usize) -> usize {
    let (mut at, mut depth) = (open, 0_usize);
    while let Some(&byte) = data.get(at) {
        match byte {
            b'"' => {
                at = string_end(data, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    data.len()
}

/// A string's text: `raw` (without quotes) itself, or with its escapes undone in `buffer`.
fn text<'a>(raw: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !raw.contains(&b'\\') {
        return raw;
    }
    buffer.clear();
    let mut at = 0;
    while let Some(&first) = raw.get(at) {
        if first != b'\\' {
            buffer.push(first);
            at += 1;
            continue;
        }
        let escaped = byte(raw, at + 1);
        at += 2;
        buffer.push(match escaped {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                at += unicode(raw, at - 2, buffer) - 2;
                continue;
            }
            other => other,
        });
    }
    buffer
}

/// Appends the character of the `\uXXXX` (or pair of them) at `at`; the length read.
fn unicode(raw: &[u8], at: usize, buffer: &mut Vec<u8>) -> usize {
    let units = [unit(raw, at), unit(raw, at + 6)].map(|unit| unit.unwrap_or(0));
    let first = char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER);
    buffer.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
    6 * first.len_utf16()
}

#[cfg(test)]
mod tests {
    use super::{Elements, Members, text};

    #[test]
    fn members_and_elements_are_found_as_written() {
        let data = br#" { "a" : [1, {"b":"]}"}] ,"\"c":"x\\", "d":-1.5e3 ,"e":{} }"#;
        let members: Vec<(&[u8], &[u8])> =
            Members::new(data, 1).map(|member| (&data[member.key], &data[member.value])).collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"a", br#"[1, {"b":"]}"}]"#), (br#"\"c"#, br#""x\\""#), (b"d", b"-1.5e3"), (b"e", b"{}")];
        assert_eq!(members, expected);
        let elements: Vec<&[u8]> = Elements::new(data, 9).map(|range| &data[range]).collect();
        assert_eq!(elements, [&b"1"[..], br#"{"b":"]}"}"#]);
        assert_eq!(Elements::new(b"[ ]", 0).count() + Members::new(b"{ }", 0).count(), 0);
    }

    #[test]
    fn escapes_are_undone() {
        let mut buffer = Vec::new();
        assert_eq!(text(b"plain", &mut buffer), b"plain");
        let raw = br#"\"\\\/\b\f\n\r\t\u0065\u00e9\ud83d\ude00\u0000x"#;
        assert_eq!(text(raw, &mut buffer), "\"\\/\u{8}\u{c}\n\r\te\u{e9}\u{1f600}\0x".as_bytes());
    }
}
