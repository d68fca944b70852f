"""With everything logged at DEBUG, neither driver writes what it sends to authenticate."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tradewire.transport.handshake import OpeningHandshake
from tradewire.transport.plain import connect_plain
from tradewire.transport.protocol_log import PROTOCOL_LOG

CANARY = "CANARY0123456789"
HEADERS = {"X-MBX-APIKEY": CANARY}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in (None, "websockets", "websockets.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def test_the_fast_driver(log: pytest.LogCaptureFixture) -> None:
    request = OpeningHandshake(f"ws://localhost/ws?token={CANARY}", HEADERS).request()
    assert request.count(CANARY.encode()) == 2
    assert CANARY not in log.text


async def test_the_plain_driver(log: pytest.LogCaptureFixture, wire_server: Any) -> None:
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(f"{wire_server.url}?token={CANARY}", headers=HEADERS) as connection:
        await serving
        await connection.send(b'{"action":"auth","key":"%s"}' % CANARY.encode())
    assert CANARY not in log.text


def test_what_is_no_detail_is_logged(log: pytest.LogCaptureFixture) -> None:
    PROTOCOL_LOG.info("a word")
    assert "a word" in log.text
