"""Faults and healings in lines."""

from __future__ import annotations

import re

import pytest

from tradewire.cli.story import FAULT, HEALED, Line, counts, noticed, text, told
from tradewire.model.notices import Imbalance, Notice, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from tradewire.streaming.incidents import Incident, IncidentKind


def test_a_line_says_when_where_and_what() -> None:
    (line,) = told([Incident(1_700_000_000_250_000_000, IncidentKind.GAP, "binance", "book", "BTCUSDT", "broken")])
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.2  binance book BTCUSDT  gap: broken", text(line))


def test_what_concerns_the_whole_gateway_says_so() -> None:
    (line,) = told([Incident(0, IncidentKind.WARNING, "", "", "", "queues")])
    assert line.where == "gateway"


HEAD = ("alpaca", "AAPL", 5, 7)


@pytest.mark.parametrize(
    ("notice", "word", "what"),
    [
        (
            TradingStatus(*HEAD, True, "H", "Trading Halt", "T1", "Halt News Pending", "C"),
            "halted",
            "Trading Halt, Halt",
        ),
        (TradingStatus(*HEAD, False, "T", "Trading Resumed", "", "", "C"), "resumed", "Trading Resumed"),
        (TradingStatus(*HEAD, None, "Q", "", "", "", "C"), "status", "code Q"),
        (PriceBand(*HEAD, 110.5, 90.25, "B", "C"), "band", "trades from 90.25 to 110.5 only"),
        (Imbalance(*HEAD, 100.5, "C"), "imbalance", "at 100.5"),
        (
            TradeCorrection(*HEAD, 7, 1.5, 10.0, 8, 1.25, 20.0, "V", "C"),
            "corrected",
            "trade 7, 1.5 x 10.0, is trade 8, 1.25 x 20.0",
        ),
        (TradeCancel(*HEAD, 7, 1.5, 10.0, "C", "V", "C"), "cancelled", "trade 7, 1.5 x 10.0"),
    ],
)
def test_notices_are_told_in_words(notice: Notice, word: str, what: str) -> None:
    line = noticed("mine", "channel", notice)
    assert (line.recv_ns, line.word, line.where) == (7, word, "mine channel AAPL")
    assert line.what.startswith(what)


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
