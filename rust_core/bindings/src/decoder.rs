//! `Decoder` for Python. Not for reading payloads: `tradewire_core::decode` does that.

use std::sync::{Mutex, TryLockError};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use tradewire_core::decode::{self, DecodeError, Refused, excerpt};
use tradewire_core::sink::{Sink, VecSink};

use crate::argument::{integer, type_name};
use crate::error::{self, PlanError, StateError};
use crate::events::{event_of, events_of};
use crate::events_object::made;
use crate::plan;
use crate::ring::Ring;
use crate::symbols::{Names, SymbolTable};

/// What `decode_into` returns when the ring has no room; `FULL` of protocols.py.
const FULL: i64 = -1;

/// Payload bytes to events or records, by a field plan.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Decoder {
    symbols: Py<SymbolTable>,
    venue: String,
    inner: Mutex<Inner>,
}

struct Inner {
    decoder: decode::Decoder,
    sink: VecSink,
    names: Names,
}

impl Decoder {
    /// Lends the decoder. `StateError`: another thread has it.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut decode::Decoder) -> R) -> PyResult<R> {
        self.lend(|inner| f(&mut inner.decoder))
    }

    /// Never waits, so that it cannot wait for a thread that waits for the interpreter.
    #[inline]
    fn lend<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> PyResult<R> {
        match self.inner.try_lock() {
            Ok(mut inner) => Ok(f(&mut inner)),
            Err(TryLockError::Poisoned(inner)) => Ok(f(&mut inner.into_inner())),
            Err(TryLockError::WouldBlock) => Err(busy()),
        }
    }

    /// The rich form of a refusal, to raise or to hand out.
    #[cold]
    pub(crate) fn error_value(
        &self,
        refused: DecodeError,
        decoder: &decode::Decoder,
        data: &[u8],
        stream: Option<&str>,
    ) -> PyErr {
        let shape = refused.shape.and_then(|shape| decoder.channel(shape));
        let channel = match (shape, stream) {
            (Some(channel), _) => channel.to_owned(),
            (None, Some(stream)) => printable(excerpt(stream.as_bytes(), 0)),
            (None, None) => "?".to_owned(),
        };
        let near = printable(excerpt(data, refused.offset));
        error::DecodeError::new_err((
            self.venue.clone(),
            channel,
            refused.offset,
            refused.reason.name(),
            near,
        ))
    }

    /// `decode`, behind its arguments.
    #[inline]
    pub(crate) fn events<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        recv_ns: i64,
        stream: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let classes = made(py)?;
        // Lists are made outside: making one may start a garbage collection, and that any Python code.
        let found = self.lend(|Inner { decoder, sink, names }| {
            sink.clear();
            match decoder.decode(data, recv_ns, stream, sink) {
                Ok(_) => {}
                Err(Refused::Error(refused)) => return Err(self.error_value(refused, decoder, data, stream)),
                Err(Refused::Full) => {
                    return Err(PyRuntimeError::new_err("Invariant: this sink has always room"));
                }
            }
            match sink.records() {
                [only] => event_of(py, classes, names, std::slice::from_ref(only)).map(Found::One),
                records => events_of(py, names, records).map(Found::Many),
            }
        })??;
        match found {
            Found::One(event) => PyList::new(py, [event]),
            Found::Many(events) => PyList::new(py, events),
        }
        .map(Bound::into_any)
    }

    /// `decode_into`, behind its arguments.
    #[inline]
    pub(crate) fn records(
        &self,
        data: &Bound<'_, PyAny>,
        recv_ns: i64,
        ring: &Ring,
        stream: Option<&str>,
    ) -> PyResult<i64> {
        if let Ok(data) = data.cast::<PyBytes>() {
            return self.lend(|Inner { decoder, .. }| {
                ring.write(|writer| match decoder.decode(data.as_bytes(), recv_ns, stream, writer) {
                    Ok(messages) => Ok(i64::from(messages)),
                    Err(Refused::Full) => Ok(FULL),
                    Err(Refused::Error(refused)) => Err((refused, data.as_bytes())),
                })?
                .map_err(|(refused, data)| self.error_value(refused, decoder, data, stream))
            })?;
        }
        let into = |decoder: &mut decode::Decoder, payloads: &mut dyn Iterator<Item = Bound<'_, PyAny>>| {
            ring.write(|writer| write_all(decoder, payloads, recv_ns, stream, writer))?
        };
        if let Ok(list) = data.cast::<PyList>() {
            self.lend(|inner| into(&mut inner.decoder, &mut list.iter()))?
        } else if let Ok(tuple) = data.cast::<PyTuple>() {
            self.lend(|inner| into(&mut inner.decoder, &mut tuple.iter()))?
        } else {
            Err(no_bytes(data))
        }
    }
}

enum Found<'py> {
    One(Bound<'py, PyAny>),
    Many(Vec<Bound<'py, PyAny>>),
}

/// Writes payloads until one does not fit; bad ones are counted by the decoder. The number of payloads done.
fn write_all<S: Sink>(
    decoder: &mut decode::Decoder,
    payloads: &mut dyn Iterator<Item = Bound<'_, PyAny>>,
    recv_ns: i64,
    stream: Option<&str>,
    sink: &mut S,
) -> PyResult<i64> {
    let mut done = 0;
    for payload in payloads {
        let data = payload.cast::<PyBytes>().map_err(|_| no_bytes(&payload))?;
        if decoder.decode(data.as_bytes(), recv_ns, stream, sink) == Err(Refused::Full) {
            break;
        }
        done += 1;
    }
    Ok(done)
}

/// What `data` must be.
#[cold]
pub(crate) fn no_bytes(data: &Bound<'_, PyAny>) -> PyErr {
    match type_name(data) {
        Ok(kind) => PyTypeError::new_err(format!("data must be bytes, was {kind}")),
        Err(error) => error,
    }
}

#[cold]
fn busy() -> PyErr {
    StateError::new_err("the decoder is used by another thread at this moment; give each thread its own")
}

/// Printable ASCII, everything else as a dot.
fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' }).collect()
}

/// The table of a decoder: the one given, or a new one of the names given.
fn table<'py>(
    venue: &str,
    symbols: Option<&Bound<'py, PyAny>>,
    py: Python<'py>,
) -> PyResult<Bound<'py, SymbolTable>> {
    if let Some(table) = symbols.and_then(|symbols| symbols.cast::<SymbolTable>().ok()) {
        return Ok(table.clone());
    }
    let table = Bound::new(py, SymbolTable::new(py, None)?)?;
    if let Some(symbols) = symbols {
        if symbols.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("symbols must be names or a SymbolTable, was str"));
        }
        let venue = PyString::new(py, venue);
        for symbol in symbols.try_iter()? {
            table.get().add(&venue, &symbol?)?;
        }
    }
    Ok(table)
}

#[pymethods]
impl Decoder {
    #[new]
    #[pyo3(signature = (plan, symbols = None, *, learn = None))]
    fn new(
        plan: &Bound<'_, PyAny>,
        symbols: Option<&Bound<'_, PyAny>>,
        learn: Option<bool>,
    ) -> PyResult<Self> {
        let py = plan.py();
        let plan = plan::read(plan)?;
        let table = table(&plan.venue, symbols, py)?;
        table.get().venue_id(&plan.venue)?;
        let shared = table.get().shared.clone();
        let decoder = decode::Decoder::new(&plan, shared.clone(), learn.unwrap_or(symbols.is_none()))
            .map_err(PlanError::new_err)?;
        let inner = Inner { decoder, sink: VecSink::default(), names: Names::new(py, shared) };
        Ok(Self { symbols: table.unbind(), venue: plan.venue, inner: Mutex::new(inner) })
    }

    #[getter]
    fn symbols(&self, py: Python<'_>) -> Py<SymbolTable> {
        self.symbols.clone_ref(py)
    }

    #[getter]
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counted: Vec<_> = self.with(|decoder| decoder.counters().named().collect())?;
        let counters = PyDict::new(py);
        for (name, count) in counted {
            counters.set_item(name, count)?;
        }
        Ok(counters)
    }

    #[getter]
    fn quarantine(&self) -> PyResult<Vec<(&'static str, String)>> {
        self.with(|decoder| decoder.quarantine().map(|kept| (kept.class, printable(&kept.excerpt))).collect())
    }
}

/// Receive time of a call.
#[inline]
pub(crate) fn recv_time(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    integer(value, "recv_ns", 0..=i64::MAX)
}

/// Stream name of a call.
#[inline]
pub(crate) fn stream_name<'a>(value: Option<&'a Bound<'_, PyAny>>) -> PyResult<Option<&'a str>> {
    match value {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => match value.cast::<PyString>() {
            Ok(text) => Ok(Some(text.to_str()?)),
            Err(_) => Err(PyTypeError::new_err(format!("stream must be a str, was {}", type_name(value)?))),
        },
    }
}
