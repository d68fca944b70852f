"""Credentials as venues use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Credential"]


@dataclass(frozen=True, slots=True)
class Credential:
    """TEMP until the auth room lands."""

    api_key: Any
    secret_key: Any
    method: str = "api_key"
