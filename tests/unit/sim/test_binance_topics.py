"""Frames and modes of a stream."""

from __future__ import annotations

import json

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from sim_wires import Inbox
from tradewire.sim.binance_topics import PUBLIC, UNROUTED, Topic, text_frame


def _read(data: bytes) -> list[bytes]:
    """Payloads, as the websockets library reads them."""
    protocol = ClientProtocol(parse_uri("ws://x/"), max_size=None, state=OPEN)
    protocol.receive_data(data)
    events = protocol.events_received()
    assert all(isinstance(event, Frame) and event.fin for event in events)
    return [bytes(event.data) for event in events if isinstance(event, Frame)]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_frame_of_any_length(length: int) -> None:
    payload = b"x" * length
    assert _read(text_frame(payload)) == [payload]


def test_listeners_get_their_own_mode() -> None:
    topic = Topic("币安人生usdt@trade", PUBLIC)
    raw, combined = Inbox(combined=False), Inbox(combined=True)
    topic.add(raw)
    topic.add(combined)
    topic.publish('{"e":"trade"}')
    assert topic.listeners == 2
    assert _read(raw.out[0]) == [b'{"e":"trade"}']
    assert json.loads(_read(combined.out[0])[0]) == {"stream": "币安人生usdt@trade", "data": {"e": "trade"}}


def test_nothing_after_remove() -> None:
    topic = Topic("btcusdt@trade", PUBLIC)
    inbox = Inbox(combined=False)
    topic.add(inbox)
    topic.remove(inbox)
    topic.publish("{}")
    assert topic.listeners == 0
    assert inbox.out == []


@pytest.mark.parametrize(
    ("name", "channel", "symbol"),
    [
        ("btcusdt@trade", "trades", "BTCUSDT"),
        ("btcusdt@depth20@100ms", "book", "BTCUSDT"),
        ("btcusdt@kline_1m", "bars", "BTCUSDT"),
        ("!miniTicker@arr", "mini_ticker", ""),
        ("!markPrice@arr@1s", "mark_price", ""),
        ("1000shibusdt@bookTicker", "quotes", "1000SHIBUSDT"),
    ],
)
def test_neutral_words(name: str, channel: str, symbol: str) -> None:
    topic = Topic(name, PUBLIC)
    assert (topic.channel, topic.symbol) == (channel, symbol)


@pytest.mark.parametrize(
    ("name", "payload", "shown"),
    [
        ("a@trade", '{"E":1000,"t":5,"T":999}', '{"E":1000000,"t":5,"T":999000}'),
        ("a@depth", '{"E":1000,"U":7,"u":9}', '{"E":1000000,"U":7,"u":9}'),
        ("a@kline_1m", '{"E":1,"k":{"t":60000,"T":119999,"L":3}}', '{"E":1000,"k":{"t":60000000,"T":119999999,"L":3}}'),
        ("a@ticker", '{"E":2,"O":1,"C":2,"F":5,"L":6}', '{"E":2000,"O":1000,"C":2000,"F":5,"L":6}'),
        ("!miniTicker@arr", '[{"E":2,"c":"1"},{"E":3}]', '[{"E":2000,"c":"1"},{"E":3000}]'),
        ("a@bookTicker", '{"u":1}', '{"u":1}'),
    ],
)
def test_times_in_microseconds(name: str, payload: str, shown: str) -> None:
    topic = Topic(name, UNROUTED)
    fine, other = Inbox(combined=False), Inbox(combined=False)
    topic.add(fine, fine=True)
    topic.add(other)
    topic.publish(payload)
    assert fine.out == [text_frame(shown.encode())]
    assert other.out == [text_frame(payload.encode())]
    topic.remove(fine, fine=True)
    topic.publish(payload)
    assert (len(fine.out), topic.listeners) == (1, 1)
