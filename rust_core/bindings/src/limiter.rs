//! `TokenBucket` and `BucketSet` for Python.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tradewire_core::limiter::{self, MOST_BUCKETS, RATES, SetError};

use crate::argument::{Given, integer, now_ns, real, type_name};

/// At most `burst + rate_per_s * T` weight in any window T.
#[pyclass(frozen, module = "tradewire.core")]
pub struct TokenBucket {
    bucket: Arc<limiter::TokenBucket>,
}

#[pymethods]
impl TokenBucket {
    #[new]
    fn new(rate_per_s: &Bound<'_, PyAny>, burst: &Bound<'_, PyAny>) -> PyResult<Self> {
        let rate_per_s = real(rate_per_s, "rate_per_s", RATES, "1e-6..1e9")?;
        let highest = limiter::TokenBucket::highest_burst(rate_per_s).unwrap_or_default();
        let burst = integer(burst, "burst", 1..=highest as i64)?;
        let bucket = limiter::TokenBucket::new(rate_per_s, burst as u64)
            .ok_or_else(|| PyValueError::new_err("Invariant: rate and burst were checked"))?;
        Ok(Self { bucket: Arc::new(bucket) })
    }

    #[pyo3(signature = (weight=Given(None), now_ns=None), text_signature = "($self, weight=1, now_ns=None)")]
    fn try_acquire(&self, weight: Given<'_, '_>, now_ns: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
        let weight = match weight.0 {
            None => 1,
            Some(weight) => integer(&weight, "weight", 1..=self.bucket.burst() as i64)? as u64,
        };
        Ok(self.bucket.try_acquire(weight, self::now_ns(now_ns)?))
    }

    #[pyo3(signature = (now_ns=None))]
    fn available(&self, now_ns: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
        Ok(self.bucket.available(self::now_ns(now_ns)?))
    }

    #[getter]
    fn rate_per_s(&self) -> f64 {
        self.bucket.rate_per_s()
    }

    #[getter]
    fn burst(&self) -> u64 {
        self.bucket.burst()
    }
}

/// Several buckets taken all or nothing.
#[pyclass(frozen, module = "tradewire.core")]
pub struct BucketSet {
    set: limiter::BucketSet,
}

#[pymethods]
impl BucketSet {
    #[new]
    fn new(buckets: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut shared = vec![];
        for bucket in buckets.try_iter()? {
            let bucket = bucket?;
            let Ok(bucket) = bucket.cast::<TokenBucket>() else {
                let kind = type_name(&bucket)?;
                return Err(PyTypeError::new_err(format!(
                    "buckets must hold TokenBucket objects, was {kind}"
                )));
            };
            shared.push(bucket.get().bucket.clone());
        }
        let count = shared.len();
        let set = limiter::BucketSet::new(shared).map_err(|error| {
            PyValueError::new_err(match error {
                SetError::Count => format!("buckets must hold 1..{MOST_BUCKETS} buckets, was {count}"),
                SetError::Repeated => "buckets must be distinct, one was given twice".to_owned(),
            })
        })?;
        Ok(Self { set })
    }

    #[pyo3(signature = (weights, now_ns=None))]
    fn try_acquire(&self, weights: &Bound<'_, PyAny>, now_ns: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
        let weights = weights.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        let buckets = self.set.buckets();
        if weights.len() != buckets.len() {
            let (count, given) = (buckets.len(), weights.len());
            return Err(PyValueError::new_err(format!("weights must hold {count} numbers, was {given}")));
        }
        let mut numbers = [0; MOST_BUCKETS];
        for ((number, weight), bucket) in numbers.iter_mut().zip(&weights).zip(buckets) {
            *number = integer(weight, "weight", 0..=bucket.burst() as i64)? as u64;
        }
        Ok(self.set.try_acquire(&numbers[..weights.len()], self::now_ns(now_ns)?))
    }
}
