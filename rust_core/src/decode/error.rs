//! Why a message was refused: small, `Copy`, an index into the payload; the rich report is made by the caller.

/// Reasons, in the order and under the names of `REASONS` in `protocols.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Not JSON or `MessagePack`; truncated; trailing bytes.
    Syntax,
    /// Deeper than 64.
    Nesting,
    /// Not UTF-8.
    Utf8,
    /// Numeric text outside the strict grammar.
    Number,
    /// Beyond i64, or sign or zero not allowed.
    Range,
    /// Another JSON type than the codec reads.
    Type,
    /// A required field is absent or null.
    Missing,
    /// A value that the field's codes do not list.
    Code,
    /// Not a time stamp of the format; or, of a message delivered, one that is out of range.
    Time,
    /// Not a symbol.
    Symbol,
    /// More records than the sink can ever hold.
    Size,
}

impl Reason {
    /// All reasons with their names.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Syntax, "syntax"),
        (Self::Nesting, "nesting"),
        (Self::Utf8, "utf8"),
        (Self::Number, "number"),
        (Self::Range, "range"),
        (Self::Type, "type"),
        (Self::Missing, "missing"),
        (Self::Code, "code"),
        (Self::Time, "time"),
        (Self::Symbol, "symbol"),
        (Self::Size, "size"),
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A refused message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Why.
    pub reason: Reason,
    /// Byte offset in the payload.
    pub offset: usize,
    /// Index of the shape that matched, if one had.
    pub shape: Option<u16>,
}

/// The bytes that stand for `offset` in reports: at most 64, from 32 before it.
pub fn excerpt(data: &[u8], offset: usize) -> &[u8] {
    let start = offset.saturating_sub(32).min(data.len());
    &data[start..data.len().min(start + 64)]
}

#[cfg(test)]
mod tests {
    use super::{Reason, excerpt};

    #[test]
    fn names_are_in_the_order_of_the_codes() {
        for (at, (reason, name)) in Reason::ALL.into_iter().enumerate() {
            assert_eq!((reason as usize, reason.name()), (at, name));
        }
    }

    #[test]
    fn an_excerpt_stays_inside_the_data() {
        let data: Vec<u8> = (0..200).collect();
        assert_eq!(excerpt(&data, 0), &data[..64]);
        assert_eq!(excerpt(&data, 100), &data[68..132]);
        assert_eq!(excerpt(&data, 200), &data[168..]);
        assert_eq!(excerpt(&data[..3], 900), b"");
    }
}
