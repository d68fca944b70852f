"""Binance's hosts and routes (venue sheet sections 1, 2.1, 16). Messages and limits are in `stream.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["HOSTS", "SPOT_URLS", "TEST_HOSTS", "USDM_URLS", "Urls", "route_of"]


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of one of Binance's markets.

    Attributes:
        stream: base of market streams.
        rest: base of the REST API.
        routed: whether streams live under `/public` and `/market` (USD-M since 2026-04-23).
        rest_path: in front of the market data calls.
        price_path: of the newest version of the price call.
    """

    stream: str
    rest: str
    routed: bool
    rest_path: str
    price_path: str


USDM_URLS = Urls(
    "wss://fstream.binance.com",
    "https://fapi.binance.com",
    routed=True,
    rest_path="/fapi/v1",
    price_path="/fapi/v2/ticker/price",
)
SPOT_URLS = Urls(
    "wss://stream.binance.com:9443",
    "https://api.binance.com",
    routed=False,
    rest_path="/api/v3",
    price_path="/api/v3/ticker/price",
)

#: What a configuration may name in place of the addresses above; by venue.
HOSTS: Mapping[str, frozenset[str]] = {
    "binance": frozenset({"fapi.binance.com", "fstream.binance.com"}),
    "binance_spot": frozenset(
        {
            "api.binance.com",
            *(f"api{number}.binance.com" for number in range(1, 5)),
            "api-gcp.binance.com",
            "data-api.binance.vision",
            "data-stream.binance.vision",
            "stream.binance.com",
        }
    ),
}
#: The same of testnet and demo, whose prices are not those of the market.
TEST_HOSTS: Mapping[str, frozenset[str]] = {
    "binance": frozenset(
        {
            "demo-fapi.binance.com",
            "demo-fstream.binance.com",
            "fstream.binancefuture.com",
            "testnet.binancefuture.com",
        }
    ),
    "binance_spot": frozenset(
        {
            "demo-api.binance.com",
            "demo-stream.binance.com",
            "stream.testnet.binance.vision",
            "testnet.binance.vision",
        }
    ),
}

#: Channel parts of the streams that `/public` serves; `/market` serves the rest. Asking on the wrong route is silent:
#: acknowledged, and nothing arrives (venue sheet section 2.1).
_PUBLIC = ("bookTicker", "depth", "rpiDepth", "trade")


def route_of(stream: str) -> str:
    """`public` or `market`, by stream name.

    Args:
        stream: `btcusdt@depth@100ms`, `!bookTicker`, ...
    """
    channel = stream[1:] if stream.startswith("!") else stream.partition("@")[2]
    channel = channel.partition("@")[0].rstrip("0123456789")
    return "public" if channel in _PUBLIC else "market"
