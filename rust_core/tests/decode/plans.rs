//! Field plans in Rust for tests and benchmarks, in the shapes of the venues' sheets. The real ones are Python data.

use tradewire_core::decode::plan::{
    Codec, Field, FieldPlan, Filter, Levels, Shape, Sign, StreamName, Target, Token, WireCodec,
};
use tradewire_core::record::{ControlStatus, INTERVALS, Kind, flags};

const fn float(part: u8, index: u8) -> Target {
    Target::Slot { part, index, integer: false }
}

const fn int(part: u8, index: u8) -> Target {
    Target::Slot { part, index, integer: true }
}

fn field(target: Target, key: &str, codec: Codec) -> Field {
    Field { target, key: key.to_owned(), codec, required: true, sign: Sign::Any, codes: Vec::new() }
}

fn price(target: Target, key: &str) -> Field {
    Field { sign: Sign::Positive, ..field(target, key, Codec::Decimal) }
}

fn size(target: Target, key: &str) -> Field {
    Field { sign: Sign::Zero, ..field(target, key, Codec::Decimal) }
}

fn optional(field: Field) -> Field {
    Field { required: false, ..field }
}

fn codes(target: Target, key: &str, codes: &[(Token, i64)]) -> Field {
    Field { codes: codes.to_vec(), ..field(target, key, Codec::Code) }
}

fn text(text: &str) -> Token {
    Token::Text(text.to_owned())
}

fn maker(key: &str) -> Field {
    codes(Target::Side, key, &[(Token::Bool(false), 0), (Token::Bool(true), 1)])
}

fn levels(ask: bool, key: &str) -> Levels {
    Levels { ask, key: key.to_owned(), map: None, required: true }
}

fn shape(kind: Kind, channel: &str, value: Option<&str>, fields: Vec<Field>) -> Shape {
    Shape {
        kind,
        channel: channel.to_owned(),
        value: value.map(str::to_owned),
        keys: Vec::new(),
        stream: Vec::new(),
        fields,
        levels: Vec::new(),
        filters: Vec::new(),
        flags: 0,
        constants: Vec::new(),
    }
}

fn usdm_row() -> Vec<Filter> {
    vec![Filter { key: "st".to_owned(), allowed: vec![Token::Integer(1)] }]
}

/// Binance, USD-M and Spot together: every shape the two have in common, and those known by their keys.
#[expect(clippy::too_many_lines, reason = "one table, easier to read whole")]
pub fn binance() -> FieldPlan {
    let symbol = || field(Target::Symbol, "s", Codec::Symbol);
    let time = || [field(Target::EventNs, "T", Codec::Ms), field(Target::EventNs, "E", Codec::Ms)];
    let trade = |value: &str, id: &str| {
        let mut fields = vec![
            symbol(),
            field(Target::Seq, id, Codec::Integer),
            field(int(0, 2), id, Codec::Integer),
            price(float(0, 0), "p"),
            Field { sign: Sign::Positive, ..price(float(0, 1), "q") },
            maker("m"),
        ];
        fields.extend(time());
        Shape { filters: usdm_row(), ..shape(Kind::Trade, "trades", Some(value), fields) }
    };
    let quote = |value: Option<&str>| {
        let mut fields = vec![
            symbol(),
            field(Target::Seq, "u", Codec::Integer),
            price(float(0, 0), "b"),
            size(float(0, 1), "B"),
            price(float(0, 2), "a"),
            size(float(0, 3), "A"),
        ];
        fields.extend(time().map(optional));
        let keys = ["u", "s", "b", "B", "a", "A"].map(str::to_owned).to_vec();
        let keys = if value.is_some() { Vec::new() } else { keys };
        Shape { keys, filters: usdm_row(), ..shape(Kind::Quote, "quotes", value, fields) }
    };
    let book = || {
        let mut fields = vec![
            symbol(),
            field(int(0, 0), "U", Codec::Integer),
            field(Target::Seq, "u", Codec::Integer),
            optional(field(int(0, 1), "pu", Codec::Integer)),
        ];
        fields.extend(time());
        Shape {
            levels: vec![levels(false, "b"), levels(true, "a")],
            filters: usdm_row(),
            ..shape(Kind::BookDelta, "book", Some("depthUpdate"), fields)
        }
    };
    let partial = Shape {
        kind: Kind::BookSnapshot,
        stream: ["depth5", "depth10", "depth20"].map(str::to_owned).to_vec(),
        flags: flags::PARTIAL,
        ..book()
    };
    let snapshot = Shape {
        keys: ["lastUpdateId", "bids", "asks"].map(str::to_owned).to_vec(),
        levels: vec![levels(false, "bids"), levels(true, "asks")],
        ..shape(
            Kind::BookSnapshot,
            "book",
            None,
            vec![
                field(Target::Seq, "lastUpdateId", Codec::Integer),
                optional(field(Target::EventNs, "T", Codec::Ms)),
            ],
        )
    };
    let intervals: Vec<_> = INTERVALS.iter().map(|(name, ns)| (text(name), *ns as i64)).collect();
    let bar = shape(
        Kind::Bar,
        "bars",
        Some("kline"),
        vec![
            symbol(),
            field(Target::EventNs, "E", Codec::Ms),
            field(int(1, 3), "k.t", Codec::Ms),
            codes(Target::IntervalNs, "k.i", &intervals),
            price(float(0, 0), "k.o"),
            price(float(0, 1), "k.h"),
            price(float(0, 2), "k.l"),
            price(float(0, 3), "k.c"),
            size(float(1, 0), "k.v"),
            size(float(1, 1), "k.q"),
            field(int(1, 2), "k.n", Codec::Integer),
            codes(Target::Closed, "k.x", &[(Token::Bool(false), 0), (Token::Bool(true), 1)]),
        ],
    );
    let mark = Shape {
        filters: usdm_row(),
        ..shape(
            Kind::MarkPrice,
            "mark",
            Some("markPriceUpdate"),
            vec![
                symbol(),
                field(Target::EventNs, "E", Codec::Ms),
                price(float(0, 0), "p"),
                size(float(0, 1), "i"),
                field(float(0, 2), "r", Codec::Decimal),
                field(int(0, 3), "T", Codec::Ms),
                optional(size(float(1, 0), "P")),
                optional(size(float(1, 1), "ap")),
            ],
        )
    };
    let liquidation = shape(
        Kind::Liquidation,
        "liquidations",
        Some("forceOrder"),
        vec![
            field(Target::Symbol, "o.s", Codec::Symbol),
            field(Target::EventNs, "o.T", Codec::Ms),
            codes(Target::Side, "o.S", &[(text("BUY"), 0), (text("SELL"), 1)]),
            price(float(0, 0), "o.p"),
            size(float(0, 1), "o.q"),
            size(float(0, 2), "o.ap"),
            size(float(0, 3), "o.z"),
        ],
    );
    let ack = Shape {
        keys: ["result", "id"].map(str::to_owned).to_vec(),
        constants: vec![(int(0, 0), ControlStatus::Ack as i64)],
        ..shape(Kind::Control, "control", None, vec![optional(field(int(0, 1), "id", Codec::Integer))])
    };
    let error = Shape {
        keys: vec!["error".to_owned()],
        constants: vec![(int(0, 0), ControlStatus::Error as i64)],
        ..shape(
            Kind::Control,
            "control",
            None,
            vec![
                optional(field(int(0, 1), "id", Codec::Integer)),
                optional(field(int(0, 2), "error.code", Codec::Integer)),
            ],
        )
    };
    FieldPlan {
        venue: "binance".to_owned(),
        shapes: vec![
            trade("aggTrade", "a"),
            trade("trade", "t"),
            quote(Some("bookTicker")),
            quote(None),
            partial,
            book(),
            snapshot,
            bar,
            mark,
            liquidation,
            ack,
            error,
        ],
        codec: WireCodec::Json,
        dispatch: Some("e".to_owned()),
        envelope: Some(("stream".to_owned(), "data".to_owned())),
        stream_name: Some(StreamName { separator: b'@', upper: true }),
    }
}

/// Alpaca's stock and crypto stream: arrays, JSON numbers, RFC 3339, levels as maps, order of keys free.
pub fn alpaca() -> FieldPlan {
    let common = || [field(Target::Symbol, "S", Codec::Symbol), field(Target::EventNs, "t", Codec::Rfc3339)];
    let with = |more: Vec<Field>| common().into_iter().chain(more).collect::<Vec<_>>();
    let map = |ask: bool, key: &str| Levels {
        map: Some(("p".to_owned(), "s".to_owned())),
        required: false,
        ..levels(ask, key)
    };
    FieldPlan {
        venue: "alpaca".to_owned(),
        shapes: vec![
            shape(
                Kind::Trade,
                "trades",
                Some("t"),
                with(vec![
                    optional(field(int(0, 2), "i", Codec::Integer)),
                    price(float(0, 0), "p"),
                    size(float(0, 1), "s"),
                    optional(codes(Target::Side, "tks", &[(text("B"), 0), (text("S"), 1)])),
                ]),
            ),
            shape(
                Kind::Quote,
                "quotes",
                Some("q"),
                with(vec![
                    size(float(0, 0), "bp"),
                    size(float(0, 1), "bs"),
                    size(float(0, 2), "ap"),
                    size(float(0, 3), "as"),
                ]),
            ),
            Shape {
                levels: vec![map(false, "b"), map(true, "a")],
                ..shape(Kind::BookDelta, "book", Some("o"), with(Vec::new()))
            },
        ],
        codec: WireCodec::Json,
        dispatch: Some("T".to_owned()),
        envelope: None,
        stream_name: None,
    }
}
