"""The simulated Alpaca venue as a whole: stocks, crypto and the test stream, with historical calls. No trading.

The market and both faces are separate modules, and so is what all venues share (`venue`); this one puts them together.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tradewire.sim.alpaca_accounts import Accounts, Plan
from tradewire.sim.alpaca_feed import CHANNELS, AlpacaFeed
from tradewire.sim.alpaca_rest import AlpacaRestFace, refusal_body
from tradewire.sim.alpaca_streams import AlpacaFace, AlpacaLimits
from tradewire.sim.chaos import Chaos
from tradewire.sim.instruments import ALPACA_SYMBOLS, alpaca_instrument
from tradewire.sim.market import DEFAULT_RATE
from tradewire.sim.venue import Venue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.sim.faults import Refusal

__all__ = ["AlpacaSim"]


class AlpacaSim(Venue):
    """Alpaca market data on loopback: `async with AlpacaSim() as sim: sim.rest_url, sim.stream_url + "/v2/iex"`.

    Streams: `/v2/iex`, `/v2/sip`, `/v2/delayed_sip` (all stocks; the three carry the same), `/v2/test` (FAKEPACA),
    `/v1beta3/crypto/us` (pairs), and `/v1beta1/opra`, `/v1beta1/indicative` (options: handshake and errors only).

    Args:
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones.
        symbols: stocks, and with a slash crypto pairs; the first are the busiest.
        rate: trades and quotes a second, over all symbols. 0 is a market at rest.
        seed: one seed gives one sequence of orders, and one sequence of decisions of the faults.
        credentials: key -> secret; None takes any pair that is not empty.
        plan: `basic` (no `sip`, 30 symbols, 200 calls a minute) or `plus`.
        limits: the rules of stream connections.
        script: faults with times, see `tradewire.sim.script`.

    Attributes:
        feed: the market and its streams, for those who check what they received.
        streams: the WebSocket face; its `send_error` says any of the venue's errors.
        chaos: faults, to be started and stopped while the venue runs.
    """

    feed: AlpacaFeed
    streams: AlpacaFace

    def __init__(
        self,
        *,
        port: int = 0,
        symbols: tuple[str, ...] = ALPACA_SYMBOLS,
        rate: float = DEFAULT_RATE,
        seed: int = 1,
        credentials: Mapping[str, str] | None = None,
        plan: Plan = "plus",
        limits: AlpacaLimits | None = None,
        script: str = "",
    ) -> None:
        chaos = Chaos(seed=seed, channels=CHANNELS.values(), symbols=symbols)
        instruments = tuple(alpaca_instrument(symbol) for symbol in dict.fromkeys(symbols))
        self.feed = AlpacaFeed(instruments, seed=seed, now_ms=time.time_ns() // 1_000_000, chaos=chaos)
        chaos.streams = tuple(self.feed.topics())
        chaos.notices = self.feed.notices()
        super().__init__(port=port, rate=rate, chaos=chaos, script=script)
        accounts = Accounts(credentials, plan)
        self.streams = AlpacaFace(self.feed, accounts, limits or AlpacaLimits(), chaos=self.chaos)
        self.calls = AlpacaRestFace(self.feed, accounts, now_ms=self.now_ms, chaos=self.chaos)

    def refusal(self, refusal: Refusal) -> tuple[str, dict[str, str]]:
        """Part of `Venue`."""
        headers = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0"}
        if refusal.retry_after_s is not None:
            headers["X-RateLimit-Reset"] = str(self.now_ms() // 1_000 + refusal.retry_after_s)
        return refusal_body(refusal), headers if refusal.status == 429 else {}
