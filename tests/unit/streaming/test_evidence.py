"""Mute or quiet: what counts as evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.core.record import Kind
from tradewire.errors import QueryError, UnsupportedError, VenueRejectedError
from tradewire.streaming.evidence import Verdict, judge
from tradewire.streaming.health import Feed, FeedHealth, FeedState
from tradewire.venues.base import Channel, LastTrade

SECOND = 1_000_000_000
TRADES = Channel("trades", Kind.TRADE, 60 * SECOND)
QUOTES = Channel("quotes", Kind.QUOTE, 10 * SECOND)
MARK = Channel("mark_price", Kind.MARK_PRICE, 10 * SECOND, periodic=True)
LIQUIDATIONS = Channel("liquidations", Kind.LIQUIDATION, None)


def feed(channel: Channel, last_s: int = 100) -> Feed:
    return Feed(channel, "BTCUSDT", 0, channel.stale_after_ns, last_s * SECOND, last_s * SECOND)


class Rest:
    def __init__(self, answer: LastTrade | Exception | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def last_trade(self, channel: Channel, symbol: str) -> LastTrade | None:
        self.asked.append(f"{channel.name} {symbol}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def verdict(silent: Feed, answer: Any = None, siblings: tuple[Feed, ...] = (), offset_ns: int = 0) -> Verdict:
    rest = Rest(answer)
    return await judge(silent, siblings, TRADES, lambda: rest, offset_ns)  # type: ignore[arg-type, return-value]


async def test_a_periodic_channel_is_never_quiet() -> None:
    rest = Rest(None)
    assert await judge(feed(MARK), (), TRADES, lambda: rest) is Verdict.MUTE  # type: ignore[arg-type, return-value]
    assert rest.asked == []


async def test_trades_that_arrive_prove_silent_quotes_mute() -> None:
    assert await verdict(feed(QUOTES), None, (feed(TRADES, 103),)) is Verdict.MUTE
    assert await verdict(feed(QUOTES), None, (feed(TRADES, 101),)) is Verdict.QUIET


@pytest.mark.parametrize("channel", [TRADES, QUOTES])
async def test_the_venues_newest_trade_decides(channel: Channel) -> None:
    assert await verdict(feed(channel), LastTrade(7, 103 * SECOND)) is Verdict.MUTE
    assert await verdict(feed(channel), LastTrade(7, 101 * SECOND)) is Verdict.QUIET
    assert await verdict(feed(channel), None) is Verdict.QUIET


@pytest.mark.parametrize("limit_s", [0.2, 1, 2, 3, 10])
async def test_a_mute_feed_is_found_within_its_limit_however_short(limit_s: float) -> None:
    health = FeedHealth("binance", lambda _: None)
    quotes = health.add(QUOTES, "BTCUSDT", 0, 100 * SECOND, 100 * SECOND, int(limit_s * SECOND))
    # Trades go on, and the newest is a quarter of the limit old when the silence is too long.
    newest_ns = int((100 + 0.75 * limit_s) * SECOND)
    health.tick(int((100 + 1.01 * limit_s) * SECOND), 0)
    assert quotes.state is FeedState.STALE
    trades = feed(TRADES)
    trades.last_ns = newest_ns
    assert await verdict(quotes, None, (trades,)) is Verdict.MUTE
    assert await verdict(quotes, LastTrade(7, newest_ns)) is Verdict.MUTE
    # One that changed prices just before they fell silent.
    trades.last_ns = int((100 + min(0.4 * limit_s, 2)) * SECOND)
    assert await verdict(quotes, None, (trades,)) is Verdict.QUIET
    assert await verdict(quotes, LastTrade(7, trades.last_ns)) is Verdict.QUIET


async def test_another_clock_is_taken_into_account() -> None:
    assert await verdict(feed(TRADES), LastTrade(7, 160 * SECOND), offset_ns=60 * SECOND) is Verdict.QUIET
    assert await verdict(feed(TRADES), LastTrade(7, 43 * SECOND), offset_ns=-60 * SECOND) is Verdict.MUTE


@pytest.mark.parametrize("answer", [QueryError("no answer"), UnsupportedError("no such call")])
async def test_a_failed_query_is_no_evidence_of_quiet(answer: Exception) -> None:
    assert await verdict(feed(TRADES), answer) is Verdict.UNKNOWN


async def test_a_symbol_that_the_venue_does_not_have() -> None:
    assert await verdict(feed(TRADES), VenueRejectedError("binance", 400, -1121, "Invalid symbol.")) is Verdict.REFUSED


async def test_where_trades_say_nothing_nobody_is_asked() -> None:
    assert await verdict(feed(LIQUIDATIONS), LastTrade(7, 103 * SECOND)) is Verdict.UNKNOWN
    assert await judge(feed(TRADES), (), None, lambda: Rest(None)) is Verdict.UNKNOWN  # type: ignore[arg-type, return-value]
