"""Who may use the simulated Alpaca venue, and how much: credentials, plan, symbol limit, calls a minute. No sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Accounts", "Plan"]

#: `basic` is the free one: no `sip`, 30 symbols for trades and quotes, 200 calls a minute; `plus` has 10,000 calls.
Plan = Literal["basic", "plus"]

_BASIC_SYMBOLS = 30
_CALLS_PER_MINUTE = {"basic": 200, "plus": 10_000}


class Accounts:
    """Credentials that are good.

    Args:
        credentials: key -> secret; None takes any pair that is not empty.
        plan: of all of them.

    Attributes:
        is_paid: whether the plan has the paid feeds.
        calls_per_minute: of a key.
    """

    def __init__(self, credentials: Mapping[str, str] | None = None, plan: Plan = "plus") -> None:
        if plan not in _CALLS_PER_MINUTE:
            raise ValueError(f"plan must be one of {', '.join(_CALLS_PER_MINUTE)}, was {plan!r}")
        self._credentials = None if credentials is None else dict(credentials)
        self.is_paid = plan == "plus"
        self.calls_per_minute = _CALLS_PER_MINUTE[plan]

    def problem(self, key: Any, secret: Any) -> int | None:
        """The error code of bad credentials."""
        if not (isinstance(key, str) and isinstance(secret, str)):
            return 400
        good = bool(key and secret) if self._credentials is None else self._credentials.get(key) == secret
        return None if good else 402

    def is_over(self, lists: Mapping[str, Mapping[str, None]]) -> bool:
        """Whether subscriptions pass the symbol limit of the plan; bars are not counted, `*` is everything."""
        if self.is_paid:
            return False
        names = {*lists.get("trades", {}), *lists.get("quotes", {})}
        return "*" in names or len(names) > _BASIC_SYMBOLS
