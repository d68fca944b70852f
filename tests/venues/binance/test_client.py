"""Market data by request from both simulated markets, as a user asks for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tradewire.core import wall_ns
from tradewire.core.record import BACKFILL
from tradewire.errors import QueryError, UnsupportedError, VenueRejectedError
from tradewire.sim import BinanceSim, BinanceSpotSim
from tradewire.venues.binance import BinanceMarketDataClient
from tradewire.venues.binance.limits import SPOT_COSTS, USDM_COSTS

MINUTE_NS = 60_000_000_000
COSTS = {"binance": USDM_COSTS, "binance_spot": SPOT_COSTS}
_SIMS: dict[str, Any] = {"binance": BinanceSim, "binance_spot": BinanceSpotSim}


@pytest.fixture(params=_SIMS)
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with _SIMS[request.param](symbols=("BTCUSDT", "ETHUSDT"), rate=0, seed=5) as venue:
        venue.name = request.param
        venue.feed.advance(time.time_ns() // 1_000_000, 4_000)
        yield venue


@pytest.fixture
async def client(sim: Any) -> AsyncIterator[BinanceMarketDataClient]:
    async with BinanceMarketDataClient(sim.name, rest_url=sim.rest_url) as made:
        yield made


def used(client: BinanceMarketDataClient) -> int:
    return client.limits.statistics(client.venue).quotas["weight"].used


async def test_the_book(sim: Any, client: BinanceMarketDataClient) -> None:
    book = await client.book("btc/usdt", 20)
    assert (book.symbol, book.venue, len(book.bids), len(book.asks)) == ("BTCUSDT", sim.name, 20, 20)
    assert book.bids[0][0] < book.asks[0][0]
    assert used(client) == COSTS[sim.name]["depth"].of(20)


async def test_trades_of_both_kinds_are_marked(sim: Any, client: BinanceMarketDataClient) -> None:
    trades = await client.trades("BTCUSDT", 50)
    aggregates = await client.agg_trades("BTCUSDT", limit=50)
    for found in (trades, aggregates):
        assert len(found) == 50
        assert [trade.seq for trade in found] == list(range(found[0].seq, found[0].seq + 50))
        assert all(trade.flags & BACKFILL and trade.symbol == "BTCUSDT" and trade.price > 0 for trade in found)
    later = await client.agg_trades("BTCUSDT", from_id=aggregates[10].seq, limit=5)
    assert [trade.trade_id for trade in later] == [trade.trade_id for trade in aggregates[10:15]]


async def test_all_trades_of_a_time_come_page_by_page(sim: Any, client: BinanceMarketDataClient) -> None:
    for _ in range(3):
        sim.feed.advance(time.time_ns() // 1_000_000, 4_000)
    kept = list(sim.feed.market.pits["BTCUSDT"].history.agg_trades)
    assert len(kept) > 1_000
    first_ns, last_ns = kept[0].time_ms * 1_000_000, kept[-1].time_ms * 1_000_000
    begin_ns = first_ns - 3 * 60 * MINUTE_NS
    found = [trade.seq async for trade in client.agg_trades_between("BTCUSDT", begin_ns, last_ns)]
    history = sim.feed.market.pits["BTCUSDT"].history
    assert found == [trade.agg_id for trade in history.agg_trades if trade.time_ms * 1_000_000 <= last_ns]
    # Three hours without a trade were asked for one by one.
    assert client.limits.statistics(sim.name).granted >= 4 + len(kept) // 1_000
    assert not [trade async for trade in client.agg_trades_between("BTCUSDT", begin_ns, begin_ns)]
    with pytest.raises(ValueError, match="start_ns must not be behind end_ns"):
        await anext(client.agg_trades_between("BTCUSDT", 2, 1))


async def test_bars(sim: Any, client: BinanceMarketDataClient) -> None:
    before_ns = wall_ns()
    bars = await client.bars("BTCUSDT", "1m", limit=10)
    last = bars[-1]
    assert (last.symbol, last.venue, last.interval) == ("BTCUSDT", sim.name, "1m")
    assert last.start_ns % MINUTE_NS == 0
    assert last.low <= min(last.open, last.close) <= max(last.open, last.close) <= last.high
    assert all(bar.closed == (bar.start_ns + MINUTE_NS < bar.recv_ns) for bar in bars)
    assert last.start_ns + 2 * MINUTE_NS > before_ns
    assert used(client) == COSTS[sim.name]["klines"].of(10)
    with pytest.raises(UnsupportedError, match=r"interval of binance.* must be one of .*1m.*, was '7m'"):
        await client.bars("BTCUSDT", "7m")


async def test_all_bars_of_a_time_come_page_by_page(
    sim: Any, client: BinanceMarketDataClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms = sim.feed.market.pits["BTCUSDT"].history._minutes[0].start_ms
    for minute in range(1, 8):
        sim.feed.advance(start_ms + minute * 60_000, 50)
    monkeypatch.setattr("tradewire.venues.binance.client._PAGE", 3)
    start_ns = start_ms * 1_000_000
    starts = [bar.start_ns async for bar in client.bars_between("BTCUSDT", "1m", start_ns, start_ns + 7 * MINUTE_NS)]
    assert starts == [start_ns + minute * MINUTE_NS for minute in range(8)]
    inner = client.bars_between("BTCUSDT", "1m", start_ns + 1, start_ns + 2 * MINUTE_NS)
    assert [bar.start_ns async for bar in inner] == [start_ns + MINUTE_NS, start_ns + 2 * MINUTE_NS]


async def test_quotes_tickers_and_prices(sim: Any, client: BinanceMarketDataClient) -> None:
    quote, ticker = await client.quote("ETHUSDT"), await client.ticker("ETHUSDT")
    assert quote.symbol == ticker.symbol == "ETHUSDT"
    assert 0 < quote.bid_price < quote.ask_price
    assert ticker.low <= ticker.last_price <= ticker.high
    assert ticker.trades > 0
    assert await client.last_price("ETHUSDT") == ticker.last_price
    spent = used(client)
    assert {each.symbol for each in await client.quotes()} == {"BTCUSDT", "ETHUSDT"}
    assert {each.symbol for each in await client.tickers()} == {"BTCUSDT", "ETHUSDT"}
    assert (await client.last_prices())["ETHUSDT"] == ticker.last_price
    calls = ("ticker/bookTicker", "ticker/24hr", "ticker/price")
    assert used(client) - spent == sum(COSTS[sim.name][call].every for call in calls)


async def test_instruments_and_time(sim: Any, client: BinanceMarketDataClient) -> None:
    listed = {each.name: each for each in await client.instruments()}
    bitcoin = listed["BTCUSDT"]
    assert (bitcoin.venue, bitcoin.base, bitcoin.quote) == (sim.name, "BTC", "USDT")
    assert bitcoin.price_step > 0
    assert bitcoin.quantity_step == bitcoin.min_quantity > 0
    assert bitcoin.min_notional > 0
    assert bitcoin.status.value == "trading"
    assert abs(await client.server_time_ns() - wall_ns()) < MINUTE_NS


async def test_what_the_venue_refuses_says_why(client: BinanceMarketDataClient) -> None:
    with pytest.raises(VenueRejectedError, match=r"code -1121: Invalid symbol") as caught:
        await client.book("NOPE")
    assert (caught.value.status, caught.value.code, caught.value.message) == (400, -1121, "Invalid symbol.")
    with pytest.raises(VenueRejectedError) as caught:
        await client.trades("BTCUSDT", 5_000)
    assert caught.value.code == -1130


@pytest.mark.parametrize(("status", "told"), [(429, 7), (418, 7), (503, None), (500, None)])
async def test_what_may_be_asked_again(
    sim: Any, client: BinanceMarketDataClient, status: int, told: int | None
) -> None:
    sim.chaos.refuse_rest(status, retry_after_s=told)
    with pytest.raises(QueryError, match=f"no quote of BTCUSDT: HTTP {status}") as caught:
        await client.quote("BTCUSDT")
    assert caught.value.status == status
    assert (caught.value.retry_after_s is None) == (told is None)
    assert told is None or 0 < caught.value.retry_after_s <= 121


async def test_one_session_serves_all_calls(sim: Any, client: BinanceMarketDataClient) -> None:
    for _ in range(3):
        await client.quote("BTCUSDT")
    assert client._http._session is not None
    connector: Any = client._http._session.connector
    assert sum(map(len, connector._conns.values())) == 1


async def test_figures_of_perpetuals() -> None:
    async with (
        BinanceSim(symbols=("BTCUSDT", "ETHUSDT"), rate=0) as sim,
        BinanceMarketDataClient(rest_url=sim.rest_url) as client,
    ):
        mark = await client.mark_price("BTCUSDT")
        assert (mark.symbol, mark.mark_price > 0, mark.next_funding_ns > wall_ns()) == ("BTCUSDT", True, True)
        assert {each.symbol for each in await client.mark_prices()} == {"BTCUSDT", "ETHUSDT"}
        interest = await client.open_interest("BTCUSDT")
        assert (interest.name, interest.quantity > 0) == ("BTCUSDT", True)
        rates = await client.funding_rates("BTCUSDT", limit=3)
        assert len(rates) == 3
        assert [rate.time_ns for rate in rates] == sorted(rate.time_ns for rate in rates)
        assert client.limits.statistics("binance").quotas["funding"].used == 1
    async with BinanceMarketDataClient("binance_spot") as spot:
        for call in (spot.mark_price("BTCUSDT"), spot.open_interest("BTCUSDT"), spot.funding_rates("BTCUSDT")):
            with pytest.raises(UnsupportedError, match=r"binance_spot has no .*; binance has"):
                await call


def test_arguments_are_checked() -> None:
    with pytest.raises(UnsupportedError, match="venue must be one of binance, binance_spot, was 'kraken'"):
        BinanceMarketDataClient("kraken")  # type: ignore[arg-type] # reason: what is tested
    with pytest.raises(ValueError, match="rest_url must be http"):
        BinanceMarketDataClient(rest_url="ftp://venue")
