//! The events' constructor: keyword arguments to records, with the checks of `core/pure/fields.py`, word for word.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString, PyTuple};
use tradewire_core::record::flags::{CLOSED, MORE, SIDE, SIDELESS};
use tradewire_core::record::{INTERVALS, Kind, NO_SYMBOL, Record, Slot};

use crate::argument::{integer, type_name};
use crate::events_object::{Made, made, new};
use crate::events_table::{Class, Field, Source, text};
use crate::events_value::STATUSES;

type Value<'py> = Bound<'py, PyAny>;

/// A message under construction.
struct Draft<'py> {
    symbol: Bound<'py, PyString>,
    venue: Bound<'py, PyString>,
    parts: [Record; 2],
    own_flags: u8,
    bids: Vec<(f64, f64)>,
    asks: Vec<(f64, f64)>,
}

/// A new event from the constructor's arguments.
pub fn construct<'py>(
    kind: &Value<'py>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Value<'py>> {
    let py = kind.py();
    let made = made(py)?
        .iter()
        .find(|made| made.type_object.is(kind))
        .ok_or_else(|| PyTypeError::new_err("Invariant: event classes have no subclasses"))?;
    let given = arguments(made, args, kwargs)?;
    let empty = intern!(py, "");
    let mut draft = Draft {
        symbol: empty.clone(),
        venue: empty.clone(),
        parts: [blank(made.class, 0), blank(made.class, 1)],
        own_flags: made.class.derived_flags() & SIDELESS,
        bids: Vec::new(),
        asks: Vec::new(),
    };
    let mut flags = 0;
    for (field, value) in made.class.arguments().zip(given) {
        if let (Source::Flags, Some(value)) = (field.source, &value) {
            flags = integer(value, "flags", 0..=255)? as u8;
        } else if let Some(value) = value {
            draft.fill(field, &value)?;
        }
    }
    draft.finish(py, made, flags)
}

/// The given values in the order of the fields.
fn arguments<'py>(
    made: &'static Made,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<Option<Value<'py>>>> {
    let class = made.class.short_name();
    if !args.is_empty() {
        let count = args.len() + 1;
        let text = format!("{class}.__init__() takes 1 positional argument but {count} were given");
        return Err(PyTypeError::new_err(text));
    }
    let mut given = vec![None; made.class.arguments().count()];
    for (name, value) in kwargs.into_iter().flatten() {
        let name = name.cast_into::<PyString>()?;
        let place = made.class.arguments().position(|field| text(field.name) == name.to_string_lossy());
        let Some(place) = place else {
            let text = format!("{class}.__init__() got an unexpected keyword argument '{name}'");
            return Err(PyTypeError::new_err(text));
        };
        given[place] = Some(value);
    }
    let missing: Vec<String> = made
        .class
        .arguments()
        .zip(&given)
        .filter(|(field, value)| value.is_none() && field.source.default().is_none())
        .map(|(field, _)| format!("'{}'", text(field.name)))
        .collect();
    let listed = match missing.as_slice() {
        [] => return Ok(given),
        [one] => format!("1 required keyword-only argument: {one}"),
        [first, last] => format!("2 required keyword-only arguments: {first} and {last}"),
        [others @ .., last] => {
            format!("{} required keyword-only arguments: {}, and {last}", missing.len(), others.join(", "))
        }
    };
    Err(PyTypeError::new_err(format!("{class}.__init__() missing {listed}")))
}

/// A record in which everything optional is absent.
fn blank(class: &Class, part: usize) -> Record {
    let mut record =
        Record { kind: class.kind as u8, venue: u16::MAX, symbol: NO_SYMBOL, ..Record::default() };
    for field in class.fields {
        match field.source {
            Source::OptionalFloat(of, slot) if of == part => record.slots[slot] = Slot::f64(f64::NAN),
            Source::OptionalInt(of, slot) if of == part => record.slots[slot] = Slot::i64(-1),
            _ => {}
        }
    }
    record
}

impl<'py> Draft<'py> {
    fn fill(&mut self, field: &Field, value: &Value<'py>) -> PyResult<()> {
        let name = text(field.name);
        let py = value.py();
        match field.source {
            Source::Symbol => self.symbol = exact_text(name, value)?,
            Source::Venue => self.venue = exact_text(name, value)?,
            Source::EventNs => self.parts[0].event_ns = integer(value, name, i64::MIN..=i64::MAX)?,
            Source::RecvNs => self.parts[0].recv_ns = integer(value, name, i64::MIN..=i64::MAX)?,
            Source::Seq => self.parts[0].seq = unsigned(name, value)?,
            Source::Float(part, slot) => self.parts[part].slots[slot] = Slot::f64(float(name, value)?),
            Source::OptionalFloat(part, slot) => {
                if !value.is_none() {
                    self.parts[part].slots[slot] = Slot::f64(float(name, value)?);
                }
            }
            Source::Int(part, slot) => {
                self.parts[part].slots[slot] = Slot::i64(integer(value, name, i64::MIN..=i64::MAX)?);
            }
            Source::OptionalInt(part, slot) => {
                if !value.is_none() {
                    self.parts[part].slots[slot] = Slot::i64(integer(value, name, i64::MIN..=i64::MAX)?);
                }
            }
            Source::Side => self.own_flags = side(value)?,
            Source::Closed => self.own_flags = if boolean(name, value)? { CLOSED } else { 0 },
            Source::Interval => self.parts[1].seq = interval(value)?,
            Source::Status => self.parts[0].slots[0] = Slot::i64(status(value)?),
            Source::Bids => self.bids = levels(py, name, value)?,
            Source::Asks => self.asks = levels(py, name, value)?,
            Source::Flags | Source::BuyerIsMaker | Source::Partial => {}
        }
        Ok(())
    }

    fn finish(mut self, py: Python<'py>, made: &'static Made, flags: u8) -> PyResult<Value<'py>> {
        let [first, second] = &mut self.parts;
        first.flags = (flags & !(made.class.derived_flags() | MORE)) | self.own_flags;
        let mut message = vec![*first];
        if made.class.parts() == 2 {
            message.push(*second);
        }
        if made.class.is_book() {
            first.slots[2] = Slot::i64(self.bids.len() as i64);
            first.slots[3] = Slot::i64(self.asks.len() as i64);
            message[0] = *first;
            let sides =
                self.bids.iter().map(|level| (0, level)).chain(self.asks.iter().map(|level| (SIDE, level)));
            message.extend(sides.map(|(flags, (price, quantity))| Record {
                kind: Kind::Level as u8,
                flags,
                slots: [Slot::f64(*price), Slot::f64(*quantity), Slot::default(), Slot::default()],
                ..*first
            }));
        }
        let last = message.len() - 1;
        for record in &mut message[..last] {
            record.flags |= MORE;
        }
        new(py, made, &message, self.symbol.as_unbound(), self.venue.as_unbound())
    }
}

pub(crate) fn exact_text<'py>(name: &str, value: &Value<'py>) -> PyResult<Bound<'py, PyString>> {
    let Ok(given) = value.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("{name} must be a str, was {}", type_name(value)?)));
    };
    if given.is_exact_instance_of::<PyString>() {
        return Ok(given.clone());
    }
    let plain = value.py().get_type::<PyString>().call_method1(intern!(value.py(), "__str__"), (value,))?;
    Ok(plain.cast_into::<PyString>()?)
}

fn boolean(name: &str, value: &Value<'_>) -> PyResult<bool> {
    match value.cast::<PyBool>() {
        Ok(truth) => Ok(truth.is_true()),
        Err(_) => Err(PyTypeError::new_err(format!("{name} must be a bool, was {}", type_name(value)?))),
    }
}

/// An unsigned 64-bit integer; `argument::integer` ends at i64.
fn unsigned(name: &str, value: &Value<'_>) -> PyResult<u64> {
    match value.extract::<u64>() {
        Ok(number) => Ok(number),
        Err(_) if value.is_instance_of::<PyInt>() || value.hasattr("__index__")? => {
            Err(PyValueError::new_err(format!("{name} must be 0..{}, was {}", u64::MAX, value.str()?)))
        }
        Err(_) => Err(PyTypeError::new_err(format!("{name} must be an integer, was {}", type_name(value)?))),
    }
}

fn float(name: &str, value: &Value<'_>) -> PyResult<f64> {
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(number.value());
    }
    let py = value.py();
    let Ok(number) = py.import("operator")?.call_method1("index", (value,)) else {
        return Err(PyTypeError::new_err(format!("{name} must be a float, was {}", type_name(value)?)));
    };
    number.extract::<f64>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(py) {
            PyValueError::new_err(format!("{name} must be within the range of a float"))
        } else {
            error
        }
    })
}

/// The flag bits of a side.
fn side(value: &Value<'_>) -> PyResult<u8> {
    if value.is_none() {
        return Ok(SIDELESS);
    }
    match text_of(value).as_deref() {
        Some("buy") => Ok(0),
        Some("sell") => Ok(SIDE),
        _ => Err(PyValueError::new_err(format!("side must be 'buy', 'sell' or None, was {}", value.repr()?))),
    }
}

fn status(value: &Value<'_>) -> PyResult<i64> {
    let given = text_of(value);
    let known = STATUSES.iter().find(|(name, _)| given.as_deref() == Some(*name));
    known
        .map(|(_, status)| *status as i64)
        .ok_or_else(|| one_of("status", STATUSES.map(|(name, _)| name), value))
}

/// Length of a bar interval; 0 for "".
fn interval(value: &Value<'_>) -> PyResult<u64> {
    let given = text_of(value);
    if given.as_deref() == Some("") {
        return Ok(0);
    }
    let known = INTERVALS.iter().find(|(name, _)| given.as_deref() == Some(*name));
    known.map(|(_, length)| *length).ok_or_else(|| one_of("interval", INTERVALS.map(|(name, _)| name), value))
}

fn text_of(value: &Value<'_>) -> Option<String> {
    value.cast::<PyString>().ok().map(|text| text.to_string_lossy().into_owned())
}

fn one_of<const N: usize>(name: &str, known: [&str; N], value: &Value<'_>) -> PyErr {
    match value.repr() {
        Ok(shown) => {
            PyValueError::new_err(format!("{name} must be one of {}, was {shown}", known.join(", ")))
        }
        Err(error) => error,
    }
}

pub(crate) fn levels(py: Python<'_>, name: &str, value: &Value<'_>) -> PyResult<Vec<(f64, f64)>> {
    let wrong = || format!("{name} must hold (price, quantity) pairs");
    let pairs = pairs(value).map_err(|error| {
        if error.is_instance_of::<PyTypeError>(py) { PyTypeError::new_err(wrong()) } else { error }
    })?;
    if pairs.iter().any(|pair| pair.len() != 2) {
        return Err(PyValueError::new_err(wrong()));
    }
    pairs.iter().map(|pair| Ok((float(name, &pair[0])?, float(name, &pair[1])?))).collect()
}

fn pairs<'py>(value: &Value<'py>) -> PyResult<Vec<Vec<Value<'py>>>> {
    value.try_iter()?.map(|pair| pair?.try_iter()?.collect()).collect()
}
