"""One request: what it costs, what it sends, and what a refusal does to those that follow. Waiting is virtual."""

from __future__ import annotations

import asyncio

import pytest

import virtual_time
from scripted_http import Http, answer
from tradewire.errors import FeedConnectionError, QueryError, VenueRejectedError
from tradewire.transport.http import HttpResponse
from tradewire.transport.rate_limit import RateLimitManager
from tradewire.venues.binance.calls import BinanceCalls
from tradewire.venues.binance.limits import USDM_COSTS, USDM_LIMITS


def made(http: Http) -> tuple[BinanceCalls, RateLimitManager]:
    limits = RateLimitManager({"binance": USDM_LIMITS}, clock=virtual_time.now_ns, wall=lambda: 100_000_000_000)
    calls = BinanceCalls(http, "http://venue/v1", USDM_COSTS, limits=limits, venue="binance")  # type: ignore[arg-type]
    return calls, limits


@pytest.mark.parametrize(
    ("call", "params", "quota", "weight"),
    [
        ("depth", {"symbol": "X", "limit": 500}, "weight", 10),
        ("ticker/24hr", {"symbol": "X"}, "weight", 1),
        ("ticker/24hr", {}, "weight", 40),
        ("fundingRate", {"symbol": "X"}, "funding", 1),
    ],
)
@virtual_time.in_virtual_time
async def test_a_call_takes_its_weight(call: str, params: dict[str, str | int], quota: str, weight: int) -> None:
    http = Http(answer())
    calls, limits = made(http)
    await calls.get(call, params, "it")
    assert http.asked == [(f"http://venue/v1/{call}", {name: str(value) for name, value in params.items()})]
    assert {name: use.used for name, use in limits.statistics("binance").quotas.items() if use.used} == {quota: weight}
    await calls.get(call, params, "it", url="http://venue/v2/it")
    assert http.asked[-1][0] == "http://venue/v2/it"


@pytest.mark.parametrize(
    ("refused", "wait_s"),
    [
        (answer(429, retry_after="7"), 7),
        (answer(429), 20),  # to the next minute: the wall clock said 100 s
        (answer(418, retry_after="120"), 120),
        (answer(403), 180),
    ],
)
@virtual_time.in_virtual_time
async def test_a_refusal_says_how_long_and_everybody_waits(refused: HttpResponse, wait_s: float) -> None:
    calls, _ = made(Http(refused, answer()))
    with pytest.raises(QueryError) as caught:
        await calls.get("time", {}, "the time")
    assert caught.value.retry_after_s == pytest.approx(wait_s)
    start = asyncio.get_running_loop().time()
    await calls.get("time", {}, "the time")
    assert asyncio.get_running_loop().time() - start == pytest.approx(wait_s)


@virtual_time.in_virtual_time
async def test_other_failures_hold_nobody_up() -> None:
    lost = FeedConnectionError("cannot connect")
    calls, _ = made(Http(answer(500), lost, answer(400, b'{"code":-1121,"msg":"no"}'), answer()))
    with pytest.raises(QueryError, match="no time: HTTP 500") as caught:
        await calls.get("time", {}, "time")
    assert caught.value.retry_after_s is None
    with pytest.raises(QueryError, match="no time: cannot connect"):
        await calls.get("time", {}, "time")
    with pytest.raises(VenueRejectedError):
        await calls.get("time", {}, "time")
    start = asyncio.get_running_loop().time()
    await calls.get("time", {}, "time")
    assert asyncio.get_running_loop().time() == start
