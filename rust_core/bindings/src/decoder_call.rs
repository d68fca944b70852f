//! The two hot methods of `Decoder` as raw vectorcall methods: `PyO3`'s own argument handling costs 25 ns a call, a third of
//! the scan. Not for anything else: all other methods are ordinary ones.
#![allow(unsafe_code, reason = "METH_FASTCALL entry points; every block says why it is sound")]

use std::ffi::{CStr, c_char};
use std::ptr;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::argument::type_name;
use crate::decoder::{Decoder, no_bytes, recv_time, stream_name};
use crate::events_object::shielded_object;
use crate::events_table::text;
use crate::ring::Ring;

const DECODE: [&str; 3] = ["data", "recv_ns", "stream"];
const DECODE_INTO: [&str; 4] = ["data", "recv_ns", "ring", "stream"];

type Slots<'a, 'py, const N: usize> = [Option<&'a Bound<'py, PyAny>>; N];

/// Arguments by place, all of them required but the last.
///
/// # Safety
/// `args`, `count` and `names` are as the interpreter passes them to a vectorcall function, and live for `'a`.
#[inline]
unsafe fn arguments<'a, 'py, const N: usize>(
    py: Python<'py>,
    function: &str,
    expected: &[&str; N],
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *const *mut ffi::PyObject,
) -> PyResult<Slots<'a, 'py, N>> {
    let count = count as usize;
    let mut slots = [None; N];
    // SAFETY: `names` points to the tuple of keyword names, or to null.
    let has_keywords = unsafe { !(*names).is_null() };
    if count > N {
        return Err(PyTypeError::new_err(format!(
            "{function}() takes at most {N} arguments ({count} given)"
        )));
    }
    for (place, slot) in slots.iter_mut().enumerate().take(count) {
        // SAFETY: `args` holds `count` live objects.
        *slot = Some(unsafe { Bound::ref_from_ptr(py, &*args.add(place)) });
    }
    if has_keywords {
        // SAFETY: it is a tuple, and the values of its names follow the positional ones.
        let names = unsafe { Bound::ref_from_ptr(py, &*names).cast_unchecked::<PyTuple>() };
        for (at, name) in names.iter().enumerate() {
            let name = name.cast_into::<PyString>()?;
            let place = expected.iter().position(|known| name.to_string_lossy() == *known);
            let Some(slot) = place.map(|place| &mut slots[place]) else {
                let text = format!("{function}() got an unexpected keyword argument '{name}'");
                return Err(PyTypeError::new_err(text));
            };
            if slot.is_some() {
                return Err(PyTypeError::new_err(format!(
                    "{function}() got multiple values for argument '{name}'"
                )));
            }
            // SAFETY: as above.
            *slot = Some(unsafe { Bound::ref_from_ptr(py, &*args.add(count + at)) });
        }
    }
    match slots[..N - 1].iter().position(Option::is_none) {
        None => Ok(slots),
        Some(place) => {
            let missing = expected[place];
            Err(PyTypeError::new_err(format!("{function}() missing required argument: '{missing}'")))
        }
    }
}

/// The decoder that a method was called on.
///
/// # Safety
/// `object` is what the interpreter passes as `self` to a method of `Decoder`, and lives for `'a`.
#[inline]
unsafe fn receiver<'a>(py: Python<'a>, object: &'a *mut ffi::PyObject) -> &'a Decoder {
    // SAFETY: method descriptors check the type of `self`.
    unsafe { Bound::ref_from_ptr(py, object).cast_unchecked::<Decoder>().get() }
}

unsafe extern "C" fn decode(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    shielded_object(|py| {
        // SAFETY: called by the interpreter as a method of `Decoder`.
        let (decoder, [data, recv_ns, stream]) = unsafe {
            (receiver(py, &object), arguments(py, "decode", &DECODE, args, count, &raw const names)?)
        };
        let (Some(data), Some(recv_ns)) = (data, recv_ns) else { return Err(PyTypeError::new_err("decode")) };
        let recv_ns = recv_time(recv_ns)?;
        let stream = if let Some(stream) = stream { stream_name(stream)? } else { None };
        let data = data.cast::<PyBytes>().map_err(|_| no_bytes(data))?;
        decoder.events(py, data.as_bytes(), recv_ns, stream)
    })
}

unsafe extern "C" fn decode_into(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    shielded_object(|py| {
        // SAFETY: called by the interpreter as a method of `Decoder`.
        let (decoder, [data, recv_ns, ring, stream]) = unsafe {
            (
                receiver(py, &object),
                arguments(py, "decode_into", &DECODE_INTO, args, count, &raw const names)?,
            )
        };
        let (Some(data), Some(recv_ns), Some(ring)) = (data, recv_ns, ring) else {
            return Err(PyTypeError::new_err("decode_into"));
        };
        let recv_ns = recv_time(recv_ns)?;
        let stream = if let Some(stream) = stream { stream_name(stream)? } else { None };
        let Ok(ring) = ring.cast::<Ring>() else {
            return Err(PyTypeError::new_err(format!("ring must be a Ring, was {}", type_name(ring)?)));
        };
        let written = decoder.records(data, recv_ns, ring.get(), stream)?;
        Ok(written.into_pyobject(py)?.into_any())
    })
}

/// Adds both methods to the class.
pub(crate) fn add_to(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Decoder>();
    let methods: [(&'static CStr, ffi::PyCFunctionFastWithKeywords, &'static CStr); 2] = [
        (c"decode", decode, c"decode($self, data, recv_ns, stream=None)\n--\n\nEvents of one payload."),
        (
            c"decode_into",
            decode_into,
            c"decode_into($self, data, recv_ns, ring, stream=None)\n--\n\nWrites messages to the ring.",
        ),
    ];
    for (name, function, doc) in methods {
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr().cast::<c_char>(),
        }));
        // SAFETY: the definition lives for ever, and its function has the signature that the flags say.
        let method = unsafe {
            let method = ffi::PyDescr_NewMethod(class.as_type_ptr(), ptr::from_mut(definition));
            Bound::from_owned_ptr_or_err(py, method)?
        };
        class.setattr(text(name), method)?;
    }
    Ok(())
}
