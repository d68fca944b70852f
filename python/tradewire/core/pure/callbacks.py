"""The messages of a batch as events, straight to the functions that want them: `Callback` and `Callbacks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradewire.core.delivery import CallbackProtocol, CallbacksProtocol
from tradewire.core.protocols import Batch, Event
from tradewire.core.record import MORE, Kind

from .argument import integer
from .batch import message_ends, records
from .clock import monotonic_ns
from .histogram import Histogram
from .objects import objects
from .symbols import SymbolTable

__all__ = ["Callback", "Callbacks"]

_MOST_NS = 2**63 - 1


class Callback(CallbackProtocol):
    """A function that is called with events, timed and counted."""

    __slots__ = ("_calls", "_function", "_latency", "_slow_ns", "_unusual")

    def __init__(
        self,
        function: Callable[[Any], object],
        latency: Histogram,
        slow_ns: int,
        unusual: Callable[[object, Exception | None, int], object],
    ) -> None:
        for name, value in (("function", function), ("unusual", unusual)):
            if not callable(value):
                raise TypeError(f"{name} must be callable, was {type(value).__name__}")
        if not isinstance(latency, Histogram):
            raise TypeError(f"latency must be a Histogram of this core, was {type(latency).__name__}")
        self._function = function
        self._latency = latency
        self._slow_ns = integer(slow_ns, "slow_ns", 0, _MOST_NS)
        self._unusual = unusual
        self._calls = 0

    @property
    def calls(self) -> int:
        return self._calls

    def deliver(self, event: Any, drained_ns: int) -> None:
        self._call(event, integer(drained_ns, "drained_ns", -_MOST_NS - 1, _MOST_NS), monotonic_ns())

    def _call(self, event: Any, drained_ns: int, now: int) -> int:
        """Calls the function at `now`; returns the time afterwards."""
        self._latency.record(now - drained_ns)
        result: object = None
        failed: Exception | None = None
        try:
            result = self._function(event)
        except Exception as error:
            failed = error
        self._calls += 1
        ended = monotonic_ns()
        if result is None and failed is None and ended - now <= self._slow_ns:
            return ended
        self._unusual(result, failed, ended - now)
        return monotonic_ns()


class Callbacks(CallbacksProtocol):
    """Callbacks by kind and symbol."""

    __slots__ = ("_routes", "_symbols")

    def __init__(self, symbols: SymbolTable) -> None:
        if not isinstance(symbols, SymbolTable):
            raise TypeError(f"symbols must be a SymbolTable, was {type(symbols).__name__}")
        self._symbols = symbols
        # Replaced, never changed: they change while a delivery goes through them.
        self._routes: dict[tuple[int, int, int], tuple[Callback, ...]] = {}

    def add(self, kind: int, symbol_id: int, callback: CallbackProtocol, interval_ns: int = 0) -> None:
        key, callback = _route(kind, symbol_id, callback, interval_ns)
        if symbol_id >= len(self._symbols):
            raise ValueError(f"symbol_id must be one that the table gave out, was {symbol_id}")
        self._routes[key] = (*self._routes.get(key, ()), callback)

    def discard(self, kind: int, symbol_id: int, callback: CallbackProtocol, interval_ns: int = 0) -> None:
        key, callback = _route(kind, symbol_id, callback, interval_ns)
        self._routes[key] = tuple(each for each in self._routes.get(key, ()) if each is not callback)

    def deliver(self, batch: Batch, drained_ns: int) -> None:
        drained_ns = integer(drained_ns, "drained_ns", -_MOST_NS - 1, _MOST_NS)
        batch = records(batch)
        if len(batch) and batch["flags"][-1] & MORE:
            raise ValueError("the last message of the batch is incomplete")
        now, start = monotonic_ns(), 0
        for end in message_ends(batch):
            first = batch[start]
            kind, symbol_id = int(first["kind"]), int(first["symbol"])
            interval_ns = int(batch["seq"][start + 1].view("i8")) if kind == Kind.BAR and end - start > 1 else 0
            routed = self._routes.get((kind, symbol_id, interval_ns), ())
            if routed:
                event = self._event(batch, start, end)
                for callback in routed:
                    now = callback._call(event, drained_ns, now)
            start = end

    def _event(self, batch: Batch, start: int, end: int) -> Event:
        try:
            (event,) = objects(batch[start:end], self._symbols)
        except ValueError as error:
            # Its rows begin where the message does.
            row, text = str(error).removeprefix("record ").split(":", 1)
            raise ValueError(f"record {int(row) + start}:{text}") from None
        return event


def _route(
    kind: int, symbol_id: int, callback: CallbackProtocol, interval_ns: int
) -> tuple[tuple[int, int, int], Callback]:
    kind = integer(kind, "kind", Kind.TRADE, Kind.CONTROL)
    symbol_id = integer(symbol_id, "symbol_id", 0, 2**32 - 1)
    if not isinstance(callback, Callback):
        raise TypeError(f"callback must be a Callback, was {type(callback).__name__}")
    return (kind, symbol_id, integer(interval_ns, "interval_ns", 0, _MOST_NS)), callback
