"""Binance's limits are those of its sheet, and every call of the client fits into them."""

from __future__ import annotations

import pytest

from tradewire.transport.policy.limiter import Limiter
from tradewire.venues.binance.limits import SPOT_LIMITS, USDM_LIMITS, ban_ends_ms
from tradewire.venues.binance.stream import SPOT, USDM, BinanceMarketData


def test_the_numbers_of_the_sheet() -> None:
    usdm = {quota.name: (quota.limit, quota.per_s) for quota in USDM_LIMITS.quotas}
    assert usdm == {"weight": (2400, 60), "orders_10s": (300, 10), "orders_1m": (1200, 60)}
    spot = {quota.name: (quota.limit, quota.per_s) for quota in SPOT_LIMITS.quotas}
    assert spot == {"weight": (6000, 60), "orders_10s": (50, 10)}


@pytest.mark.parametrize("market", [USDM, SPOT], ids=lambda market: market.name)
def test_every_call_can_pass(market: BinanceMarketData) -> None:
    limiter = Limiter(market.rate_limits.quotas)
    for weight in market.weights.values():
        limiter.check((("weight", weight),), reserve=False)


def test_the_end_of_a_ban() -> None:
    text = b'{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1700000000123. Please use ..."}'
    assert ban_ends_ms(text) == 1_700_000_000_123
    assert ban_ends_ms(b'{"code":-1003,"msg":"Too many requests"}') is None
