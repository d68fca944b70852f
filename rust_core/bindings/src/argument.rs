//! Integer arguments: one check, one wording, the same as `core/pure/argument.py`. Not for other types.

use std::ops::RangeInclusive;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

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
