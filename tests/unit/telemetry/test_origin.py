"""Of an address nothing is told that may be a key."""

from __future__ import annotations

import pytest

from tradewire.telemetry.origin import masked_address, origin_of

CANARY = "CANARY0123456789"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"wss://host/ws?token={CANARY}", "wss://host"),
        (f"ws://127.0.0.1:9002/{CANARY}/ws#{CANARY}", "ws://127.0.0.1:9002"),
        (f"https://me:{CANARY}@host:8443/x", "https://host:8443"),
        (f"http://{CANARY}@[::1]:80", "http://[::1]:80"),
        (f"ws://me:{CANARY}/ws", "an unreadable address"),
        (f"ws://[{CANARY}", "an unreadable address"),
        (f"ws://?token={CANARY}", "an address without a host"),
        (f"{CANARY}://host", "an address without a host"),
        (CANARY, "an address without a host"),
    ],
)
def test_whom_we_talk_to(url: str, told: str) -> None:
    assert origin_of(url) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wss://host:443/ws/v2", "wss://host:443/ws/v2"),
        (f"wss://host/ws?{CANARY}", "wss://host/ws?***"),
        (f"wss://host/ws?a=1#{CANARY}", "wss://host/ws?***"),
        (f"wss://host#{CANARY}", "wss://host#***"),
        (f"ftp://{CANARY}@host/x@y", "ftp://***@host/x@y"),
        (f"wss://me:{CANARY}@host?k={CANARY}", "wss://***@host?***"),
        ("bad", "bad"),
    ],
)
def test_an_address_as_it_was_written(text: str, shown: str) -> None:
    assert masked_address(text) == shown
