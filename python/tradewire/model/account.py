"""What an account holds, as a venue tells it. Types only; our own book-keeping is not here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Balance", "Position"]


@dataclass(frozen=True, slots=True)
class Position:
    """A holding in one instrument.

    Attributes:
        symbol: in the venue's spelling.
        quantity: below 0 is short.
        entry_price: average; None where the venue does not tell.
    """

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount of one currency.

    Attributes:
        asset: `USD`, `USDT`, ...
        free: may be used for orders.
        locked: in open orders.
    """

    asset: str
    free: Decimal
    locked: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked
