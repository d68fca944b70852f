"""Errors reach the handler in order; a slow or failing handler costs a counter and a log line."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest

from tradewire.transport.error_reporter import ErrorReporter


async def _reported(reporter: ErrorReporter, errors: int) -> None:
    for index in range(errors):
        reporter.report(OSError(str(index)), partial(dict, index=index))
    running = asyncio.create_task(reporter.run(lambda: True))
    for _ in range(5 * errors):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_in_order_and_with_the_metrics_of_the_moment() -> None:
    reporter, told = ErrorReporter(), []

    def handler(error: Exception, metrics: dict[str, Any]) -> None:
        told.append((str(error), metrics["index"]))

    reporter.handler = handler
    await _reported(reporter, 3)
    assert told == [("0", 0), ("1", 1), ("2", 2)]


async def test_nobody_listens_and_the_metrics_are_not_even_made() -> None:
    ErrorReporter().report(OSError(), lambda: pytest.fail("made for nobody"))


async def test_what_does_not_fit_is_counted() -> None:
    reporter, told = ErrorReporter(), []
    reporter.handler = lambda error, metrics: told.append(error)
    await _reported(reporter, 130)
    assert (len(told), reporter.unreported) == (100, 30)


async def test_a_failing_handler_is_logged_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    reporter, calls = ErrorReporter(), []

    async def handler(error: Exception, metrics: dict[str, Any]) -> None:
        calls.append(error)
        raise ValueError("mine")

    reporter.handler = handler
    with caplog.at_level(logging.WARNING):
        await _reported(reporter, 2)
    assert len(calls) == 2
    assert "the connection error handler failed: ValueError('mine')" in caplog.text


async def test_ends_when_told() -> None:
    reporter = ErrorReporter()
    more = iter([True, False])
    reporter.handler = lambda error, metrics: None
    reporter.report(OSError(), dict)
    await reporter.run(lambda: next(more))
