//! The event classes as data: which fields each has, in which order, and where in the records they are.
//!
//! Not for making or reading objects: `events_object` and `events_value` do that by these tables.

use std::ffi::CStr;

use tradewire_core::record::Kind;
use tradewire_core::record::flags::{CLOSED, SIDE, SIDELESS};

/// Where a field comes from, and of what type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Symbol,
    Venue,
    EventNs,
    RecvNs,
    Seq,
    Flags,
    /// f64 in (record of the message, slot).
    Float(usize, usize),
    /// f64, NaN when absent.
    OptionalFloat(usize, usize),
    /// i64 in (record of the message, slot).
    Int(usize, usize),
    /// i64, -1 when absent.
    OptionalInt(usize, usize),
    Side,
    BuyerIsMaker,
    Closed,
    Partial,
    /// `seq` of a bar's second record, by name.
    Interval,
    Status,
    Bids,
    Asks,
}

/// One field.
pub struct Field {
    pub name: &'static CStr,
    pub source: Source,
}

/// One class. `fields` are the constructor's own arguments behind the common ones, `derived` are read only.
pub struct Class {
    pub kind: Kind,
    pub name: &'static CStr,
    pub doc: &'static str,
    pub fields: &'static [Field],
    pub derived: &'static [Field],
}

const fn field(name: &'static CStr, source: Source) -> Field {
    Field { name, source }
}

/// Fields that every event has; the first two are members at fixed places.
pub static COMMON: [Field; 6] = [
    field(c"symbol", Source::Symbol),
    field(c"venue", Source::Venue),
    field(c"event_ns", Source::EventNs),
    field(c"recv_ns", Source::RecvNs),
    field(c"seq", Source::Seq),
    field(c"flags", Source::Flags),
];

static BOOK: [Field; 4] = [
    field(c"first_seq", Source::OptionalInt(0, 0)),
    field(c"prev_seq", Source::OptionalInt(0, 1)),
    field(c"bids", Source::Bids),
    field(c"asks", Source::Asks),
];

/// All classes; the class of a kind is at `kind - 1`.
pub static CLASSES: [Class; 9] = [
    Class {
        kind: Kind::Trade,
        name: c"tradewire.core.Trade",
        doc: "A trade, or several fills of one taker order at one price.",
        fields: &[
            field(c"price", Source::Float(0, 0)),
            field(c"quantity", Source::Float(0, 1)),
            field(c"side", Source::Side),
            field(c"trade_id", Source::OptionalInt(0, 2)),
        ],
        derived: &[field(c"buyer_is_maker", Source::BuyerIsMaker)],
    },
    Class {
        kind: Kind::Quote,
        name: c"tradewire.core.Quote",
        doc: "Best bid and ask.",
        fields: &[
            field(c"bid_price", Source::Float(0, 0)),
            field(c"bid_quantity", Source::Float(0, 1)),
            field(c"ask_price", Source::Float(0, 2)),
            field(c"ask_quantity", Source::Float(0, 3)),
        ],
        derived: &[],
    },
    Class {
        kind: Kind::BookDelta,
        name: c"tradewire.core.BookDelta",
        doc: "Absolute quantities of changed price levels; a quantity of 0 removes the level.",
        fields: &BOOK,
        derived: &[field(c"last_seq", Source::Seq)],
    },
    Class {
        kind: Kind::BookSnapshot,
        name: c"tradewire.core.BookSnapshot",
        doc: "A whole book, or its top (`partial`).",
        fields: &BOOK,
        derived: &[field(c"last_seq", Source::Seq), field(c"partial", Source::Partial)],
    },
    Class {
        kind: Kind::MarkPrice,
        name: c"tradewire.core.MarkPrice",
        doc: "Mark price, index price and funding of a derivative.",
        fields: &[
            field(c"mark_price", Source::Float(0, 0)),
            field(c"index_price", Source::OptionalFloat(0, 1)),
            field(c"funding_rate", Source::OptionalFloat(0, 2)),
            field(c"next_funding_ns", Source::OptionalInt(0, 3)),
            field(c"settle_price", Source::OptionalFloat(1, 0)),
            field(c"average_price", Source::OptionalFloat(1, 1)),
        ],
        derived: &[],
    },
    Class {
        kind: Kind::Bar,
        name: c"tradewire.core.Bar",
        doc: "A bar (kline, candle).",
        fields: &[
            field(c"open", Source::Float(0, 0)),
            field(c"high", Source::Float(0, 1)),
            field(c"low", Source::Float(0, 2)),
            field(c"close", Source::Float(0, 3)),
            field(c"volume", Source::Float(1, 0)),
            field(c"quote_volume", Source::OptionalFloat(1, 1)),
            field(c"trades", Source::OptionalInt(1, 2)),
            field(c"start_ns", Source::Int(1, 3)),
            field(c"interval", Source::Interval),
            field(c"closed", Source::Closed),
        ],
        derived: &[],
    },
    Class {
        kind: Kind::Ticker,
        name: c"tradewire.core.Ticker",
        doc: "Rolling-window statistics; None where the venue gives none.",
        fields: &[
            field(c"last_price", Source::OptionalFloat(0, 0)),
            field(c"last_quantity", Source::OptionalFloat(0, 1)),
            field(c"open", Source::OptionalFloat(0, 2)),
            field(c"high", Source::OptionalFloat(0, 3)),
            field(c"low", Source::OptionalFloat(1, 0)),
            field(c"volume", Source::OptionalFloat(1, 1)),
            field(c"quote_volume", Source::OptionalFloat(1, 2)),
            field(c"trades", Source::OptionalInt(1, 3)),
        ],
        derived: &[],
    },
    Class {
        kind: Kind::Liquidation,
        name: c"tradewire.core.Liquidation",
        doc: "A liquidation order.",
        fields: &[
            field(c"price", Source::Float(0, 0)),
            field(c"quantity", Source::Float(0, 1)),
            field(c"side", Source::Side),
            field(c"average_price", Source::OptionalFloat(0, 2)),
            field(c"filled_quantity", Source::OptionalFloat(0, 3)),
        ],
        derived: &[],
    },
    Class {
        kind: Kind::Control,
        name: c"tradewire.core.Control",
        doc: "An acknowledgement, an error reply, a notice or an event of an unknown kind.",
        fields: &[
            field(c"status", Source::Status),
            field(c"request_id", Source::OptionalInt(0, 1)),
            field(c"code", Source::OptionalInt(0, 2)),
        ],
        derived: &[],
    },
];

impl Source {
    /// Whether the value is an object made with the event (reading it is then a slot read of 9 ns, where a getter costs
    /// 30), rather than made from the record when asked for.
    pub const fn is_eager(self) -> bool {
        match self {
            Self::Float(..) | Self::OptionalFloat(..) | Self::Interval => true,
            Self::Int(part, _) | Self::OptionalInt(part, _) => part > 0,
            _ => false,
        }
    }

    /// The default in the constructor's signature; None: required.
    pub const fn default(self) -> Option<&'static str> {
        match self {
            Self::EventNs | Self::RecvNs | Self::Seq | Self::Flags => Some("0"),
            Self::OptionalFloat(..) | Self::OptionalInt(..) | Self::Side => Some("None"),
            Self::Closed => Some("False"),
            Self::Bids | Self::Asks => Some("()"),
            _ => None,
        }
    }
}

impl Class {
    /// The class of a kind; `Level` has none.
    pub fn of(kind: u8) -> Option<&'static Self> {
        CLASSES.get(usize::from(kind).wrapping_sub(1))
    }

    /// Common fields, own fields, derived fields.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        COMMON.iter().chain(self.fields).chain(self.derived)
    }

    /// What the constructor takes, in the order of `__match_args__`.
    pub fn arguments(&self) -> impl Iterator<Item = &'static Field> + use<> {
        COMMON.iter().chain(self.fields)
    }

    /// Own fields whose objects are made with the event, in the order of their places.
    pub fn eager(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().filter(|field| field.source.is_eager())
    }

    /// Records that the fields lie in, levels apart.
    pub const fn parts(&self) -> usize {
        match self.kind {
            Kind::MarkPrice | Kind::Bar | Kind::Ticker => 2,
            _ => 1,
        }
    }

    /// Whether levels follow the first record.
    pub const fn is_book(&self) -> bool {
        matches!(self.kind, Kind::BookDelta | Kind::BookSnapshot)
    }

    /// Flag bits that follow from other fields.
    pub fn derived_flags(&self) -> u8 {
        self.fields.iter().fold(0, |bits, field| {
            bits | match field.source {
                Source::Side => SIDE | SIDELESS,
                Source::Closed => CLOSED,
                _ => 0,
            }
        })
    }

    /// Name without the module.
    pub fn short_name(&self) -> &'static str {
        let name = text(self.name);
        name.rsplit('.').next().unwrap_or(name)
    }
}

/// A name of the tables above as text.
pub fn text(name: &'static CStr) -> &'static str {
    name.to_str().unwrap_or_default()
}
