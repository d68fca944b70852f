"""Control messages of market streams, as the venue sheet prints them (section 2.2)."""

from __future__ import annotations

import json

import pytest

from tradewire.venues.binance.session import BinanceSession
from tradewire.venues.session import Ending, Refused, Settled


def test_requests() -> None:
    session = BinanceSession()
    (message,) = session.subscribe(["btcusdt@trade", "币安人生usdt@trade"], 7)
    assert "币安人生" in message.decode(), "plain UTF-8, not escaped"
    assert json.loads(message) == {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "币安人生usdt@trade"], "id": 7}
    (message,) = session.unsubscribe(["a@b"], 8)
    assert json.loads(message) == {"method": "UNSUBSCRIBE", "params": ["a@b"], "id": 8}


@pytest.mark.parametrize(
    ("payload", "outcomes"),
    [
        (b'{"result":null,"id":1}', (Settled(1),)),
        (b'{"result":["btcusdt@markPrice@1s"],"id":3}', (Settled(3),)),
        (b'{"error":{"code":2,"msg":"Invalid request"},"id":1}', (Refused(1, 2, "Invalid request"),)),
        (b'{"code":3,"msg":"Invalid JSON","id":4}', (Refused(4, 3, "Invalid JSON"),)),
        (b'{"e":"serverShutdown","E":1770123456789}', (Ending("the venue shuts this server down"),)),
        (
            b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
            (Ending("the venue shuts this server down"),),
        ),
        (b'{"result":null,"id":null}', ()),
        (b"[1]", ()),
        (b"no json", ()),
    ],
)
def test_answers(payload: bytes, outcomes: tuple[object, ...]) -> None:
    assert BinanceSession().take(payload) == outcomes
