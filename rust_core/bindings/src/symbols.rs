//! `SymbolTable` for Python, and the names of a table as interned strings, for making events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyAny, PyString};
use tradewire_core::decode::SharedSymbols;
use tradewire_core::record::{NO_SYMBOL, Record};
use tradewire_core::symbols::{self, TableFull};

use crate::argument::{integer, type_name};

const MOST_VENUES: usize = 1 << 16;

/// (venue, symbol) -> u32, append-only, ids never reused. Thread-safe.
#[pyclass(frozen, module = "tradewire.core")]
pub struct SymbolTable {
    pub(crate) shared: SharedSymbols,
    capacity: usize,
    names: Mutex<Names>,
}

impl SymbolTable {
    fn read<R>(&self, f: impl FnOnce(&symbols::SymbolTable) -> R) -> R {
        f(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of this table. No Python code may run while the guard lives: it would wait for itself.
    pub(crate) fn names(&self, py: Python<'_>) -> MutexGuard<'_, Names> {
        self.names.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// Symbols held.
    pub(crate) fn len(&self) -> usize {
        self.read(symbols::SymbolTable::len)
    }

    /// Venue and name of a symbol.
    pub(crate) fn named(&self, symbol: u32) -> Option<(String, String)> {
        self.read(|table| {
            let (venue, symbol) = table.symbol(symbol)?;
            Some((table.venue_name(venue)?.to_owned(), symbol.to_owned()))
        })
    }

    fn full(&self) -> PyErr {
        PyValueError::new_err(format!("the table is full: it holds {} symbols", self.capacity))
    }

    /// The number of a venue.
    pub(crate) fn venue_id(&self, venue: &str) -> PyResult<u16> {
        let mut table = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        table.venue(venue).map_err(|TableFull| {
            PyValueError::new_err(format!("the table is full: it holds {MOST_VENUES} venues"))
        })
    }
}

#[pymethods]
impl SymbolTable {
    #[new]
    #[pyo3(signature = (capacity = None), text_signature = "(capacity=65536)")]
    pub(crate) fn new(py: Python<'_>, capacity: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let capacity = match capacity {
            Some(capacity) => integer(capacity, "capacity", 1..=1 << 31)? as usize,
            None => 65536,
        };
        let shared = Arc::new(RwLock::new(symbols::SymbolTable::new(capacity)));
        Ok(Self { capacity, names: Mutex::new(Names::new(py, shared.clone())), shared })
    }

    fn add_venue(&self, venue: &Bound<'_, PyAny>) -> PyResult<u16> {
        self.venue_id(&name("venue", venue)?)
    }

    pub(crate) fn add(&self, venue: &Bound<'_, PyAny>, symbol: &Bound<'_, PyAny>) -> PyResult<u32> {
        let (venue, symbol) = (name("venue", venue)?, name("symbol", symbol)?);
        if let Some(known) = self.read(|table| table.find(&venue, &symbol)) {
            return Ok(known);
        }
        if self.read(|table| table.len() >= self.capacity) {
            return Err(self.full());
        }
        let venue = self.venue_id(&venue)?;
        let mut table = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        table.add(venue, &symbol).map_err(|TableFull| self.full())
    }

    fn get(&self, venue: &Bound<'_, PyAny>, symbol: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
        let (venue, symbol) = (text("venue", venue)?, text("symbol", symbol)?);
        let (venue, symbol) = (venue.to_str()?, symbol.to_str()?);
        Ok(self.read(|table| table.find(venue, symbol)))
    }

    fn lookup(&self, symbol_id: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
        let id = integer(symbol_id, "symbol_id", 0..=i64::from(u32::MAX))?;
        self.named(id as u32).ok_or_else(|| PyKeyError::new_err(id))
    }

    fn venue(&self, venue_id: &Bound<'_, PyAny>) -> PyResult<String> {
        let id = integer(venue_id, "venue_id", 0..=i64::from(u16::MAX))?;
        self.read(|table| table.venue_name(id as u16).map(str::to_owned))
            .ok_or_else(|| PyKeyError::new_err(id))
    }

    fn __len__(&self) -> usize {
        self.len()
    }
}

fn text<'a, 'py>(name: &str, value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyString>> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(text),
        Err(_) => Err(PyTypeError::new_err(format!("{name} must be a str, was {}", type_name(value)?))),
    }
}

fn name(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = text(name, value)?.to_str()?;
    if !(1..=symbols::NAME_BYTES).contains(&text.len()) {
        let most = symbols::NAME_BYTES;
        return Err(PyValueError::new_err(format!("{name} must be 1..{most} bytes, was {}", text.len())));
    }
    Ok(text.to_owned())
}

/// The names of a table as interned strings, fetched on first sight. The table only grows, so they stay right.
pub(crate) struct Names {
    table: SharedSymbols,
    symbols: Vec<Py<PyString>>,
    venues: Vec<Py<PyString>>,
    none: Py<PyString>,
}

impl Names {
    pub(crate) fn new(py: Python<'_>, table: SharedSymbols) -> Self {
        Self { table, symbols: Vec::new(), venues: Vec::new(), none: PyString::intern(py, "").unbind() }
    }

    /// Takes over what the table has learnt. Its lock is not held while strings are made.
    #[cold]
    fn refresh(&mut self, py: Python<'_>) {
        let (symbols, venues) = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            let symbols = (self.symbols.len()..table.len()).map_while(|id| table.symbol(id as u32));
            let venues = (self.venues.len()..MOST_VENUES).map_while(|id| table.venue_name(id as u16));
            let symbols: Vec<String> = symbols.map(|(_, name)| name.to_owned()).collect();
            (symbols, venues.map(str::to_owned).collect::<Vec<_>>())
        };
        self.symbols.extend(symbols.iter().map(|name| PyString::intern(py, name).unbind()));
        self.venues.extend(venues.iter().map(|name| PyString::intern(py, name).unbind()));
    }

    /// Symbol and venue of a message; None: a number that the table never gave out, see `unknown`.
    #[inline]
    pub(crate) fn of(&mut self, py: Python<'_>, first: &Record) -> Option<[&Py<PyString>; 2]> {
        let (symbol, venue) = (first.symbol as usize, usize::from(first.venue));
        if (symbol >= self.symbols.len() && first.symbol != NO_SYMBOL) || venue >= self.venues.len() {
            self.refresh(py);
        }
        let symbol = match self.symbols.get(symbol) {
            Some(name) => name,
            None if first.symbol == NO_SYMBOL => &self.none,
            None => return None,
        };
        Some([symbol, self.venues.get(venue)?])
    }

    /// Which number of a message the table never gave out.
    #[cold]
    pub(crate) fn unknown(&self, first: &Record) -> String {
        if first.symbol as usize >= self.symbols.len() && first.symbol != NO_SYMBOL {
            format!("symbol id {} is not in the table", first.symbol)
        } else {
            format!("venue id {} is not in the table", first.venue)
        }
    }
}
