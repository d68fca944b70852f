"""Snapshots within the weight limit; the HTTP session is a script, and waiting is recorded, not done."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest

from tradewire.errors import FeedConnectionError, SnapshotError
from tradewire.transport.http import HttpResponse
from tradewire.venues.binance.rest import DepthSnapshots


class Http:
    def __init__(self, *answers: HttpResponse | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def load(self) -> None: ...

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> HttpResponse:
        self.asked.append((url, dict(params or {})))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int = 200, body: bytes = b'{"lastUpdateId":1}', **headers: str) -> HttpResponse:
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, 42)


def source(http: Http, waits: list[float], weight: int = 20) -> DepthSnapshots:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > 50:
            raise AssertionError("waits for ever")

    return DepthSnapshots(
        http,  # type: ignore[arg-type]
        "http://venue/fapi/v1/depth",
        depth=1000,
        weight=weight,
        weight_per_minute=2400,
        sleep=sleep,
    )


async def test_a_snapshot_names_its_stream() -> None:
    http = Http(answer())
    snapshot = await source(http, []).fetch("BTCUSDT")
    assert http.asked == [("http://venue/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "1000"})]
    assert (snapshot.payload, snapshot.recv_ns, snapshot.stream) == (b'{"lastUpdateId":1}', 42, "btcusdt@depth")


async def test_a_burst_stays_within_the_weight_of_a_minute() -> None:
    waits: list[float] = []
    snapshots = source(Http(answer()), waits)
    granted = 0
    while not waits:
        with contextlib.suppress(AssertionError):
            await snapshots.fetch("BTCUSDT")
        granted += not waits
    assert 0 < granted * 20 <= 2400 * 0.8 * 0.25 + 20


async def test_no_answer_is_a_snapshot_error() -> None:
    with pytest.raises(SnapshotError, match="no book snapshot of BTCUSDT: cannot connect"):
        await source(Http(FeedConnectionError("cannot connect")), []).fetch("BTCUSDT")


async def test_a_refusal_says_status_and_text() -> None:
    http = Http(answer(400, b'{"code":-1121,"msg":"Invalid symbol."}'))
    with pytest.raises(SnapshotError, match=r"HTTP 400 .*Invalid symbol"):
        await source(http, []).fetch("XUSDT")


@pytest.mark.parametrize("status", [418, 429])
async def test_too_many_requests_closes_the_gate_until_retry_after(status: int) -> None:
    waits: list[float] = []
    snapshots = source(Http(answer(status, b"", retry_after="120"), answer()), waits)
    with pytest.raises(SnapshotError):
        await snapshots.fetch("BTCUSDT")
    with pytest.raises(AssertionError, match="waits for ever"):
        await snapshots.fetch("ETHUSDT")
    assert 119 < waits[0] <= 120


async def test_without_retry_after_the_gate_opens_with_the_next_utc_minute() -> None:
    waits: list[float] = []
    snapshots = source(Http(answer(429, b"")), waits)
    with pytest.raises(SnapshotError):
        await snapshots.fetch("BTCUSDT")
    with pytest.raises(AssertionError, match="waits for ever"):
        await snapshots.fetch("BTCUSDT")
    assert 0 < waits[0] <= 60
