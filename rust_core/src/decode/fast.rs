//! Payloads by template: the same records, errors and counts as `message`, or none at all.
//!
//! Everything that `message` checks is checked here too, or fixed by the bytes compared. What does not fit, for
//! whatever reason, is left to `message` from the start: nothing here refuses a payload or counts one.

use super::compile::{EVENT, Program, RECORD, RECV, SEQ, Words};
use super::json;
use super::message::{Delivered, LONGEST_STREAM, Payload, record, split};
use super::names::{Cache, Names};
use super::plan::Sign;
use super::template::{Act, LevelForm, Literal, StreamNeeds, Template};
use super::{learn, times, words};
use crate::record::{Record, Slot, flags};
use crate::sink::{Sink, VecSink};

/// Templates kept.
const KEPT: usize = 16;
/// Templates that may be learnt before the ones in use have proved their worth.
const ATTEMPTS: u32 = 64;
/// Payloads by template that earn one more attempt.
const EARNING: u32 = 1024;
/// What a nested value that is skipped may still nest, whatever it is nested in here.
const DEEPEST: u32 = json::DEEPEST - 4;

/// A template and what it begins with.
#[derive(Debug)]
struct Entry {
    head: [Literal; 2],
    template: Template,
    uses: u64,
}

/// The templates of a decoder.
#[derive(Debug)]
pub(super) struct Templates {
    entries: Vec<Entry>,
    /// `{"stream":"` and `","data":`.
    envelope: Option<[Vec<Literal>; 2]>,
    streams: Cache,
    attempts: u32,
    earned: u32,
}

/// What one payload gave.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub messages: u32,
    pub kinds: [u32; 16],
}

/// What the payload says about all of its messages.
struct Context<'a> {
    data: &'a [u8],
    recv_ns: i64,
    /// The stream name as written, if there is one.
    stream: Option<&'a [u8]>,
    names: &'a Names,
    last: u8,
}

/// Why a template gave no message.
enum Miss {
    /// It looks otherwise; another template may fit.
    Other,
    /// Records are in the sink already, or it is not for templates.
    Stop,
}

fn literals(text: &[u8]) -> Vec<Literal> {
    text.chunks(8).map(Literal::new).collect()
}

/// Whether all of it is at `at`; the offset behind it.
#[inline]
fn follow(data: &[u8], mut at: usize, literals: &[Literal]) -> Option<usize> {
    for literal in literals {
        if !literal.fits(words::load(data, at)) {
            return None;
        }
        at += literal.length;
    }
    Some(at)
}

impl Templates {
    /// None yet.
    pub fn new(program: &Program) -> Self {
        let plain =
            |key: &[u8]| key.iter().all(|byte| (0x20..0x7f).contains(byte) && !b"\"\\".contains(byte));
        let envelope = program.envelope.as_ref().filter(|(name, payload)| plain(name) && plain(payload));
        Self {
            entries: Vec::new(),
            envelope: envelope.map(|(name, payload)| {
                [
                    literals(&[b"{\"", &**name, b"\":\""].concat()),
                    literals(&[b"\",\"", &**payload, b"\":"].concat()),
                ]
            }),
            streams: Cache::new(),
            attempts: ATTEMPTS,
            earned: 0,
        }
    }

    /// Decodes a whole payload into `sink`, but for the commit; None: not by template, and the sink is to be aborted.
    #[inline]
    pub fn payload<S: Sink>(
        &mut self,
        program: &Program,
        names: &Names,
        payload: Payload<'_>,
        sink: &mut S,
    ) -> Option<Done> {
        if self.entries.is_empty() {
            return None;
        }
        let data = payload.data;
        let (stream, mut at) = self.opening(payload)?;
        let enveloped = at > 0;
        let mut context = Context { data, recv_ns: payload.recv_ns, stream, names, last: flags::LAST };
        let mut done = Done::default();
        if json::byte(data, at) == b'[' {
            context.last = 0;
            let mut last;
            loop {
                last = sink.pending();
                at = self.message(program, &context, at + 1, sink, &mut done)?;
                match json::byte(data, at) {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
            at += 1;
            for index in last..sink.pending() {
                sink.patch(index).flags |= flags::LAST;
            }
        } else {
            at = self.message(program, &context, at, sink, &mut done)?;
        }
        if enveloped {
            if json::byte(data, at) != b'}' {
                return None;
            }
            at += 1;
        }
        if at != data.len() {
            return None;
        }
        self.earned += 1;
        if self.earned == EARNING {
            self.earned = 0;
            self.attempts = ATTEMPTS.min(self.attempts + 1);
        }
        Some(done)
    }

    /// The stream name, and where the messages start: 0 without an envelope.
    #[inline]
    fn opening<'a>(&self, payload: Payload<'a>) -> Option<(Option<&'a [u8]>, usize)> {
        let data = payload.data;
        let (mut stream, mut at) = (payload.stream, 0);
        if let Some([opening, middle]) = &self.envelope
            && let Some(start) = follow(data, 0, opening)
        {
            let end = words::quote(data, start)?;
            stream = data.get(start..end);
            at = follow(data, end, middle)?;
        }
        stream.is_none_or(|name| name.len() <= LONGEST_STREAM).then_some((stream, at))
    }

    /// Remembers the symbol of a stream name.
    pub fn note_stream(&mut self, program: &Program, stream: &[u8], id: u32) {
        if let Some(rule) = &program.stream_name {
            self.streams.put(split(rule, stream).0, id);
        }
    }

    /// Learns from a payload that `message` has read; `delivered`: where its messages are, and their shapes.
    #[cold]
    pub fn learn(
        &mut self,
        program: &Program,
        names: &Names,
        payload: Payload<'_>,
        delivered: &[Delivered],
        records: &[Record],
    ) {
        let Some((stream, _)) = self.opening(payload) else { return };
        let context = Context { data: payload.data, recv_ns: payload.recv_ns, stream, names, last: 0 };
        for message in delivered {
            let mut trial = VecSink::default();
            let mut fits = |templates: &mut Self| {
                trial.abort();
                templates.message(program, &context, message.open, &mut trial, &mut Done::default())?;
                trial.commit();
                Some(())
            };
            if self.attempts == 0 {
                return;
            }
            if fits(self).is_some() {
                continue;
            }
            self.attempts -= 1;
            let shape = &program.shapes[message.shape];
            if let Some(template) = learn::learn(program, shape, payload.data, message.open, stream) {
                self.add(template);
                let fitted = fits(self).is_some();
                let expected = records[message.records.clone()].iter().map(|record| {
                    let flags = record.flags & !flags::LAST;
                    Record { flags, ..*record }
                });
                // What a template does not read as `message` does, it never reads.
                if !fitted || !trial.records().iter().copied().eq(expected) {
                    self.entries.pop();
                }
            }
        }
    }

    fn add(&mut self, template: Template) {
        if self.entries.len() == KEPT {
            let least = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.uses);
            if let Some((index, _)) = least {
                self.entries.remove(index);
            }
            for entry in &mut self.entries {
                entry.uses /= 2;
            }
        }
        let mut head = [Literal::default(); 2];
        for (literal, step) in head.iter_mut().zip(&template.steps) {
            *literal = step.literal;
            if step.act != Act::Literal {
                break;
            }
        }
        self.entries.push(Entry { head, template, uses: 0 });
    }

    /// Decodes the message at `at` by the first template that fits; the offset behind it.
    #[inline]
    fn message<S: Sink>(
        &mut self,
        program: &Program,
        context: &Context<'_>,
        at: usize,
        sink: &mut S,
        done: &mut Done,
    ) -> Option<usize> {
        let head = [words::load(context.data, at), words::load(context.data, at + 8)];
        for entry in &mut self.entries {
            if !entry.head[0].fits(head[0]) || !entry.head[1].fits(head[1]) {
                continue;
            }
            match entry.template.run(program, &self.streams, context, at, sink) {
                Ok(end) => {
                    entry.uses += 1;
                    done.messages += 1;
                    done.kinds[entry.template.kind as usize & 15] += 1;
                    return Some(end);
                }
                Err(Miss::Other) => {}
                Err(Miss::Stop) => return None,
            }
        }
        None
    }
}

impl Template {
    /// Decodes the message at `at` into `sink`; the offset behind it.
    #[inline]
    fn run<S: Sink>(
        &self,
        program: &Program,
        streams: &Cache,
        context: &Context<'_>,
        mut at: usize,
        sink: &mut S,
    ) -> Result<usize, Miss> {
        let data = context.data;
        let mut words = self.words;
        words[RECV] = context.recv_ns as u64;
        words[0] |= u64::from(context.last) << 8;
        if let Some(needs) = &self.stream {
            words[0] |= u64::from(needs.symbol(program, streams, context)?) << 32;
        }
        let first = sink.pending();
        let mut has_levels = false;
        let missed = |has_levels: bool| if has_levels { Miss::Stop } else { Miss::Other };
        for step in &*self.steps {
            if !step.literal.fits(words::load(data, at)) {
                return Err(missed(has_levels));
            }
            at += step.literal.length;
            let end = match step.act {
                Act::Literal => Some(at),
                Act::Skip { plain } => skip(data, at, plain),
                Act::Integer { to, unit, positive } => {
                    integer(data, at, unit, positive).map(|(value, end)| {
                        words[usize::from(to[0] & 15)] = value as u64;
                        words[usize::from(to[1] & 15)] = value as u64;
                        end
                    })
                }
                Act::Decimal { to, sign } => decimal(data, at, sign).map(|(value, end)| {
                    words[usize::from(to[0] & 15)] = value.to_bits();
                    words[usize::from(to[1] & 15)] = value.to_bits();
                    end
                }),
                Act::Symbol => words::short_text(data, at).and_then(|(text, length)| {
                    words[0] |= u64::from(context.names.cached(text, length)?) << 32;
                    Some(at + length)
                }),
                Act::Code { first, last, to, flag } => {
                    self.code(data, at, first, last).map(|(value, end)| {
                        if flag == 0 {
                            words[usize::from(to & 15)] = value as u64;
                        } else if value == 1 {
                            words[0] |= u64::from(flag) << 8;
                        }
                        end
                    })
                }
                Act::Rfc3339 { to } => rfc3339(data, at).map(|(value, end)| {
                    words[usize::from(to[0] & 15)] = value as u64;
                    words[usize::from(to[1] & 15)] = value as u64;
                    end
                }),
                Act::Levels { ask } => self.levels.as_ref().and_then(|form| {
                    let header = record(&words[..RECORD]);
                    if !has_levels {
                        has_levels = true;
                        sink.put(&header).ok()?;
                    }
                    let (count, end) = form.read(data, at, &header, ask, sink)?;
                    words[Self::COUNTS + usize::from(ask)] = count;
                    Some(end)
                }),
            };
            at = end.ok_or_else(|| missed(has_levels))?;
        }
        if has_levels {
            self.complete(&words, first, sink);
        } else {
            self.put(&mut words, sink).ok_or(Miss::Stop)?;
        }
        Ok(at)
    }

    #[inline]
    fn code(&self, data: &[u8], at: usize, first: u8, last: u8) -> Option<(i64, usize)> {
        let word = words::load(data, at);
        let codes = self.codes.get(usize::from(first)..usize::from(last))?;
        let (literal, code) = codes.iter().find(|(literal, _)| literal.fits(word))?;
        Some((*code, at + literal.length))
    }

    /// Writes the one or two records of a message without levels.
    #[inline]
    fn put<S: Sink>(&self, words: &mut Words, sink: &mut S) -> Option<()> {
        if !self.two_records {
            return sink.put(&record(&words[..RECORD])).ok();
        }
        let first = words[0] | u64::from(flags::MORE) << 8;
        // Kind, flags and venue of the second record are its own; the symbol, LAST and the times are those of the first.
        let shared = 0xFFFF_FFFF_0000_0000 | u64::from(flags::LAST) << 8;
        words[RECORD] |= words[0] & shared;
        words[RECORD + EVENT] = words[EVENT];
        words[RECORD + RECV] = words[RECV];
        if !self.own_second_seq {
            words[RECORD + SEQ] = words[SEQ];
        }
        words[0] = first;
        sink.put(&record(&words[..RECORD])).ok()?;
        sink.put(&record(&words[RECORD..])).ok()
    }

    /// Completes the records of a book message, the first of which is at `first`.
    #[inline]
    fn complete<S: Sink>(&self, words: &Words, first: usize, sink: &mut S) {
        let mut header = record(&words[..RECORD]);
        let last = sink.pending() - 1;
        if last > first {
            header.flags |= flags::MORE;
            sink.patch(last).flags &= !flags::MORE;
        }
        *sink.patch(first) = header;
        if self.late {
            for index in first + 1..=last {
                let level = sink.patch(index);
                (level.symbol, level.event_ns, level.seq) = (header.symbol, header.event_ns, header.seq);
            }
        }
    }
}

impl StreamNeeds {
    /// The number of the symbol in the stream name, if that is where it comes from, else 0.
    fn symbol(&self, program: &Program, streams: &Cache, context: &Context<'_>) -> Result<u32, Miss> {
        let parts = program.stream_name.as_ref().zip(context.stream).map(|(rule, name)| split(rule, name));
        if self.shape && self.channel.as_deref() != parts.map(|(_, channel)| channel) {
            return Err(Miss::Other);
        }
        if !self.symbol {
            return Ok(0);
        }
        let (symbol, _) = parts.ok_or(Miss::Other)?;
        streams.find(symbol).ok_or(Miss::Stop)
    }
}

impl LevelForm {
    /// Reads the list at `at`, writes its levels: their number, and the offset behind it.
    #[inline]
    fn read<S: Sink>(
        &self,
        data: &[u8],
        mut at: usize,
        header: &Record,
        ask: bool,
        sink: &mut S,
    ) -> Option<(u64, usize)> {
        let word = words::load(data, at);
        if word as u8 != b'[' {
            return None;
        }
        at += 1;
        if (word >> 8) as u8 == b']' {
            return Some((0, at + 1));
        }
        let mut level = Template::level(header);
        level.flags |= flags::MORE | if ask { flags::SIDE } else { 0 };
        let mut count = 0;
        loop {
            at = self.open.behind(data, at)?;
            let (first, end) = words::decimal(data, at)?;
            at = self.middle.behind(data, end)?;
            let (second, end) = words::decimal(data, at)?;
            let word = words::load(data, end);
            if !self.close.fits(word) {
                return None;
            }
            at = end + self.close.length;
            level.slots[usize::from(self.slots[0] & 1)] = Slot::f64(first);
            level.slots[usize::from(self.slots[1] & 1)] = Slot::f64(second);
            if level.slots[0].as_f64() <= 0.0 {
                return None;
            }
            sink.put(&level).ok()?;
            count += 1;
            match json::byte(data, at) {
                b',' => at += 1,
                b']' => return Some((count, at + 1)),
                _ => return None,
            }
        }
    }
}

impl Literal {
    /// The offset behind it, if it is at `at`.
    #[inline]
    fn behind(&self, data: &[u8], at: usize) -> Option<usize> {
        self.fits(words::load(data, at)).then_some(at + self.length)
    }
}

/// The offset behind any value.
#[inline]
fn skip(data: &[u8], at: usize, plain: bool) -> Option<usize> {
    match json::byte(data, at) {
        b'"' => match words::quote(data, at + 1) {
            Some(end) => Some(end + 1),
            None => json::value(data, at, DEEPEST).ok(),
        },
        b'0'..=b'9' => match words::integer(data, at) {
            Some((_, end)) if !matches!(json::byte(data, end), b'.' | b'e' | b'E') => Some(end),
            _ => json::number(data, at).ok(),
        },
        b'{' if plain => None,
        _ => json::value(data, at, DEEPEST).ok(),
    }
}

#[inline]
fn integer(data: &[u8], at: usize, unit: i64, positive: bool) -> Option<(i64, usize)> {
    let (value, end) = words::integer(data, at)?;
    if positive && value == 0 {
        return None;
    }
    Some((value.checked_mul(unit)?, end))
}

#[inline]
fn decimal(data: &[u8], at: usize, sign: Sign) -> Option<(f64, usize)> {
    if sign == Sign::Any && json::byte(data, at) == b'-' {
        let (value, end) = words::decimal(data, at + 1)?;
        return Some((-value, end));
    }
    let (value, end) = words::decimal(data, at)?;
    (sign != Sign::Positive || value > 0.0).then_some((value, end))
}

fn rfc3339(data: &[u8], at: usize) -> Option<(i64, usize)> {
    let end = words::quote(data, at)?;
    Some((times::rfc3339(&data[at..end]).ok()?, end))
}
