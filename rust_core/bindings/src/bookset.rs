//! `BookSet` for Python.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLockReadGuard};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use tradewire_core::book::{self, Changes, unknown_symbol};
use tradewire_core::decode::SharedSymbols;
use tradewire_core::record::Record;
use tradewire_core::record::flags::MORE;
use tradewire_core::symbols::SymbolTable;

use crate::argument::{integer, type_name};
use crate::batch;
use crate::book::{OrderBook, outcome_name, rule};
use crate::symbols;

struct State {
    books: book::BookSet,
    /// Books that Python has seen, so that it sees the same object again.
    seen: HashMap<u32, Py<OrderBook>>,
}

/// All books of a feed.
#[pyclass(frozen, module = "tradewire.core")]
pub struct BookSet {
    state: Mutex<State>,
    symbols: SharedSymbols,
}

impl BookSet {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Symbols that the table has given out.
    pub(crate) fn symbols(&self) -> usize {
        self.table().len()
    }

    /// Applies whole messages; returns the symbols that the table has given out.
    pub(crate) fn apply_all(&self, records: &[Record], changes: &mut Changes) -> PyResult<usize> {
        let symbols = self.symbols();
        if let Some(row) = unknown_symbol(records, symbols) {
            let id = records[row].symbol;
            return Err(PyValueError::new_err(format!("record {row}: symbol id {id} is not in the table")));
        }
        self.state().books.apply(records, changes);
        Ok(symbols)
    }

    fn table(&self) -> RwLockReadGuard<'_, SymbolTable> {
        self.symbols.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn symbol_number(symbol_id: &Bound<'_, PyAny>) -> PyResult<u32> {
    Ok(integer(symbol_id, "symbol_id", 0..=i64::from(u32::MAX))? as u32)
}

#[pymethods]
impl BookSet {
    #[new]
    fn new(rule: Option<&Bound<'_, PyAny>>, symbols: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(symbols) = symbols.cast::<symbols::SymbolTable>() else {
            let kind = type_name(symbols)?;
            return Err(PyTypeError::new_err(format!("symbols must be a SymbolTable, was {kind}")));
        };
        let books = book::BookSet::new(self::rule(rule)?);
        let state = State { books, seen: HashMap::new() };
        Ok(Self { state: Mutex::new(state), symbols: symbols.get().shared.clone() })
    }

    fn apply<'py>(
        &self,
        py: Python<'py>,
        batch: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyList>)> {
        let batch = batch::records(batch)?;
        if batch.last().is_some_and(|last| last.flags & MORE != 0) {
            return Err(PyValueError::new_err("the last message of the batch is incomplete"));
        }
        let mut changes = Changes::default();
        self.apply_all(&batch, &mut changes)?;
        let incidents = changes.incidents.iter();
        let incidents =
            incidents.map(|incident| (incident.row, incident.symbol, outcome_name(py, incident.outcome)));
        Ok((PyList::new(py, &changes.changed)?, PyList::new(py, incidents)?))
    }

    fn book(&self, py: Python<'_>, symbol_id: &Bound<'_, PyAny>) -> PyResult<Option<Py<OrderBook>>> {
        let symbol = symbol_number(symbol_id)?;
        let state = &mut *self.state();
        if let Some(seen) = state.seen.get(&symbol) {
            return Ok(Some(seen.clone_ref(py)));
        }
        let Some(book) = state.books.book(symbol) else { return Ok(None) };
        let name = PyString::intern(py, self.table().symbol(symbol).map_or("", |(_, name)| name)).unbind();
        let made = Py::new(py, OrderBook::shared(book.clone(), name))?;
        state.seen.insert(symbol, made.clone_ref(py));
        Ok(Some(made))
    }

    fn reset(&self, symbol_id: &Bound<'_, PyAny>) -> PyResult<()> {
        let symbol = symbol_number(symbol_id)?;
        self.state().books.reset(symbol);
        Ok(())
    }

    fn ids(&self) -> Vec<u32> {
        self.state().books.ids().collect()
    }
}
