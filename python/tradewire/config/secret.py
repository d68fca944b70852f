"""A text that never shows itself: keys, secrets, tokens. Not encryption (`encryption.py`), only discretion."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["Secret"]

_MASK = "***"


class Secret:
    """Holds a text that `repr`, `str`, `format`, `vars` and logging show as `***`, and that refuses to be pickled.

    `reveal()` is the only way to the text. Comparison takes the same time wherever two texts differ. A copy is the
    same object. Python may keep further copies of the text in memory until they are collected: the discretion is
    about what is written down, not about the process's memory.

    Args:
        text: the secret.

    Raises:
        TypeError: not a text.
    """

    __slots__ = ("_reveal",)

    _reveal: Callable[[], str]

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            # The value is not shown: it may be the secret in another type.
            raise TypeError(f"a Secret holds a str, was given a {type(text).__name__}")
        # In a closure, so that no attribute holds the text.
        object.__setattr__(self, "_reveal", lambda: text)

    def reveal(self) -> str:
        """The text itself. Hand it on at once; never store, log or format it."""
        return self._reveal()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret cannot be changed")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # An environment variable that is no UTF-8 has lone surrogates in it.
        one, two = (each.reveal().encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(one, two)

    # A hash would be a fingerprint of the text, and a dict of secrets a way to show them.
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __repr__(self) -> str:
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; pass reveal() to where it is needed")
