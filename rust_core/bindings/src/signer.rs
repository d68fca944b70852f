//! `Signer` for Python: what a parameter's value may be, and how it becomes text.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple, PyType};
use tradewire_core::signer::{self, KeyError, NotFinite, Query, Value};

use crate::argument::{integer, type_name};

/// Signs requests; the key is never shown.
///
/// It is wiped when dropped.
#[pyclass(frozen, module = "tradewire.core")]
pub struct Signer {
    signer: signer::Signer,
}

/// The bytes of `secret` or `pem`. Errors never hold any of them, nor does what raised them.
fn key_bytes<'a>(value: &'a Bound<'_, PyAny>, name: &str) -> PyResult<&'a [u8]> {
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().map_err(|_| PyValueError::new_err(format!("{name} must be valid text")))?;
        return Ok(text.as_bytes());
    }
    match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(wrong_type(value, name, "str or bytes")),
    }
}

#[cold]
fn wrong_type(value: &Bound<'_, PyAny>, name: &str, wanted: &str) -> PyErr {
    match type_name(value) {
        Ok(kind) => PyTypeError::new_err(format!("{name} must be {wanted}, was {kind}")),
        Err(error) => error,
    }
}

fn made(signer: Result<signer::Signer, KeyError>) -> PyResult<Signer> {
    match signer {
        Ok(signer) => Ok(Signer { signer }),
        Err(KeyError::Empty) => Err(PyValueError::new_err("secret must not be empty")),
        Err(KeyError::Pem) => {
            Err(PyValueError::new_err("pem must be an unencrypted Ed25519 key in PKCS#8 PEM"))
        }
    }
}

/// Name and value of one item of `pairs`.
fn pair_of<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyString>, Bound<'py, PyAny>)> {
    let pair = item.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
    let Some(pair) = pair else {
        return Err(wrong_type(item, "pairs", "(name, value) tuples"));
    };
    let (name, value) = (pair.get_item(0)?, pair.get_item(1)?);
    match name.cast_into::<PyString>() {
        Ok(name) => Ok((name, value)),
        Err(error) => Err(wrong_type(&error.into_inner(), "a parameter's name", "a string")),
    }
}

/// Appends a parameter.
fn push(query: &mut Query, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(text) = value.cast::<PyString>() {
        return written(query.push(name, Value::Text(text.to_str()?)), name);
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return written(query.push(name, Value::Bool(truth.is_true())), name);
    }
    if let Ok(number) = value.cast::<PyInt>() {
        return match number.extract::<i64>() {
            Ok(number) => written(query.push(name, Value::Integer(number)), name),
            Err(_) => push_long(query, name, number),
        };
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return written(query.push(name, Value::Float(number.value())), name);
    }
    push_decimal(query, name, value)
}

fn written(outcome: Result<(), NotFinite>, name: &str) -> PyResult<()> {
    outcome.map_err(|NotFinite| PyValueError::new_err(format!("{name} must be finite")))
}

#[cold]
fn push_long(query: &mut Query, name: &str, number: &Bound<'_, PyInt>) -> PyResult<()> {
    let py = number.py();
    let text = py.get_type::<PyInt>().call_method1(intern!(py, "__repr__"), (number,))?;
    written(query.push(name, Value::Text(text.cast::<PyString>()?.to_str()?)), name)
}

fn push_decimal(query: &mut Query, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = value.py();
    if !value.is_instance(DECIMAL.import(py, "decimal", "Decimal")?)? {
        return Err(wrong_type(value, name, "str, int, bool, float or Decimal"));
    }
    let text = value.call_method1(intern!(py, "__format__"), (intern!(py, "f"),))?;
    let text = text.cast::<PyString>()?.to_str()?;
    let finite = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    written(if finite { query.push(name, Value::Text(text)) } else { Err(NotFinite) }, name)
}

#[pymethods]
impl Signer {
    #[new]
    fn new(secret: &Bound<'_, PyAny>) -> PyResult<Self> {
        made(signer::Signer::hmac(key_bytes(secret, "secret")?))
    }

    #[classmethod]
    fn hmac(_cls: &Bound<'_, PyType>, secret: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::new(secret)
    }

    #[classmethod]
    fn ed25519(_cls: &Bound<'_, PyType>, pem: &Bound<'_, PyAny>) -> PyResult<Self> {
        let pem = str::from_utf8(key_bytes(pem, "pem")?).map_err(|_| KeyError::Pem);
        made(pem.and_then(signer::Signer::ed25519))
    }

    fn sign<'py>(&self, payload: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let bytes = if let Ok(bytes) = payload.cast::<PyBytes>() {
            bytes.as_bytes()
        } else if let Ok(text) = payload.cast::<PyString>() {
            text.to_str()?.as_bytes()
        } else {
            return Err(wrong_type(payload, "payload", "bytes or str"));
        };
        Ok(PyString::new(payload.py(), self.signer.sign(bytes).as_str()))
    }

    fn sign_query<'py>(
        &self,
        pairs: &Bound<'py, PyAny>,
        timestamp_ms: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let timestamp_ms = integer(timestamp_ms, "timestamp_ms", 0..=i64::MAX)?;
        let mut query = Query::encoded();
        for item in pairs.try_iter()? {
            let (name, value) = pair_of(&item?)?;
            push(&mut query, name.to_str()?, &value)?;
        }
        written(query.push("timestamp", Value::Integer(timestamp_ms)), "timestamp")?;
        Ok(PyBytes::new(pairs.py(), &query.signed(&self.signer)))
    }

    fn sign_sorted<'py>(&self, pairs: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let items = pairs.try_iter()?.map(|item| pair_of(&item?)).collect::<PyResult<Vec<_>>>()?;
        let named = items.iter().map(|(name, value)| Ok((name.to_str()?, value)));
        let mut named = named.collect::<PyResult<Vec<_>>>()?;
        named.sort_by_key(|(name, _)| *name);
        let mut query = Query::plain();
        for (name, value) in named {
            push(&mut query, name, value)?;
        }
        Ok(PyString::new(pairs.py(), self.signer.sign(query.as_bytes()).as_str()))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.signer)
    }

    #[expect(clippy::unused_self, reason = "Python calls it as a method")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Signer cannot be pickled or copied: its key stays where it is"))
    }
}
