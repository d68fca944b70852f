"""Log lines that repeat."""

from __future__ import annotations

import logging

import pytest

from tradewire.telemetry.limited_log import LimitedLog


def test_repeats_are_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    log = LimitedLog(logging.getLogger("test"), interval_ns=10)
    log.say("key", "slow %s", "a", now_ns=0)
    log.say("key", "slow %s", "a", now_ns=5)
    log.say("key", "slow %s", "a", now_ns=9)
    log.say("other", "slow %s", "b", now_ns=9)
    log.say("key", "slow %s", "a", now_ns=10)
    assert caplog.messages == ["slow a", "slow b", "slow a (and 2 more like this)"]


def test_the_error_comes_along(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("broken")
    LimitedLog(logging.getLogger("test")).say("key", "raised", error=error)
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[1] is error
