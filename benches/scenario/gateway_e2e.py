"""Loopback WebSocket -> decoded -> user callback or NumPy batch, through the whole gateway, as peers/e2e.py runs peers.

usage: PYTHONPATH=<floors> python gateway_e2e.py [callback] [spin] [batches] [tls]
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

from e2e import Sink, run, run_tls

from tradewire import core
from tradewire.config.schema import Config, ProviderConfig, StreamingConfig
from tradewire.streaming import StreamingGateway
from tradewire.transport.event_loop import run as run_loop
from tradewire.venues import registry
from tradewire.venues.binance.stream import USDM


class Unchecked(dict[Any, Any]):
    """The venue numbers its trades, so that nobody need remember them; but the blast repeats one number for ever, and
    to a check every message would be a duplicate."""

    def get(self, kind: Any, default: Any = None) -> Any:
        return USDM.sequences.get(kind, default)


#: The load source sends all of one combined stream on one connection, as USD-M did before it routed streams.
UNROUTED = dataclasses.replace(
    USDM,
    name="unrouted",
    urls=dataclasses.replace(USDM.urls, routed=False),
    sequences=Unchecked(),
)
registry.register("unrouted", "__main__:UNROUTED")


def make(url: str, spin: bool = False) -> StreamingGateway:
    provider = ProviderConfig(name="unrouted", websocket_url=url.rstrip("/"))
    return StreamingGateway(Config(streaming=StreamingConfig(providers=(provider,), loop="spin" if spin else "sleep")))


def callback(spin: bool) -> Any:
    def client(url: str, sink: Sink) -> None:
        async def go() -> None:
            done = asyncio.Event()
            gateway = make(url, spin)
            got = sink.got

            def on_trade(trade: Any) -> None:
                if got(trade.trade_id, trade.price, trade.quantity):
                    done.set()

            def on_quote(quote: Any) -> None:
                if got(quote.seq, quote.bid_price, quote.bid_quantity):
                    done.set()

            gateway.subscribe("agg_trades", ["BTCUSDT"], on_trade)
            gateway.subscribe("quotes", ["BTCUSDT"], on_quote)
            async with gateway:
                await done.wait()

        run_loop(go())

    return client


def batches(url: str, sink: Sink) -> None:
    async def go() -> None:
        gateway = make(url)
        gateway.subscribe("agg_trades", ["BTCUSDT"])
        gateway.subscribe("quotes", ["BTCUSDT"])
        counter = sink.c
        async with gateway:
            async for batch in gateway.batches():
                if counter.hit(len(batch)):
                    return

    run_loop(go())


if __name__ == "__main__":
    version = f"{core.BUILD['version']} {core.IMPLEMENTATION}"
    for name in sys.argv[1:] or ("callback", "spin", "batches", "tls"):
        match name:
            case "batches":
                # Unanswered, as the peers are: the kernel sends a little less through a connection that has talked, and
                # here the client waits for it.
                run("tradewire gateway, NumPy batches", version, batches, paced=())
            case "tls":
                run_tls("tradewire gateway, callbacks (sleeping uvloop)", version, callback(spin=False))
            case _:
                loop = "spinning" if name == "spin" else "sleeping"
                run(
                    f"tradewire gateway, callbacks ({loop} uvloop)",
                    version,
                    callback(name == "spin"),
                    kind="binance-answer",
                )
    sys.stdout.flush()
    os._exit(0)
