"""Loopback WebSocket -> decoded -> user callback or NumPy batch, through the whole gateway, as peers/e2e.py runs peers.

usage: PYTHONPATH=<floors> python gateway_e2e.py [callback] [batches] [spin]
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

from e2e import PACED, Sink, run

from tradewire import core
from tradewire.config.schema import Config, ProviderConfig, StreamingConfig, StreamingHealthConfig, ThresholdsConfig
from tradewire.streaming import StreamingGateway
from tradewire.transport.event_loop import run as run_loop
from tradewire.venues import registry
from tradewire.venues.binance.stream import USDM

#: The load source sends all of one combined stream on one connection, as USD-M did before it routed streams. Its
#: blast repeats one id for ever: to a sequence check every message would be a duplicate.
UNROUTED = dataclasses.replace(
    USDM,
    name="unrouted",
    urls=dataclasses.replace(USDM.urls, routed=False),
    sequences={},
)
registry.register("unrouted", "__main__:UNROUTED")


def make(url: str) -> StreamingGateway:
    # Some of the made trades have a quantity of 0.000, which is refused and must not end the connection here.
    thresholds = ThresholdsConfig(max_bad_messages_per_min=1_000_000)
    provider = ProviderConfig(name="unrouted", websocket_url=url.rstrip("/"))
    return StreamingGateway(
        Config(
            streaming=StreamingConfig(providers=(provider,)),
            streaming_health=StreamingHealthConfig(thresholds=thresholds),
        )
    )


def callback(spin: bool) -> Any:
    def client(url: str, sink: Sink) -> None:
        async def go() -> None:
            if spin:
                _never_sleep()
            done = asyncio.Event()
            gateway = make(url)
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


def _never_sleep() -> None:
    call_soon = asyncio.get_running_loop().call_soon

    def again() -> None:
        call_soon(again)

    again()


if __name__ == "__main__":
    version = f"{core.BUILD['version']} {core.IMPLEMENTATION}"
    for name in sys.argv[1:] or ("callback", "batches", "spin"):
        if name == "batches":
            run("tradewire gateway, NumPy batches", version, batches, paced=())
        else:
            run(
                f"tradewire gateway, callbacks ({'spinning' if name == 'spin' else 'sleeping'} uvloop)",
                version,
                callback(name == "spin"),
                paced=PACED,
            )
    sys.stdout.flush()
    os._exit(0)
