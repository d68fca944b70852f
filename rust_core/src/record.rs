//! The 64-byte record every message is made of: layout, kinds, flags. Not for parsing or storing it.
//!
//! The layout is public (`core.RECORD_VERSION`, the `NumPy` dtype of `python/tradewire/core/record.py`): change both and
//! the version together.

/// Version of the layout below; a stored record of another version is refused.
pub const RECORD_VERSION: u16 = 1;

/// What a record says. Values are part of the layout and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A trade, or several fills of one taker order at one price (`aggTrade`). One record.
    Trade = 1,
    /// Best bid and ask. One record.
    Quote = 2,
    /// Absolute quantities of changed price levels: a header record, then one `Level` record per level.
    BookDelta = 3,
    /// A whole book (or its top, flag `PARTIAL`): a header record, then one `Level` record per level.
    BookSnapshot = 4,
    /// Mark price, index price and funding of a derivative. Two records.
    MarkPrice = 5,
    /// A bar (kline, candle). Two records.
    Bar = 6,
    /// Rolling-window statistics. Two records.
    Ticker = 7,
    /// A liquidation order. One record.
    Liquidation = 8,
    /// An acknowledgement, an error reply, a notice or an event of an unknown kind. One record.
    Control = 9,
    /// One price level of a book message. Never the first record of a message.
    Level = 10,
}

impl Kind {
    /// The kind with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Trade,
            2 => Self::Quote,
            3 => Self::BookDelta,
            4 => Self::BookSnapshot,
            5 => Self::MarkPrice,
            6 => Self::Bar,
            7 => Self::Ticker,
            8 => Self::Liquidation,
            9 => Self::Control,
            10 => Self::Level,
            _ => return None,
        })
    }
}

/// Flag bits of a record's header.
pub mod flags {
    /// Another record of the same message follows.
    pub const MORE: u8 = 1;
    /// Sell (trade, liquidation: the taker sold) or ask (level).
    pub const SIDE: u8 = 2;
    /// Last message of its payload; a payload that is an array holds several messages.
    pub const LAST: u8 = 4;
    /// A price or quantity had more than 15 significant digits, so its float is rounded.
    pub const INEXACT: u8 = 8;
    /// The venue gave no side.
    pub const SIDELESS: u8 = 16;
    /// The bar is closed.
    pub const CLOSED: u8 = 32;
    /// The snapshot is the top of the book only (partial depth stream).
    pub const PARTIAL: u8 = 64;
    /// Fetched afterwards to fill a gap, not received live.
    pub const BACKFILL: u8 = 128;
}

/// One slot: eight bytes, f64 unless the kind's table says i64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Slot(pub u64);

impl Slot {
    /// The slot holding a float.
    #[inline]
    pub const fn f64(value: f64) -> Self {
        Self(value.to_bits())
    }
    /// The slot holding an integer.
    #[inline]
    pub const fn i64(value: i64) -> Self {
        Self(value as u64)
    }
    /// The slot read as a float.
    #[inline]
    pub const fn as_f64(self) -> f64 {
        f64::from_bits(self.0)
    }
    /// The slot read as an integer.
    #[inline]
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }
}

/// One record: 64 bytes, little-endian, no padding.
///
/// Slots by kind (`f` = f64, `i` = i64; absent floats are NaN, absent integers -1):
///
/// | kind | slots of the first record | slots of the second record |
/// |---|---|---|
/// | Trade | f price, f quantity, i `trade_id`, - | |
/// | Quote | f `bid_price`, f `bid_quantity`, f `ask_price`, f `ask_quantity` | |
/// | `BookDelta`, `BookSnapshot` | i `first_seq`, i `prev_seq`, i `bid_count`, i `ask_count` | `Level`: f price, f quantity |
/// | `MarkPrice` | f `mark_price`, f `index_price`, f `funding_rate`, i `next_funding_ns` | f `settle_price`, f `average_price` |
/// | Bar | f open, f high, f low, f close | f volume, f `quote_volume`, i trades, i `start_ns`; header `seq` = interval, ns |
/// | Ticker | f `last_price`, f `last_quantity`, f open, f high | f low, f volume, f `quote_volume`, i trades |
/// | Liquidation | f price, f quantity, f `average_price`, f `filled_quantity` | |
/// | Control | i status (`ControlStatus`), i `request_id`, i code, - | |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Record {
    /// A `Kind` code.
    pub kind: u8,
    /// Bits of `flags`.
    pub flags: u8,
    /// Venue number in the symbol table.
    pub venue: u16,
    /// Symbol number in the symbol table; `u32::MAX` where a message has none (Control).
    pub symbol: u32,
    /// Transaction time, else event time, else 0; ns since 1970 UTC.
    pub event_ns: i64,
    /// Local receive time, ns since 1970 UTC.
    pub recv_ns: i64,
    /// Trade id, update id or the last update id of a book message; 0 where the venue gives none.
    pub seq: u64,
    /// By kind, see the table above.
    pub slots: [Slot; 4],
}

const _: () = assert!(size_of::<Record>() == 64 && align_of::<Record>() == 8);

/// The messages of records that begin with one: each up to and including its first record without `MORE`. The last one
/// may be incomplete, which its last record's `MORE` tells.
pub struct Messages<'a>(pub &'a [Record]);

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [Record];

    #[inline]
    fn next(&mut self) -> Option<&'a [Record]> {
        let end = self
            .0
            .iter()
            .position(|record| record.flags & flags::MORE == 0)
            .map_or(self.0.len(), |last| last + 1);
        let (message, rest) = self.0.split_at(end);
        self.0 = rest;
        (!message.is_empty()).then_some(message)
    }
}

/// Symbol number of messages that belong to no symbol.
pub const NO_SYMBOL: u32 = u32::MAX;

/// What a `Control` message says; first slot of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum ControlStatus {
    /// A request was accepted.
    Ack = 1,
    /// A request was refused; the code slot says why.
    Error = 2,
    /// The venue announces something about the connection (shutdown, session).
    Notice = 3,
    /// A well-formed message that the plan does not know.
    Unknown = 4,
}

/// Bar intervals by name, nanoseconds. A month counts as 30 days: it is a name, not a duration.
pub const INTERVALS: [(&str, u64); 16] = {
    const S: u64 = 1_000_000_000;
    const M: u64 = 60 * S;
    const H: u64 = 60 * M;
    const D: u64 = 24 * H;
    [
        ("1s", S),
        ("1m", M),
        ("3m", 3 * M),
        ("5m", 5 * M),
        ("15m", 15 * M),
        ("30m", 30 * M),
        ("1h", H),
        ("2h", 2 * H),
        ("4h", 4 * H),
        ("6h", 6 * H),
        ("8h", 8 * H),
        ("12h", 12 * H),
        ("1d", D),
        ("3d", 3 * D),
        ("1w", 7 * D),
        ("1M", 30 * D),
    ]
};
