//! Events out of messages: the door through which the other files make them. Not for their layout or their fields.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use tradewire_core::record::{Messages, Record};

use crate::events_object::{Made, made, new};
use crate::symbols::Names;

/// Adds the event classes to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    for made in made(module.py())? {
        module.add(made.class.short_name(), &made.type_object)?;
    }
    Ok(())
}

/// The event of one message that a decoder made.
#[inline]
pub(crate) fn event_of<'py>(
    py: Python<'py>,
    classes: &'static [Made; 9],
    names: &mut Names,
    message: &[Record],
) -> PyResult<Bound<'py, PyAny>> {
    let first = &message[0];
    let Some(made) = classes.get(usize::from(first.kind).wrapping_sub(1)) else {
        return Err(PyValueError::new_err(format!("no message begins with kind {}", first.kind)));
    };
    match names.of(py, first) {
        Some([symbol, venue]) => new(py, made, message, symbol, venue),
        None => Err(PyValueError::new_err(names.unknown(first))),
    }
}

/// The events of the messages that a decoder made.
pub(crate) fn events_of<'py>(
    py: Python<'py>,
    classes: &'static [Made; 9],
    names: &mut Names,
    records: &[Record],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    Messages(records).map(|message| event_of(py, classes, names, message)).collect()
}
