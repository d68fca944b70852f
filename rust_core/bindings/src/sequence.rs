//! `SequenceTracker` for Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyTuple};
use tradewire_core::record::flags::MORE;
use tradewire_core::record::{Kind, Record};
use tradewire_core::sequence::{self, Continuity, Observed};

use crate::argument::{integer, type_name};
use crate::batch;

/// Continuity of numbered streams, one per (kind, symbol).
#[pyclass(frozen, module = "tradewire.core")]
pub struct SequenceTracker {
    tracker: Mutex<sequence::SequenceTracker>,
}

impl SequenceTracker {
    fn tracker(&self) -> MutexGuard<'_, sequence::SequenceTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Observes whole messages; adds (row, outcome, missing) of each that was not as expected.
    pub(crate) fn apply_all(&self, records: &[Record], found: &mut Vec<(usize, &'static str, u64)>) {
        self.tracker().apply(records, |row, observed| {
            let missing = if let Observed::Gap(missing) = observed { missing } else { 0 };
            found.push((row, observed.name(), missing));
        });
    }
}

fn kind_code(kind: &Bound<'_, PyAny>) -> PyResult<u8> {
    Ok(integer(kind, "kind", Kind::Trade as i64..=Kind::Control as i64)? as u8)
}

fn symbol_number(symbol_id: &Bound<'_, PyAny>) -> PyResult<u32> {
    Ok(integer(symbol_id, "symbol_id", 0..=i64::from(u32::MAX))? as u32)
}

fn continuity(rule: &Bound<'_, PyAny>) -> PyResult<Continuity> {
    match rule.extract::<String>().as_deref() {
        Ok("contiguous") => Ok(Continuity::Contiguous),
        Ok("increasing") => Ok(Continuity::Increasing),
        _ => {
            let given = rule.repr()?;
            Err(PyValueError::new_err(format!("a rule must be 'contiguous' or 'increasing', was {given}")))
        }
    }
}

#[pymethods]
impl SequenceTracker {
    #[new]
    fn new(rules: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(rules) = rules.cast::<PyMapping>() else {
            return Err(PyTypeError::new_err(format!("rules must be a mapping, was {}", type_name(rules)?)));
        };
        let mut read = Vec::new();
        for item in rules.items()? {
            let item = item.cast_into::<PyTuple>()?;
            read.push((kind_code(&item.get_item(0)?)?, continuity(&item.get_item(1)?)?));
        }
        Ok(Self { tracker: Mutex::new(sequence::SequenceTracker::new(read)) })
    }

    fn observe(
        &self,
        kind: &Bound<'_, PyAny>,
        symbol_id: &Bound<'_, PyAny>,
        seq: &Bound<'_, PyAny>,
    ) -> PyResult<&'static str> {
        let (kind, symbol) = (kind_code(kind)?, symbol_number(symbol_id)?);
        let mut tracker = self.tracker();
        if !tracker.kinds().any(|known| known == kind) {
            let known: Vec<String> = tracker.kinds().map(|known| known.to_string()).collect();
            let known = known.join(", ");
            return Err(PyValueError::new_err(format!(
                "kind must be one that has a rule ({known}), was {kind}"
            )));
        }
        let seq = integer(seq, "seq", 0..=i64::MAX)?.cast_unsigned();
        Ok(tracker.observe(kind, symbol, seq).unwrap_or(Observed::Expected).name())
    }

    fn apply(&self, batch: &Bound<'_, PyAny>) -> PyResult<Vec<(usize, &'static str, u64)>> {
        let batch = batch::records(batch)?;
        if batch.last().is_some_and(|last| last.flags & MORE != 0) {
            return Err(PyValueError::new_err("the last message of the batch is incomplete"));
        }
        let mut found = Vec::new();
        self.apply_all(&batch, &mut found);
        Ok(found)
    }

    fn reset(&self, kind: &Bound<'_, PyAny>, symbol_id: &Bound<'_, PyAny>) -> PyResult<()> {
        let (kind, symbol) = (kind_code(kind)?, symbol_number(symbol_id)?);
        self.tracker().reset(kind, symbol);
        Ok(())
    }
}
