"""Venue simulators on loopback: real HTTP and real WebSocket, a market with a matching engine behind them.

They share no code with the clients they are there to test. Light to import; the servers are loaded when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewire.sim.alpaca import AlpacaSim
    from tradewire.sim.binance import BinanceSim
    from tradewire.sim.binance_spot import BinanceSpotSim
    from tradewire.sim.process import SimProcess
    from tradewire.sim.remote import RemoteChaos
    from tradewire.sim.runner import run

__all__ = ["AlpacaSim", "BinanceSim", "BinanceSpotSim", "RemoteChaos", "SimProcess", "run"]

_HOMES = {
    "AlpacaSim": "alpaca",
    "BinanceSim": "binance",
    "BinanceSpotSim": "binance_spot",
    "RemoteChaos": "remote",
    "SimProcess": "process",
    "run": "runner",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
