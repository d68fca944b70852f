"""The memory of one symbol."""

from __future__ import annotations

from tradewire.sim.alpaca_tape import Print, Tape, between

MINUTE_NS = 60_000_000_000
START_MS = 1_791_382_980_000


def _print(number: int, ns: int, price: int = 100, lots: int = 1, update: str = "") -> Print:
    return Print(number, price, lots, ns, False, "V", ("@",), update)


def test_between_includes_both_ends() -> None:
    tape = Tape()
    tape.prints.extend(_print(number, number * 10) for number in range(10))
    assert [item.trade_id for item in between(tape.prints, 20, 40)] == [2, 3, 4]
    assert [item.trade_id for item in between(tape.prints, 21, 39)] == [3]
    assert between(tape.prints, 91, 99) == []


def test_minute_by_what_is_known_now() -> None:
    tape, start_ns = Tape(), START_MS * 1_000_000
    tape.prints.append(_print(0, start_ns - 1))
    tape.prints.append(_print(1, start_ns, 100, 5))
    tape.prints.append(_print(2, start_ns + 1, 500, 5, "canceled"))
    tape.prints.append(_print(3, start_ns + 2, 90, 1, "incorrect"))
    tape.prints.append(_print(4, start_ns + 3, 90, 2, "corrected"))
    tape.prints.append(_print(5, start_ns + MINUTE_NS, 999))
    bar = tape.minute(START_MS)
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close, bar.lots, bar.count, bar.value) == (100, 100, 90, 90, 7, 2, 680)


def test_a_minute_that_is_not_remembered_whole_has_no_bar() -> None:
    tape = Tape()
    assert tape.minute(START_MS) is None
    tape.prints.append(_print(1, START_MS * 1_000_000 + 5))
    assert tape.minute(START_MS) is None
    assert tape.minute(START_MS + 60_000) is None
