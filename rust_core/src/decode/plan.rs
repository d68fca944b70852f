//! Field plans as Rust data. The vocabulary and its meaning: `python/tradewire/core/plan.py`, field by field the same.

use crate::record::Kind;

/// How a value is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// JSON number or numeric string.
    Decimal,
    /// JSON integer or string of digits.
    Integer,
    /// Integer milliseconds since 1970.
    Ms,
    /// Integer microseconds since 1970.
    Us,
    /// Integer nanoseconds since 1970.
    Ns,
    /// RFC 3339 text, UTC, 0 to 9 fraction digits.
    Rfc3339,
    /// `MessagePack` timestamp extension.
    Timestamp,
    /// Text looked up in the symbol table.
    Symbol,
    /// String or bool looked up in `Field::codes`.
    Code,
}

/// Signs a number may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Above zero.
    Positive,
    /// Zero or above.
    Zero,
    /// Any.
    Any,
}

/// A string or bool that a `Code` field or a filter knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Text.
    Text(String),
    /// A bool.
    Bool(bool),
    /// An integer (filters only).
    Integer(i64),
}

/// What a field fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Header: symbol.
    Symbol,
    /// Header: `event_ns`.
    EventNs,
    /// Header: `seq`.
    Seq,
    /// Flags SIDE and SIDELESS.
    Side,
    /// Flag CLOSED.
    Closed,
    /// Header `seq` of a bar's second record.
    IntervalNs,
    /// A slot: record of the message (0 or 1), index (0..4), and whether it is an i64.
    Slot {
        /// Record of the message.
        part: u8,
        /// Slot of the record.
        index: u8,
        /// An i64, not an f64.
        integer: bool,
    },
}

/// One value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it fills.
    pub target: Target,
    /// Key, dotted through a wrapper.
    pub key: String,
    /// How it is written.
    pub codec: Codec,
    /// Whether a message without it is refused.
    pub required: bool,
    /// Signs allowed.
    pub sign: Sign,
    /// Known values of a `Code` field.
    pub codes: Vec<(Token, i64)>,
}

/// One side of a book message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Ask side.
    pub ask: bool,
    /// Key of the list.
    pub key: String,
    /// Keys of price and quantity when levels are maps.
    pub map: Option<(String, String)>,
    /// Whether a message without it is refused.
    pub required: bool,
}

/// Keeps a row only when `key` is absent or one of `allowed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Key, dotted through a wrapper.
    pub key: String,
    /// Values let through.
    pub allowed: Vec<Token>,
}

/// One kind of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What it becomes.
    pub kind: Kind,
    /// Name in errors and counters.
    pub channel: String,
    /// Value of the dispatch key.
    pub value: Option<String>,
    /// Keys that must be present.
    pub keys: Vec<String>,
    /// Channel parts of stream names that this is for; empty: any.
    pub stream: Vec<String>,
    /// Values.
    pub fields: Vec<Field>,
    /// Book sides.
    pub levels: Vec<Levels>,
    /// Row filters.
    pub filters: Vec<Filter>,
    /// Flags set on every record.
    pub flags: u8,
    /// Slots that the venue does not send.
    pub constants: Vec<(Target, i64)>,
}

/// `<symbol><separator><channel>[<separator>...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// Between symbol and channel; one ASCII byte.
    pub separator: u8,
    /// Whether the symbol part is upper-cased.
    pub upper: bool,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireCodec {
    /// RFC 8259.
    Json,
    /// `MessagePack`.
    Msgpack,
}

/// All messages of one venue's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPlan {
    /// Venue name.
    pub venue: String,
    /// Kinds of messages; the first that fits wins.
    pub shapes: Vec<Shape>,
    /// How they are written.
    pub codec: WireCodec,
    /// Key whose value tells the shape.
    pub dispatch: Option<String>,
    /// Keys of stream name and payload in an enveloped message.
    pub envelope: Option<(String, String)>,
    /// How stream names are built.
    pub stream_name: Option<StreamName>,
}
