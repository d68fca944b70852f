"""Credentials as venues use them. Shows no secret: fields are `Secret` values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Credential"]


class _Revealing(Protocol):
    def reveal(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """One account's key at a venue.

    Attributes:
        api_key: names the account.
        secret_key: proves it; None where the method has none.
    """

    api_key: _Revealing
    secret_key: _Revealing | None = None
