"""Figures of perpetual futures that come by request: funding payments and open interest. Not the mark price event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["FundingRate", "OpenInterest"]


@dataclass(frozen=True, slots=True)
class FundingRate:
    """One funding payment.

    Attributes:
        name: of the instrument.
        venue: which.
        rate: of the notional; longs pay shorts when it is above 0.
        mark_price: at that time; None where the venue does not say.
        time_ns: ns since 1970 UTC.
    """

    name: str
    venue: str
    rate: Decimal
    mark_price: Decimal | None
    time_ns: int


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open positions of an instrument.

    Attributes:
        name: of the instrument.
        venue: which.
        quantity: in base units, one side counted.
        time_ns: ns since 1970 UTC.
    """

    name: str
    venue: str
    quantity: Decimal
    time_ns: int
