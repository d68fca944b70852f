"""Alerts while nothing better is plugged in."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tradewire.streaming import StreamingGateway
from tradewire.telemetry import Counters
from tradewire.telemetry.alerts import CountedAlerts, LogAlerts


def test_an_alert_is_an_error_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    LogAlerts(counters).alert("streaming", "binance needs a look", "quotes BTCUSDT is silent")
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.ERROR, "streaming: binance needs a look: quotes BTCUSDT is silent")
    ]
    assert counters.snapshot() == {"alerts": 1, "alerts.streaming": 1}


@pytest.mark.parametrize("channels", [{"log"}, {"metrics"}, set()])
def test_alerts_go_only_where_they_shall(channels: set[str], caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    alerts = LogAlerts(counters)
    alerts.channels = frozenset(channels)
    alerts.alert("streaming", "title", "message")
    assert bool(caplog.records) is ("log" in channels)
    assert counters["alerts"] == ("metrics" in channels)


def test_alerts_on_their_way_to_another_port_are_counted() -> None:
    counters, got = Counters(), []

    class Port:
        def alert(self, source: str, title: str, message: str) -> None:
            got.append((source, title, message))

    CountedAlerts(Port(), counters).alert("streaming", "x needs a look", "why")
    assert got == [("streaming", "x needs a look", "why")]
    assert counters.snapshot() == {"alerts": 1, "alerts.streaming": 1}


class _Awaited:
    async def alert(self, source: str, title: str, message: str) -> None: ...


class _Called:
    async def __call__(self, source: str, title: str, message: str) -> None: ...


class _Holder:
    alert = _Called()


@pytest.mark.parametrize("port", [_Awaited(), _Holder()])
def test_a_port_that_would_have_to_be_awaited_is_refused(port: Any) -> None:
    with pytest.raises(TypeError, match=rf"`def alert\(self, .*; {type(port).__name__}.alert is an `async def`"):
        CountedAlerts(port, Counters())
    with pytest.raises(TypeError, match="start a task"):
        StreamingGateway(symbols="BTCUSDT", alerts=port)


def test_a_port_without_the_method_is_refused() -> None:
    with pytest.raises(TypeError, match="function has no method alert"):
        CountedAlerts(lambda *_: None, Counters())  # type: ignore[arg-type]
