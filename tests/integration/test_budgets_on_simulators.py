"""Two providers of a gateway on one REST host ask it together no more than one may; on two hosts each asks at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tradewire import StreamingGateway
from tradewire.config import ConfigLoader
from tradewire.core import monotonic_ns
from tradewire.sim import AlpacaSim, BinanceSim

SYMBOL = "BTCUSDT"
#: A snapshot of USD-M weighs 20; 480 of weight may go at once, and then 40 a second.
WEIGHT, AT_ONCE, PER_S = 20, 480, 40
#: The limiter lets timers be a millisecond late without losing it.
GRAIN = 1


def gateway_to(
    folder: Path, *sims: Any, venues: tuple[str, str] = ("binance", "binance"), keys: tuple[str, str] = ("one", "one")
) -> Any:
    """A gateway with the providers `first` and `second`, whose connections go nowhere."""
    file = folder / "streaming.yaml"
    providers = "".join(
        f"""
    - name: {name}
      venue: {venue}
      websocket_url: {sim.stream_url}
      rest_url: {sim.rest_url}
      credential: {key}
      symbols: [{SYMBOL if venue == "binance" else "AAPL"}]"""
        for name, venue, sim, key in zip(("first", "second"), venues, sims, keys, strict=True)
    )
    file.write_text(f"streaming:\n  providers:{providers}\n")
    return StreamingGateway(ConfigLoader(file, env_file=None).load())


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONE", "TWO"):
        monkeypatch.setenv(f"{name}_API_KEY", name)
        monkeypatch.setenv(f"{name}_SECRET_KEY", "secret")


def noted(monkeypatch: pytest.MonkeyPatch, calls: Any) -> list[tuple[int, int]]:
    """When the venue counted a request, and the weight of it."""
    found: list[tuple[int, int]] = []
    charge = calls._charge

    def note(address: str, weight: int) -> int:
        found.append((monotonic_ns(), weight))
        used: int = charge(address, weight)
        return used

    monkeypatch.setattr(calls, "_charge", note)
    return found


async def test_two_providers_of_one_host_never_exceed_its_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with BinanceSim(rate=0) as sim:
        gateway = gateway_to(tmp_path, sim, sim)
        rests = [gateway.managers[name].rest() for name in ("first", "second")]
        asked = noted(monkeypatch, sim.calls)
        began = monotonic_ns()
        # Each alone could ask them all at once.
        await asyncio.gather(*(rest.snapshot(SYMBOL) for rest in rests for _ in range(14)))
        await gateway.stop()
    sent = 0
    for when_ns, weight in asked:
        sent += weight
        assert sent <= AT_ONCE + PER_S * (when_ns - began) / 1e9 + GRAIN, "a request may come late, never early"
    assert sent == 28 * WEIGHT
    assert all(gateway.managers[name].rate_limit.refusals == 0 for name in ("first", "second"))


async def test_providers_of_two_hosts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with BinanceSim(rate=0) as sim, BinanceSim(rate=0) as other:
        gateway = gateway_to(tmp_path, sim, other)
        rests = [gateway.managers[name].rest() for name in ("first", "second")]
        await asyncio.gather(*(rest.snapshot(SYMBOL) for rest in rests for _ in range(14)))
        assert [gateway.managers[name].rate_limit.waited for name in ("first", "second")] == [0, 0]
        await gateway.stop()


@pytest.mark.parametrize(("keys", "shared"), [(("one", "one"), True), (("one", "two"), False)])
async def test_alpaca_counts_each_key_whatever_the_feed(tmp_path: Path, keys: tuple[str, str], shared: bool) -> None:
    async with AlpacaSim(rate=400) as sim:
        gateway = gateway_to(tmp_path, sim, sim, venues=("alpaca", "alpaca_sip"), keys=keys)
        for name in ("first", "second"):
            manager = gateway.managers[name]
            trades = manager.settings.venue.channel("trades")
            await asyncio.gather(*(manager.rest().last_trade(trades, "AAPL") for _ in range(10)))
        used = [gateway.managers[name].rate_limit.quotas["requests"].used for name in ("first", "second")]
        assert used == ([20, 20] if shared else [10, 10])
        await gateway.stop()
