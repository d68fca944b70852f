"""Alpaca channels against the market behind them, on a clock that the test turns."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.alpaca_feed import CHANNELS, AlpacaFeed
from tradewire.sim.instruments import alpaca_instrument

START = 1_791_382_980_000  # a full minute


class Inbox:
    """A listener that reads its messages back."""

    def __init__(self, packed: bool = False) -> None:
        self.encode = messages.msgpack_item if packed else messages.json_item
        self.decode: Any = msgspec.msgpack.decode if packed else msgspec.json.decode
        self.items: list[bytes] = []

    def put(self, message: bytes) -> None:
        self.items.append(message)

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def drip(self, bytes_per_s: float | None) -> None: ...
    def abort(self) -> None: ...

    def take(self) -> list[dict[str, Any]]:
        items, self.items = self.items, []
        return [self.decode(item) for item in items]


def _feed(*names: str) -> tuple[AlpacaFeed, Inbox]:
    symbols = ("AAPL", "BTC/USD")
    feed, inbox = AlpacaFeed(tuple(alpaca_instrument(name) for name in symbols), seed=1, now_ms=START), Inbox()
    for name in names:
        symbol, _, word = name.partition("@")
        topic = feed.topic(word, symbol)
        assert topic is not None
        topic.listeners[inbox] = None
    return feed, inbox


def _run(feed: AlpacaFeed, seconds: float, rate: float = 400.0, step_ms: int = 50) -> None:
    begin, count = feed.market.now_ms, feed.market.messages
    for elapsed in range(step_ms, int(seconds * 1_000) + 1, step_ms):
        feed.advance(begin + elapsed, int(elapsed * rate / 1000) - (feed.market.messages - count))


def test_channels_of_stocks_and_pairs() -> None:
    feed, _ = _feed()
    assert [word for word in CHANNELS if feed.topic(word, "AAPL")] == [
        word for word in CHANNELS if word != "orderbooks"
    ]
    assert [word for word in CHANNELS if feed.topic(word, "BTC/USD")] == [
        "trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks",
    ]  # fmt: skip
    assert feed.topic("trades", "MARS") is None
    topic = feed.topic("orderbooks", "BTC/USD")
    assert topic is not None
    assert (topic.name, topic.channel, topic.symbol) == ("BTC/USD@orderbooks", "book", "BTC/USD")


def test_trades_and_quotes_are_remembered_as_they_were_told() -> None:
    feed, inbox = _feed("AAPL@trades", "AAPL@quotes", "BTC/USD@trades")
    _run(feed, 5)
    got = inbox.take()
    item, tape = alpaca_instrument("AAPL"), feed.tapes["AAPL"]
    told = [message for message in got if message["T"] == "t" and message["S"] == "AAPL"]
    known = [msgspec.json.decode(messages.json_item(messages.trade(item, p))) for p in tape.prints if not p.update]
    amended = {p.trade_id for p in tape.prints if p.update}
    assert [message for message in told if message["i"] not in amended] == known
    assert len(told) > 50
    quotes = [message for message in got if message["T"] == "q"]
    assert len(quotes) == len(tape.tops) - 1  # the first was there before anybody listened
    assert all(quote["bp"] < quote["ap"] for quote in quotes)
    ids = [message["i"] for message in got if message["S"] == "BTC/USD"]
    assert all(after == before + 1 for before, after in itertools.pairwise(ids))
    assert ids[0] > 1 << 53


def test_times_rise_strictly() -> None:
    feed, _ = _feed()
    _run(feed, 3)
    times = [item.ns for item in feed.tapes["AAPL"].prints]
    assert all(after > before for before, after in itertools.pairwise(times))
    assert abs(times[-1] // 1_000_000 - feed.market.now_ms) < 200


def test_a_clock_set_back_is_followed() -> None:
    feed, _ = _feed()
    _run(feed, 1)
    feed.advance(START - 3_600_000, 50)
    assert feed.tapes["AAPL"].prints[-1].ns // 1_000_000 in range(START - 3_600_000, START - 3_599_000)


def test_bars_after_each_minute() -> None:
    feed, inbox = _feed("AAPL@bars", "AAPL@dailyBars", "AAPL@imbalances", "BTC/USD@bars")
    _run(feed, 125, rate=50)
    got = inbox.take()
    assert [(message["T"], message["S"]) for message in got] == [
        ("b", "AAPL"), ("d", "AAPL"), ("i", "AAPL"), ("b", "BTC/USD"),
    ] * 2  # fmt: skip
    minute, day = got[4], got[5]  # the first minute holds trades from before the opening, too
    start_ns = (START + 60_000) * 1_000_000
    prints = [item for item in feed.tapes["AAPL"].prints if start_ns <= item.ns < start_ns + 60_000_000_000]
    trades = [item for item in prints if item.update != "corrected"]
    assert (minute["n"], minute["v"]) == (len(trades), sum(item.lots for item in trades))
    assert minute["t"] == messages.timestamp_text(start_ns)
    assert day["v"] == got[0]["v"] + minute["v"]


def test_bands_and_statuses() -> None:
    feed, inbox = _feed("AAPL@lulds", "AAPL@statuses")
    _run(feed, 61, rate=20)
    got = inbox.take()
    assert [message["T"] for message in got] == ["l", "s"] * 3
    assert got[0]["d"] < 272 < got[0]["u"]


def test_wrong_trades_are_amended_and_change_their_bar() -> None:
    feed, inbox = _feed("AAPL@trades", "AAPL@corrections", "AAPL@cancelErrors", "AAPL@bars", "AAPL@updatedBars")
    _run(feed, 240, rate=60, step_ms=100)
    got = inbox.take()
    trades = {message["i"]: message for message in got if message["T"] == "t"}
    wrong = [message for message in got if message["T"] == "c"]
    canceled = [message for message in got if message["T"] == "x"]
    assert wrong
    assert canceled
    for message in wrong:
        assert (trades[message["oi"]]["p"], trades[message["oi"]]["s"]) == (message["op"], message["os"])
        assert message["cs"] == message["os"] + 1
    assert all(trades[message["i"]]["s"] == message["s"] for message in canceled)
    bars = {message["t"]: message for message in got if message["T"] == "b"}
    updated = [message for message in got if message["T"] == "u"]
    assert updated
    assert all(message["v"] != bars[message["t"]]["v"] for message in updated)


def test_book_from_snapshot_and_deltas() -> None:
    feed, inbox = _feed()
    _run(feed, 1)
    snapshot = feed.snapshot("BTC/USD")
    topic = feed.topic("orderbooks", "BTC/USD")
    assert topic is not None
    topic.listeners[inbox] = None
    book = {side: {level["p"]: level["s"] for level in snapshot[side]} for side in "ba"}
    _run(feed, 10)
    deltas = inbox.take()
    assert len(deltas) > 80
    feed.market.advance(feed.market.now_ms, 20)  # not told yet, but in the snapshot: so it has to be told before
    end = feed.snapshot("BTC/USD")
    assert inbox.items
    for delta in deltas + inbox.take():
        assert "r" not in delta
        for side in "ba":
            for level in delta[side]:
                if level["s"]:
                    book[side][level["p"]] = level["s"]
                else:
                    book[side].pop(level["p"], None)
    assert book == {side: {level["p"]: level["s"] for level in end[side]} for side in "ba"}


def test_both_codecs_say_the_same() -> None:
    feed, inbox = _feed("AAPL@quotes")
    packed = Inbox(packed=True)
    topic = feed.topic("quotes", "AAPL")
    assert topic is not None
    topic.listeners[packed] = None
    _run(feed, 1)
    for one, other in zip(inbox.take(), packed.take(), strict=True):
        assert {**one, "t": 0} == {**other, "t": 0}


def test_stocks_say_what_they_are_made_to() -> None:
    words = ("trades", "quotes", "statuses", "lulds", "imbalances", "corrections", "cancelErrors")
    feed, inbox = _feed(*(f"AAPL@{word}" for word in words))
    told = feed.notices()
    assert all(channel in CHANNELS.values() for channel, _ in told.values())

    def say(word: str) -> dict[str, Any]:
        inbox.take()
        assert told[word][1]("AAPL")
        (message,) = inbox.take()
        return message

    assert not told["correct"][1]("AAPL"), "no trade yet"
    _run(feed, 5)
    halt = say("halt")
    assert (halt["T"], halt["S"], halt["sc"], halt["rc"]) == ("s", "AAPL", "H", "T1")
    feed.advance(feed.market.now_ms + 1, 50)
    assert inbox.take() == [], "a halted stock has neither trades nor quotes"
    assert say("resume")["sc"] == "T"
    feed.advance(feed.market.now_ms + 1, 500)
    assert {"t", "q"} <= {message["T"] for message in inbox.take()}
    band = say("band")
    assert (band["T"], band["d"] < band["u"]) == ("l", True)
    assert (say("imbalance")["T"], say("imbalance")["S"]) == ("i", "AAPL")
    newest = feed.tapes["AAPL"].prints[-1]
    correction = say("correct")
    assert (correction["T"], correction["oi"], correction["cs"]) == ("c", newest.trade_id, newest.lots + 1)
    cancel = say("cancel")
    assert (cancel["T"], newest.update) == ("x", "incorrect")
    assert cancel["i"] == newest.trade_id - 1, "not the corrected one again"


def test_what_was_amended_is_not_amended_again() -> None:
    feed, inbox = _feed("AAPL@corrections", "AAPL@cancelErrors")
    _, cancel = feed.notices()["cancel"]
    feed.advance(START + 1, 3_000)
    while cancel("AAPL"):
        pass
    count = len(inbox.take())
    _run(feed, 3, rate=0)
    assert (count > 100, inbox.take()) == (True, [])
