//! `objects` and `Wanted`: typed events out of batches, only those asked for.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyList;
use tradewire_core::record::flags::MORE;
use tradewire_core::record::{Kind, Messages, Record};

use crate::argument::{integer, type_name};
use crate::batch;
use crate::events::event_of;
use crate::events_object::made;
use crate::events_table::Class;
use crate::symbols::SymbolTable;

const MOST_ID: i64 = u32::MAX as i64;

/// Symbols of one kind: all, or those whose bit is set.
#[derive(Clone, Default)]
struct Choice {
    all: bool,
    bits: Vec<u64>,
}

impl Choice {
    #[inline]
    fn holds(&self, symbol: u32) -> bool {
        let word = self.bits.get(symbol as usize / 64).copied().unwrap_or(0);
        self.all || word >> (symbol % 64) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        !self.all && self.bits.iter().all(|&bits| bits == 0)
    }

    fn set(&mut self, symbol: u32, wanted: bool) {
        let word = symbol as usize / 64;
        if wanted && word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(word) {
            let bit = 1 << (symbol % 64);
            *word = if wanted { *word | bit } else { *word & !bit };
        }
    }
}

/// Which messages `objects` turns into events.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Wanted {
    symbols: Py<SymbolTable>,
    kinds: Mutex<[Choice; 9]>,
}

impl Wanted {
    fn change<R>(&self, kind: &Bound<'_, PyAny>, f: impl FnOnce(&mut Choice) -> R) -> PyResult<R> {
        let py = kind.py();
        let kind = integer(kind, "kind", Kind::Trade as i64..=Kind::Control as i64)?;
        let mut kinds = self.kinds.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        Ok(f(&mut kinds[kind as usize - 1]))
    }

    /// Whether one of the messages is asked for.
    pub(crate) fn any(&self, py: Python<'_>, records: &[Record]) -> bool {
        let kinds = self.kinds.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        if kinds.iter().all(Choice::is_empty) {
            return false;
        }
        Messages(records).map(|message| &message[0]).any(|first| {
            let choice = kinds.get(usize::from(first.kind).wrapping_sub(1));
            choice.is_some_and(|choice| choice.holds(first.symbol))
        })
    }
}

#[pymethods]
impl Wanted {
    #[new]
    fn new(symbols: &Bound<'_, PyAny>) -> PyResult<Self> {
        match symbols.cast::<SymbolTable>() {
            Ok(symbols) => Ok(Self { symbols: symbols.clone().unbind(), kinds: Mutex::default() }),
            Err(_) => Err(PyTypeError::new_err(format!(
                "symbols must be a SymbolTable, was {}",
                type_name(symbols)?
            ))),
        }
    }

    #[pyo3(signature = (kind, symbol_id = None))]
    fn add(&self, kind: &Bound<'_, PyAny>, symbol_id: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(symbol_id) = symbol_id else { return self.change(kind, |choice| choice.all = true) };
        self.change(kind, |_| ())?;
        let id = integer(symbol_id, "symbol_id", 0..=MOST_ID)?;
        if id as usize >= self.symbols.get().len() {
            let text = format!("symbol_id must be one that the table gave out, was {id}");
            return Err(PyValueError::new_err(text));
        }
        self.change(kind, |choice| choice.set(id as u32, true))
    }

    #[pyo3(signature = (kind, symbol_id = None))]
    fn discard(&self, kind: &Bound<'_, PyAny>, symbol_id: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(symbol_id) = symbol_id else { return self.change(kind, |choice| choice.all = false) };
        self.change(kind, |_| ())?;
        let id = integer(symbol_id, "symbol_id", 0..=MOST_ID)?;
        self.change(kind, |choice| choice.set(id as u32, false))
    }
}

/// The events of a batch that `wanted` asks for, oldest first.
#[pyfunction]
pub fn objects<'py>(batch: &Bound<'py, PyAny>, wanted: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let py = batch.py();
    let records = batch::records(batch)?;
    let found = if let Ok(wanted) = wanted.cast::<Wanted>() {
        let wanted = wanted.get();
        let kinds = wanted.kinds.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner).clone();
        collect(py, &records, wanted.symbols.get(), |kind, symbol| {
            kinds[usize::from(kind) - 1].holds(symbol)
        })?
    } else if let Ok(symbols) = wanted.cast::<SymbolTable>() {
        collect(py, &records, symbols.get(), |_, _| true)?
    } else {
        let text = format!("wanted must be a Wanted or a SymbolTable, was {}", type_name(wanted)?);
        return Err(PyTypeError::new_err(text));
    };
    PyList::new(py, found)
}

/// No Python code runs in here, so that the lock on the names cannot wait for itself.
fn collect<'py>(
    py: Python<'py>,
    records: &[Record],
    symbols: &SymbolTable,
    wanted: impl Fn(u8, u32) -> bool,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if records.last().is_some_and(|last| last.flags & MORE != 0) {
        return Err(PyValueError::new_err("the last message of the batch is incomplete"));
    }
    let classes = made(py)?;
    let mut names = symbols.names(py);
    let mut found = Vec::new();
    let mut row = 0;
    for message in Messages(records) {
        let first = &message[0];
        check_shape(row, message).map_err(PyValueError::new_err)?;
        if names.of(py, first).is_none() {
            return Err(PyValueError::new_err(format!("record {row}: {}", names.unknown(first))));
        }
        if wanted(first.kind, first.symbol) {
            found.push(event_of(py, classes, &mut names, message)?);
        }
        row += message.len();
    }
    Ok(found)
}

/// Whether a message has the records that its kind says.
pub(crate) fn check_shape(row: usize, message: &[Record]) -> Result<(), String> {
    let kind = message[0].kind;
    let Some(class) = Class::of(kind) else {
        return Err(format!("record {row}: no message begins with kind {kind}"));
    };
    if class.is_book() {
        match message.iter().skip(1).position(|record| record.kind != Kind::Level as u8) {
            None => Ok(()),
            Some(at) => {
                Err(format!("record {}: kind {} inside a book message", row + 1 + at, message[1 + at].kind))
            }
        }
    } else if message.len() == class.parts() {
        Ok(())
    } else {
        let (expected, had) = (class.parts(), message.len());
        Err(format!("record {row}: a message of kind {kind} has {expected} records, had {had}"))
    }
}
