//! The per-message work of tradewire: framing, decoding, rings, books, limits, histograms, signing.
//!
//! Everything here is synchronous, allocation-light and free of Python; `bindings` wraps it. The contract of every
//! public type (units, thread rule, errors) is stated once, in `python/tradewire/core/protocols.py`.
#![deny(unsafe_code)]

pub mod book;
pub mod clock;
pub mod decode;
pub mod histogram;
pub mod limiter;
pub mod record;
pub mod ring;
pub mod sequence;
pub mod signer;
pub mod sink;
pub mod symbols;
pub mod sync;
pub mod wire;
