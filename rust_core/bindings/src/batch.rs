//! Batches: `NumPy` arrays of dtype `core.record.RECORD` seen as `&[Record]`, and made from them. Not for what they say.

use std::ops::Deref;
use std::{ptr, slice};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::{ffi, intern};
use tradewire_core::record::Record;

/// What is needed of `NumPy`, looked up once.
struct Numpy {
    array_type: Py<PyAny>,
    frombuffer: Py<PyAny>,
    dtype: Py<PyAny>,
    empty: Py<PyAny>,
}

fn numpy(py: Python<'_>) -> PyResult<&Numpy> {
    static NUMPY: PyOnceLock<Numpy> = PyOnceLock::new();
    NUMPY.get_or_try_init(py, || {
        let module = py.import("numpy")?;
        let dtype = py.import("tradewire.core.record")?.getattr("RECORD")?;
        let empty = module.call_method1("empty", (0, &dtype))?;
        empty.call_method1("setflags", (false,))?;
        Ok(Numpy {
            array_type: module.getattr("ndarray")?.unbind(),
            frombuffer: module.getattr("frombuffer")?.unbind(),
            dtype: dtype.unbind(),
            empty: empty.unbind(),
        })
    })
}

/// A batch seen as records, for as long as this lives. The caller's Python code must not write to the array meanwhile;
/// batches of `Ring.drain` cannot be written to.
pub struct Records {
    view: Box<ffi::Py_buffer>,
    count: usize,
}

// SAFETY: the view is only read through `Deref` and released in `Drop`, which attaches to the interpreter itself.
unsafe impl Send for Records {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Records {}

impl Deref for Records {
    type Target = [Record];

    #[inline]
    fn deref(&self) -> &[Record] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: `records` checked length and alignment; every bit pattern is a valid Record; the exporter keeps the
        // memory in place until the view is released.
        unsafe { slice::from_raw_parts(self.view.buf.cast::<Record>(), self.count) }
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        Python::attach(|_| {
            // SAFETY: the view was filled by PyObject_GetBuffer and is released once.
            unsafe {
                ffi::PyBuffer_Release(&raw mut *self.view);
            }
        });
    }
}

/// The records of a batch. `TypeError`: not an array. `ValueError`: another dtype or memory layout.
pub fn records(obj: &Bound<'_, PyAny>) -> PyResult<Records> {
    let py = obj.py();
    let numpy = numpy(py)?;
    if !obj.is_instance(numpy.array_type.bind(py))? {
        let kind = obj.get_type().name()?.to_string();
        return Err(PyTypeError::new_err(format!("a batch must be a NumPy array, was {kind}")));
    }
    let dtype = obj.getattr(intern!(py, "dtype"))?;
    if !dtype.is(&numpy.dtype) && !dtype.eq(&numpy.dtype)? {
        return Err(PyValueError::new_err(format!(
            "a batch must have the dtype core.RECORD, had {}",
            dtype.str()?
        )));
    }
    let mut view = Box::new(ffi::Py_buffer::new());
    let raw = &raw mut *view;
    // SAFETY: a fresh Py_buffer at an address that stays. Without PyBUF_FORMAT NumPy builds no format string, which
    // PyO3's own wrapper asks for and which costs microseconds.
    let got = unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), raw, ffi::PyBUF_C_CONTIGUOUS) };
    if got != 0 {
        PyErr::take(py);
        return Err(layout());
    }
    let records = Records { count: view.len as usize / size_of::<Record>(), view };
    if records.view.ndim != 1 || (records.count > 0 && !records.view.buf.cast::<Record>().is_aligned()) {
        return Err(layout());
    }
    Ok(records)
}

#[cold]
fn layout() -> PyErr {
    PyValueError::new_err("a batch must be one-dimensional, contiguous and aligned to 8 bytes")
}

/// An immutable batch: the records of `first`, then those of `second`.
pub fn array<'py>(py: Python<'py>, first: &[Record], second: &[Record]) -> PyResult<Bound<'py, PyAny>> {
    let numpy = numpy(py)?;
    let count = first.len() + second.len();
    if count == 0 {
        return Ok(numpy.empty.bind(py).clone());
    }
    // SAFETY: a bytes object that nobody else has seen yet may be written to, `count` records fit in it, and it is
    // filled before it is handed out. Zeroing it first, as PyBytes::new_with does, would cost as much as the copy.
    let bytes = unsafe {
        let size = (count * size_of::<Record>()).cast_signed();
        let bytes = Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(ptr::null(), size))?;
        let memory = ffi::PyBytes_AsString(bytes.as_ptr()).cast::<u8>();
        ptr::copy_nonoverlapping(first.as_ptr().cast(), memory, size_of_val(first));
        ptr::copy_nonoverlapping(second.as_ptr().cast(), memory.add(size_of_val(first)), size_of_val(second));
        bytes
    };
    numpy.frombuffer.bind(py).call1((bytes, &numpy.dtype))
}
