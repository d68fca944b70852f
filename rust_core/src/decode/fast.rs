//! Payloads by template: the same records, errors and counts as `message`, or none at all.
//!
//! Everything that `message` checks is checked here too, or fixed by the bytes compared. What does not fit, for
//! whatever reason, is left to `message` from the start: nothing here refuses a payload or counts one.

use std::ptr;

use super::compile::{EVENT, Program, RECORD, RECV, SEQ, Words};
use super::grammar;
use super::json;
use super::message::{record, split};
use super::names::{Cache, Names};
use super::plan::Sign;
use super::template::{Act, LevelForm, Literal, Step, StreamNeeds, Template};
use super::times;
use super::words::{self, Reader, Window};
use crate::record::{Record, Slot, flags};
use crate::sink::Sink;

/// What a nested value that is skipped may still nest: envelope, array, message and wrapper are around it at most.
const DEEPEST: u32 = grammar::DEEPEST - 4;

/// What a payload says about all of its messages.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub program: &'a Program,
    pub names: &'a Names,
    pub streams: &'a Cache,
    pub recv_ns: i64,
    /// The stream name as written, if there is one.
    pub stream: Option<&'a [u8]>,
    /// LAST, or 0 in an array.
    pub last: u8,
}

/// Why a template gave no message.
pub(super) enum Miss {
    /// It looks otherwise; another template may fit.
    Other,
    /// Records are in the sink already, or the symbol of the stream is not known yet.
    Stop,
}

impl Template {
    /// Decodes the message at `place` into `sink`, and leaves `place` behind it; anywhere, if there was a miss.
    ///
    /// Place and context are passed by reference and read field by field: copied whole, they would be loaded sixteen
    /// bytes at a time from eight just stored, which a processor does only when those stores are done. With `lone` that is
    /// 12 ns of the 190 that a trade takes from bytes to object.
    #[inline]
    pub fn run<S: Sink>(
        &mut self,
        context: &Context<'_>,
        place: &mut Reader<'_>,
        sink: &mut S,
    ) -> Result<(), Miss> {
        place.skip(self.begun).ok_or(Miss::Other)?;
        let mut words = self.words;
        words[RECV] = context.recv_ns as u64;
        words[0] |= u64::from(context.last) << 8;
        if let Some(needs) = &self.stream {
            words[0] |= u64::from(needs.symbol(context)?) << 32;
        }
        if self.levels.is_some() {
            return self.book(context, words, place, sink);
        }
        let mut reader = *place;
        for step in &mut self.steps {
            step.read(&self.codes, context.names, &mut words, &mut reader).ok_or(Miss::Other)?;
        }
        self.put(&mut words, sink).ok_or(Miss::Stop)?;
        *place = reader;
        Ok(())
    }

    /// Writes the one or two records of a message without levels.
    #[inline]
    fn put<S: Sink>(&self, words: &mut Words, sink: &mut S) -> Option<()> {
        if !self.two_records {
            return sink.put(&lone(words)).ok();
        }
        // Kind, flags and venue of the second record are its own; the symbol, LAST and the times are those of the first.
        let shared = 0xFFFF_FFFF_0000_0000 | u64::from(flags::LAST) << 8;
        words[RECORD] |= words[0] & shared;
        words[RECORD + EVENT] = words[EVENT];
        words[RECORD + RECV] = words[RECV];
        if !self.own_second_seq {
            words[RECORD + SEQ] = words[SEQ];
        }
        words[0] |= u64::from(flags::MORE) << 8;
        sink.put(&record(&words[..RECORD])).ok()?;
        sink.put(&record(&words[RECORD..])).ok()
    }

    /// Decodes a book message.
    #[inline(never)]
    fn book<S: Sink>(
        &mut self,
        context: &Context<'_>,
        mut words: Words,
        place: &mut Reader<'_>,
        sink: &mut S,
    ) -> Result<(), Miss> {
        let mut reader = *place;
        let first = sink.pending();
        let mut started = false;
        for step in &mut self.steps {
            let Act::Levels { ask } = step.act else {
                let missed = if started { Miss::Stop } else { Miss::Other };
                step.read(&self.codes, context.names, &mut words, &mut reader).ok_or(missed)?;
                continue;
            };
            let window = reader.window().ok_or(Miss::Stop)?;
            if !step.literal.fits(words::load(window, 0)) {
                return Err(if started { Miss::Stop } else { Miss::Other });
            }
            reader.skip(step.literal.length).ok_or(Miss::Stop)?;
            let header = record(&words[..RECORD]);
            if !started {
                started = true;
                sink.put(&header).map_err(|_| Miss::Stop)?;
            }
            let form = self.levels.as_mut().ok_or(Miss::Stop)?;
            let count;
            (count, reader) = form.read(reader, &header, ask, sink).ok_or(Miss::Stop)?;
            words[Self::COUNTS + usize::from(ask)] = count;
        }
        self.complete(&words, first, sink);
        *place = reader;
        Ok(())
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
    fn symbol(&self, context: &Context<'_>) -> Result<u32, Miss> {
        let rule = context.program.stream_name.as_ref();
        let parts = rule.zip(context.stream).map(|(rule, name)| split(rule, name));
        if self.shape && self.channel.as_deref() != parts.map(|(_, channel)| channel) {
            return Err(Miss::Other);
        }
        if !self.symbol {
            return Ok(0);
        }
        let (symbol, _) = parts.ok_or(Miss::Other)?;
        context.streams.find(symbol).ok_or(Miss::Stop)
    }
}

impl Step {
    /// Reads the literal and the value behind it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the body of the two hottest loops")]
    fn read(
        &mut self,
        codes: &[(Literal, i64)],
        names: &Names,
        words: &mut Words,
        reader: &mut Reader<'_>,
    ) -> Option<()> {
        let window = reader.window()?;
        if !self.literal.fits(words::load(window, 0)) {
            return None;
        }
        let at = self.literal.length & 15;
        let length = match self.act {
            Act::Literal => return reader.skip(at),
            Act::Skip { plain } => skip(window, at, reader, plain)?,
            Act::Integer { to, unit, positive } => {
                let found = words::integer(window, at);
                let (value, length) = found.or_else(|| words::longer_integer(reader.rest(at)))?;
                if positive && value == 0 {
                    return None;
                }
                set(words, to, value.checked_mul(unit)? as u64);
                length
            }
            Act::Decimal { to, sign } => {
                let negative = sign == Sign::Any && window[at] == b'-';
                let at = at + usize::from(negative);
                let (value, length) = if let Some((number, length)) = words::number(window, at) {
                    (words::value(number), length)
                } else {
                    words::longer_decimal(reader.rest(at))?
                };
                if sign == Sign::Positive && value <= 0.0 {
                    return None;
                }
                set(words, to, if negative { -value } else { value }.to_bits());
                length.wrapping_add(usize::from(negative))
            }
            Act::Symbol => {
                let (text, length) = words::short_text(window, at)?;
                words[0] |= u64::from(names.cached(text, length)?) << 32;
                length
            }
            Act::Code { first, last, to, flag } => {
                let word = words::load(window, at);
                let codes = codes.get(usize::from(first)..usize::from(last))?;
                // Of two codes, as likely as each other, one is picked without a jump that could be guessed wrong.
                let index = usize::from(!codes.first()?.0.fits(word));
                let (literal, code) = match codes.get(index) {
                    Some(found) if found.0.fits(word) => found,
                    _ => codes.iter().find(|(literal, _)| literal.fits(word))?,
                };
                if flag == 0 {
                    set(words, [to, to], *code as u64);
                } else {
                    words[0] |= u64::from(flag) << 8 & (*code as u64).wrapping_neg();
                }
                return reader.skip(at.wrapping_add(literal.length));
            }
            Act::Rfc3339 { to } => {
                let rest = reader.rest(at);
                let length = words::quote(rest)?;
                set(words, to, times::moment(&rest[..length])? as u64);
                length
            }
            Act::Levels { .. } => return None,
        };
        reader.skip(at.wrapping_add(self.length.confirm(length)))
    }
}

impl LevelForm {
    /// Reads a list, writes its levels; their number.
    #[inline]
    fn read<'a, S: Sink>(
        &mut self,
        mut reader: Reader<'a>,
        header: &Record,
        ask: bool,
        sink: &mut S,
    ) -> Option<(u64, Reader<'a>)> {
        let window = reader.window()?;
        if window[0] != b'[' {
            return None;
        }
        if window[1] == b']' {
            reader.skip(2)?;
            return Some((0, reader));
        }
        reader.skip(1)?;
        let mut level = Template::level(header);
        level.flags |= flags::MORE | if ask { flags::SIDE } else { 0 };
        let mut count = 0;
        loop {
            let window = reader.window()?;
            let (first, second, length) = match self.level(window) {
                Some(found) => found,
                None => self.long_level(reader)?,
            };
            // The long way may have gone out of the window.
            reader.skip(length)?;
            let behind = *reader.rest(0).first()?;
            reader.skip(1)?;
            let (price, quantity) = if self.swapped { (second, first) } else { (first, second) };
            if price <= 0.0 {
                return None;
            }
            level.slots[0] = Slot::f64(price);
            level.slots[1] = Slot::f64(quantity);
            sink.put(&level).ok()?;
            count += 1;
            match behind {
                b',' => {}
                b']' => return Some((count, reader)),
                _ => return None,
            }
        }
    }

    /// Reads one level: its two numbers, and its length.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the body of the hottest loop of a book feed")]
    fn level(&mut self, window: &Window) -> Option<(f64, f64, usize)> {
        if !self.open.fits(words::load(window, 0)) {
            return None;
        }
        let at = self.open.length & 15;
        let (first, length) = words::number(window, at)?;
        let at = at.wrapping_add(self.lengths[0].confirm(length));
        if !self.middle.fits(words::load(window, at)) {
            return None;
        }
        let at = at.wrapping_add(self.middle.length & 15);
        let (second, length) = words::number(window, at)?;
        let at = at.wrapping_add(self.lengths[1].confirm(length));
        if !self.close.fits(words::load(window, at)) {
            return None;
        }
        let (first, second) = words::values(first, second);
        Some((first, second, at.wrapping_add(self.close.length)))
    }

    /// Reads a level with a number that may not fit a window.
    #[cold]
    #[inline(never)]
    fn long_level(&self, start: Reader<'_>) -> Option<(f64, f64, usize)> {
        let mut reader = start;
        if !self.open.fits(words::load(reader.window()?, 0)) {
            return None;
        }
        reader.skip(self.open.length)?;
        let (first, length) = words::longer_decimal(reader.rest(0))?;
        reader.skip(length)?;
        if !self.middle.fits(words::load(reader.window()?, 0)) {
            return None;
        }
        reader.skip(self.middle.length)?;
        let (second, length) = words::longer_decimal(reader.rest(0))?;
        reader.skip(length)?;
        if !self.close.fits(words::load(reader.window()?, 0)) {
            return None;
        }
        reader.skip(self.close.length)?;
        Some((first, second, start.left()?.checked_sub(reader.left()?)?))
    }
}

/// The first record of words just set, each of them loaded alone: two at a time would wait until the stores of both are
/// done, see `run`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "eight loads")]
#[expect(unsafe_code, reason = "the compiler joins loads that are not volatile")]
fn lone(words: &Words) -> Record {
    // SAFETY: a reference may be read through.
    record(&std::array::from_fn::<_, RECORD, _>(|at| unsafe { ptr::read_volatile(&raw const words[at]) }))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "two stores")]
fn set(words: &mut Words, to: [u8; 2], value: u64) {
    words[usize::from(to[0] & 15)] = value;
    words[usize::from(to[1] & 15)] = value;
}

/// The length of any value at `at`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a third of the values of a message")]
fn skip(window: &Window, at: usize, reader: &Reader<'_>, plain: bool) -> Option<usize> {
    if let Some((_, length)) = words::integer(window, at) {
        if !matches!(window[at.wrapping_add(length) & 63], b'.' | b'e' | b'E') {
            return Some(length);
        }
    } else if window[at] == b'"'
        && let Some(length) = words::quote(reader.rest(at + 1))
    {
        return Some(length + 2);
    }
    skip_any(reader.rest(at), plain)
}

#[inline(never)]
fn skip_any(rest: &[u8], plain: bool) -> Option<usize> {
    if plain && rest.first() == Some(&b'{') {
        return None;
    }
    json::value(rest, 0, DEEPEST).ok()
}
