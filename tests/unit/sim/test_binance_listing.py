"""exchangeInfo: the fields of the recorded sample and rules that the market itself obeys."""

from __future__ import annotations

from decimal import Decimal

from tradewire.sim.binance_listing import exchange_info
from tradewire.sim.instruments import instrument


def test_rules_fit_the_instruments() -> None:
    items = [instrument(symbol) for symbol in ("BTCUSDT", "币安人生USDT", "DOGEUSDC")]
    info = exchange_info(items, 5, 2_400)
    assert info["rateLimits"][0] == {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 2_400,
    }
    assert [entry["asset"] for entry in info["assets"]] == ["USDT", "USDC"]
    for entry, item in zip(info["symbols"], items, strict=True):
        rules = {rule["filterType"]: rule for rule in entry["filters"]}
        price = rules["PRICE_FILTER"]
        assert entry["symbol"] == item.symbol == entry["baseAsset"] + entry["quoteAsset"]
        assert Decimal(price["tickSize"]) == Decimal(str(item.tick))
        start = Decimal(item.price_text[item.start_price])
        assert Decimal(price["minPrice"]) < start < Decimal(price["maxPrice"])
        assert (start - Decimal(price["minPrice"])) % Decimal(price["tickSize"]) == 0
        assert Decimal(rules["LOT_SIZE"]["stepSize"]) == Decimal(str(item.step))


def test_key_order_inside_filters_varies() -> None:
    first, second = exchange_info([instrument("BTCUSDT"), instrument("ETHUSDT")], 5, 2_400)["symbols"]
    assert list(first["filters"][0]) == list(reversed(second["filters"][0]))
