"""The simulated Binance USD-M venue as a whole: market, HTTP face and WebSocket face. Spot: `binance_spot`.

The market and both faces are separate modules, and so is what all venues share (`venue`); this one puts them together.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tradewire.sim.binance_calls import refusal_body
from tradewire.sim.binance_feed import Feed
from tradewire.sim.binance_rest import RestFace
from tradewire.sim.binance_streams import StreamFace, StreamLimits
from tradewire.sim.binance_topics import CHANNELS
from tradewire.sim.chaos import Chaos
from tradewire.sim.instruments import DEFAULT_SYMBOLS, instrument
from tradewire.sim.market import DEFAULT_RATE
from tradewire.sim.venue import Venue

if TYPE_CHECKING:
    from tradewire.sim.faults import Refusal

__all__ = ["BinanceSim"]


class BinanceSim(Venue):
    """USD-M on loopback: `async with BinanceSim(rate=1000) as sim: sim.rest_url, sim.stream_url`.

    It speaks the protocol sheet's dialect; stream routes are `stream_url + "/public"`, `"/market"` and `"/private"`.

    Args:
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones.
        symbols: upper-case names quoted in USDT or USDC; the first are the busiest.
        rate: trades and best-price changes a second, over all symbols (what clients get if they take `@trade` and
            `@bookTicker` of all; the other streams come on top, at their own speeds). 0 is a market at rest.
        seed: one seed gives one sequence of orders, and one sequence of decisions of the faults.
        limits: the rules of stream connections.
        weight_limit: REST request weight a minute.
        script: faults with times, see `tradewire.sim.script`.

    Attributes:
        feed: the market and its streams, for those who check what they received.
        streams: the WebSocket face.
        chaos: faults, to be started and stopped while the venue runs.
    """

    feed: Feed
    streams: StreamFace

    def __init__(
        self,
        *,
        port: int = 0,
        symbols: tuple[str, ...] = DEFAULT_SYMBOLS,
        rate: float = DEFAULT_RATE,
        seed: int = 1,
        limits: StreamLimits | None = None,
        weight_limit: int = 2_400,
        script: str = "",
    ) -> None:
        chaos = Chaos(seed=seed, channels=CHANNELS, symbols=symbols)
        instruments = tuple(instrument(symbol) for symbol in dict.fromkeys(symbols))
        self.feed = Feed(instruments, seed=seed, now_ms=time.time_ns() // 1_000_000, chaos=chaos)
        chaos.streams = tuple(self.feed.topics.values())
        super().__init__(port=port, rate=rate, chaos=chaos, script=script)
        self.streams = StreamFace(self.feed.topics, limits or StreamLimits(), chaos=self.chaos)
        self.calls = RestFace(self.feed, weight_limit=weight_limit, now_ms=self.now_ms, chaos=self.chaos)

    def refusal(self, refusal: Refusal) -> tuple[str, dict[str, str]]:
        """Part of `Venue`."""
        return refusal_body(refusal, self.now_ms()), {}
