//! From a message that `message` has read to the template of the next ones like it. Not for judging messages: one that is
//! odd in any way just teaches nothing.

use std::ops::Range;

use super::compile::{EVENT, Known, Program, SEQ, Side, To, Words};
use super::keys::{KeyId, Table};
use super::message::split;
use super::plan::{Codec, Sign, Token};
use super::scan::{Elements, Members, value_end};
use super::template::{Act, LevelForm, Literal, Step, StreamNeeds, Template, Usual};
use super::values::unit_ns;
use crate::record::{Kind, NO_SYMBOL, flags};

/// Learns the message at `open`, which was read as `shape`; None: not of the kind that templates are for.
pub(super) fn learn(
    program: &Program,
    shape: &Known,
    data: &[u8],
    open: usize,
    stream: Option<&[u8]>,
) -> Option<Template> {
    let message = &data[open..value_end(data, open)];
    if message.iter().any(|byte| *byte == b'\\' || !byte.is_ascii()) {
        return None;
    }
    let mut learner = Learner::new(program, shape, data, open);
    let behind = learner.members(open, &program.keys.top)?;
    learner.literal(behind..open + message.len());
    learner.step(Act::Literal);
    learner.finish(stream)
}

struct Learner<'a> {
    program: &'a Program,
    shape: &'a Known,
    data: &'a [u8],
    pending: Vec<u8>,
    steps: Vec<Step>,
    codes: Vec<(Literal, i64)>,
    words: Words,
    levels: Option<LevelForm>,
    level_lists: Vec<bool>,
    has_symbol: bool,
    late: bool,
    seen: Vec<KeyId>,
    /// By key: whether the message holds a value for it.
    present: Vec<bool>,
}

impl<'a> Learner<'a> {
    fn new(program: &'a Program, shape: &'a Known, data: &'a [u8], open: usize) -> Self {
        let mut present = vec![false; program.keys.len()];
        let mut note = |key: Option<KeyId>, value: &Range<usize>| {
            if let Some(key) = key {
                present[usize::from(key)] = data[value.start] != b'n';
            }
            key
        };
        for member in Members::new(data, open) {
            let key = note(program.keys.top.get(&data[member.key]), &member.value);
            let wrapper = program.keys.wrappers.iter().find(|(outer, _)| Some(*outer) == key);
            let (Some((_, inside)), b'{') = (wrapper, data[member.value.start]) else { continue };
            for member in Members::new(data, member.value.start) {
                note(inside.get(&data[member.key]), &member.value);
            }
        }
        Self {
            program,
            shape,
            data,
            present,
            pending: Vec::new(),
            steps: Vec::new(),
            codes: Vec::new(),
            words: shape.base,
            levels: None,
            level_lists: Vec::new(),
            has_symbol: false,
            late: false,
            seen: Vec::new(),
        }
    }

    fn literal(&mut self, range: Range<usize>) {
        self.pending.extend_from_slice(&self.data[range]);
    }

    /// Ends the literal so far with what follows it.
    fn step(&mut self, act: Act) {
        let pending = std::mem::take(&mut self.pending);
        let mut chunks = pending.chunks(8).peekable();
        while let Some(chunk) = chunks.next() {
            let act = if chunks.peek().is_some() { Act::Literal } else { act };
            self.steps.push(Step { literal: Literal::new(chunk), act, length: Usual::default() });
        }
    }

    /// Learns the members of the object at `open`; the offset behind the last value's literal part.
    fn members(&mut self, open: usize, table: &Table) -> Option<usize> {
        let mut at = open;
        for member in Members::new(self.data, open) {
            let key = table.get(&self.data[member.key.clone()]);
            if let Some(key) = key {
                if self.seen.contains(&key) {
                    return None;
                }
                self.seen.push(key);
            }
            self.literal(at..member.value.start);
            at = self.member(key, member.value)?;
        }
        Some(at)
    }

    /// Learns one value; the offset from which on the text is literal again.
    fn member(&mut self, key: Option<KeyId>, value: Range<usize>) -> Option<usize> {
        let quoted = self.data[value.start] == b'"';
        let Some(key) = key else {
            self.step(Act::Skip { plain: false });
            return Some(value.end);
        };
        let wrapper = self.program.keys.wrappers.iter().find(|(outer, _)| *outer == key);
        let as_it_is =
            Some(key) == self.program.dispatch || self.shape.filters.iter().any(|(id, _)| *id == key);
        let act = self.act(key, &value)?;
        if as_it_is {
            // A dispatch key that is no string is none, until it is one.
            if act.is_some() || (Some(key) == self.program.dispatch && !quoted) {
                return None;
            }
            self.literal(value.clone());
            return Some(value.end);
        }
        if let (None, Some((_, inside)), b'{') = (act, wrapper, self.data[value.start]) {
            return self.members(value.start, inside);
        }
        // A wrapper that is no object this time may be one the next time, with keys that count.
        let act = act.unwrap_or(Act::Skip { plain: wrapper.is_some() });
        let inside = quoted && !matches!(act, Act::Skip { .. } | Act::Levels { .. });
        if inside {
            self.literal(value.start..value.start + 1);
        }
        self.step(act);
        Some(value.end - usize::from(inside))
    }

    /// What the plan does with a key's value; Some(None): nothing.
    #[expect(clippy::option_option, reason = "outside: can this be a template; inside: is the value used")]
    fn act(&mut self, key: KeyId, value: &Range<usize>) -> Option<Option<Act>> {
        let shape = self.shape;
        let is_null = self.data[value.start] == b'n';
        let uses = shape.groups.iter().filter_map(|group| {
            let source = group.sources.iter().find(|source| source.key == key)?;
            Some((group, source))
        });
        let is_symbol = shape.symbol.contains(&key);
        let side = shape.levels.iter().find(|side| side.key == key);
        let uses: Vec<_> = uses.collect();
        if uses.is_empty() && !is_symbol && side.is_none() {
            return Some(None);
        }
        // null today may be a value tomorrow, and the other way round; alternatives may take turns.
        let alone = shape.symbol.len() <= 1 && usize::from(is_symbol) + usize::from(side.is_some()) <= 1;
        if is_null || !alone || ((is_symbol || side.is_some()) && !uses.is_empty()) {
            return None;
        }
        if is_symbol {
            self.has_symbol = true;
            self.late |= self.levels.is_some();
            return Some(Some(Act::Symbol));
        }
        if let Some(side) = side {
            return self.list(side, value).map(Some);
        }
        let mut chosen = None;
        for (group, source) in uses {
            // Only the first source that is there counts; which are there is fixed by the literals.
            let first = group.sources.iter().find(|source| self.is_there(source.key))?;
            if first.key != key {
                continue;
            }
            match (&mut chosen, group.to) {
                (None, _) => chosen = Some((vec![group.to], source)),
                (Some((to, same)), To::Word(_)) if to.len() == 1 && *same == source => to.push(group.to),
                _ => return None,
            }
        }
        let Some((to, source)) = chosen else { return Some(Some(Act::Skip { plain: true })) };
        let words: Vec<u8> =
            to.iter().filter_map(|to| if let To::Word(word) = to { Some(*word) } else { None }).collect();
        self.late |=
            self.levels.is_some() && words.iter().any(|word| [EVENT, SEQ].contains(&usize::from(*word)));
        let pair = || words.first().map(|first| [*first, *words.last().unwrap_or(first)]);
        let act = match source.codec {
            Codec::Decimal => Act::Decimal { to: pair()?, sign: source.sign },
            Codec::Integer => Act::Integer { to: pair()?, unit: 1, positive: source.sign == Sign::Positive },
            Codec::Ms | Codec::Us | Codec::Ns => {
                Act::Integer { to: pair()?, unit: unit_ns(source.codec), positive: false }
            }
            Codec::Rfc3339 => Act::Rfc3339 { to: pair()? },
            Codec::Code if to.len() == 1 => {
                self.code(&source.codes, to[0], self.data[value.start] == b'"')?
            }
            Codec::Code | Codec::Timestamp | Codec::Symbol => return None,
        };
        Some(Some(act))
    }

    /// Whether the message holds a value for the key.
    fn is_there(&self, key: KeyId) -> bool {
        self.present.get(usize::from(key)).is_some_and(|there| *there)
    }

    fn code(&mut self, codes: &[(Token, i64)], to: To, quoted: bool) -> Option<Act> {
        let first = self.codes.len();
        for (token, code) in codes {
            let text = match token {
                Token::Text(text) if quoted => format!("{text}\""),
                Token::Bool(value) if !quoted => value.to_string(),
                _ => continue,
            };
            if text.len() > 8 {
                return None;
            }
            let mut literal = Literal::new(text.as_bytes());
            // The closing quote is compared, but belongs to what follows.
            literal.length -= usize::from(quoted);
            self.codes.push((literal, *code));
        }
        let (to, flag) = match to {
            To::Word(word) => (word, 0),
            To::Side => (0, flags::SIDE),
            To::Closed => (0, flags::CLOSED),
        };
        Some(Act::Code { first: first.try_into().ok()?, last: self.codes.len().try_into().ok()?, to, flag })
    }

    /// Learns how levels are written from the first of a list.
    fn list(&mut self, side: &Side, value: &Range<usize>) -> Option<Act> {
        // Lists come in plan order, or else the records would not.
        if self.level_lists.len() >= self.shape.levels.len()
            || self.shape.levels[self.level_lists.len()].ask != side.ask
        {
            return None;
        }
        self.level_lists.push(side.ask);
        if let Some(level) = Elements::new(self.data, value.start).next() {
            let form = self.level_form(side, level)?;
            if self.levels.is_some_and(|known| known != form) {
                return None;
            }
            self.levels = Some(form);
        }
        Some(Act::Levels { ask: side.ask })
    }

    fn level_form(&self, side: &Side, level: Range<usize>) -> Option<LevelForm> {
        let data = self.data;
        let mut swapped = false;
        let numbers: Vec<Range<usize>> = match &side.map {
            None => Elements::new(data, level.start).collect(),
            Some((price, _)) => {
                let members: Vec<_> = Members::new(data, level.start).collect();
                swapped = data[members.first()?.key.clone()] != **price;
                members.into_iter().map(|member| member.value).collect()
            }
        };
        let [first, second] = &numbers[..] else { return None };
        let quoted = |range: &Range<usize>| usize::from(data[range.start] == b'"');
        let piece = |range: Range<usize>| (range.len() <= 8).then(|| Literal::new(&data[range]));
        Some(LevelForm {
            open: piece(level.start..first.start + quoted(first))?,
            middle: piece(first.end - quoted(first)..second.start + quoted(second))?,
            close: piece(second.end - quoted(second)..level.end)?,
            lengths: [Usual::default(); 2],
            swapped,
        })
    }

    fn finish(mut self, stream: Option<&[u8]>) -> Option<Template> {
        let shape = self.shape;
        let mut head = [Literal::default(); 2];
        let mut begun = 0;
        for literal in &mut head {
            let first = self.steps.first()?;
            *literal = first.literal;
            if first.act != Act::Literal || self.steps.len() == 1 {
                break;
            }
            begun += literal.length;
            self.steps.remove(0);
        }
        // A book message whose lists were all empty does not show how levels are written.
        if shape.is_book() && (self.levels.is_none() || self.level_lists.len() != shape.levels.len()) {
            return None;
        }
        for group in &shape.groups {
            let absent = !group.sources.iter().any(|source| self.is_there(source.key));
            if absent && group.to == To::Side {
                self.words[0] |= u64::from(flags::SIDELESS) << 8;
            }
        }
        let from_stream = !self.has_symbol && shape.kind != Kind::Control;
        if !self.has_symbol && !from_stream {
            self.words[0] |= u64::from(NO_SYMBOL) << 32;
        }
        let rule = self.program.stream_name.as_ref();
        let channel = rule.zip(stream).map(|(rule, name)| split(rule, name).1.into());
        let by_channel =
            self.program.shapes.iter().any(|other| other.value == shape.value && !other.streams.is_empty());
        let needs = StreamNeeds { symbol: from_stream, shape: by_channel, channel };
        Some(Template {
            head,
            begun,
            steps: self.steps.into(),
            codes: self.codes.into(),
            levels: self.levels,
            kind: shape.kind,
            words: self.words,
            two_records: shape.records == 2,
            own_second_seq: shape.has_own_second_seq(),
            stream: (from_stream || by_channel).then_some(needs),
            late: self.late,
        })
    }
}
