//! `OrderBook` for Python, and sequence rules read from Python. Not for several books: `bookset` has those.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyString, PyTuple, PyType};
use tradewire_core::book::{First, Next, OrderBook as Book, Outcome, SequenceRule, SharedBook};
use tradewire_core::record::Kind;

use crate::argument::{integer, type_name};
use crate::events_new::{exact_text, levels};
use crate::events_object::book_records;

type Level = (f64, f64);

/// Reads a `SequenceRule`, which has checked its own values; None stands for no rule.
pub fn rule(obj: Option<&Bound<'_, PyAny>>) -> PyResult<Option<SequenceRule>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let Some(obj) = obj else { return Ok(None) };
    if !obj.is_instance(CLASS.import(obj.py(), "tradewire.core.plan", "SequenceRule")?)? {
        let kind = type_name(obj)?;
        return Err(PyTypeError::new_err(format!("rule must be a SequenceRule or None, was {kind}")));
    }
    let text = |name: &str| obj.getattr(name)?.extract::<String>();
    Ok(Some(SequenceRule {
        first: if text("first")? == "straddle" { First::Straddle } else { First::StraddleNext },
        next: match text("next")?.as_str() {
            "prev_link" => Next::PrevLink,
            "contiguous" => Next::Contiguous,
            _ => Next::None,
        },
        buffer: obj.getattr("buffer")?.extract()?,
    }))
}

/// The name of an outcome.
pub fn outcome_name(py: Python<'_>, outcome: Outcome) -> &Bound<'_, PyString> {
    static NAMES: PyOnceLock<[Py<PyString>; 6]> = PyOnceLock::new();
    NAMES.get_or_init(py, || Outcome::NAMES.map(|name| PyString::intern(py, name).unbind()))[outcome as usize]
        .bind(py)
}

/// One book of absolute price levels, synchronised by a `SequenceRule`.
#[pyclass(frozen, module = "tradewire.core")]
pub struct OrderBook {
    book: SharedBook,
    symbol: Py<PyString>,
}

impl OrderBook {
    /// A book of a set, seen from Python.
    pub(crate) fn shared(book: SharedBook, symbol: Py<PyString>) -> Self {
        Self { book, symbol }
    }
}

fn state_name(book: &Book) -> &'static str {
    if book.is_live() { "live" } else { "syncing" }
}

/// Levels given by a caller, which a venue's decoder has not checked.
fn finite_levels(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<Level>> {
    let found = levels(value.py(), name, value)?;
    let is_level = |&(price, quantity): &Level| price.is_finite() && quantity.is_finite() && quantity >= 0.0;
    if let Some(&(price, quantity)) = found.iter().find(|&level| !is_level(level)) {
        let pair = PyTuple::new(value.py(), [price, quantity])?.repr()?;
        return Err(PyValueError::new_err(format!(
            "{name} must hold finite prices and quantities from 0, had {pair}"
        )));
    }
    Ok(found)
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (rule = None, *, symbol = None), text_signature = "(rule=None, *, symbol='')")]
    fn new(
        py: Python<'_>,
        rule: Option<&Bound<'_, PyAny>>,
        symbol: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let rule = self::rule(rule)?;
        let symbol = match symbol {
            Some(symbol) => exact_text("symbol", symbol)?,
            None => PyString::intern(py, ""),
        };
        Ok(Self { book: SharedBook::new(rule), symbol: symbol.unbind() })
    }

    fn apply<'py>(&self, delta: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        match book_records(delta)? {
            Some(message) if message[0].kind == Kind::BookDelta as u8 => {
                let outcome = self.book.lock().apply(message);
                Ok(outcome_name(delta.py(), outcome).clone())
            }
            _ => Err(PyTypeError::new_err(format!("delta must be a BookDelta, was {}", type_name(delta)?))),
        }
    }

    fn apply_snapshot<'py>(
        &self,
        py: Python<'py>,
        bids: &Bound<'py, PyAny>,
        asks: &Bound<'py, PyAny>,
        last_seq: &Bound<'py, PyAny>,
        event_ns: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyString>> {
        let (bids, asks) = (finite_levels("bids", bids)?, finite_levels("asks", asks)?);
        let last_seq = integer(last_seq, "last_seq", 0..=i64::MAX)?;
        let event_ns = integer(event_ns, "event_ns", 0..=i64::MAX)?;
        let side = |ask: bool| move |&(price, quantity): &Level| (ask, price, quantity);
        let levels = bids.iter().map(side(false)).chain(asks.iter().map(side(true)));
        let outcome = self.book.lock().apply_snapshot_levels(levels, last_seq.cast_unsigned(), event_ns);
        Ok(outcome_name(py, outcome).clone())
    }

    fn best(&self) -> (Option<Level>, Option<Level>) {
        let book = self.book.lock();
        (book.best_bid(), book.best_ask())
    }

    fn levels(&self, depth: &Bound<'_, PyAny>) -> PyResult<(Vec<Level>, Vec<Level>)> {
        let depth = integer(depth, "depth", 1..=1 << 31)? as usize;
        let book = self.book.lock();
        Ok((book.bids().take(depth).collect(), book.asks().take(depth).collect()))
    }

    fn digest(&self) -> String {
        self.book.lock().digest()
    }

    #[getter]
    fn symbol<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        self.symbol.bind(py)
    }

    #[getter]
    fn state(&self) -> &'static str {
        state_name(&self.book.lock())
    }

    #[getter]
    fn last_seq(&self) -> u64 {
        self.book.lock().last_seq()
    }

    #[getter]
    fn event_ns(&self) -> i64 {
        self.book.lock().event_ns()
    }

    fn __len__(&self) -> usize {
        self.book.lock().len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        // Python writes the prices after the lock is given back: it may run other code.
        let (state, bids, asks, best_bid, best_ask, last_seq) = {
            let book = self.book.lock();
            let (bids, asks) = (book.bids().count(), book.asks().count());
            (state_name(&book), bids, asks, book.best_bid(), book.best_ask(), book.last_seq())
        };
        let symbol = self.symbol.bind(py).repr()?;
        let price = |best: Option<Level>| match best {
            Some((price, _)) => Ok(PyFloat::new(py, price).repr()?.to_string()),
            None => PyResult::Ok("none".to_owned()),
        };
        let (best_bid, best_ask) = (price(best_bid)?, price(best_ask)?);
        Ok(format!(
            "OrderBook({symbol}, {state}, {bids} bids, {asks} asks, best bid {best_bid}, best ask {best_ask}, \
             last_seq {last_seq})"
        ))
    }
}
