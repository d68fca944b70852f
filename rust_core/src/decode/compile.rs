//! A field plan, checked and turned into what the decoder walks: key numbers, record words, defaults.

use super::keys::{KeyId, Keys};
use super::plan::{
    Codec, Field, FieldPlan, Filter, Levels, Shape, Sign, StreamName, Target, Token, WireCodec,
};
use crate::record::{Kind, flags};

/// 64-bit words of the two records that a message without levels can have.
pub(super) type Words = [u64; 16];
/// Word of `event_ns`.
pub(super) const EVENT: usize = 1;
/// Word of `recv_ns`.
pub(super) const RECV: usize = 2;
/// Word of `seq`.
pub(super) const SEQ: usize = 3;
/// Word of the first slot.
pub(super) const SLOTS: usize = 4;
/// Words of a record.
pub(super) const RECORD: usize = 8;

/// Slots of each kind's records: `f` float, `i` integer; the table is that of `record::Record`.
const fn slots(kind: Kind) -> &'static [&'static [u8]] {
    match kind {
        Kind::Trade => &[b"ffi"],
        Kind::Quote | Kind::Liquidation => &[b"ffff"],
        Kind::BookDelta | Kind::BookSnapshot => &[b"iiii"],
        Kind::MarkPrice => &[b"fffi", b"ff"],
        Kind::Bar => &[b"ffff", b"ffii"],
        Kind::Ticker => &[b"ffff", b"fffi"],
        Kind::Control => &[b"iii"],
        Kind::Level => &[],
    }
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// A word of the records.
    Word(u8),
    /// Flag SIDE, and SIDELESS if absent.
    Side,
    /// Flag CLOSED.
    Closed,
}

/// How a value is read, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub key: KeyId,
    pub codec: Codec,
    pub sign: Sign,
    pub codes: Vec<(Token, i64)>,
}

/// All fields of one target; the first present one counts.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub to: To,
    /// Whether the codec is decimal: then it is for all sources.
    pub decimal: bool,
    pub sources: Vec<Source>,
    pub required: bool,
}

/// Two keys of one object.
pub(super) type KeyPair = (Box<[u8]>, Box<[u8]>);

/// A side of a book message, compiled.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub ask: bool,
    pub key: KeyId,
    pub map: Option<KeyPair>,
    pub required: bool,
}

/// A kind of message, compiled.
#[derive(Debug)]
pub(super) struct Known {
    pub kind: Kind,
    pub channel: String,
    pub value: Option<Box<[u8]>>,
    pub keys: Vec<KeyId>,
    pub streams: Vec<Box<[u8]>>,
    pub filters: Vec<(KeyId, Vec<Token>)>,
    /// Fields of the target symbol; empty: the stream name tells it, or (Control) nothing does.
    pub symbol: Vec<KeyId>,
    pub symbol_required: bool,
    pub groups: Vec<Group>,
    pub levels: Vec<Side>,
    /// The records with every value absent; symbol and receive time are still to be set.
    pub base: Words,
    pub records: usize,
    pub flags: u8,
}

impl Known {
    /// Whether this is a book message, whose level records follow its header.
    pub fn is_book(&self) -> bool {
        matches!(self.kind, Kind::BookDelta | Kind::BookSnapshot)
    }
    /// Whether `seq` of the second record is its own (a bar's interval).
    pub fn has_own_second_seq(&self) -> bool {
        self.kind == Kind::Bar
    }
}

/// A plan, compiled.
#[derive(Debug)]
pub(super) struct Program {
    pub codec: WireCodec,
    pub shapes: Vec<Known>,
    pub keys: Keys,
    pub dispatch: Option<KeyId>,
    pub envelope: Option<KeyPair>,
    pub stream_name: Option<StreamName>,
}

impl Program {
    /// Checks and compiles `plan`; the error names shape and field.
    pub fn new(plan: &FieldPlan, venue: u16) -> Result<Self, String> {
        if plan.venue.is_empty() || plan.venue.len() > 64 {
            return Err(format!("venue must be 1..64 bytes long, was {}", plan.venue.len()));
        }
        if plan.shapes.is_empty() || plan.shapes.len() > 1000 {
            return Err(format!("a plan has 1..1000 shapes, this one {}", plan.shapes.len()));
        }
        let mut keys = Keys::new();
        let dispatch = match plan.dispatch.as_deref() {
            Some(key) if key.contains('.') => return Err(format!("dispatch key {key:?} must not be dotted")),
            Some(key) => Some(keys.add(key).map_err(|error| format!("dispatch: {error}"))?),
            None => None,
        };
        if let Some((name, payload)) = &plan.envelope
            && (name.is_empty() || payload.is_empty() || name == payload)
        {
            return Err(format!("envelope keys must be two different names, were {name:?} and {payload:?}"));
        }
        let mut shapes = Vec::with_capacity(plan.shapes.len());
        for (index, shape) in plan.shapes.iter().enumerate() {
            let known = compile(plan, shape, &mut keys, venue);
            shapes.push(known.map_err(|error| format!("shape {index} ({}): {error}", shape.channel))?);
        }
        Ok(Self {
            codec: plan.codec,
            shapes,
            keys,
            dispatch,
            envelope: plan.envelope.as_ref().map(|(name, payload)| (bytes(name), bytes(payload))),
            stream_name: plan.stream_name.clone(),
        })
    }
}

fn bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

fn compile(plan: &FieldPlan, shape: &Shape, keys: &mut Keys, venue: u16) -> Result<Known, String> {
    if shape.kind == Kind::Level {
        return Err("levels are part of book messages, not a kind of message".to_owned());
    }
    if shape.value.is_some() && plan.dispatch.is_none() {
        return Err("value needs a plan with a dispatch key".to_owned());
    }
    if shape.value.is_none() && shape.keys.is_empty() {
        return Err("a shape needs a value or keys to be known by".to_owned());
    }
    if !shape.stream.is_empty() && plan.stream_name.is_none() {
        return Err("stream needs a plan with a stream_name".to_owned());
    }
    let automatic = flags::MORE | flags::SIDE | flags::LAST | flags::INEXACT | flags::SIDELESS;
    if shape.flags & automatic != 0 {
        return Err(format!(
            "flags {:#x} holds bits that the decoder sets itself ({automatic:#x})",
            shape.flags
        ));
    }
    let mut known = Known {
        kind: shape.kind,
        channel: shape.channel.clone(),
        value: shape.value.as_deref().map(bytes),
        keys: shape.keys.iter().map(|key| keys.add(key)).collect::<Result<_, _>>()?,
        streams: shape.stream.iter().map(|name| bytes(name)).collect(),
        filters: Vec::new(),
        symbol: Vec::new(),
        symbol_required: false,
        groups: Vec::new(),
        levels: Vec::new(),
        base: base(shape, venue),
        records: slots(shape.kind).len(),
        flags: shape.flags,
    };
    for filter in &shape.filters {
        known.filters.push(compile_filter(filter, keys)?);
    }
    for field in &shape.fields {
        let named = |error: String| format!("field {:?}: {error}", field.key);
        let source = Source {
            key: keys.add(&field.key).map_err(named)?,
            codec: field.codec,
            sign: field.sign,
            codes: field.codes.clone(),
        };
        if field.codec == Codec::Timestamp && plan.codec == WireCodec::Json {
            return Err(named("codec timestamp is MessagePack's; a json plan has rfc3339".to_owned()));
        }
        let Some(to) = destination(shape, field).map_err(named)? else {
            known.symbol_required |= field.required;
            known.symbol.push(source.key);
            continue;
        };
        match known.groups.iter_mut().find(|group| group.to == to) {
            Some(group) => {
                group.required |= field.required;
                group.sources.push(source);
            }
            None => known.groups.push(Group {
                to,
                decimal: field.codec == Codec::Decimal,
                sources: vec![source],
                required: field.required,
            }),
        }
    }
    if shape.kind != Kind::Control && known.symbol.is_empty() && plan.stream_name.is_none() {
        return Err("no symbol: it needs a field with target symbol, or a plan with a stream_name".to_owned());
    }
    let book = known.is_book();
    if book == shape.levels.is_empty() {
        let problem = if book { "a book message needs levels" } else { "only book messages have levels" };
        return Err(problem.to_owned());
    }
    for levels in &shape.levels {
        let side =
            compile_levels(levels, keys).map_err(|error| format!("levels {:?}: {error}", levels.key))?;
        if known.levels.iter().any(|other| other.ask == side.ask) {
            return Err(format!("levels {:?}: that side is given twice", levels.key));
        }
        known.levels.push(side);
    }
    for (target, value) in &shape.constants {
        match *target {
            Target::Slot { part, index, integer: true } => {
                known.base[slot_word(shape.kind, part, index, true)?] = *value as u64;
            }
            Target::IntervalNs if shape.kind == Kind::Bar => known.base[RECORD + SEQ] = *value as u64,
            _ => return Err("constants: only integer slots and a bar's interval can be constant".to_owned()),
        }
    }
    Ok(known)
}

fn compile_filter(filter: &Filter, keys: &mut Keys) -> Result<(KeyId, Vec<Token>), String> {
    let id = keys.add(&filter.key).map_err(|error| format!("filter: {error}"))?;
    if filter.allowed.is_empty() {
        return Err(format!("filter {:?} allows nothing", filter.key));
    }
    Ok((id, filter.allowed.clone()))
}

fn compile_levels(levels: &Levels, keys: &mut Keys) -> Result<Side, String> {
    let map = match &levels.map {
        Some((price, quantity)) if price.is_empty() || quantity.is_empty() || price == quantity => {
            return Err(format!(
                "price and quantity must be two different keys, were {price:?} and {quantity:?}"
            ));
        }
        Some((price, quantity)) => Some((bytes(price), bytes(quantity))),
        None => None,
    };
    Ok(Side { ask: levels.ask, key: keys.add(&levels.key)?, map, required: levels.required })
}

/// The records of a shape with every value absent.
fn base(shape: &Shape, venue: u16) -> Words {
    let mut words = [0; 16];
    let sided = matches!(shape.kind, Kind::Trade | Kind::Liquidation);
    let has_side = shape.fields.iter().any(|field| field.target == Target::Side);
    let flags = shape.flags | if sided && !has_side { flags::SIDELESS } else { 0 };
    for (part, types) in slots(shape.kind).iter().enumerate() {
        words[part * RECORD] = u64::from(shape.kind as u8) | u64::from(flags) << 8 | u64::from(venue) << 16;
        for (index, slot) in types.iter().enumerate() {
            words[part * RECORD + SLOTS + index] = if *slot == b'f' { f64::NAN.to_bits() } else { u64::MAX };
        }
    }
    words
}

fn slot_word(kind: Kind, part: u8, index: u8, integer: bool) -> Result<usize, String> {
    let slot = slots(kind).get(usize::from(part)).and_then(|types| types.get(usize::from(index)));
    if slot != Some(if integer { &b'i' } else { &b'f' }) {
        return Err(format!("{kind:?} has no such slot (record {part}, slot {index})"));
    }
    Ok(usize::from(part) * RECORD + SLOTS + usize::from(index))
}

/// Where a field goes; None: it is the symbol.
fn destination(shape: &Shape, field: &Field) -> Result<Option<To>, String> {
    let codec = field.codec;
    let integral = matches!(
        codec,
        Codec::Integer | Codec::Ms | Codec::Us | Codec::Ns | Codec::Rfc3339 | Codec::Timestamp | Codec::Code
    );
    let only = |allowed: bool, what: &str| {
        if allowed { Ok(()) } else { Err(format!("{what}, not codec {codec:?}")) }
    };
    if (codec == Codec::Code) == field.codes.is_empty() {
        return Err("codes go with codec code, and only with it".to_owned());
    }
    let to = match field.target {
        Target::Symbol => {
            only(codec == Codec::Symbol, "target symbol takes codec symbol")?;
            return Ok(None);
        }
        Target::EventNs => {
            only(
                integral && !matches!(codec, Codec::Integer | Codec::Code),
                "target event_ns takes a time codec",
            )?;
            To::Word(EVENT as u8)
        }
        Target::Seq => {
            only(codec == Codec::Integer, "target seq takes codec integer")?;
            To::Word(SEQ as u8)
        }
        Target::Side => {
            only(codec == Codec::Code, "target side takes codec code")?;
            if !matches!(shape.kind, Kind::Trade | Kind::Liquidation) {
                return Err(format!("{:?} has no side", shape.kind));
            }
            To::Side
        }
        Target::Closed => {
            only(codec == Codec::Code, "target closed takes codec code")?;
            if shape.kind != Kind::Bar {
                return Err(format!("{:?} is never closed", shape.kind));
            }
            To::Closed
        }
        Target::IntervalNs => {
            only(
                matches!(codec, Codec::Code | Codec::Integer),
                "target interval_ns takes codec code or integer",
            )?;
            if shape.kind != Kind::Bar {
                return Err(format!("{:?} has no interval", shape.kind));
            }
            To::Word((RECORD + SEQ) as u8)
        }
        Target::Slot { part, index, integer } => {
            if integer {
                only(integral, "an integer slot takes an integer, a time or a code")?;
            } else {
                only(codec == Codec::Decimal, "a decimal slot takes codec decimal")?;
            }
            if matches!(shape.kind, Kind::BookDelta | Kind::BookSnapshot) && index > 1 {
                return Err("level counts are counted, not read".to_owned());
            }
            To::Word(slot_word(shape.kind, part, index, integer)? as u8)
        }
    };
    let flag = matches!(to, To::Side | To::Closed);
    if flag && field.codes.iter().any(|(_, code)| !(0..=1).contains(code)) {
        return Err("codes of a flag are 0 and 1".to_owned());
    }
    Ok(Some(to))
}
