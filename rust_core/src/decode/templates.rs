//! The templates of a decoder: choosing one for a message, and which to learn and keep. Not for what they do (`fast`).

use super::compile::Program;
use super::fast::{Context, Miss};
use super::learn;
use super::message::{Delivered, LONGEST_STREAM, Payload, split};
use super::names::{Cache, Names};
use super::template::{Literal, Template, Usual};
use super::words::{self, REACH, Reader, TAIL, Tail};
use crate::record::{Kind, Record, flags};
use crate::sink::{Sink, VecSink};

/// Templates kept.
const KEPT: usize = 16;
/// Templates that may be learnt before the ones in use have proved their worth.
const ATTEMPTS: u32 = 64;
/// Payloads by template that earn one more attempt.
const EARNING: u32 = 1024;

/// A template and what it begins with.
#[derive(Debug)]
struct Entry {
    template: Template,
    uses: u64,
}

/// What an enveloped payload begins with.
#[derive(Debug)]
struct Envelope {
    /// `{"stream":"`
    opening: Vec<Literal>,
    /// Length of the stream name.
    name: Usual,
    /// `","data":`
    middle: Vec<Literal>,
}

/// What one payload gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// A message.
    One(Kind),
    /// An array of messages, counted in `Templates::kinds`.
    Many(u32),
}

/// The templates of a decoder.
#[derive(Debug)]
pub(super) struct Templates {
    entries: Vec<Entry>,
    envelope: Option<Envelope>,
    streams: Cache,
    tail: Box<Tail>,
    kinds: [u32; 16],
    attempts: u32,
    earned: u32,
}

fn literals(text: &[u8]) -> Vec<Literal> {
    text.chunks(8).map(Literal::new).collect()
}

/// Moves the reader behind all of it, if it is what comes next.
#[inline]
fn follow(reader: &mut Reader<'_>, literals: &[Literal]) -> Option<()> {
    for literal in literals {
        if !literal.fits(words::load(reader.window()?, 0)) {
            return None;
        }
        reader.skip(literal.length)?;
    }
    Some(())
}

/// Moves the reader behind an envelope's opening, if the payload has one; the stream name, and whether it has.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `message`")]
fn open<'a>(
    envelope: &mut Option<Envelope>,
    payload: Payload<'a>,
    reader: &mut Reader<'a>,
) -> Option<(Option<&'a [u8]>, bool)> {
    let start = *reader;
    let mut stream = payload.stream;
    let mut enveloped = false;
    if let Some(Envelope { opening, middle, name }) = envelope {
        if follow(reader, opening).is_some() {
            let text = reader.rest(0);
            let length = name.confirm(words::quote(text)?);
            stream = text.get(..length);
            reader.skip(length)?;
            follow(reader, middle)?;
            enveloped = true;
        } else {
            *reader = start;
        }
    }
    stream.is_none_or(|name| name.len() <= LONGEST_STREAM).then_some((stream, enveloped))
}

/// Decodes the message at the reader by the first template that fits.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a reader that passes through memory costs a stalled load per message"
)]
fn message<S: Sink>(
    entries: &mut [Entry],
    context: &Context<'_>,
    reader: &mut Reader<'_>,
    sink: &mut S,
) -> Option<Kind> {
    let window = reader.window()?;
    let head = [words::load(window, 0), words::load(window, 8)];
    for entry in entries {
        if !entry.template.head[0].fits(head[0]) || !entry.template.head[1].fits(head[1]) {
            continue;
        }
        let mut behind = *reader;
        match entry.template.run(context, &mut behind, sink) {
            Ok(()) => {
                entry.uses += 1;
                *reader = behind;
                return Some(entry.template.kind);
            }
            Err(Miss::Other) => {}
            Err(Miss::Stop) => return None,
        }
    }
    None
}

impl Templates {
    /// None yet.
    pub fn new(program: &Program) -> Self {
        let plain =
            |key: &[u8]| key.iter().all(|byte| (0x20..0x7f).contains(byte) && !b"\"\\".contains(byte));
        let envelope = program.envelope.as_ref().filter(|(name, payload)| plain(name) && plain(payload));
        Self {
            entries: Vec::new(),
            envelope: envelope.map(|(name, payload)| Envelope {
                opening: literals(&[b"{\"", &**name, b"\":\""].concat()),
                name: Usual::default(),
                middle: literals(&[b"\",\"", &**payload, b"\":"].concat()),
            }),
            streams: Cache::new(),
            tail: Box::new([0; TAIL + REACH]),
            kinds: [0; 16],
            attempts: ATTEMPTS,
            earned: 0,
        }
    }

    /// Messages of the last array by kind code.
    pub fn kinds(&self) -> &[u32; 16] {
        &self.kinds
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
        words::copy_tail(payload.data, &mut self.tail);
        let mut reader = Reader::new(payload.data, &self.tail);
        let (stream, enveloped) = open(&mut self.envelope, payload, &mut reader)?;
        let mut context = Context {
            program,
            names,
            streams: &self.streams,
            recv_ns: payload.recv_ns,
            stream,
            last: flags::LAST,
        };
        let done = if reader.window()?[0] == b'[' {
            context.last = 0;
            array(&mut self.entries, &context, &mut reader, sink, &mut self.kinds)?
        } else {
            Done::One(message(&mut self.entries, &context, &mut reader, sink)?)
        };
        if enveloped {
            if reader.window()?[0] != b'}' {
                return None;
            }
            reader.skip(1)?;
        }
        if reader.left() != Some(0) {
            return None;
        }
        self.earned += 1;
        if self.earned == EARNING {
            self.earned = 0;
            self.attempts = ATTEMPTS.min(self.attempts + 1);
        }
        Some(done)
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
        let data = payload.data;
        words::copy_tail(data, &mut self.tail);
        let start = Reader::new(data, &self.tail);
        let Some((stream, _)) = open(&mut self.envelope, payload, &mut start.clone()) else { return };
        let context =
            Context { program, names, streams: &self.streams, recv_ns: payload.recv_ns, stream, last: 0 };
        for read in delivered {
            if self.attempts == 0 {
                return;
            }
            let by_template = |entries: &mut [Entry]| {
                let (mut trial, mut reader) = (VecSink::default(), start);
                reader.skip(read.open)?;
                message(entries, &context, &mut reader, &mut trial)?;
                trial.commit();
                Some(trial)
            };
            if by_template(&mut self.entries).is_some() {
                continue;
            }
            self.attempts -= 1;
            let Some(template) = learn::learn(program, &program.shapes[read.shape], data, read.open, stream)
            else {
                continue;
            };
            make_room(&mut self.entries);
            self.entries.push(Entry { template, uses: 0 });
            let expected = records[read.records.clone()].iter().map(|record| {
                let flags = record.flags & !flags::LAST;
                Record { flags, ..*record }
            });
            // A template that does not read the very message it was learnt from as `message` does is never used.
            if !by_template(&mut self.entries)
                .is_some_and(|trial| trial.records().iter().copied().eq(expected))
            {
                self.entries.pop();
            }
        }
    }
}

/// Decodes an array of messages.
fn array<S: Sink>(
    entries: &mut [Entry],
    context: &Context<'_>,
    reader: &mut Reader<'_>,
    sink: &mut S,
    kinds: &mut [u32; 16],
) -> Option<Done> {
    *kinds = [0; 16];
    let mut messages = 0;
    let last = loop {
        // The opening bracket, or the comma before the next message.
        reader.skip(1)?;
        let first = sink.pending();
        let kind = message(entries, context, reader, sink)?;
        kinds[kind as usize & 15] += 1;
        messages += 1;
        match reader.window()?[0] {
            b',' => {}
            b']' => break first,
            _ => return None,
        }
    };
    reader.skip(1)?;
    for index in last..sink.pending() {
        sink.patch(index).flags |= flags::LAST;
    }
    Some(Done::Many(messages))
}

/// Forgets the template used least, if there are as many as may be.
fn make_room(entries: &mut Vec<Entry>) {
    if entries.len() < KEPT {
        return;
    }
    let least = entries.iter().enumerate().min_by_key(|(_, entry)| entry.uses).map(|(index, _)| index);
    if let Some(index) = least {
        entries.remove(index);
    }
    for entry in entries {
        entry.uses /= 2;
    }
}
