"""The gateway on the simulated Alpaca venue, in both codecs: stocks, test stream, crypto books, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import moving_market
from faulty_venues import is_live
from tradewire import ConfigLoader, Secret
from tradewire.core import Bar, Quote, Trade
from tradewire.core.record import BACKFILL
from tradewire.sim import AlpacaSim
from tradewire.sim.matching import BUY, SELL
from tradewire.streaming import (
    BackFilled,
    ConnectionChanged,
    ConnectionState,
    FeedAlert,
    FeedState,
    FeedStateChanged,
    StreamingGateway,
    SubscriptionRefused,
)
from tradewire.transport.auth import Credential

KEY = Credential(Secret("PK1"), Secret("hush"))
STOCKS, PAIRS = ("AAPL", "MSFT"), ("BTC/USD", "ETH/USD")
CODECS = ("json", "msgpack")
MINUTE_MS = 60_000


class Market(moving_market.Market):
    """With its gateways and its books."""

    def gateway(self, venue: str, **options: Any) -> StreamingGateway:
        options = {"credential": KEY, "random": Random(1), "url": self.sim.stream_url, **options}
        return StreamingGateway(venue=venue, rest_url=self.sim.rest_url, **options)

    async def book_is_the_venues(self, gateway: StreamingGateway, symbol: str) -> None:
        """At rest, once the last changes are published."""

        def sides(pit: Any) -> list[list[tuple[float, float]]]:
            item = pit.instrument
            return [
                [(round(price * item.tick, 9), round(lots * item.step, 9)) for price, lots in pit.book.top(side, 1000)]
                for side in (BUY, SELL)
            ]

        truth = sides(self.sim.feed.market.pits[symbol])
        async with asyncio.timeout(30):
            while True:
                self.move(0)
                book = gateway.book(symbol)
                if book is not None and [list(side) for side in book.levels(1000)] == truth:
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    symbols = (*STOCKS, "FAKEPACA", *PAIRS)
    async with AlpacaSim(symbols=symbols, rate=0, seed=11, credentials={"PK1": "hush"}) as sim:
        yield Market(sim)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("venue", "symbols"), [("alpaca", STOCKS), ("alpaca_sip", STOCKS), ("alpaca_test", ("FAKEPACA",))]
)
async def test_trades_quotes_and_bars_are_the_venues(
    market: Market, venue: str, symbols: tuple[str, ...], codec: str
) -> None:
    trades: dict[str, list[Trade]] = {symbol: [] for symbol in symbols}
    quotes: dict[str, Quote] = {}
    bars: list[Bar] = []
    async with market.gateway(venue, codec=codec) as gateway:
        gateway.subscribe_to_trades(symbols, lambda trade: trades[trade.symbol].append(trade))
        gateway.subscribe_to_quotes(symbols, lambda quote: quotes.update({quote.symbol: quote}))
        gateway.subscribe_to_bars(symbols, bars.append)
        await market.moving_until(lambda: all(trades.values()) and len(quotes) == len(symbols))
        market.ahead_ms += 2 * MINUTE_MS
        await market.moving_until(lambda: {bar.symbol for bar in bars} == set(symbols))
        for symbol in symbols:
            tape = market.sim.feed.tapes[symbol]
            item = market.sim.feed.market.pits[symbol].instrument
            told = {
                each.trade_id: (round(each.price * item.tick, 9), each.lots * item.step, each.ns)
                for each in tape.prints
            }
            seen = trades[symbol]
            ids = [trade.trade_id for trade in seen]
            assert ids == list(range(ids[0], ids[-1] + 1)), "every trade, in order"
            assert all(told[each.trade_id] == (each.price, each.quantity, each.event_ns) for each in seen)
            (bar,) = [bar for bar in bars if bar.symbol == symbol][:1]
            assert (bar.interval, bar.closed, bar.start_ns % (MINUTE_MS * 1_000_000)) == ("1m", True, 0)
            assert bar.low <= bar.open <= bar.high
            assert quotes[symbol].bid_price < quotes[symbol].ask_price
        assert is_live(gateway)
        (link,) = gateway.links
        assert len(link.subscribed) == 3 * len(symbols)
        assert gateway.counters["decode_errors"] == 0
        assert gateway.counters["subscriptions_refused"] == 0


@pytest.mark.parametrize("codec", CODECS)
async def test_books_begin_with_the_streams_snapshot_and_stay_the_venues(
    market: Market, codec: str, eventually: Any
) -> None:
    async with market.gateway("alpaca_crypto", symbols=PAIRS, channels=["book", "trades"], codec=codec) as gateway:
        for _ in range(3):
            await market.moving_until(lambda: is_live(gateway) and all(map(gateway.book, PAIRS)))
            market.move(500)
            for symbol in PAIRS:
                await market.book_is_the_venues(gateway, symbol)
            for session in tuple(market.sim.streams.sessions):
                session.abort()
            await eventually(lambda: not any(map(gateway.book, PAIRS)))
        await market.moving_until(lambda: is_live(gateway) and all(map(gateway.book, PAIRS)))
        assert gateway.counters["book_gaps"] == gateway.counters["book_restarts"] == 0
        assert gateway.counters["decode_errors"] == 0


async def test_a_book_taken_away_and_asked_for_at_once_comes_back(market: Market, eventually: Any) -> None:
    async with market.gateway("alpaca_crypto", symbols=PAIRS, channels=["trades"]) as gateway:
        first = gateway.subscribe_to_book(["BTCUSD"])
        await market.moving_until(lambda: gateway.book("BTC/USD"))
        first.close()
        await market.moving_until(lambda: not any("@orderbooks" in name for name in gateway.links[0].subscribed))
        gateway.subscribe_to_book(["BTC/USD"])
        await market.moving_until(lambda: gateway.book("BTC/USD"))
        await market.book_is_the_venues(gateway, "BTC/USD")


@pytest.mark.parametrize("codec", CODECS)
async def test_killed_sockets_come_back_with_exact_subscriptions(market: Market, codec: str, eventually: Any) -> None:
    async with market.gateway("alpaca", symbols=STOCKS, channels=["trades", "quotes"], codec=codec) as gateway:
        wanted = {f"{symbol}@{channel}" for symbol in STOCKS for channel in ("trades", "quotes")}
        for _ in range(3):
            await market.moving_until(lambda: is_live(gateway))
            (link,) = gateway.links
            assert link.subscribed == wanted
            (session,) = market.sim.streams.sessions
            session.abort()
            await eventually(lambda: not is_live(gateway))
        await market.moving_until(lambda: is_live(gateway))
        assert gateway.counters["reconnects"] == 3


async def test_wrong_keys_call_a_person_and_are_not_tried_again_soon(market: Market, eventually: Any) -> None:
    seen: list[Any] = []
    wrong = Credential(Secret("PK1"), Secret("wrong"))
    gateway = market.gateway("alpaca", symbols=STOCKS, channels=["trades"], credential=wrong)
    gateway.on_status(seen.append)
    async with gateway:
        await eventually(lambda: any(isinstance(event, FeedAlert) for event in seen))
        (alert,) = [event for event in seen if isinstance(event, FeedAlert)]
        assert "auth failed: check ALPACA_API_KEY and ALPACA_SECRET_KEY (code 402)" in alert.reason
        await eventually(lambda: gateway.links[0].state is ConnectionState.RECONNECTING)
        (lost,) = [event for event in seen if isinstance(event, ConnectionChanged) and event.retry_in_ns]
        assert lost.retry_in_ns > 90e9, "the longest distance at once"
        assert gateway.counters["alerts"] == 1
        assert "wrong" not in repr(seen)


async def test_a_second_connection_waits_until_the_first_is_gone(market: Market, eventually: Any) -> None:
    seen: list[Any] = []
    async with market.gateway("alpaca", symbols=STOCKS, channels=["trades"]) as first:
        await market.moving_until(lambda: is_live(first))
        second = market.gateway("alpaca", symbols=STOCKS, channels=["trades"])
        second.on_status(seen.append)
        async with second:
            refused = lambda: [event.code for event in seen if isinstance(event, SubscriptionRefused)]  # noqa: E731
            await eventually(lambda: refused() == [406])
            await first.stop()
            await market.moving_until(lambda: is_live(second))
            distances = [event.retry_in_ns for event in seen if getattr(event, "retry_in_ns", 0)]
            assert len(distances) >= 1
            assert second.counters["alerts"] == 0


async def test_too_many_symbols_are_refused_and_earlier_ones_stay(eventually: Any) -> None:
    symbols = tuple(f"A{number}" for number in range(31))
    async with AlpacaSim(symbols=symbols, rate=0, plan="basic") as sim:
        market = Market(sim)
        seen: list[Any] = []
        async with market.gateway("alpaca", symbols=symbols[:30], channels=["trades"]) as gateway:
            gateway.on_status(seen.append)
            await market.moving_until(lambda: gateway.counters["messages.trade"])
            gateway.subscribe_to_trades(symbols[30:])
            await eventually(lambda: any(isinstance(event, SubscriptionRefused) for event in seen))
            (refused,) = [event for event in seen if isinstance(event, SubscriptionRefused)]
            assert (refused.streams, refused.code) == (("A30@trades",), 405)
            assert len(gateway.links[0].subscribed) == 30
            before = gateway.counters["messages.trade"]
            await market.moving_until(lambda: gateway.counters["messages.trade"] > before)


async def test_refused_symbols_do_not_take_the_good_ones_along_when_the_connection_is_lost(eventually: Any) -> None:
    """Alpaca refuses a request as a whole: what is left of the plan is filled, and stays so."""
    symbols = tuple(f"A{number}" for number in range(40))
    async with AlpacaSim(symbols=symbols, rate=0, plan="basic") as sim:
        market = Market(sim)
        seen: list[Any] = []
        async with market.gateway("alpaca", symbols=symbols[:20], channels=["trades"]) as gateway:
            gateway.on_status(seen.append)
            await market.moving_until(lambda: is_live(gateway))
            gateway.subscribe_to_trades(symbols[20:])

            def served() -> bool:
                states = [feed.state for feed in gateway.feeds()]
                return states.count(FeedState.LIVE) == 30 and states.count(FeedState.DOWN) == 10

            await market.moving_until(served)
            (told,) = [event for event in seen if isinstance(event, SubscriptionRefused)]
            assert (len(told.streams), told.code) == (20, 405)
            good = [feed.symbol for feed in gateway.feeds() if feed.state is FeedState.LIVE]
            assert set(symbols[:20]) < set(good)
            await eventually(lambda: gateway.counters["alerts"])
            sim.chaos.disconnect()
            await eventually(lambda: gateway.counters["reconnects"])
            await market.moving_until(served)
            await eventually(lambda: gateway.links[0].acknowledged)
            assert served()
            assert good == [feed.symbol for feed in gateway.feeds() if feed.state is FeedState.LIVE]
            (alert,) = [event for event in seen if isinstance(event, FeedAlert)]
            assert alert.reason.startswith("10 feeds of connection stream (trades of ")


async def test_corrections_and_halts_are_counted_and_hurt_nobody(market: Market) -> None:
    async with market.gateway("alpaca", symbols=["AAPL"], channels=["trades"]) as gateway:
        await market.moving_until(lambda: is_live(gateway))
        notices = gateway.counters["messages.control"]
        for _ in range(20):
            market.move(1_000)
            market.ahead_ms += 2_000
            await asyncio.sleep(0)
        await market.moving_until(lambda: gateway.counters["messages.control"] > notices)
        assert gateway.counters["decode_errors"] == 0
        assert gateway.counters["subscriptions_refused"] == 0


async def test_a_silent_feed_is_judged_by_the_venues_newest_trade(market: Market, eventually: Any) -> None:
    options = {"symbols": ["AAPL"], "channels": ["trades"], "stale_after_s": {"trades": 0.3}}
    async with market.gateway("alpaca", **options) as gateway:
        await market.moving_until(lambda: is_live(gateway))
        await eventually(lambda: gateway.counters["evidence.quiet"])
        assert gateway.counters["evidence.unknown"] == gateway.counters["remedies.resubscribe"] == 0


async def test_a_configuration_streams(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY", "PK1")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hush")
    path = tmp_path / "streaming.yaml"
    path.write_text(
        f"""
streaming:
  symbols: ["AAPL", "MSFT"]
  providers:
    - name: "alpaca"
      websocket_url: "{market.sim.stream_url}/v2/iex"
      rest_url: "{market.sim.rest_url}"
      auth_method: "api_key"
      subscriptions: ["trades", "quotes"]
    - name: "alpaca_crypto"
      websocket_url: "{market.sim.stream_url}"
      rest_url: "{market.sim.rest_url}"
      symbols: ["BTC/USD"]
      subscriptions: ["trades", "book"]
      codec: "msgpack"
"""
    )
    seen: list[Trade] = []
    gateway = StreamingGateway(ConfigLoader(path, env_file=None).load(), random=Random(1))
    gateway.subscribe_to_trades(["AAPL", "BTC/USD"], seen.append)
    async with gateway:
        await market.moving_until(lambda: is_live(gateway) and gateway.book("BTC/USD"))
        await market.moving_until(lambda: {trade.venue for trade in seen} == {"alpaca", "alpaca_crypto"})
        assert gateway.counters["decode_errors"] == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("venue", "symbol"), [("alpaca", "AAPL"), ("alpaca_crypto", "BTC/USD")])
async def test_trades_of_a_broken_connection_are_fetched(
    market: Market, venue: str, symbol: str, codec: str, eventually: Any
) -> None:
    seen: list[Trade] = []
    statuses: list[Any] = []
    async with market.gateway(venue, codec=codec) as gateway:
        gateway.subscribe_to_trades([symbol], seen.append)
        gateway.on_status(statuses.append)
        intake = gateway.managers[venue]._intake
        looks: list[tuple[bool, bool]] = []

        def look(event: Any) -> None:
            if isinstance(event, FeedStateChanged) and (event.channel, event.state) == ("trades", FeedState.LIVE):
                looks.append((bool(intake.backfill.open_of), intake._asks()[0]))

        gateway.on_status(look)
        await market.moving_until(lambda: len(seen) > 20)
        for session in tuple(market.sim.streams.sessions):
            session.abort()
        await eventually(lambda: not is_live(gateway))
        market.move(1_000)
        await market.moving_until(lambda: any(isinstance(event, BackFilled) for event in statuses))
        ids = sorted(trade.trade_id for trade in seen)
        assert ids == list(range(ids[0], ids[-1] + 1)), "every trade, once"
        marked = [trade for trade in seen if trade.flags & BACKFILL]
        assert len(marked) == gateway.counters["backfilled"] > 5
        assert gateway.counters["backfill_errors"] == 0
        assert looks[-1] == (True, True), "what comes while they are fetched is compared with them"
        await market.moving_until(lambda: gateway.links[0].is_direct and not intake.backfill.observes)
        assert intake._asks()[0] is False, "nobody looks at every batch while all is well"
