"""What venues say about symbols besides trading in them: halts, price bands, imbalances, trades taken back. No I/O.

Not market data records: these are few, hold text, and reach callbacks and `events()` as objects only. In `batches()`
each is a Control record of status notice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["NOTICES", "Imbalance", "Notice", "PriceBand", "TradeCancel", "TradeCorrection", "TradingStatus"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Common to all of them; `notice["symbol"]` works as well as `notice.symbol`.

    Attributes:
        event_ns: venue time, ns since 1970; 0 where the venue gives none.
        recv_ns: when it was read, ns since 1970.
    """

    venue: str
    symbol: str
    event_ns: int
    recv_ns: int

    def __getitem__(self, name: str, /) -> Any:
        if any(each.name == name for each in fields(self)):
            return getattr(self, name)
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class TradingStatus(Notice):
    """Trading in a symbol was halted or resumed, or something else about it changed.

    Attributes:
        halted: True: trading stops. False: it goes on. None: neither is said, what was true stays true.
        code: the venue's code of the status.
        text: the same in words.
        reason_code: the venue's code of the reason; empty where there is none, like all that follows.
        reason: the same in words.
        tape: where the symbol is listed, in the venue's letter.
    """

    halted: bool | None
    code: str
    text: str
    reason_code: str
    reason: str
    tape: str


@dataclass(frozen=True, slots=True)
class PriceBand(Notice):
    """Prices outside of which a symbol does not trade for now (limit up, limit down).

    Attributes:
        up_price: the highest allowed.
        down_price: the lowest allowed.
        indicator: the venue's letter.
        tape: where the symbol is listed, in the venue's letter.
    """

    up_price: float
    down_price: float
    indicator: str
    tape: str


@dataclass(frozen=True, slots=True)
class Imbalance(Notice):
    """Orders for an auction do not match.

    Attributes:
        price: at which the imbalance is.
        tape: where the symbol is listed, in the venue's letter.
    """

    price: float
    tape: str


@dataclass(frozen=True, slots=True)
class TradeCorrection(Notice):
    """A trade that was told was wrong, and is another one now.

    Attributes:
        trade_id: of the trade as it was told.
        price, quantity: as they were told.
        corrected_id: of the trade as it is now.
        corrected_price, corrected_quantity: as they are now.
        exchange: where it happened, in the venue's letter.
        tape: where the symbol is listed, in the venue's letter.
    """

    trade_id: int
    price: float
    quantity: float
    corrected_id: int
    corrected_price: float
    corrected_quantity: float
    exchange: str
    tape: str


@dataclass(frozen=True, slots=True)
class TradeCancel(Notice):
    """A trade that was told does not count.

    Attributes:
        trade_id: of the trade.
        price, quantity: as they were told.
        action: the venue's letter: cancelled, or an error.
        exchange: where it happened, in the venue's letter.
        tape: where the symbol is listed, in the venue's letter.
    """

    trade_id: int
    price: float
    quantity: float
    action: str
    exchange: str
    tape: str


#: All of them.
NOTICES: tuple[type[Notice], ...] = (TradingStatus, PriceBand, Imbalance, TradeCorrection, TradeCancel)
