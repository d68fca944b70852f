"""The simulated Binance Spot venue as a whole: market, HTTP face and WebSocket face. USD-M: `binance`.

The market and both faces are separate modules, and so is what all venues share (`venue`); this one puts them together.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tradewire.sim import binance_spot_messages as messages
from tradewire.sim.binance_calls import refusal_body
from tradewire.sim.binance_spot_feed import SpotFeed
from tradewire.sim.binance_spot_rest import SpotRestFace
from tradewire.sim.binance_streams import StreamFace, StreamLimits
from tradewire.sim.binance_topics import CHANNELS
from tradewire.sim.chaos import Chaos
from tradewire.sim.instruments import DEFAULT_SYMBOLS, spot_instrument
from tradewire.sim.market import DEFAULT_RATE
from tradewire.sim.venue import Venue

if TYPE_CHECKING:
    from tradewire.sim.faults import Refusal

__all__ = ["SPOT_LIMITS", "BinanceSpotSim"]

#: Of the protocol sheet, section 16. How many messages may come at once was measured on USD-M only.
SPOT_LIMITS = StreamLimits(ping_interval_s=20.0, pong_timeout_s=60.0, messages_per_s=5.0, burst=10)


class BinanceSpotSim(Venue):
    """Spot on loopback: `async with BinanceSpotSim() as sim: sim.rest_url, sim.stream_url + "/ws"` or `"/stream"`.

    Args:
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones.
        symbols: upper-case names quoted in USDT or USDC; the first are the busiest.
        rate: trades and best-price changes a second, over all symbols. 0 is a market at rest.
        seed: one seed gives one sequence of orders, and one sequence of decisions of the faults.
        limits: the rules of stream connections.
        weight_limit: REST request weight a minute.
        script: faults with times, see `tradewire.sim.script`.

    Attributes:
        feed: the market and its streams, for those who check what they received.
        streams: the WebSocket face.
        chaos: faults, to be started and stopped while the venue runs.
    """

    feed: SpotFeed
    streams: StreamFace

    def __init__(
        self,
        *,
        port: int = 0,
        symbols: tuple[str, ...] = DEFAULT_SYMBOLS,
        rate: float = DEFAULT_RATE,
        seed: int = 1,
        limits: StreamLimits = SPOT_LIMITS,
        weight_limit: int = 6_000,
        script: str = "",
    ) -> None:
        chaos = Chaos(seed=seed, channels=CHANNELS, symbols=symbols)
        instruments = tuple(spot_instrument(symbol) for symbol in dict.fromkeys(symbols))
        self.feed = SpotFeed(instruments, seed=seed, now_ms=time.time_ns() // 1_000_000, chaos=chaos)
        chaos.streams = tuple(self.feed.topics.values())
        super().__init__(port=port, rate=rate, chaos=chaos, script=script)
        self.streams = StreamFace(self.feed.topics, limits, chaos=self.chaos, routed=False)
        self.calls = SpotRestFace(self.feed, weight_limit=weight_limit, now_ms=self.now_ms, chaos=self.chaos)

    def before_closing(self) -> None:
        """Part of `Venue`."""
        self.streams.announce(messages.server_shutdown(self.now_ms()), "!serverShutdown")

    def refusal(self, refusal: Refusal) -> tuple[str, dict[str, str]]:
        """Part of `Venue`."""
        return refusal_body(refusal, self.now_ms()), {}
