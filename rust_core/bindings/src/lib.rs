//! `tradewire.core._native`: one flat module; each file wraps one concept and holds no logic.

use pyo3::prelude::*;

mod argument;
mod batch;
mod clock;
mod error;
mod ring;

/// The native core.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::clock::{monotonic_ns, wall_ns};
    #[pymodule_export]
    use super::ring::Ring;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
        module.add("PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })
    }
}
