"""Alerts while nothing better is plugged in."""

from __future__ import annotations

import logging

import pytest

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
