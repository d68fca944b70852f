"""Alpaca's market data hosts and paths (venue sheet sections 1 and 3.9). Messages and limits are in `stream.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["CRYPTO_URLS", "HOSTS", "IEX_URLS", "SIP_URLS", "TEST_HOSTS", "TEST_URLS", "Urls"]

_STREAM = "wss://stream.data.alpaca.markets"
_REST = "https://data.alpaca.markets"
_VENUES = ("alpaca", "alpaca_crypto", "alpaca_sip", "alpaca_test")

#: What a configuration may name in place of the addresses above; by venue.
HOSTS: Mapping[str, frozenset[str]] = dict.fromkeys(
    _VENUES, frozenset({"stream.data.alpaca.markets", "data.alpaca.markets"})
)
#: The same of the sandbox.
TEST_HOSTS: Mapping[str, frozenset[str]] = dict.fromkeys(
    _VENUES, frozenset({"stream.data.sandbox.alpaca.markets", "data.sandbox.alpaca.markets"})
)


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of one feed.

    Attributes:
        path: of its stream.
        trades: REST path of trades between two times; empty: there is none.
        latest_trades: REST path of the newest trades.
        feed: name of the feed where one REST path serves several.
    """

    path: str
    trades: str = ""
    latest_trades: str = ""
    feed: str = ""

    def stream(self, base: str | None = None) -> str:
        """The stream's address; `base` is another host, or a whole address with its path."""
        base = (base or _STREAM).rstrip("/")
        return base if urlsplit(base).path else base + self.path

    def rest(self, base: str | None = None) -> str:
        """The REST host; `base` is another one."""
        return (base or _REST).rstrip("/")


IEX_URLS = Urls("/v2/iex", "/v2/stocks/trades", "/v2/stocks/trades/latest", "iex")
SIP_URLS = Urls("/v2/sip", "/v2/stocks/trades", "/v2/stocks/trades/latest", "sip")
TEST_URLS = Urls("/v2/test")
CRYPTO_URLS = Urls("/v1beta3/crypto/us", "/v1beta3/crypto/us/trades", "/v1beta3/crypto/us/latest/trades")
