//! Field values out of records: what a getter returns. Not for constructor arguments: `events_new` reads those.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple};
use tradewire_core::record::flags::{CLOSED, MORE, PARTIAL, SIDE, SIDELESS};
use tradewire_core::record::{ControlStatus, INTERVALS, Kind, Record};

use crate::events_table::Source;

/// Names of `ControlStatus`, in its order.
pub const STATUSES: [(&str, ControlStatus); 4] = [
    ("ack", ControlStatus::Ack),
    ("error", ControlStatus::Error),
    ("notice", ControlStatus::Notice),
    ("unknown", ControlStatus::Unknown),
];

/// The value of a field of a message. Symbol and venue are not in the records; they are None here.
pub fn value<'py>(py: Python<'py>, source: Source, message: &[Record]) -> PyResult<Bound<'py, PyAny>> {
    let first = &message[0];
    Ok(match source {
        Source::Symbol | Source::Venue => py.None().into_bound(py),
        Source::EventNs => int(py, first.event_ns),
        Source::RecvNs => int(py, first.recv_ns),
        Source::Seq => first.seq.into_pyobject(py)?.into_any(),
        Source::Flags => int(py, i64::from(shown_flags(first))),
        Source::Float(part, slot) => float(py, message[part].slots[slot].as_f64()),
        Source::OptionalFloat(part, slot) => {
            let number = message[part].slots[slot].as_f64();
            if number.is_nan() { py.None().into_bound(py) } else { float(py, number) }
        }
        Source::Int(part, slot) => int(py, message[part].slots[slot].as_i64()),
        Source::OptionalInt(part, slot) => match message[part].slots[slot].as_i64() {
            -1 => py.None().into_bound(py),
            number => int(py, number),
        },
        Source::Side => match is_sell(first) {
            Some(true) => intern!(py, "sell").clone().into_any(),
            Some(false) => intern!(py, "buy").clone().into_any(),
            None => py.None().into_bound(py),
        },
        Source::BuyerIsMaker => match is_sell(first) {
            Some(sell) => bool(py, sell),
            None => py.None().into_bound(py),
        },
        Source::Closed => bool(py, first.flags & CLOSED != 0),
        Source::Partial => bool(py, first.flags & PARTIAL != 0),
        Source::Interval => {
            let length = message[1].seq;
            let name = INTERVALS.iter().find(|(_, known)| *known == length).map_or("", |(name, _)| name);
            PyString::intern(py, name).into_any()
        }
        Source::Status => {
            let code = first.slots[0].as_i64();
            let known = STATUSES.iter().find(|(_, status)| *status as i64 == code);
            PyString::intern(py, known.map_or("unknown", |(name, _)| name)).into_any()
        }
        Source::Bids => levels(py, message, 0)?,
        Source::Asks => levels(py, message, SIDE)?,
    })
}

/// Without MORE; where there is no side, its bit says nothing.
fn shown_flags(record: &Record) -> u8 {
    let has_side = [Kind::Trade as u8, Kind::Liquidation as u8].contains(&record.kind);
    let silent = if has_side && record.flags & SIDELESS != 0 { MORE | SIDE } else { MORE };
    record.flags & !silent
}

fn int(py: Python<'_>, number: i64) -> Bound<'_, PyAny> {
    PyInt::new(py, number).into_any()
}

#[inline]
fn float(py: Python<'_>, number: f64) -> Bound<'_, PyAny> {
    PyFloat::new(py, number).into_any()
}

fn bool(py: Python<'_>, truth: bool) -> Bound<'_, PyAny> {
    PyBool::new(py, truth).to_owned().into_any()
}

/// Whether the taker sold; None where the venue gives no side.
fn is_sell(record: &Record) -> Option<bool> {
    (record.flags & SIDELESS == 0).then_some(record.flags & SIDE != 0)
}

/// Levels of one side as a tuple of (price, quantity).
fn levels<'py>(py: Python<'py>, message: &[Record], side: u8) -> PyResult<Bound<'py, PyAny>> {
    let found: Vec<(f64, f64)> = message
        .iter()
        .filter(|record| record.kind == Kind::Level as u8 && record.flags & SIDE == side)
        .map(|record| (record.slots[0].as_f64(), record.slots[1].as_f64()))
        .collect();
    Ok(PyTuple::new(py, found)?.into_any())
}
