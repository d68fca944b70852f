"""Notices of the venue sheet (section 3.3), as strategies get them; in both codecs."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tradewire.model.notices import Imbalance, Notice, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from tradewire.venues.alpaca.notices import AlpacaNotices
from tradewire.venues.alpaca.stream import IEX

RECV_NS = 5
SECOND_NS = 1_000_000_000
SHEET: dict[str, tuple[bytes, Notice]] = {
    "halt": (
        b'{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information '
        b'requested by NASDAQ","t":"2021-02-22T19:15:00Z","z":"C"}',
        TradingStatus(
            "alpaca", "AAPL", 1614021300000000000, RECV_NS, True, "H", "Trading Halt", "T12",
            "Trading Halted; For information requested by NASDAQ", "C",
        ),
    ),
    "band": (
        b'{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"}',
        PriceBand("alpaca", "IONM", 1680788085565004401, RECV_NS, 3.24, 2.65, "B", "C"),
    ),
    "correction": (
        b'{"T":"c","S":"EEM","x":"M","oi":52983525033527,"op":39.1582,"os":440000,"oc":[" ","7"],'
        b'"ci":52983525034326,"cp":39.1809,"cs":440000,"cc":[" ","7"],"z":"B","t":"2023-04-06T14:25:06.542305024Z"}',
        TradeCorrection(
            "alpaca", "EEM", 1680791106542305024, RECV_NS,
            52983525033527, 39.1582, 440000.0, 52983525034326, 39.1809, 440000.0, "M", "B",
        ),
    ),
    "cancel": (
        b'{"T":"x","S":"GOOGL","i":465,"x":"D","p":105.31,"s":300,"a":"C","z":"C","t":"2023-04-06T13:15:42.83540958Z"}',
        TradeCancel("alpaca", "GOOGL", 1680786942835409580, RECV_NS, 465, 105.31, 300.0, "C", "D", "C"),
    ),
    "imbalance": (
        b'{"T":"i","S":"INAQU","p":9.12,"z":"C","t":"2024-12-13T19:58:09.242138635Z"}',
        Imbalance("alpaca", "INAQU", 1734119889242138635, RECV_NS, 9.12, "C"),
    ),
}  # fmt: skip
TRADE = b'{"T":"t","i":1,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}'


def packed(row: bytes, event_ns: int) -> dict[str, Any]:
    """A row of JSON as MessagePack has it: its time is an extension."""
    seconds, nanoseconds = divmod(event_ns, SECOND_NS)
    stamp = (nanoseconds << 34 | seconds).to_bytes(8, "big")
    return {**msgspec.json.decode(row), "t": msgspec.msgpack.Ext(-1, stamp)}


@pytest.fixture
def reader() -> AlpacaNotices:
    found = IEX.notice_reader()
    assert found is not None
    return found


@pytest.mark.parametrize("name", SHEET)
def test_the_sheets_examples(name: str, reader: AlpacaNotices) -> None:
    row, notice = SHEET[name]
    assert reader.read(b"[" + row + b"]", RECV_NS) == [notice]
    other = IEX.notice_reader("msgpack")
    assert other is not None
    assert other.read(msgspec.msgpack.encode([packed(row, notice.event_ns)]), RECV_NS) == [notice]


def test_among_market_data_and_in_order(reader: AlpacaNotices) -> None:
    rows = [row for row, _ in SHEET.values()]
    payload = b"[" + b",".join([TRADE, *rows, b'{"T":"z","S":"AAPL"}', TRADE, rows[0]]) + b"]"
    assert reader.read(payload, RECV_NS) == [*(notice for _, notice in SHEET.values()), SHEET["halt"][1]]


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"T":"success","msg":"connected"}]',
        b'[{"T":"subscription","trades":["AAPL"],"statuses":["AAPL"]}]',
        b'[{"T":"error","code":406,"msg":"connection limit exceeded"}]',
        b'[{"T":"z","S":"AAPL"}]',
    ],
)
def test_what_concerns_the_connection_is_no_notice(payload: bytes, reader: AlpacaNotices) -> None:
    assert reader.read(payload, RECV_NS) == []


@pytest.mark.parametrize(
    ("code", "halted"),
    [("H", True), ("P", True), ("2", True), ("T", False), ("3", False), ("Q", None), ("F", None), ("new", None)],
)
def test_which_codes_halt(code: str, halted: bool | None, reader: AlpacaNotices) -> None:
    payload = b'[{"T":"s","S":"AAPL","sc":"%s","t":"2021-02-22T19:15:00Z"}]' % code.encode()
    (status,) = reader.read(payload, RECV_NS)
    assert isinstance(status, TradingStatus)
    assert (status.code, status.halted, status.text, status.tape) == (code, halted, "", "")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b'{"T":"s","S":"AAPL","t":"2021-02-22T19:15:00Z"}', "missing required field `sc`"),
        (b'{"T":"l","S":"AAPL","u":"3.24","d":2.65,"t":"2021-02-22T19:15:00Z"}', "Expected `float`, got `str`"),
        (b'{"T":"x","S":"AAPL","i":1.5,"p":1,"s":1,"t":"2021-02-22T19:15:00Z"}', "Expected `int`, got `float`"),
    ],
)
def test_what_is_not_as_documented_is_refused(row: bytes, said: str, reader: AlpacaNotices) -> None:
    with pytest.raises(ValueError, match=f"a notice of alpaca cannot be read: .*{re.escape(said)}"):
        reader.read(b"[" + row + b"]", RECV_NS)
