"""What Alpaca's stream errors mean for us (venue sheet section 3.7). Not for the trading API's errors."""

from __future__ import annotations

from enum import Enum

__all__ = ["Meaning", "advice", "meaning"]


class Meaning(Enum):
    """What to do about an error."""

    FATAL = "fatal"
    """Every new connection would end the same way: a person has to look."""
    BROKEN = "broken"
    """Connect again, later."""
    REFUSED = "refused"
    """The request is refused; what was granted before stays."""
    HARMLESS = "harmless"
    """Nothing."""


_CODES: dict[int, tuple[Meaning, str]] = {
    400: (Meaning.REFUSED, "a symbol that Alpaca does not know, perhaps"),
    401: (Meaning.BROKEN, ""),
    402: (Meaning.FATAL, "check ALPACA_API_KEY and ALPACA_SECRET_KEY"),
    403: (Meaning.HARMLESS, ""),
    404: (Meaning.BROKEN, ""),
    405: (Meaning.REFUSED, "the plan's number of symbols is used up; none of this request's was subscribed"),
    # Also for tens of seconds after a connection of ours was lost.
    406: (Meaning.BROKEN, "another connection to this endpoint is open"),
    407: (Meaning.BROKEN, "this program reads too slowly"),
    408: (Meaning.FATAL, "the account may not use this feed"),
    409: (Meaning.FATAL, "the account's plan does not include this feed"),
    410: (Meaning.REFUSED, "this feed has no such channel"),
    411: (Meaning.FATAL, "the key may not read market data"),
    412: (Meaning.FATAL, "use codec msgpack"),
    413: (Meaning.REFUSED, "name the symbols"),
    500: (Meaning.BROKEN, ""),
}


def meaning(code: int) -> Meaning | None:
    """What an error says; None: a code that nobody has written down."""
    found = _CODES.get(code)
    return None if found is None else found[0]


def advice(code: int, message: str) -> str:
    """The venue's words, and what they mean to whoever reads them."""
    found = _CODES.get(code)
    return f"{message}: {found[1]}" if found is not None and found[1] else message
