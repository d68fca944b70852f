"""What can be traded at a venue, and in which steps. Exact decimals; not the state of a market."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

__all__ = ["Instrument", "InstrumentStatus"]


class InstrumentStatus(Enum):
    """Whether it can be traded now."""

    TRADING = "trading"
    PAUSED = "paused"
    """Not yet, or not at the moment."""
    ENDED = "ended"
    """Never again."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument of a venue.

    Attributes:
        name: in the venue's spelling (`BTCUSDT`).
        venue: as in `StreamingGateway(venue=...)`.
        base: what is bought and sold.
        quote: what prices are in.
        price_step: prices are multiples of it; 0: any.
        quantity_step: quantities are multiples of it; 0: any.
        min_quantity: in base units; 0: none.
        min_notional: price times quantity, in quote units; 0: none.
        status: whether it can be traded now.
    """

    name: str
    venue: str
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    status: InstrumentStatus
