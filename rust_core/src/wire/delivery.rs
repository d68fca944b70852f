//! One reading of the wire into a ring: each message decoded in place, with the counts and values that the caller wants.

use super::reader::Receiver;
use crate::decode::{Counters, DecodeError, Decoder, KINDS, Refused};
use crate::record::Kind;
use crate::sink::{Full, Sink};

/// Refused messages kept of one reading; all are counted.
const KEPT: usize = 16;
/// Payloads with controls kept of one reading; all are counted.
const CONTROLS: usize = 64;

/// A decoder and a sink, joined for one reading, and what has come of it.
#[derive(Debug)]
pub struct Delivery<'a, S> {
    decoder: &'a mut Decoder,
    sink: &'a mut S,
    recv_ns: i64,
    stream: Option<&'a str>,
    before: Counters,
    /// Messages in the sink.
    pub messages: u64,
    /// Control frames in order: opcode and payload.
    pub frames: Vec<(u8, Vec<u8>)>,
    /// The first refused messages, each with its payload.
    pub refused: Vec<(DecodeError, Vec<u8>)>,
    /// All refused messages.
    pub refused_count: u64,
    /// The first payloads that gave a Control, whatever else they gave.
    pub controls: Vec<Vec<u8>>,
    /// All such payloads.
    pub control_count: u64,
    /// The decoder's Controls up to the payload before.
    controls_seen: u64,
}

impl<'a, S: Sink> Delivery<'a, S> {
    /// Nothing read yet.
    pub fn new(decoder: &'a mut Decoder, sink: &'a mut S, recv_ns: i64, stream: Option<&'a str>) -> Self {
        let before = decoder.counters().clone();
        Self {
            decoder,
            sink,
            recv_ns,
            stream,
            controls_seen: before.kind(Kind::Control),
            before,
            messages: 0,
            frames: Vec::new(),
            refused: Vec::new(),
            refused_count: 0,
            controls: Vec::new(),
            control_count: 0,
        }
    }

    /// Messages of each kind, in the order of `decode::KINDS`.
    pub fn counts(&self) -> [u64; KINDS.len()] {
        KINDS.map(|(kind, _)| self.decoder.counters().kind(kind) - self.before.kind(kind))
    }

    #[cold]
    fn refuse(&mut self, error: DecodeError, payload: &[u8]) {
        self.refused_count += 1;
        if self.refused.len() < KEPT {
            self.refused.push((error, payload.to_vec()));
        }
    }

    #[cold]
    fn keep_control(&mut self, payload: &[u8]) {
        self.controls_seen = self.decoder.counters().kind(Kind::Control);
        self.control_count += 1;
        if self.controls.len() < CONTROLS {
            self.controls.push(payload.to_vec());
        }
    }
}

impl<S: Sink> Receiver for Delivery<'_, S> {
    #[inline]
    fn message(&mut self, payload: &[u8]) -> Result<(), Full> {
        match self.decoder.decode(payload, self.recv_ns, self.stream, self.sink) {
            Ok(count) => {
                self.messages += u64::from(count);
                if self.decoder.counters().kind(Kind::Control) != self.controls_seen {
                    self.keep_control(payload);
                }
            }
            Err(Refused::Full) => return Err(Full),
            Err(Refused::Error(error)) => self.refuse(error, payload),
        }
        Ok(())
    }

    fn control(&mut self, opcode: u8, payload: &[u8]) {
        self.frames.push((opcode, payload.to_vec()));
    }
}
