//! The decoder as its users see it: payloads in, records, errors and counters out.

mod contract;
mod differential;
mod messagepack;
mod plan_errors;
mod plans;

use std::sync::{Arc, RwLock};

use tradewire_core::decode::plan::FieldPlan;
use tradewire_core::decode::{DecodeError, Decoder, Reason, Refused};
use tradewire_core::record::Record;
use tradewire_core::sink::{Full, Sink, VecSink};
use tradewire_core::symbols::SymbolTable;

/// A decoder that learns symbols.
fn learning(plan: &FieldPlan) -> Decoder {
    Decoder::new(plan, Arc::new(RwLock::new(SymbolTable::new(1000))), true).unwrap()
}

/// A decoder for these symbols only.
fn knowing(plan: &FieldPlan, symbols: &[&str]) -> Decoder {
    let mut table = SymbolTable::new(1000);
    let venue = table.venue(&plan.venue).unwrap();
    for symbol in symbols {
        table.add(venue, symbol).unwrap();
    }
    Decoder::new(plan, Arc::new(RwLock::new(table)), false).unwrap()
}

/// The records of one payload, received at 7.
fn records(decoder: &mut Decoder, data: &str, stream: Option<&str>) -> Vec<Record> {
    let mut sink = VecSink::default();
    let done = decoder.decode(data.as_bytes(), 7, stream, &mut sink);
    assert!(done.is_ok(), "{done:?}: {data}");
    sink.records().to_vec()
}

/// The refusal of one payload.
fn refusal(decoder: &mut Decoder, data: &[u8], stream: Option<&str>) -> DecodeError {
    let mut sink = VecSink::default();
    let done = decoder.decode(data, 7, stream, &mut sink);
    assert!(sink.records().is_empty());
    match done {
        Err(Refused::Error(error)) => error,
        other => panic!("{other:?}: {}", data.escape_ascii()),
    }
}

fn counter(decoder: &Decoder, name: &str) -> u64 {
    decoder.counters().named().find(|(known, _)| *known == name).unwrap().1
}

/// Reason and offset.
fn fault(error: DecodeError) -> (Reason, usize) {
    (error.reason, error.offset)
}

/// A sink of `capacity` records with room for `room` of them.
struct Bounded {
    inner: VecSink,
    capacity: usize,
    room: usize,
}

impl Bounded {
    fn new(capacity: usize, room: usize) -> Self {
        Self { inner: VecSink::default(), capacity, room }
    }
}

impl Sink for Bounded {
    fn put(&mut self, record: &Record) -> Result<(), Full> {
        if self.inner.pending() == self.room { Err(Full) } else { self.inner.put(record) }
    }
    fn pending(&self) -> usize {
        self.inner.pending()
    }
    fn patch(&mut self, index: usize) -> &mut Record {
        self.inner.patch(index)
    }
    fn commit(&mut self) {
        self.inner.commit();
    }
    fn abort(&mut self) {
        self.inner.abort();
    }
    fn capacity(&self) -> usize {
        self.capacity
    }
}
