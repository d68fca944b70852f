//! Symbol text to symbol number: the shared table, behind a cache of the decoder's own. Not for storing names.

use super::SharedSymbols;

/// Longest symbol, bytes.
const LONGEST: usize = 64;
/// Entries of a cache.
const CACHED: usize = 512;

/// Text of up to 16 bytes, padded with zeros, and its number.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    text: [u64; 2],
    length: u8,
    id: u32,
}

/// Short texts to numbers, direct-mapped; a colliding text takes the place of the one before it.
#[derive(Debug)]
pub(super) struct Cache(Box<[Entry; CACHED]>);

impl Cache {
    /// Empty.
    pub fn new() -> Self {
        Self(Box::new([Entry::default(); CACHED]))
    }

    #[inline]
    fn place(text: [u64; 2]) -> usize {
        let mixed = (text[0] ^ text[1].rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 55) as usize
    }

    /// The number of the text with these bytes (zeros behind the last) and this length.
    #[inline]
    pub fn get(&self, text: [u64; 2], length: usize) -> Option<u32> {
        let entry = &self.0[Self::place(text)];
        (entry.text == text && usize::from(entry.length) == length && length > 0).then_some(entry.id)
    }

    /// The number of a text.
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        self.get(packed(text)?, text.len())
    }

    /// Remembers a text; not one over 16 bytes, nor one that JSON writes with escapes: what is found as written is good.
    pub fn put(&mut self, text: &[u8], id: u32) {
        let plain = !text.iter().any(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
        if let (Some(packed), true) = (packed(text), plain) {
            self.0[Self::place(packed)] = Entry { text: packed, length: text.len() as u8, id };
        }
    }
}

/// Up to 16 bytes as two little-endian words, zeros behind the last.
#[inline]
fn packed(text: &[u8]) -> Option<[u64; 2]> {
    let mut bytes = [0; 16];
    bytes.get_mut(..text.len())?.copy_from_slice(text);
    let whole = u128::from_le_bytes(bytes);
    Some([whole as u64, (whole >> 64) as u64])
}

/// What became of a symbol's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its number.
    Id(u32),
    /// Well-formed, but not in the table, and not to be learnt.
    Unknown,
    /// Empty, too long, or with a control character.
    Malformed,
}

/// The symbols of one venue.
#[derive(Debug)]
pub(super) struct Names {
    shared: SharedSymbols,
    venue: u16,
    learn: bool,
    cache: Cache,
}

impl Names {
    /// Of `venue` in `shared`; with `learn`, unseen ones are added.
    pub fn new(shared: SharedSymbols, venue: u16, learn: bool) -> Self {
        Self { shared, venue, learn, cache: Cache::new() }
    }

    /// The cached number of a text of up to 16 bytes, given as in `Cache::get`.
    #[inline]
    pub fn cached(&self, text: [u64; 2], length: usize) -> Option<u32> {
        self.cache.get(text, length)
    }

    /// The venue's number.
    pub fn venue(&self) -> u16 {
        self.venue
    }

    /// The number of a symbol. Ids are never reused, so a known one may be cached for ever; an unknown one never is.
    pub fn find(&mut self, text: &[u8]) -> Found {
        if let Some(packed) = packed(text)
            && let Some(id) = self.cache.get(packed, text.len())
        {
            return Found::Id(id);
        }
        if text.is_empty() || text.len() > LONGEST || text.iter().any(u8::is_ascii_control) {
            return Found::Malformed;
        }
        match self.look_up(text) {
            Some(id) => {
                self.cache.put(text, id);
                Found::Id(id)
            }
            None => Found::Unknown,
        }
    }

    fn look_up(&self, text: &[u8]) -> Option<u32> {
        // A panic elsewhere cannot leave the append-only table half-written, so a poisoned lock is still good.
        let table = self.shared.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = table.get(self.venue, text);
        drop(table);
        if known.is_some() || !self.learn {
            return known;
        }
        let name = std::str::from_utf8(text).ok()?;
        self.shared.write().unwrap_or_else(std::sync::PoisonError::into_inner).add(self.venue, name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Names};
    use crate::symbols::SymbolTable;
    use std::sync::{Arc, RwLock};

    fn names(learn: bool, capacity: usize) -> Names {
        let mut table = SymbolTable::new(capacity);
        let venue = table.venue("v").unwrap();
        table.add(venue, "BTCUSDT").unwrap();
        Names::new(Arc::new(RwLock::new(table)), venue, learn)
    }

    #[test]
    fn unknown_symbols_are_not_remembered_as_such() {
        let mut names = names(false, 10);
        assert_eq!(names.find(b"ETHUSDT"), Found::Unknown);
        let id = names.shared.write().unwrap().add(0, "ETHUSDT").unwrap();
        assert_eq!((names.find(b"ETHUSDT"), names.find(b"BTCUSDT")), (Found::Id(id), Found::Id(0)));
    }

    #[test]
    fn learning_ends_when_the_table_is_full() {
        let mut names = names(true, 2);
        let long = b"A-SYMBOL-OF-MORE-THAN-SIXTEEN-BYTES";
        assert_eq!((names.find(long), names.find(long)), (Found::Id(1), Found::Id(1)));
        assert_eq!((names.find(b"X"), names.find(b"BTCUSDT")), (Found::Unknown, Found::Id(0)));
    }

    #[test]
    fn malformed_symbols_are_told_apart() {
        let mut names = names(true, 10);
        for bad in [&b""[..], b"BTC\0", b"BTCUSDT\0", b"A\x1fB", b"A\x7f", &[b'A'; 65]] {
            assert_eq!(names.find(bad), Found::Malformed, "{}", bad.escape_ascii());
        }
        assert_eq!(names.find("Ünï".as_bytes()), Found::Id(1));
    }
}
