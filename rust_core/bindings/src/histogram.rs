//! `Histogram` for Python.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{ptr, slice};

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};
use tradewire_core::histogram::{self, DIGITS, EncodingError, HIGHEST_LIMIT, highest_lowest};

use crate::argument::{Given, integer, real, type_name};

/// Counts of values `0..=highest`, each within `10**-digits` of itself.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Histogram {
    histogram: Mutex<histogram::Histogram>,
}

impl Histogram {
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, histogram::Histogram> {
        // No call leaves the counts half changed in a way that matters to the next one.
        self.histogram.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn percentile_of(percentile: &Bound<'_, PyAny>) -> PyResult<f64> {
    real(percentile, "percentile", 0.0..=100.0, "0..100")
}

fn value_of(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    integer(value, "value", i64::MIN..=i64::MAX)
}

#[pymethods]
impl Histogram {
    #[new]
    #[pyo3(signature = (lowest, highest, digits=Given(None)), text_signature = "(lowest, highest, digits=3)")]
    fn new(lowest: &Bound<'_, PyAny>, highest: &Bound<'_, PyAny>, digits: Given<'_, '_>) -> PyResult<Self> {
        let range = i64::from(*DIGITS.start())..=i64::from(*DIGITS.end());
        let digits = digits.0.map_or(Ok(3), |digits| integer(&digits, "digits", range))? as u8;
        let lowest = integer(lowest, "lowest", 1..=highest_lowest(digits) as i64)?;
        let highest = integer(highest, "highest", 2 * lowest..=HIGHEST_LIMIT as i64)?;
        let histogram = histogram::Histogram::new(lowest as u64, highest as u64, digits)
            .ok_or_else(|| PyValueError::new_err("Invariant: range and digits were checked"))?;
        Ok(Self { histogram: Mutex::new(histogram) })
    }

    fn record(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = value_of(value)?;
        self.lock().record(value);
        Ok(())
    }

    fn record_many(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        let buffer = PyUntypedBuffer::get(values).ok();
        let signed = match buffer.as_ref().map(|buffer| (buffer.format().to_bytes(), buffer.item_size())) {
            Some((b"l" | b"q", 8)) => true,
            Some((b"L" | b"Q", 8)) => false,
            _ => return Err(PyTypeError::new_err("values must be an array of int64 or uint64")),
        };
        let Some(buffer) = buffer.filter(|buffer| buffer.dimensions() == 1 && buffer.is_c_contiguous())
        else {
            return Err(PyValueError::new_err("values must be contiguous and of one dimension"));
        };
        let data = buffer.buf_ptr().cast::<u8>();
        let data = if data.is_null() { ptr::dangling() } else { data.cast_const() };
        #[allow(unsafe_code, reason = "the buffer protocol gives a pointer")]
        // SAFETY: contiguous memory that the exporter keeps in place while `buffer` lives; it is read here with the
        // interpreter attached and without calling into Python, so no Python code writes to it meanwhile.
        let bytes = unsafe { slice::from_raw_parts(data, buffer.len_bytes()) };
        let words = bytes.as_chunks::<8>().0.iter();
        let mut histogram = self.lock();
        if signed {
            histogram.record_many(words.map(|word| i64::from_ne_bytes(*word)));
        } else {
            let clipped = words.map(|word| u64::from_ne_bytes(*word).min(i64::MAX as u64) as i64);
            histogram.record_many(clipped);
        }
        Ok(())
    }

    fn record_corrected(
        &self,
        value: &Bound<'_, PyAny>,
        expected_interval: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let value = value_of(value)?;
        let interval = integer(expected_interval, "expected_interval", 1..=i64::MAX)?;
        self.lock().record_corrected(value, interval);
        Ok(())
    }

    fn percentile(&self, percentile: &Bound<'_, PyAny>) -> PyResult<u64> {
        let percentile = percentile_of(percentile)?;
        Ok(self.lock().percentile(percentile))
    }

    fn percentiles(&self, percentiles: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
        let percentiles =
            percentiles.try_iter()?.map(|item| percentile_of(&item?)).collect::<PyResult<Vec<_>>>()?;
        let histogram = self.lock();
        Ok(percentiles.into_iter().map(|percentile| histogram.percentile(percentile)).collect())
    }

    fn merge(&self, other: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(other) = other.cast::<Self>() else {
            let kind = type_name(other)?;
            return Err(PyTypeError::new_err(format!(
                "other must be a Histogram of the same core, was {kind}"
            )));
        };
        // A copy, so that two threads merging two histograms into each other never wait in a circle.
        let other = other.get().lock().clone();
        let mut histogram = self.lock();
        if histogram.merge(&other) {
            return Ok(());
        }
        let describe = |histogram: &histogram::Histogram| {
            format!("{}..{} with {} digits", histogram.lowest(), histogram.highest(), histogram.digits())
        };
        let (own, given) = (describe(&histogram), describe(&other));
        Err(PyValueError::new_err(format!("other must have the range {own}, was {given}")))
    }

    fn encode(&self) -> String {
        self.lock().encode()
    }

    #[classmethod]
    fn decode(_cls: &Bound<'_, PyType>, encoded: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(encoded) = encoded.cast::<PyString>() else {
            let kind = type_name(encoded)?;
            return Err(PyTypeError::new_err(format!("encoded must be a string, was {kind}")));
        };
        encoded
            .to_str()
            .map_or(Err(EncodingError::Base64), histogram::Histogram::decode)
            .map(|histogram| Self { histogram: Mutex::new(histogram) })
            .map_err(|error| {
                PyValueError::new_err(format!(
                    "encoded must be a compressed V2 histogram of integer counts, its {error} is not"
                ))
            })
    }

    fn reset(&self) {
        self.lock().reset();
    }

    #[getter]
    fn count(&self) -> u64 {
        self.lock().count()
    }

    #[getter]
    fn min(&self) -> u64 {
        self.lock().min()
    }

    #[getter]
    fn max(&self) -> u64 {
        self.lock().max()
    }

    #[getter]
    fn mean(&self) -> f64 {
        self.lock().mean()
    }

    #[getter]
    fn negative(&self) -> u64 {
        self.lock().negative()
    }

    #[getter]
    fn overflow(&self) -> u64 {
        self.lock().overflow()
    }

    #[getter]
    fn lowest(&self) -> u64 {
        self.lock().lowest()
    }

    #[getter]
    fn highest(&self) -> u64 {
        self.lock().highest()
    }

    #[getter]
    fn digits(&self) -> u8 {
        self.lock().digits()
    }
}
