"""Recording a venue that authenticates and whose frames name symbols, not streams: the simulated Alpaca."""

from __future__ import annotations

import asyncio
import json

import pytest

from tradewire.errors import MissingCredentialError
from tradewire.sim import AlpacaSim
from tradewire.streaming.recorder import Recorder
from tradewire.venues.registry import load


async def test_frames_of_an_authenticated_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY", "PKTEST")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    lines: list[bytes] = []

    def write(recv_ns: int, frame: bytes, *, may_rotate: bool = True) -> bool:
        lines.append(frame)
        return len(lines) == 1

    async with AlpacaSim(symbols=("AAPL", "MSFT"), rate=300, seed=2) as sim:
        recorder = Recorder(
            load("alpaca"),
            ["AAPL", "MSFT", "TSLA"],
            ["trades", "quotes"],
            write,
            url=sim.stream_url,
            rest_url=sim.rest_url,
        )
        recording = asyncio.create_task(recorder.run())
        async with asyncio.timeout(30):
            while recorder.silent != ["TSLA"]:  # noqa: ASYNC110 - of sockets
                await asyncio.sleep(0.01)
        recording.cancel()
        await asyncio.wait([recording])
    rows = [row for line in lines for row in json.loads(line)]
    assert {row["S"] for row in rows if row["T"] in ("t", "q")} == {"AAPL", "MSFT"}
    assert recorder.reconnects == 0
    assert b"secret" not in b"".join(lines)


def test_without_a_key_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingCredentialError, match="ALPACA_API_KEY"):
        Recorder(load("alpaca"), ["AAPL"], ["trades"], lambda *_, **__: True)
