"""What the simulated venue lists: tick, step and starting price of each symbol. No market state.

Prices are whole ticks and quantities whole lots everywhere in the simulator; only this module turns them into text.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

__all__ = ["ALPACA_SYMBOLS", "DEFAULT_SYMBOLS", "Instrument", "alpaca_instrument", "instrument", "spot_instrument"]

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
#: FAKEPACA is the one symbol of Alpaca's test stream; names with a slash are crypto pairs.
ALPACA_SYMBOLS = ("AAPL", "MSFT", "BTC/USD", "ETH/USD", "FAKEPACA")

_TEXT_LIMIT = 20_000
_VALUE_DECIMALS = 8


class _Text(dict[int, str]):
    """Decimal text of a number of ticks or lots, remembered because prices and sizes come back all the time."""

    def __init__(self, unit: float, decimals: int) -> None:
        super().__init__()
        self._unit = unit
        self._decimals = decimals

    def __missing__(self, count: int) -> str:
        if len(self) >= _TEXT_LIMIT:
            self.clear()
        text = self[count] = f"{count * self._unit:.{self._decimals}f}"
        return text


@dataclass(frozen=True)
class Instrument:
    """One perpetual contract.

    Attributes:
        symbol: the venue's upper-case name.
        base: base asset.
        quote: quote and margin asset.
        tick: price step; prices in the simulator are counts of it.
        step: quantity step; quantities in the simulator are counts of it (lots).
        price_decimals: digits after the point in price text (may exceed those of `tick`, as on the venue).
        quantity_decimals: digits after the point in quantity text.
        start_price: where the market opens, in ticks.
        typical_lots: scale of order sizes.
    """

    symbol: str
    base: str
    quote: str
    tick: float
    step: float
    price_decimals: int
    quantity_decimals: int
    start_price: int
    typical_lots: int
    price_text: _Text = field(init=False, repr=False, compare=False)
    quantity_text: _Text = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "price_text", _Text(self.tick, self.price_decimals))
        object.__setattr__(self, "quantity_text", _Text(self.step, self.quantity_decimals))

    @cached_property
    def stream_name(self) -> str:
        """The symbol as stream names spell it."""
        return self.symbol.lower()

    def value_text(self, ticks_times_lots: int) -> str:
        """Quote value of a sum of ticks x lots, as text."""
        decimals = min(_VALUE_DECIMALS, self.price_decimals + self.quantity_decimals)
        return f"{ticks_times_lots * (self.tick * self.step):.{decimals}f}"


#: (price, tick, step, decimals of price text, decimals of quantity text)
_Row: TypeAlias = tuple[float, float, float, int, int]

_LISTED: dict[str, _Row] = {
    "BTCUSDT": (83_084.30, 0.10, 0.001, 2, 3),
    "ETHUSDT": (3_120.55, 0.01, 0.001, 2, 3),
    "BNBUSDT": (905.370, 0.010, 0.01, 3, 2),
    "SOLUSDT": (148.2100, 0.0100, 0.01, 4, 2),
    "XRPUSDT": (2.1345, 0.0001, 0.1, 4, 1),
    "DOGEUSDT": (0.165430, 0.000010, 1.0, 6, 0),
    "ADAUSDT": (0.48210, 0.00010, 1.0, 5, 0),
    "LINKUSDT": (14.872, 0.001, 0.01, 3, 2),
    "币安人生USDT": (0.1472000, 0.0001, 1.0, 7, 0),
}
_TYPICAL_ORDER = 12_000.0


def instrument(symbol: str) -> Instrument:
    """The contract of a symbol. One that is not in the table gets a price of its own between 10 and 110.

    Raises:
        ValueError: the name is not an upper-case symbol quoted in USDT or USDC.
    """
    quote = symbol[-4:]
    if quote not in ("USDT", "USDC") or len(symbol) < 5 or symbol != symbol.upper():
        raise ValueError(f"symbol must be an upper-case name ending in USDT or USDC, was {symbol!r}")
    unlisted = (10 + zlib.crc32(symbol.encode()) % 100_000 / 1000, 0.001, 0.01, 3, 2)
    return _made(symbol, symbol[:-4], quote, _LISTED.get(symbol, unlisted))


def spot_instrument(symbol: str) -> Instrument:
    """The pair of a symbol on Spot, which writes all prices and quantities with eight digits.

    Raises:
        ValueError: as for `instrument`.
    """
    return replace(instrument(symbol), price_decimals=8, quantity_decimals=8)


#: symbol -> price
_STOCKS = {"AAPL": 272.41, "MSFT": 481.63, "SPY": 664.39, "TSLA": 391.09, "NVDA": 178.88, "FAKEPACA": 134.65}
_PAIRS: dict[str, _Row] = {
    "BTC/USD": (83_084.30, 0.01, 0.00001, 3, 9),
    "ETH/USD": (3_120.55, 0.01, 0.0001, 3, 9),
    "SOL/USD": (148.21, 0.001, 0.001, 3, 9),
}


def alpaca_instrument(symbol: str) -> Instrument:
    """A stock, or with a slash a crypto pair. One that is in neither table gets a price between 10 and 110.

    Raises:
        ValueError: the name is not upper-case letters and digits, with a dot or one slash perhaps.
    """
    base, slash, quote = symbol.partition("/")
    if not (base and symbol.isascii() and symbol == symbol.upper() and base.replace(".", "").isalnum()):
        raise ValueError(f"symbol must be like AAPL or BTC/USD, was {symbol!r}")
    if slash and not quote.isalnum():
        raise ValueError(f"symbol must be like AAPL or BTC/USD, was {symbol!r}")
    own = 10 + zlib.crc32(symbol.encode()) % 100_000 / 1000
    row = _PAIRS.get(symbol, (own, 0.001, 0.001, 3, 9)) if slash else (_STOCKS.get(symbol, own), 0.01, 1.0, 2, 0)
    return _made(symbol, base, quote or "USD", row)


def _made(symbol: str, base: str, quote: str, row: _Row) -> Instrument:
    price, tick, step, price_decimals, quantity_decimals = row
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick=tick,
        step=step,
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        start_price=round(price / tick),
        typical_lots=max(1, round(_TYPICAL_ORDER / price / step)),
    )
