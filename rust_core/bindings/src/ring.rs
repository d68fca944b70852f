//! `Ring` for Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tradewire_core::record::Record;
use tradewire_core::record::flags::MORE;
use tradewire_core::ring::{self, MOST, Writer};
use tradewire_core::sink::Sink;

use crate::argument::integer;
use crate::batch;
use crate::error::StateError;

/// Single-writer, single-reader ring of whole messages.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Ring {
    ring: ring::Ring,
}

impl Ring {
    /// Lends the writing side. `StateError`: somebody else is writing.
    pub(crate) fn write<R>(&self, f: impl FnOnce(&mut Writer<'_>) -> R) -> PyResult<R> {
        match self.ring.writer() {
            Some(mut writer) => Ok(f(&mut writer)),
            None => Err(held("writer")),
        }
    }

    /// Lends the oldest whole messages, up to `limit` records, and takes them out. `StateError`: somebody else is reading.
    pub(crate) fn take<R>(&self, limit: usize, copy: impl FnOnce(&[Record], &[Record]) -> R) -> PyResult<R> {
        let mut reader = self.ring.reader().ok_or_else(|| held("reader"))?;
        Ok(reader.take(limit, copy))
    }
}

#[cold]
fn held(side: &str) -> PyErr {
    StateError::new_err(format!(
        "the ring has another {side} at this moment; a ring has one writer and one reader"
    ))
}

#[pymethods]
impl Ring {
    #[new]
    fn new(capacity: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capacity = integer(capacity, "capacity", 1..=MOST as i64)?;
        Ok(Self { ring: ring::Ring::new(capacity as usize) })
    }

    #[getter]
    fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    fn __len__(&self) -> usize {
        self.ring.len()
    }

    fn push(&self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<usize> {
        let records = batch::records(records)?;
        let slice: &[_] = &records;
        if slice.last().is_some_and(|last| last.flags & MORE != 0) {
            return Err(PyValueError::new_err(
                "the last message is incomplete: its last record has the flag MORE",
            ));
        }
        py.detach(|| {
            self.write(|writer| {
                ring::are_whole(slice, writer.capacity()).then(|| writer.push_patiently(slice))
            })
        })?
        .ok_or_else(|| {
            let capacity = self.ring.capacity();
            PyValueError::new_err(format!("a message is longer than the capacity of {capacity} records"))
        })
    }

    fn drain<'py>(&self, py: Python<'py>, limit: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let limit = integer(limit, "limit", 1..=MOST as i64)? as usize;
        self.take(limit, |first, second| batch::array(py, first, second))?
    }
}
