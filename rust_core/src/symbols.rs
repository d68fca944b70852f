//! Names to numbers: an append-only table of venues and (venue, symbol) pairs whose numbers are never reused.

use std::collections::HashMap;

/// Longest name, in bytes.
pub const NAME_BYTES: usize = 64;

/// The table holds as many symbols (or venues) as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFull;

/// (venue, symbol) -> u32, append-only.
#[derive(Debug)]
pub struct SymbolTable {
    venues: Vec<String>,
    symbols: Vec<(u16, String)>,
    by_name: Vec<HashMap<Vec<u8>, u32>>,
    capacity: usize,
}

impl SymbolTable {
    /// A table for at most `capacity` symbols.
    pub fn new(capacity: usize) -> Self {
        Self { venues: Vec::new(), symbols: Vec::new(), by_name: Vec::new(), capacity }
    }
    /// The number of a venue, given out on first sight.
    pub fn venue(&mut self, name: &str) -> Result<u16, TableFull> {
        if let Some(at) = self.venues.iter().position(|known| known == name) {
            return Ok(at as u16);
        }
        let id = u16::try_from(self.venues.len()).map_err(|_| TableFull)?;
        self.venues.push(name.to_owned());
        self.by_name.push(HashMap::new());
        Ok(id)
    }
    /// The number of a symbol, given out on first sight.
    pub fn add(&mut self, venue: u16, symbol: &str) -> Result<u32, TableFull> {
        let names = &mut self.by_name[usize::from(venue)];
        if let Some(&id) = names.get(symbol.as_bytes()) {
            return Ok(id);
        }
        if self.symbols.len() >= self.capacity {
            return Err(TableFull);
        }
        let id = self.symbols.len() as u32;
        names.insert(symbol.as_bytes().to_vec(), id);
        self.symbols.push((venue, symbol.to_owned()));
        Ok(id)
    }
    /// The number of a known symbol.
    pub fn get(&self, venue: u16, symbol: &[u8]) -> Option<u32> {
        self.by_name.get(usize::from(venue))?.get(symbol).copied()
    }
    /// The number of a known symbol of a venue given by name.
    pub fn find(&self, venue: &str, symbol: &str) -> Option<u32> {
        let at = self.venues.iter().position(|known| known == venue)?;
        self.by_name[at].get(symbol.as_bytes()).copied()
    }
    /// Venue number and name of a symbol.
    pub fn symbol(&self, id: u32) -> Option<(u16, &str)> {
        self.symbols.get(id as usize).map(|(venue, name)| (*venue, name.as_str()))
    }
    /// Name of a venue.
    pub fn venue_name(&self, venue: u16) -> Option<&str> {
        self.venues.get(usize::from(venue)).map(String::as_str)
    }
    /// Symbols held.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }
    /// Whether no symbol is held.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{SymbolTable, TableFull};

    #[test]
    fn numbers_are_stable_and_bounded() {
        let mut table = SymbolTable::new(2);
        let venue = table.venue("binance").unwrap();
        assert_eq!(table.add(venue, "BTCUSDT"), Ok(0));
        assert_eq!(table.add(venue, "ETHUSDT"), Ok(1));
        assert_eq!(table.add(venue, "BTCUSDT"), Ok(0));
        assert_eq!(table.add(venue, "SOLUSDT"), Err(TableFull));
        assert_eq!(table.get(venue, b"ETHUSDT"), Some(1));
        assert_eq!(table.symbol(1), Some((venue, "ETHUSDT")));
    }
}
