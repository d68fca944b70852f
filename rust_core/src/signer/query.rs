//! The query string: parameters percent-encoded in the order given, and how numbers are written. Signs nothing.

use std::io::Write;

use super::Signer;

/// A parameter's value.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Text, and numbers that are text already.
    Text(&'a str),
    /// Written in decimal.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// Shortest form that reads back as the same number, never with an exponent: what Rust's `Display` gives.
    Float(f64),
}

/// A float that is NaN or infinite, which no venue takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite;

/// `name=value&name=value`, growing.
#[derive(Debug)]
pub struct Query {
    text: Vec<u8>,
    encoded: bool,
}

/// RFC 3986, section 2.3.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        table[byte] = character.is_ascii_alphanumeric() || matches!(character, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

impl Query {
    /// Room for an ordinary order without growing.
    const USUAL: usize = 448;

    /// Percent-encodes names and values: REST.
    pub fn encoded() -> Self {
        Self { text: Vec::with_capacity(Self::USUAL), encoded: true }
    }

    /// Leaves names and values as they are: WebSocket APIs.
    pub fn plain() -> Self {
        Self { text: Vec::with_capacity(Self::USUAL), encoded: false }
    }

    /// Appends a parameter. On error the query is of no further use.
    pub fn push(&mut self, name: &str, value: Value<'_>) -> Result<(), NotFinite> {
        if !self.text.is_empty() {
            self.text.push(b'&');
        }
        self.put(name);
        self.text.push(b'=');
        match value {
            Value::Text(text) => self.put(text),
            Value::Integer(number) => self.put_number(number),
            Value::Bool(truth) => self.text.extend_from_slice(if truth { b"true" } else { b"false" }),
            Value::Float(number) if number.is_finite() => self.put_number(number),
            Value::Float(_) => return Err(NotFinite),
        }
        Ok(())
    }

    /// What has been written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The query with its signature as the last parameter.
    pub fn signed(mut self, signer: &Signer) -> Vec<u8> {
        let signature = signer.sign(&self.text);
        self.text.extend_from_slice(b"&signature=");
        self.put(signature.as_str());
        self.text
    }

    fn put_number(&mut self, number: impl std::fmt::Display) {
        write!(self.text, "{number}").expect("Invariant: writing to memory does not fail");
    }

    fn put(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if !self.encoded || bytes.iter().all(|&byte| UNRESERVED[usize::from(byte)]) {
            self.text.extend_from_slice(bytes);
            return;
        }
        for &byte in bytes {
            if UNRESERVED[usize::from(byte)] {
                self.text.push(byte);
            } else {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                self.text.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
            }
        }
    }
}
