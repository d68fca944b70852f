"""Alpaca market data messages: their fields, and their two codecs (JSON, MessagePack). No state.

A message is a dict whose first key is `T` and whose time `t` is an integer of nanoseconds; the codec decides what the
time looks like on the wire.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from tradewire.sim.matching import BUY, SELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tradewire.sim.alpaca_tape import Print, Top
    from tradewire.sim.history import Bar
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

__all__ = ["Message", "json_array", "json_item", "msgpack_array", "msgpack_item", "timestamp_text"]

Message = dict[str, Any]

_SECOND_NS = 1_000_000_000
_ROUND_LOT = 100
_LULD_BAND = 0.05
_TIMESTAMP = -1
_HALTED = (("H", "Trading Halt"), ("T1", "Halt News Pending"))
_RESUMED = (("T", "Trading Resumption"), ("LUDP", "Volatility Trading Pause"))
_pack = msgspec.msgpack.Encoder().encode
_text = msgspec.json.Encoder().encode


def timestamp_text(ns: int) -> str:
    """RFC 3339 in UTC, with as many digits as the fraction needs."""
    seconds, fraction = divmod(ns, _SECOND_NS)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".") + "Z" if fraction else f"{whole}Z"


def _timestamp_extension(ns: int) -> msgspec.msgpack.Ext:
    """The 4-byte form for full seconds, the 8-byte form otherwise (MessagePack specification, Timestamp type)."""
    seconds, fraction = divmod(ns, _SECOND_NS)
    if not fraction and seconds < 1 << 32:
        return msgspec.msgpack.Ext(_TIMESTAMP, seconds.to_bytes(4, "big"))
    return msgspec.msgpack.Ext(_TIMESTAMP, (fraction << 34 | seconds).to_bytes(8, "big"))


def json_item(message: Message) -> bytes:
    """JSON of one message; whole numbers have no fraction, as the venue's own encoder leaves it out."""
    shown = {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in message.items()
    }
    if "t" in message:
        shown["t"] = timestamp_text(message["t"])
    return _text(shown)


def msgpack_item(message: Message) -> bytes:
    """MessagePack of one message, with the Timestamp extension."""
    return _pack({**message, "t": _timestamp_extension(message["t"])} if "t" in message else message)


def json_array(items: Sequence[bytes]) -> bytes:
    """Several messages as one JSON text."""
    return b"[" + b",".join(items) + b"]"


def msgpack_array(items: Sequence[bytes]) -> bytes:
    """Several messages as one MessagePack array."""
    count = len(items)
    if count < 16:
        head = bytes((0x90 | count,))
    elif count < 1 << 16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return head + b"".join(items)


def _price(instrument: Instrument, ticks: int) -> float:
    return float(instrument.price_text[ticks])


def _size(instrument: Instrument, lots: int) -> float | int:
    """Shares are whole, coins are not."""
    return lots if is_stock(instrument) else float(instrument.quantity_text[lots])


def is_stock(instrument: Instrument) -> bool:
    """Whether it is a stock; otherwise it is a crypto pair."""
    return "/" not in instrument.symbol


def trade(instrument: Instrument, item: Print) -> Message:
    """Kind `t`."""
    message: Message = {
        "T": "t",
        "S": instrument.symbol,
        "i": item.trade_id,
        "p": _price(instrument, item.price),
        "s": _size(instrument, item.lots),
        "t": item.ns,
    }
    if is_stock(instrument):
        return message | {"x": item.exchange, "c": list(item.conditions), "z": "C"}
    return message | {"tks": "S" if item.seller_took else "B"}


def quote(instrument: Instrument, top: Top) -> Message:
    """Kind `q`; sizes of stocks are in round lots."""
    if not is_stock(instrument):
        return {
            "T": "q",
            "S": instrument.symbol,
            "bp": _price(instrument, top.bid),
            "bs": _size(instrument, top.bid_lots),
            "ap": _price(instrument, top.ask),
            "as": _size(instrument, top.ask_lots),
            "t": top.ns,
        }
    return {
        "T": "q",
        "S": instrument.symbol,
        "bx": "V",
        "bp": _price(instrument, top.bid),
        "bs": max(1, top.bid_lots // _ROUND_LOT),
        "ax": "V",
        "ap": _price(instrument, top.ask),
        "as": max(1, top.ask_lots // _ROUND_LOT),
        "t": top.ns,
        "c": ["R"],
        "z": "C",
    }


def bar(instrument: Instrument, item: Bar, kind: str) -> Message:
    """Kinds `b` (minute), `u` (corrected minute) and `d` (day)."""
    average = item.value / item.lots if item.lots else item.close
    return {
        "T": kind,
        "S": instrument.symbol,
        "o": _price(instrument, item.open),
        "h": _price(instrument, item.high),
        "l": _price(instrument, item.low),
        "c": _price(instrument, item.close),
        "v": _size(instrument, item.lots),
        "n": item.count,
        "vw": round(average * instrument.tick, 6),
        "t": item.start_ms * 1_000_000,
    }


def status(instrument: Instrument, halted: bool, ns: int) -> Message:
    """Kind `s`: trading is halted for news, or goes on after a volatility pause."""
    code, reason = _HALTED if halted else _RESUMED
    return {
        "T": "s",
        "S": instrument.symbol,
        "sc": code[0],
        "sm": code[1],
        "rc": reason[0],
        "rm": reason[1],
        "t": ns,
        "z": "C",
    }


def luld(instrument: Instrument, last_price: int, ns: int) -> Message:
    """Kind `l`: the price band."""
    return {
        "T": "l",
        "S": instrument.symbol,
        "u": _price(instrument, round(last_price * (1 + _LULD_BAND))),
        "d": _price(instrument, round(last_price * (1 - _LULD_BAND))),
        "i": "B",
        "t": ns,
        "z": "C",
    }


def imbalance(instrument: Instrument, price: int, ns: int) -> Message:
    """Kind `i`."""
    return {"T": "i", "S": instrument.symbol, "p": _price(instrument, price), "z": "C", "t": ns}


def correction(instrument: Instrument, wrong: Print, right: Print, ns: int) -> Message:
    """Kind `c`: `o*` is what was said, `c*` is what it is now."""
    return {
        "T": "c",
        "S": instrument.symbol,
        "x": wrong.exchange,
        "oi": wrong.trade_id,
        "op": _price(instrument, wrong.price),
        "os": wrong.lots,
        "oc": list(wrong.conditions),
        "ci": right.trade_id,
        "cp": _price(instrument, right.price),
        "cs": right.lots,
        "cc": list(right.conditions),
        "z": "C",
        "t": ns,
    }


def cancel_error(instrument: Instrument, item: Print, ns: int) -> Message:
    """Kind `x`: a trade that did not happen."""
    return {
        "T": "x",
        "S": instrument.symbol,
        "i": item.trade_id,
        "x": item.exchange,
        "p": _price(instrument, item.price),
        "s": item.lots,
        "a": "C",
        "z": "C",
        "t": ns,
    }


def _levels(instrument: Instrument, levels: Iterable[tuple[int, int]]) -> list[dict[str, float]]:
    return [{"p": _price(instrument, price), "s": float(instrument.quantity_text[lots])} for price, lots in levels]


def book_snapshot(pit: Pit, ns: int) -> Message:
    """Kind `o` with `r`: the whole book."""
    item, book = pit.instrument, pit.book
    bids, asks = book.top(BUY, len(book.bids)), book.top(SELL, len(book.asks))
    return {"T": "o", "S": item.symbol, "t": ns, "b": _levels(item, bids), "a": _levels(item, asks), "r": True}


def book_delta(pit: Pit, changed: Iterable[int], ns: int) -> Message:
    """Kind `o` without `r`: levels that changed, 0 deletes; `changed` are keys of the book."""
    item, totals = pit.instrument, pit.book.totals.get
    keys = sorted(changed, reverse=True)
    bids = [(key, totals(key, 0)) for key in keys if key > 0]
    asks = [(-key, totals(key, 0)) for key in keys if key < 0]
    return {"T": "o", "S": item.symbol, "t": ns, "b": _levels(item, bids), "a": _levels(item, asks)}
