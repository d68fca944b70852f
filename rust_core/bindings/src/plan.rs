//! Field plans from Python: the dataclasses of `core/plan.py`, read attribute by attribute into `decode::plan`.
//!
//! Not for checking them: `core/plan_check.py` does that for both implementations, before a plan comes here.

use pyo3::intern;
use pyo3::prelude::*;
use tradewire_core::decode::plan::{self, Codec, Sign, Target, WireCodec};
use tradewire_core::record::Kind;

use crate::error::PlanError;
use crate::events_table::{Class, Source, text};

#[derive(FromPyObject)]
enum Token {
    Bool(bool),
    Integer(i64),
    Text(String),
}

#[derive(FromPyObject)]
struct Field {
    target: String,
    key: String,
    codec: String,
    required: bool,
    sign: String,
    codes: Vec<(Token, i64)>,
}

#[derive(FromPyObject)]
struct Levels {
    side: String,
    key: String,
    price: Option<String>,
    quantity: Option<String>,
    required: bool,
}

#[derive(FromPyObject)]
struct Filter {
    key: String,
    allowed: Vec<Token>,
}

#[derive(FromPyObject)]
struct Shape {
    kind: u8,
    channel: String,
    value: Option<String>,
    keys: Vec<String>,
    stream: Vec<String>,
    fields: Vec<Field>,
    levels: Vec<Levels>,
    filters: Vec<Filter>,
    flags: u8,
    constants: Vec<(String, i64)>,
}

#[derive(FromPyObject)]
struct StreamName {
    separator: String,
    upper: bool,
}

#[derive(FromPyObject)]
struct FieldPlan {
    venue: String,
    shapes: Vec<Shape>,
    codec: String,
    dispatch: Option<String>,
    envelope: Option<(String, String)>,
    stream_name: Option<StreamName>,
}

/// The checked plan as Rust data. `TypeError`: no `FieldPlan`. `PlanError`: one that makes no sense.
pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<plan::FieldPlan> {
    let py = given.py();
    py.import(intern!(py, "tradewire.core.plan_check"))?.call_method1(intern!(py, "check"), (given,))?;
    let FieldPlan { venue, shapes, codec, dispatch, envelope, stream_name } = given.extract()?;
    Ok(plan::FieldPlan {
        shapes: shapes.into_iter().map(|shape| shape.read(&venue)).collect::<PyResult<_>>()?,
        codec: if codec == "json" { WireCodec::Json } else { WireCodec::Msgpack },
        dispatch,
        envelope,
        stream_name: stream_name.map(|rule| plan::StreamName {
            separator: rule.separator.bytes().next().unwrap_or_default(),
            upper: rule.upper,
        }),
        venue,
    })
}

impl Shape {
    fn read(self, venue: &str) -> PyResult<plan::Shape> {
        let place = format!("plan {venue}, shape {}", self.channel);
        let unknown = |what: &str| PlanError::new_err(format!("{place}: {what} is not known"));
        let kind = Kind::from_code(self.kind).ok_or_else(|| unknown("its kind"))?;
        let target = |name: &str| target(kind, name).ok_or_else(|| unknown(name));
        let field = |field: Field| {
            Ok::<_, PyErr>(plan::Field {
                target: target(&field.target)?,
                key: field.key,
                codec: codec(&field.codec).ok_or_else(|| unknown(&field.codec))?,
                required: field.required,
                sign: sign(&field.sign).ok_or_else(|| unknown(&field.sign))?,
                codes: field.codes.into_iter().map(|(value, number)| (value.read(), number)).collect(),
            })
        };
        Ok(plan::Shape {
            kind,
            fields: self.fields.into_iter().map(field).collect::<PyResult<_>>()?,
            levels: self.levels.into_iter().map(Levels::read).collect(),
            filters: self.filters.into_iter().map(Filter::read).collect(),
            constants: self
                .constants
                .into_iter()
                .map(|(name, number)| Ok((target(&name)?, number)))
                .collect::<PyResult<_>>()?,
            channel: self.channel,
            value: self.value,
            keys: self.keys,
            stream: self.stream,
            flags: self.flags,
        })
    }
}

impl Token {
    fn read(self) -> plan::Token {
        match self {
            Self::Bool(value) => plan::Token::Bool(value),
            Self::Integer(value) => plan::Token::Integer(value),
            Self::Text(value) => plan::Token::Text(value),
        }
    }
}

impl Levels {
    fn read(self) -> plan::Levels {
        plan::Levels {
            ask: self.side == "ask",
            key: self.key,
            map: self.price.zip(self.quantity),
            required: self.required,
        }
    }
}

impl Filter {
    fn read(self) -> plan::Filter {
        plan::Filter { key: self.key, allowed: self.allowed.into_iter().map(Token::read).collect() }
    }
}

fn codec(name: &str) -> Option<Codec> {
    Some(match name {
        "decimal" => Codec::Decimal,
        "integer" => Codec::Integer,
        "ms" => Codec::Ms,
        "us" => Codec::Us,
        "ns" => Codec::Ns,
        "rfc3339" => Codec::Rfc3339,
        "timestamp" => Codec::Timestamp,
        "symbol" => Codec::Symbol,
        "code" => Codec::Code,
        _ => return None,
    })
}

fn sign(name: &str) -> Option<Sign> {
    Some(match name {
        "positive" => Sign::Positive,
        "zero" => Sign::Zero,
        "any" => Sign::Any,
        _ => return None,
    })
}

/// A header target, or the slot that the event's field of this name reads.
fn target(kind: Kind, name: &str) -> Option<Target> {
    match name {
        "symbol" => return Some(Target::Symbol),
        "event_ns" => return Some(Target::EventNs),
        "seq" => return Some(Target::Seq),
        "side" => return Some(Target::Side),
        "closed" => return Some(Target::Closed),
        "interval_ns" => return Some(Target::IntervalNs),
        _ => {}
    }
    let field = Class::of(kind as u8)?.fields.iter().find(|field| text(field.name) == name)?;
    let (part, slot, integer) = match field.source {
        Source::Float(part, slot) | Source::OptionalFloat(part, slot) => (part, slot, false),
        Source::Int(part, slot) | Source::OptionalInt(part, slot) => (part, slot, true),
        Source::Status => (0, 0, true),
        _ => return None,
    };
    Some(Target::Slot { part: part as u8, index: slot as u8, integer })
}
