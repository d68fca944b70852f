"""Shapes and codecs of Alpaca messages, against the samples of the protocol sheet."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.alpaca_feed import AlpacaFeed
from tradewire.sim.alpaca_tape import Print, Top
from tradewire.sim.history import Bar
from tradewire.sim.instruments import alpaca_instrument

NS = 1_614_009_104_208_000_000  # 2021-02-22T15:51:44.208Z
AAPL, BTC = alpaca_instrument("AAPL"), alpaca_instrument("BTC/USD")
FEED = AlpacaFeed((AAPL, BTC), seed=1, now_ms=NS // 1_000_000)
PRINT = Print(96_921, 12_655, 1, NS, True, "D", ("@", "I"))
TOP = Top(8_766, 130, 8_768, 480, NS)
BAR = Bar(1_614_021_300_000, 38_898, 38_913, 38_897, 38_912, 49_378, 1_920_685_000, 461)


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (messages.trade(AAPL, PRINT), "T S i p s t x c z"),
        (messages.trade(BTC, PRINT), "T S i p s t tks"),
        (messages.quote(AAPL, TOP), "T S bx bp bs ax ap as t c z"),
        (messages.quote(BTC, TOP), "T S bp bs ap as t"),
        (messages.bar(AAPL, BAR, "b"), "T S o h l c v n vw t"),
        (messages.status(AAPL, False, NS), "T S sc sm rc rm t z"),
        (messages.status(AAPL, True, NS), "T S sc sm rc rm t z"),
        (messages.luld(AAPL, 300, NS), "T S u d i t z"),
        (messages.imbalance(AAPL, 912, NS), "T S p z t"),
        (messages.correction(AAPL, PRINT, PRINT, NS), "T S x oi op os oc ci cp cs cc z t"),
        (messages.cancel_error(AAPL, PRINT, NS), "T S i x p s a z t"),
        (messages.book_snapshot(FEED.market.pits["BTC/USD"], NS), "T S t b a r"),
        (messages.book_delta(FEED.market.pits["BTC/USD"], [], NS), "T S t b a"),
    ],
)
def test_keys_begin_with_the_kind(message: dict[str, Any], keys: str) -> None:
    assert list(message) == keys.split()
    for decoded in (
        msgspec.json.decode(messages.json_item(message)),
        msgspec.msgpack.decode(messages.msgpack_item(message)),
    ):
        assert list(decoded) == keys.split()


def test_values() -> None:
    trade = msgspec.json.decode(messages.json_item(messages.trade(AAPL, PRINT)))
    assert trade == {
        "T": "t", "S": "AAPL", "i": 96_921, "p": 126.55, "s": 1, "t": "2021-02-22T15:51:44.208Z", "x": "D",
        "c": ["@", "I"], "z": "C",
    }  # fmt: skip
    quote = messages.quote(AAPL, TOP)
    assert (quote["bp"], quote["bs"], quote["ap"], quote["as"]) == (87.66, 1, 87.68, 4)
    assert messages.quote(AAPL, Top(1, 99, 2, 1, NS))["bs"] == 1
    bar = messages.bar(AAPL, BAR, "d")
    assert (bar["o"], bar["v"], bar["n"], bar["vw"]) == (388.98, 49_378, 461, round(1_920_685_000 / 49_378 / 100, 6))
    assert messages.trade(BTC, PRINT)["tks"] == "S"
    assert messages.trade(BTC, PRINT)["s"] == 0.00001


def test_book_delta_tells_both_sides() -> None:
    pit = FEED.market.pits["BTC/USD"]
    best, gone = pit.bid, pit.bid + 1
    delta = messages.book_delta(pit, [best, gone, -pit.ask], NS)
    assert [level["s"] for level in delta["b"]] == [0.0, pit.bid_lots * 0.00001]
    assert delta["a"] == [{"p": float(BTC.price_text[pit.ask]), "s": float(BTC.quantity_text[pit.ask_lots])}]


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (NS, "2021-02-22T15:51:44.208Z"),
        (NS // 10**9 * 10**9, "2021-02-22T15:51:44Z"),
        (1_680_782_066_838_232_225, "2023-04-06T11:54:26.838232225Z"),
        (1_680_782_066_000_000_001, "2023-04-06T11:54:26.000000001Z"),
    ],
)
def test_times_as_text(ns: int, text: str) -> None:
    assert messages.timestamp_text(ns) == text


def test_times_as_extension() -> None:
    """Type -1, with the 4 bytes of full seconds or the 8 bytes of nanoseconds and seconds."""

    def extension(ns: int) -> bytes:
        packed = messages.msgpack_item({"T": "b", "t": ns})
        return packed[packed.index(b"\xa1t") + 2 :]

    assert extension(5_000_000_000) == b"\xd6\xff" + (5).to_bytes(4, "big")
    head, body = extension(NS + 7)[:2], extension(NS + 7)[2:]
    assert head == b"\xd7\xff"
    assert (int.from_bytes(body, "big") >> 34, int.from_bytes(body, "big") & (1 << 34) - 1) == (
        208_000_007,
        NS // 10**9,
    )


@pytest.mark.parametrize("count", [1, 15, 16, 70_000])
def test_arrays(count: int) -> None:
    item = {"T": "x"}
    assert msgspec.json.decode(messages.json_array([messages.json_item(item)] * count)) == [item] * count
    assert msgspec.msgpack.decode(messages.msgpack_array([messages.msgpack_item(item)] * count)) == [item] * count


def test_whole_numbers_have_no_fraction_in_json() -> None:
    assert messages.json_item({"T": "b", "h": 136.0, "l": 132.12}) == b'{"T":"b","h":136,"l":132.12}'
