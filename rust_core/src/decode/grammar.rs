//! What `message` asks of a codec: is a payload well-formed, and what stands where in it? Not for what values mean.
//!
//! One implementation for JSON (`scan`) and one for `MessagePack` (`msgpack`); `message` is compiled for each.

use std::ops::Range;

use super::error::Reason;
use super::values::Value;

/// Deepest nesting.
pub(super) const DEEPEST: u32 = 64;

/// The first thing wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Syntax, nesting or utf8.
    pub reason: Reason,
    /// Byte offset; offsets are defined in `protocols.py`.
    pub offset: usize,
}

/// A member of an object, as offsets into the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The text of the key, as written.
    pub key: Range<usize>,
    /// The value, as written.
    pub value: Range<usize>,
}

/// What a value is, as far as finding the way needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    Array,
    Null,
    Other,
}

/// How payloads are written. All but `check` take payloads that `check` has accepted, and offsets of values in them.
pub(super) trait Grammar {
    /// Checks a whole payload; where its one value begins.
    fn check(data: &[u8]) -> Result<usize, Fault>;
    /// The form of the value at `at`.
    fn form(data: &[u8], at: usize) -> Form;
    /// The members of the object at `open`, in order; keys that are no text are left out.
    fn members(data: &[u8], open: usize) -> impl Iterator<Item = Member>;
    /// The elements of the array at `open`, in order.
    fn elements(data: &[u8], open: usize) -> impl Iterator<Item = Range<usize>>;
    /// A key's text; `buffer` holds it when it is written otherwise.
    fn key<'a>(raw: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8];
    /// The value at `range`; `buffer` as in `key`.
    fn value<'a>(data: &'a [u8], range: &Range<usize>, buffer: &'a mut Vec<u8>) -> Value<'a>;
}
