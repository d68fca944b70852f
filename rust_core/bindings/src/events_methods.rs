//! What the methods of events do, in safe code: repr, equality, hash, pickle, refusal of changes.

use std::fmt::Write as _;

use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{ffi, intern};

pub use crate::events_new::construct;
use crate::events_object::{Made, class_of};
use crate::events_table::{Class, Field, text};

impl Field {
    /// The name as an interned string.
    pub fn python_name(&self, py: Python<'_>) -> Py<PyString> {
        PyString::intern(py, text(self.name)).unbind()
    }
}

/// Signature and first line, in the form of which `help` and `inspect` take both.
pub fn doc(class: &Class) -> String {
    let mut doc = format!("{}(*", class.short_name());
    for field in class.arguments() {
        let name = text(field.name);
        let _ = match field.source.default() {
            Some(default) => write!(doc, ", {name}={default}"),
            None => write!(doc, ", {name}"),
        };
    }
    doc + ")\n--\n\n" + class.doc
}

fn made_of(event: &Bound<'_, PyAny>) -> PyResult<&'static Made> {
    class_of(event)?.ok_or_else(|| PyTypeError::new_err("Invariant: slots of events see events"))
}

/// Values in the order of `__match_args__`.
fn values<'py>(event: &Bound<'py, PyAny>, made: &Made) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = event.py();
    made.names[..made.class.arguments().count()].iter().map(|name| event.getattr(name.bind(py))).collect()
}

pub fn repr<'py>(event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let made = made_of(event)?;
    let mut shown = String::new();
    for (field, value) in made.class.arguments().zip(values(event, made)?) {
        let separator = if shown.is_empty() { "" } else { ", " };
        let _ = write!(shown, "{separator}{}={}", text(field.name), value.repr()?.to_str()?);
    }
    Ok(PyString::new(event.py(), &format!("{}({shown})", made.class.short_name())).into_any())
}

pub fn hash(event: &Bound<'_, PyAny>) -> PyResult<ffi::Py_hash_t> {
    let made = made_of(event)?;
    let mut all = vec![PyString::new(event.py(), made.class.short_name()).into_any()];
    all.extend(values(event, made)?);
    PyTuple::new(event.py(), all)?.hash()
}

/// Equality; everything else is left to the other operand.
pub fn compare<'py>(
    event: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    operation: std::ffi::c_int,
) -> PyResult<Bound<'py, PyAny>> {
    let py = event.py();
    let wants_equal = match operation {
        ffi::Py_EQ => true,
        ffi::Py_NE => false,
        _ => return Ok(py.NotImplemented().into_bound(py)),
    };
    if !event.get_type().is(other.get_type()) {
        return Ok(py.NotImplemented().into_bound(py));
    }
    let made = made_of(event)?;
    let (mine, theirs) = (PyTuple::new(py, values(event, made)?)?, PyTuple::new(py, values(other, made)?)?);
    mine.rich_compare(theirs, if wants_equal { CompareOp::Eq } else { CompareOp::Ne })
}

/// Events do not change.
pub fn refuse(event: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>, deletes: bool) -> PyResult<()> {
    let verb = if deletes { "delete" } else { "set" };
    let class = made_of(event)?.class.short_name();
    Err(PyAttributeError::new_err(format!("{class} is immutable: cannot {verb} {}", name.repr()?.to_str()?)))
}

/// Whether `event[name]` is a field.
pub fn has_field(event: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
    let names = &made_of(event)?.names;
    if names.iter().any(|known| known.is(name)) {
        return Ok(true);
    }
    let Ok(name) = name.cast::<PyString>() else { return Ok(false) };
    let Ok(name) = name.to_str() else { return Ok(false) };
    Ok(made_of(event)?.class.all_fields().any(|field| text(field.name) == name))
}

/// Pickles load as the class of the running implementation.
pub fn reduce<'py>(event: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = event.py();
    let made = made_of(event)?;
    let rebuild = py.import(intern!(py, "tradewire.core"))?.getattr(intern!(py, "_rebuild_event"))?;
    let values = PyTuple::new(py, values(event, made)?)?;
    Ok((rebuild, (made.class.short_name(), values)).into_pyobject(py)?.into_any())
}
