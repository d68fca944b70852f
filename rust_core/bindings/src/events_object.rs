//! The event objects themselves: memory layout, type objects, slots. The only home of unsafe code for events.
//!
//! Types are made with `PyType_FromSpec` rather than `#[pyclass]`: reading an eager field is then `CPython`'s specialised
//! slot read, there is no GC header (the fields are only str, int, float and None, so no cycle can be), and making and
//! dropping one costs an allocation and the fields' references, nothing else.
//!
//! Rule for everything here: the slots are entered without `PyO3`'s attach count, so no `Py<T>` may be dropped inside
//! (only `Bound`, which decrements at once); errors are raised through `raise`, which attaches.
#![allow(unsafe_code, reason = "type slots of CPython; every block says why it is sound")]

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::{ptr, slice};

use pyo3::exceptions::{PyKeyError, PyMemoryError};
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use tradewire_core::record::Record;

use crate::events_methods as methods;
use crate::events_table::{CLASSES, Class, Field, Source};
use crate::events_value::value;

/// What every event begins with. Behind it: the eager objects, or a book's records.
#[repr(C)]
struct Head {
    python: ffi::PyObject,
    symbol: *mut ffi::PyObject,
    venue: *mut ffi::PyObject,
    event_ns: *mut ffi::PyObject,
    made: &'static Made,
    record: Record,
}

/// A `BookDelta` or `BookSnapshot`.
#[repr(C)]
struct Book {
    head: Head,
    records: Box<[Record]>,
}

/// A class and its type object.
pub struct Made {
    pub class: &'static Class,
    pub type_object: Py<PyType>,
    /// Names of all fields, interned, in the order of `Class::all_fields`.
    pub names: Vec<Py<PyString>>,
    eager: Vec<Source>,
    /// How many of `eager`, from the first on, are the floats in the slots of the first record, in their order: those
    /// of trades and quotes are no others, and need no look at what they are.
    floats: usize,
    size: usize,
    spare: Spare,
}

/// Memory of events that are gone, for those to come: the usual event is dropped before the next one is made, and the
/// interpreter's allocator takes 6 ns to free and find its memory again. Without a GIL it is left to the allocator.
#[derive(Default)]
struct Spare {
    /// Each block begins with the address of the next one.
    first: AtomicPtr<c_void>,
    blocks: AtomicUsize,
}

impl Spare {
    /// Blocks kept of a class; more only lie idle.
    const MOST: usize = 32;

    /// Memory for an object of `size`, or null.
    ///
    /// # Safety
    /// `size` is the same in all calls, and not less than that of an address.
    #[inline]
    unsafe fn take(&self, _: Python<'_>, size: usize) -> *mut c_void {
        let first = self.first.load(Relaxed);
        if first.is_null() {
            // SAFETY: the thread is attached.
            return unsafe { ffi::PyObject_Malloc(size) };
        }
        // The GIL is held from the load to the stores: nobody else changes the chain.
        // SAFETY: `give` wrote the address of the next block, or null, to this one, which nobody has had since.
        self.first.store(unsafe { first.cast::<*mut c_void>().read() }, Relaxed);
        self.blocks.store(self.blocks.load(Relaxed) - 1, Relaxed);
        first
    }

    /// Takes memory back.
    ///
    /// # Safety
    /// `block` is from `take`, with nothing in it that is still needed, and the thread is attached.
    #[inline]
    unsafe fn give(&self, block: *mut c_void) {
        let blocks = self.blocks.load(Relaxed);
        if cfg!(Py_GIL_DISABLED) || blocks == Self::MOST {
            // SAFETY: it came from PyObject_Malloc.
            return unsafe { ffi::PyObject_Free(block) };
        }
        // SAFETY: it is the caller's alone, and larger than an address.
        unsafe { block.cast::<*mut c_void>().write(self.first.load(Relaxed)) };
        self.first.store(block, Relaxed);
        self.blocks.store(blocks + 1, Relaxed);
    }
}

/// The type objects, made once; the class of a kind is at `kind - 1`.
pub fn made(py: Python<'_>) -> PyResult<&'static [Made; 9]> {
    static MADE: PyOnceLock<[Made; 9]> = PyOnceLock::new();
    MADE.get_or_try_init(py, || {
        let all = CLASSES.iter().map(|class| make_type(py, class)).collect::<PyResult<Vec<_>>>()?;
        all.try_into().map_err(|_| PyMemoryError::new_err("Invariant: one type per class"))
    })
}

/// The class of an event; None for any other object.
pub fn class_of(event: &Bound<'_, PyAny>) -> PyResult<Option<&'static Made>> {
    let kind = event.get_type_ptr();
    Ok(made(event.py())?.iter().find(|made| made.type_object.as_ptr().cast() == kind))
}

/// A new event of a whole message, which has the class's number of records.
#[inline]
pub fn new<'py>(
    py: Python<'py>,
    made: &'static Made,
    message: &[Record],
    symbol: &Py<PyString>,
    venue: &Py<PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    let first = &message[0];
    let count = made.eager.len();
    // SAFETY: the memory is nobody else's, of the type's size and aligned to 16 bytes (PyObject_Malloc). All fields are written
    // before anything returns, with null for objects that could not be made, which `tp_dealloc` passes over. The type
    // is not GC tracked, so nobody sees the object before it is returned.
    unsafe {
        let memory = made.spare.take(py, made.size);
        if memory.is_null() {
            return Err(PyMemoryError::new_err("no memory for an event"));
        }
        let object = ffi::PyObject_Init(memory.cast(), made.type_object.as_ptr().cast());
        let head = object.cast::<Head>();
        (&raw mut (*head).symbol).write(symbol.clone_ref(py).into_ptr());
        (&raw mut (*head).venue).write(venue.clone_ref(py).into_ptr());
        (&raw mut (*head).record).write(*first);
        let event_ns = ffi::PyLong_FromLongLong(first.event_ns);
        (&raw mut (*head).event_ns).write(event_ns);
        (&raw mut (*head).made).write(made);
        let mut failed = event_ns.is_null();
        if made.class.is_book() {
            (&raw mut (*object.cast::<Book>()).records).write(message.into());
        } else {
            let places = eager_places(object);
            for (index, slot) in first.slots.iter().enumerate() {
                if index == made.floats {
                    break;
                }
                let float = ffi::PyFloat_FromDouble(slot.as_f64());
                failed |= float.is_null();
                places.add(index).write(float);
            }
            for index in made.floats..count {
                places.add(index).write(ptr::null_mut());
            }
        }
        let event = Bound::from_owned_ptr(py, object);
        if failed {
            return Err(PyErr::fetch(py));
        }
        for index in made.floats..count {
            eager_places(object).add(index).write(value(py, made.eager[index], message)?.into_ptr());
        }
        Ok(event)
    }
}

/// A list of one event: what most payloads give.
#[inline]
pub fn list_of_one<'py>(py: Python<'py>, event: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the list is new, and its only place takes over the reference.
    unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(1))?;
        ffi::PyList_SET_ITEM(list.as_ptr(), 0, event.into_ptr());
        Ok(list)
    }
}

/// The records of a book event, in the order of the message; None for any other object.
pub fn book_records<'a>(event: &'a Bound<'_, PyAny>) -> PyResult<Option<&'a [Record]>> {
    Ok(match class_of(event)? {
        // SAFETY: the object is of a book's type, so it is laid out as `Book`, and it is immutable.
        Some(made) if made.class.is_book() => Some(unsafe { &(*event.as_ptr().cast::<Book>()).records }),
        _ => None,
    })
}

/// First of the eager objects behind the head.
unsafe fn eager_places(object: *mut ffi::PyObject) -> *mut *mut ffi::PyObject {
    // SAFETY: the caller's object is an event other than a book, whose memory goes on behind the head.
    unsafe { object.cast::<u8>().add(size_of::<Head>()).cast() }
}

/// Raises a Rust error in Python. Attaches, so that what the error holds is released at once.
#[cold]
pub fn raise(error: PyErr) {
    Python::attach(|py| error.restore(py));
}

/// Runs the body of a slot: errors and panics become exceptions, and None.
pub fn shielded<R>(body: impl FnOnce(Python<'_>) -> PyResult<R>) -> Option<R> {
    // SAFETY: slots are called by the interpreter, with the thread attached.
    let py = unsafe { Python::assume_attached() };
    match catch_unwind(AssertUnwindSafe(|| body(py))) {
        Ok(Ok(result)) => Some(result),
        Ok(Err(error)) => {
            raise(error);
            None
        }
        Err(_) => {
            raise(PanicException::new_err("Invariant: an event slot must not panic"));
            None
        }
    }
}

/// As `shielded`, for slots that return a new reference.
pub fn shielded_object<'py>(
    body: impl FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>,
) -> *mut ffi::PyObject {
    // SAFETY: as in `shielded`; the lifetime ends with this call.
    let py = unsafe { Python::assume_attached() };
    shielded(|_| body(py)).map_or(ptr::null_mut(), Bound::into_ptr)
}

/// A borrowed argument of a slot.
unsafe fn borrowed<'a, 'py>(py: Python<'py>, object: &'a *mut ffi::PyObject) -> &'a Bound<'py, PyAny> {
    // SAFETY: the interpreter passes live objects and keeps them for the length of the call.
    unsafe { Bound::ref_from_ptr(py, object) }
}

unsafe extern "C" fn tp_dealloc(object: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; the fields were written by `new`, each once. Nothing dropped here can run
    // Python code: they are str, int, float or None.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        let head = object.cast::<Head>();
        let made = (*head).made;
        ffi::Py_DECREF((*head).symbol);
        ffi::Py_DECREF((*head).venue);
        ffi::Py_XDECREF((*head).event_ns);
        if made.class.is_book() {
            ptr::drop_in_place(&raw mut (*object.cast::<Book>()).records);
        } else {
            let places = eager_places(object);
            for index in 0..made.eager.len() {
                ffi::Py_XDECREF(*places.add(index));
            }
        }
        made.spare.give(object.cast());
        ffi::Py_DECREF(kind.cast());
    }
}

unsafe extern "C" fn get(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: getset descriptors check the type of `object`; `closure` is the `Field` that `make_type` put there.
    let (record, field) = unsafe { (&(*object.cast::<Head>()).record, &*closure.cast::<Field>()) };
    let message = match field.source {
        // SAFETY: only books have fields of these sources.
        Source::Bids | Source::Asks => unsafe { &*(*object.cast::<Book>()).records },
        _ => slice::from_ref(record),
    };
    shielded_object(|py| value(py, field.source, message))
}

unsafe extern "C" fn tp_new(
    kind: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    shielded_object(|py| {
        // SAFETY: the interpreter passes a type, a tuple, and a dict or null.
        let (kind, args, kwargs) = unsafe {
            (
                borrowed(py, &kind.cast()).clone(),
                borrowed(py, &args).cast_unchecked::<PyTuple>(),
                Bound::from_borrowed_ptr_or_opt(py, kwargs).map(|dict| dict.cast_into_unchecked::<PyDict>()),
            )
        };
        methods::construct(&kind, args, kwargs.as_ref())
    })
}

unsafe extern "C" fn tp_repr(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: see `borrowed`.
    shielded_object(|py| methods::repr(unsafe { borrowed(py, &object) }))
}

unsafe extern "C" fn tp_hash(object: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: see `borrowed`.
    shielded(|py| methods::hash(unsafe { borrowed(py, &object) })).unwrap_or(-1)
}

unsafe extern "C" fn tp_richcompare(
    object: *mut ffi::PyObject,
    other: *mut ffi::PyObject,
    operation: c_int,
) -> *mut ffi::PyObject {
    // SAFETY: see `borrowed`.
    shielded_object(|py| unsafe { methods::compare(borrowed(py, &object), borrowed(py, &other), operation) })
}

unsafe extern "C" fn tp_setattro(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: see `borrowed`.
    let refused = shielded(|py| unsafe {
        methods::refuse(borrowed(py, &object), borrowed(py, &name), value.is_null())
    });
    refused.map_or(-1, |()| 0)
}

unsafe extern "C" fn mp_subscript(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    shielded_object(|py| {
        // SAFETY: see `borrowed`.
        let (event, name) = unsafe { (borrowed(py, &object), borrowed(py, &name)) };
        if methods::has_field(event, name)? {
            event.getattr(name.cast::<PyString>()?)
        } else {
            // Called rather than raised with a value: raising takes a tuple, or None, for the arguments themselves.
            Err(PyErr::from_value(py.get_type::<PyKeyError>().call1((name,))?))
        }
    })
}

unsafe extern "C" fn reduce(object: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: see `borrowed`.
    shielded_object(|py| methods::reduce(unsafe { borrowed(py, &object) }))
}

unsafe extern "C" fn itself(object: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: `object` is live; the caller gets a new reference.
    unsafe { ffi::Py_NewRef(object) }
}

fn member(name: &'static CStr, offset: usize) -> ffi::PyMemberDef {
    ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: ffi::Py_T_OBJECT_EX,
        offset: offset as ffi::Py_ssize_t,
        flags: ffi::Py_READONLY,
        doc: ptr::null(),
    }
}

fn getter(field: &'static Field) -> ffi::PyGetSetDef {
    ffi::PyGetSetDef {
        name: field.name.as_ptr(),
        get: Some(get),
        set: None,
        doc: ptr::null(),
        closure: ptr::from_ref(field).cast_mut().cast(),
    }
}

fn method(name: &'static CStr, function: ffi::PyCFunction, flags: c_int) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: ptr::null(),
    }
}

/// A table that the interpreter reads as long as the type lives, which is for ever.
fn kept<T>(table: Vec<T>) -> *mut c_void {
    Box::leak(table.into_boxed_slice()).as_mut_ptr().cast()
}

fn make_type(py: Python<'_>, class: &'static Class) -> PyResult<Made> {
    let mut members = vec![
        member(c"symbol", offset_of!(Head, symbol)),
        member(c"venue", offset_of!(Head, venue)),
        member(c"event_ns", offset_of!(Head, event_ns)),
    ];
    let eager: Vec<&Field> = class.eager().collect();
    for (index, field) in eager.iter().enumerate() {
        members.push(member(field.name, size_of::<Head>() + index * size_of::<*mut ffi::PyObject>()));
    }
    members.push(ffi::PyMemberDef::default());
    let lazy = class.all_fields().filter(|field| {
        !field.source.is_eager() && !matches!(field.source, Source::Symbol | Source::Venue | Source::EventNs)
    });
    let getters = lazy.map(getter).chain([ffi::PyGetSetDef::default()]).collect();
    let own_methods = vec![
        method(c"__reduce__", reduce, ffi::METH_NOARGS),
        method(c"__copy__", itself, ffi::METH_NOARGS),
        method(c"__deepcopy__", itself, ffi::METH_O),
        ffi::PyMethodDef::zeroed(),
    ];
    let doc = CString::new(methods::doc(class))?;
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_dealloc, tp_dealloc as *mut c_void),
        slot(ffi::Py_tp_new, tp_new as *mut c_void),
        slot(ffi::Py_tp_repr, tp_repr as *mut c_void),
        slot(ffi::Py_tp_hash, tp_hash as *mut c_void),
        slot(ffi::Py_tp_richcompare, tp_richcompare as *mut c_void),
        slot(ffi::Py_tp_setattro, tp_setattro as *mut c_void),
        slot(ffi::Py_mp_subscript, mp_subscript as *mut c_void),
        slot(ffi::Py_tp_members, kept(members)),
        slot(ffi::Py_tp_getset, kept::<ffi::PyGetSetDef>(getters)),
        slot(ffi::Py_tp_methods, kept(own_methods)),
        slot(ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
        ffi::PyType_Slot::default(),
    ];
    let size = if class.is_book() {
        size_of::<Book>()
    } else {
        size_of::<Head>() + eager.len() * size_of::<*mut ffi::PyObject>()
    };
    let mut spec = ffi::PyType_Spec {
        name: class.name.as_ptr(),
        basicsize: size as c_int,
        itemsize: 0,
        flags: ffi::Py_TPFLAGS_DEFAULT as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the tables behind the slots live for ever; name, doc and members are copied by the call.
    let type_object = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))?.cast_into_unchecked::<PyType>()
    };
    let names: Vec<Py<PyString>> = class.all_fields().map(|field| field.python_name(py)).collect();
    let arguments = PyTuple::new(py, &names[..class.arguments().count()])?;
    type_object.setattr("__match_args__", arguments)?;
    let eager: Vec<Source> = eager.iter().map(|field| field.source).collect();
    let floats = (0..).zip(&eager).take_while(|(slot, source)| **source == Source::Float(0, *slot)).count();
    Ok(Made { class, type_object: type_object.unbind(), names, eager, floats, size, spare: Spare::default() })
}
