//! The exception classes of `tradewire.errors` that Rust raises.
#![allow(missing_docs, reason = "documented in python/tradewire/errors.py")]

use pyo3::import_exception;

import_exception!(tradewire.errors, DecodeError);
import_exception!(tradewire.errors, PlanError);
import_exception!(tradewire.errors, StateError);
