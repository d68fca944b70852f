//! `WireReader` and `WireResult` for Python.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMemoryView, PyString};
use tradewire_core::clock::wall_ns;
use tradewire_core::decode::KINDS;
use tradewire_core::wire::{Buffer, Delivery, Memory, Outcome, ROOM, Reader, Receiver, Violation};

use crate::argument::{integer, type_name};
use crate::decoder::Decoder;
use crate::digest::Digest;
use crate::error::StateError;
use crate::ring::Ring;

/// Bytes that may follow a frame's first two.
const HEADER: usize = 10;

/// Lends the receive buffer to Python: the memory lives as long as a view of it.
#[pyclass(frozen, module = "tradewire.core")]
struct Room {
    memory: Arc<Memory>,
    offset: usize,
}

#[pymethods]
impl Room {
    #[expect(clippy::needless_pass_by_value, reason = "PyO3's signature")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let room = slf.get();
        assert!(room.offset + ROOM <= room.memory.len(), "Invariant: the room is inside the memory");
        // SAFETY: Python gives a view to fill; the bytes live as long as `slf`, which the view keeps alive.
        let filled = unsafe {
            let start = room.memory.start().add(room.offset).cast();
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, ROOM.cast_signed(), 0, flags)
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// What one read of the socket gave.
#[pyclass(frozen, module = "tradewire.core")]
pub struct WireResult {
    #[pyo3(get)]
    pub(crate) messages: u64,
    pub(crate) counts: [u64; KINDS.len()],
    frames: Vec<(u8, Vec<u8>)>,
    errors: Vec<PyErr>,
    #[pyo3(get)]
    pub(crate) error_count: u64,
    controls: Vec<Vec<u8>>,
    #[pyo3(get)]
    control_count: u64,
    #[pyo3(get)]
    full: bool,
    pub(crate) close: Option<Violation>,
}

#[pymethods]
impl WireResult {
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for ((_, name), count) in KINDS.iter().zip(self.counts) {
            if count > 0 {
                counts.set_item(PyString::intern(py, name), count)?;
            }
        }
        Ok(counts)
    }

    #[getter]
    fn frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.frames.iter().map(|(opcode, payload)| (*opcode, PyBytes::new(py, payload))))
    }

    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.errors.iter().map(|error| error.value(py)))
    }

    #[getter]
    fn controls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.controls.iter().map(|payload| PyBytes::new(py, payload)))
    }

    #[getter]
    fn plain(&self) -> bool {
        self.frames.is_empty()
            && self.error_count == 0
            && self.control_count == 0
            && !self.full
            && self.close.is_none()
    }

    #[getter]
    fn close(&self) -> Option<(u16, &'static str)> {
        self.close.map(|violation| (violation.code(), violation.reason()))
    }
}

struct State {
    reader: Reader,
    buffer: Buffer,
    recv_ns: i64,
    /// A buffer was asked for since the last call.
    lent: bool,
    /// The view that was lent last, and what of.
    view: Option<(Arc<Memory>, usize, Py<PyMemoryView>)>,
    /// Who deals with plain reads at once, and what gives the arguments of its `run`.
    direct: Option<(Py<Digest>, Py<PyAny>)>,
    full: bool,
}

/// RFC 6455 client-side frame reader joined to a decoder and a ring.
#[pyclass(frozen, module = "tradewire.core")]
pub struct WireReader {
    decoder: Py<Decoder>,
    ring: Py<Ring>,
    stream: Option<String>,
    max_message: usize,
    state: Mutex<State>,
}

impl WireReader {
    /// The state, if nobody else has it: waiting for it with the GIL held could wait for ever.
    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|_| {
            StateError::new_err(
                "the reader has another caller at this moment; a reader belongs to one connection",
            )
        })
    }

    /// Takes bytes with `take` and reads whole frames from what is held, until `take` says that it was all.
    fn read(
        &self,
        py: Python<'_>,
        state: &mut State,
        mut take: impl FnMut(&mut Buffer) -> ControlFlow<()>,
    ) -> PyResult<WireResult> {
        let python_decoder = self.decoder.bind(py).get();
        let stream = self.stream.as_deref();
        self.ring.bind(py).get().write(|writer| {
            python_decoder.with(|decoder| {
                let mut delivery = Delivery::new(decoder, writer, state.recv_ns, stream);
                let close = state.read(&mut delivery, &mut take);
                let (counts, messages, frames) = (delivery.counts(), delivery.messages, delivery.frames);
                let (refused, error_count) = (delivery.refused, delivery.refused_count);
                let (controls, control_count) = (delivery.controls, delivery.control_count);
                let rich = |(error, payload): (_, Vec<u8>)| {
                    python_decoder.error_value(error, decoder, &payload, stream)
                };
                let errors = refused.into_iter().map(rich).collect();
                WireResult {
                    messages,
                    counts,
                    frames,
                    errors,
                    error_count,
                    controls,
                    control_count,
                    full: state.full,
                    close,
                }
            })
        })?
    }
}

impl State {
    /// Reads what is held, again after each `take`, and says how to fail the connection.
    fn read(
        &mut self,
        receiver: &mut impl Receiver,
        mut take: impl FnMut(&mut Buffer) -> ControlFlow<()>,
    ) -> Option<Violation> {
        let mut close = None;
        self.lent = false;
        self.full = false;
        loop {
            let taken = take(&mut self.buffer);
            if !self.full {
                let (count, outcome) = self.reader.read(self.buffer.unread(), receiver);
                self.buffer.consume(count);
                self.full = outcome == Outcome::Full;
                if let Outcome::Failed(violation) = outcome {
                    close = Some(violation);
                }
            }
            if taken.is_break() {
                return close;
            }
        }
    }

    fn refuse_while_full(&self) -> PyResult<()> {
        if self.full {
            return Err(StateError::new_err("the ring was full: drain it and call resume() first"));
        }
        Ok(())
    }
}

#[pymethods]
impl WireReader {
    #[new]
    #[pyo3(
        signature = (decoder, ring, *, stream=None, max_message=None, max_fragments=None),
        text_signature = "(decoder, ring, *, stream=None, max_message=1048576, max_fragments=1024)"
    )]
    fn new(
        decoder: &Bound<'_, PyAny>,
        ring: &Bound<'_, PyAny>,
        stream: Option<&Bound<'_, PyAny>>,
        max_message: Option<&Bound<'_, PyAny>>,
        max_fragments: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let wrong = |what: &str, value: &Bound<'_, PyAny>| match type_name(value) {
            Ok(kind) => PyTypeError::new_err(format!("{what}, was {kind}")),
            Err(error) => error,
        };
        let decoder = decoder.cast().map_err(|_| wrong("decoder must be a Decoder of this core", decoder))?;
        let ring = ring.cast().map_err(|_| wrong("ring must be a Ring of this core", ring))?;
        let stream =
            stream.map(|name| name.extract().map_err(|_| wrong("stream must be a str or None", name)));
        let bounded = |value: Option<&Bound<'_, PyAny>>, default: usize, name, lowest, highest| match value {
            Some(value) => integer(value, name, lowest..=highest).map(|number| number as usize),
            None => Ok(default),
        };
        let stream = stream.transpose()?;
        let max_message = bounded(max_message, 1 << 20, "max_message", 125, 1 << 26)?;
        let max_fragments = bounded(max_fragments, 1024, "max_fragments", 1, 1 << 20)?;
        Ok(Self {
            decoder: decoder.clone().unbind(),
            ring: ring.clone().unbind(),
            stream,
            max_message,
            state: Mutex::new(State {
                reader: Reader::new(max_message, max_fragments),
                buffer: Buffer::default(),
                recv_ns: 0,
                lent: false,
                view: None,
                direct: None,
                full: false,
            }),
        })
    }

    #[pyo3(signature = (sizehint = None), text_signature = "($self, sizehint=-1)")]
    fn get_buffer(&self, py: Python<'_>, sizehint: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyMemoryView>> {
        if let Some(sizehint) = sizehint {
            integer(sizehint, "sizehint", -1..=i64::MAX)?;
        }
        let mut state = self.state()?;
        state.refuse_while_full()?;
        state.lent = true;
        let (memory, offset) = state.buffer.lend(self.max_message + HEADER);
        let memory = Arc::clone(memory);
        // Mostly the same room again, since reads end with whole frames.
        if let Some((lent, start, view)) = &state.view
            && Arc::ptr_eq(lent, &memory)
            && *start == offset
        {
            return Ok(view.clone_ref(py));
        }
        let room = Bound::new(py, Room { memory: Arc::clone(&memory), offset })?;
        let view = PyMemoryView::from(&room)?.unbind();
        state.view = Some((memory, offset, view.clone_ref(py)));
        Ok(view)
    }

    #[pyo3(signature = (count, recv_ns = None))]
    fn buffer_updated(
        &self,
        py: Python<'_>,
        count: &Bound<'_, PyAny>,
        recv_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<WireResult>> {
        let count = integer(count, "count", 0..=ROOM as i64)? as usize;
        let recv_ns =
            recv_ns.map_or_else(|| Ok(wall_ns()), |value| integer(value, "recv_ns", 0..=i64::MAX))?;
        let mut state = self.state()?;
        state.refuse_while_full()?;
        if !state.lent {
            return Err(StateError::new_err(
                "no buffer was asked for: call get_buffer() before each buffer_updated()",
            ));
        }
        state.recv_ns = recv_ns;
        let result = self.read(py, &mut state, |buffer| {
            buffer.filled(count);
            ControlFlow::Break(())
        })?;
        let direct = state.direct.as_ref().filter(|_| result.plain());
        let direct = direct.map(|(digest, asks)| (digest.clone_ref(py), asks.clone_ref(py)));
        // Callbacks may use the reader.
        drop(state);
        if let Some((digest, asks)) = direct {
            let asked = asks.bind(py).call0()?.extract()?;
            if digest.get().take(py, &result, count as u64, asked)? {
                return Ok(None);
            }
        }
        Ok(Some(result))
    }

    #[pyo3(signature = (digest, asks = None))]
    fn direct(&self, digest: Option<&Bound<'_, PyAny>>, asks: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let direct = match (digest, asks) {
            (None, _) => None,
            (Some(digest), Some(asks)) if asks.is_callable() => {
                let Ok(digest) = digest.cast::<Digest>() else {
                    let given = type_name(digest)?;
                    return Err(PyTypeError::new_err(format!(
                        "digest must be a Digest of this core, was {given}"
                    )));
                };
                Some((digest.clone().unbind(), asks.clone().unbind()))
            }
            (Some(_), asks) => {
                let given = asks.map_or_else(|| Ok("NoneType".to_owned()), type_name)?;
                return Err(PyTypeError::new_err(format!("asks must be callable, was {given}")));
            }
        };
        // The one before ends outside the lock: its end may run Python code.
        let before = std::mem::replace(&mut self.state()?.direct, direct);
        drop(before);
        Ok(())
    }

    fn feed(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        recv_ns: &Bound<'_, PyAny>,
    ) -> PyResult<WireResult> {
        let Ok(data) = data.cast::<PyBytes>() else {
            return Err(PyTypeError::new_err(format!("data must be bytes, was {}", type_name(data)?)));
        };
        let recv_ns = integer(recv_ns, "recv_ns", 0..=i64::MAX)?;
        let mut state = self.state()?;
        state.refuse_while_full()?;
        state.recv_ns = recv_ns;
        // In pieces, so that a long recording passes through a small buffer.
        let mut pieces = data.as_bytes().chunks(ROOM);
        self.read(py, &mut state, |buffer| {
            buffer.append(pieces.next().unwrap_or_default());
            if pieces.len() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    fn resume(&self, py: Python<'_>) -> PyResult<WireResult> {
        let mut state = self.state()?;
        self.read(py, &mut state, |_| ControlFlow::Break(()))
    }

    #[getter]
    fn pending(&self) -> PyResult<usize> {
        let state = self.state()?;
        Ok(state.buffer.unread().len() + state.reader.held())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Held by a thread that reads: what is not visited counts as in use.
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        match &state.direct {
            Some((digest, asks)) => {
                visit.call(digest)?;
                visit.call(asks)
            }
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        let direct = self.state.try_lock().ok().and_then(|mut state| state.direct.take());
        drop(direct);
    }
}
