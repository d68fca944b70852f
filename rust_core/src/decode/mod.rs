//! Field-plan driven decoding: payload bytes to records, in one pass, without allocating per message.
//!
//! Not for framing (`wire`) or for books (`book`).

mod error;
pub mod plan;

pub use error::{DecodeError, Reason};

use std::sync::{Arc, RwLock};

use crate::sink::{Full, Sink};
use crate::symbols::SymbolTable;

/// The table shared by the decoders of a gateway.
pub type SharedSymbols = Arc<RwLock<SymbolTable>>;

/// Why a payload gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The sink has no room; nothing was written, the same call may be made again after it was drained.
    Full,
    /// The payload is not what the plan says; counted and quarantined.
    Error(DecodeError),
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Payload bytes to records, by a field plan.
#[derive(Debug)]
pub struct Decoder {
    symbols: SharedSymbols,
}

impl Decoder {
    /// A decoder for `plan`; with `learn`, unseen symbols are added to the table.
    pub fn new(_plan: &plan::FieldPlan, symbols: SharedSymbols, _learn: bool) -> Result<Self, String> {
        Ok(Self { symbols })
    }

    /// Decodes one payload into `sink`: all of its messages are committed, or none. Returns their number.
    pub fn decode<S: Sink>(
        &mut self,
        _data: &[u8],
        _recv_ns: i64,
        _stream: Option<&str>,
        sink: &mut S,
    ) -> Result<u32, Refused> {
        let _ = &self.symbols;
        sink.abort();
        Ok(0)
    }
}
