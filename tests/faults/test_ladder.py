"""Silence on a living connection: found, told from a quiet market, and healed step by step up to a person."""

from __future__ import annotations

from typing import Any

import pytest

from faulty_venues import VENUES, Place, hurry, is_live, of_type, open_venue
from moving_market import Market
from tradewire import StreamingGateway
from tradewire.config import ConfigLoader
from tradewire.sim import AlpacaSim
from tradewire.streaming import (
    ConnectionChanged,
    FallbackChanged,
    FeedAlert,
    FeedState,
    FeedStateChanged,
    RemedyTaken,
    Rung,
    fallback,
)
from tradewire.streaming.evidence import Verdict
from waiting import until

STALE_S = 1.0


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(fallback, "_HOLD_NS", 200_000_000)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    ("healed_by", "rungs"),
    [("resubscribe", [Rung.RESUBSCRIBE]), ("reconnect", [Rung.RESUBSCRIBE, Rung.RECONNECT])],
)
async def test_a_mute_but_pinging_venue_is_found_and_healed(venue: str, healed_by: Any, rungs: list[Rung]) -> None:
    async with open_venue(venue) as place, place.gateway(stale_after_s={"quotes": STALE_S}) as gateway:
        symbol = place.symbols[0]
        seen: list[Any] = []
        await until(lambda: is_live(gateway))
        gateway.on_status(seen.append)
        mute = place.sim.chaos.mute("quotes", symbol, until=healed_by)
        await until(lambda: of_type(seen, RemedyTaken))
        assert mute.injected > 0
        (found,) = [event for event in of_type(seen, FeedStateChanged) if event.state is FeedState.STALE]
        assert (found.channel, found.symbol) == ("quotes", symbol)
        # Neither heals by itself, and what heals it is the rung that the venue asks for, not an earlier one.
        await until(lambda: gateway.state("quotes", symbol) is FeedState.LIVE)
        await until(lambda: is_live(gateway))
        assert [event.rung for event in of_type(seen, RemedyTaken)] == rungs
        reconnected = [event for event in of_type(seen, ConnectionChanged) if event.reason]
        assert bool(reconnected) is (healed_by == "reconnect")
        assert gateway.counters["evidence.mute"] == 1
        mute.stop()
        await until(lambda: place.is_exact(gateway) or healed_by == "resubscribe")


@pytest.mark.parametrize("venue", ["binance", "binance_spot"])
async def test_a_mute_book_is_built_anew_before_its_connection_is_given_up(venue: str) -> None:
    """A new snapshot is no sign of life of the stream: it goes on to the rung that heals it."""
    async with open_venue(venue) as place, place.gateway(stale_after_s={"book": STALE_S}) as gateway:
        symbol = place.symbols[0]
        seen: list[Any] = []
        await until(lambda: is_live(gateway) and gateway.book(symbol) is not None)
        gateway.on_status(seen.append)
        snapshots = gateway.counters["snapshots"]
        mute = place.sim.chaos.mute("book", symbol, until="reconnect")
        await until(lambda: Rung.RECONNECT in [event.rung for event in of_type(seen, RemedyTaken)])
        assert mute.injected > 0
        await until(lambda: is_live(gateway) and gateway.book(symbol) is not None)
        assert [event.rung for event in of_type(seen, RemedyTaken)] == [
            Rung.RESUBSCRIBE,
            Rung.RESNAPSHOT,
            Rung.RECONNECT,
        ]
        assert {(event.channel, event.symbol) for event in of_type(seen, RemedyTaken)} == {("book", symbol)}
        assert gateway.counters["snapshots"] > snapshots
        (reconnected,) = [event for event in of_type(seen, ConnectionChanged) if event.reason]
        assert reconnected.reason == f"book of {symbol} is silent while the venue is not"
        await until(lambda: place.is_exact(gateway))


@pytest.mark.parametrize("venue", VENUES)
async def test_one_fault_of_a_connection_costs_one_reconnect(venue: str) -> None:
    """The second feed has its first rung behind it when the first one's reconnect heals both."""
    async with open_venue(venue) as place, place.gateway(stale_after_s={"quotes": STALE_S}) as gateway:
        first, second = place.symbols
        seen: list[Any] = []
        await until(lambda: is_live(gateway))
        gateway.on_status(seen.append)
        place.sim.chaos.mute("quotes", first, until="reconnect")
        await until(lambda: gateway.state("quotes", first) is FeedState.STALE)
        place.sim.chaos.mute("quotes", second, until="reconnect")
        await until(lambda: {event.symbol for event in of_type(seen, RemedyTaken)} == {first, second})
        await until(lambda: Rung.RECONNECT in [event.rung for event in of_type(seen, RemedyTaken)])
        # Now the second one has as much time as it takes to be reconnected for itself.
        quiet = place.sim.chaos.mute("quotes", second)
        await until(lambda: gateway.counters["evidence.mute"] >= 3)
        quiet.stop()
        await until(lambda: is_live(gateway))
        assert gateway.counters["reconnects"] == 1


@pytest.mark.parametrize("venue", VENUES)
async def test_a_quiet_market_is_left_alone(venue: str) -> None:
    """Nothing happens at the venue: no remedy is taken, and the next look comes after twice the time."""
    async with (
        open_venue(venue, rate=0) as place,
        place.gateway(channels=["quotes"], stale_after_s={"quotes": 0.2}) as gateway,
    ):
        seen: list[Any] = []
        gateway.on_status(seen.append)
        await Market(place.sim).moving_until(lambda: is_live(gateway), 20)
        seen.clear()
        await until(lambda: all((feed.stale_after_ns or 0) >= 800_000_000 for feed in gateway.feeds()))
        assert gateway.counters["evidence.quiet"] >= 2 * len(place.symbols)
        assert gateway.counters["evidence.quiet"] == sum(gateway.counters.group("evidence.").values())
        assert of_type(seen, RemedyTaken, ConnectionChanged, FeedAlert) == []
        await Market(place.sim).moving_until(
            lambda: all(feed.stale_after_ns == 200_000_000 for feed in gateway.feeds()), 20
        )
        assert place.is_exact(gateway)


async def test_a_mistyped_symbol_costs_the_others_nothing() -> None:
    """Binance acknowledges any name; its REST side knows better. Both feeds of the symbol are one call."""
    async with (
        open_venue("binance") as place,
        place.gateway(
            symbols=["BTCUSDT", "BTCUSTD"], channels=["trades", "quotes"], stale_after_s={"trades": 1, "quotes": 1}
        ) as gateway,
    ):
        seen: list[Any] = []
        gateway.on_status(seen.append)
        await until(lambda: of_type(seen, FeedAlert))
        (alert,) = of_type(seen, FeedAlert)
        assert (alert.channel, alert.symbol) == ("", "BTCUSTD")
        assert "trades of BTCUSTD, quotes of BTCUSTD" in alert.reason
        assert "silent, and the venue says that it has no such symbol" in alert.reason
        assert {event.rung for event in of_type(seen, RemedyTaken)} == {Rung.RESUBSCRIBE, Rung.ALERT}
        assert gateway.counters["reconnects"] == 0
        assert gateway.state("trades", "BTCUSDT") is gateway.state("quotes", "BTCUSDT") is FeedState.LIVE


async def test_a_refused_stream_is_down_and_nobody_tries_to_heal_it() -> None:
    symbols = tuple(f"S{number}" for number in range(32))
    async with AlpacaSim(symbols=symbols, rate=600, seed=1, plan="basic") as sim:
        place = Place("alpaca", sim)
        async with place.gateway(
            symbols=symbols[:30], channels=["trades"], stale_after_s={"trades": STALE_S}
        ) as gateway:
            seen: list[Any] = []
            gateway.on_status(seen.append)
            await until(lambda: is_live(gateway))
            gateway.subscribe_to_trades(symbols[30:])
            await until(lambda: of_type(seen, FeedAlert))
            (alert,) = of_type(seen, FeedAlert)
            assert (alert.channel, alert.symbol) == ("trades", "")
            assert "trades of S30, trades of S31): refused with code 405: symbol limit exceeded" in alert.reason
            # Longer than it would take to be silent, and to climb up to the reconnect.
            looks = gateway.counters["messages"]
            await until(lambda: gateway.counters["messages"] > looks + 3_000)
            treated = {(event.channel, event.symbol) for event in of_type(seen, RemedyTaken)}
            assert not treated & {("trades", symbol) for symbol in symbols[30:]}
            assert [str(gateway.state("trades", symbol)) for symbol in symbols[30:]] == ["down", "down"]
            assert gateway.counters["reconnects"] == 0
            assert len(of_type(seen, FeedAlert)) == 1


async def test_without_a_fallback_a_person_is_called_at_once_and_none_is_claimed() -> None:
    async with open_venue("binance") as place, place.gateway(stale_after_s={"quotes": STALE_S}) as gateway:
        seen: list[Any] = []
        await until(lambda: is_live(gateway))
        gateway.on_status(seen.append)
        mute = place.sim.chaos.mute("quotes", place.symbols[0])
        await until(lambda: of_type(seen, FeedAlert))
        assert mute.injected > 0
        assert [event.rung for event in of_type(seen, RemedyTaken)] == [Rung.RESUBSCRIBE, Rung.RECONNECT, Rung.ALERT]
        assert of_type(seen, FallbackChanged) == []


async def test_the_whole_ladder_ends_at_the_fallback_and_a_person(tmp_path: Any) -> None:
    """Nothing heals it: every rung in order, the other venue's quotes arrive meanwhile, and go when it is back."""
    async with open_venue("binance") as mute_one, open_venue("binance_spot") as other:
        file = tmp_path / "streaming.yaml"
        file.write_text(
            f"""
streaming:
  symbols: [BTCUSDT]
  providers:
    - name: binance
      websocket_url: {mute_one.sim.stream_url}
      rest_url: {mute_one.sim.rest_url}
      subscriptions: [quotes]
      stale_after: {{quotes: {STALE_S}}}
      fallback: binance_spot
    - name: binance_spot
      websocket_url: {other.sim.stream_url}
      rest_url: {other.sim.rest_url}
      subscriptions: [quotes]
      standby: true
"""
        )
        config = ConfigLoader(file, env={}, env_file=None).load()
        got: list[str] = []
        seen: list[Any] = []
        gateway = StreamingGateway(config)
        gateway.subscribe_to_quotes(["BTCUSDT"], lambda quote: got.append(quote.venue))
        gateway.on_status(seen.append)
        async with gateway:
            await until(lambda: gateway.state("quotes", "BTCUSDT", "binance") is FeedState.LIVE)
            assert set(got) <= {"binance"}
            mute = mute_one.sim.chaos.mute("quotes")
            await until(lambda: of_type(seen, FeedAlert))
            assert [event.rung for event in of_type(seen, RemedyTaken)] == [
                Rung.RESUBSCRIBE,
                Rung.RECONNECT,
                Rung.FALLBACK,
                Rung.ALERT,
            ]
            (begun,) = of_type(seen, FallbackChanged)
            assert (begun.provider, begun.fallback, begun.active) == ("binance", "binance_spot", True)
            assert gateway.counters["alerts"] == 1
            await until(lambda: "binance_spot" in got)
            mute.stop()
            await until(lambda: gateway.state("quotes", "BTCUSDT", "binance") is FeedState.LIVE)
            await until(lambda: len(of_type(seen, FallbackChanged)) == 2)
            assert not of_type(seen, FallbackChanged)[1].active
            assert Verdict.MUTE in {key for key, n in gateway.counters.group("evidence.").items() if n}
