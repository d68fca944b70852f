"""The port through which every part calls a person. What sends mails or pages stands behind it; here: a log line."""

from __future__ import annotations

import inspect
import logging
from typing import Protocol

from .counters import Counters

__all__ = ["AlertPort", "CountedAlerts", "LogAlerts"]

_logger = logging.getLogger("tradewire.alerts")


class AlertPort(Protocol):
    """Takes alerts. Never raises and never waits: an alert must not hurt what it warns about."""

    def alert(self, source: str, title: str, message: str) -> None:
        """A person should look.

        Args:
            source: which part speaks: `streaming`, ...
            title: what is wrong, the same words each time.
            message: the particulars; no secrets.
        """


class CountedAlerts:
    """Counts alerts on their way to a port that is somebody else's.

    Args:
        port: takes them; what it raises is passed on.
        counters: gets `alerts` and `alerts.<source>`.

    Raises:
        TypeError: `port.alert` is no function, or one that would have to be awaited.
    """

    def __init__(self, port: AlertPort, counters: Counters) -> None:
        call = getattr(port, "alert", None)
        what = (
            f"alerts must have `def alert(self, source: str, title: str, message: str) -> None`; {type(port).__name__}"
        )
        if not callable(call):
            raise TypeError(f"{what} has no method alert")
        if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None)):  # noqa: B004 - of an object
            raise TypeError(
                f"{what}.alert is an `async def`, which nobody would await: start a task in a plain `def`, and keep it"
            )
        self._port = port
        self._counters = counters

    def alert(self, source: str, title: str, message: str) -> None:
        """Counts and hands on."""
        _count(self._counters, source)
        self._port.alert(source, title, message)


class LogAlerts:
    """Alerts as ERROR lines and a counter; what runs while nothing better is plugged in.

    Args:
        counters: gets `alerts` and `alerts.<source>`.

    Attributes:
        channels: `log`, `metrics`, both or neither: where alerts go. May be changed at any time.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.channels = frozenset({"log", "metrics"})

    def alert(self, source: str, title: str, message: str) -> None:
        """Logs and counts."""
        if "metrics" in self.channels:
            _count(self._counters, source)
        if "log" in self.channels:
            _logger.error("%s: %s: %s", source, title, message)


def _count(counters: Counters, source: str) -> None:
    counters.add("alerts")
    counters.add(f"alerts.{source}")
