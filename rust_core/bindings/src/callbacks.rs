//! `Callback` and `Callbacks`: the messages of a batch as events, straight to the functions that want them.
//!
//! No lock is held while a function runs: it may add, discard, and deliver again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyString;
use tradewire_core::clock::monotonic_ns;
use tradewire_core::record::flags::MORE;
use tradewire_core::record::{Kind, Messages, Record};

use crate::argument::{integer, type_name};
use crate::batch;
use crate::events_object::{made, new};
use crate::histogram::Histogram;
use crate::objects::check_shape;
use crate::symbols::SymbolTable;

const MOST_ID: i64 = u32::MAX as i64;

/// A function that is called with events, timed and counted.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Callback {
    function: Py<PyAny>,
    latency: Py<Histogram>,
    slow_ns: i64,
    unusual: Py<PyAny>,
    calls: AtomicU64,
}

impl Callback {
    /// Calls the function at `now`; returns the time afterwards.
    #[inline]
    fn call(&self, event: &Bound<'_, PyAny>, drained_ns: i64, now: i64) -> PyResult<i64> {
        let py = event.py();
        self.latency.get().lock().record(now.saturating_sub(drained_ns));
        let result = self.function.bind(py).call1((event,));
        let ended = monotonic_ns();
        match result {
            Ok(value) if value.is_none() && ended.saturating_sub(now) <= self.slow_ns => {
                self.calls.fetch_add(1, Ordering::Relaxed);
                Ok(ended)
            }
            result => self.tell(py, result, ended - now),
        }
    }

    /// Reports what is not a quick call that returned None. What is no `Exception` is raised on.
    #[cold]
    fn tell(&self, py: Python<'_>, result: PyResult<Bound<'_, PyAny>>, elapsed_ns: i64) -> PyResult<i64> {
        let (value, error) = match result {
            Ok(value) => (value.unbind(), None),
            Err(error) if error.is_instance_of::<PyException>(py) => (py.None(), Some(error.into_value(py))),
            Err(error) => return Err(error),
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.unusual.call1(py, (value, error, elapsed_ns))?;
        Ok(monotonic_ns())
    }
}

#[pymethods]
impl Callback {
    #[new]
    fn new(
        function: &Bound<'_, PyAny>,
        latency: &Bound<'_, PyAny>,
        slow_ns: &Bound<'_, PyAny>,
        unusual: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        for (name, value) in [("function", function), ("unusual", unusual)] {
            if !value.is_callable() {
                return Err(PyTypeError::new_err(format!(
                    "{name} must be callable, was {}",
                    type_name(value)?
                )));
            }
        }
        let Ok(latency) = latency.cast::<Histogram>() else {
            return Err(PyTypeError::new_err(format!(
                "latency must be a Histogram of this core, was {}",
                type_name(latency)?
            )));
        };
        Ok(Self {
            function: function.clone().unbind(),
            latency: latency.clone().unbind(),
            slow_ns: integer(slow_ns, "slow_ns", 0..=i64::MAX)?,
            unusual: unusual.clone().unbind(),
            calls: AtomicU64::new(0),
        })
    }

    #[getter]
    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn deliver(&self, event: &Bound<'_, PyAny>, drained_ns: &Bound<'_, PyAny>) -> PyResult<()> {
        let drained_ns = integer(drained_ns, "drained_ns", i64::MIN..=i64::MAX)?;
        self.call(event, drained_ns, monotonic_ns()).map(|_| ())
    }

    // The references never change, so there is nothing to clear: a cycle has other links that can be.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.unusual)
    }
}

/// Who gets the messages of one kind and symbol.
#[derive(Clone)]
struct Route {
    symbol: Arc<Py<PyString>>,
    venue: Arc<Py<PyString>>,
    /// (interval of bars, else 0; who).
    targets: Vec<(i64, Arc<Py<Callback>>)>,
}

/// By kind and symbol.
type Routes = [Vec<Option<Route>>; 9];

/// Callbacks by kind and symbol.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Callbacks {
    symbols: Py<SymbolTable>,
    /// Replaced, not changed, while a delivery goes through it.
    routes: Mutex<Arc<Routes>>,
    version: AtomicU64,
}

impl Callbacks {
    /// No Python code runs while the guard lives.
    fn routes(&self) -> MutexGuard<'_, Arc<Routes>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The routes as they are now, and their version.
    fn current(&self) -> (Arc<Routes>, u64) {
        let routes = self.routes();
        (routes.clone(), self.version.load(Ordering::Relaxed))
    }

    fn change(&self, kind: usize, symbol: usize, f: impl FnOnce(&mut Option<Route>)) {
        let mut routes = self.routes();
        let of_kind = &mut Arc::make_mut(&mut routes)[kind];
        if of_kind.len() <= symbol {
            of_kind.resize(symbol + 1, None);
        }
        f(&mut of_kind[symbol]);
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Delivers the messages of whole records, oldest first.
    pub(crate) fn deliver_all(&self, py: Python<'_>, records: &[Record], drained_ns: i64) -> PyResult<()> {
        let classes = made(py)?;
        let (mut routes, mut version) = self.current();
        let mut now = monotonic_ns();
        let mut row = 0;
        for message in Messages(records) {
            // Within one thread, so that it sees what its own calls have changed.
            if self.version.load(Ordering::Relaxed) != version {
                (routes, version) = self.current();
            }
            let first = &message[0];
            let kind = usize::from(first.kind).wrapping_sub(1);
            let route = routes.get(kind).and_then(|kind| kind.get(first.symbol as usize));
            if let Some(route) = route.and_then(Option::as_ref) {
                check_shape(row, message).map_err(PyValueError::new_err)?;
                let interval = if first.kind == Kind::Bar as u8 { message[1].seq as i64 } else { 0 };
                let mut event = None;
                for (_, target) in route.targets.iter().filter(|target| target.0 == interval) {
                    let event = match &event {
                        Some(event) => event,
                        None => event.insert(new(py, &classes[kind], message, &route.symbol, &route.venue)?),
                    };
                    now = target.get().call(event, drained_ns, now)?;
                }
            }
            row += message.len();
        }
        Ok(())
    }
}

struct Place {
    kind: usize,
    symbol: usize,
    callback: Py<Callback>,
    interval: i64,
}

fn place(
    kind: &Bound<'_, PyAny>,
    symbol_id: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    interval_ns: Option<&Bound<'_, PyAny>>,
) -> PyResult<Place> {
    let kind = integer(kind, "kind", Kind::Trade as i64..=Kind::Control as i64)? as usize - 1;
    let symbol = integer(symbol_id, "symbol_id", 0..=MOST_ID)? as usize;
    let Ok(callback) = callback.cast::<Callback>() else {
        return Err(PyTypeError::new_err(format!(
            "callback must be a Callback, was {}",
            type_name(callback)?
        )));
    };
    let interval = interval_ns.map_or(Ok(0), |interval| integer(interval, "interval_ns", 0..=i64::MAX))?;
    Ok(Place { kind, symbol, callback: callback.clone().unbind(), interval })
}

#[pymethods]
impl Callbacks {
    #[new]
    fn new(symbols: &Bound<'_, PyAny>) -> PyResult<Self> {
        match symbols.cast::<SymbolTable>() {
            Ok(symbols) => Ok(Self {
                symbols: symbols.clone().unbind(),
                routes: Mutex::default(),
                version: AtomicU64::new(0),
            }),
            Err(_) => Err(PyTypeError::new_err(format!(
                "symbols must be a SymbolTable, was {}",
                type_name(symbols)?
            ))),
        }
    }

    #[pyo3(signature = (kind, symbol_id, callback, interval_ns = None), text_signature = "($self, kind, symbol_id, callback, interval_ns=0)")]
    fn add(
        &self,
        kind: &Bound<'_, PyAny>,
        symbol_id: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        interval_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = kind.py();
        let place = place(kind, symbol_id, callback, interval_ns)?;
        let Some((venue, symbol)) = self.symbols.get().named(place.symbol as u32) else {
            let text = format!("symbol_id must be one that the table gave out, was {}", place.symbol);
            return Err(PyValueError::new_err(text));
        };
        let route = Route {
            symbol: Arc::new(PyString::intern(py, &symbol).unbind()),
            venue: Arc::new(PyString::intern(py, &venue).unbind()),
            targets: Vec::new(),
        };
        let target = (place.interval, Arc::new(place.callback));
        self.change(place.kind, place.symbol, |known| known.get_or_insert(route).targets.push(target));
        Ok(())
    }

    #[pyo3(signature = (kind, symbol_id, callback, interval_ns = None), text_signature = "($self, kind, symbol_id, callback, interval_ns=0)")]
    fn discard(
        &self,
        kind: &Bound<'_, PyAny>,
        symbol_id: &Bound<'_, PyAny>,
        callback: &Bound<'_, PyAny>,
        interval_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let place = place(kind, symbol_id, callback, interval_ns)?;
        let given = (place.interval, place.callback.as_ptr());
        let mut gone = None;
        if place.symbol < self.symbols.get().len() {
            self.change(place.kind, place.symbol, |known| {
                let Some(route) = known else { return };
                let (away, kept) = std::mem::take(&mut route.targets)
                    .into_iter()
                    .partition(|target| (target.0, target.1.as_ptr()) == given);
                route.targets = kept;
                gone = Some::<Vec<_>>(away);
            });
        }
        // Not under the lock: its end may run Python code.
        drop(gone);
        Ok(())
    }

    fn deliver(&self, batch: &Bound<'_, PyAny>, drained_ns: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = batch.py();
        let drained_ns = integer(drained_ns, "drained_ns", i64::MIN..=i64::MAX)?;
        let records = batch::records(batch)?;
        if records.last().is_some_and(|last| last.flags & MORE != 0) {
            return Err(PyValueError::new_err("the last message of the batch is incomplete"));
        }
        self.deliver_all(py, &records, drained_ns)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Held by a thread that is changing it: what is not visited counts as in use.
        let Ok(routes) = self.routes.try_lock() else { return Ok(()) };
        // A delivery has them too, so that one reference here would be visited for two.
        if Arc::strong_count(&routes) > 1 {
            return Ok(());
        }
        for route in routes.iter().flatten().flatten() {
            for target in &route.targets {
                if Arc::strong_count(&target.1) == 1 {
                    visit.call(&*target.1)?;
                }
            }
        }
        Ok(())
    }
}
