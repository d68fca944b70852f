//! Messages to records, one value after the other, for any order of keys: the path that decides every case.

use std::ops::Range;

use super::compile::{EVENT, Group, Known, Program, RECORD, RECV, SEQ, SLOTS, Side, Source, To, Words};
use super::counters::{Counters, Quarantine};
use super::error::{DecodeError, Reason};
use super::grammar::{Form, Grammar};
use super::keys::KeyId;
use super::names::{Found, Names};
use super::plan::{Sign, StreamName};
use super::values::{self, Value};
use crate::record::{ControlStatus, Kind, NO_SYMBOL, Record, Slot, flags};

/// Longest stream name, bytes.
pub(super) const LONGEST_STREAM: usize = 256;

/// What is wrong with a message: reason, offset.
type Problem = (Reason, usize);

/// One payload, and what is known about it from outside.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub data: &'a [u8],
    pub recv_ns: i64,
    pub stream: Option<&'a [u8]>,
    /// Where the stream name stands in the payload; 0 if it does not.
    pub stream_at: usize,
}

/// A message delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Where it stands in the payload.
    pub open: usize,
    pub shape: usize,
    pub records: Range<usize>,
}

/// What is not quite right with a message that is delivered all the same.
#[derive(Default)]
struct Doubts {
    /// Whether a value is inexact, by record.
    inexact: [bool; 2],
    /// Where the first time stands that is out of range.
    time: Option<usize>,
}

/// What one payload gave; kept from payload to payload for its memory.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub records: Vec<Record>,
    pub counters: Counters,
    pub quarantine: Quarantine,
    /// The first refused message.
    pub refused: Option<DecodeError>,
    /// Messages to learn from: those that a shape fitted, and all of whose values could be used.
    pub delivered: Vec<Delivered>,
    /// The symbol that the stream name gave.
    pub stream_symbol: Option<(Vec<u8>, u32)>,
    /// First record of the last message.
    last: usize,
    found: Vec<Range<usize>>,
    buffer: Vec<u8>,
}

impl Reading {
    /// Forgets the payload before.
    pub fn clear(&mut self) {
        self.records.clear();
        self.counters = Counters::default();
        self.quarantine.clear();
        self.refused = None;
        self.delivered.clear();
        self.stream_symbol = None;
        self.last = 0;
    }

    /// Reads a whole payload; the error refuses all of it.
    pub fn payload<G: Grammar>(
        &mut self,
        program: &Program,
        names: &mut Names,
        payload: Payload<'_>,
    ) -> Result<(), Problem> {
        let data = payload.data;
        let start = G::check(data).map_err(|fault| (fault.reason, fault.offset))?;
        let mut stream_buffer = Vec::new();
        let (payload, start) = match self.open_envelope::<G>(program, data, start) {
            Some((name, start)) => {
                let Value::Text(text) = G::value(data, &name, &mut stream_buffer) else {
                    return Err((Reason::Type, name.start));
                };
                (Payload { stream: Some(text), stream_at: name.start, ..payload }, start)
            }
            None => (payload, start),
        };
        if payload.stream.is_some_and(|name| name.len() > LONGEST_STREAM) {
            return Err((Reason::Size, payload.stream_at));
        }
        if G::form(data, start) == Form::Array {
            for element in G::elements(data, start) {
                self.one::<G>(program, names, payload, element.start);
            }
        } else {
            self.one::<G>(program, names, payload, start);
        }
        for record in &mut self.records[self.last..] {
            record.flags |= flags::LAST;
        }
        Ok(())
    }

    /// Stream name and start of the payload in an envelope.
    fn open_envelope<G: Grammar>(
        &mut self,
        program: &Program,
        data: &[u8],
        start: usize,
    ) -> Option<(Range<usize>, usize)> {
        let (name_key, payload_key) = program.envelope.as_ref()?;
        if G::form(data, start) != Form::Object {
            return None;
        }
        let (mut name, mut inside, mut repeated) = (None, None, 0);
        for member in G::members(data, start) {
            let key = G::key(&data[member.key], &mut self.buffer);
            if *key == **name_key {
                repeated += u64::from(name.replace(member.value).is_some());
            } else if *key == **payload_key {
                repeated += u64::from(inside.replace(member.value.start).is_some());
            }
        }
        let both = name.zip(inside)?;
        self.counters.duplicate_key += repeated;
        Some(both)
    }

    /// Reads the message at `open`, or counts why not.
    fn one<G: Grammar>(&mut self, program: &Program, names: &mut Names, payload: Payload<'_>, open: usize) {
        let before = self.records.len();
        let mut shape = None;
        if let Err((reason, offset)) = self.message::<G>(program, names, payload, open, &mut shape) {
            self.records.truncate(before);
            self.counters.fault(reason);
            self.quarantine.push(reason.name(), payload.data, offset);
            let error = DecodeError { reason, offset, shape: shape.map(|shape| shape as u16) };
            self.refused.get_or_insert(error);
        }
    }

    fn message<G: Grammar>(
        &mut self,
        program: &Program,
        names: &mut Names,
        payload: Payload<'_>,
        open: usize,
        matched: &mut Option<usize>,
    ) -> Result<(), Problem> {
        let data = payload.data;
        if G::form(data, open) != Form::Object {
            return Err((Reason::Type, open));
        }
        self.scan::<G>(program, data, open);
        let Some(index) = self.shape::<G>(program, payload) else {
            self.unknown_event(payload, names.venue(), open);
            return Ok(());
        };
        *matched = Some(index);
        let shape = &program.shapes[index];
        for (key, allowed) in &shape.filters {
            if let Some(range) = self.present::<G>(data, *key) {
                let value = G::value(data, &range, &mut self.buffer);
                if !allowed.iter().any(|token| value.is(token)) {
                    self.counters.filtered += 1;
                    return Ok(());
                }
            }
        }
        let Some(symbol) = self.symbol::<G>(program, shape, names, payload, open)? else { return Ok(()) };
        let mut words = shape.base;
        let Doubts { inexact, time } = self.groups::<G>(shape, data, open, &mut words)?;
        let first = self.records.len();
        self.put::<G>(shape, data, open, symbol, payload.recv_ns, words, inexact)?;
        match time {
            Some(offset) => {
                self.counters.fault(Reason::Time);
                self.quarantine.push(Reason::Time.name(), data, offset);
            }
            None => self.delivered.push(Delivered { open, shape: index, records: first..self.records.len() }),
        }
        Ok(())
    }

    /// Notes where the values of the plan's keys are.
    fn scan<G: Grammar>(&mut self, program: &Program, data: &[u8], open: usize) {
        self.found.clear();
        self.found.resize(program.keys.len(), 0..0);
        let mut repeated = 0;
        let mut note = |found: &mut [Range<usize>], key: KeyId, value: Range<usize>| {
            let place = &mut found[usize::from(key)];
            repeated += u64::from(place.end > 0);
            *place = value;
        };
        for member in G::members(data, open) {
            if let Some(key) = program.keys.top.get(G::key(&data[member.key], &mut self.buffer)) {
                note(&mut self.found, key, member.value);
            }
        }
        for (outer, keys) in &program.keys.wrappers {
            let inside = self.found[usize::from(*outer)].clone();
            if inside.end == 0 || G::form(data, inside.start) != Form::Object {
                continue;
            }
            for member in G::members(data, inside.start) {
                if let Some(key) = keys.get(G::key(&data[member.key], &mut self.buffer)) {
                    note(&mut self.found, key, member.value);
                }
            }
        }
        self.counters.duplicate_key += repeated;
    }

    /// A value that is there and not null.
    fn present<G: Grammar>(&self, data: &[u8], key: KeyId) -> Option<Range<usize>> {
        let range = self.found[usize::from(key)].clone();
        (range.end > 0 && G::form(data, range.start) != Form::Null).then_some(range)
    }

    /// The first shape that fits.
    fn shape<G: Grammar>(&mut self, program: &Program, payload: Payload<'_>) -> Option<usize> {
        let channel = match (&program.stream_name, payload.stream) {
            (Some(rule), Some(name)) => Some(split(rule, name).1),
            _ => None,
        };
        let streams_fit = |shape: &Known| {
            shape.streams.is_empty()
                || channel.is_some_and(|channel| shape.streams.iter().any(|name| **name == *channel))
        };
        let dispatch = program.dispatch.map(|key| self.found[usize::from(key)].clone());
        let value = dispatch.and_then(|range| match G::value(payload.data, &range, &mut self.buffer) {
            Value::Text(text) => Some(text),
            _ => None,
        });
        let found = &self.found;
        let fits = |shape: &Known| {
            shape.value.as_deref() == value
                && shape.keys.iter().all(|key| found[usize::from(*key)].end > 0)
                && streams_fit(shape)
        };
        program.shapes.iter().position(fits)
    }

    fn unknown_event(&mut self, payload: Payload<'_>, venue: u16, open: usize) {
        self.counters.unknown_event += 1;
        self.counters.deliver(Kind::Control);
        self.quarantine.push("unknown_event", payload.data, open);
        self.last = self.records.len();
        self.records.push(Record {
            kind: Kind::Control as u8,
            venue,
            symbol: NO_SYMBOL,
            recv_ns: payload.recv_ns,
            slots: [Slot::i64(ControlStatus::Unknown as i64), Slot::i64(-1), Slot::i64(-1), Slot::default()],
            ..Record::default()
        });
    }

    /// The symbol's number; None: unknown, counted.
    fn symbol<G: Grammar>(
        &mut self,
        program: &Program,
        shape: &Known,
        names: &mut Names,
        payload: Payload<'_>,
        open: usize,
    ) -> Result<Option<u32>, Problem> {
        let data = payload.data;
        let field = shape.symbol.iter().find_map(|key| self.present::<G>(data, *key));
        let (found, offset) = match (field, &program.stream_name, payload.stream) {
            (Some(range), ..) => match G::value(data, &range, &mut self.buffer) {
                Value::Text(text) => (names.find(text), range.start),
                _ => return Err((Reason::Type, range.start)),
            },
            _ if shape.symbol_required => return Err((Reason::Missing, open)),
            _ if shape.kind == Kind::Control => return Ok(Some(NO_SYMBOL)),
            (None, Some(rule), Some(name)) => {
                let mut symbol = split(rule, name).0.to_vec();
                if rule.upper {
                    symbol.make_ascii_uppercase();
                }
                let found = names.find(&symbol);
                if let Found::Id(id) = found {
                    self.stream_symbol = Some((name.to_vec(), id));
                }
                (found, payload.stream_at)
            }
            _ => return Err((Reason::Missing, open)),
        };
        match found {
            Found::Id(id) => Ok(Some(id)),
            Found::Malformed => Err((Reason::Symbol, offset)),
            Found::Unknown => {
                self.counters.unknown_symbol += 1;
                self.quarantine.push("unknown_symbol", data, offset);
                Ok(None)
            }
        }
    }

    /// Reads all targets into `words`.
    fn groups<G: Grammar>(
        &mut self,
        shape: &Known,
        data: &[u8],
        open: usize,
        words: &mut Words,
    ) -> Result<Doubts, Problem> {
        let mut doubts = Doubts::default();
        for group in &shape.groups {
            let mut absent = true;
            for source in &group.sources {
                let Some(range) = self.present::<G>(data, source.key) else { continue };
                absent = false;
                let value = G::value(data, &range, &mut self.buffer);
                if self::value(group, source, &value, words, &mut doubts.inexact)
                    .map_err(|reason| (reason, range.start))?
                {
                    break;
                }
                doubts.time.get_or_insert(range.start);
            }
            if absent && group.required {
                return Err((Reason::Missing, open));
            }
            if absent && group.to == To::Side {
                words[0] |= u64::from(flags::SIDELESS) << 8;
            }
        }
        Ok(doubts)
    }

    /// Completes and keeps the records of a message.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of one message, taken apart so that each step borrows its own"
    )]
    fn put<G: Grammar>(
        &mut self,
        shape: &Known,
        data: &[u8],
        open: usize,
        symbol: u32,
        recv_ns: i64,
        mut words: Words,
        inexact: [bool; 2],
    ) -> Result<(), Problem> {
        let first = self.records.len();
        words[0] |= u64::from(symbol) << 32;
        words[RECV] = recv_ns as u64;
        self.records.push(record(&words[..RECORD]));
        let mut any_inexact = inexact[0] || inexact[1];
        if shape.is_book() {
            let mut level = self.records[first];
            level.kind = Kind::Level as u8;
            for side in &shape.levels {
                level.flags = shape.flags | if side.ask { flags::SIDE } else { 0 };
                let count = self.levels::<G>(side, level, data, open, &mut any_inexact)?;
                self.records[first].slots[2 + usize::from(side.ask)] = Slot::i64(count);
            }
            for side in [false, true] {
                let slot = &mut self.records[first].slots[2 + usize::from(side)];
                if *slot == Slot::i64(-1) {
                    *slot = Slot::i64(0);
                }
            }
        } else if shape.records == 2 {
            let second = &mut words[RECORD..];
            second[RECV] = recv_ns as u64;
            self.records.push(record(second));
            let head = self.records[first];
            let own = &mut self.records[first + 1];
            own.flags = shape.flags | if inexact[1] { flags::INEXACT } else { 0 };
            (own.symbol, own.event_ns) = (head.symbol, head.event_ns);
            if !shape.has_own_second_seq() {
                own.seq = head.seq;
            }
        }
        if any_inexact {
            self.records[first].flags |= flags::INEXACT;
            self.counters.inexact += 1;
        }
        let last = self.records.len() - 1;
        for record in &mut self.records[first..last] {
            record.flags |= flags::MORE;
        }
        self.counters.deliver(shape.kind);
        self.last = first;
        Ok(())
    }

    /// Reads one side of a book message: its number of levels.
    fn levels<G: Grammar>(
        &mut self,
        side: &Side,
        mut level: Record,
        data: &[u8],
        open: usize,
        any_inexact: &mut bool,
    ) -> Result<i64, Problem> {
        let Some(list) = self.present::<G>(data, side.key) else {
            return if side.required { Err((Reason::Missing, open)) } else { Ok(0) };
        };
        if G::form(data, list.start) != Form::Array {
            return Err((Reason::Type, list.start));
        }
        let before = self.records.len();
        let plain = level.flags;
        for element in G::elements(data, list.start) {
            let pair = self.level::<G>(side, data, element.start)?;
            level.flags = plain;
            for (slot, (range, sign)) in pair.into_iter().zip([Sign::Positive, Sign::Zero]).enumerate() {
                let range = range.ok_or((Reason::Missing, element.start))?;
                let value = G::value(data, &range, &mut self.buffer);
                let decimal = values::decimal(&value, sign).map_err(|reason| (reason, range.start))?;
                level.slots[slot] = Slot::f64(decimal.value);
                if decimal.inexact {
                    level.flags |= flags::INEXACT;
                    *any_inexact = true;
                }
            }
            level.slots[2..].fill(Slot::default());
            self.records.push(level);
        }
        Ok((self.records.len() - before) as i64)
    }

    /// Where price and quantity of the level at `open` are.
    fn level<G: Grammar>(
        &mut self,
        side: &Side,
        data: &[u8],
        open: usize,
    ) -> Result<[Option<Range<usize>>; 2], Problem> {
        let mut pair = [None, None];
        match (&side.map, G::form(data, open)) {
            (None, Form::Array) => {
                for (place, element) in pair.iter_mut().zip(G::elements(data, open)) {
                    *place = Some(element);
                }
            }
            (Some((price, quantity)), Form::Object) => {
                for member in G::members(data, open) {
                    let key = G::key(&data[member.key], &mut self.buffer);
                    let place = match [price, quantity].iter().position(|known| ***known == *key) {
                        Some(index) => &mut pair[index],
                        None => continue,
                    };
                    self.counters.duplicate_key += u64::from(place.replace(member.value).is_some());
                }
            }
            _ => return Err((Reason::Type, open)),
        }
        Ok(pair.map(|range| range.filter(|range| G::form(data, range.start) != Form::Null)))
    }
}

/// Reads a value into its target; false: a time that is out of range, for which 0 is put until the next source.
fn value(
    group: &Group,
    source: &Source,
    value: &Value<'_>,
    words: &mut Words,
    inexact: &mut [bool; 2],
) -> Result<bool, Reason> {
    if let To::Word(word) = group.to
        && group.decimal
    {
        let decimal = values::decimal(value, source.sign)?;
        inexact[usize::from(word) / RECORD] |= decimal.inexact;
        words[usize::from(word)] = decimal.value.to_bits();
        return Ok(true);
    }
    let number = values::integral(value, source)?;
    match group.to {
        To::Side | To::Closed => {
            let flag = if group.to == To::Side { flags::SIDE } else { flags::CLOSED };
            words[0] |= if number == Some(1) { u64::from(flag) << 8 } else { 0 };
        }
        To::Word(word) => {
            let number = number.unwrap_or(0);
            if number < 0 && usize::from(word) % RECORD == SEQ {
                return Err(Reason::Range);
            }
            words[usize::from(word)] = number as u64;
        }
    }
    Ok(number.is_some())
}

/// Symbol part and channel part of a stream name.
pub(super) fn split<'a>(rule: &StreamName, name: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let mut parts = name.split(|byte| *byte == rule.separator);
    (parts.next().unwrap_or(&[]), parts.next().unwrap_or(&[]))
}

/// Eight words as a record.
#[inline]
pub(super) fn record(words: &[u64]) -> Record {
    let head = words[0];
    Record {
        kind: head as u8,
        flags: (head >> 8) as u8,
        venue: (head >> 16) as u16,
        symbol: (head >> 32) as u32,
        event_ns: words[EVENT] as i64,
        recv_ns: words[RECV] as i64,
        seq: words[SEQ],
        slots: [words[SLOTS], words[SLOTS + 1], words[SLOTS + 2], words[SLOTS + 3]].map(Slot),
    }
}
