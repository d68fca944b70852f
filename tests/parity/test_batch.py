"""Batches of the pure core: what is one, how messages end, immutable copies. Both cores' refusals: `test_ring.py`."""

from __future__ import annotations

import numpy as np
import pytest

from tradewire.core.pure import batch
from tradewire.core.record import MORE, RECORD


def made(flags: list[int]) -> np.ndarray:
    records = np.zeros(len(flags), RECORD)
    records["flags"] = flags
    return records


def test_a_batch_is_given_back_as_it_is() -> None:
    records = made([0, 0])
    assert batch.records(records) is records
    assert len(batch.records(made([]))) == 0


@pytest.mark.parametrize("other", [made([0] * 4)[::2], made([0] * 4).reshape(2, 2), np.zeros((), RECORD)])
def test_another_layout_is_refused(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="one-dimensional, contiguous and aligned"):
        batch.records(other)


def test_messages_end_where_nothing_more_follows() -> None:
    assert batch.message_ends(made([])) == []
    assert batch.message_ends(made([0, MORE, MORE | 2, 2, 0, MORE])) == [1, 4, 5]


def test_parts_become_one_immutable_batch() -> None:
    parts = [made([MORE, 0]), made([4])]
    joined = batch.array(parts)
    parts[0]["flags"] = 9
    assert joined["flags"].tolist() == [MORE, 0, 4]
    for array in (joined, batch.array([])):
        assert (array.dtype, array.flags.writeable) == (RECORD, False)
