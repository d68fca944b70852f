"""Binance's limits are those of its sheet, and every call of the client fits into them."""

from __future__ import annotations

import pytest

from tradewire.transport.policy.limiter import Limiter
from tradewire.venues.binance.limits import SPOT_COSTS, SPOT_LIMITS, USDM_COSTS, USDM_LIMITS, ban_ends_ms
from tradewire.venues.binance.stream import SPOT, USDM, BinanceMarketData


def test_the_numbers_of_the_sheet() -> None:
    usdm = {quota.name: (quota.limit, quota.per_s) for quota in USDM_LIMITS.quotas}
    assert usdm == {"weight": (2400, 60), "orders_10s": (300, 10), "orders_1m": (1200, 60), "funding": (500, 300)}
    spot = {quota.name: (quota.limit, quota.per_s) for quota in SPOT_LIMITS.quotas}
    assert spot == {"weight": (6000, 60), "orders_10s": (50, 10)}


@pytest.mark.parametrize("market", [USDM, SPOT], ids=lambda market: market.name)
def test_every_call_can_pass(market: BinanceMarketData) -> None:
    limiter = Limiter(market.rate_limits.quotas)
    for cost in market.costs.values():
        for limit in (None, 1, 10_000):
            for every in (False, True):
                limiter.check(((cost.quota, cost.of(limit, every=every)),), reserve=False)


@pytest.mark.parametrize(
    ("call", "limit", "usdm", "spot"),
    [
        ("depth", 5, 2, 5),
        ("depth", 100, 5, 5),
        ("depth", 500, 10, 25),
        ("depth", 1000, 20, 50),
        ("depth", 5000, 20, 250),
        ("klines", 99, 1, 2),
        ("klines", 100, 2, 2),
        ("klines", 500, 5, 2),
        ("klines", 1000, 5, 2),
        ("klines", 1500, 10, 2),
        ("trades", 1000, 5, 25),
        ("aggTrades", 1000, 20, 4),
        ("time", None, 1, 1),
    ],
)
def test_the_weight_of_a_call_goes_by_its_rows(call: str, limit: int | None, usdm: int, spot: int) -> None:
    assert (USDM_COSTS[call].of(limit), SPOT_COSTS[call].of(limit)) == (usdm, spot)


@pytest.mark.parametrize(
    ("call", "usdm", "spot"),
    [
        ("ticker/24hr", (1, 40), (2, 80)),
        ("ticker/price", (1, 2), (2, 4)),
        ("ticker/bookTicker", (2, 5), (2, 4)),
        ("exchangeInfo", (1, 1), (20, 20)),
    ],
)
def test_all_symbols_at_once_cost_more(call: str, usdm: tuple[int, int], spot: tuple[int, int]) -> None:
    for cost, expected in ((USDM_COSTS[call], usdm), (SPOT_COSTS[call], spot)):
        assert (cost.of(), cost.of(every=True)) == expected


def test_the_end_of_a_ban() -> None:
    text = b'{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1700000000123. Please use ..."}'
    assert ban_ends_ms(text) == 1_700_000_000_123
    assert ban_ends_ms(b'{"code":-1003,"msg":"Too many requests"}') is None
