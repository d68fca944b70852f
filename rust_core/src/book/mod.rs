//! Books of absolute price levels, kept in step with a venue by its sequence rule. Not for decoding (`decode`).
//!
//! A book works on messages as slices of records: a header record (`BookDelta`, `BookSnapshot`), then its levels.

mod levels;
mod order_book;
mod rule;
mod set;
#[cfg(test)]
mod tests;

pub use levels::Levels;
pub use order_book::{OrderBook, Outcome};
pub use rule::{First, Next, SequenceRule};
pub use set::{BookSet, Changes, Incident, SharedBook, unknown_symbol};
