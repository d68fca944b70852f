//! Numeric arguments: one check, one wording, the same as `core/pure/argument.py`. Not for other types.

use std::convert::Infallible;
use std::ops::RangeInclusive;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;
use tradewire_core::clock::monotonic_ns;
use tradewire_core::limiter::HIGHEST_NOW_NS;

/// The integer `value`, if it lies in `range`; anything with `__index__` is an integer.
///
/// `TypeError`: not an integer. `ValueError`: outside the range.
pub fn integer(value: &Bound<'_, PyAny>, name: &str, range: RangeInclusive<i64>) -> PyResult<i64> {
    if let Ok(number) = value.extract::<i64>() {
        if range.contains(&number) {
            return Ok(number);
        }
    } else if !value.is_instance_of::<PyInt>() && !value.hasattr("__index__")? {
        return Err(PyTypeError::new_err(format!("{name} must be an integer, was {}", type_name(value)?)));
    }
    let (lowest, highest) = range.into_inner();
    Err(PyValueError::new_err(format!("{name} must be {lowest}..{highest}, was {}", value.str()?)))
}

/// Name of the type of `value`, as error texts give it.
pub fn type_name(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(value.get_type().name()?.to_string())
}

/// The number `value` as a float, if it lies in `range`, which messages show as `shown`.
///
/// `TypeError`: not a number. `ValueError`: outside the range, or NaN.
pub fn real(value: &Bound<'_, PyAny>, name: &str, range: RangeInclusive<f64>, shown: &str) -> PyResult<f64> {
    match value.extract::<f64>() {
        Ok(number) if range.contains(&number) => return Ok(number),
        Err(error) if !error.is_instance_of::<PyOverflowError>(value.py()) => {
            return Err(PyTypeError::new_err(format!("{name} must be a number, was {}", type_name(value)?)));
        }
        _ => {}
    }
    Err(PyValueError::new_err(format!("{name} must be {shown}, was {}", value.str()?)))
}

/// The time `value`, or that of the monotonic clock for None; ns.
#[inline]
pub fn now_ns(value: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    match value {
        None => Ok(monotonic_ns() as u64),
        Some(value) => Ok(integer(value, "now_ns", 0..=HIGHEST_NOW_NS as i64)? as u64),
    }
}

/// An argument that may be left out but may not be None.
#[derive(Clone, Copy)]
pub struct Given<'a, 'py>(pub Option<Borrowed<'a, 'py, PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Given<'a, 'py> {
    type Error = Infallible;

    #[inline]
    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(Some(obj)))
    }
}
