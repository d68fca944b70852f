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
    classes: &[Made; 9],
    names: &mut Names,
    message: &[Record],
) -> PyResult<Bound<'py, PyAny>> {
    let made = usize::from(message[0].kind).checked_sub(1).and_then(|index| classes.get(index));
    match (made, names.of(py, &message[0])) {
        (Some(made), Ok([symbol, venue])) => new(py, made, message, symbol, venue),
        (_, Err(unknown)) => Err(PyValueError::new_err(unknown.to_string())),
        (None, _) => Err(PyValueError::new_err(format!("no message begins with kind {}", message[0].kind))),
    }
}

/// The events of the messages that a decoder made.
pub(crate) fn events_of<'py>(
    py: Python<'py>,
    names: &mut Names,
    records: &[Record],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let classes = made(py)?;
    Messages(records).map(|message| event_of(py, classes, names, message)).collect()
}
