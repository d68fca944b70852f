//! `tradewire.core._native`: one flat module; each file wraps one concept and holds no logic.

use pyo3::prelude::*;

mod argument;
mod batch;
mod book;
mod bookset;
mod callbacks;
mod clock;
mod decoder;
mod decoder_call;
mod digest;
mod error;
mod events;
mod events_methods;
mod events_new;
mod events_object;
mod events_table;
mod events_value;
mod histogram;
mod lent;
mod limiter;
mod objects;
mod plan;
mod ring;
mod sequence;
mod signer;
mod symbols;
mod wire;

/// The native core.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::book::OrderBook;
    #[pymodule_export]
    use super::bookset::BookSet;
    #[pymodule_export]
    use super::callbacks::{Callback, Callbacks};
    #[pymodule_export]
    use super::clock::{monotonic_ns, wall_ns};
    #[pymodule_export]
    use super::decoder::Decoder;
    #[pymodule_export]
    use super::digest::Digest;
    #[pymodule_export]
    use super::histogram::Histogram;
    #[pymodule_export]
    use super::limiter::{BucketSet, TokenBucket};
    #[pymodule_export]
    use super::objects::{Wanted, objects};
    #[pymodule_export]
    use super::ring::Ring;
    #[pymodule_export]
    use super::sequence::SequenceTracker;
    #[pymodule_export]
    use super::signer::Signer;
    #[pymodule_export]
    use super::symbols::SymbolTable;
    #[pymodule_export]
    use super::wire::{WireReader, WireResult};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::events::add_to(module)?;
        super::decoder_call::add_to(module.py())?;
        module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
        module.add("PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })
    }
}
