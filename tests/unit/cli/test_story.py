"""Faults and healings in lines."""

from __future__ import annotations

import re

import pytest

from tradewire.cli.story import FAULT, HEALED, Line, counts, text, told
from tradewire.streaming.incidents import Incident, IncidentKind


def test_a_line_says_when_where_and_what() -> None:
    (line,) = told([Incident(1_700_000_000_250_000_000, IncidentKind.GAP, "binance", "book", "BTCUSDT", "broken")])
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.2  binance book BTCUSDT  gap: broken", text(line))


def test_what_concerns_the_whole_gateway_says_so() -> None:
    (line,) = told([Incident(0, IncidentKind.WARNING, "", "", "", "queues")])
    assert line.where == "gateway"


@pytest.mark.parametrize("kind", IncidentKind)
def test_every_kind_can_be_counted(kind: IncidentKind) -> None:
    (one,) = counts([Line(0, str(kind), "", "")])
    (two,) = counts([Line(0, str(kind), "", "")] * 2)
    assert one.startswith("1 ")
    assert two.startswith("2 ")
    assert one[2:] != two[2:]


def test_faults_on_purpose_are_not_counted_and_healings_are_known() -> None:
    assert counts([Line(0, FAULT, "", "")]) == []
    assert "resynced" in HEALED
    assert "gap" not in HEALED
