//! Frame headers and close payloads (RFC 6455 sections 5.2, 5.5, 7.4): what is well-formed, and which rule is broken.

/// What the peer did wrong. The order of checks, and so which of several violations is named, is part of the contract:
/// reserved bits, opcode, mask, control frame rules, order of fragments, form of the length, size, number of fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// RSV1-3 set; no extension was negotiated.
    ReservedBit,
    /// An opcode that the RFC reserves.
    Opcode,
    /// Servers do not mask.
    Masked,
    /// A control frame without FIN.
    ControlFragmented,
    /// A control frame over 125 bytes.
    ControlLength,
    /// A continuation without a message to continue.
    NothingToContinue,
    /// A new message before the last one was finished.
    Unfinished,
    /// A length that fits a shorter form.
    LengthForm,
    /// A length of 2^63 or more.
    LengthRange,
    /// A message over the limit.
    Size,
    /// A message in more frames than the limit.
    Fragments,
    /// A text message that is not UTF-8.
    Text,
    /// A close payload of one byte.
    ClosePayload,
    /// A close code that may not be sent.
    CloseCode,
    /// A close reason that is not UTF-8.
    CloseReason,
}

impl Violation {
    /// Code to fail the connection with.
    pub const fn code(self) -> u16 {
        match self {
            Self::Text | Self::CloseReason => 1007,
            Self::Fragments => 1008,
            Self::Size => 1009,
            _ => 1002,
        }
    }

    /// Text for the close frame.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ReservedBit => "reserved bit set",
            Self::Opcode => "unknown opcode",
            Self::Masked => "masked frame from a server",
            Self::ControlFragmented => "fragmented control frame",
            Self::ControlLength => "control frame over 125 bytes",
            Self::NothingToContinue => "continuation without a message",
            Self::Unfinished => "new message before the last one was finished",
            Self::LengthForm => "length not in its shortest form",
            Self::LengthRange => "length of 2^63 or more",
            Self::Size => "message too big",
            Self::Fragments => "too many fragments",
            Self::Text => "text is not UTF-8",
            Self::ClosePayload => "close payload of one byte",
            Self::CloseCode => "invalid close code",
            Self::CloseReason => "close reason is not UTF-8",
        }
    }
}

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASK: u8 = 0x80;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub fin: bool,
    pub opcode: u8,
    /// Bytes of the header itself.
    pub size: usize,
    /// Bytes of payload behind it, below 2^63.
    pub payload: u64,
}

impl Header {
    pub const fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// The header that `bytes` start with; None when it is not complete. `unfinished`: a message waits for more frames.
    #[inline]
    pub fn parse(bytes: &[u8], unfinished: bool) -> Result<Option<Self>, Violation> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let (fin, opcode) = (first & FIN != 0, first & 0x0F);
        check(first, second, unfinished)?;
        let (size, payload) = match second {
            126 => (4, rest.first_chunk().map(|&length| u64::from(u16::from_be_bytes(length)))),
            127 => (10, rest.first_chunk().map(|&length| u64::from_be_bytes(length))),
            length => (2, Some(u64::from(length))),
        };
        let Some(payload) = payload else {
            return Ok(None);
        };
        if payload >= 1 << 63 {
            return Err(Violation::LengthRange);
        }
        if (size == 4 && payload < 126) || (size == 10 && payload < 1 << 16) {
            return Err(Violation::LengthForm);
        }
        Ok(Some(Self { fin, opcode, size, payload }))
    }
}

/// The rules that the first two bytes can break.
#[inline]
fn check(first: u8, second: u8, unfinished: bool) -> Result<(), Violation> {
    let opcode = first & 0x0F;
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBit);
    }
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Err(Violation::Opcode);
    }
    if second & MASK != 0 {
        return Err(Violation::Masked);
    }
    match opcode {
        8.. if first & FIN == 0 => Err(Violation::ControlFragmented),
        8.. if second > 125 => Err(Violation::ControlLength),
        CONTINUATION if !unfinished => Err(Violation::NothingToContinue),
        1..=7 if unfinished => Err(Violation::Unfinished),
        _ => Ok(()),
    }
}

/// The rules for the payload of a close frame.
pub fn check_close(payload: &[u8]) -> Result<(), Violation> {
    let (code, reason) = match payload {
        [] => return Ok(()),
        [_] => return Err(Violation::ClosePayload),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    // 1004-1006 and 1015 are never sent; 1012-1014 are registered with IANA; 3000-4999 are for applications.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    std::str::from_utf8(reason).map(drop).map_err(|_| Violation::CloseReason)
}
