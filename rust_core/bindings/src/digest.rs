//! `Digest`: what is done with every batch, in one call: sequences, books, callbacks, counts, latencies.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tradewire_core::book::Changes;
use tradewire_core::clock;
use tradewire_core::decode::KINDS;
use tradewire_core::record::{Kind, Messages, Record};

use crate::argument::{integer, type_name};
use crate::batch;
use crate::bookset::BookSet;
use crate::callbacks::Callbacks;
use crate::histogram::Histogram;
use crate::objects::Wanted;
use crate::ring::Ring;
use crate::sequence::SequenceTracker;
use crate::wire::WireResult;

/// Records taken at a time, so that one batch stays within the processor's cache.
const DRAIN: usize = 8192;
/// A venue's clock that is further off than this is set wrong, or its unit is.
const JUMP_NS: i64 = 3_600_000_000_000;

/// One feed's messages.
#[derive(Clone, Copy, Default)]
struct Feed {
    messages: u64,
    last_ns: i64,
    last_wall_ns: i64,
    watched: bool,
    /// On the list of those with news.
    listed: bool,
}

/// Kind, symbol, interval of bars.
type FeedKey = (u8, u32, i64);

#[derive(Default)]
struct Totals {
    messages: u64,
    kinds: [u64; KINDS.len()],
    bytes: u64,
    reads: u64,
    decode_errors: u64,
    protocol_errors: u64,
    /// By close code; there are four.
    violations: Vec<(u16, u64)>,
    batches: u64,
    records: u64,
    time_jumps: u64,
}

#[derive(Default)]
struct State {
    /// By kind and symbol, but bars.
    feeds: [Vec<Feed>; KINDS.len()],
    bars: HashMap<(u32, i64), Feed>,
    news: Vec<FeedKey>,
    totals: Totals,
    /// Memory of batches, kept for the next one.
    records: Vec<Record>,
    changes: Changes,
    incidents: Vec<(usize, &'static str, u64)>,
    /// Found by a reader's direct call; the next `run` gives it.
    found: Option<Found>,
    running: bool,
}

impl State {
    /// The feed of a message; None: a kind that cannot be, or a symbol that is none.
    fn feed(&mut self, (kind, symbol, interval): FeedKey, symbols: usize) -> Option<&mut Feed> {
        if symbol as usize >= symbols {
            return None;
        }
        if kind == Kind::Bar as u8 {
            return Some(self.bars.entry((symbol, interval)).or_default());
        }
        let feeds = self.feeds.get_mut(usize::from(kind).wrapping_sub(1))?;
        if feeds.len() <= symbol as usize {
            feeds.resize(symbol as usize + 1, Feed::default());
        }
        feeds.get_mut(symbol as usize)
    }

    /// Counts the messages of a batch; returns whether one of them is of a watched feed.
    fn count(&mut self, records: &[Record], symbols: usize, now: i64, wall: i64) -> bool {
        let mut watched = false;
        for message in Messages(records) {
            let first = &message[0];
            let bar = first.kind == Kind::Bar as u8;
            let interval = if bar { message.get(1).map_or(0, |second| second.seq as i64) } else { 0 };
            let key = (first.kind, first.symbol, interval);
            let Some(feed) = self.feed(key, symbols) else { continue };
            feed.messages += 1;
            feed.last_ns = now;
            feed.last_wall_ns = wall;
            watched |= feed.watched;
            if !mem::replace(&mut feed.listed, true) {
                self.news.push(key);
            }
        }
        self.totals.batches += 1;
        self.totals.records += records.len() as u64;
        watched
    }
}

/// What is done with every batch of a ring.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Digest {
    ring: Py<Ring>,
    tracker: Py<SequenceTracker>,
    books: Py<BookSet>,
    wanted: Py<Wanted>,
    callbacks: Py<Callbacks>,
    /// Hops: venue to us, socket read to here.
    latencies: Option<(Py<Histogram>, Py<Histogram>)>,
    state: Mutex<State>,
}

impl Digest {
    /// No Python code runs, and no Python object is made, while the guard lives.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the first two hops, and counts the venue times that cannot be.
    fn time(&self, records: &[Record], wall: i64, offset_ns: i64) {
        let Some((venue, queue)) = &self.latencies else { return };
        let mut jumps = 0;
        {
            let mut queue = queue.get().lock();
            for message in Messages(records) {
                queue.record(wall.saturating_sub(message[0].recv_ns));
            }
        }
        let mut venue = venue.get().lock();
        for message in Messages(records) {
            let first = &message[0];
            if first.event_ns > 0 {
                let age = first.recv_ns.saturating_add(offset_ns).saturating_sub(first.event_ns);
                venue.record(age);
                jumps += u64::from(!(-JUMP_NS..=JUMP_NS).contains(&age));
            }
        }
        if jumps > 0 {
            self.state().totals.time_jumps += jumps;
        }
    }
}

/// A batch that somebody in Python asks about.
type Found =
    (Py<PyAny>, Vec<u32>, Vec<(usize, u32, Py<PyString>)>, Vec<(usize, &'static str, u64)>, i64, i64);

fn of_this_core<T: PyClass>(value: &Bound<'_, PyAny>, name: &str, class: &str) -> PyResult<Py<T>> {
    let Ok(value) = value.cast::<T>() else {
        let given = type_name(value)?;
        return Err(PyTypeError::new_err(format!("{name} must be a {class} of this core, was {given}")));
    };
    Ok(value.clone().unbind())
}

fn time(value: Option<&Bound<'_, PyAny>>, name: &str, clock: fn() -> i64) -> PyResult<i64> {
    value.map_or_else(|| Ok(clock()), |value| integer(value, name, 0..=i64::MAX))
}

#[pymethods]
impl Digest {
    #[new]
    #[pyo3(signature = (ring, tracker, books, wanted, callbacks, latencies = None))]
    fn new(
        ring: &Bound<'_, PyAny>,
        tracker: &Bound<'_, PyAny>,
        books: &Bound<'_, PyAny>,
        wanted: &Bound<'_, PyAny>,
        callbacks: &Bound<'_, PyAny>,
        latencies: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        Ok(Self {
            ring: of_this_core(ring, "ring", "Ring")?,
            tracker: of_this_core(tracker, "tracker", "SequenceTracker")?,
            books: of_this_core(books, "books", "BookSet")?,
            wanted: of_this_core(wanted, "wanted", "Wanted")?,
            callbacks: of_this_core(callbacks, "callbacks", "Callbacks")?,
            latencies: latencies
                .map(|(venue, queue)| {
                    PyResult::Ok((
                        of_this_core(&venue, "latencies[0]", "Histogram")?,
                        of_this_core(&queue, "latencies[1]", "Histogram")?,
                    ))
                })
                .transpose()?,
            state: Mutex::default(),
        })
    }

    fn count(&self, result: &Bound<'_, PyAny>, size: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(result) = result.cast::<WireResult>() else {
            let kind = type_name(result)?;
            return Err(PyTypeError::new_err(format!("result must be a WireResult, was {kind}")));
        };
        let size = integer(size, "size", 0..=i64::MAX)? as u64;
        self.add(result.get(), size);
        Ok(())
    }

    #[pyo3(signature = (every, books, offset_ns, now_ns = None, wall_ns = None))]
    fn run(
        &self,
        py: Python<'_>,
        every: bool,
        books: bool,
        offset_ns: i64,
        now_ns: Option<&Bound<'_, PyAny>>,
        wall_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Found>> {
        {
            let mut state = self.state();
            // The outer call goes on.
            if state.running {
                return Ok(None);
            }
            if let Some(found) = state.found.take() {
                return Ok(Some(found));
            }
            state.running = true;
        }
        let found = self.digest(py, every, books, offset_ns, now_ns, wall_ns);
        self.state().running = false;
        found
    }

    fn watch(
        &self,
        kind: &Bound<'_, PyAny>,
        symbol_id: &Bound<'_, PyAny>,
        interval_ns: &Bound<'_, PyAny>,
        watched: bool,
    ) -> PyResult<()> {
        let kind = integer(kind, "kind", Kind::Trade as i64..=Kind::Control as i64)? as u8;
        let symbol = integer(symbol_id, "symbol_id", 0..=i64::from(u32::MAX))? as u32;
        let interval = integer(interval_ns, "interval_ns", 0..=i64::MAX)?;
        let symbols = self.books.get().symbols();
        if let Some(feed) = self.state().feed((kind, symbol, interval), symbols) {
            feed.watched = watched;
        }
        Ok(())
    }

    fn news(&self) -> Vec<(u8, u32, i64, u64, i64, i64)> {
        let symbols = self.books.get().symbols();
        let mut state = self.state();
        let news = mem::take(&mut state.news);
        let taken = news.into_iter().filter_map(|(kind, symbol, interval)| {
            let feed = state.feed((kind, symbol, interval), symbols)?;
            feed.listed = false;
            let messages = mem::take(&mut feed.messages);
            Some((kind, symbol, interval, messages, feed.last_ns, feed.last_wall_ns))
        });
        taken.collect()
    }

    fn totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut found: Vec<(&str, u64)> = Vec::new();
        let (kinds, violations) = {
            let totals = &self.state().totals;
            found.extend([
                ("messages", totals.messages),
                ("bytes", totals.bytes),
                ("reads", totals.reads),
                ("decode_errors", totals.decode_errors),
                ("protocol_errors", totals.protocol_errors),
                ("batches", totals.batches),
                ("records", totals.records),
                ("time_jumps", totals.time_jumps),
            ]);
            (totals.kinds, totals.violations.clone())
        };
        let all = PyDict::new(py);
        for (name, total) in found {
            all.set_item(name, total)?;
        }
        for ((_, name), total) in KINDS.iter().zip(kinds) {
            if total > 0 {
                all.set_item(format!("messages.{name}"), total)?;
            }
        }
        for (code, total) in violations {
            all.set_item(format!("protocol_errors.{code}"), total)?;
        }
        Ok(all)
    }

    // What else it holds leads nowhere; what never changes needs no clearing.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callbacks)
    }
}

impl Digest {
    /// Adds what a read of `size` bytes gave to the totals.
    fn add(&self, result: &WireResult, size: u64) {
        let totals = &mut self.state().totals;
        totals.bytes += size;
        totals.reads += u64::from(size > 0);
        totals.messages += result.messages;
        totals.decode_errors += result.error_count;
        for (total, count) in totals.kinds.iter_mut().zip(result.counts) {
            *total += count;
        }
        if let Some(violation) = result.close {
            totals.protocol_errors += 1;
            match totals.violations.iter_mut().find(|known| known.0 == violation.code()) {
                Some(known) => known.1 += 1,
                None => totals.violations.push((violation.code(), 1)),
            }
        }
    }

    /// Deals with a read that gave messages and nothing else; whether nobody in Python has to look at it.
    pub(crate) fn take(
        &self,
        py: Python<'_>,
        result: &WireResult,
        size: u64,
        (every, books, offset_ns): (bool, bool, i64),
    ) -> PyResult<bool> {
        if every {
            return Ok(false);
        }
        match self.run(py, every, books, offset_ns, None, None) {
            Ok(Some(found)) => {
                self.state().found = Some(found);
                Ok(false)
            }
            done => {
                self.add(result, size);
                done.map(|_| true)
            }
        }
    }

    /// Takes batches until somebody in Python asks about one, or none is left.
    fn digest(
        &self,
        py: Python<'_>,
        every: bool,
        books: bool,
        offset_ns: i64,
        now_ns: Option<&Bound<'_, PyAny>>,
        wall_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Found>> {
        let ring = self.ring.get();
        let known = self.books.get();
        loop {
            let (mut records, mut changes, mut incidents) = {
                let state = &mut *self.state();
                (
                    mem::take(&mut state.records),
                    mem::take(&mut state.changes),
                    mem::take(&mut state.incidents),
                )
            };
            records.clear();
            incidents.clear();
            ring.take(DRAIN, |first, second| {
                records.extend_from_slice(first);
                records.extend_from_slice(second);
            })?;
            if records.is_empty() {
                self.state().records = records;
                return Ok(None);
            }
            let wall = time(wall_ns, "wall_ns", clock::wall_ns)?;
            let now = time(now_ns, "now_ns", clock::monotonic_ns)?;
            self.tracker.get().apply_all(&records, &mut incidents);
            let symbols = known.apply_all(&records, &mut changes)?;
            let watched = self.state().count(&records, symbols, now, wall);
            let asked = every
                || watched
                || !incidents.is_empty()
                || !changes.incidents.is_empty()
                || (books && !changes.changed.is_empty())
                || self.wanted.get().any(py, &records);
            if asked {
                self.time(&records, wall, offset_ns);
                let batch = batch::array(py, &records, &[])?;
                let books = changes.incidents.iter();
                let books = books.map(|found| {
                    (found.row, found.symbol, crate::book::outcome_name(py, found.outcome).clone().unbind())
                });
                let found =
                    (batch.unbind(), changes.changed.clone(), books.collect(), incidents.clone(), now, wall);
                self.give_back(records, changes, incidents);
                return Ok(Some(found));
            }
            let delivered = self.callbacks.get().deliver_all(py, &records, now);
            // After the callbacks, which wait for nothing that they do not need.
            self.time(&records, wall, offset_ns);
            self.give_back(records, changes, incidents);
            delivered?;
        }
    }

    /// Memory for the next batch; a delivery within a delivery has left its own.
    fn give_back(&self, records: Vec<Record>, changes: Changes, incidents: Vec<(usize, &'static str, u64)>) {
        let mut state = self.state();
        (state.records, state.changes, state.incidents) = (records, changes, incidents);
    }
}
