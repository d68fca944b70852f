//! The V2 encoding that all `HdrHistogram` tools share: a header, then counts as `ZigZag` LEB128, deflated, in base64.
//! Integer counts only; the older V0 and V1 and the double-valued variant are refused.

use std::fmt;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::layout::Layout;
use super::{Histogram, MOST};

/// Cookies of `HdrHistogram`'s `AbstractHistogram`, with the word size of 1 that V2 writes in bits 4-7.
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
const COOKIE: u32 = 0x1c84_9313;
const WORD_SIZE_BITS: u32 = 0xf0;
const HEADER: usize = 40;
/// Longest LEB128 form of one count: the ninth byte carries eight bits.
const LONGEST: usize = 9;
/// Most bytes that are ever inflated: the largest histogram has under 2**23 slots.
const MOST_PLAIN: usize = HEADER + (LONGEST << 23);

/// What is wrong with an encoded histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodingError {
    /// Not canonical base64.
    Base64,
    /// Another format or version.
    Cookie,
    /// Shorter or longer than it says.
    Length,
    /// Not a zlib stream.
    Deflate,
    /// A range, precision or scale that no histogram of integer counts has.
    Header,
    /// Counts that run past the range, or below zero.
    Counts,
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "base64",
            Self::Cookie => "cookie",
            Self::Length => "length",
            Self::Deflate => "deflate stream",
            Self::Header => "header",
            Self::Counts => "counts",
        })
    }
}

fn put(out: &mut Vec<u8>, number: i64) {
    let mut left = (number << 1 ^ number >> 63) as u64;
    for _ in 1..LONGEST {
        if left < 0x80 {
            break;
        }
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn take(input: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for at in 0..LONGEST {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        let last = at + 1 == LONGEST || byte < 0x80;
        number |= u64::from(if at + 1 == LONGEST { byte } else { byte & 0x7f }) << (7 * at);
        if last {
            break;
        }
    }
    Some((number >> 1) as i64 ^ -((number & 1) as i64))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) << 32 | u64::from(word(bytes, at + 4))
}

impl Histogram {
    /// Compressed V2, in base64. `negative` and `overflow` have no place in it.
    pub fn encode(&self) -> String {
        let used = &self.counts[..=self.last().unwrap_or(0)];
        let mut payload = vec![];
        let mut at = 0;
        while at < used.len() {
            let zeros = used[at..].iter().take_while(|&&count| count == 0).count();
            // A single zero is written as itself, a run of them as minus its length.
            put(&mut payload, if zeros > 1 { -(zeros as i64) } else { used[at] as i64 });
            at += zeros.max(1);
        }
        let mut plain = Vec::with_capacity(HEADER + payload.len());
        plain.extend(COOKIE.to_be_bytes());
        plain.extend((payload.len() as u32).to_be_bytes());
        plain.extend(0_u32.to_be_bytes()); // normalising index offset: only shifted histograms have one
        plain.extend(u32::from(self.layout.digits).to_be_bytes());
        plain.extend(self.layout.lowest.to_be_bytes());
        plain.extend(self.layout.highest.to_be_bytes());
        plain.extend(1.0_f64.to_be_bytes()); // scale of a double-valued histogram
        plain.extend(payload);
        let mut packed = ZlibEncoder::new(vec![0; 8], Compression::default());
        let written = packed.write_all(&plain).and_then(|()| packed.finish());
        let mut packed = written.expect("Invariant: writing to memory does not fail");
        let length = packed.len() as u32 - 8;
        packed[..4].copy_from_slice(&COMPRESSED_COOKIE.to_be_bytes());
        packed[4..8].copy_from_slice(&length.to_be_bytes());
        STANDARD.encode(packed)
    }

    /// The histogram that `encode`, or another `HdrHistogram` tool, wrote.
    pub fn decode(encoded: &str) -> Result<Self, EncodingError> {
        let packed = STANDARD.decode(encoded).map_err(|_| EncodingError::Base64)?;
        if packed.len() < 8 || word(&packed, 0) & !WORD_SIZE_BITS != COMPRESSED_COOKIE & !WORD_SIZE_BITS {
            return Err(EncodingError::Cookie);
        }
        if word(&packed, 4) as usize != packed.len() - 8 {
            return Err(EncodingError::Length);
        }
        let mut plain = vec![];
        let stream = ZlibDecoder::new(&packed[8..]);
        stream.take(MOST_PLAIN as u64 + 1).read_to_end(&mut plain).map_err(|_| EncodingError::Deflate)?;
        if !(HEADER..=MOST_PLAIN).contains(&plain.len()) {
            return Err(EncodingError::Length);
        }
        let (header, payload) = plain.split_at(HEADER);
        if word(header, 0) & !WORD_SIZE_BITS != COOKIE & !WORD_SIZE_BITS {
            return Err(EncodingError::Cookie);
        }
        let layout = u8::try_from(word(header, 12))
            .ok()
            .and_then(|digits| Layout::new(long(header, 16), long(header, 24), digits))
            .filter(|_| word(header, 8) == 0 && long(header, 32) == 1.0_f64.to_bits())
            .ok_or(EncodingError::Header)?;
        if word(header, 4) as usize != payload.len() {
            return Err(EncodingError::Length);
        }
        Self::with_counts(layout, payload).ok_or(EncodingError::Counts)
    }

    fn with_counts(layout: Layout, mut payload: &[u8]) -> Option<Self> {
        let mut counts = vec![0; layout.len()];
        let (mut at, mut total) = (0, 0_u64);
        while !payload.is_empty() {
            let number = take(&mut payload)?;
            if number < 0 {
                at = usize::try_from(number.unsigned_abs()).ok()?.checked_add(at)?;
                if at > counts.len() {
                    return None;
                }
            } else {
                *counts.get_mut(at)? = number as u64;
                total = total.checked_add(number as u64).filter(|&total| total <= MOST)?;
                at += 1;
            }
        }
        Some(Self { layout, counts: counts.into(), total, negative: 0, overflow: 0 })
    }
}
