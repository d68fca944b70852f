"""Parameters, selections and refusals that both Binance HTTP faces share. Over HTTP: the tests of each face."""

from __future__ import annotations

import json

import pytest

from tradewire.sim.binance_calls import Refused, agg_trades_of, limit_of, number_of, refusal_body
from tradewire.sim.binance_feed import Feed
from tradewire.sim.faults import Refusal
from tradewire.sim.instruments import instrument
from tradewire.sim.market import Pit

START = 1_791_382_980_000


@pytest.fixture(scope="module")
def pit() -> Pit:
    feed = Feed((instrument("BTCUSDT"),), seed=1, now_ms=START)
    for step in range(1, 200):
        feed.advance(START + 50 * step, 20)
    return feed.market.pits["BTCUSDT"]


def test_selections_of_aggregate_trades(pit: Pit) -> None:
    everything = list(pit.history.agg_trades)
    assert len(everything) > 500
    assert agg_trades_of(pit, {}) == everything[-500:]
    assert agg_trades_of(pit, {"limit": "3"}) == everything[-3:]
    start = everything[100]
    assert agg_trades_of(pit, {"fromId": str(start.agg_id), "limit": "10"}) == everything[100:110]
    span = {"startTime": str(START + 1_000), "endTime": str(START + 2_000), "limit": "1000"}
    assert agg_trades_of(pit, span) == [item for item in everything if 1_000 <= item.time_ms - START <= 2_000]


def test_an_hour_at_most(pit: Pit) -> None:
    span = {"startTime": "1", "endTime": "3600001"}
    assert agg_trades_of(pit, span) == []
    with pytest.raises(Refused, match="More than 1 hours"):
        agg_trades_of(pit, span | {"endTime": "3600002"})


@pytest.mark.parametrize("text", ["", "-1", "1.5", "0", "11", "x", "\u0661", "1" * 5_000])
def test_bad_numbers(text: str) -> None:
    with pytest.raises(Refused):
        number_of({"n": text}, "n", 1, 10)
    assert limit_of({}, 1_000) == 500


def test_bodies_of_refusals() -> None:
    ban = json.loads(refusal_body(Refusal(418, 10), 1_000_000))
    assert ban["code"] == -1003
    assert "banned until 1010000." in ban["msg"]
    assert json.loads(refusal_body(Refusal(429), 0))["code"] == -1003
    assert json.loads(refusal_body(Refusal(500), 0))["code"] == -1000
