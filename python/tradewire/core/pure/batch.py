"""Batches: checks of NumPy arrays of dtype `core.record.RECORD`, and immutable ones made. Not for what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradewire.core.protocols import Batch
from tradewire.core.record import MORE, RECORD

__all__ = ["array", "message_ends", "records"]


def records(batch: Batch) -> Batch:
    """The batch itself, if it is one.

    Raises:
        TypeError: not an array.
        ValueError: another dtype or memory layout.
    """
    if not isinstance(batch, np.ndarray):
        raise TypeError(f"a batch must be a NumPy array, was {type(batch).__name__}")
    if batch.dtype != RECORD:
        raise ValueError(f"a batch must have the dtype core.RECORD, had {batch.dtype}")
    misaligned = len(batch.shape) == 1 and len(batch) and batch.__array_interface__["data"][0] % 8
    if batch.ndim != 1 or not batch.flags.c_contiguous or misaligned:
        raise ValueError("a batch must be one-dimensional, contiguous and aligned to 8 bytes")
    return batch


def array(parts: Sequence[Batch]) -> Batch:
    """An immutable batch of all records of `parts`, in order."""
    if not parts:
        empty = np.empty(0, RECORD)
        empty.setflags(write=False)
        return empty
    return np.frombuffer(b"".join(part.tobytes() for part in parts), RECORD)


def message_ends(batch: Batch) -> list[int]:
    """Index behind the last record of each message, ascending. What follows the last one is no whole message."""
    ends: list[int] = (np.flatnonzero((batch["flags"] & MORE) == 0) + 1).tolist()
    return ends
