//! `Decoder` for Python. Not for reading payloads: `tradewire_core::decode` does that.

use std::slice;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use tradewire_core::decode::{self, DecodeError, Refused, excerpt};
use tradewire_core::sink::{Sink, VecSink};

use crate::argument::{integer, type_name};
use crate::error::{self, PlanError, StateError};
use crate::events::{event_of, events_of};
use crate::events_object::{list_of_one, made};
use crate::lent::{Holder, Lent};
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
    inner: Lent<Inner>,
}

struct Inner {
    decoder: decode::Decoder,
    sink: VecSink,
    names: Names,
}

impl Decoder {
    /// Lends the decoder. `StateError`: another thread has it.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut decode::Decoder) -> R) -> PyResult<R> {
        Ok(f(&mut self.take()?.decoder))
    }

    /// Never waits, so that it cannot wait for a thread that waits for the interpreter.
    #[inline]
    fn take(&self) -> PyResult<Holder<'_, Inner>> {
        self.inner.take().ok_or_else(busy)
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
        let mut inner = self.take()?;
        let Inner { decoder, sink, names } = &mut *inner;
        sink.clear();
        if let Err(refused) = decoder.decode(data, recv_ns, stream, sink) {
            return Err(self.refusal(refused, decoder, data, stream));
        }
        // Lists are made when the decoder is given back: making one may start a garbage collection, and that any Python
        // code, this decoder's methods too.
        if let [only] = sink.records() {
            let event = event_of(py, classes, names, slice::from_ref(only))?;
            drop(inner);
            return list_of_one(py, event);
        }
        let events = events_of(py, classes, names, sink.records())?;
        drop(inner);
        PyList::new(py, events).map(Bound::into_any)
    }

    #[cold]
    fn refusal(
        &self,
        refused: Refused,
        decoder: &decode::Decoder,
        data: &[u8],
        stream: Option<&str>,
    ) -> PyErr {
        match refused {
            Refused::Error(refused) => self.error_value(refused, decoder, data, stream),
            Refused::Full => PyRuntimeError::new_err("Invariant: this sink has always room"),
        }
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
        let mut inner = self.take()?;
        let decoder = &mut inner.decoder;
        if let Ok(data) = data.cast::<PyBytes>() {
            let data = data.as_bytes();
            return match ring.write(|writer| decoder.decode(data, recv_ns, stream, writer))? {
                Ok(messages) => Ok(i64::from(messages)),
                Err(Refused::Full) => Ok(FULL),
                Err(Refused::Error(refused)) => Err(self.error_value(refused, decoder, data, stream)),
            };
        }
        if let Ok(list) = data.cast::<PyList>() {
            ring.write(|writer| write_all(decoder, list.iter(), recv_ns, stream, writer))?
        } else if let Ok(tuple) = data.cast::<PyTuple>() {
            ring.write(|writer| write_all(decoder, tuple.iter(), recv_ns, stream, writer))?
        } else {
            Err(no_bytes(data))
        }
    }
}

/// Writes payloads until one does not fit; bad ones are counted by the decoder. The number of payloads done.
fn write_all<'py, S: Sink>(
    decoder: &mut decode::Decoder,
    payloads: impl Iterator<Item = Bound<'py, PyAny>>,
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
        Ok(Self { symbols: table.unbind(), venue: plan.venue, inner: Lent::new(inner) })
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
    match value.extract::<i64>() {
        Ok(time) if time >= 0 => Ok(time),
        _ => integer(value, "recv_ns", 0..=i64::MAX),
    }
}

/// Stream name of a call.
pub(crate) fn stream_name<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<&'a str>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.cast::<PyString>() {
        Ok(text) => text.to_str().map(Some),
        Err(_) => Err(PyTypeError::new_err(format!("stream must be a str, was {}", type_name(value)?))),
    }
}
