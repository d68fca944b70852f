"""Halts, price bands, imbalances, corrected and cancelled trades of Alpaca's stock streams (venue sheet section 3.3).

Not for market data, which the field plan reads: a record has no room for what these say. The plan reads their symbols
and times, in both codecs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tradewire.core import Control, Decoder
from tradewire.model.notices import Imbalance, Notice, PriceBand, TradeCancel, TradeCorrection, TradingStatus

if TYPE_CHECKING:
    from tradewire.core.plan import FieldPlan

__all__ = ["AlpacaNotices"]

#: Of tapes A and B: 2 halt, 3 resume; of tape C: H halt, P volatility pause, T trading resumed. Q (quotation resumed)
#: and the others neither halt nor resume trading. No code means two things.
_HALTED = {"2": True, "H": True, "P": True, "3": False, "T": False}


class _Row(msgspec.Struct):
    kind: str = msgspec.field(name="T", default="")


class _Status(msgspec.Struct):
    sc: str
    sm: str = ""
    rc: str = ""
    rm: str = ""
    z: str = ""


class _Band(msgspec.Struct):
    u: float
    d: float
    i: str = ""
    z: str = ""


class _Imbalance(msgspec.Struct):
    p: float
    z: str = ""


class _Correction(msgspec.Struct):
    oi: int
    op: float
    os: float
    ci: int
    cp: float
    cs: float
    x: str = ""
    z: str = ""


class _Cancel(msgspec.Struct):
    i: int
    p: float
    s: float
    a: str = ""
    x: str = ""
    z: str = ""


class _Header(NamedTuple):
    venue: str
    symbol: str
    event_ns: int
    recv_ns: int


def _status(header: _Header, row: _Status) -> Notice:
    return TradingStatus(*header, _HALTED.get(row.sc), row.sc, row.sm, row.rc, row.rm, row.z)


def _band(header: _Header, row: _Band) -> Notice:
    return PriceBand(*header, row.u, row.d, row.i, row.z)


def _imbalance(header: _Header, row: _Imbalance) -> Notice:
    return Imbalance(*header, row.p, row.z)


def _correction(header: _Header, row: _Correction) -> Notice:
    return TradeCorrection(*header, row.oi, row.op, row.os, row.ci, row.cp, row.cs, row.x, row.z)


def _cancel(header: _Header, row: _Cancel) -> Notice:
    return TradeCancel(*header, row.i, row.p, row.s, row.a, row.x, row.z)


_KINDS: Mapping[str, tuple[type[msgspec.Struct], Callable[[_Header, Any], Notice]]] = {
    "s": (_Status, _status),
    "l": (_Band, _band),
    "i": (_Imbalance, _imbalance),
    "c": (_Correction, _correction),
    "x": (_Cancel, _cancel),
}


class AlpacaNotices:
    """Implements `venues.base.NoticeReader`.

    Args:
        plan: of the feed.
        codec: `json` or `msgpack`.
    """

    def __init__(self, plan: FieldPlan, codec: str = "json") -> None:
        binary = codec == "msgpack"
        self._venue = plan.venue
        self._decoder = Decoder(replace(plan, codec="msgpack" if binary else "json"))
        make: Any = msgspec.msgpack.Decoder if binary else msgspec.json.Decoder
        self._rows = make(list[msgspec.Raw])
        self._row = make(_Row)
        self._readers = {kind: make(known) for kind, (known, _) in _KINDS.items()}

    def read(self, payload: bytes, recv_ns: int) -> list[Notice]:
        """The notices of one payload, in order.

        Raises:
            ValueError: one of them is not as the venue documents it.
        """
        try:
            kinds = [(self._row.decode(row).kind, row) for row in self._rows.decode(payload)]
            found = [(kind, self._readers[kind].decode(row)) for kind, row in kinds if kind in _KINDS]
        except msgspec.MsgspecError as error:
            raise ValueError(f"a notice of {self._venue} cannot be read: {error}") from error
        if not found:
            return []
        headers = [
            _Header(event.venue, event.symbol, event.event_ns, event.recv_ns)
            for event in self._decoder.decode(payload, recv_ns)
            if type(event) is Control and event.status == "notice"
        ]
        return [_KINDS[kind][1](header, row) for header, (kind, row) in zip(headers, found, strict=True)]
