//! Frames to messages: fragments put together, text checked, control frames passed on, limits kept. Not for buffering:
//! the caller offers the same bytes again, with more behind them, until they are consumed.

use super::frame::{CLOSE, CONTINUATION, Header, TEXT, Violation, check_close};
use super::text::is_text;
use crate::sink::Full;

/// Where messages and control frames go.
pub trait Receiver {
    /// A whole message. `Full`: not now; the same message will be offered again by the next `read`.
    fn message(&mut self, payload: &[u8]) -> Result<(), Full>;
    /// A control frame: close (8), ping (9) or pong (10).
    fn control(&mut self, opcode: u8, payload: &[u8]);
}

/// Why `Reader::read` came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What is left is the beginning of a frame, or nothing.
    Drained,
    /// The receiver is full.
    Full,
    /// The peer broke the protocol; everything was consumed and nothing will be read any more.
    Failed(Violation),
    /// A close frame was received, now or earlier; everything was consumed.
    Closed,
}

/// The state between two reads: the message in fragments, if there is one.
#[derive(Debug)]
pub struct Reader {
    max_message: usize,
    max_fragments: usize,
    /// Fragments so far, joined.
    message: Vec<u8>,
    /// Frames of the unfinished message; 0: there is none.
    fragments: usize,
    is_text: bool,
    /// How much of `message` is checked UTF-8.
    checked: usize,
    /// `message` is whole, and the receiver was full.
    waits: bool,
    closed: bool,
}

impl Reader {
    /// A reader that refuses messages over `max_message` bytes or in more than `max_fragments` frames.
    pub fn new(max_message: usize, max_fragments: usize) -> Self {
        Self {
            max_message,
            max_fragments,
            message: Vec::new(),
            fragments: 0,
            is_text: false,
            checked: 0,
            waits: false,
            closed: false,
        }
    }

    /// Bytes of fragments held.
    pub fn held(&self) -> usize {
        self.message.len()
    }

    /// Reads whole frames from `bytes`; returns how many bytes were consumed.
    pub fn read(&mut self, bytes: &[u8], receiver: &mut impl Receiver) -> (usize, Outcome) {
        if self.closed {
            return (bytes.len(), Outcome::Closed);
        }
        let mut at = 0;
        let outcome = match self.frames(bytes, &mut at, receiver) {
            Ok(outcome) => outcome,
            Err(violation) => Outcome::Failed(violation),
        };
        if matches!(outcome, Outcome::Failed(_) | Outcome::Closed) {
            self.closed = true;
            self.message = Vec::new();
            at = bytes.len();
        }
        (at, outcome)
    }

    fn frames(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        receiver: &mut impl Receiver,
    ) -> Result<Outcome, Violation> {
        if self.waits && !self.deliver(receiver) {
            return Ok(Outcome::Full);
        }
        loop {
            let rest = &bytes[*at..];
            let Some(header) = Header::parse(rest, self.fragments > 0)? else {
                return Ok(Outcome::Drained);
            };
            if !header.is_control() {
                self.admit(&header)?;
            }
            // Both are far below usize::MAX: a control payload is at most 125 bytes, and `admit` bounds the others.
            let end = header.size + header.payload as usize;
            let Some(payload) = rest.get(header.size..end) else {
                return Ok(Outcome::Drained);
            };
            if header.is_control() {
                if header.opcode == CLOSE {
                    check_close(payload)?;
                }
                receiver.control(header.opcode, payload);
            } else if header.fin && self.fragments == 0 {
                if header.opcode == TEXT && !is_text(payload) {
                    return Err(Violation::Text);
                }
                if receiver.message(payload).is_err() {
                    return Ok(Outcome::Full);
                }
            } else {
                self.join(&header, payload)?;
            }
            *at += end;
            if header.opcode == CLOSE {
                return Ok(Outcome::Closed);
            }
            if self.waits && !self.deliver(receiver) {
                return Ok(Outcome::Full);
            }
        }
    }

    /// The limits, on the header alone: nothing is kept for a message that will be refused.
    #[inline]
    fn admit(&self, header: &Header) -> Result<(), Violation> {
        if header.payload > (self.max_message - self.message.len()) as u64 {
            return Err(Violation::Size);
        }
        if self.fragments >= self.max_fragments {
            return Err(Violation::Fragments);
        }
        Ok(())
    }

    /// Adds a fragment; text is checked as it comes, so that a bad message fails before its end.
    fn join(&mut self, header: &Header, payload: &[u8]) -> Result<(), Violation> {
        if header.opcode != CONTINUATION {
            self.is_text = header.opcode == TEXT;
        }
        self.message.extend_from_slice(payload);
        self.fragments += 1;
        if self.is_text {
            match std::str::from_utf8(&self.message[self.checked..]) {
                Ok(_) => self.checked = self.message.len(),
                // A character may be split between two fragments.
                Err(error) if error.error_len().is_none() && !header.fin => {
                    self.checked += error.valid_up_to();
                }
                Err(_) => return Err(Violation::Text),
            }
        }
        self.waits = header.fin;
        Ok(())
    }

    /// Hands over the joined message. False: the receiver is full.
    fn deliver(&mut self, receiver: &mut impl Receiver) -> bool {
        if receiver.message(&self.message).is_err() {
            return false;
        }
        self.message.clear();
        self.fragments = 0;
        self.checked = 0;
        self.waits = false;
        true
    }
}

#[cfg(test)]
mod tests;
