"""The record as NumPy sees it: layout, names, views."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tradewire.core import record
from tradewire.core.record import MORE, RECORD, SLOTS, Kind, view

RUST = (Path(__file__).resolve().parents[3] / "rust_core" / "src" / "record.rs").read_text(encoding="utf-8")


def test_a_record_is_64_packed_bytes() -> None:
    assert RECORD.itemsize == 64
    assert [RECORD.fields[name][1] for name in RECORD.names] == [0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 56]


def test_both_languages_know_the_same_kinds_flags_and_version() -> None:
    kinds = {
        int(code) for code in re.findall(r"^    \w+ = (\d+),$", RUST.split("pub enum Kind")[1].split("}")[0], re.M)
    }
    assert kinds == {int(kind) for kind in Kind}
    for name, value in re.findall(r"pub const ([A-Z]+): u8 = (\d+);", RUST):
        assert getattr(record, name) == int(value)
    assert f"RECORD_VERSION: u16 = {record.RECORD_VERSION};" in RUST


def test_both_languages_know_the_same_intervals() -> None:
    names = re.findall(r'\("(\d+[smhdwM])"', RUST)
    assert names == list(record.INTERVALS)
    assert record.INTERVALS["1M"] == 30 * record.INTERVALS["1d"]


@pytest.mark.parametrize("kind", Kind)
def test_a_view_renames_the_slots_and_keeps_the_bytes(kind: Kind) -> None:
    for part, slots in enumerate(SLOTS[kind]):
        batch = np.zeros(len(SLOTS[kind]), RECORD)
        batch["kind"] = kind
        batch["flags"][:-1] = MORE
        batch["a"] = np.arange(len(batch)) + 1.5
        rows = view(batch, kind, part)
        assert len(rows) == 1
        assert rows.dtype.names[7 : 7 + len(slots)] == tuple(name for name, _ in slots)
        assert rows[slots[0][0]].view(np.float64)[0] == part + 1.5


def test_a_view_holds_only_its_kind_in_order() -> None:
    batch = np.zeros(4, RECORD)
    batch["kind"] = [Kind.TRADE, Kind.QUOTE, Kind.TRADE, Kind.CONTROL]
    batch["seq"] = [1, 2, 3, 4]
    assert view(batch, Kind.TRADE)["seq"].tolist() == [1, 3]


def test_a_part_that_a_kind_has_not() -> None:
    with pytest.raises(ValueError, match=r"part must be 0\.\.0 for TRADE, was 1"):
        view(np.zeros(1, RECORD), Kind.TRADE, 1)
