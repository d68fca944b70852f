//! Field-plan driven decoding: payload bytes to records. Not for framing (`wire`) or for books (`book`).
//!
//! `message` decides every case, for all codecs (`grammar`); the contract it keeps is the docstring of `DecoderProtocol`
//! in `protocols.py`. Most JSON messages look like one before, and are read by `fast` with what was learnt from that one
//! (`template`).

mod compile;
mod counters;
mod error;
mod fast;
mod grammar;
mod json;
mod keys;
mod learn;
mod message;
mod msgpack;
mod names;
mod numbers;
pub mod plan;
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse4.1"))))]
mod portable;
mod scan;
mod template;
mod templates;
mod times;
mod values;
#[cfg(all(target_arch = "x86_64", target_feature = "sse4.1"))]
mod vector;
mod words;

pub use counters::{Counters, KINDS, Quarantined};
pub use error::{DecodeError, Reason, excerpt};

use std::sync::{Arc, PoisonError, RwLock};

use crate::sink::{Full, Sink};
use crate::symbols::SymbolTable;
use compile::Program;
use counters::Quarantine;
use message::{Payload, Reading};
use msgpack::Msgpack;
use names::Names;
use plan::WireCodec;
use scan::Json;
use templates::{Done, Templates};

/// The table shared by the decoders of a gateway.
pub type SharedSymbols = Arc<RwLock<SymbolTable>>;

/// Why a payload gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The sink has no room; nothing was written, the same call may be made again after it was drained.
    Full,
    /// The payload is not what the plan says; counted and quarantined.
    Error(DecodeError),
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Payload bytes to records, by a field plan.
#[derive(Debug)]
pub struct Decoder {
    program: Program,
    names: Names,
    counters: Counters,
    quarantine: Quarantine,
    reading: Reading,
    templates: Templates,
}

impl Decoder {
    /// A decoder for `plan`; with `learn`, unseen symbols are added to the table. The error is a `PlanError`'s text.
    pub fn new(plan: &plan::FieldPlan, symbols: SharedSymbols, learn: bool) -> Result<Self, String> {
        let venue = symbols.write().unwrap_or_else(PoisonError::into_inner).venue(&plan.venue);
        let venue =
            venue.map_err(|_| "the symbol table holds as many venues as it can (65536)".to_owned())?;
        let program = Program::new(plan, venue)?;
        Ok(Self {
            templates: Templates::new(&program),
            program,
            names: Names::new(symbols, venue, learn),
            counters: Counters::default(),
            quarantine: Quarantine::default(),
            reading: Reading::default(),
        })
    }

    /// Totals since construction.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last 16 messages that could not be used, oldest first.
    pub fn quarantine(&self) -> impl Iterator<Item = &Quarantined> {
        self.quarantine.iter()
    }

    /// The channel of the shape with this index, as in `DecodeError::shape`.
    pub fn channel(&self, shape: u16) -> Option<&str> {
        self.program.shapes.get(usize::from(shape)).map(|shape| shape.channel.as_str())
    }

    /// Decodes one payload into `sink`: all of its messages are committed, or none. Returns their number.
    #[inline]
    pub fn decode<S: Sink>(
        &mut self,
        data: &[u8],
        recv_ns: i64,
        stream: Option<&str>,
        sink: &mut S,
    ) -> Result<u32, Refused> {
        let payload = Payload { data, recv_ns, stream: stream.map(str::as_bytes), stream_at: 0 };
        if let Some(done) = self.templates.payload(&self.program, &self.names, payload, sink) {
            sink.commit();
            return Ok(match done {
                Done::One(kind) => {
                    self.counters.deliver(kind);
                    1
                }
                Done::Many(messages) => {
                    self.counters.deliver_all(messages, self.templates.kinds());
                    messages
                }
            });
        }
        sink.abort();
        self.decode_any(payload, sink)
    }

    /// Decodes a payload of any kind.
    #[inline(never)]
    fn decode_any<S: Sink>(&mut self, payload: Payload<'_>, sink: &mut S) -> Result<u32, Refused> {
        let data = payload.data;
        self.reading.clear();
        let read = match self.program.codec {
            WireCodec::Json => self.reading.payload::<Json>(&self.program, &mut self.names, payload),
            WireCodec::Msgpack => self.reading.payload::<Msgpack>(&self.program, &mut self.names, payload),
        };
        if let Err((reason, offset)) = read {
            return Err(self.refuse(data, DecodeError { reason, offset, shape: None }));
        }
        if self.reading.records.len() > sink.capacity() {
            return Err(self.refuse(data, DecodeError { reason: Reason::Size, offset: 0, shape: None }));
        }
        for record in &self.reading.records {
            if let Err(full) = sink.put(record) {
                sink.abort();
                return Err(full.into());
            }
        }
        sink.commit();
        self.counters.add(&self.reading.counters);
        self.quarantine.append(&mut self.reading.quarantine);
        if self.program.codec == WireCodec::Json {
            if let Some((stream, id)) = &self.reading.stream_symbol {
                self.templates.note_stream(&self.program, stream, *id);
            }
            let Reading { delivered, records, .. } = &self.reading;
            self.templates.learn(&self.program, &self.names, payload, delivered, records);
        }
        match (self.reading.counters.messages, self.reading.refused) {
            (0, Some(error)) => Err(Refused::Error(error)),
            (messages, _) => Ok(messages as u32),
        }
    }

    /// Counts a payload that gave nothing at all.
    #[cold]
    fn refuse(&mut self, data: &[u8], error: DecodeError) -> Refused {
        self.counters.fault(error.reason);
        self.quarantine.push(error.reason.name(), data, error.offset);
        Refused::Error(error)
    }
}
