"""Faults as text: what each line means, and what is said of lines that mean nothing."""

from __future__ import annotations

import pytest

from tradewire.sim.chaos import Chaos
from tradewire.sim.script import Script, begin

CHANNELS = ("trades", "quotes", "book")


@pytest.fixture
def chaos() -> Chaos:
    return Chaos(channels=CHANNELS, clock=lambda: 100.0)


@pytest.mark.parametrize(
    ("line", "text", "most", "ends_s", "until"),
    [
        ("mute", "mute", None, None, "stopped"),
        ("mute trades BTCUSDT for 5s", "mute trades BTCUSDT", None, 105, "stopped"),
        ("mute match @depth until reconnect", "mute match @depth", None, None, "reconnect"),
        ("mute quotes until resubscribe", "mute quotes", None, None, "resubscribe"),
        ("drop", "drop 1", 1, None, "stopped"),
        ("drop 3 book  # three of them", "drop 3 book", 3, None, "stopped"),
        ("drop 5% for 1m", "drop 5%", None, 160, "stopped"),
        ("duplicate 2 BTC/USD", "duplicate 2 BTC/USD", 2, None, "stopped"),
        ("reorder 2.5% trades", "reorder 2.5% trades", None, None, "stopped"),
        ("truncate 1 match depth20", "truncate 1 match depth20", 1, None, "stopped"),
        ("drop 1 1000SHIBUSDT", "drop 1 1000SHIBUSDT", 1, None, "stopped"),
        ("drip", "drip 500", None, None, "stopped"),
        ("drip 20 for 500ms", "drip 20", None, 100.5, "stopped"),
        ("half-open", "half-open", None, None, "reconnect"),
        ("half-open until stopped for 2s", "half-open", None, 102, "stopped"),
        ("disconnect", "disconnect", None, None, "stopped"),
        ("accept-then-close 3 after handshake", "accept-then-close after handshake", 3, None, "stopped"),
        ("refuse-rest 418 retry-after 3s for 3s", "refuse-rest 418 retry-after 3s", None, 103, "stopped"),
        ("refuse-rest 429 2 match depth", "refuse-rest 429 match depth", 2, None, "stopped"),
        ("refuse-connect", "refuse-connect 429", 1, None, "stopped"),
        ("expire-auth 1", "expire-auth", 1, None, "stopped"),
        ("connection-limit 1", "connection-limit 1", None, None, "stopped"),
        ("restart 250ms", "restart 0.25s", 1, None, "stopped"),
        ("skew -1.5s", "skew -1500ms", None, None, "stopped"),
        ("skew 250ms for 1h", "skew 250ms", None, 3_700, "stopped"),
    ],
)
def test_lines(chaos: Chaos, line: str, text: str, most: int | None, ends_s: float | None, until: str) -> None:
    fault = begin(line, chaos)
    assert fault is not None
    assert (fault.text, fault.most, fault.until) == (text, most, until)
    assert fault.ends_s == pytest.approx(ends_s)


def test_clear(chaos: Chaos) -> None:
    fault = begin("mute", chaos)
    assert fault is not None
    assert begin("clear", chaos) is None
    assert not fault.is_active


def test_steps_come_in_the_order_of_their_times(chaos: Chaos) -> None:
    script = Script.parse(
        "at 2s mute trades for 5s\n\n# and\nat 500ms drop 1 book\nskew 5ms\nevery 1s duplicate", CHANNELS
    )
    script.tick(0.0, chaos)
    assert [fault.text for fault in chaos.faults] == ["skew 5ms"]
    script.tick(0.6, chaos)
    assert [fault.text for fault in chaos.faults[1:]] == ["drop 1 book"]
    script.tick(2.0, chaos)
    assert [fault.text for fault in chaos.faults[2:]] == ["duplicate 1", "mute trades"]
    script.tick(2.9, chaos)
    script.tick(3.0, chaos)
    assert [fault.text for fault in chaos.faults[4:]] == ["duplicate 1"]


def test_every_error_is_named_with_its_line() -> None:
    text = "at 2s mute\nat soon mute\n\nexplode\nat 1s mute trade\nevery 0s drop\nat 1s drop 0 trades # none"
    with pytest.raises(ValueError, match="script has errors") as caught:
        Script.parse(text, CHANNELS)
    first, *lines = str(caught.value).splitlines()
    assert first == "script has errors"
    assert [line.partition(": ")[0] for line in lines] == ["line 2", "line 4", "line 5", "line 6", "line 7"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "fault must be one of mute, drop"),
        ("explode", "fault must be one of .*, was 'explode'"),
        ("mute trade", "'mute' does not take 'trade'; known are for, match, until, trades, quotes, book"),
        ("mute trades quotes", "'quotes' is one channel too many"),
        ("mute for", "'for' must be followed by a value"),
        ("mute for 5", "a time is a number with ms, s, m or h"),
        ("mute for -5s", "must not be negative"),
        ("mute until dawn", "until must be stopped, reconnect or resubscribe, was 'dawn'"),
        ("mute 3", "'mute' does not take '3'"),
        ("drop 1 2 trades", "'drop' does not take '2'"),
        ("drop 120%", "p must be a probability"),
        ("restart 1s 2s", "'2s' is one down_s too many"),
        ("disconnect now", "'disconnect' does not take 'now'"),
        ("connection-limit", "connection-limit must be followed by a number of connections"),
        ("skew", "skew must be followed by a time"),
        ("refuse-rest 200", "status must be an HTTP error"),
        ("accept-then-close after lunch", "after must be accept or handshake"),
    ],
)
def test_what_is_wrong_with_a_line(chaos: Chaos, line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        begin(line, chaos)
    assert chaos.faults == []


def test_symbols_that_are_not_listed() -> None:
    said = r"symbol must be one that is listed \(BTC/USD, AAPL\), was 'BTCUSTD'"
    with pytest.raises(ValueError, match=f"line 2: {said}"):
        Script.parse("mute BTCUSD\nat 1s drop 1 BTCUSTD", CHANNELS, ("BTC/USD", "AAPL"))
    with pytest.raises(ValueError, match=said):
        begin("mute BTCUSTD", Chaos(symbols=("BTC/USD", "AAPL")))


def test_what_a_venue_can_be_made_to_say() -> None:
    said: list[str] = []
    chaos = Chaos(symbols=("AAPL",), notices={"halt": ("statuses", lambda symbol: not said.append(symbol))})
    fault = begin("tell halt AAPL", chaos)
    assert fault is not None
    assert (fault.text, fault.injected) == ("tell halt AAPL", 1)
    script = Script.parse("at 1s tell halt AAPL", (), chaos.symbols, notices=chaos.notices)
    assert said == ["AAPL"], "reading a script says nothing"
    script.tick(1.5, chaos)
    assert said == ["AAPL", "AAPL"]
    for line, reason in {
        "tell": "tell must be followed by notice and symbol, such as halt AAPL",
        "tell halt": "tell must be followed by notice and symbol",
        "tell rumour AAPL": "notice must be one of halt, was 'rumour'",
        "tell halt MARS": "symbol must be one that is listed",
        "tell halt AAPL 3": "'tell' does not take '3'",
    }.items():
        with pytest.raises(ValueError, match=reason):
            Script.parse(line, (), chaos.symbols, notices=chaos.notices)


@pytest.mark.parametrize("line", ["at 1s mute", "every 1s mute"])
def test_times_are_for_scripts(chaos: Chaos, line: str) -> None:
    with pytest.raises(ValueError, match="belongs in a script; here a fault begins at once"):
        begin(line, chaos)


@pytest.mark.parametrize("line", ["at 1s", "every", "at"])
def test_times_need_a_fault(line: str) -> None:
    with pytest.raises(ValueError, match=r"line 1: .* must be followed by a time and a fault"):
        Script.parse(line, CHANNELS)
